#include "soap-server/codec.hpp"

#include "ops/catalogue/directory.hpp"
#include "ops/catalogue/live.hpp"
#include "soap_support.hpp"

#include <gtest/gtest.h>

#include <stdexcept>

namespace pbx::soap {
namespace {

using namespace test;
using namespace std::string_literals;

constexpr std::string_view xml11 = "text/xml; charset=utf-8";
constexpr std::string_view xml12 = "application/soap+xml; charset=utf-8";

struct SoapCodec : ::testing::Test {
    FakeDoor door;
    Codec codec;

    ops::FaceReply send(std::string_view body, std::string_view contentType = xml11) {
        ops::CallContext context;
        context.requestId = "r-1";
        context.face = "soap";
        auto outcome = codec.handle(body, contentType, std::move(context), door);
        EXPECT_TRUE(std::holds_alternative<ops::FaceReply>(outcome));
        return std::get<ops::FaceReply>(outcome);
    }
    // A fault of SOAP 1.1 with that token; answers its faultstring.
    std::string refused(std::string_view body, std::string_view token, std::string_view field = "") {
        const auto before = door.calls;
        const auto reply = send(body);
        EXPECT_EQ(reply.status, 500) << body.substr(0, 300);
        EXPECT_EQ(reply.contentType, xml11);
        EXPECT_EQ(textOf(reply.body, "faultcode"), "SOAP-ENV:Client") << reply.body;
        EXPECT_EQ(textOf(reply.body, "token"), token) << reply.body;
        EXPECT_EQ(textOf(reply.body, "field"), field.empty() ? "(no field)" : field) << reply.body;
        EXPECT_EQ(textOf(reply.body, "request_id"), "r-1");
        EXPECT_EQ(door.calls, before) << "it reached the door: " << body.substr(0, 300);
        return textOf(reply.body, "faultstring");
    }
};

TEST_F(SoapCodec, answersAQueueList) {
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
    const auto reply = send(envelope(call("queueList", "<limit>10</limit><tenant>viatalk</tenant>")));
    EXPECT_EQ(reply.status, 200);
    EXPECT_EQ(reply.contentType, "text/xml; charset=utf-8");
    EXPECT_EQ(
        reply.body,
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
        "<SOAP-ENV:Envelope xmlns:SOAP-ENV=\"http://schemas.xmlsoap.org/soap/envelope/\"><SOAP-ENV:Body>"
        "<queueListResponse xmlns=\"urn:pbxd:integration:v1\"><result><items><id>q1</id><name>support</name>"
        "<title>Help &amp; &lt;more&gt;</title><server>a</server><asterisk_name>viatalk-support</asterisk_name>"
        "<wrapup_seconds>5</wrapup_seconds><on_asterisk>true</on_asterisk><created_at>2023-11-14T22:13:20Z</created_at>"
        "</items><next>c</next><as_of>2023-11-14T22:13:20.500000Z</as_of><stale>false</stale></result>"
        "</queueListResponse></SOAP-ENV:Body></SOAP-ENV:Envelope>\n");
    ASSERT_TRUE(door.operation);
    EXPECT_EQ(door.operation->name, "queue.list");
    EXPECT_EQ(door.params->as<ops::QueueListParams>().limit, 10);
    EXPECT_FALSE(door.params->as<ops::QueueListParams>().after);
    EXPECT_EQ(door.common.tenant, "viatalk");
    EXPECT_EQ(door.context.requestId, "r-1");
}

// Property: whatever the params, what is read is what was written; for every operation of the catalogue.
TEST_F(SoapCodec, readsEveryOperationsParams) {
    Randomly random(20261122);
    for (const auto& operation : ops::catalogue()) {
        for (int round = 0; round < 30; ++round) {
            auto params = operation.makeParams();
            random.fill(operation.params(), params.get());
            ops::CommonParams common;
            random.fill(ops::CommonParams::describe(), &common);
            if (!operation.changes) common.idempotencyKey.reset();
            std::string elements;
            appendRequest(elements, operation.params(), params.get());
            appendRequest(elements, ops::CommonParams::describe(), &common);
            const auto reply = send(envelope(call(operation.soapName(), elements)));
            ASSERT_EQ(reply.status, 200) << elements << "\n" << reply.body;
            ASSERT_EQ(door.operation, &operation);
            std::vector<Element> expected, got;
            flatten(operation.params(), params.get(), expected);
            flatten(ops::CommonParams::describe(), &common, expected);
            flatten(operation.params(), door.params->get(), got);
            flatten(ops::CommonParams::describe(), &door.common, got);
            ASSERT_EQ(got, expected) << elements;
        }
    }
}

TEST_F(SoapCodec, tellsAnEmptyListFromAnAbsentOne) {
    send(envelope(call("tenantUpdate", "<id>t</id>")));
    EXPECT_FALSE(door.params->as<ops::TenantUpdateParams>().languages);
    send(envelope(call("tenantUpdate", "<id>t</id><languages/>")));
    ASSERT_TRUE(door.params->as<ops::TenantUpdateParams>().languages);
    EXPECT_TRUE(door.params->as<ops::TenantUpdateParams>().languages->empty());
    send(envelope(call("tenantUpdate", "<id>t</id><languages>en</languages><languages/>")));
    EXPECT_EQ(*door.params->as<ops::TenantUpdateParams>().languages, (std::vector<std::string>{"en", ""}));
}

TEST_F(SoapCodec, keepsNothingBetweenRequests) {
    send(envelope(
        call("queueUpdate",
             "<id>q</id><title>one</title><wrapup_seconds>7</wrapup_seconds><idempotency_key>k</idempotency_key>"
             "<tenant>a</tenant>")));
    send(envelope(call("queueUpdate", "<id>p</id>")));
    const auto& params = door.params->as<ops::QueueUpdateParams>();
    EXPECT_EQ(params.id, "p");
    EXPECT_FALSE(params.title);
    EXPECT_FALSE(params.wrapupSeconds);
    EXPECT_FALSE(door.common.tenant);
    EXPECT_FALSE(door.common.idempotencyKey);
    // After a request that broke off in the middle, and one of another version, too.
    refused(envelope(call("queueUpdate", "<id>q</id><title>one</title><wrapup_seconds>x</wrapup_seconds>")),
            "invalid_argument", "wrapup_seconds");
    EXPECT_EQ(send("<e:Envelope xmlns:e='http://www.w3.org/2003/05/soap-envelope'><e:Body>" +
                   call("queueUpdate", "<id>p</id>") + "</e:Body></e:Envelope>")
                  .status,
              200);
    const auto reply = send(envelope(call("queueUpdate", "<id>r</id>")));
    EXPECT_EQ(reply.contentType, xml11);
    EXPECT_EQ(door.params->as<ops::QueueUpdateParams>().id, "r");
    EXPECT_FALSE(door.params->as<ops::QueueUpdateParams>().title);
}

TEST_F(SoapCodec, answersSoap12In12) {
    const auto as12 = [](std::string_view body) {
        return "<e:Envelope xmlns:e=\"http://www.w3.org/2003/05/soap-envelope\"><e:Header/><e:Body>" +
               std::string(body) + "</e:Body></e:Envelope>";
    };
    auto reply = send(as12(call("queueGet", "<id>x</id>")), xml12);
    EXPECT_EQ(reply.status, 200);
    EXPECT_EQ(reply.contentType, xml12);
    EXPECT_NE(reply.body.find("xmlns:SOAP-ENV=\"http://www.w3.org/2003/05/soap-envelope\""), std::string::npos);

    reply = send(as12(call("queueGet")), xml12);
    EXPECT_EQ(reply.status, 400);
    EXPECT_EQ(reply.contentType, xml12);
    EXPECT_EQ(textOf(reply.body, "Value"), "SOAP-ENV:Sender");
    EXPECT_EQ(textOf(reply.body, "Text"), "id: is required");
    EXPECT_EQ(textOf(reply.body, "token"), "invalid_argument");
    EXPECT_EQ(textOf(reply.body, "field"), "id");

    door.answer = [](const ops::Operation&) -> ops::Outcome {
        throw Error(ErrorCode::unavailable, "Asterisk is away.");
    };
    reply = send(as12(call("queueGet", "<id>x</id>")), xml12);
    EXPECT_EQ(reply.status, 500);
    EXPECT_EQ(textOf(reply.body, "Value"), "SOAP-ENV:Receiver");
    // The envelope goes before the label.
    EXPECT_EQ(send(as12(call("queueGet", "<id>x</id>")), xml11).contentType, xml12);
    EXPECT_EQ(send("junk", xml12).contentType, xml12);
}

TEST_F(SoapCodec, takesTheCallsOfSoapLite) {
    // Without parameters it sends a nil wrapper; else typed, encoded-looking children.
    auto reply = send(envelope("<systemStatus xmlns=\"urn:pbxd:integration:v1\" xsi:nil=\"true\"/>"));
    EXPECT_EQ(reply.status, 200) << reply.body;
    EXPECT_EQ(door.operation->name, "system.status");
    reply = send(envelope("<v:queueList xmlns:v=\"urn:pbxd:integration:v1\" xsi:nil=\"true\"></v:queueList>"));
    EXPECT_EQ(reply.status, 200) << reply.body;
    refused(envelope("<queueGet xmlns=\"urn:pbxd:integration:v1\" xsi:nil=\"true\"/>"), "invalid_argument", "id");
    reply = send(envelope(
        "<queueGet xmlns=\"urn:pbxd:integration:v1\" s:encodingStyle=\"http://schemas.xmlsoap.org/soap/encoding/\">"
        "<id xsi:type=\"xsd:string\">support</id></queueGet>"));
    EXPECT_EQ(reply.status, 200) << reply.body;
    EXPECT_EQ(door.params->as<ops::Reference>().id, "support");
}

TEST_F(SoapCodec, takesPrefixesCommentsCdataAndAnyOrder) {
    const auto reply = send(
        envelope("<!-- c --><p:queueCreate xmlns:p='urn:pbxd:integration:v1'><p:title><![CDATA[a <b> & c]]></p:title>\n"
                 "<p:name>&#x73;upport</p:name><p:wrapup_seconds> 5 </p:wrapup_seconds></p:queueCreate>",
                 "<s:Header><x:Other xmlns:x='urn:x'>1</x:Other></s:Header>"));
    EXPECT_EQ(reply.status, 200) << reply.body;
    const auto& params = door.params->as<ops::QueueCreateParams>();
    EXPECT_EQ(params.name, "support");
    EXPECT_EQ(params.title, "a <b> & c");
    EXPECT_EQ(params.wrapupSeconds, 5);
}

TEST_F(SoapCodec, namesTheFieldThatIsWrong) {
    EXPECT_EQ(refused(envelope(call("queueGet")), "invalid_argument", "id"), "id: is required");
    EXPECT_EQ(refused(envelope(call("queueCreate", "<name>a</name>")), "invalid_argument", "title"),
              "title: is required");
    EXPECT_EQ(refused(envelope(call("queueList", "<limit>many</limit>")), "invalid_argument", "limit"),
              "limit: must be a whole number from 1 to 500");
    for (const auto* number : {"", "1.5", "99999999999", "0x10", "1 2"})
        refused(envelope(call("queueList", "<limit>" + std::string(number) + "</limit>")), "invalid_argument", "limit");
    EXPECT_EQ(refused(envelope(call("userCreate", "<login>a</login><password>b</password><role>boss</role>")),
                      "invalid_argument", "role"),
              "role: must be one of viewer, agent, supervisor, admin, operator");
    refused(envelope(call("userCreate", "<login>a</login><password>b</password><role>0</role>")), "invalid_argument",
            "role");
    EXPECT_EQ(
        refused(envelope(call("userUpdate", "<id>a</id><disabled>maybe</disabled>")), "invalid_argument", "disabled"),
        "disabled: must be true or false");
    EXPECT_EQ(refused(envelope(call("queueGet", "<id>a</id><id>b</id>")), "invalid_argument", "id"),
              "id: is given twice, or is not in the namespace of the contract");
    EXPECT_EQ(refused(envelope(call("queueGet", "<id>a</id><colour>red</colour>")), "invalid_argument"),
              "\"colour\" is not a parameter of queue.get");
    refused(envelope(call("queueGet", "<id>a</id><idempotency_key>k</idempotency_key>")), "invalid_argument",
            "idempotency_key");
    refused(envelope("<v:queueGet xmlns:v='urn:pbxd:integration:v1'><id>a</id></v:queueGet>"), "invalid_argument",
            "id");
    send(envelope("<queueGet xmlns='urn:pbxd:integration:v1'><id>a<b>c</b>d</id></queueGet>"));
    // gSOAP hands markup inside a text on as text; the door judges it like any other.
    EXPECT_EQ(door.params->as<ops::Reference>().id, "a<b>c</b>d");
}

TEST_F(SoapCodec, refusesWhatIsNoCall) {
    refused("", "malformed");
    refused("junk", "malformed");
    refused("{\"id\":1}", "malformed");
    refused(call("queueList"), "malformed"); // bare, without an envelope
    refused(envelope(""), "malformed");
    refused(envelope("text"), "malformed");
    refused(envelope(call("queueList") + call("queueList")), "malformed"); // two calls
    refused(envelope(call("queueList") + "<x/>"), "malformed");
    EXPECT_EQ(refused(envelope(call("queueBurn")), "unknown_operation"), "no operation \"queueBurn\"");
    refused(envelope("<queueList/>"), "unknown_operation");
    refused(envelope("<queueList xmlns='urn:pbxd:integration:v0'/>"), "unknown_operation");
    refused(envelope(call("queueListResponse")), "unknown_operation");
    refused("<s:Envelope xmlns:s='http://schemas.xmlsoap.org/soap/envelope/'/>", "malformed");
    refused("<s:Envelope xmlns:s='http://schemas.xmlsoap.org/soap/envelope/'><s:Header/></s:Envelope>", "malformed");
    refused("<s:Fault xmlns:s='http://schemas.xmlsoap.org/soap/envelope/'/>", "malformed");
}

TEST_F(SoapCodec, refusesOtherVersionsAndHeadersToBeUnderstood) {
    auto reply = send("<e:Envelope xmlns:e='urn:other'><e:Body>" + call("queueList") + "</e:Body></e:Envelope>");
    EXPECT_EQ(textOf(reply.body, "faultcode"), "SOAP-ENV:VersionMismatch");
    reply = send(envelope(call("queueList"),
                          "<s:Header><w:Security xmlns:w='urn:w' s:mustUnderstand='1'>secret</w:Security></s:Header>"));
    EXPECT_EQ(textOf(reply.body, "faultcode"), "SOAP-ENV:MustUnderstand");
    EXPECT_EQ(reply.body.find("secret"), std::string::npos);
    EXPECT_EQ(door.calls, 0);
    reply = send(envelope(call("queueList"),
                          "<s:Header><w:Security xmlns:w='urn:w' s:mustUnderstand='0'>secret</w:Security></s:Header>"));
    EXPECT_EQ(reply.status, 200);
    EXPECT_EQ(reply.body.find("secret"), std::string::npos);
}

TEST_F(SoapCodec, refusesOtherMediaTypesAndEncodings) {
    const auto body = envelope(call("queueList"));
    for (const auto* type :
         {"application/json", "multipart/related; type=\"application/xop+xml\"", "application/dime", "text/plain"})
        EXPECT_EQ(send(body, type).status, 415) << type;
    EXPECT_EQ(door.calls, 0);
    EXPECT_EQ(send(body, "").status, 200);
    EXPECT_EQ(send(body, "TEXT/XML;charset=\"UTF-8\"").status, 200);
    EXPECT_EQ(send(body, "text/xml; charset=iso-8859-1").status, 200);
    const auto accented = envelope(call("queueGet", "<id>\xC3\xA9</id>"));
    EXPECT_EQ(send(accented, "text/xml; charset=utf-8; action=\"x\"").status, 200);
    EXPECT_EQ(send(accented, "text/xml; charset=iso-8859-1").status, 500);
    EXPECT_EQ(send("--b\r\nContent-Type: text/xml\r\n\r\n" + body + "\r\n--b--", xml11).status,
              500); // MTOM under a false label
}

TEST_F(SoapCodec, refusesTheHostileTable) {
    const auto inId = [](std::string_view text) {
        return envelope(call("queueGet", "<id>" + std::string(text) + "</id>"));
    };
    const auto many = [](std::string_view text, std::size_t times) {
        std::string out;
        for (std::size_t i = 0; i < times; ++i) out += text;
        return out;
    };
    refused("<!DOCTYPE x [<!ENTITY a \"b\"><!ENTITY c \"&a;&a;\">]>" + inId("&c;").substr(38), "malformed");
    refused("<!DOCTYPE x SYSTEM \"file:///etc/passwd\">" + inId("x").substr(38), "malformed");
    refused(inId(many("&x;", 20'000)), "malformed");
    refused(inId(many("<a>", 200'000)), "malformed");
    std::string attributes;
    for (int i = 0; i < 50'000; ++i) attributes += " a" + std::to_string(i) + "=''";
    refused(envelope("<queueGet xmlns='urn:pbxd:integration:v1'" + attributes + "/>"), "malformed");
    std::string namespaces;
    for (int i = 0; i < 50'000; ++i) namespaces += "<a xmlns:a" + std::to_string(i) + "='u'>";
    refused(envelope(namespaces), "malformed");
    for (const auto& bytes : {"\xC0\xBC"s, "\xED\xA0\x80"s, "\xFF"s, "\0"s, "\x01"s}) refused(inId(bytes), "malformed");
    for (const auto* reference : {"&#0;", "&#1;", "&x;", "&#xD800;"}) refused(inId(reference), "malformed");
    refused(inId("x") + "junk", "malformed");
    refused(inId("x") + inId("x"), "malformed");
    refused("\x1F\x8B\x08\0"s, "malformed");
    refused("\x0C\x20\0\0"s, "malformed");
    refused(envelope(call("queueList", many("<x/>", 20'000))), "malformed");
    refused(envelope(call("queueList", many("<x/>", 9'000))), "invalid_argument");
    // gSOAP's graph references are off: an href brings no text from elsewhere.
    refused(envelope(call("queueGet", "<id href=\"#a\"/>") + "<x id=\"a\">q</x>"), "malformed");
    send(envelope(call("queueCreate", "<name href=\"#a\"/><title id=\"a\">q</title>")));
    ASSERT_TRUE(door.params);
    EXPECT_EQ(door.params->as<ops::QueueCreateParams>().name, "");
    // A type from elsewhere does not change what is read.
    send(envelope("<queueGet xmlns='urn:pbxd:integration:v1' xmlns:v='urn:pbxd:integration:v1' xsi:type='v:QueuePage'>"
                  "<id>a</id></queueGet>"));
    EXPECT_EQ(door.operation->name, "queue.get");
    EXPECT_EQ(door.params->as<ops::Reference>().id, "a");
}

TEST_F(SoapCodec, takesLongTexts) {
    const std::string longText(900'000, 'x');
    EXPECT_EQ(send(envelope(call("queueGet", "<id>" + longText + "</id>"))).status, 200);
    EXPECT_EQ(door.params->as<ops::Reference>().id, longText); // how long it may be is the door's to say
}

TEST_F(SoapCodec, saysErrorsAsTypedFaults) {
    door.answer = [](const ops::Operation&) -> ops::Outcome {
        throw Error(ErrorCode::tooManyRequests, "Slow <down>.").retryIn(7).because("secret cause");
    };
    auto reply = send(envelope(call("queueList")));
    EXPECT_EQ(reply.status, 500);
    EXPECT_EQ(reply.retryAfter, 7);
    EXPECT_EQ(reply.body,
              "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
              "<SOAP-ENV:Envelope "
              "xmlns:SOAP-ENV=\"http://schemas.xmlsoap.org/soap/envelope/\"><SOAP-ENV:Body><SOAP-ENV:Fault>"
              "<faultcode>SOAP-ENV:Client</faultcode><faultstring>Slow &lt;down&gt;.</faultstring><detail>"
              "<fault xmlns=\"urn:pbxd:integration:v1\"><code>107</code><token>too_many_requests</token><message>Slow "
              "&lt;down&gt;.</message>"
              "<retry>later</retry><retry_after>7</retry_after><request_id>r-1</request_id></fault></detail>"
              "</SOAP-ENV:Fault></SOAP-ENV:Body></SOAP-ENV:Envelope>\n");

    for (const auto& row : errorTable()) {
        door.answer = [&](const ops::Operation&) -> ops::Outcome { throw Error(row.code, "Text."); };
        reply = send(envelope(call("queueList")));
        EXPECT_EQ(textOf(reply.body, "token"), row.token);
        EXPECT_EQ(textOf(reply.body, "code"), std::to_string(row.xmlRpcFault));
        EXPECT_EQ(textOf(reply.body, "faultcode"), row.senderFault ? "SOAP-ENV:Client" : "SOAP-ENV:Server");
        EXPECT_EQ(reply.status, row.code == ErrorCode::unauthenticated ? 401 : 500);
    }
    door.answer = [](const ops::Operation&) -> ops::Outcome { throw std::runtime_error("secret SQL"); };
    EXPECT_THROW(send(envelope(call("queueList"))), std::runtime_error); // the front logs it and says nothing
}

TEST_F(SoapCodec, asksTheDoorBeforeItReadsTheBody) {
    door.onAdmit = [] { throw Error(ErrorCode::unauthenticated, "Log in."); };
    for (const auto& body : {envelope(call("queueList")), "junk"s, "<!DOCTYPE x>"s}) {
        const auto reply = send(body);
        EXPECT_EQ(reply.status, 401);
        EXPECT_EQ(textOf(reply.body, "token"), "unauthenticated");
    }
    EXPECT_EQ(send("x", xml12).contentType, xml12);
}

TEST_F(SoapCodec, parksAnAnswerThatIsNotThereYet) {
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
    auto outcome = codec.handle(envelope(call("eventPoll", "<wait_seconds>5</wait_seconds>")), xml11, {}, door);
    auto& waiting = std::get<ops::FaceWaiting>(outcome);
    EXPECT_EQ(waiting.deadline, deadline);
    EXPECT_FALSE(waiting.attempt(false));
    const auto reply = waiting.attempt(true);
    ASSERT_TRUE(reply);
    EXPECT_EQ(reply->status, 200);
    EXPECT_EQ(textOf(reply->body, "next"), "n");
    EXPECT_EQ(textOf(waiting.attempt(false)->body, "token"), "start_anew");
}

TEST_F(SoapCodec, refusesForTheFrontInTheClientsVersion) {
    const auto reply = codec.refuse(Error(ErrorCode::tooLarge, "Too large."), xml12, "r-9");
    EXPECT_EQ(reply.status, 400);
    EXPECT_EQ(reply.contentType, xml12);
    EXPECT_EQ(textOf(reply.body, "request_id"), "r-9");
}

} // namespace
} // namespace pbx::soap
