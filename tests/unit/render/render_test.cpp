#include "render/render.hpp"

#include "base/error.hpp"
#include "sample_site.hpp"

#include <algorithm>
#include <functional>
#include <gtest/gtest.h>

namespace pbx::render {
namespace {

bool has(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }
std::string faultsOf(const Site& site) {
    try {
        render(site);
    } catch (const Error& e) {
        EXPECT_EQ(ErrorCode::invalidArgument, e.code());
        return e.text();
    }
    return {};
}
// The lines of the section [name...] up to the next one.
std::string section(const std::string& text, const std::string& name) {
    const auto begin = text.find("\n[" + name + "]");
    if (begin == std::string::npos) return {};
    const auto end = std::min({text.find("\n[", begin + 1), text.find("\n\n", begin + 1), text.size() - 1});
    return text.substr(begin + 1, end - begin);
}

TEST(Render, TheSameSiteIsTheSameBytesAndEveryFileLetsAnAdminInclude) {
    const auto files = render(sampleSite());
    EXPECT_EQ(files, render(sampleSite()));
    for (const auto& [name, text] : files) {
        EXPECT_TRUE(text.starts_with("; Rendered by pbxctl asterisk render")) << name;
        EXPECT_EQ(std::string::npos, text.find_first_of("\r\t")) << name;
        const std::string folder = name == "asterisk.conf" ? "/etc/asterisk/custom/" : "custom/";
        const bool includes = text.ends_with("#tryinclude \"" + folder + name + "\"\n");
        EXPECT_EQ(name != "odbc.ini", includes) << name;
        for (const auto line : {"\n@", "@?", "@>="}) EXPECT_FALSE(has(text, line)) << name << ": a mark was left";
    }
    for (const auto name : {"pjsip.conf", "queues.conf", "extensions.conf", "manager.conf", "func_odbc.conf",
                            "res_odbc.conf", "odbc.ini", "cdr_custom.conf", "cel_custom.conf", "logger.conf",
                            "asterisk.conf", "modules.conf", "musiconhold.conf", "features.conf", "rtp.conf"})
        EXPECT_TRUE(files.contains(name)) << name;
    EXPECT_FALSE(files.contains("pjsip.phone.conf"));
}

TEST(Render, APhoneProvesItselfByItsDigestAndATrunkIsKnownByItsAddressAlone) {
    const auto text = render(sampleSite()).at("pjsip.conf");
    EXPECT_TRUE(has(
        text,
        "[acme-101](pbxd-phone)\ncontext = acme-agents\naors = acme-101\nauth = acme-101\ncallerid = \"Ann\" <101>\n"
        "accountcode = acme\nset_var = TENANT=acme\nnamed_call_group = acme\nnamed_pickup_group = acme\ntenantid = "
        "acme\n"));
    EXPECT_TRUE(has(text, "username = acme-101\nrealm = pbxd\nmd5_cred = " + std::string(32, 'a') + "\n"));
    EXPECT_TRUE(has(text, "type = identify\nendpoint = acme-trunk-main\nmatch = 192.0.2.7\nmatch = 192.0.2.16/28\n"));
    EXPECT_TRUE(has(text, "contact = sip:192.0.2.7:5060\n"));
    EXPECT_TRUE(has(text, "[pbxd-trunk](!,pbxd-endpoint)\nidentify_by = ip\n"));
    EXPECT_FALSE(has(text, "type = registration"));
}

TEST(Render, ATrunkThatRegistersHasCredentials) {
    auto site = sampleSite();
    auto& trunk = site.tenants[0].trunks[0];
    trunk.username = "cust7";
    trunk.realm = "sip.example.com";
    trunk.digest = std::string(32, 'b');
    trunk.registers = true;
    const auto text = render(site).at("pjsip.conf");
    EXPECT_TRUE(has(text, "type = registration\n"));
    EXPECT_TRUE(has(text, "server_uri = sip:192.0.2.7:5060\nclient_uri = sip:cust7@192.0.2.7:5060\n"));
    EXPECT_TRUE(has(text, "realm = sip.example.com\nmd5_cred = " + std::string(32, 'b') + "\n"));
    EXPECT_TRUE(has(text, "outbound_auth = acme-trunk-main\n"));
}

TEST(Render, OldVersionsGetNoOptionThatTheyDoNotKnow) {
    auto site = sampleSite();
    site.machine.version = 16;
    const auto files = render(site);
    EXPECT_FALSE(has(files.at("pjsip.conf"), "tenantid"));
    EXPECT_FALSE(has(files.at("queues.conf"), "force_longest_waiting_caller"));
    EXPECT_FALSE(has(files.at("modules.conf"), "res_cdrel_custom"));
    EXPECT_TRUE(has(render(sampleSite()).at("modules.conf"), "load = res_cdrel_custom.so"));
    for (const int version : {15, 23}) {
        site.machine.version = version;
        EXPECT_EQ("the version of Asterisk must be 16 to 22", faultsOf(site));
    }
}

TEST(Render, AQueueByDefaultAndWithEverySetting) {
    auto site = sampleSite();
    const auto plain = section(render(site).at("queues.conf"), "acme-support");
    EXPECT_EQ("[acme-support](pbxd-queue)\nstrategy = rrmemory\nmusicclass = default\ntimeout = 15\nretry = "
              "2\nwrapuptime = 7\n; callers alone are counted, and by the dialplan: PBX_MOST_\nmaxlen = 0\n"
              "weight = 0\nservicelevel = 20\njoinempty = yes\nleavewhenempty = no\nannounce-frequency = "
              "0\nannounce-position = no\n"
              "announce-holdtime = no\n",
              plain);
    auto& settings = site.tenants[0].queues[0].settings;
    settings.strategy = domain::Strategy::leastrecent;
    settings.joinWhen = domain::Presence::unpaused;
    settings.leaveWhen = domain::Presence::loggedIn;
    settings.maxWaitSeconds = 40;
    settings.maxWaiting = 30;
    settings.positionEverySeconds = 30;
    settings.periodicSound = "acme/hello";
    settings.agentSound = "beep";
    const auto files = render(site);
    const auto full = section(files.at("queues.conf"), "acme-support");
    for (const auto line :
         {"strategy = leastrecent\n", "joinempty = paused,unavailable,invalid,unknown\n",
          "leavewhenempty = unavailable,invalid,unknown\n", "announce-frequency = 30\n", "announce-position = yes\n",
          "announce = beep\n", "maxlen = 0\n", "periodic-announce = acme/hello\nperiodic-announce-frequency = 60\n"})
        EXPECT_TRUE(has(full, line)) << line << full;
    // echo -n acme-support | md5sum
    EXPECT_TRUE(has(section(files.at("extensions.conf"), "globals"),
                    "PBX_WAIT_ff769c1ac52d088868aedd7d8c362a8e = 40\nPBX_MOST_ff769c1ac52d088868aedd7d8c362a8e = 30\n"
                    "PBX_LEAVE_ff769c1ac52d088868aedd7d8c362a8e = logged_in\n"));
}

TEST(Render, TheTenantStandsInItsOwnContextsAndEveryQuestionIsBounded) {
    const auto text = render(sampleSite()).at("extensions.conf");
    const auto route = section(text, "acme-route");
    for (const auto line :
         {"exten => s,1,Set(PBX_TENANT=acme)\n", " same => n,Set(PBX_ID=t_acme)\n",
          " same => n,Set(PBX_DEFAULT=acme-support)\n",
          (" same => n,Gosub(pbxd-clean,s,1)\n same => n,Set(AGIEXITONHANGUP=yes)\n same => n,Set(PBX_DONE=)\n"
           " same => n,Set(TIMEOUT(absolute)=3)\n same => "
           "n,AGI(agi://127.0.0.1:4573/route/abcdefghijklmnopqrstuvwxyz012345?tenant=acme,"
           "${PBX_DIALLED})\n same => n,Set(TIMEOUT(absolute)=0)\n"),
          "exten => T,1,Set(TIMEOUT(absolute)=0)\n"})
        EXPECT_TRUE(has(route, line)) << line << route;
    const auto agents = section(text, "acme-agents");
    EXPECT_TRUE(has(
        agents, "include => acme-outbound\nexten => +12125550100,1,Goto(acme-inbound,${EXTEN},1)\n"
                "exten => 101,hint,PJSIP/acme-101\nexten => 101,1,Dial(PJSIP/acme-101,25,t)\n same => n,Hangup()\n"))
        << agents;
    EXPECT_TRUE(has(section(text, "acme-outbound"),
                    "exten => _+1212!,1,GotoIf($[${LEN(${EXTEN})} != ${LEN(${FILTER(0-9+,${EXTEN})})}]?no)\n"
                    " same => n,Goto(acme-dial,${EXTEN},1)\n same => n(no),Hangup(21)\n"
                    "exten => _+1212976!,1,Hangup(21)\n"
                    "exten => i,1,Hangup(21)\n"));
    EXPECT_TRUE(has(section(text, "acme-dial"), "Dial(PJSIP/${EXTEN}@acme-trunk-main,60)\n"));
}

TEST(Render, TheCustomerIsDialledByOneTrunkOnceTheGateIsOpen) {
    auto site = sampleSite();
    auto second = site.tenants[0].trunks[0];
    second.name = "backup";
    second.addresses = {"192.0.2.99"};
    second.callerNumber = "+12125550199";
    site.tenants[0].trunks.push_back(second);
    const auto text = render(site).at("extensions.conf");
    EXPECT_TRUE(
        has(section(text, "acme-callback"),
            " same => n(trunk1),GotoIf($[\"${DEVICE_STATE(PJSIP/acme-trunk-main)}\" = \"UNAVAILABLE\"]?trunk2)\n"
            " same => n,Set(CALLERID(num)=${IF($[\"${PBX_CALLERID}\" != \"\"]?${PBX_CALLERID}:)})\n"
            " same => n,Dial(PJSIP/${EXTEN}@acme-trunk-main,${PBX_RING},${PBX_HOW})\n"
            " same => n,Goto(over)\n"
            " same => n(trunk2),GotoIf($[\"${DEVICE_STATE(PJSIP/acme-trunk-backup)}\" = \"UNAVAILABLE\"]?over)\n"
            " same => n,Set(CALLERID(num)=${IF($[\"${PBX_CALLERID}\" != \"\"]?${PBX_CALLERID}:+12125550199)})\n"
            " same => n,Dial(PJSIP/${EXTEN}@acme-trunk-backup,${PBX_RING},${PBX_HOW})\n"
            " same => n,Goto(over)\n"
            " same => n(over),Gosub(pbxd-callback-done,s,1)\n"))
        << section(text, "acme-callback");
    const auto gate = section(text, "pbxd-callback-gate");
    EXPECT_LT(gate.find("hangup_handler_push"), gate.find("Gosub(pbxd-agi,gate,1("));
    EXPECT_LT(gate.find("\"${PBX_DONE}\" != \"1\" | \"${PBX_GATE}\" != \"dial\"]?shut)"),
              gate.find("${PBX_TENANT}-callback,${PBX_NUMBER},1)"));
    EXPECT_FALSE(has(gate, "Dial("));
    site.tenants[0].trunks.clear();
    const auto none = section(render(site).at("extensions.conf"), "acme-callback");
    EXPECT_TRUE(has(none, " same => n(trunk1),NoOp(no trunk)\n same => n(over),Gosub("));
    EXPECT_TRUE(has(none, "exten => ready,1,Set(PBX_READY=0)\n same => n,Return(${PBX_READY})\n")) << none;
}

TEST(Render, WithoutATrunkNoAgentIsCalledAndTheGateNotAsked) {
    auto site = sampleSite();
    auto second = site.tenants[0].trunks[0];
    second.name = "backup";
    second.addresses = {"192.0.2.99"};
    site.tenants[0].trunks.push_back(second);
    const auto text = render(site).at("extensions.conf");
    EXPECT_TRUE(has(section(text, "acme-callback"),
                    "exten => ready,1,Set(PBX_READY=0)\n"
                    " same => n,ExecIf($[\"${DEVICE_STATE(PJSIP/acme-trunk-main)}\" != \"UNAVAILABLE\"]?"
                    "Set(PBX_READY=1))\n"
                    " same => n,ExecIf($[\"${DEVICE_STATE(PJSIP/acme-trunk-backup)}\" != \"UNAVAILABLE\"]?"
                    "Set(PBX_READY=1))\n"
                    " same => n,Return(${PBX_READY})\n"))
        << section(text, "acme-callback");
    for (const auto& [half, asks] : {std::pair{"pbxd-callback-queue", "Queue("}, {"pbxd-callback-gate", "agi,gate"}}) {
        const auto context = section(text, half);
        const auto ready = context.find("Gosub(pbxd-callback-ready,s,1)\n same => n,GotoIf($[\"${GOSUB_RETVAL}\" != ");
        EXPECT_LT(ready, context.find(asks)) << half;
    }
}

TEST(Render, APlaceInTheQueueIsTheLastArgumentOfEachVersion) {
    auto site = sampleSite();
    EXPECT_TRUE(has(section(render(site).at("extensions.conf"), "pbxd-callback-queue"), "t,,,,,,,${PBX_PLACE})"));
    for (const int version : {16, 20}) {
        site.machine.version = version;
        EXPECT_TRUE(has(section(render(site).at("extensions.conf"), "pbxd-callback-queue"), "t,,,,,,,,${PBX_PLACE})"));
    }
}

TEST(Render, SeveralPbxdAreAskedInTurn) {
    auto site = sampleSite();
    EXPECT_FALSE(has(render(site).at("extensions.conf"), "PBX_AGI_2"));
    site.machine.agiAlso = {"192.0.2.30:4573", "[2001:db8::1]:4573"};
    const auto globals = section(render(site).at("extensions.conf"), "globals");
    EXPECT_TRUE(has(globals, "PBX_AGI_1 = 127.0.0.1:4573\nPBX_AGI_2 = 192.0.2.30:4573\nPBX_AGI_3 = "
                             "[2001:db8::1]:4573\n"));
    for (const auto bad : {"x/route", "192.0.2.30"}) {
        site.machine.agiAlso = {bad};
        EXPECT_TRUE(has(faultsOf(site), "the address of a further pbxd")) << bad;
    }
}

TEST(Render, PhoneCodesNameTheTenantAndCanBeChosen) {
    auto site = sampleSite();
    const auto agents = section(render(site).at("extensions.conf"), "acme-agents");
    EXPECT_TRUE(has(agents, "exten => *11,1,Set(PBX_TENANT=acme)\n same => n,Set(PBX_REASON=)\n same => "
                            "n,Goto(pbxd-code,login,1)\n"));
    EXPECT_TRUE(has(agents, "exten => _*13X.,1,Set(PBX_TENANT=acme)\n same => n,Set(PBX_REASON=${EXTEN:3})\n same => "
                            "n,Goto(pbxd-code,pause,1)\n"));
    site.machine.codes = {"#7", "", "*5000", ""};
    const auto own = section(render(site).at("extensions.conf"), "acme-agents");
    EXPECT_TRUE(has(own, "exten => #7,1,"));
    EXPECT_TRUE(has(own, "exten => _*5000X,1,Set(PBX_TENANT=acme)\n same => n,Set(PBX_REASON=${EXTEN:5})\n"));
    EXPECT_FALSE(has(own, "logout"));
    for (const auto bad : {"11", "*", "*1,1", "*1X"}) {
        site.machine.codes.login = bad;
        EXPECT_TRUE(has(faultsOf(site), "the phone code for login")) << bad;
    }
    site.machine.codes = {"*7", "", "*8", "*7"};
    EXPECT_TRUE(has(faultsOf(site), "the phone code for unpause is that for login too"));
}

TEST(Render, TwoTenantsNeverNameEachOther) {
    auto site = sampleSite();
    site.tenants.push_back(sampleTenant("beta"));
    site.tenants[1].trunks[0].addresses = {"192.0.2.99"};
    const auto text = render(site).at("extensions.conf");
    for (const auto context : {"-inbound", "-route", "-agents", "-outbound", "-dial", "-callback"}) {
        const auto acme = section(text, std::string("acme") + context),
                   beta = section(text, std::string("beta") + context);
        EXPECT_FALSE(acme.empty()) << context;
        EXPECT_FALSE(beta.empty()) << context;
        EXPECT_FALSE(has(acme, "beta")) << context;
        EXPECT_FALSE(has(beta, "acme")) << context;
    }
}

TEST(Render, WithoutMariadbNothingAsksADatabase) {
    auto site = sampleSite();
    site.machine.odbc.reset();
    const auto files = render(site);
    EXPECT_FALSE(has(files.at("modules.conf"), "odbc"));
    EXPECT_FALSE(has(files.at("func_odbc.conf"), "["));
    EXPECT_FALSE(has(files.at("extensions.conf"), "pbxd-database"));
    EXPECT_TRUE(has(render(sampleSite()).at("extensions.conf"), "Gosub(pbxd-database,s,1)"));
    EXPECT_TRUE(has(render(sampleSite()).at("odbc.ini"), "Server = 127.0.0.1\nPort = 3306\n"));
}

TEST(Render, HostileValuesAreRefusedByNameOrMadeHarmless) {
    const std::string hostile = "x\n[evil]\n#include /etc/shadow;${SHELL(id)}\"";
    const std::vector<std::pair<std::string, std::function<void(Site&)>>> cases{
        {"queue support", [&](Site& s) { s.tenants[0].queues[0].queue.asteriskName = hostile; }},
        {"the music class", [&](Site& s) { s.tenants[0].queues[0].settings.musicClass = hostile; }},
        {"its extension", [&](Site& s) { s.tenants[0].phones[0].phone.extension = hostile; }},
        {"its digest", [&](Site& s) { s.tenants[0].phones[0].phone.digest = hostile; }},
        {"its number", [&](Site& s) { s.tenants[0].phones[0].phone.callerNumber = hostile; }},
        {"its host", [&](Site& s) { s.tenants[0].trunks[0].host = hostile; }},
        {"an address", [&](Site& s) { s.tenants[0].trunks[0].addresses = {hostile}; }},
        {"a codec", [&](Site& s) { s.tenants[0].trunks[0].codecs = {hostile}; }},
        {"its username", [&](Site& s) { s.tenants[0].trunks[0].username = hostile; }},
        {"a prefix", [&](Site& s) { s.tenants[0].outbound[0].value = hostile; }},
        {"a number", [&](Site& s) { s.tenants[0].dids = {hostile}; }},
        {"the default queue", [&](Site& s) { s.tenants[0].defaultQueue = hostile; }},
        {"the tenant's name", [&](Site& s) { s.tenants[0].tenant.name = hostile; }},
        {"the AMI account", [&](Site& s) { s.machine.amiUser = hostile; }},
        {"the secret of the AMI account", [&](Site& s) { s.machine.amiSecret = SecretString(hostile); }},
        {"the FastAGI token", [&](Site& s) { s.machine.agiToken = SecretString(hostile); }},
        {"MariaDB's database", [&](Site& s) { s.machine.odbc->database = hostile; }},
        {"the folder", [&](Site& s) { s.machine.directories.log = hostile; }}};
    for (const auto& [named, spoil] : cases) {
        auto site = sampleSite();
        spoil(site);
        EXPECT_TRUE(has(faultsOf(site), named)) << named << ": " << faultsOf(site);
    }
    auto site = sampleSite();
    site.tenants[0].phones[0].phone.callerName = hostile; // a person's name may be anything
    site.tenants[0].tenant.title = hostile;               // never written
    const auto files = render(site);
    EXPECT_TRUE(has(files.at("pjsip.conf"), "callerid = \"x 'evil' #include /etc/shadow\\;${SHELL(id)}'\" <101>\n"));
    for (const auto& [name, text] : files) EXPECT_FALSE(has(text, "\n[evil]") || has(text, "\n#include")) << name;
}

TEST(Render, NamesThatWouldMeetAreRefused) {
    auto site = sampleSite();
    site.tenants.push_back(sampleTenant("beta")); // the same trunk addresses
    EXPECT_TRUE(has(faultsOf(site), "calls from 192.0.2.7 come by another trunk already"));
    site = sampleSite();
    site.tenants[0].queues[0].queue.asteriskName = "general";
    EXPECT_TRUE(has(faultsOf(site), "its name in Asterisk is taken"));
    site = sampleSite();
    site.tenants[0].phones[0].phone.username = "acme-trunk-main";
    site.tenants[0].phones[0].interface = "PJSIP/acme-trunk-main";
    EXPECT_TRUE(has(faultsOf(site), "the name acme-trunk-main is taken"));
    site = sampleSite();
    site.tenants[0].phones[0].interface = "PJSIP/acme-199";
    EXPECT_TRUE(has(faultsOf(site), "the secret was made for acme-101: make a new one"));
}

} // namespace
} // namespace pbx::render
