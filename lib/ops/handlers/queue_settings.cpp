// How a queue behaves in Asterisk.
#include "ops/catalogue/queue_settings.hpp"

#include "ops/board_view.hpp"

namespace pbx::ops {
namespace {

QueueSettingsRow row(const domain::Queue& queue, const domain::QueueSettings& settings) {
    return {queue.id.str(),
            queue.name,
            settings.strategy,
            settings.ringSeconds,
            settings.retrySeconds,
            settings.maxWaiting,
            settings.maxWaitSeconds,
            settings.weight,
            settings.serviceLevelSeconds,
            settings.musicClass,
            settings.joinWhen,
            settings.leaveWhen,
            unlessEmpty(settings.agentSound),
            settings.positionEverySeconds,
            unlessEmpty(settings.periodicSound),
            settings.periodicEverySeconds};
}

QueueSettingsRow get(Context& context, const Reference& params) {
    const auto queue = context.repositories().queues.get(context.scope(), params.id);
    return row(queue, context.repositories().queueSettings.get(context.scope(), queue.id));
}

QueueSettingsRow update(Context& context, const QueueUpdateSettingsParams& params) {
    const auto queue = context.repositories().queues.get(context.scope(), params.id);
    context.concerns(queue.id.str());
    const auto change = [&](domain::QueueSettings& settings) {
        const auto take = [](auto& value, const auto& given) {
            if (given) value = *given;
        };
        take(settings.strategy, params.strategy);
        take(settings.ringSeconds, params.ringSeconds);
        take(settings.retrySeconds, params.retrySeconds);
        take(settings.maxWaiting, params.maxWaiting);
        if (params.maxWaitSeconds)
            settings.maxWaitSeconds =
                *params.maxWaitSeconds == 0 ? std::nullopt : std::optional(*params.maxWaitSeconds);
        take(settings.weight, params.weight);
        take(settings.serviceLevelSeconds, params.serviceLevelSeconds);
        take(settings.musicClass, params.musicClass);
        take(settings.joinWhen, params.joinWhen);
        take(settings.leaveWhen, params.leaveWhen);
        take(settings.agentSound, params.agentSound);
        take(settings.positionEverySeconds, params.positionEverySeconds);
        take(settings.periodicSound, params.periodicSound);
        take(settings.periodicEverySeconds, params.periodicEverySeconds);
    };
    return row(queue, context.repositories().queueSettings.update(context.scope(), queue.id, change));
}

} // namespace

void addQueueSettingsHandlers(Handlers& handlers) {
    handlers.on<QueueGetSettings>(&get);
    handlers.on<QueueUpdateSettings>(&update);
}

} // namespace pbx::ops
