#include "supervisor/core/policy.h"

#include <algorithm>
#include <cmath>

namespace reeve::core {

std::uint64_t Random::next() {
    std::uint64_t z = (state_ += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

double Random::fraction() { return static_cast<double>(next() >> 11) * 0x1.0p-53; }

Duration backoff_delay(const config::Backoff& backoff, int n) {
    // The product is compared before it is converted: it may exceed what a Duration can hold.
    if (backoff.initial <= Duration::zero()) return Duration::zero();
    const double wanted =
        static_cast<double>(backoff.initial.count()) * std::pow(backoff.factor, n);
    if (!(wanted < static_cast<double>(backoff.max.count()))) return backoff.max;
    return Duration(std::llround(wanted));
}

namespace {

bool wants_restart(const config::Service& service, const RunEnd& end, bool success) {
    if (service.policy.restart_prevent_exit.contains(end.status)) return false;
    if (service.execution.type == config::ServiceType::Oneshot && success) return false;
    switch (service.policy.restart) {
        case config::RestartPolicy::Always:
            return true;
        case config::RestartPolicy::OnFailure:
            return !success;
        case config::RestartPolicy::Never:
            return false;
    }
    return false;
}

Duration next_delay(const config::Backoff& backoff, const RunEnd& end, RestartHistory& history,
                    Random& random) {
    if (!end.unseen && !end.start_failed && end.ready_for >= backoff.reset_after) {
        history.quick_exits = 0;
        return Duration::zero();
    }
    // Whether the run was a quick one nobody knows: it waits as after the last one that was.
    const int before = end.unseen ? std::max(history.quick_exits, 1) - 1 : history.quick_exits++;
    const Duration delay = backoff_delay(backoff, before);
    const double spread = 1 + backoff.jitter * (2 * random.fraction() - 1);
    return Duration(std::llround(static_cast<double>(delay.count()) * spread));
}

}  // namespace

bool is_success(const config::Policy& policy, const RunEnd& end) {
    return !end.start_failed && !end.unwell && policy.success_exit.contains(end.status);
}

std::string_view what_makes_final(const config::Service& service, const RunEnd& end) {
    const bool oneshot = service.execution.type == config::ServiceType::Oneshot;
    if (oneshot && is_success(service.policy, end)) return {};
    if (service.policy.restart_prevent_exit.contains(end.status)) return "restart_prevent_exit";
    if (oneshot || service.policy.restart == config::RestartPolicy::Always) return {};
    return service.policy.restart == config::RestartPolicy::Never ? "restart: never"
                                                                  : "restart: on-failure";
}

Verdict judge(const config::Service& service, const RunEnd& end, RestartHistory& history,
              Random& random, Time now) {
    const config::Policy& policy = service.policy;
    const bool success = is_success(policy, end);
    if (!wants_restart(service, end, success)) {
        if (success) return EndAsDone{};
        return EndAsFailed{};
    }
    if (policy.restart_limit) {
        auto& times = history.times;
        std::erase_if(times, [&](Time at) { return now - at >= policy.restart_limit->within; });
        if (times.size() >= static_cast<std::size_t>(policy.restart_limit->count)) {
            return EndAsFailed{.limit_reached = true};
        }
    }
    const Duration delay = next_delay(policy.backoff, end, history, random);
    ++history.restarts;
    if (policy.restart_limit) history.times.push_back(now + delay);
    return RestartAfter{delay};
}

}  // namespace reeve::core
