#include "domain/directory.hpp"

namespace pbx::domain {
namespace {

std::string key(std::string_view server, std::string_view name) {
    std::string out;
    out.reserve(server.size() + 1 + name.size());
    out.append(server).push_back('\n');
    out.append(name);
    return out;
}

} // namespace

std::string_view interfaceOfChannel(std::string_view channel) {
    // Asterisk appends "-" and a hexadecimal serial; Local channels also ";1" or ";2".
    const auto semicolon = channel.rfind(';');
    const std::string_view base = channel.substr(0, semicolon);
    const auto dash = base.rfind('-');
    if (dash == std::string_view::npos || base.size() - dash - 1 != 8 ||
        base.find_first_not_of("0123456789abcdef", dash + 1) != std::string_view::npos)
        return base;
    return base.substr(0, dash);
}

Directory::Directory(std::vector<Tenant> tenants, std::vector<Department> departments, std::vector<MappedQueue> queues,
                     std::vector<MappedAgent> agents)
    : tenants_(std::move(tenants)), departments_(std::move(departments)), queues_(std::move(queues)),
      agents_(std::move(agents)) {
    for (std::size_t i = 0; i < tenants_.size(); ++i) tenantIndex_.emplace(tenants_[i].name, i);
    for (std::size_t i = 0; i < queues_.size(); ++i)
        queueIndex_.emplace(key(queues_[i].queue.server, queues_[i].queue.asteriskName), i);
    for (std::size_t i = 0; i < agents_.size(); ++i)
        agentIndex_.emplace(key(agents_[i].agent.server, agents_[i].agent.interface), i);
    for (std::size_t i = 0; i < queues_.size(); ++i) queueById_.emplace(queues_[i].queue.id, i);
    for (std::size_t i = 0; i < agents_.size(); ++i) agentById_.emplace(agents_[i].agent.id, i);
}

const MappedQueue* Directory::queueByAsteriskName(std::string_view server, std::string_view asteriskName) const {
    const auto it = queueIndex_.find(key(server, asteriskName));
    return it == queueIndex_.end() ? nullptr : &queues_[it->second];
}

const MappedAgent* Directory::agentByInterface(std::string_view server, std::string_view interface) const {
    const auto it = agentIndex_.find(key(server, interface));
    return it == agentIndex_.end() ? nullptr : &agents_[it->second];
}

const MappedQueue* Directory::queue(const QueueId& id) const {
    const auto it = queueById_.find(id);
    return it == queueById_.end() ? nullptr : &queues_[it->second];
}

const MappedAgent* Directory::agent(const AgentId& id) const {
    const auto it = agentById_.find(id);
    return it == agentById_.end() ? nullptr : &agents_[it->second];
}

const Tenant* Directory::tenant(const TenantId& id) const {
    for (const auto& tenant : tenants_)
        if (tenant.id == id) return &tenant;
    return nullptr;
}

const Tenant* Directory::tenantByName(std::string_view name) const {
    const auto it = tenantIndex_.find(name);
    return it == tenantIndex_.end() ? nullptr : &tenants_[it->second];
}

const Department* Directory::department(const DepartmentId& id) const {
    for (const auto& department : departments_)
        if (department.id == id) return &department;
    return nullptr;
}

const Tenant* Directory::tenantByPrefix(std::string_view text) const {
    // "acme" and "acme-west" may both be tenants: the longest name that is followed by '-' wins.
    for (auto dash = text.rfind('-'); dash != std::string_view::npos && dash > 0; dash = text.rfind('-', dash - 1))
        if (const auto* found = tenantByName(text.substr(0, dash))) return found;
    return nullptr;
}

const Tenant* Directory::tenantOfChannel(std::string_view server, const ChannelTraits& traits,
                                         bool* contradiction) const {
    const Tenant* answer = nullptr;
    bool clash = false;
    const auto consider = [&](const Tenant* found) {
        if (!found) return;
        if (answer && answer != found) clash = true;
        answer = found;
    };
    const auto interface = interfaceOfChannel(traits.channel);
    if (const auto* mapped = agentByInterface(server, interface)) consider(tenant(mapped->tenant));
    if (!traits.tenantId.empty()) consider(tenantByName(traits.tenantId));
    if (!answer) {
        const auto slash = interface.find('/');
        consider(tenantByPrefix(interface.substr(slash == std::string_view::npos ? 0 : slash + 1)));
        if (!answer) consider(tenantByPrefix(traits.context));
    }
    if (contradiction) *contradiction = clash;
    return clash ? nullptr : answer;
}

} // namespace pbx::domain
