// Reads tests/fixtures/routing/cases.json, and plays the part of storage: what it would fetch for one caller.
// Threads: one. Fails: std::runtime_error that names what is wrong in the file.
#pragma once

#include "routing/decision.hpp"

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace pbx::routing::test {

struct TenantData {
    TenantTables tables;
    std::vector<domain::BlockEntry> blocklist;
    std::vector<domain::PriorityCaller> priority;
    std::vector<domain::Customer> customers;
};

struct Expected {
    std::string outcome;
    std::string to;
    int priority = 0;
    bool callback = false;
    std::string blockedBy;
    std::vector<std::string> because; // reasons' tokens
};

struct Case {
    std::string name;
    std::string tenant;
    std::string did;
    std::string caller;
    UtcTime at;
    std::map<std::string, std::optional<QueueFacts>> board; // the queues that are not quiet
    Expected expect;
    std::optional<Expected> sql; // the fallback's answer, where it is another one
};

struct CaseTable {
    std::map<std::string, TenantData> tenants;
    std::vector<Case> cases;
    QueueFacts quiet;
};

CaseTable readCaseTable(const std::string& path);

// By the number and its match keys, as the database will be asked.
CallerRows fetch(const TenantData& data, const Number& caller);

// "queue:support", "hang_up", ...: as in the file.
std::string destinationText(const domain::Destination& destination);

} // namespace pbx::routing::test
