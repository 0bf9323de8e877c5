// For the tests of the XML-RPC face: requests as text, a codec before a door that answers what it is told, faults.
// Threads: one. Nothing fails.
#pragma once

#include "base/xml_guard.hpp"
#include "tests/unit/ops/face_support.hpp"
#include "xmlrpc-server/codec.hpp"
#include "xmlrpc-server/value_reader.hpp"

#include <gtest/gtest.h>

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

namespace pbx::xmlrpc::test {

using namespace ops::test;

// Values as a client writes them.
inline std::string element(std::string_view name, std::string_view inside) {
    return "<" + std::string(name) + ">" + std::string(inside) + "</" + std::string(name) + ">";
}
inline std::string value(std::string_view type, std::string_view text) { return element("value", element(type, text)); }
inline std::string text(std::string_view inside) { return value("string", inside); }
inline std::string number(int whole) { return value("int", std::to_string(whole)); }
inline std::string member(std::string_view name, std::string_view inside) {
    return element("member", element("name", name) + std::string(inside));
}
inline std::string structOf(std::initializer_list<std::pair<std::string_view, std::string>> members) {
    std::string out;
    for (const auto& [name, inside] : members) out += member(name, inside);
    return value("struct", out);
}
inline std::string arrayOf(std::string_view values) { return value("array", element("data", values)); }
inline std::string call(std::string_view method, std::initializer_list<std::string> params = {}) {
    std::string inside;
    for (const auto& param : params) inside += element("param", param);
    return "<?xml version=\"1.0\"?>" + element("methodCall", element("methodName", method) + element("params", inside));
}
inline std::string times(std::string_view piece, std::size_t count) {
    std::string out;
    for (std::size_t i = 0; i < count; ++i) out += piece;
    return out;
}

struct Fault {
    int code = 0;
    std::string text;
};

struct XmlRpcCodec : ::testing::Test {
    FakeDoor door;
    const Codec codec;

    ops::FaceReply send(std::string_view body) {
        ops::CallContext context;
        context.requestId = "r-1";
        context.face = "xmlrpc";
        context.credentials.kind = Credentials::Kind::bearer;
        auto outcome = codec.handle(body, "text/xml", std::move(context), door);
        EXPECT_TRUE(std::holds_alternative<ops::FaceReply>(outcome));
        auto reply = std::get<ops::FaceReply>(std::move(outcome));
        EXPECT_EQ(reply.status, 200) << body.substr(0, 300);
        EXPECT_EQ(reply.contentType, "text/xml; charset=utf-8");
        EXPECT_FALSE(guardXml(reply.body, {.xmlRpc = true})) << reply.body.substr(0, 2000);
        // What some clients fail on; a text that says so has its '<' escaped.
        for (const auto* type : {"<i8", "<nil", "<double", "<ex:"})
            EXPECT_EQ(reply.body.find(type), std::string::npos) << type << " in " << reply.body.substr(0, 2000);
        return reply;
    }
    // What is within the one <param> of an answer.
    std::string answered(std::string_view body) {
        static constexpr std::string_view before = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\r\n"
                                                   "<methodResponse><params><param>";
        static constexpr std::string_view after = "</param></params></methodResponse>\r\n";
        const auto reply = send(body).body;
        EXPECT_TRUE(reply.starts_with(before) && reply.ends_with(after)) << reply;
        if (reply.size() < before.size() + after.size()) return {};
        return reply.substr(before.size(), reply.size() - before.size() - after.size());
    }
    Fault faulted(std::string_view body) {
        const auto answer = parseResponse(send(body).body);
        if (const auto* fault = std::get_if<FaultAnswer>(&answer)) return {fault->code, fault->text};
        ADD_FAILURE() << "no fault for " << body.substr(0, 300);
        return {};
    }
    // A fault with that code and text, before anything reached the door; the request id is appended here.
    void refused(std::string_view body, int code, const std::string& said) {
        const auto before = door.calls;
        const auto fault = faulted(body);
        EXPECT_EQ(fault.code, code) << body.substr(0, 300);
        EXPECT_EQ(fault.text, said + " [request r-1]") << body.substr(0, 300);
        EXPECT_EQ(door.calls, before) << "it reached the door: " << body.substr(0, 300);
    }
    // The same, whatever the text says of the body's form.
    void malformed(std::string_view body) {
        const auto before = door.calls;
        const auto fault = faulted(body);
        EXPECT_EQ(fault.code, -32700) << body.substr(0, 300) << "\n" << fault.text;
        EXPECT_TRUE(fault.text.starts_with("malformed: ")) << fault.text;
        EXPECT_EQ(door.calls, before) << "it reached the door: " << body.substr(0, 300);
    }
};

inline constexpr int invalidArgument = -32602, tooLarge = 108;

} // namespace pbx::xmlrpc::test
