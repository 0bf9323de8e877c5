#include "ops/handlers/applied.hpp"

#include "ops/board_view.hpp"

namespace pbx::ops {
namespace {

using storage::AppliedState;

AsteriskStatusResult rows(const Context& context) {
    context.services().database.ping(); // here it is what is asked for: not to be told of nothing
    const AppliedView view(context);
    AsteriskStatusResult out;
    out.asOf = context.now();
    for (const auto& state : view.states().servers) {
        auto reason = unlessEmpty(state.reason);
        // It may name what is another company's.
        if (reason && state.state == AppliedState::failed && !context.isOperator())
            reason = "it could not be brought into force: an operator can see why";
        out.servers.push_back({state.server, *view.of(state.server), std::move(reason), state.node, state.at});
    }
    return out;
}

AsteriskStatusResult status(Context& context, const NoParams&) { return rows(context); }

AsteriskStatusResult apply(Context& context, const NoParams&) {
    context.repositories().applied.ask();
    return rows(context);
}

} // namespace

AppliedView::AppliedView(States (*read)(storage::AppliedRepository&), const Context& context) {
    try {
        states_ = read(context.repositories().applied);
    } catch (const Error& error) {
        if (error.code() != ErrorCode::unavailable) throw;
        states_ = std::make_shared<const storage::AppliedStates>();
    }
}

AppliedView::AppliedView(const Context& context)
    : AppliedView(
          [](storage::AppliedRepository& applied) {
              return std::make_shared<const storage::AppliedStates>(applied.states());
          },
          context) {}

AppliedView AppliedView::recent(const Context& context) {
    return {[](storage::AppliedRepository& applied) { return applied.recentStates(); }, context};
}

std::optional<AppliedChoice> AppliedView::of(std::string_view server) const {
    const auto* state = states_->find(server);
    if (!state) return std::nullopt;
    if (state->state == AppliedState::applying || state->version != states_->version) return AppliedChoice::pending;
    return state->state == AppliedState::applied ? AppliedChoice::yes : AppliedChoice::failed;
}

void addAppliedHandlers(Handlers& handlers) {
    handlers.on<AsteriskStatus>(&status);
    handlers.on<AsteriskApply>(&apply);
}

} // namespace pbx::ops
