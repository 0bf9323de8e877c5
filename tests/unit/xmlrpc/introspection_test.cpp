// What this face answers by itself: the names and shapes of methods, and several calls in one.
#include "ops/catalogue/directory.hpp"
#include "ops/catalogue/live.hpp"
#include "xmlrpc_support.hpp"

namespace pbx::xmlrpc {
namespace {

using namespace test;

std::string entry(std::string_view method, const std::string& params = "") {
    return structOf({{"methodName", text(method)}, {"params", arrayOf(params)}});
}
std::string multicall(const std::string& entries) { return call("system.multicall", {arrayOf(entries)}); }
std::string faultStruct(int code, std::string_view said) {
    return structOf({{"faultCode", number(code)}, {"faultString", text(std::string(said) + " [request r-1]")}});
}

ops::Outcome oneQueue(const ops::Operation&) { return ops::Value::of(ops::Done{"q1"}); }
const std::string oneResult = arrayOf(structOf({{"id", text("q1")}}));

TEST_F(XmlRpcCodec, listsItsMethods) {
    std::string names;
    for (const auto& operation : ops::catalogue()) names += text(operation.name);
    for (const auto* own : {"system.getCapabilities", "system.listMethods", "system.methodHelp",
                            "system.methodSignature", "system.multicall"})
        names += text(own);
    EXPECT_EQ(answered(call("system.listMethods")), arrayOf(names));
    EXPECT_EQ(door.calls, 0);
}

TEST_F(XmlRpcCodec, explainsEveryMethod) {
    for (const auto& operation : ops::catalogue()) {
        const std::string name(operation.name);
        EXPECT_EQ(answered(call("system.methodSignature", {text(name)})),
                  arrayOf(arrayOf(text("struct") + text("struct"))));
        const auto help = answered(call("system.methodHelp", {text(name)}));
        for (const auto* type : {&operation.params(), &operation.result(), &ops::CommonParams::describe()})
            for (const auto& field : type->fields)
                EXPECT_NE(help.find("\n  " + std::string(field.name) + " ("), std::string::npos) << name << "\n"
                                                                                                 << help;
    }
    const auto help = answered(call("system.methodHelp", {text("queue.list")}));
    EXPECT_NE(help.find("\n  limit (int, optional): "), std::string::npos) << help;
    EXPECT_NE(help.find("\n  items (array, optional): "), std::string::npos) << help;
    EXPECT_NE(help.find("\n  stale (boolean): "), std::string::npos) << help;

    EXPECT_EQ(answered(call("system.methodSignature", {text("system.listMethods")})), arrayOf(arrayOf(text("array"))));
    EXPECT_EQ(answered(call("system.methodSignature", {text("system.methodHelp")})),
              arrayOf(arrayOf(text("string") + text("string"))));
    EXPECT_EQ(answered(call("system.methodSignature", {text("system.multicall")})),
              arrayOf(arrayOf(text("array") + text("array"))));
    EXPECT_EQ(answered(call("system.methodHelp", {text("system.listMethods")})), text("The names of all methods."));
    EXPECT_EQ(answered(call("system.getCapabilities")),
              structOf({{"introspect",
                         structOf({{"specUrl", text("http://xmlrpc-c.sourceforge.net/xmlrpc-c/introspection.html")},
                                   {"specVersion", number(1)}})},
                        {"faults_interop",
                         structOf({{"specUrl", text("http://xmlrpc-epi.sourceforge.net/specs/rfc.fault_codes.php")},
                                   {"specVersion", number(20010516)}})}}));
    EXPECT_EQ(door.calls, 0);
}

TEST_F(XmlRpcCodec, explainsNothingThatDoesNotExist) {
    for (const auto* asking : {"system.methodHelp", "system.methodSignature"}) {
        refused(call(asking, {text("queue.burn")}), 103, "not_found: no method \"queue.burn\"");
        refused(call(asking), invalidArgument, "invalid_argument: takes one string: a method's name");
        refused(call(asking, {text("a"), text("b")}), invalidArgument,
                "invalid_argument: takes one string: a method's name");
        refused(call(asking, {number(1)}), invalidArgument, "invalid_argument: method: must be a string");
    }
}

TEST_F(XmlRpcCodec, answersSeveralCallsInOne) {
    door.answer = [](const ops::Operation& called) -> ops::Outcome {
        if (called.name == "queue.get") throw Error::notFound("queue", "x<y");
        return oneQueue(called);
    };
    const auto id = structOf({{"id", text("x")}});
    EXPECT_EQ(answered(multicall(entry("queue.delete", id) + entry("queue.get", id) + entry("queue.burn") +
                                 entry("queue.delete") + entry("system.methodHelp", text("system.listMethods")) +
                                 entry("queue.delete", id))),
              arrayOf(oneResult + faultStruct(103, "not_found: no queue &quot;x&lt;y&quot;") +
                      faultStruct(-32601, "unknown_operation: no method &quot;queue.burn&quot;; system.listMethods "
                                          "names them all") +
                      faultStruct(-32602, "invalid_argument: id: is required") +
                      arrayOf(text("The names of all methods.")) + oneResult));
    EXPECT_EQ(door.calls, 3);
    EXPECT_EQ(answered(multicall("")), arrayOf(""));
}

TEST_F(XmlRpcCodec, refusesAMulticallWithinAMulticall) {
    EXPECT_EQ(answered(multicall(entry("system.multicall", arrayOf(entry("queue.list"))))),
              arrayOf(faultStruct(-32602, "invalid_argument: system.multicall cannot be called by itself")));
    EXPECT_EQ(door.calls, 0);
}

TEST_F(XmlRpcCodec, boundsAMulticall) {
    door.answer = oneQueue;
    const auto one = entry("queue.delete", structOf({{"id", text("x")}}));
    EXPECT_EQ(answered(multicall(times(one, 32))), arrayOf(times(oneResult, 32)));
    EXPECT_EQ(door.calls, 32);
    for (const std::size_t count : {33U, 100U})
        refused(multicall(times(one, count)), tooLarge, "too_large: system.multicall takes at most 32 calls");
    malformed(multicall(times(one, 101))); // the guard, before a tree is built
}

TEST_F(XmlRpcCodec, refusesWhatIsNoMulticall) {
    const std::string said = "invalid_argument: system.multicall takes one array of calls";
    refused(call("system.multicall"), invalidArgument, said);
    refused(call("system.multicall", {text("queue.list")}), invalidArgument, said);
    refused(call("system.multicall", {entry("queue.list")}), invalidArgument, said);
    refused(call("system.multicall", {arrayOf(""), arrayOf("")}), invalidArgument, said);
    const auto bad = faultStruct(-32602, "invalid_argument: each call must be a struct of methodName (string) and "
                                         "params (array)");
    EXPECT_EQ(answered(multicall(text("queue.list") + structOf({}) + structOf({{"methodName", text("queue.list")}}) +
                                 structOf({{"methodName", number(1)}, {"params", arrayOf("")}}) +
                                 structOf({{"methodName", text("queue.list")}, {"params", structOf({})}}))),
              arrayOf(times(bad, 5)));
    EXPECT_EQ(door.calls, 0);
}

// A call within a multicall cannot wait: it is answered as if its time were up.
TEST_F(XmlRpcCodec, doesNotWaitWithinAMulticall) {
    std::vector<bool> asked;
    door.answer = [&](const ops::Operation&) -> ops::Outcome {
        return ops::Waiting{SteadyTime(std::chrono::hours(1)), [&](bool expired) -> std::optional<ops::Value> {
                                asked.push_back(expired);
                                if (asked.size() == 2) return std::nullopt;
                                return ops::Value::of(ops::Done{"q1"});
                            }};
    };
    EXPECT_EQ(answered(multicall(entry("event.poll") + entry("event.poll"))),
              arrayOf(oneResult + faultStruct(111, "deadline_exceeded: nothing came in time")));
    EXPECT_EQ(asked, (std::vector<bool>{true, true}));
}

} // namespace
} // namespace pbx::xmlrpc
