#include "support.hpp"

#include "cli/client.hpp"
#include "ops/catalogue/directory.hpp"
#include "tests/unit/base/temp_dir.hpp"

#include <Poco/Net/ServerSocket.h>
#include <gmock/gmock.h>
#include <memory>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

namespace pbx::cli::test {
namespace {

using ::testing::HasSubstr;

TEST(Refusal, IsReadFromTheFaultString) {
    const auto missing = refusalOf(103, "not_found: no queue \"x: y\" [request 7k2]");
    EXPECT_EQ(missing.code(), ErrorCode::notFound);
    EXPECT_EQ(missing.text(), "no queue \"x: y\"");
    EXPECT_EQ(missing.requestId(), "7k2");
    const auto foreign = refusalOf(107, "slow down");
    EXPECT_EQ(foreign.code(), ErrorCode::tooManyRequests);
    EXPECT_EQ(foreign.text(), "slow down");
    EXPECT_EQ(foreign.requestId(), "");
    EXPECT_EQ(refusalOf(9999, "newer: than we [request a]").code(), ErrorCode::internal);
}

TEST(Client, SaysWhichAddressRefusedAndWhatToCheck) {
    Poco::Net::ServerSocket socket(Poco::Net::SocketAddress("127.0.0.1", 0));
    const auto port = socket.address().port();
    socket.close();
    Setting setting;
    setting.environment = {{"PBXCTL_SERVER", "http://127.0.0.1:" + std::to_string(port)}, {"PBXCTL_TOKEN", "t"}};
    const auto done = runCli({"queue", "list"}, setting);
    EXPECT_EQ(done.code, 10);
    EXPECT_THAT(done.err, HasSubstr("no connection to 127.0.0.1:" + std::to_string(port) + ": connection refused"));
    EXPECT_THAT(done.err, HasSubstr("systemctl status pbxd"));
    EXPECT_THAT(done.err, HasSubstr("PBXCTL_SERVER"));
}

// A socket that takes the connection and never answers.
TEST(Client, ATimeOutIsUnknownOutcomeOnlyForWhatChangesSomething) {
    Poco::Net::ServerSocket socket(Poco::Net::SocketAddress("127.0.0.1", 0));
    Setting setting;
    setting.environment = {
        {"PBXCTL_SERVER", "http://" + socket.address().toString()}, {"PBXCTL_TOKEN", "t"}, {"PBXCTL_TIMEOUT", "1"}};
    EXPECT_EQ(runCli({"queue", "list"}, setting).code, 11);
    const auto changed = runCli({"queue", "delete", "x"}, setting);
    EXPECT_EQ(changed.code, 12);
    EXPECT_THAT(changed.err, HasSubstr("look before you try again"));
}

TEST(Client, RefusesWhatIsNotAnAnswerOfPbxd) {
    FakePbxd pbxd;
    const auto code = [&](FakePbxd::Raw raw) {
        pbxd.raw = std::move(raw);
        return runCli({"system", "whoami"}, at(pbxd)).code;
    };
    EXPECT_EQ(code({200, "text/html", "<html>a router's page</html>"}), 10);
    EXPECT_EQ(code({302, "text/plain", ""}), 10);
    EXPECT_EQ(code({429, "text/plain", "slow down"}), 8);
    EXPECT_EQ(code({413, "text/plain", "too large"}), 2);
    EXPECT_EQ(code({503, "text/plain", "busy"}), 10);
    EXPECT_EQ(code({200, "text/xml", "<!DOCTYPE x [<!ENTITY a \"aaaa\">]><methodResponse/>"}), 10);
    EXPECT_EQ(code({200, "text/xml",
                    "<methodResponse><params><param><value><int>7</int></value></param></params>"
                    "</methodResponse>"}),
              9);
    EXPECT_EQ(code({200, "text/xml", "not xml"}), 10);
}

TEST(Client, PassesOverWhatANewerServerAdds) {
    FakePbxd pbxd;
    pbxd.raw = FakePbxd::Raw{
        200, "text/xml",
        "<methodResponse><params><param><value><struct>"
        "<member><name>id</name><value><string>q1</string></value></member>"
        "<member><name>mood</name><value><struct><member><name>x</name><value><int>1</int></value></member>"
        "</struct></value></member></struct></value></param></params></methodResponse>"};
    const auto done = runCli({"queue", "delete", "x"}, at(pbxd));
    EXPECT_EQ(done.code, 0) << done.err;
    EXPECT_EQ(done.out, "id\tq1\n");
}

// More members than a parameter list may have: limits are for what comes in from callers, not for answers.
TEST(Client, ReadsAQueueOfTwoThousandMembers) {
    FakePbxd pbxd;
    pbxd.answer = [](const ops::Operation&, const ops::Value&, const ops::CommonParams&) -> ops::Outcome {
        ops::QueueStatusResult status;
        status.members.resize(2000);
        for (auto& member : status.members) member.interface = "PJSIP/viatalk-101";
        return ops::Value::of(std::move(status));
    };
    const auto done = runCli({"queue", "status", "support", "--output", "json"}, at(pbxd));
    EXPECT_EQ(done.code, 0) << done.err;
    std::size_t found = 0;
    for (auto from = done.out.find("viatalk-101"); from != std::string::npos;
         from = done.out.find("viatalk-101", from + 1))
        ++found;
    EXPECT_EQ(found, 2000U);
}

TEST(Client, SendsNoPasswordInClearBeyondThisMachine) {
    Setting setting;
    setting.environment = {{"PBXCTL_SERVER", "http://pbx.example.com"}, {"PBXCTL_TOKEN", "t"}};
    const auto done = runCli({"queue", "list"}, setting);
    EXPECT_EQ(done.code, 2);
    EXPECT_THAT(done.err, HasSubstr("allow_plain_http = yes-in-clear"));
}

// ---- TLS

struct Pem {
    std::string certificate, key; // files
};

// A certificate of its own for `name`, which is a DNS name or "IP:127.0.0.1".
Pem makeCertificate(const pbx::test::TempDir& folder, const std::string& label, const std::string& name) {
    const std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key(EVP_EC_gen("P-256"), &EVP_PKEY_free);
    const std::unique_ptr<X509, decltype(&X509_free)> certificate(X509_new(), &X509_free);
    X509_set_version(certificate.get(), 2);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), 1);
    X509_gmtime_adj(X509_getm_notBefore(certificate.get()), -3600);
    X509_gmtime_adj(X509_getm_notAfter(certificate.get()), 3600);
    X509_set_pubkey(certificate.get(), key.get());
    auto* subject = X509_get_subject_name(certificate.get());
    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, reinterpret_cast<const unsigned char*>(name.c_str()), -1,
                               -1, 0);
    X509_set_issuer_name(certificate.get(), subject);
    for (const auto& [kind, text] : {std::pair<int, std::string>{NID_subject_alt_name, "DNS:" + name},
                                     std::pair<int, std::string>{NID_basic_constraints, "CA:TRUE"}}) {
        const std::unique_ptr<X509_EXTENSION, decltype(&X509_EXTENSION_free)> extension(
            X509V3_EXT_conf_nid(nullptr, nullptr, kind, text.c_str()), &X509_EXTENSION_free);
        X509_add_ext(certificate.get(), extension.get(), -1);
    }
    X509_sign(certificate.get(), key.get(), EVP_sha256());
    const Pem out{folder.at(label + ".crt"), folder.at(label + ".key")};
    FILE* file = std::fopen(out.certificate.c_str(), "w");
    PEM_write_X509(file, certificate.get());
    std::fclose(file);
    file = std::fopen(out.key.c_str(), "w");
    PEM_write_PrivateKey(file, key.get(), nullptr, nullptr, 0, nullptr, nullptr);
    std::fclose(file);
    return out;
}

