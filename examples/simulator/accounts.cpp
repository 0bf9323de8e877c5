#include "accounts.hpp"

#include "base/error.hpp"
#include "base/secret_file.hpp"
#include "event.hpp"

#include <sstream>

namespace pbx::sim {

namespace {

constexpr std::size_t maxFileBytes = 64 * 1024;

SecretString content(const std::string& file) {
    try {
        return readPrivateFile(file, maxFileBytes);
    } catch (const Error& error) {
        throw Error::field("secret-file", file + ' ' + error.text());
    }
}

} // namespace

Accounts Accounts::read(const std::string& file) {
    std::istringstream in(std::string(content(file).reveal()));
    Accounts accounts;
    std::string line;
    for (int number = 1; std::getline(in, line); ++number) {
        std::istringstream words(line.substr(0, line.find('#')));
        Account account;
        std::string secret;
        std::string read;
        std::string write;
        if (!(words >> account.name)) continue;
        if (!(words >> secret))
            throw Error::field("secret-file",
                               file + " line " + std::to_string(number) + ": a secret must follow the user");
        account.secret = SecretString(secret);
        const bool classes = static_cast<bool>(words >> read);
        words >> write;
        if (!classes && account.name == "pbxd") {
            read = "system,call,agent,user,dtmf";
            write = "call,agent,user,reporting,originate";
        } else if (!classes && account.name == "pbxd-sys") {
            write = "system";
        } else if (!classes) {
            read = write = "all";
        }
        account.read = parseClasses(read);
        account.write = parseClasses(write);
        accounts.add(std::move(account));
    }
    if (accounts.accounts_.empty()) throw Error::field("secret-file", file + " names no account (lines: user secret)");
    return accounts;
}

const Account* Accounts::find(std::string_view name) const {
    for (const Account& account : accounts_)
        if (account.name == name) return &account;
    return nullptr;
}

} // namespace pbx::sim
