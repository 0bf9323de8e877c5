// Who may ask: the list of addresses, and the token that each Asterisk has in its AGI URL.
// Threads: any; immutable. Fails: the constructor throws pbx::Error invalidArgument that names the server, not the
// token.
#pragma once

#include "base/address.hpp"
#include "base/secret.hpp"

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace pbx::agi {

struct Caller {
    std::string server; // unique; becomes Request::server
    SecretString token; // [A-Za-z0-9_-]{16,128}: it stands in a path
};

class Door {
public:
    // `addresses` empty: loopback only.
    Door(std::vector<AddressRange> addresses, const std::vector<Caller>& callers);

    bool admits(std::string_view address) const;
    // The server's name, or nullopt. Takes the same time for every token of one length: hashes are compared, all of
    // them.
    std::optional<std::string> serverOf(std::string_view token) const;

private:
    using Hash = std::array<unsigned char, 32>;
    static Hash hash(std::string_view token);

    std::vector<AddressRange> addresses_;
    std::vector<std::pair<std::string, Hash>> servers_;
};

} // namespace pbx::agi
