// The one mapping between Asterisk's names and ours: which tenant, queue and agent a queue name, an interface or a
// channel belongs to. Threads: a Directory is immutable; DirectoryHolder hands the newest one out to any thread without
// waiting. Nothing fails: what cannot be mapped answers nullptr, is counted by the caller and shown to no tenant.
#pragma once

#include "domain/model.hpp"

#include <atomic>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace pbx::domain {

struct MappedQueue {
    TenantId tenant;
    Queue queue;
};
struct MappedAgent {
    TenantId tenant;
    Agent agent;
};

// What a channel tells about its tenant, strongest first.
struct ChannelTraits {
    std::string_view channel;  // "PJSIP/viatalk-101-0000002a"
    std::string_view tenantId; // header Tenantid (Asterisk 22, endpoint option `tenantid`)
    std::string_view context;  // "viatalk-inbound"
};

// The endpoint in a channel's name ("PJSIP/viatalk-101" of "PJSIP/viatalk-101-0000002a"); the whole name when it has no
// serial.
std::string_view interfaceOfChannel(std::string_view channel);

class Directory {
public:
    Directory() = default;
    Directory(std::vector<Tenant> tenants, std::vector<Department> departments, std::vector<MappedQueue> queues,
              std::vector<MappedAgent> agents);

    const MappedQueue* queueByAsteriskName(std::string_view server, std::string_view asteriskName) const;
    const MappedAgent* agentByInterface(std::string_view server, std::string_view interface) const;
    const MappedQueue* queue(const QueueId& id) const;
    const MappedAgent* agent(const AgentId& id) const;
    const Tenant* tenant(const TenantId& id) const;
    const Tenant* tenantByName(std::string_view name) const;
    const Department* department(const DepartmentId& id) const;

    // The tenant of a channel: by its agent's interface, else by Tenantid, else by the context or endpoint prefix
    // "<tenant>-". Where two of these name different tenants the channel belongs to nobody (SECURITY S17): nullptr and
    // `contradiction` set.
    const Tenant* tenantOfChannel(std::string_view server, const ChannelTraits& traits,
                                  bool* contradiction = nullptr) const;

    // By the prefix "<tenant>-" alone, the longest that fits; how names in Asterisk are divided among the tenants.
    const Tenant* tenantByPrefix(std::string_view text) const;

    const std::vector<MappedQueue>& queues() const noexcept { return queues_; }
    const std::vector<MappedAgent>& agents() const noexcept { return agents_; }
    const std::vector<Tenant>& tenants() const noexcept { return tenants_; }

private:
    std::vector<Tenant> tenants_;
    std::vector<Department> departments_;
    std::vector<MappedQueue> queues_;
    std::vector<MappedAgent> agents_;
    std::unordered_map<std::string, std::size_t> queueIndex_; // key: server '\n' asteriskName
    std::unordered_map<std::string, std::size_t> agentIndex_; // key: server '\n' interface
    std::unordered_map<QueueId, std::size_t> queueById_;
    std::unordered_map<AgentId, std::size_t> agentById_;
    std::map<std::string, std::size_t, std::less<>> tenantIndex_;
};

class DirectoryHolder {
public:
    std::shared_ptr<const Directory> get() const { return std::atomic_load(&current_); }
    void set(std::shared_ptr<const Directory> next) { std::atomic_store(&current_, std::move(next)); }

private:
    std::shared_ptr<const Directory> current_ = std::make_shared<const Directory>();
};

} // namespace pbx::domain
