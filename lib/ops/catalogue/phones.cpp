#include "ops/catalogue/phones.hpp"

#include "ops/catalogue/page.hpp"

namespace pbx::ops {
namespace {

constexpr std::string_view agentDoc = "Id or name of the agent.";
constexpr std::string_view extensionDoc = "2 to 6 digits, unique in the tenant: how colleagues call it.";

Limits extensionText() { return {.maxLength = 6}; }
Limits callerNameText() { return {.maxLength = 128, .mayBeEmpty = true}; }
Limits callerNumberText() { return {.maxLength = longestNumber, .format = Format::phone, .mayBeEmpty = true}; }

} // namespace

const TypeDesc& PhoneRow::describe() {
    static const auto type = describeType<PhoneRow>(
        "Phone", field<&PhoneRow::id>("id", "Id of the agent."),
        field<&PhoneRow::agent>("agent", "Name of the agent.", {.subject = true}),
        field<&PhoneRow::extension>("extension", "How colleagues call it."),
        field<&PhoneRow::username>("username", "Name of the SIP account."),
        field<&PhoneRow::callerName>("caller_name", "The name that who is called is shown."),
        field<&PhoneRow::callerNumber>("caller_number", "The number shown to the outside; absent: the trunk's."),
        field<&PhoneRow::applied>("applied", appliedDoc, {.minor = true}),
        field<&PhoneRow::createdAt>("created_at", "When it was created.", {.minor = true}));
    return type;
}

const TypeDesc& PhonePage::describe() {
    static const auto type = describePage<PhonePage>("PhonePage");
    return type;
}

const TypeDesc& PhoneReference::describe() {
    static const auto type =
        describeType<PhoneReference>("PhoneReference", field<&PhoneReference::id>("id", agentDoc, reference()));
    return type;
}

const TypeDesc& PhoneCreateParams::describe() {
    static const auto type = describeType<PhoneCreateParams>(
        "PhoneCreateParams",
        field<&PhoneCreateParams::agent>("agent", "Id or name of the agent, whose interface must be PJSIP/<name>.",
                                         {.format = Format::reference, .subject = true}),
        field<&PhoneCreateParams::extension>("extension", extensionDoc, extensionText()),
        field<&PhoneCreateParams::callerName>(
            "caller_name", "The name that who is called is shown; left out: the agent's.", callerNameText()),
        field<&PhoneCreateParams::callerNumber>("caller_number",
                                                "The number shown to the outside: one of the tenant's (did.list) or of "
                                                "its trunks (trunk.list); left out: the "
                                                "trunk's.",
                                                callerNumberText()));
    return type;
}

const TypeDesc& PhoneUpdateParams::describe() {
    static const auto type = describeType<PhoneUpdateParams>(
        "PhoneUpdateParams", field<&PhoneUpdateParams::id>("id", agentDoc, reference()),
        field<&PhoneUpdateParams::extension>("extension", extensionDoc, extensionText()),
        field<&PhoneUpdateParams::callerName>(
            "caller_name", "The name that who is called is shown; empty: the agent's.", callerNameText()),
        field<&PhoneUpdateParams::callerNumber>(
            "caller_number",
            "The number shown to the outside: one of the tenant's (did.list) or of its trunks (trunk.list); empty: the "
            "trunk's.",
            callerNumberText()));
    return type;
}

const TypeDesc& PhoneSecret::describe() {
    static const auto type = describeType<PhoneSecret>(
        "PhoneSecret", field<&PhoneSecret::id>("id", "Id of the agent."),
        field<&PhoneSecret::agent>("agent", "Name of the agent."),
        field<&PhoneSecret::extension>("extension", "How colleagues call it."),
        field<&PhoneSecret::username>("username", "Name of the SIP account, for the phone."),
        field<&PhoneSecret::realm>("realm", "Realm, for phones that ask for it."),
        field<&PhoneSecret::secret>("secret", "The secret, for the phone: shown this once, only its digest is kept.",
                                    {.secret = true}));
    return type;
}

} // namespace pbx::ops
