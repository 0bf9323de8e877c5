#include "render/dialplan.hpp"

#include <algorithm>
#include <array>

namespace pbx::render {
namespace {

bool isPhoneCode(std::string_view code) {
    return code.size() > 1 && (code.front() == '*' || code.front() == '#') &&
           code.find_first_not_of("0123456789*#") == std::string_view::npos;
}

std::array<std::pair<std::string_view, const std::string*>, 4> codesOf(const PhoneCodes& codes) {
    return {{{"login", &codes.login}, {"logout", &codes.logout}, {"pause", &codes.pause}, {"unpause", &codes.unpause}}};
}

} // namespace

std::string lines(const std::vector<std::string>& all) {
    std::string out;
    for (const auto& line : all) out.append(out.empty() ? "" : "\n").append(line);
    return out;
}

std::string didLines(Faults& faults, const TenantSite& site, const std::string& who) {
    std::vector<std::string> out;
    for (const auto& number : site.dids)
        out.push_back("exten => " + word(faults, number, numberMarks, who + "a number") + ",1,Goto(" +
                      site.tenant.name + "-inbound,${EXTEN},1)");
    return lines(out);
}

std::string phoneLines(const TenantSite& site) {
    std::vector<std::string> out;
    for (const auto& [phone, name, interface] : site.phones) {
        out.push_back("exten => " + phone.extension + ",hint," + interface);
        out.push_back("exten => " + phone.extension + ",1,Dial(" + interface + ",25,t)");
        out.emplace_back(" same => n,Hangup()");
    }
    return lines(out);
}

// What a phone dials may hold anything: with a comma a Goto would take the rest for a label behind the checks. Compared
// by length, as the text itself must not stand in an expression. "!": the prefix alone is a whole number, too.
std::string outboundLines(Faults& faults, const TenantSite& site, const std::string& who) {
    std::vector<std::string> out;
    for (const auto& rule : site.outbound) {
        if (rule.kind != domain::OutboundKind::prefix) continue;
        const auto pattern = "exten => _" + word(faults, rule.value, numberMarks, who + "a prefix") + "!,1,";
        if (!rule.allowed) {
            out.push_back(pattern + "Hangup(21)");
            continue;
        }
        out.push_back(pattern + "GotoIf($[${LEN(${EXTEN})} != ${LEN(${FILTER(0-9+,${EXTEN})})}]?no)");
        out.push_back(" same => n,Goto(" + site.tenant.name + "-dial,${EXTEN},1)");
        out.emplace_back(" same => n(no),Hangup(21)");
    }
    return lines(out);
}

// Q.931 causes by which the called side, not the trunk or the network, has said no: unknown number, hung up, busy, no
// answer, declined, number changed, incomplete number. By the next trunk the phone would ring once more. Asterisk calls
// some of them CHANUNAVAIL.
constexpr std::string_view ofThePerson = "1|16|17|19|21|22|28";

std::string dialLines(const TenantSite& site) {
    std::vector<std::string> out;
    out.emplace_back(" same => n(dial),Set(PBX_FROM=${CALLERID(num)})");
    for (const auto& trunk : site.trunks) {
        const auto endpoint = site.tenant.name + "-trunk-" + trunk.name;
        out.push_back(" same => n,Set(CALLERID(num)=${IF($[\"${PBX_SHOWN}\" != \"\"]?${PBX_SHOWN}:" +
                      (trunk.callerNumber.empty() ? "${PBX_FROM}" : trunk.callerNumber) + ")})");
        out.push_back(" same => n,Dial(PJSIP/${EXTEN}@" + endpoint + ",60)");
        out.emplace_back(" same => n,GotoIf($[\"${DIALSTATUS}\" != \"CHANUNAVAIL\" & \"${DIALSTATUS}\" != "
                         "\"CONGESTION\"]?over)");
        out.push_back(" same => n,GotoIf($[\"${HANGUPCAUSE}\" : \"^(" + std::string(ofThePerson) + ")$\"]?over)");
    }
    out.emplace_back(" same => n(over),NoOp(${DIALSTATUS})");
    return lines(out);
}

std::string callbackLines(const TenantSite& site) {
    std::vector<std::string> out;
    for (std::size_t i = 0; i < site.trunks.size(); ++i) {
        const auto& trunk = site.trunks[i];
        const auto endpoint = "PJSIP/" + site.tenant.name + "-trunk-" + trunk.name;
        const auto next = i + 1 < site.trunks.size() ? "trunk" + std::to_string(i + 2) : std::string("over");
        out.push_back(" same => n(trunk" + std::to_string(i + 1) + "),GotoIf($[\"${DEVICE_STATE(" + endpoint +
                      ")}\" = \"UNAVAILABLE\"]?" + next + ")");
        out.push_back(" same => n,Set(CALLERID(num)=${IF($[\"${PBX_CALLERID}\" != \"\"]?${PBX_CALLERID}:" +
                      trunk.callerNumber + ")})");
        out.push_back(" same => n,Dial(PJSIP/${EXTEN}@" + endpoint.substr(pjsip.size()) + ",${PBX_RING},${PBX_HOW})");
        out.emplace_back(" same => n,Goto(over)");
    }
    if (site.trunks.empty()) out.emplace_back(" same => n(trunk1),NoOp(no trunk)");
    return lines(out);
}

std::string readyLines(const TenantSite& site) {
    std::vector<std::string> out;
    for (const auto& trunk : site.trunks)
        out.push_back(" same => n,ExecIf($[\"${DEVICE_STATE(PJSIP/" + site.tenant.name + "-trunk-" + trunk.name +
                      ")}\" != \"UNAVAILABLE\"]?Set(PBX_READY=1))");
    return lines(out);
}

std::vector<CodeFault> faultsOf(const PhoneCodes& codes) {
    std::vector<CodeFault> faults;
    const auto all = codesOf(codes);
    for (auto one = all.begin(); one != all.end(); ++one) {
        const auto& [what, code] = *one;
        if (code->empty()) continue;
        if (!isPhoneCode(*code)) faults.push_back({what, "is not * or #, then digits"});
        const auto same = std::find_if(all.begin(), one, [&](const auto& other) { return *other.second == *code; });
        if (same != one) faults.push_back({what, "is that for " + std::string(same->first) + " too"});
    }
    return faults;
}

std::string codeLines(const PhoneCodes& codes, const std::string& tenant) {
    std::vector<std::string> out;
    const auto add = [&](const std::string& pattern, std::string_view what, const std::string& reason) {
        out.push_back("exten => " + pattern + ",1,Set(PBX_TENANT=" + tenant + ")");
        out.push_back(" same => n,Set(PBX_REASON=" + reason + ")");
        out.push_back(" same => n,Goto(pbxd-code," + std::string(what) + ",1)");
    };
    for (const auto& [what, code] : codesOf(codes)) {
        if (code->empty()) continue;
        add(*code, what, "");
        if (what != "pause") continue;
        const auto reason = "${EXTEN:" + std::to_string(code->size()) + "}";
        add("_" + *code + "X", what, reason);
        add("_" + *code + "X.", what, reason);
    }
    return lines(out);
}

} // namespace pbx::render
