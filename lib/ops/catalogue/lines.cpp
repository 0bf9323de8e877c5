#include "ops/catalogue/lines.hpp"

#include "ops/catalogue/page.hpp"

namespace pbx::ops {
namespace {

constexpr std::string_view nameDoc = "Slug, unique in the tenant.";
constexpr std::string_view hostDoc = "Name or address that calls go to.";
constexpr std::string_view addressesDoc =
    "Addresses and ranges that its calls come from, such as 192.0.2.7 or 192.0.2.0/28; no other trunk of the Asterisk "
    "may have them.";
constexpr std::string_view createAddressesDoc =
    "Addresses and ranges that its calls come from, such as 192.0.2.7 or 192.0.2.0/28; no other trunk of the Asterisk "
    "may have them. Left out: the host, where that is an address.";
constexpr std::string_view codecsDoc = "In order of preference, of alaw, ulaw, g722, gsm, g729, opus.";
constexpr std::string_view usernameDoc = "Name to log in with; empty: the other side asks for no credentials.";
constexpr std::string_view realmDoc = "The realm that the other side names when it asks for credentials; the provider "
                                      "tells it, often its domain.";
constexpr std::string_view registersDoc = "Whether it logs in there, so that calls are sent to us.";
constexpr std::string_view trunkNumberDoc = "Number shown to the outside; empty: what the phone says.";
constexpr std::string_view valueDoc =
    "The first digits of numbers with + and country code, such as +1212, or a country, "
    "such as US.";
constexpr std::string_view typesDoc = "With a country: types of numbers (fixed, mobile, fixed_or_mobile, toll_free, "
                                      "voip, ...); none: fixed and mobile ones.";

Limits hostText() { return {.maxLength = 255}; }
Limits addressList() { return {.maxLength = 64, .maxItems = 32}; }
Limits codecList() { return {.maxLength = 8, .maxItems = 6}; }
Limits accountText() { return {.maxLength = 128, .mayBeEmpty = true}; }
Limits secretText() { return {.maxLength = 256, .secret = true}; }
Limits portNumber() { return {.min = 1, .max = 65'535, .fallback = "5060"}; }
Limits shownNumber() { return {.maxLength = longestNumber, .format = Format::phone, .mayBeEmpty = true}; }

} // namespace

const TypeDesc& TrunkRow::describe() {
    static const auto type = describeType<TrunkRow>(
        "Trunk", field<&TrunkRow::id>("id", "Opaque id."),
        field<&TrunkRow::name>("name", "Slug, unique in the tenant.", {.subject = true}),
        field<&TrunkRow::server>("server", "The Asterisk that it ends at."),
        field<&TrunkRow::host>("host", "Name or address that calls go to."),
        field<&TrunkRow::port>("port", "UDP port there."),
        field<&TrunkRow::addresses>("addresses", "Addresses and ranges that its calls come from."),
        field<&TrunkRow::codecs>("codecs", "In order of preference."),
        field<&TrunkRow::username>("username", "Name to log in with; absent: no credentials."),
        field<&TrunkRow::realm>("realm", "The realm that the other side names.", {.minor = true}),
        field<&TrunkRow::registers>("registers", registersDoc),
        field<&TrunkRow::callerNumber>("caller_number", "Number shown to the outside; absent: what the phone says."),
        field<&TrunkRow::applied>("applied", appliedDoc, {.minor = true}),
        field<&TrunkRow::createdAt>("created_at", "When it was created.", {.minor = true}));
    return type;
}

const TypeDesc& TrunkPage::describe() {
    static const auto type = describePage<TrunkPage>("TrunkPage");
    return type;
}

const TypeDesc& TrunkCreateParams::describe() {
    using P = TrunkCreateParams;
    static const auto type = describeType<P>(
        "TrunkCreateParams", field<&P::name>("name", nameDoc, {.maxLength = 63, .format = Format::slug}),
        field<&P::host>("host", hostDoc, hostText()),
        field<&P::addresses>("addresses", createAddressesDoc, addressList()),
        field<&P::server>("server", "Name of the Asterisk that it ends at; may be left out where there is one.",
                          {.maxLength = 63, .format = Format::server}),
        field<&P::port>("port", "UDP port there.", portNumber()),
        field<&P::codecs>("codecs",
                          "In order of preference, of alaw, ulaw, g722, gsm, g729, opus; left out: alaw, ulaw.",
                          codecList()),
        field<&P::username>("username", usernameDoc, accountText()), field<&P::realm>("realm", realmDoc, accountText()),
        field<&P::secret>("secret", "What the provider gave for the username; only its digest is kept.", secretText()),
        field<&P::registers>("registers", registersDoc, {.fallback = "no"}),
        field<&P::callerNumber>("caller_number", trunkNumberDoc, shownNumber()));
    return type;
}

const TypeDesc& TrunkUpdateParams::describe() {
    using P = TrunkUpdateParams;
    static const auto type = describeType<P>(
        "TrunkUpdateParams", field<&P::id>("id", "Id or name of the trunk.", reference()),
        field<&P::name>("name", nameDoc, {.maxLength = 63, .format = Format::slug}),
        field<&P::host>("host", hostDoc, hostText()), field<&P::addresses>("addresses", addressesDoc, addressList()),
        field<&P::server>("server", "Name of the Asterisk that it ends at.",
                          {.maxLength = 63, .format = Format::server}),
        field<&P::port>("port", "UDP port there.", {.min = 1, .max = 65'535}),
        field<&P::codecs>("codecs", codecsDoc, codecList()),
        field<&P::username>("username", usernameDoc, accountText()), field<&P::realm>("realm", realmDoc, accountText()),
        field<&P::secret>("secret", "What the provider gave for the username; needed with every new username or realm.",
                          secretText()),
        field<&P::registers>("registers", registersDoc),
        field<&P::callerNumber>("caller_number", trunkNumberDoc, shownNumber()));
    return type;
}

const TypeDesc& OutboundRuleRow::describe() {
    static const auto type = describeType<OutboundRuleRow>(
        "OutboundRule", field<&OutboundRuleRow::id>("id", "Opaque id."),
        field<&OutboundRuleRow::kind>("kind",
                                      "prefix: holds for phones and for the calls that pbxd makes; country: for the "
                                      "latter alone."),
        field<&OutboundRuleRow::value>("value", "The prefix or the country.", {.subject = true}),
        field<&OutboundRuleRow::types>("types", "Of a country: the types of numbers; none: fixed and mobile ones."),
        field<&OutboundRuleRow::allowed>("allowed",
                                         "no: takes away what a shorter prefix or a country gives. The longest prefix "
                                         "counts."));
    return type;
}

const TypeDesc& OutboundRulePage::describe() {
    static const auto type = describePage<OutboundRulePage>("OutboundRulePage");
    return type;
}

const TypeDesc& OutboundRuleReference::describe() {
    static const auto type = describeType<OutboundRuleReference>(
        "OutboundRuleReference",
        field<&OutboundRuleReference::id>("id", "Id of the rule, or its value.", {.format = Format::reference}));
    return type;
}

const TypeDesc& OutboundRuleCreateParams::describe() {
    using P = OutboundRuleCreateParams;
    static const auto type = describeType<P>(
        "OutboundRuleCreateParams", field<&P::value>("value", valueDoc, {.maxLength = 16, .subject = true}),
        field<&P::types>("types", typesDoc, {.maxLength = 20, .maxItems = 12}),
        field<&P::allowed>("allowed", "no: takes away what a shorter prefix or a country gives.", {.fallback = "yes"}));
    return type;
}

} // namespace pbx::ops
