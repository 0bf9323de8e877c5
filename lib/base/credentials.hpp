// What a caller says about who it is, as taken from HTTP's Authorization; nothing here has been verified.
// Threads: values. Nothing fails.
#pragma once

#include "base/secret.hpp"

#include <string>

namespace pbx {

struct Credentials {
    enum class Kind {
        none,   // nothing was sent
        basic,  // user and secret
        bearer, // secret is an API token
        invalid // another scheme, or damaged: refused like a wrong password
    };
    Kind kind = Kind::none;
    std::string user;
    SecretString secret;
};

} // namespace pbx
