#include "tests/simulation/random_plan.h"

#include <algorithm>
#include <string>
#include <utility>

#include "config/graph.h"

namespace reeve::simulation {

using namespace config;

namespace {

constexpr std::size_t most_services = 10;

/// Names are in an order of their own, so that edges between services of different plans cannot
/// close a cycle: each only depends on those with a greater rank.
std::string name_of_rank(std::size_t rank) {
    // Not in order of rank, or every worklist would happen to be in order of dependency.
    static const char* const letters = "hcaofkmbjdnielg";
    return std::string(1, letters[rank]);
}
constexpr std::size_t ranks = 15;

std::size_t rank_of(const std::string& name) {
    std::size_t rank = 0;
    while (name_of_rank(rank) != name) ++rank;
    return rank;
}

Probe random_probe(Dice& dice) {
    Probe probe;
    if (dice.chance(0.4)) return probe;
    if (dice.chance(0.2)) {
        probe.check = LogCheck{"up"};
        return probe;
    }
    if (dice.chance(0.5)) {
        probe.check = ExecCheck{{"probe"}};
    } else {
        probe.check = TcpCheck{"localhost", 80};
    }
    probe.interval = dice.between(50ms, 1s);
    probe.timeout = dice.between(50ms, 2s);
    return probe;
}

Backoff random_backoff(Dice& dice) {
    Backoff backoff;
    backoff.initial = dice.chance(0.1) ? 0ms : dice.between(1ms, 500ms);
    backoff.factor = 1 + 2 * static_cast<double>(dice.below(3)) / 2;
    backoff.max = backoff.initial + dice.between(0s, 20s);
    backoff.jitter = static_cast<double>(dice.below(4)) * 0.1;
    backoff.reset_after = dice.between(0s, 10s);
    return backoff;
}

Health random_health(Dice& dice) {
    Health health;
    health.probe.check = TcpCheck{"localhost", 80};
    health.probe.interval = dice.between(50ms, 2s);
    health.probe.timeout = dice.between(50ms, 2s);
    health.failures = 1 + static_cast<int>(dice.below(3));
    if (dice.chance(0.5)) health.start_delay = dice.between(0s, 2s);
    if (dice.chance(0.3)) health.action = HealthAction::None;
    return health;
}

std::vector<Hook> random_hooks(Dice& dice) {
    std::vector<Hook> hooks;
    while (dice.chance(0.15)) {
        Hook hook{{"hook"}, {}, dice.chance(0.5)};
        if (dice.chance(0.5)) hook.timeout = dice.between(10ms, 2s);
        hooks.push_back(std::move(hook));
    }
    return hooks;
}

void draw_care(Dice& dice, ServiceType type, Policy& policy) {
    policy.hooks.pre_start = random_hooks(dice);
    policy.hooks.post_stop = random_hooks(dice);
    if (dice.chance(0.1)) policy.stop.rest = StopRest::Leave;
    if (type == ServiceType::Oneshot) return;
    policy.hooks.post_start = random_hooks(dice);
    policy.hooks.pre_stop = random_hooks(dice);
    if (dice.chance(0.2)) policy.health = random_health(dice);
    if (dice.chance(0.15)) policy.watchdog = dice.between(100ms, 5s);
}

Policy random_policy(Dice& dice, ServiceType type) {
    Policy policy;
    policy.success_exit.codes.set(0);
    if (dice.chance(0.1)) policy.success_exit.codes.set(2);
    if (dice.chance(0.1)) policy.restart_prevent_exit.codes.set(3);
    if (dice.chance(0.3)) policy.ready = random_probe(dice);
    policy.enabled = dice.chance(0.8);
    policy.start_timeout = dice.between(100ms, 10s);
    policy.restart = dice.one_of<RestartPolicy>(
        {RestartPolicy::Always, RestartPolicy::OnFailure, RestartPolicy::Never});
    if (type == ServiceType::Oneshot && policy.restart == RestartPolicy::Always) {
        policy.restart = RestartPolicy::OnFailure;
    }
    policy.backoff = random_backoff(dice);
    if (dice.chance(0.3)) {
        policy.restart_limit =
            RestartLimit{1 + static_cast<int>(dice.below(4)), dice.between(1s, 30s)};
    }
    if (dice.chance(0.02)) policy.on_exit = EndAction::Shutdown;
    if (dice.chance(0.02)) policy.on_failure = EndAction::Shutdown;
    if (dice.chance(0.1)) policy.stop.signal = dice.one_of<int>({SIGKILL, SIGINT});
    if (dice.chance(0.2)) policy.stop.command = {"stop"};
    policy.stop.timeout = dice.chance(0.05) ? 0ms : dice.between(10ms, 5s);
    if (dice.chance(0.3)) policy.stop.scope = StopScope::Tree;
    if (dice.chance(0.4)) {
        policy.reload.emplace();
        policy.reload->timeout = dice.between(10ms, 3s);
        if (dice.chance(0.5)) policy.reload->command = {"reload"};
        if (dice.chance(0.4)) policy.reload->check = {"check"};
    }
    draw_care(dice, type, policy);
    return policy;
}

Service random_service(Dice& dice, std::size_t rank) {
    Service service;
    service.name = name_of_rank(rank);
    if (dice.chance(0.25)) service.execution.type = ServiceType::Oneshot;
    if (dice.chance(0.15)) service.execution.type = ServiceType::Forking;
    if (dice.chance(0.5)) service.execution.pid_file = "/run/" + service.name + ".pid";
    if (!dice.chance(0.1)) service.execution.command = {"/bin/" + service.name};
    if (service.execution.command.empty()) service.execution.type = ServiceType::Simple;
    service.policy = random_policy(dice, service.execution.type);
    return service;
}

using Members = std::vector<std::pair<std::size_t, Service>>;

/// Draws some edges anew: each to a service of greater rank, `before` to one of lesser.
void draw_relations(Dice& dice, Members& members, double density, double redrawn) {
    for (auto& [rank, service] : members) {
        if (!dice.chance(redrawn)) continue;
        service.relations = {};
        for (const auto& [other, named] : members) {
            if (other == rank || !dice.chance(density)) continue;
            if (other < rank) {
                if (dice.chance(0.2)) service.relations.before.push_back(named.name);
                continue;
            }
            const std::size_t kind = dice.below(7);
            if (kind == 5) service.relations.binds.push_back(named.name);
            if (kind == 6 && dice.chance(0.5)) service.relations.conflicts.push_back(named.name);
            if (kind <= 2) service.relations.requires_.push_back(named.name);
            if (kind == 3) service.relations.wants.push_back(named.name);
            if (kind == 4 || dice.chance(0.2)) service.relations.after.push_back(named.name);
        }
        for (auto* list :
             {&service.relations.requires_, &service.relations.wants, &service.relations.after,
              &service.relations.before, &service.relations.binds, &service.relations.conflicts}) {
            std::sort(list->begin(), list->end());
        }
    }
}

PlanPtr finish(const Members& members, Supervisor supervisor) {
    std::vector<Service> services;
    for (const auto& [rank, service] : members) services.push_back(service);
    return make_plan(std::move(services), std::move(supervisor));
}

}  // namespace

PlanPtr random_plan(Dice& dice) {
    Members members;
    const std::size_t count = 1 + dice.below(most_services);
    for (std::size_t rank = 0; rank < ranks && members.size() < count; ++rank) {
        if (dice.chance(0.7)) members.emplace_back(rank, random_service(dice, rank));
    }
    draw_relations(dice, members, dice.one_of<double>({0.1, 0.25, 0.5}), 1);
    Supervisor supervisor;
    supervisor.shutdown_timeout = dice.between(100ms, 30s);
    if (dice.chance(0.2)) supervisor.exit_when = ExitWhen::Idle;
    return finish(members, std::move(supervisor));
}

PlanPtr edited(const Plan& plan, Dice& dice) {
    Members members;
    std::vector<bool> taken(ranks, false);
    for (const ServicePtr& service : plan.services) {
        const std::size_t rank = rank_of(service->name);
        taken[rank] = true;
        if (dice.chance(0.15)) continue;
        Service changed = *service;
        if (dice.chance(0.15))
            changed.execution.environment["EDITED"] = std::to_string(dice.seed());
        if (dice.chance(0.15)) changed.policy = random_policy(dice, changed.execution.type);
        members.emplace_back(rank, std::move(changed));
    }
    for (std::size_t rank = 0; rank < ranks && members.size() < most_services; ++rank) {
        if (!taken[rank] && dice.chance(0.15))
            members.emplace_back(rank, random_service(dice, rank));
    }
    draw_relations(dice, members, 0.25, dice.one_of<double>({0, 0.3, 1}));
    // No edge may lead to what is gone, as the loader would have it.
    for (auto& [rank, service] : members) {
        for (auto* needed : {&service.relations.requires_, &service.relations.binds}) {
            std::erase_if(*needed, [&](const std::string& name) {
                return std::none_of(members.begin(), members.end(),
                                    [&](const auto& m) { return m.second.name == name; });
            });
        }
    }
    return finish(members, plan.supervisor);
}

}  // namespace reeve::simulation
