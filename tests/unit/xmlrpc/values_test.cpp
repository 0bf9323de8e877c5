// Kinds of parameters that no operation has just now: times, objects, lists of objects.
#include "xmlrpc_support.hpp"

namespace pbx::xmlrpc {
namespace test {

// Not in an anonymous namespace: describeType() declares a conversion to them that nobody defines, which clang refuses
// for a type without linkage.
struct Point {
    std::int32_t x = 0;
    std::optional<std::string> label;
    static const ops::TypeDesc& describe() {
        static const auto type = ops::describeType<Point>("Point", ops::field<&Point::x>("x", "Across."),
                                                          ops::field<&Point::label>("label", "Its name."));
        return type;
    }
};
struct Drawing {
    UtcTime at;
    std::vector<Point> points;
    std::optional<Point> origin;
    static const ops::TypeDesc& describe() {
        static const auto type =
            ops::describeType<Drawing>("Drawing", ops::field<&Drawing::at>("at", "When."),
                                       ops::field<&Drawing::points>("points", "Where.", {.maxItems = 2}),
                                       ops::field<&Drawing::origin>("origin", "From where."));
        return type;
    }
};

} // namespace test
namespace {

using namespace test;

Drawing read(const std::string& params) {
    Drawing out;
    ops::CommonParams common;
    const auto called = parseCall(call("x", {params}));
    readParams(called.params, Drawing::describe(), &out, common);
    return out;
}
std::string problem(const std::string& params) {
    try {
        read(params);
        return "(none)";
    } catch (const Error& error) {
        return error.text();
    }
}
std::string at(std::string_view time) { return value("dateTime.iso8601", time); }

TEST(XmlRpcValues, readsTimes) {
    const auto timeOf = [](const std::string& inside) { return formatRfc3339(read(structOf({{"at", inside}})).at); };
    EXPECT_EQ(timeOf(text("2026-11-22T21:24:38Z")), "2026-11-22T21:24:38Z");
    EXPECT_EQ(timeOf(text("2026-11-22T21:24:38.5+01:00")), "2026-11-22T20:24:38.500000Z");
    EXPECT_EQ(timeOf(at("20261122T21:24:38")), "2026-11-22T21:24:38Z"); // without a zone: UTC
    for (const auto* form : {"20261122T21:24:38Z", "2026-11-22T21:24:38", "2026-11-22T21:24:38Z", "20261122T212438"})
        EXPECT_EQ(timeOf(at(form)), "2026-11-22T21:24:38Z") << form;
    EXPECT_EQ(timeOf(at("20261122T21:24:38.25")), "2026-11-22T21:24:38.250000Z");
    EXPECT_EQ(timeOf(at("20240229T00:00:00")), "2024-02-29T00:00:00Z");
    const std::string expected =
        "at: must be RFC 3339 text with a zone, such as 2026-11-22T21:24:38Z, or a dateTime.iso8601 in UTC";
    for (const auto& wrong : {text("2026-11-22T21:24:38"), text("20261122T21:24:38"), text("tomorrow"), text(""),
                              number(1'700'000'000), at("20260230T00:00:00")})
        EXPECT_EQ(problem(structOf({{"at", wrong}})), expected) << wrong;
    for (const auto* wrong : {"20261122T24:00:00", "20261122", "21:24:38", ""})
        EXPECT_EQ(problem(structOf({{"at", at(wrong)}})), "the body is not an XML-RPC methodCall") << wrong;
}

TEST(XmlRpcValues, namesTheFieldWithinObjectsAndLists) {
    const auto good = at("20261122T21:24:38");
    const auto point = structOf({{"x", number(3)}, {"label", text("a")}});
    const auto drawing =
        read(structOf({{"at", good}, {"points", arrayOf(point + structOf({{"x", number(-4)}}))}, {"origin", point}}));
    ASSERT_EQ(drawing.points.size(), 2U);
    EXPECT_EQ(drawing.points[0].label, "a");
    EXPECT_EQ(drawing.points[1].x, -4);
    EXPECT_FALSE(drawing.points[1].label);
    ASSERT_TRUE(drawing.origin);
    EXPECT_EQ(drawing.origin->x, 3);

    const auto points = [&](const std::string& inside) {
        return problem(structOf({{"at", good}, {"points", arrayOf(inside)}}));
    };
    EXPECT_EQ(points(point + structOf({{"x", text("3")}})), "points[1].x: must be an int of 32 bits");
    EXPECT_EQ(points(structOf({{"x", number(1)}, {"y", number(1)}})), "points[0].y: is not a parameter");
    EXPECT_EQ(points(structOf({})), "points[0].x: is required");
    EXPECT_EQ(points(number(1)), "points[0]: must be a struct");
    EXPECT_EQ(points(point + point + point), "points: must have at most 2 items");
    EXPECT_EQ(problem(structOf({{"at", good}, {"origin", text("here")}})), "origin: must be a struct");
    // the common parameters are those of the operation, not of its objects
    EXPECT_EQ(points(structOf({{"x", number(1)}, {"tenant", text("t")}})), "points[0].tenant: is not a parameter");
}

} // namespace
} // namespace pbx::xmlrpc
