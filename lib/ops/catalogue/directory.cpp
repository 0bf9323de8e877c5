#include "ops/catalogue/directory.hpp"

#include "ops/catalogue/page.hpp"

namespace pbx::ops {

const TypeDesc& TenantRow::describe() {
    static const auto type = describeType<TenantRow>(
        "Tenant", field<&TenantRow::id>("id", "Opaque id."),
        field<&TenantRow::name>("name", "Slug, unique server-wide."), field<&TenantRow::title>("title", "Shown name."),
        field<&TenantRow::country>("country", "ISO 3166-1 alpha-2."),
        field<&TenantRow::timeZone>("time_zone", "IANA time zone of reports and opening hours."),
        field<&TenantRow::languages>("languages", "BCP 47 tags, the first is the default."),
        field<&TenantRow::createdAt>("created_at", "When it was created."));
    return type;
}

const TypeDesc& TenantCreateParams::describe() {
    static const auto type = describeType<TenantCreateParams>(
        "TenantCreateParams",
        field<&TenantCreateParams::name>("name", "Slug, unique server-wide; also the prefix of its queues in Asterisk.",
                                         {.maxLength = 63, .format = Format::slug}),
        field<&TenantCreateParams::title>("title", "Shown name.", {.maxLength = 120}),
        field<&TenantCreateParams::country>("country", "ISO 3166-1 alpha-2, such as US.",
                                            {.maxLength = 2, .format = Format::country}),
        field<&TenantCreateParams::timeZone>("time_zone", "IANA name, such as America/New_York.",
                                             {.maxLength = 64, .format = Format::timeZone}),
        field<&TenantCreateParams::languages>("languages", "BCP 47 tags, the first is the default; empty: en.",
                                              {.maxLength = 35, .maxItems = 16, .format = Format::language}));
    return type;
}

const TypeDesc& TenantUpdateParams::describe() {
    static const auto type = describeType<TenantUpdateParams>(
        "TenantUpdateParams", field<&TenantUpdateParams::id>("id", "Id or name of the tenant.", reference()),
        field<&TenantUpdateParams::title>("title", "Shown name.", {.maxLength = 120}),
        field<&TenantUpdateParams::country>("country", "ISO 3166-1 alpha-2.",
                                            {.maxLength = 2, .format = Format::country}),
        field<&TenantUpdateParams::timeZone>("time_zone", "IANA name.", {.maxLength = 64, .format = Format::timeZone}),
        field<&TenantUpdateParams::languages>("languages", "BCP 47 tags, the first is the default.",
                                              {.maxLength = 35, .maxItems = 16, .format = Format::language}));
    return type;
}

const TypeDesc& DepartmentRow::describe() {
    static const auto type =
        describeType<DepartmentRow>("Department", field<&DepartmentRow::id>("id", "Opaque id."),
                                    field<&DepartmentRow::name>("name", "Slug, unique in the tenant."),
                                    field<&DepartmentRow::title>("title", "Shown name."),
                                    field<&DepartmentRow::queues>("queues", "How many queues it owns."),
                                    field<&DepartmentRow::agents>("agents", "How many agents belong to it now."),
                                    field<&DepartmentRow::createdAt>("created_at", "When it was created."));
    return type;
}

const TypeDesc& DepartmentCreateParams::describe() {
    static const auto type = describeType<DepartmentCreateParams>(
        "DepartmentCreateParams",
        field<&DepartmentCreateParams::name>("name", "Slug, unique in the tenant.",
                                             {.maxLength = 63, .format = Format::slug}),
        field<&DepartmentCreateParams::title>("title", "Shown name.", {.maxLength = 120}));
    return type;
}

const TypeDesc& DepartmentUpdateParams::describe() {
    static const auto type = describeType<DepartmentUpdateParams>(
        "DepartmentUpdateParams",
        field<&DepartmentUpdateParams::id>("id", "Id or name of the department.", reference()),
        field<&DepartmentUpdateParams::name>("name", "New slug.", {.maxLength = 63, .format = Format::slug}),
        field<&DepartmentUpdateParams::title>("title", "New shown name.", {.maxLength = 120}));
    return type;
}

const TypeDesc& QueueRow::describe() {
    static const auto type = describeType<QueueRow>(
        "Queue", field<&QueueRow::id>("id", "Opaque id."),
        field<&QueueRow::name>("name", "Slug, unique in the tenant."), field<&QueueRow::title>("title", "Shown name."),
        field<&QueueRow::server>("server", "The Asterisk that it lives on."),
        field<&QueueRow::asteriskName>("asterisk_name", "Its name in Asterisk."),
        field<&QueueRow::department>("department", "Name of the department that owns it."),
        field<&QueueRow::wrapupSeconds>("wrapup_seconds", "Seconds an agent has after a call of this queue."),
        field<&QueueRow::onAsterisk>("on_asterisk", "Whether that Asterisk has a queue of this name now."),
        field<&QueueRow::applied>("applied", appliedDoc, {.minor = true}),
        field<&QueueRow::createdAt>("created_at", "When it was created."));
    return type;
}

const TypeDesc& QueueListParams::describe() {
    static const auto type = describeType<QueueListParams>(
        "QueueListParams",
        field<&QueueListParams::department>("department", "Only the queues of this department.", reference()),
        field<&QueueListParams::after>("after", "`next` of the page before; left out: the first page.", cursor()),
        field<&QueueListParams::limit>("limit", "Items a page.", pageLimit()));
    return type;
}

const TypeDesc& QueueCreateParams::describe() {
    static const auto type = describeType<QueueCreateParams>(
        "QueueCreateParams",
        field<&QueueCreateParams::name>("name", "Slug, unique in the tenant.",
                                        {.maxLength = 63, .format = Format::slug}),
        field<&QueueCreateParams::title>("title", "Shown name.", {.maxLength = 120}),
        field<&QueueCreateParams::server>("server",
                                          "Name of the Asterisk that it lives on; may be left out where there is one.",
                                          {.maxLength = 63, .format = Format::server}),
        field<&QueueCreateParams::asteriskName>("asterisk_name", "Its name in Asterisk; left out: <tenant>-<name>.",
                                                {.maxLength = 79, .format = Format::asteriskQueue}),
        field<&QueueCreateParams::department>("department", "Department that owns it.", reference()),
        field<&QueueCreateParams::wrapupSeconds>("wrapup_seconds", "Seconds an agent has after a call, 0 to 3600.",
                                                 {.max = 3600, .fallback = "0"}));
    return type;
}

const TypeDesc& QueueUpdateParams::describe() {
    static const auto type = describeType<QueueUpdateParams>(
        "QueueUpdateParams", field<&QueueUpdateParams::id>("id", "Id or name of the queue.", reference()),
        field<&QueueUpdateParams::title>("title", "Shown name.", {.maxLength = 120}),
        field<&QueueUpdateParams::asteriskName>("asterisk_name", "Its name in Asterisk.",
                                                {.maxLength = 79, .format = Format::asteriskQueue}),
        field<&QueueUpdateParams::department>("department", "Department that owns it; empty: none.",
                                              {.format = Format::reference, .mayBeEmpty = true}),
        field<&QueueUpdateParams::wrapupSeconds>("wrapup_seconds", "Seconds an agent has after a call, 0 to 3600.",
                                                 {.max = 3600, .fallback = "0"}));
    return type;
}

const TypeDesc& QueueCaller::describe() {
    static const auto type = describeType<QueueCaller>(
        "QueueCaller", field<&QueueCaller::callId>("call_id", "Id of the call."),
        field<&QueueCaller::position>("position", "Place in the queue, from 1."),
        field<&QueueCaller::priority>("priority", "Priority in Asterisk, where it is known; higher is served first."),
        field<&QueueCaller::number>("number", "The caller's number as Asterisk has it; empty: withheld."),
        field<&QueueCaller::name>("name", "The caller's name as Asterisk has it."),
        field<&QueueCaller::since>("since", "When the caller joined; of a callback: when it was asked for."),
        field<&QueueCaller::waitSeconds>("wait_seconds", "Seconds waited at as_of."),
        field<&QueueCaller::callback>("callback", "Id of the callback whose place is kept so: nobody is on the line."));
    return type;
}

const TypeDesc& QueueMember::describe() {
    static const auto type = describeType<QueueMember>(
        "QueueMember",
        field<&QueueMember::agent>("agent", "Name of the agent; absent: the interface belongs to no agent of ours."),
        field<&QueueMember::memberName>("member_name", "The member's name in Asterisk."),
        field<&QueueMember::interface>("interface", "The interface that rings."),
        field<&QueueMember::state>("state", "What the member is doing."),
        field<&QueueMember::deviceStatus>("device_status",
                                          "Asterisk's Status: 0 unknown, 1 free, 2 in use, 3 busy, 4 invalid, 5 "
                                          "unavailable, 6 ringing, 7 ringing and in use, 8 on hold."),
        field<&QueueMember::penalty>("penalty", "Penalty; lower is called first."),
        field<&QueueMember::paused>("paused", "Whether it is paused in this queue."),
        field<&QueueMember::pausedReason>("paused_reason", "The reason given."),
        field<&QueueMember::pausedSince>("paused_since", "Since when."),
        field<&QueueMember::callsTaken>("calls_taken", "Calls taken in this queue since login."),
        field<&QueueMember::lastCallAt>("last_call_at", "End of the last call."),
        field<&QueueMember::callId>("call_id", "The call it is in or that rings."),
        field<&QueueMember::talkingTo>("talking_to", "Number of the other side."),
        field<&QueueMember::inCallSince>("in_call_since", "When the call was connected; absent: none is, or not known, "
                                                          "as the call was up already when pbxd came to know it."),
        field<&QueueMember::wrapupUntil>("wrapup_until", "When the wrap-up ends."));
    return type;
}

const TypeDesc& QueueCounts::describe() {
    static const auto type = describeType<QueueCounts>(
        "QueueCounts", field<&QueueCounts::waiting>("waiting", "Callers waiting, on the line."),
        field<&QueueCounts::longestWaitSeconds>("longest_wait_seconds", "The longest wait among them."),
        field<&QueueCounts::members>("members", "Members in all."),
        field<&QueueCounts::free>("free", "Members that could take a call now."),
        field<&QueueCounts::ringing>("ringing", "Members that ring."),
        field<&QueueCounts::inCall>("in_call", "Members in a call."),
        field<&QueueCounts::wrapup>("wrapup", "Members in wrap-up."),
        field<&QueueCounts::paused>("paused", "Members that are paused and not in a call."),
        field<&QueueCounts::unavailable>("unavailable", "Members whose phone is unavailable."),
        field<&QueueCounts::callbacks>("callbacks", "Callbacks that stand in line beside the callers."),
        field<&QueueCounts::longestCallbackSeconds>("longest_callback_seconds",
                                                    "How long ago the oldest of these was asked for."));
    return type;
}

const TypeDesc& QueueStatusResult::describe() {
    static const auto type = describeType<QueueStatusResult>(
        "QueueStatus", field<&QueueStatusResult::id>("id", "Opaque id."),
        field<&QueueStatusResult::name>("name", "Slug."), field<&QueueStatusResult::title>("title", "Shown name."),
        field<&QueueStatusResult::server>("server", "The Asterisk that it lives on."),
        field<&QueueStatusResult::asteriskName>("asterisk_name", "Its name in Asterisk."),
        field<&QueueStatusResult::department>("department", "Department that owns it."),
        field<&QueueStatusResult::strategy>("strategy", "Asterisk's strategy; absent: Asterisk has no such queue."),
        field<&QueueStatusResult::maxLength>(
            "max_length", "Asterisk's own limit, 0: none; callers alone are limited by queue.get_settings."),
        field<&QueueStatusResult::weight>("weight", "Weight against other queues."),
        field<&QueueStatusResult::serviceLevelSeconds>("service_level_seconds", "Asterisk's service-level threshold."),
        field<&QueueStatusResult::counts>("counts", "Counts over callers and members."),
        field<&QueueStatusResult::callers>("callers", "Who waits, in order."),
        field<&QueueStatusResult::members>("members", "Who answers."),
        field<&QueueStatusResult::asOf>("as_of", "When this was true."),
        field<&QueueStatusResult::stale>("stale", "Whether the link to Asterisk is down or not yet in step."));
    return type;
}

const TypeDesc& AgentRow::describe() {
    static const auto type =
        describeType<AgentRow>("Agent", field<&AgentRow::id>("id", "Opaque id."),
                               field<&AgentRow::name>("name", "Slug, unique in the tenant."),
                               field<&AgentRow::title>("title", "The person's name as shown."),
                               field<&AgentRow::server>("server", "The Asterisk of the phone."),
                               field<&AgentRow::interface>("interface", "The interface in queues: PJSIP/viatalk-101."),
                               field<&AgentRow::department>("department", "Department it belongs to."),
                               field<&AgentRow::createdAt>("created_at", "When it was created."));
    return type;
}

const TypeDesc& DepartmentStayRow::describe() {
    static const auto type = describeType<DepartmentStayRow>(
        "DepartmentStay", field<&DepartmentStayRow::department>("department", "Name of the department; absent: none."),
        field<&DepartmentStayRow::since>("since", "From when."),
        field<&DepartmentStayRow::until>("until", "Until when; absent: now."));
    return type;
}

const TypeDesc& AgentDesiredRow::describe() {
    static const auto type = describeType<AgentDesiredRow>(
        "AgentDesired", field<&AgentDesiredRow::queue>("queue", "Name of the queue."),
        field<&AgentDesiredRow::loggedIn>("logged_in", "Whether the agent shall be in it."),
        field<&AgentDesiredRow::penalty>("penalty", "The penalty that it shall have."),
        field<&AgentDesiredRow::paused>("paused", "Whether it shall be paused."),
        field<&AgentDesiredRow::reason>("reason", "The pause reason that it shall have."),
        field<&AgentDesiredRow::differs>("differs", "Whether Asterisk shows something else: not applied yet, refused, "
                                                    "or changed there a moment ago."),
        field<&AgentDesiredRow::changedBy>("changed_by",
                                           "Who wanted it so last: a login, or asterisk when it was taken "
                                           "over from there (a phone code, another tool)."),
        field<&AgentDesiredRow::changedAt>("changed_at", "When."));
    return type;
}

const TypeDesc& AgentDetail::describe() {
    static const auto type = describeType<AgentDetail>(
        "AgentDetail", field<&AgentDetail::id>("id", "Opaque id."),
        field<&AgentDetail::name>("name", "Slug, unique in the tenant."),
        field<&AgentDetail::title>("title", "The person's name as shown."),
        field<&AgentDetail::server>("server", "The Asterisk of the phone."),
        field<&AgentDetail::interface>("interface", "The interface in queues."),
        field<&AgentDetail::department>("department", "Department it belongs to."),
        field<&AgentDetail::departmentHistory>("department_history", "Where it belonged, newest first."),
        field<&AgentDetail::desired>("desired", "How it shall stand in the queues that it was ever logged in to by "
                                                "pbxd."),
        field<&AgentDetail::createdAt>("created_at", "When it was created."));
    return type;
}

const TypeDesc& AgentListParams::describe() {
    static const auto type = describeType<AgentListParams>(
        "AgentListParams",
        field<&AgentListParams::department>("department", "Only the agents of this department.", reference()),
        field<&AgentListParams::after>("after", "`next` of the page before; left out: the first page.", cursor()),
        field<&AgentListParams::limit>("limit", "Items a page.", pageLimit()));
    return type;
}

const TypeDesc& AgentCreateParams::describe() {
    static const auto type = describeType<AgentCreateParams>(
        "AgentCreateParams",
        field<&AgentCreateParams::name>("name", "Slug, unique in the tenant.",
                                        {.maxLength = 63, .format = Format::slug}),
        field<&AgentCreateParams::title>("title", "The person's name as shown.", {.maxLength = 120}),
        field<&AgentCreateParams::server>("server",
                                          "Name of the Asterisk of the phone; may be left out where there is one.",
                                          {.maxLength = 63, .format = Format::server}),
        field<&AgentCreateParams::interface>("interface", "The interface in queues: PJSIP/viatalk-101.",
                                             {.maxLength = 79, .format = Format::interface}),
        field<&AgentCreateParams::department>("department", "Department it belongs to.", reference()));
    return type;
}

const TypeDesc& AgentUpdateParams::describe() {
    static const auto type = describeType<AgentUpdateParams>(
        "AgentUpdateParams", field<&AgentUpdateParams::id>("id", "Id or name of the agent.", reference()),
        field<&AgentUpdateParams::title>("title", "The person's name as shown.", {.maxLength = 120}),
        field<&AgentUpdateParams::interface>("interface", "The interface in queues.",
                                             {.maxLength = 79, .format = Format::interface}),
        field<&AgentUpdateParams::department>("department", "New department, from now; empty: none.",
                                              {.format = Format::reference, .mayBeEmpty = true}));
    return type;
}

const TypeDesc& AgentMembership::describe() {
    static const auto type = describeType<AgentMembership>(
        "AgentMembership", field<&AgentMembership::queue>("queue", "Name of the queue."),
        field<&AgentMembership::state>("state", "What the agent is doing as far as this queue is concerned."),
        field<&AgentMembership::penalty>("penalty", "Penalty; lower is called first."),
        field<&AgentMembership::paused>("paused", "Whether it is paused in this queue."),
        field<&AgentMembership::pausedReason>("paused_reason", "The reason given."),
        field<&AgentMembership::pausedSince>("paused_since", "Since when."),
        field<&AgentMembership::pauseLimitAt>("pause_limit_at",
                                              "When the pause reaches the limit of its reason; absent: it has none."),
        field<&AgentMembership::pauseExceeded>("pause_exceeded", "Whether the pause is longer than its reason allows."),
        field<&AgentMembership::callsTaken>("calls_taken", "Calls taken in this queue since login."),
        field<&AgentMembership::lastCallAt>("last_call_at", "End of the last call."),
        field<&AgentMembership::wrapupUntil>("wrapup_until", "When the wrap-up ends."));
    return type;
}

const TypeDesc& AgentStatusResult::describe() {
    static const auto type = describeType<AgentStatusResult>(
        "AgentStatus", field<&AgentStatusResult::id>("id", "Opaque id."),
        field<&AgentStatusResult::name>("name", "Slug."),
        field<&AgentStatusResult::title>("title", "The person's name as shown."),
        field<&AgentStatusResult::server>("server", "The Asterisk of the phone."),
        field<&AgentStatusResult::interface>("interface", "The interface in queues."),
        field<&AgentStatusResult::department>("department", "Department it belongs to."),
        field<&AgentStatusResult::state>("state", "What the agent is doing; the strongest over all queues."),
        field<&AgentStatusResult::loggedIn>("logged_in", "Whether it is a member of at least one queue."),
        field<&AgentStatusResult::reachable>("reachable", "Whether the phone answers; absent: not known."),
        field<&AgentStatusResult::callId>("call_id", "The call it is in or that rings."),
        field<&AgentStatusResult::talkingTo>("talking_to", "Number of the other side."),
        field<&AgentStatusResult::callQueue>("call_queue", "Queue that the call came from."),
        field<&AgentStatusResult::inCallSince>("in_call_since",
                                               "When the call was connected; absent: none is, or not known, as the "
                                               "call was up already when pbxd came to know it."),
        field<&AgentStatusResult::queues>("queues", "Its queues."),
        field<&AgentStatusResult::asOf>("as_of", "When this was true."),
        field<&AgentStatusResult::stale>("stale", "Whether the link to Asterisk is down or not yet in step."));
    return type;
}

const TypeDesc& TenantPage::describe() {
    static const auto type = describePage<TenantPage>("TenantPage");
    return type;
}

const TypeDesc& DepartmentPage::describe() {
    static const auto type = describePage<DepartmentPage>("DepartmentPage");
    return type;
}

const TypeDesc& QueuePage::describe() {
    static const auto type = describePage<QueuePage>("QueuePage");
    return type;
}

const TypeDesc& AgentPage::describe() {
    static const auto type = describePage<AgentPage>("AgentPage");
    return type;
}

} // namespace pbx::ops
