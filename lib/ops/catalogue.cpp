#include "ops/operation.hpp"

#include "ops/catalogue/access.hpp"
#include "ops/catalogue/applied.hpp"
#include "ops/catalogue/callback_policies.hpp"
#include "ops/catalogue/callbacks.hpp"
#include "ops/catalogue/calls.hpp"
#include "ops/catalogue/control.hpp"
#include "ops/catalogue/directory.hpp"
#include "ops/catalogue/lines.hpp"
#include "ops/catalogue/live.hpp"
#include "ops/catalogue/phones.hpp"
#include "ops/catalogue/queue_settings.hpp"
#include "ops/catalogue/routing_callers.hpp"
#include "ops/catalogue/routing_hours.hpp"
#include "ops/catalogue/routing_tables.hpp"

#include <array>
#include <cctype>

namespace pbx::ops {
namespace {

template <class... Ops>
std::array<Operation, sizeof...(Ops)> listOf() {
    return {makeOperation<Ops>()...};
}

const auto& operations() {
    static const auto list =
        listOf<SystemStatus, SystemWhoami, SystemUnmapped, SystemOutboundStatus, SystemOutboundStop,
               SystemOutboundResume, TenantList, TenantGet, TenantCreate, TenantUpdate, DepartmentList, DepartmentGet,
               DepartmentCreate, DepartmentUpdate, DepartmentDelete, UserList, UserCreate, UserUpdate, UserDisable,
               UserSetPassword, TokenCreate, TokenList, TokenRevoke, QueueList, QueueGet, QueueStatus, QueueCreate,
               QueueUpdate, QueueDelete, AgentList, AgentGet, AgentStatus, AgentCreate, AgentUpdate, AgentDelete,
               AgentLogin, AgentLogout, AgentPause, AgentUnpause, AgentSetPenalty, PauseReasonList, PauseReasonCreate,
               PauseReasonUpdate, PauseReasonDelete, QueueRemoveCaller, QueuePrioritiseCaller, QueueTransferCaller,
               ActionList, ActionGet, CallHangup, CallTransfer, CallOriginate, CallRecord, CallMonitor, PeerList,
               CallList, CallGet, CallbackList, CallbackGet, CallbackRequest, CallbackCancel, CallbackRetry, EventPoll,
               AuditList, BlocklistList, BlocklistGet, BlocklistAdd, BlocklistUpdate, BlocklistRemove, BlocklistCheck,
               PriorityList, PriorityGet, PriorityAdd, PriorityUpdate, PriorityRemove, CustomerList, CustomerGet,
               CustomerSet, CustomerSetStatus, CustomerDelete, StatusRuleList, StatusRuleGet, StatusRuleSet,
               StatusRuleDelete, DidList, DidGet, DidCreate, DidUpdate, DidDelete, HoursList, HoursGet, HoursCreate,
               HoursUpdate, HoursDelete, HoursCheck, QueueGetConditions, QueueSetConditions, RoutingGet, RoutingUpdate,
               RouteExplain, QueueGetSettings, QueueUpdateSettings, PhoneList, PhoneGet, PhoneCreate, PhoneUpdate,
               PhoneNewSecret, PhoneDelete, TrunkList, TrunkGet, TrunkCreate, TrunkUpdate, TrunkDelete,
               OutboundRuleList, OutboundRuleCreate, OutboundRuleDelete, CallbackPolicyGet, CallbackPolicySet,
               CallbackPolicyUnset, AsteriskStatus, AsteriskApply>();
    return list;
}

} // namespace

std::span<const Operation> catalogue() { return operations(); }

const Operation* findOperation(std::string_view name) {
    for (const auto& operation : operations())
        if (operation.name == name) return &operation;
    return nullptr;
}

std::string Operation::soapName() const {
    std::string out;
    bool upper = false;
    for (const char c : name) {
        if (c == '.' || c == '_') {
            upper = true;
            continue;
        }
        out += upper ? static_cast<char>(std::toupper(static_cast<unsigned char>(c))) : c;
        upper = false;
    }
    return out;
}

} // namespace pbx::ops
