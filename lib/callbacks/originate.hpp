// The one action that begins an attempt. All that it holds is ours: ids, a token, the queue's name in Asterisk; the
// customer's number is not in it, the gate tells it.
// Threads: any. Fails with pbx::Error invalidArgument for a queue's name that AMI cannot carry.
//
// Contract with the rendered dialplan (channel variables, inherited by both halves of the Local channel): PBX_CB = the
// callback, PBX_CB_ATTEMPT, PBX_CB_TOKEN, PBX_CB_QUEUE = Asterisk's name of the queue, PBX_CB_TENANT = the tenant's
// name, PBX_CB_POSITION = Queue()'s position argument (from 1), PBX_CB_PRIO = QUEUE_PRIO (0-100). Contexts, extension s
// each:
//   pbxd-callback-queue  waits in Queue(${PBX_CB_QUEUE}) at that position
//   pbxd-callback-gate   asks agi://.../gate/TOKEN with the three as arguments, dials if told so, and reports to
//                        agi://.../done/TOKEN (dial_gate.hpp)
// Agent first: the half that waits in the queue is dialled, and the other goes to the gate when an agent has answered.
// Customer first (PBX_CB_FIRST = customer): the half for the gate is dialled and answers at once, so that the other
// holds the place in the queue, where no agent may take it yet. The gate is asked when we press 1 (an agent is free for
// it); each other key says that we are still there: after fifteen seconds without one that half hangs up. When the
// customer is there the gate lets agents take the one in the queue.
#pragma once

#include "ami/action.hpp"
#include "storage/callbacks_jobs.hpp"

#include <chrono>

namespace pbx::callbacks {

inline constexpr std::string_view queueContext = "pbxd-callback-queue";
inline constexpr std::string_view gateContext = "pbxd-callback-gate";

// `within`: how long Asterisk waits for the first of the two to answer.
ami::Action originateAction(const storage::CallbackJob& job, domain::CallbackMode mode, int position,
                            std::chrono::milliseconds within);
// Which half of the Local channel dials the customer.
int diallingHalf(domain::CallbackMode mode);

// A key that the half behind `channelId` hears.
ami::Action keyAction(const std::string& channelId, char key);
inline constexpr char dialKey = '1';
inline constexpr char stayKey = '0';

} // namespace pbx::callbacks
