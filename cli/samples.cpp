#include "cli/samples.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <utility>

namespace pbx::cli {
namespace {

using ops::Format;
using ops::Kind;

// Where the first example, made from what is required, does not show how it is used.
constexpr std::array<std::pair<std::string_view, std::string_view>, 21> examples{{
    {"blocklist.add", "blocklist add +12125550123 --reason \"Sales robot\" --expires-in-minutes 1440"},
    {"blocklist.add", "blocklist add +1900 --kind prefix"},
    {"blocklist.add", "blocklist add --kind anonymous"},
    {"priority.add", "priority add +12125550123 --level 50 --queue vip --expires-in-minutes 60"},
    {"call.originate", "call originate +12125550123 --agent agent-101"},
    {"call.record", "call record main/1763881234.12 --action pause"},
    {"call.monitor", "call monitor main/1763881234.12 --mode whisper --agent boss"},
    {"queue.transfer_caller", "queue transfer-caller main/1763881234.12 --queue sales"},
    {"customer.set_status", "customer set-status +12125550123 --status vip --attributes \"plan Gold\""},
    {"status_rule.set", "status-rule set overdue --destination \"queue billing\""},
    {"did.create",
     "did create +12125550123 --tenant viatalk --queue support --hours office --closed \"announcement custom/closed\""},
    {"hours.create",
     "hours create --name office --title Office --week \"monday 09:00 17:30\" --holidays \"2026-12-25\""},
    {"queue.set_conditions", "queue set-conditions support --overflow \"waiting 20 callback_offer\" --overflow "
                             "\"no_agent - queue sales\""},
    {"queue.update_settings",
     "queue update-settings support --strategy fewestcalls --ring-seconds 20 --max-waiting 30"},
    {"trunk.create", "trunk create --name provider --host sip.example.com --addresses 192.0.2.0/28"},
    {"trunk.create",
     "trunk create --name second --host 192.0.2.9 --username cust7 --realm example.com --secret-file -"},
    {"outbound_rule.create", "outbound-rule create US --types fixed_or_mobile"},
    {"outbound_rule.create", "outbound-rule create +1900 --allowed no"},
    {"callback_policy.set", "callback-policy set support --max-attempts 4 --retries \"busy 300\" --retries \"no_answer "
                            "1800\" --hours office"},
    {"route.explain", "route explain +12015550100 --caller +12125550123"},
    {"routing.update", "routing update --default-queue support --closed \"announcement custom/closed\""},
}};

std::string capitals(std::string_view text) {
    std::string out(text);
    for (auto& c : out) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    return out;
}

// "\"WEEKDAY FROM TO\"": how cli/words.hpp reads it.
std::string objectName(const ops::TypeDesc& type) {
    std::string out;
    for (const auto& field : type.fields) {
        const auto name = capitals(field.name);
        out.append(out.empty() ? "" : " ").append(field.optional ? "[" + name + "]" : name);
    }
    return '"' + out + '"';
}

using Samples = std::pair<std::string_view, std::string_view>;

// Of what a group, or a field that refers to one, is about.
constexpr std::array<Samples, 14> names{{{"action", "x_4mq7dkzc3tw6hbna"},
                                         {"agent", "alice"},
                                         {"call", "main/1763881234.12"},
                                         {"callback", "r_gm3dkzqa6t2wcb4h"},
                                         {"department", "care"},
                                         {"hours", "office"},
                                         {"outbound-rule", "+1900"},
                                         {"pause-reason", "lunch"},
                                         {"phone", "alice"},
                                         {"status-rule", "vip"},
                                         {"tenant", "viatalk"},
                                         {"token", "wallboard"},
                                         {"trunk", "provider"},
                                         {"user", "alice"}}};
constexpr std::array<Samples, 5> lines{{{"extension", "101"},
                                        {"host", "192.0.2.7"},
                                        {"number", "+12125550123"},
                                        {"reason", "\"Sales robot\""},
                                        {"title", "\"Shown name\""}}};

std::string nameOf(std::string_view kind) {
    const auto* found = std::ranges::find(names, kind, &Samples::first);
    return std::string(found == names.end() ? "support" : found->second);
}
std::string lineOf(std::string_view field) {
    const auto* found = std::ranges::find(lines, field, &Samples::first);
    return std::string(found == lines.end() ? "\"A text\"" : found->second);
}

} // namespace

std::string joinedChoices(const ops::Field& field, char separator) {
    std::string out;
    for (const auto choice : field.choices) {
        if (!out.empty()) out += separator;
        out += choice;
    }
    return out;
}

std::string valueName(const ops::Field& field) {
    switch (field.kind) {
    case Kind::integer:
        return "N";
    case Kind::boolean:
        return "yes|no";
    case Kind::time:
        return "TIME";
    case Kind::choice:
        return joinedChoices(field, '|');
    case Kind::object:
        return objectName(field.object());
    case Kind::text:
        break;
    }
    switch (field.limits.format) {
    case Format::slug:
    case Format::server:
    case Format::asteriskQueue:
        return "NAME";
    case Format::login:
        return "LOGIN";
    case Format::reference:
        return "NAME|ID";
    case Format::cursor:
        return "CURSOR";
    case Format::country:
        return "CC";
    case Format::timeZone:
        return "ZONE";
    case Format::language:
        return "TAG";
    case Format::interface:
        return "INTERFACE";
    case Format::pattern:
        return "PATTERN";
    case Format::phone:
        return "NUMBER";
    case Format::phoneReference:
        return "NUMBER|ID";
    case Format::line:
    case Format::password:
        return field.limits.subject ? capitals(field.name) : "TEXT";
    }
    return "TEXT";
}

std::string sampleValue(const ops::Field& field, std::string_view group) {
    switch (field.kind) {
    case Kind::integer:
        return "10";
    case Kind::boolean:
        return "yes";
    case Kind::time:
        return "2026-11-22T21:24:38Z";
    case Kind::choice:
        return std::string(field.choices.back() == "operator" ? "supervisor" : field.choices.front());
    case Kind::object:
        return "'{}'"; // none is required anywhere
    case Kind::text:
        break;
    }
    switch (field.limits.format) {
    case Format::slug:
        return nameOf(field.name == "status" ? "status-rule" : group);
    case Format::login:
        return "alice";
    case Format::reference:
        return nameOf(field.name == "id" ? group : field.name);
    case Format::country:
        return "US";
    case Format::timeZone:
        return "America/New_York";
    case Format::language:
        return "en";
    case Format::interface:
        return "PJSIP/viatalk-101";
    case Format::asteriskQueue:
        return "support-main";
    case Format::server:
        return "main";
    case Format::pattern:
        return "'queue.*'";
    case Format::cursor:
        return "CURSOR";
    case Format::phone:
    case Format::phoneReference:
        return "+12125550123";
    case Format::line:
    case Format::password:
        if (field.limits.subject) return group == "outbound-rule" ? "+1212" : "+12125550123";
        return lineOf(field.name);
    }
    return "x";
}

std::vector<std::string> moreExamples(std::string_view operation) {
    std::vector<std::string> out;
    for (const auto& [name, example] : examples)
        if (name == operation) out.emplace_back(example);
    return out;
}

} // namespace pbx::cli
