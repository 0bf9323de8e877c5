#include "xmlrpc-server/codec.hpp"

#include "ops/catalogue/access.hpp"
#include "ops/catalogue/directory.hpp"
#include "ops/catalogue/live.hpp"
#include "xmlrpc-server/value_writer.hpp"
#include "xmlrpc_support.hpp"

#include <stdexcept>

namespace pbx::xmlrpc {
namespace {

using namespace test;
using namespace std::string_literals;

TEST_F(XmlRpcCodec, answersAQueueList) {
    door.answer = [](const ops::Operation&) -> ops::Outcome {
        ops::QueuePage page;
        page.items.push_back({.id = "q1",
                              .name = "support",
                              .title = "Help & <more>",
                              .server = "a",
                              .asteriskName = "viatalk-support",
                              .department = std::nullopt,
                              .wrapupSeconds = 5,
                              .onAsterisk = true,
                              .applied = std::nullopt,
                              .createdAt = fromEpochMicros(1'700'000'000'000'000)});
        page.next = "c";
        page.asOf = fromEpochMicros(1'700'000'000'500'000);
        return ops::Value::of(std::move(page));
    };
    EXPECT_EQ(answered(call("queue.list", {structOf({{"limit", number(10)}, {"tenant", text("viatalk")}})})),
              "<value><struct><member><name>items</name><value><array><data><value><struct>"
              "<member><name>id</name><value><string>q1</string></value></member>"
              "<member><name>name</name><value><string>support</string></value></member>"
              "<member><name>title</name><value><string>Help &amp; &lt;more&gt;</string></value></member>"
              "<member><name>server</name><value><string>a</string></value></member>"
              "<member><name>asterisk_name</name><value><string>viatalk-support</string></value></member>"
              "<member><name>wrapup_seconds</name><value><int>5</int></value></member>"
              "<member><name>on_asterisk</name><value><boolean>1</boolean></value></member>"
              "<member><name>created_at</name><value><string>2023-11-14T22:13:20Z</string></value></member>"
              "</struct></value></data></array></value></member>"
              "<member><name>next</name><value><string>c</string></value></member>"
              "<member><name>as_of</name><value><string>2023-11-14T22:13:20.500000Z</string></value></member>"
              "<member><name>stale</name><value><boolean>0</boolean></value></member></struct></value>");
    ASSERT_TRUE(door.operation);
    EXPECT_EQ(door.operation->name, "queue.list");
    EXPECT_EQ(door.params->as<ops::QueueListParams>().limit, 10);
    EXPECT_FALSE(door.params->as<ops::QueueListParams>().after);
    EXPECT_EQ(door.common.tenant, "viatalk");
    EXPECT_EQ(door.context.requestId, "r-1");
}

// Property: whatever the params, what is read is what was written; for every operation of the catalogue.
TEST_F(XmlRpcCodec, readsEveryOperationsParams) {
    Randomly random(20261123);
    for (const auto& operation : ops::catalogue()) {
        for (int round = 0; round < 20; ++round) {
            auto params = operation.makeParams();
            random.fill(operation.params(), params.get());
            ops::CommonParams common;
            random.fill(ops::CommonParams::describe(), &common);
            const auto body = methodCall(operation.name, params, common);
            send(body);
            ASSERT_EQ(door.operation, &operation) << body;
            std::vector<Element> expected, got;
            flatten(operation.params(), params.get(), expected);
            flatten(ops::CommonParams::describe(), &common, expected);
            flatten(operation.params(), door.params->get(), got);
            flatten(ops::CommonParams::describe(), &door.common, got);
            ASSERT_EQ(expected, got) << body;
            door.operation = nullptr;
        }
    }
}

// Property: whatever an operation answers, a client reads the same; and send() looks for the types never to be sent.
TEST_F(XmlRpcCodec, writesEveryOperationsResult) {
    Randomly random(7);
    for (const auto& operation : ops::catalogue()) {
        for (int round = 0; round < 10; ++round) {
            std::vector<Element> expected, got;
            door.answer = [&](const ops::Operation&) -> ops::Outcome {
                auto result = operation.makeResult();
                random.fill(operation.result(), result.get());
                flatten(operation.result(), result.get(), expected);
                return result;
            };
            auto params = operation.makeParams();
            random.fill(operation.params(), params.get());
            const auto reply = send(methodCall(operation.name, params, {}));
            const auto answer = parseResponse(reply.body);
            ASSERT_TRUE(std::holds_alternative<ValuePtr>(answer)) << reply.body;
            auto result = operation.makeResult();
            readResult(std::get<ValuePtr>(answer).get(), operation.result(), result.get());
            flatten(operation.result(), result.get(), got);
            ASSERT_EQ(expected, got) << reply.body;
        }
    }
}

TEST_F(XmlRpcCodec, takesOneStructOrNothing) {
    EXPECT_EQ(answered(call("tenant.list")).substr(0, 15), "<value><struct>");
    EXPECT_EQ(door.calls, 1);
    answered(
        "<methodCall><methodName>tenant.list</methodName></methodCall>"); // without <params>, as the standard allows
    EXPECT_EQ(door.calls, 2);
    answered(call("tenant.list", {structOf({})}));
    EXPECT_EQ(door.calls, 3);

    const auto said = "invalid_argument: parameters must be one struct with named members"s;
    refused(call("queue.get", {text("support")}), invalidArgument, said);
    refused(call("queue.get", {text("support"), text("viatalk")}), invalidArgument, said);
    refused(call("queue.get", {structOf({{"id", text("a")}}), structOf({})}), invalidArgument, said);
    refused(call("queue.get", {arrayOf(text("support"))}), invalidArgument, said);
    refused(call("queue.get", {number(7)}), invalidArgument, said);
    refused(call("queue.get", {"<value/>"}), invalidArgument, said);
    refused(call("queue.get"), invalidArgument, "invalid_argument: id: is required");
}

TEST_F(XmlRpcCodec, refusesAMemberThatIsThereTwice) {
    const auto said = "malformed: the member \"limit\" is there twice"s;
    constexpr int unreadable = -32700;
    const auto queueList = [](const std::string& members) { return call("queue.list", {value("struct", members)}); };
    const auto limit = member("limit", number(1));
    refused(queueList(limit + member("after", text("x")) + member("limit", number(2))), unreadable, said);
    refused(queueList(limit + "<!-- <struct> -->" + limit), unreadable, said);
    refused(queueList(limit + "<?x </struct> ?>" + member("after", text("<![CDATA[<struct>]]>")) + limit), unreadable,
            said);
    refused(queueList("<member><name\n a='>b'>limit</name >" + number(1) + "</member>" + limit), unreadable, said);
    refused(call("system.multicall", {arrayOf(structOf({{"methodName", text("queue.list")},
                                                        {"params", arrayOf(value("struct", limit + limit))}}))}),
            unreadable, said);
    // The same name in two structs, in one within another, and a text that looks like one are not that.
    answered(queueList(limit + member("after", text("<![CDATA[<name>limit</name>]]>"))));
    const auto whoami = structOf({{"methodName", text("system.whoami")}, {"params", arrayOf("")}});
    answered(call("system.multicall", {arrayOf(whoami + whoami)}));
}

TEST_F(XmlRpcCodec, namesTheFieldThatIsWrong) {
    const auto queueList = [](std::string_view field, const std::string& inside) {
        return call("queue.list", {structOf({{field, inside}})});
    };
    refused(queueList("colour", text("red")), invalidArgument, "invalid_argument: colour: is not a parameter");
    for (const auto& wrong : {text("10"), value("boolean", "1"), value("double", "10.0"), value("base64", "MTA="),
                              value("i8", "2147483648"), arrayOf(number(10)), structOf({}), "<value>10</value>"s})
        refused(queueList("limit", wrong), invalidArgument, "invalid_argument: limit: must be an int of 32 bits");
    for (const auto& wrong : {number(1), value("boolean", "1"), value("base64", "YQ=="), arrayOf(""),
                              value("dateTime.iso8601", "20261122T21:24:38")})
        refused(queueList("after", wrong), invalidArgument, "invalid_argument: after: must be a string");
    refused(queueList("tenant", number(3)), invalidArgument, "invalid_argument: tenant: must be a string");
    refused(call("user.update", {structOf({{"id", text("a")}, {"disabled", number(1)}})}), invalidArgument,
            "invalid_argument: disabled: must be a boolean");
    refused(call("user.create", {structOf({{"login", text("a")}, {"password", text("b")}, {"role", text("boss")}})}),
            invalidArgument, "invalid_argument: role: must be one of viewer, agent, supervisor, admin, operator");
    refused(call("user.create", {structOf({{"login", text("a")}, {"password", text("b")}, {"role", number(0)}})}),
            invalidArgument, "invalid_argument: role: must be a string");
    const auto languages = [](const std::string& inside) {
        return call("tenant.update", {structOf({{"id", text("a")}, {"languages", inside}})});
    };
    refused(languages(text("de")), invalidArgument, "invalid_argument: languages: must be an array");
    refused(languages(arrayOf(text("de") + number(1))), invalidArgument,
            "invalid_argument: languages[1]: must be a string");
    refused(languages(arrayOf(times(text("de"), 17))), invalidArgument,
            "invalid_argument: languages: must have at most 16 items");
    refused(call("queue.create", {structOf({{"name", text("a")}})}), invalidArgument,
            "invalid_argument: title: is required");
    // a wrong value of a secret is not repeated
    const auto fault = faulted(call("user.create", {structOf({{"login", text("a")}, {"password", number(271828)}})}));
    EXPECT_EQ(fault.text, "invalid_argument: password: must be a string [request r-1]");
}

TEST_F(XmlRpcCodec, takesIntegersInEveryFormThatFits) {
    for (const auto& [form, expected] :
         std::vector<std::pair<std::string, std::int32_t>>{{value("int", "7"), 7},
                                                           {value("i4", "2147483647"), 2147483647},
                                                           {value("int", "-2147483648"), -2147483647 - 1},
                                                           {value("i8", "-12"), -12},
                                                           {value("ex:i8", "5"), 5},
                                                           {"<value>\n<int>8</int>\n</value>", 8}}) {
        door.params.reset();
        send(call("queue.list", {structOf({{"limit", form}})}));
        ASSERT_TRUE(door.params) << form;
        EXPECT_EQ(door.params->as<ops::QueueListParams>().limit, expected) << form;
    }
    for (const auto* wrong : {"", " ", "2147483648", "-2147483649", "99999999999999999999", "1.5", "0x10", "1 2", "1e3",
                              "--1", "+", "&#49;", "<!-- -->1", "one"})
        malformed(call("queue.list", {structOf({{"limit", value("int", wrong)}})}));
    for (const auto* wrong : {"9223372036854775808", "-9223372036854775809", ""})
        malformed(call("queue.list", {structOf({{"limit", value("i8", wrong)}})}));
    for (const auto* wrong : {"nan", "inf", "1e400", ""})
        malformed(call("queue.list", {structOf({{"limit", value("double", wrong)}})}));
}

// The library would pass over a zone, and read another time than the one that was meant.
TEST_F(XmlRpcCodec, refusesATimeThatTheLibraryWouldMisread) {
    const auto withTime = [](std::string_view time) {
        return call("queue.list", {structOf({{"after", value("dateTime.iso8601", time)}})});
    };
    for (const auto* readable : {"20261122T21:24:38", "2026-11-22T21:24:38Z", "20261122T212438.123456"})
        refused(withTime(readable), invalidArgument, "invalid_argument: after: must be a string");
    for (const auto* wrong :
         {"20261122T21:24:38+0100", "20261122T21:24:38 CET", "20261122T21:24:38.", "20261122T21:24",
          "20261122T21:24:38.1234567", "2026112T21:24:38", "tomorrow", "", "<!-- -->20261122T21:24:38"})
        malformed(withTime(wrong));
}

// nil says "not given", as null does in JSON.
TEST_F(XmlRpcCodec, takesNilForAFieldThatIsNotGiven) {
    send(call("queue.list", {structOf({{"limit", "<value><nil/></value>"}, {"after", "<value><ex:nil/></value>"}})}));
    ASSERT_TRUE(door.params);
    EXPECT_FALSE(door.params->as<ops::QueueListParams>().limit);
    EXPECT_FALSE(door.params->as<ops::QueueListParams>().after);
    refused(call("queue.get", {structOf({{"id", "<value><nil/></value>"}})}), invalidArgument,
            "invalid_argument: id: is required");
}

TEST_F(XmlRpcCodec, keepsEveryCharacter) {
    const auto idOf = [&](std::string_view inside) {
        door.params.reset();
        send(call("queue.get", {structOf({{"id", element("value", inside)}})}));
        return door.params ? door.params->as<ops::Reference>().id : "(refused)";
    };
    EXPECT_EQ(idOf("bare text"), "bare text");
    EXPECT_EQ(idOf(""), "");
    EXPECT_EQ(idOf("<string/>"), "");
    EXPECT_EQ(idOf("<string> a\tb\n </string>"), " a\tb\n ");
    EXPECT_EQ(idOf("<string>&lt;b&gt; &amp;amp; &quot;&apos;</string>"), "<b> &amp; \"'");
    EXPECT_EQ(idOf("<string>\xC3\xA9\xE2\x82\xAC</string>"), "\xC3\xA9\xE2\x82\xAC");
    // U+1F3A7 as bytes and as references; U+10FFFF is the last of all
    EXPECT_EQ(idOf("<string>a\xF0\x9F\x8E\xA7z</string>"), "a\xF0\x9F\x8E\xA7z");
    EXPECT_EQ(idOf("<string>&#x1F3A7;&#127911;&#x1f3a7;</string>"), "\xF0\x9F\x8E\xA7\xF0\x9F\x8E\xA7\xF0\x9F\x8E\xA7");
    EXPECT_EQ(idOf("<string>\xF4\x8F\xBF\xBD</string>"), "\xF4\x8F\xBF\xBD");
    EXPECT_EQ(idOf("<string><![CDATA[<&#x1F3A7;\xF0\x9F\x8E\xA7]]></string>"), "<&#x1F3A7;\xF0\x9F\x8E\xA7");
    EXPECT_EQ(idOf("<string>\xEE\x80\xBD</string>"), "\xEE\x80\xBD"); // one of the private use area alone
    // And back: in an answer, and in a fault that repeats what the caller wrote.
    door.answer = [](const ops::Operation&) -> ops::Outcome {
        ops::QueueRow row;
        row.title = "\xF0\x9F\x8E\xA7 <&>\"'\r\n\t]]>";
        return ops::Value::of(std::move(row));
    };
    EXPECT_NE(answered(call("queue.get", {structOf({{"id", text("a")}})}))
                  .find("<name>title</name><value><string>\xF0\x9F\x8E\xA7 &lt;&amp;&gt;&quot;&apos;&#13;\n\t]]&gt;<"),
              std::string::npos);
    door.answer = [](const ops::Operation&) -> ops::Outcome {
        throw Error::notFound("queue", "</string>\xF0\x9F\x98\x80");
    };
    EXPECT_EQ(faulted(call("queue.get", {structOf({{"id", text("a")}})})).text,
              "not_found: no queue \"</string>\xF0\x9F\x98\x80\" [request r-1]");
}

TEST_F(XmlRpcCodec, refusesWhatIsNoCall) {
    for (const auto* body :
         {"", " ", "junk", "{\"id\":1}", "<", "<methodCall>", "<methodCall/>", "<methodCall><params/></methodCall>",
          "<methodResponse><params><param><value/></param></params></methodResponse>",
          "<e:Envelope xmlns:e='http://schemas.xmlsoap.org/soap/envelope/'/>"})
        malformed(body);
    const auto param = [](std::string_view inside) { return call("queue.list", {std::string(inside)}); };
    for (const auto* inside :
         {"<value><colour>red</colour></value>", "<value><int>1</int><int>2</int></value>", "<struct/>",
          "<value><struct><member><name>limit</name></member></struct></value>",
          "<value><struct><member><value/></member></struct></value>", "<value><struct><value/></struct></value>",
          "<value><array><value/></array></value>", "<value><boolean>2</boolean></value>",
          "<value><boolean>true</boolean></value>", "<value><dateTime.iso8601>tomorrow</dateTime.iso8601></value>"})
        malformed(param(inside));
}

TEST_F(XmlRpcCodec, namesAnUnknownMethod) {
    refused(call("queue.burn"), -32601,
            "unknown_operation: no method \"queue.burn\"; system.listMethods names them all");
    refused(call("queueList"), -32601, "unknown_operation: no method \"queueList\"; system.listMethods names them all");
    refused(call(""), -32601, "unknown_operation: no method \"\"; system.listMethods names them all");
    refused(call("Queue.List"), -32601,
            "unknown_operation: no method \"Queue.List\"; system.listMethods names them all");
    refused(call("system.listmethods"), -32601,
            "unknown_operation: no method \"system.listmethods\"; system.listMethods names them all");
}

TEST_F(XmlRpcCodec, refusesTheHostileTable) {
    const auto withId = [](std::string_view inside) { return call("queue.get", {structOf({{"id", text(inside)}})}); };
    const auto bare = withId("&c;").substr(21); // without the XML declaration
    malformed("<!DOCTYPE x [<!ENTITY a \"b\"><!ENTITY c \"&a;&a;\">]>" + bare);
    malformed("<!DOCTYPE x SYSTEM \"file:///etc/passwd\">" + withId("x").substr(21));
    for (const auto& inside : {"\xC0\xBC"s, "\xED\xA0\x80"s, "\xFF"s, "\0"s, "\x01"s, "\xEF\xBF\xBF"s,
                               "\xF4\x90\x80\x80"s, "&#0;"s, "&#1;"s, "&x;"s, "&#xD800;"s, "&#x110000;"s})
        malformed(withId(inside));
    malformed(withId("x") + "junk");
    malformed(withId("x") + withId("x").substr(21));
    malformed("\x1F\x8B\x08\0"s);
    malformed("<?xml version=\"1.0\" encoding=\"utf-7\"?>" + withId("x").substr(21));
    malformed("<?xml version=\"1.0\" encoding=\"iso-8859-1\"?>" + withId("\xC3\xA9").substr(21));
    malformed(call("queue.get", {times("<value><array><data>", 100'000)}));
    const auto nested = [](std::size_t depth) {
        return times("<value><array><data>", depth) + number(1) + times("</data></array></value>", depth);
    };
    malformed(call("queue.list", {structOf({{"limit", nested(20)}})}));
    refused(call("queue.list", {structOf({{"limit", nested(15)}})}), invalidArgument,
            "invalid_argument: limit: must be an int of 32 bits");
    malformed(
        call("tenant.update", {structOf({{"id", text("a")}, {"languages", arrayOf(times("<value/>", 50'000))}})}));
    refused(call("tenant.update", {structOf({{"id", text("a")}, {"languages", arrayOf(times("<value/>", 49'000))}})}),
            invalidArgument, "invalid_argument: languages: must have at most 16 items");
    malformed(call("queue.list", {value("struct", member("li&#109;it", number(1)))}));
}

// xmlrpc-c's own limit is 512 KiB; the real one is the front's.
TEST_F(XmlRpcCodec, takesLongTexts) {
    const std::string longText(900'000, 'x');
    send(call("queue.get", {structOf({{"id", text(longText)}})}));
    ASSERT_TRUE(door.params);
    EXPECT_EQ(door.params->as<ops::Reference>().id, longText);
    // And as many wide characters, which are longer on their way through the library.
    std::string wide = times("\xF0\x9F\x98\x80", 200'000);
    send(call("queue.get", {structOf({{"id", text(wide)}})}));
    EXPECT_EQ(door.params->as<ops::Reference>().id, wide);
}

TEST_F(XmlRpcCodec, saysEveryRowOfTheErrorTable) {
    for (const auto& row : errorTable()) {
        door.answer = [&](const ops::Operation&) -> ops::Outcome {
            throw Error(row.code, "Text <&>.").because("secret cause");
        };
        const auto fault = faulted(call("queue.list"));
        EXPECT_EQ(fault.code, row.xmlRpcFault);
        EXPECT_EQ(fault.text, std::string(row.token) + ": Text <&>. [request r-1]");
    }
    door.answer = [](const ops::Operation&) -> ops::Outcome {
        throw Error(ErrorCode::tooManyRequests, "Slow down.").retryIn(7);
    };
    const auto reply = send(call("queue.list"));
    EXPECT_EQ(reply.retryAfter, 7);
    EXPECT_EQ(reply.body,
              "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\r\n<methodResponse><fault><value><struct>"
              "<member><name>faultCode</name><value><int>107</int></value></member>"
              "<member><name>faultString</name><value><string>too_many_requests: Slow down.; retry after 7 s "
              "[request r-1]</string></value></member></struct></value></fault></methodResponse>\r\n");
    door.answer = [](const ops::Operation&) -> ops::Outcome { throw std::runtime_error("secret SQL"); };
    EXPECT_THROW(send(call("queue.list")), std::runtime_error); // the front logs it and says nothing
}

TEST_F(XmlRpcCodec, asksTheDoorBeforeItReadsTheBody) {
    door.onAdmit = [] { throw Error(ErrorCode::unauthenticated, "Log in."); };
    for (const auto& body : {call("queue.list"), call("system.listMethods"), "junk"s, "<!DOCTYPE x>"s})
        refused(body, 101, "unauthenticated: Log in.");
    // Nothing was sent: some clients wait for the challenge before they send their credentials.
    const auto outcome = codec.handle("junk", "", {}, door);
    EXPECT_EQ(std::get<ops::FaceReply>(outcome).status, 401);
    door.onAdmit = [] { throw Error(ErrorCode::tooManyRequests, "Wait."); };
    EXPECT_EQ(std::get<ops::FaceReply>(codec.handle("junk", "", {}, door)).status, 200);
}

TEST_F(XmlRpcCodec, parksAnAnswerThatIsNotThereYet) {
    const auto deadline = SteadyTime(std::chrono::seconds(5));
    int asked = 0;
    door.answer = [&](const ops::Operation&) -> ops::Outcome {
        return ops::Waiting{deadline, [&](bool expired) -> std::optional<ops::Value> {
                                ++asked;
                                if (asked == 3) throw Error(ErrorCode::startAnew, "Too old.");
                                if (!expired) return std::nullopt;
                                ops::EventPage page;
                                page.next = "n";
                                return ops::Value::of(std::move(page));
                            }};
    };
    ops::CallContext context;
    context.requestId = "r-2";
    auto outcome = codec.handle(call("event.poll", {structOf({{"wait_seconds", number(5)}})}), "", context, door);
    auto& waiting = std::get<ops::FaceWaiting>(outcome);
    EXPECT_EQ(waiting.deadline, deadline);
    EXPECT_FALSE(waiting.attempt(false));
    const auto reply = waiting.attempt(true);
    ASSERT_TRUE(reply);
    EXPECT_EQ(reply->status, 200);
    EXPECT_NE(reply->body.find("<name>next</name><value><string>n</string></value>"), std::string::npos);
    const auto fault = std::get<FaultAnswer>(parseResponse(waiting.attempt(false)->body));
    EXPECT_EQ(fault.code, 106);
    EXPECT_EQ(fault.text, "start_anew: Too old. [request r-2]");
}

} // namespace
} // namespace pbx::xmlrpc
