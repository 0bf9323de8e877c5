// The AMI accounts of the simulator: what manager.conf would hold.
// Threads: values. read() fails with pbx::Error (invalidArgument) that names the file and line, never a secret;
// a file that others could read is refused as pbxd refuses one.
#pragma once

#include "base/secret.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace pbx::sim {

struct Account {
    std::string name;
    SecretString secret;
    std::uint32_t read = 0; // classes of event.hpp
    std::uint32_t write = 0;
};

class Accounts {
public:
    // Lines `user secret [read-classes [write-classes]]`, `-` = none, '#' begins a comment. Without classes `pbxd` and
    // `pbxd-sys` get those of the project's manager.conf, any other user `all`.
    static Accounts read(const std::string& file);
    void add(Account account) { accounts_.push_back(std::move(account)); }
    const Account* find(std::string_view name) const;

private:
    std::vector<Account> accounts_;
};

} // namespace pbx::sim
