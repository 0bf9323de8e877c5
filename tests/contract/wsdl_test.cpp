#include "soap-server/mapping_printer.hpp"
#include "soap-server/wsdl_printer.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>

namespace pbx::soap {
namespace {

struct Inner {
    std::string text;
    static const ops::TypeDesc& describe() {
        static const auto type = ops::describeType<Inner>("Inner", ops::field<&Inner::text>("text", "A text."));
        return type;
    }
};
struct OtherInner {
    std::string text;
    static const ops::TypeDesc& describe() {
        static const auto type =
            ops::describeType<OtherInner>("Inner", ops::field<&OtherInner::text>("text", "A text."));
        return type;
    }
};
struct Params {
    std::string name;
    std::optional<std::int32_t> limit;
    std::vector<std::string> tags;
    std::optional<UtcTime> from;
    static const ops::TypeDesc& describe() {
        static const auto type = ops::describeType<Params>(
            "Params", ops::field<&Params::name>("name", "A \"<name>\".", {.maxLength = 63}),
            ops::field<&Params::limit>("limit", "How many.", {.min = 1, .max = 500, .fallback = "100"}),
            ops::field<&Params::tags>("tags", "Tags.", {.maxItems = 16}),
            ops::field<&Params::from>("from", "Since when."));
        return type;
    }
};
struct Result {
    std::vector<Inner> items;
    OtherInner other;
    static const ops::TypeDesc& describe() {
        static const auto type = ops::describeType<Result>("Result", ops::field<&Result::items>("items", "Items."),
                                                           ops::field<&Result::other>("other", "Other."));
        return type;
    }
};
struct TenantTwice {
    std::string tenant;
    static const ops::TypeDesc& describe() {
        static const auto type =
            ops::describeType<TenantTwice>("TenantTwice", ops::field<&TenantTwice::tenant>("tenant", "A text."));
        return type;
    }
};

template <class P, class R>
ops::Operation operation(bool changes = false) {
    ops::Operation out{"thing.do_it", "Does \"it\" & more.", domain::anyRole};
    out.changes = changes;
    out.params = &P::describe;
    out.result = &R::describe;
    return out;
}
std::string printed(const ops::Operation& one) { return printWsdl({&one, 1}); }
bool has(std::string_view text, std::string_view part) { return text.find(part) != std::string_view::npos; }

TEST(Wsdl, equalsTheCommittedContract) {
    std::ifstream file(PBX_SOURCE_DIR "/wsdl/pbx.wsdl");
    const std::string committed{std::istreambuf_iterator<char>(file), {}};
    EXPECT_TRUE(committed == printWsdl(ops::catalogue()))
        << "wsdl/pbx.wsdl is not what the catalogue says. Partners build against it: a field or operation that is new "
           "is fine, one that "
           "is gone, renamed or newly required breaks them. If the change is meant: ninja wsdl-update.";
}

TEST(Wsdl, saysAnOperationInTheShapeThatClientsLike) {
    const auto wsdl = printed(operation<Params, Inner>());
    EXPECT_TRUE(has(wsdl, "<xs:element name=\"thingDoIt\">"));
    EXPECT_TRUE(has(wsdl, "<xs:element name=\"result\" type=\"t:Inner\"/>"));
    EXPECT_TRUE(has(wsdl, "<xs:element name=\"name\">"));
    EXPECT_TRUE(has(wsdl, "<xs:documentation>A &quot;&lt;name&gt;&quot;.</xs:documentation>"));
    EXPECT_TRUE(has(wsdl, "<xs:maxLength value=\"63\"/>"));
    EXPECT_TRUE(has(wsdl, "<xs:element name=\"limit\" minOccurs=\"0\">"));
    EXPECT_TRUE(has(wsdl, "<xs:documentation>How many. Left out: 100.</xs:documentation>"));
    EXPECT_TRUE(has(wsdl, "<xs:minInclusive value=\"1\"/>"));
    EXPECT_TRUE(has(wsdl, "<xs:maxInclusive value=\"500\"/>"));
    EXPECT_TRUE(has(wsdl, "<xs:element name=\"tags\" minOccurs=\"0\" maxOccurs=\"16\">"));
    EXPECT_TRUE(has(wsdl, "<xs:element name=\"from\" type=\"xs:dateTime\" minOccurs=\"0\">"));
    EXPECT_TRUE(has(wsdl, "<xs:element name=\"tenant\" minOccurs=\"0\">"));
    EXPECT_FALSE(has(wsdl, "idempotency_key"));
    EXPECT_TRUE(has(printed(operation<Params, Inner>(true)), "idempotency_key"));
    EXPECT_TRUE(has(wsdl, "<wsdl:documentation>Does &quot;it&quot; &amp; more.</wsdl:documentation>"));
    EXPECT_FALSE(has(wsdl, "nillable"));
}

TEST(Wsdl, refusesNamesThatClash) {
    EXPECT_THROW(printed(operation<Params, Result>()), std::logic_error);     // two types "Inner"
    EXPECT_THROW(printed(operation<TenantTwice, Inner>()), std::logic_error); // its own and the common `tenant`
}

TEST(Mapping, fillsObjectsInRequestsOnceEach) {
    const std::vector<ops::Operation> two{operation<Result, Inner>(), operation<Result, Inner>(true)};
    const auto mapping = printMapping(two);
    const auto fills = mapping.find("void fill_Inner(FieldWriter& object, const v1__Inner& in)");
    ASSERT_NE(fills, std::string::npos) << mapping;
    EXPECT_EQ(mapping.find("void fill_Inner", fills + 1), std::string::npos) << mapping;
    EXPECT_TRUE(has(mapping, "&fill_Inner);")) << mapping;
}

} // namespace
} // namespace pbx::soap
