// What a link to one Asterisk needs to know. Plain values, checked by the configuration and once more by Link.
// Threads: values. Nothing fails.
#pragma once

#include "ami/reader.hpp"
#include "base/secret.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>

namespace pbx::link {

struct TlsSettings {
    bool enabled = false;   // the certificate is always verified: chain and name
    std::string caFile;     // PEM file of who signed Asterisk's certificate; empty: the system's list
    std::string serverName; // the name the certificate must have; empty: `host`
};

struct Timings {
    using Ms = std::chrono::milliseconds;
    Ms connect{5'000};         // TCP and TLS
    Ms login{9'000};           // from then to the login's answer (a refusal takes Asterisk 1 s)
    Ms boot{60'000};           // from the login to FullyBooted
    Ms pingAfter{3'000};       // without a byte
    Ms deadAfter{9'000};       // without a byte
    Ms clockEvery{30'000};     // a Ping even when busy: it tells Asterisk's clock
    Ms retryFirst{200};        // then doubled, with jitter of half of it ...
    Ms retryMost{10'000};      // ... up to here
    Ms stable{60'000};         // a session that was up for so long makes the next tries start from retryFirst
    Ms restartWindow{120'000}; // after the loss of a session that was up: an Asterisk that restarts comes back soon,
    Ms restartRetry{1'000};    // so tries are no further apart than this
    Ms tcpUserTimeout{10'000};
};

struct LinkSettings {
    std::string name; // [asterisk.NAME]
    std::string host; // name or address; an address needs no resolver
    std::uint16_t port = 5038;
    std::string user;
    SecretString secret;
    std::string sysUser; // empty: no second account; what needs it is unsupported
    SecretString sysSecret;
    bool plainLogin = false; // the secret itself instead of an MD5 answer; only over TLS
    TlsSettings tls;
    Timings timings;
    std::size_t commandQueue = 1000;             // commands not yet taken over by the link's thread
    std::size_t maxPending = 20'000;             // actions without an answer yet
    std::size_t receiveBuffer = 4 * 1024 * 1024; // SO_RCVBUF; the kernel may give less (net.core.rmem_max)
    ami::ReaderLimits limits;
};

} // namespace pbx::link
