// What Asterisk says at the beginning of a FastAGI connection: the script with its query, and the agi_* variables.
// Threads: values. Fails: parseScript answers nullopt for what is not a script of ours.
// Source: res/res_agi.c (launch_netscript, setup_env).
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace pbx::agi {

using Pairs = std::vector<std::pair<std::string, std::string>>;

// Trust: route, server and query come from our rendered dialplan and stand before everything that a caller supplies;
// take what decides (tenant, DID) from there. Variables hold the caller's name and number: hints, never proof.
// All text here is UTF-8 without control characters: Session puts '?' in their place, because a caller whose odd name
// got his request refused would have talked himself past the blocklist.
struct Request {
    std::string route;  // first part of the path: what is asked
    std::string server; // who asks: the name that belongs to the token (filled by Door; empty before)
    Pairs query;        // as in the URL, percent-decoded; '+' stays '+'
    Pairs variables;    // "agi_channel" and so on; without agi_request and agi_network_script, which hold the token

    // Empty when it is not there.
    std::string_view argument(std::string_view name) const;
    std::string_view variable(std::string_view name) const;
};

// "ROUTE/TOKEN?name=value&…" as in agi_network_script. Names are unique, [a-z0-9_]{1,40}; route is [a-z0-9_-]{1,40}.
struct Script {
    std::string route;
    std::string token;
    Pairs query;
};
std::optional<Script> parseScript(std::string_view script);

// UTF-8 without control characters; '?' for each byte that is not.
std::string harmless(std::string_view text);

} // namespace pbx::agi
