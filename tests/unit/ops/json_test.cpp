#include "ops/json.hpp"

#include "base/error.hpp"
#include "ops/catalogue/access.hpp"
#include "ops/catalogue/directory.hpp"

#include <gtest/gtest.h>

namespace pbx::ops {
namespace {

Error refusal(std::string_view text, const TypeDesc& type, void* out) {
    CommonParams common;
    try {
        decodeParams(text, type, out, common);
    } catch (const Error& error) {
        return error;
    }
    ADD_FAILURE() << "accepted: " << text;
    return Error(ErrorCode::internal, "");
}

template <class T>
Error refusal(std::string_view text) {
    T out;
    return refusal(text, T::describe(), &out);
}

TEST(Json, WritesWhatIsPresent) {
    QueueRow row;
    row.id = "q1";
    row.name = "support";
    row.title = "Line \"1\"\n\xE2\x80\xA8<&>";
    row.createdAt = fromEpochMicros(1'700'000'000'500'000);
    const auto text = toJson(Value::of(row));
    EXPECT_EQ(text, R"({"id":"q1","name":"support","title":"Line \"1\"\u000a\u2028<&>","server":"","asterisk_name":"",)"
                    R"("wrapup_seconds":0,"on_asterisk":false,"created_at":"2023-11-14T22:13:20.500000Z"})");
}

TEST(Json, WhatIsNotUtf8BecomesTheReplacementCharacter) {
    Done done;
    done.id = "a\xC0\xBC z";
    EXPECT_EQ(toJson(Value::of(done)), "{\"id\":\"a\xEF\xBF\xBD\xEF\xBF\xBD z\"}");
}

TEST(Json, MasksSecretsForTheAudit) {
    UserSetPasswordParams params{"alice", "correct horse battery"};
    EXPECT_EQ(toJson(Value::of(params), Secrets::masked), R"({"id":"alice","password":"***"})");
    EXPECT_EQ(toJson(Value::of(params)), R"({"id":"alice","password":"correct horse battery"})");
}

TEST(Json, ReadsParamsAndCommonParams) {
    TenantCreateParams params;
    CommonParams common;
    decodeParams(
        R"({"name":"acme","title":"Acm\u00e9","country":"FR","time_zone":"Europe/Paris","languages":["fr","en"],)"
        R"("tenant":null,"idempotency_key":"k1"})",
        TenantCreateParams::describe(), &params, common);
    EXPECT_EQ(params.title, "Acm\xC3\xA9");
    EXPECT_EQ(params.languages, (std::vector<std::string>{"fr", "en"}));
    EXPECT_FALSE(common.tenant.has_value());
    EXPECT_EQ(common.idempotencyKey, "k1");
}

TEST(Json, AResultReadBackIsTheSame) {
    AgentDetail detail;
    detail.id = "a1";
    detail.departmentHistory.push_back({"care", fromEpochMicros(1), std::nullopt});
    const auto text = toJson(Value::of(detail));
    AgentDetail again;
    decodeObject(text, AgentDetail::describe(), &again);
    EXPECT_EQ(toJson(Value::of(again)), text);
}

TEST(Json, RefusesWhatWouldBeTakenForAnother) {
    for (const auto* number :
         {"18446744073709551617", "-18446744073709551615", "9999999999999999999", "1.00000000000000000000"})
        EXPECT_EQ(refusal<PageParams>("{\"limit\":" + std::string(number) + '}').text(),
                  "a number has too many digits");
    EXPECT_EQ(refusal<PageParams>(R"({"limit":999999999999999999})").text(), "limit: must fit 32 bits");
    for (const auto* key : {R"("limit\u0000zzz")", R"("\\\u0000" )", R"("\u0000")"})
        EXPECT_EQ(refusal<PageParams>("{" + std::string(key) + ":1}").text(), "a key has a NUL in it") << key;
    EXPECT_EQ(refusal<PageParams>(R"({"limit\\u0000":1})").field(), "limit\\u0000") << "no NUL: a backslash and u0000";
    Reference params;
    CommonParams common;
    decodeParams(R"({"id":"00018446744073709551617"})", Reference::describe(), &params, common);
    EXPECT_EQ(params.id, "00018446744073709551617") << "a text is no number";
}

TEST(Json, RefusesByFieldName) {
    EXPECT_EQ(refusal<Reference>("{}").text(), "id: is required");
    EXPECT_EQ(refusal<Reference>(R"({"id":7})").text(), "id: must be a string");
    EXPECT_EQ(refusal<Reference>(R"({"id":"x","nmae":"y"})").field(), "nmae");
    EXPECT_EQ(refusal<PageParams>(R"({"limit":"10"})").text(), "limit: must be an integer");
    EXPECT_EQ(refusal<PageParams>(R"({"limit":1.5})").text(), "limit: must be an integer");
    EXPECT_EQ(refusal<PageParams>(R"({"limit":true})").text(), "limit: must be an integer");
    EXPECT_EQ(refusal<PageParams>(R"({"limit":2147483648})").text(), "limit: must fit 32 bits");
    EXPECT_EQ(refusal<UserCreateParams>(R"({"login":"a","password":"p","role":"root"})").text(),
              "role: must be one of viewer, agent, supervisor, admin, operator");
    EXPECT_EQ(refusal<UserUpdateParams>(R"({"id":"a","disabled":"yes"})").text(), "disabled: must be true or false");
    EXPECT_EQ(refusal<UserUpdateParams>(R"({"id":"a","departments":"care"})").text(), "departments: must be an array");
    EXPECT_EQ(refusal<UserUpdateParams>(R"({"id":"a","departments":["care",1]})").text(),
              "departments[1]: must be a string");
}

TEST(Json, RefusesWhatIsNotOneJsonObject) {
    for (const auto text : {"", "[]", "7", "{", "{\"id\":}", "{\"id\":\"x\"} trailing", "\"x\"", "null",
                            R"({"limit":99999999999999999999})"})
        EXPECT_EQ(refusal<Reference>(text).code(), ErrorCode::malformed) << text;
    EXPECT_EQ(refusal<Reference>("{\"id\":\"\xC0\xBC\"}").code(), ErrorCode::malformed);
    EXPECT_EQ(refusal<Reference>("{\"id\":" + std::string(5000, '[') + std::string(5000, ']') + "}").code(),
              ErrorCode::malformed);
}

TEST(Json, ARepeatedFieldIsRefused) {
    EXPECT_EQ(refusal<Reference>(R"({"id":"a","id":"b"})").code(), ErrorCode::malformed);
}

} // namespace
} // namespace pbx::ops
