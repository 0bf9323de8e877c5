// Why agents may pause.
#include "ops/board_view.hpp"
#include "ops/catalogue/control.hpp"

namespace pbx::ops {
namespace {

PauseReasonRow row(const domain::PauseReason& reason) {
    return {reason.id.str(), reason.name, reason.title, reason.limitMinutes, reason.billable, reason.createdAt};
}

PauseReasonPage list(Context& context, const NoParams&) {
    PauseReasonPage page;
    page.asOf = context.now();
    for (const auto& reason : context.repositories().pauseReasons.all(context.scope()))
        page.items.push_back(row(reason));
    return page;
}

PauseReasonRow create(Context& context, const PauseReasonCreateParams& params) {
    const auto made = context.repositories().pauseReasons.create(
        context.scope(), {params.name, params.title, params.limitMinutes.value_or(0), params.billable.value_or(false)});
    context.concerns(made.id.str());
    return row(made);
}

PauseReasonRow update(Context& context, const PauseReasonUpdateParams& params) {
    const auto changed = context.repositories().pauseReasons.update(
        context.scope(), params.id, {params.title, params.limitMinutes, params.billable});
    context.concerns(changed.id.str());
    return row(changed);
}

Done remove(Context& context, const Reference& params) {
    const auto reason = context.repositories().pauseReasons.get(context.scope(), params.id);
    context.concerns(reason.id.str());
    context.repositories().pauseReasons.remove(context.scope(), reason.id.str());
    return {reason.id.str()};
}

} // namespace

void addPauseReasonHandlers(Handlers& handlers) {
    handlers.on<PauseReasonList>(&list);
    handlers.on<PauseReasonCreate>(&create);
    handlers.on<PauseReasonUpdate>(&update);
    handlers.on<PauseReasonDelete>(&remove);
}

} // namespace pbx::ops