TEST(Tls, ACertificateMustBeTrustedAndOfThatHost) {
    const pbx::test::TempDir folder;
    const auto good = makeCertificate(folder, "good", "localhost");
    const auto other = makeCertificate(folder, "other", "pbx.example.com");
    FakePbxd pbxd(good.certificate, good.key);
    FakePbxd wrongName(other.certificate, other.key);
    const auto port = [](const FakePbxd& of) { return of.host().substr(of.host().find(':')); };
    Setting setting;
    setting.environment = {{"PBXCTL_SERVER", "https://localhost" + port(pbxd)},
                           {"PBXCTL_TOKEN", "t"},
                           {"PBXCTL_CA_FILE", good.certificate}};
    const auto done = runCli({"system", "whoami"}, setting);
    EXPECT_EQ(done.code, 0) << done.err;
    EXPECT_EQ(pbxd.requests().size(), 1U);

    setting.environment.erase("PBXCTL_CA_FILE");
    const auto untrusted = runCli({"system", "whoami"}, setting);
    EXPECT_EQ(untrusted.code, 10);
    EXPECT_THAT(untrusted.err, HasSubstr("no secure connection"));
    EXPECT_EQ(pbxd.requests().size(), 1U);

    setting.environment["PBXCTL_CA_FILE"] = other.certificate;
    setting.environment["PBXCTL_SERVER"] = "https://localhost" + port(wrongName);
    const auto wrong = runCli({"system", "whoami"}, setting);
    EXPECT_EQ(wrong.code, 10) << wrong.err;
    EXPECT_TRUE(wrongName.requests().empty()) << "the token went to somebody else";
}

} // namespace
} // namespace pbx::cli::test
