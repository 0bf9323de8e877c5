// What we write by hand, read by the code that gSOAP generates for clients of the same contract, strictly.
#include "soap-server/codec.hpp"
#include "soap-server/document.hpp"
#include "soap_support.hpp"

#include "pbxH.h"

#include <gtest/gtest.h>

#include <sstream>

namespace pbx::soap {
namespace {

using namespace test;

constexpr std::string_view xml11 = "text/xml; charset=utf-8";

class Client {
public:
    explicit Client(const std::string& reply)
        : in_(reply), soap_(soap_new1(SOAP_ENC_PLAIN | SOAP_C_UTFSTRING | SOAP_XML_STRICT | SOAP_XML_TREE)) {
        soap_->is = &in_;
        soap_->os = &out_;
        soap_begin(soap_);
        EXPECT_EQ(soap_begin_recv(soap_) || soap_envelope_begin_in(soap_) || soap_recv_header(soap_) ||
                      soap_body_begin_in(soap_),
                  0);
    }
    ~Client() {
        soap_destroy(soap_);
        soap_end(soap_);
        soap_free(soap_);
    }
    Client(const Client&) = delete;
    Client& operator=(const Client&) = delete;

    // The element in the body as gSOAP writes it again after it has read it; or what it says against it.
    std::string again(const std::string& tag) {
        int type = 0;
        const void* object = soap_getelement(soap_, nullptr, &type);
        if (!object || soap_body_end_in(soap_) || soap_envelope_end_in(soap_) || soap_end_recv(soap_)) return problem();
        if (soap_begin_send(soap_) || soap_putelement(soap_, object, tag.c_str(), -1, type) || soap_end_send(soap_))
            return problem();
        return out_.str();
    }
    const SOAP_ENV__Fault* fault() {
        EXPECT_NE(soap_recv_fault(soap_, 1), SOAP_OK);
        return soap_->fault;
    }

private:
    std::string problem() {
        char text[1000];
        return std::string("gSOAP: ") + soap_sprint_fault(soap_, text, sizeof text);
    }

    std::istringstream in_;
    std::ostringstream out_;
    ::soap* soap_;
};

// The fewest parameters: every field that must be there.
std::string fewest(const ops::TypeDesc& type) {
    const auto value = [](const ops::Field& field) -> std::string {
        switch (field.kind) {
        case ops::Kind::integer:
            return std::to_string(field.limits.min);
        case ops::Kind::boolean:
            return "true";
        case ops::Kind::time:
            return "2026-11-23T10:00:00Z";
        case ops::Kind::choice:
            return std::string(field.choices.front());
        case ops::Kind::object:
            return fewest(field.object());
        case ops::Kind::text:
            break;
        }
        return "x";
    };
    std::string out;
    for (const auto& field : type.fields)
        if (!field.optional)
            out += "<" + std::string(field.name) + ">" + value(field) + "</" + std::string(field.name) + ">";
    return out;
}

std::string ask(Codec& codec, FakeDoor& door, const ops::Operation& operation) {
    const auto parameters = fewest(operation.params());
    auto outcome = codec.handle(envelope(call(operation.soapName(), parameters)), xml11, {}, door);
    return std::get<ops::FaceReply>(outcome).body;
}

// Property: whatever the result, a strict client of the contract reads what was answered; for every operation.
TEST(SoapResponse, isReadBackByGsoapForEveryOperation) {
    Codec codec;
    FakeDoor door;
    Randomly random(7);
    for (const auto& operation : ops::catalogue()) {
        for (int round = 0; round < 20; ++round) {
            auto result = operation.makeResult();
            random.fill(operation.result(), result.get());
            std::vector<Element> expected{{operation.soapName() + "Response", ""}, {"result", ""}};
            flatten(operation.result(), result.get(), expected);
            door.answer = [&](const ops::Operation&) -> ops::Outcome { return std::move(result); };
            const auto reply = ask(codec, door, operation);
            const auto again = Client(reply).again("v1:" + operation.soapName() + "Response");
            ASSERT_EQ(elementsOf(again), expected) << reply << "\n" << again;
        }
    }
}

TEST(SoapResponse, isStrictlyCheckedByThisTest) {
    const auto done = [](std::string_view inside) {
        return Client(envelope(call("queueDeleteResponse", "<result>" + std::string(inside) + "</result>")))
            .again("v1:queueDeleteResponse");
    };
    EXPECT_EQ(elementsOf(done("<id>x</id>")).back(), Element("id", "x"));
    EXPECT_EQ(done("").substr(0, 6), "gSOAP:");
    EXPECT_EQ(done("<id>x</id><other/>").substr(0, 6), "gSOAP:");
}

TEST(SoapResponse, faultIsReadBackByGsoap) {
    Codec codec;
    FakeDoor door;
    door.answer = [](const ops::Operation&) -> ops::Outcome { throw Error::field("limit", "is <odd>").retryIn(3); };
    ops::CallContext context;
    context.requestId = "r-7";
    for (const auto* version :
         {"http://schemas.xmlsoap.org/soap/envelope/", "http://www.w3.org/2003/05/soap-envelope"}) {
        const auto body = "<e:Envelope xmlns:e='" + std::string(version) + "'><e:Body>" + call("queueList") +
                          "</e:Body></e:Envelope>";
        auto outcome = codec.handle(body, xml11, context, door);
        Client client(std::get<ops::FaceReply>(outcome).body);
        const auto* fault = client.fault();
        ASSERT_TRUE(fault);
        const auto* detail = fault->detail ? fault->detail : fault->SOAP_ENV__Detail;
        ASSERT_TRUE(detail);
        ASSERT_TRUE(detail->v1__fault);
        const auto& said = *detail->v1__fault;
        EXPECT_EQ(said.code, -32602);
        EXPECT_EQ(said.token, "invalid_argument");
        EXPECT_EQ(said.message, "limit: is <odd>");
        EXPECT_EQ(*said.field, "limit");
        EXPECT_EQ(said.retry, "never");
        EXPECT_EQ(*said.retry_USCOREafter, 3);
        EXPECT_EQ(said.request_USCOREid, "r-7");
    }
}

TEST(SoapDocument, carriesTheConfiguredAddressAndNothingElseNew) {
    const auto served = wsdlDocument("https://pbx.example.com/soap?a=1&b=2");
    EXPECT_NE(served.find("<soap:address location=\"https://pbx.example.com/soap?a=1&amp;b=2\"/>"), std::string::npos);
    EXPECT_EQ(served.find("127.0.0.1"), std::string::npos);
    EXPECT_EQ(wsdlDocument("http://127.0.0.1:8080/soap"), committedWsdl);
}

} // namespace
} // namespace pbx::soap
