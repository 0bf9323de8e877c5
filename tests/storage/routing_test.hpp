// What the tests of the routing tables share: rows made in a few words, and what blocks a number.
#pragma once
#include "storage_test.hpp"

#include <algorithm>

namespace pbx::test {

// Keys as routing::matchKeys makes them: the number, then every shorter prefix that has a digit.
inline std::vector<std::string> keysOf(const std::string& number) {
    std::vector<std::string> keys;
    for (auto size = number.size(); size > 1; --size) keys.push_back(number.substr(0, size));
    return keys;
}

class RoutingRows : public StorageTest {
protected:
    domain::Queue queue(const domain::Scope& scope, const std::string& name,
                        const std::optional<DepartmentId>& department = {}) {
        return repos->queues.create(scope, {name, name, "pbx1", "", department, 0});
    }
    domain::BlockEntry block(const domain::Scope& scope, domain::BlockKind kind, const std::string& number,
                             std::optional<UtcTime> expires = {}) {
        return repos->blocklist.add(scope, {kind, number, expires, "nuisance", "alice"});
    }
    std::vector<std::string> blocking(const domain::Scope& scope, const std::string& number) {
        std::vector<std::string> out;
        const auto keys = number.empty() ? std::vector<std::string>() : keysOf(number);
        for (const auto& entry : repos->callers.find(scope.tenant(), keys, clock.now()).blocks)
            out.push_back(entry.kind == domain::BlockKind::anonymous
                              ? "anonymous"
                              : (entry.kind == domain::BlockKind::exact ? "=" : "") + entry.number);
        std::ranges::sort(out, {}, &std::string::size);
        return out;
    }
    static domain::Destination toQueue(const QueueId& id) {
        domain::Destination out;
        out.kind = domain::DestinationKind::queue;
        out.queue = id;
        return out;
    }
    static domain::Did did(const std::string& number, std::optional<QueueId> to = {}) {
        domain::Did out;
        out.number = number;
        out.title = "Main";
        out.queue = std::move(to);
        return out;
    }
    using Words = std::vector<std::string>;
};

} // namespace pbx::test
