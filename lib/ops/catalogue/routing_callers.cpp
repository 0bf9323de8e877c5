#include "ops/catalogue/routing_callers.hpp"

#include "ops/catalogue/page.hpp"

namespace pbx::ops {
namespace {

constexpr std::string_view expiresAtDoc = "From then on it counts no more; left out: it stays for good.";
constexpr std::string_view expiresInDoc = "The same as minutes from now, instead of expires_at.";
constexpr std::string_view newExpiresInDoc = "The same as minutes from now, instead of expires_at; 0: for good.";
constexpr std::string_view beginsDoc = "Only numbers that begin so, such as +1212.";
constexpr std::string_view numberDoc =
    "The number as it is dialled in the tenant's country or with + and country code, such as +12125550123; or an "
    "extension.";
constexpr std::string_view attributesDoc = "Free texts, at most 32; routing does not read them.";

Limits minutes(std::int64_t least) { return {.min = least, .max = longestFlag}; }

} // namespace

const TypeDesc& BlockRow::describe() {
    static const auto type = describeType<BlockRow>(
        "BlockEntry", field<&BlockRow::id>("id", "Opaque id."),
        field<&BlockRow::kind>("kind", "exact: this number; prefix: every number that begins so; anonymous: every "
                                       "caller without a usable number."),
        field<&BlockRow::number>("number", "The number, or how it begins; absent for anonymous.", {.subject = true}),
        field<&BlockRow::reason>("reason", "Why."),
        field<&BlockRow::addedBy>("added_by", "Login of who added it.", {.minor = true}),
        field<&BlockRow::expiresAt>("expires_at", "From then on it counts no more; absent: it stays for good."),
        field<&BlockRow::expired>("expired", "Whether it counts no more.", {.minor = true}),
        field<&BlockRow::hits>("hits", "Calls that it has blocked; seconds behind."),
        field<&BlockRow::lastHitAt>("last_hit_at", "When it blocked the last one."),
        field<&BlockRow::createdAt>("created_at", "When it was added.", {.minor = true}));
    return type;
}

const TypeDesc& BlockPage::describe() {
    static const auto type = describePage<BlockPage>("BlockPage");
    return type;
}

const TypeDesc& BlocklistListParams::describe() {
    static const auto type = describeType<BlocklistListParams>(
        "BlocklistListParams", field<&BlocklistListParams::kind>("kind", "Only entries of this kind."),
        field<&BlocklistListParams::number>("number", beginsDoc, phone()),
        field<&BlocklistListParams::expired>("expired", "true: only those that count no more; false: only those that "
                                                        "count."),
        field<&BlocklistListParams::after>("after", "`next` of the page before; left out: the first page.", cursor()),
        field<&BlocklistListParams::limit>("limit", "Items a page.", pageLimit()));
    return type;
}

const TypeDesc& BlocklistAddParams::describe() {
    static const auto type = describeType<BlocklistAddParams>(
        "BlocklistAddParams",
        field<&BlocklistAddParams::number>("number",
                                           "The number as it is dialled in the tenant's country or with + and country "
                                           "code; kind prefix: + and the first digits, such as +1900; kind anonymous: "
                                           "left out.",
                                           phoneSubject()),
        field<&BlocklistAddParams::kind>("kind",
                                         "exact: this number; prefix: every number that begins so; anonymous: every "
                                         "caller without a usable number.",
                                         {.fallback = "exact"}),
        field<&BlocklistAddParams::reason>("reason", "Why, for those who look at the list.", {.mayBeEmpty = true}),
        field<&BlocklistAddParams::expiresAt>("expires_at", expiresAtDoc),
        field<&BlocklistAddParams::expiresInMinutes>("expires_in_minutes", expiresInDoc, minutes(1)));
    return type;
}

const TypeDesc& BlocklistUpdateParams::describe() {
    static const auto type = describeType<BlocklistUpdateParams>(
        "BlocklistUpdateParams",
        field<&BlocklistUpdateParams::id>("id", "Id of the entry, or its number in any spelling.", phoneReference()),
        field<&BlocklistUpdateParams::reason>("reason", "Why.", {.mayBeEmpty = true}),
        field<&BlocklistUpdateParams::expiresAt>("expires_at", "From then on it counts no more."),
        field<&BlocklistUpdateParams::expiresInMinutes>("expires_in_minutes", newExpiresInDoc, minutes(0)));
    return type;
}

const TypeDesc& BlocklistCheckParams::describe() {
    static const auto type = describeType<BlocklistCheckParams>(
        "BlocklistCheckParams",
        field<&BlocklistCheckParams::number>("number",
                                             "The caller's number as the network sends it; empty or anonymous: a "
                                             "caller without one.",
                                             {.maxLength = longestNumber, .mayBeEmpty = true, .subject = true}));
    return type;
}

const TypeDesc& BlocklistCheckResult::describe() {
    static const auto type = describeType<BlocklistCheckResult>(
        "BlocklistCheck", field<&BlocklistCheckResult::blocked>("blocked", "Whether a call would be blocked now."),
        field<&BlocklistCheckResult::number>("number", "The number as it was understood; absent: no usable number."),
        field<&BlocklistCheckResult::entry>("entry", "The entry that blocks it."));
    return type;
}

const TypeDesc& PriorityRow::describe() {
    static const auto type = describeType<PriorityRow>(
        "PriorityCaller", field<&PriorityRow::id>("id", "Opaque id."),
        field<&PriorityRow::number>("number", "The number, with + and country code.", {.subject = true}),
        field<&PriorityRow::level>("level", levelDoc),
        field<&PriorityRow::queue>("queue", "Queue instead of that of the number called."),
        field<&PriorityRow::reason>("reason", "Why."),
        field<&PriorityRow::addedBy>("added_by", "Login of who added it.", {.minor = true}),
        field<&PriorityRow::expiresAt>("expires_at", "From then on it counts no more; absent: it stays for good."),
        field<&PriorityRow::expired>("expired", "Whether it counts no more.", {.minor = true}),
        field<&PriorityRow::createdAt>("created_at", "When it was added.", {.minor = true}));
    return type;
}

const TypeDesc& PriorityPage::describe() {
    static const auto type = describePage<PriorityPage>("PriorityPage");
    return type;
}

const TypeDesc& PriorityListParams::describe() {
    static const auto type = describeType<PriorityListParams>(
        "PriorityListParams", field<&PriorityListParams::number>("number", beginsDoc, phone()),
        field<&PriorityListParams::expired>("expired", "true: only those that count no more; false: only those that "
                                                       "count."),
        field<&PriorityListParams::after>("after", "`next` of the page before; left out: the first page.", cursor()),
        field<&PriorityListParams::limit>("limit", "Items a page.", pageLimit()));
    return type;
}

const TypeDesc& PriorityAddParams::describe() {
    static const auto type = describeType<PriorityAddParams>(
        "PriorityAddParams", field<&PriorityAddParams::number>("number", numberDoc, phoneSubject()),
        field<&PriorityAddParams::level>("level", levelDoc, {.max = 100, .fallback = "1"}),
        field<&PriorityAddParams::queue>("queue", "Queue instead of that of the number called.", reference()),
        field<&PriorityAddParams::reason>("reason", "Why, for those who look at the list.", {.mayBeEmpty = true}),
        field<&PriorityAddParams::expiresAt>("expires_at", expiresAtDoc),
        field<&PriorityAddParams::expiresInMinutes>("expires_in_minutes", expiresInDoc, minutes(1)));
    return type;
}

const TypeDesc& PriorityUpdateParams::describe() {
    static const auto type = describeType<PriorityUpdateParams>(
        "PriorityUpdateParams",
        field<&PriorityUpdateParams::id>("id", "Id of the entry, or its number in any spelling.", phoneReference()),
        field<&PriorityUpdateParams::level>("level", levelDoc, {.max = 100}),
        field<&PriorityUpdateParams::queue>("queue", "Queue instead of that of the number called; empty: none.",
                                            optionalReference()),
        field<&PriorityUpdateParams::reason>("reason", "Why.", {.mayBeEmpty = true}),
        field<&PriorityUpdateParams::expiresAt>("expires_at", "From then on it counts no more."),
        field<&PriorityUpdateParams::expiresInMinutes>("expires_in_minutes", newExpiresInDoc, minutes(0)));
    return type;
}

const TypeDesc& CustomerAttribute::describe() {
    static const auto type = describeType<CustomerAttribute>(
        "CustomerAttribute", field<&CustomerAttribute::name>("name", "Its name.", {.maxLength = 64}),
        field<&CustomerAttribute::value>("value", "Its value.", {.maxLength = 1000, .mayBeEmpty = true}));
    return type;
}

const TypeDesc& CustomerRow::describe() {
    static const auto type = describeType<CustomerRow>(
        "Customer", field<&CustomerRow::id>("id", "Opaque id."),
        field<&CustomerRow::number>("number", "The number, with + and country code.", {.subject = true}),
        field<&CustomerRow::status>("status", "Such as vip or overdue; absent: none. status_rule.list tells what it "
                                              "does."),
        field<&CustomerRow::attributes>("attributes", attributesDoc),
        field<&CustomerRow::updatedAt>("updated_at", "When it was changed.", {.minor = true}));
    return type;
}

const TypeDesc& CustomerPage::describe() {
    static const auto type = describePage<CustomerPage>("CustomerPage");
    return type;
}

const TypeDesc& CustomerListParams::describe() {
    static const auto type = describeType<CustomerListParams>(
        "CustomerListParams", field<&CustomerListParams::number>("number", beginsDoc, phone()),
        field<&CustomerListParams::status>("status", "Only customers of this status.", statusSlug()),
        field<&CustomerListParams::after>("after", "`next` of the page before; left out: the first page.", cursor()),
        field<&CustomerListParams::limit>("limit", "Items a page.", pageLimit()));
    return type;
}

const TypeDesc& CustomerSetParams::describe() {
    static const auto type = describeType<CustomerSetParams>(
        "CustomerSetParams", field<&CustomerSetParams::number>("number", numberDoc, phoneSubject()),
        field<&CustomerSetParams::status>("status", "Such as vip or overdue; left out: none.", statusSlug()),
        field<&CustomerSetParams::attributes>("attributes", attributesDoc, {.maxItems = 32}));
    return type;
}

const TypeDesc& CustomerSetStatusParams::describe() {
    static const auto status = [] {
        auto limits = statusSlug();
        limits.mayBeEmpty = true;
        return limits;
    }();
    static const auto type = describeType<CustomerSetStatusParams>(
        "CustomerSetStatusParams", field<&CustomerSetStatusParams::number>("number", numberDoc, phoneSubject()),
        field<&CustomerSetStatusParams::status>("status", "Such as vip or overdue; empty: none.", status),
        field<&CustomerSetStatusParams::attributes>(
            "attributes", "Free texts in the place of those that are there, at most 32; left out: they stay.",
            {.maxItems = 32}));
    return type;
}

} // namespace pbx::ops
