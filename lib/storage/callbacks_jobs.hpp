// Callbacks as the nodes that place them see them: claimed, begun, let through the gate, settled, told of. Every change
// is one guarded UPDATE whose owner, epoch, attempt or token must still be what the caller believes: one who was
// overtaken changes nothing (RELIABILITY B3, B5).
// Threads: any. Fails with pbx::Error: unavailable, deadlineExceeded, outcomeUnknown (where the doubt is not read back
// here: nothing may be done on the strength of it).
#pragma once

#include "domain/callback.hpp"
#include "storage/outbound_guard.hpp"

#include <string>
#include <variant>
#include <vector>

namespace pbx::storage {

class Database;
class Sql;

// A callback with what only nodes care for.
struct CallbackJob {
    TenantId tenant;
    domain::Callback callback;
    std::string tenantName;
    std::string asteriskQueue; // empty: the queue is gone
    std::string server;        // where its attempt is; empty: queued
    std::string startup;       // of that Asterisk when the attempt was begun
    std::string token;         // of the attempt under way
    std::string owner;
    std::int64_t epoch = 0;
    std::int64_t beat = 0; // grows with each renewal
    UtcTime stateAt;       // since when it is in its state
};

// Why the gate did not open, for the log and a counter.
enum class GateRefusal : std::uint8_t {
    none,
    unknown,
    notThisAttempt,
    notWaiting,
    expired,
    blocked,
    usedUp,
    notAllowed,
    ownNumber, // it has become one of the tenant's own
    stopped,
    capped // a cap of calls on request is full: it is put off until the next day (UTC)
};
std::string_view refusalToken(GateRefusal refusal); // "not_waiting", ...

struct GateReply {
    GateRefusal refusal = GateRefusal::unknown;
    std::string number;
    domain::CallbackPolicy policy;
    TenantId tenant;              // this and the rest only when it is open
    std::string source;           // whom it counts for
    std::vector<CapAlarm> alarms; // that it set off
    bool open() const { return refusal == GateRefusal::none; }
};

// One thing to tell of; its id is callback and version.
struct CallbackNews {
    TenantId tenant;
    CallbackId callback;
    std::int64_t version = 0;
    domain::CallbackState state = domain::CallbackState::queued;
    int attempt = 0;
    UtcTime at;
    std::optional<domain::CallbackOutcome> outcome; // as it was then
    QueueId queue;
    std::string number;
    std::string id() const { return callback.str() + '/' + std::to_string(version); }
};

enum class IntendResult : std::uint8_t { begun, blocked, expired, lost, capped };

class CallbackJobRepository {
public:
    CallbackJobRepository(Database& database, const OutboundCaps& caps) : database_(database), caps_(caps) {}

    // What could be begun on that Asterisk now: of each queue the first `perQueue` by their turn, and in that order.
    std::vector<CallbackJob> due(const std::string& server, int perQueue);
    // From claimed to in doubt on that Asterisk, whoever owns them.
    std::vector<CallbackJob> inFlight(const std::string& server);

    // One committed UPDATE; false: another was faster. Then `job` is as before. A commit whose outcome is unknown is
    // read back: the answer is the truth.
    bool claim(CallbackJob& job, const std::string& server, const std::string& owner);
    // Only if nothing was renewed since `job` was read.
    bool adopt(CallbackJob& job, const std::string& owner);
    // Says that the owner lives, for all that it has on that Asterisk. The others see it by `beat`.
    void renew(const std::string& server, const std::string& owner);
    bool release(const CallbackJob& job, UtcTime notBefore);

    // A new attempt with a token of its own; from its commit on the gate would open for it. Capped: given back and put
    // off, so that no agent is called for nothing.
    IntendResult intend(CallbackJob& job, const std::string& startup);
    // Before the gate: from its commit on the gate is shut for this attempt.
    bool withdraw(const CallbackJob& job, UtcTime notBefore);
    // One that waits for an agent and whose number came onto the blocklist meanwhile ends here; true: this one did.
    bool blockIfListed(const CallbackJob& job);
    // ring, answer or connect.
    bool progress(CallbackJob& job, domain::CallbackEvent event);
    // By its owner, from what the board or a record shows.
    bool settle(const CallbackJob& job, domain::CallbackOutcome outcome);
    bool doubt(CallbackJob& job);
    // No record came: once more by the policy, or failed.
    bool settleDoubt(const CallbackJob& job);
    // Those whose time ran out while no phone may ring for them, of all servers, at most `atMost`; answers how many.
    int expire(int atMost = 200);
    // Those that ended before that and were told of, with all their attempts; answers how many.
    int purge(UtcTime endedBefore, int atMost = 200);

    // The attempt that asks, if the gate might open for it; nothing is changed.
    std::optional<CallbackJob> atGate(const std::string& server, const CallbackId& id, int attempt,
                                      const std::string& token);
    // The tenant may not have that number dialled any more: the callback is over, unless somebody else was faster.
    void bar(const CallbackJob& job);
    // The dial gate: opens once for an attempt, for whoever knows its token, and counts it for the caps in the same
    // transaction. An exception means: shut.
    GateReply gate(const std::string& server, const CallbackId& id, int attempt, const std::string& token);
    // What the dialplan says of the attempt afterwards. False: it is settled already, or not this attempt. Where it
    // says that it did not dial, the attempt is given back: it counts neither for the callback nor for the caps.
    bool report(const std::string& server, const CallbackId& id, int attempt, const std::string& token,
                const domain::DialReport& report);

    domain::CallbackPolicy policy(const TenantId& tenant, const QueueId& queue);

    // What was not told yet, oldest first. Told twice when a node dies between telling and told(): receivers know an
    // event by its id.
    std::vector<CallbackNews> untold(int atMost = 100);
    void told(const std::vector<CallbackNews>& news);
    // Told or not: what each node reads for itself. By time; commits of two nodes may come in another order.
    std::vector<CallbackNews> newsSince(UtcTime since, int atMost);

private:
    GateReply pass(Sql& sql, const CallbackJob& job, UtcTime now) const;

    Database& database_;
    const OutboundCaps caps_;
};

} // namespace pbx::storage
