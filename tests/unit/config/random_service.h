#pragma once

#include <algorithm>
#include <csignal>
#include <string>
#include <utility>
#include <vector>

#include "base/signal_name.h"
#include "config/draft.h"
#include "config/service_checks.h"
#include "config/users.h"
#include "config/values.h"
#include "tests/unit/config/random.h"

namespace reeve::config {

/// Makes services that a configuration could give, of everything that can be said.
class RandomService {
  public:
    /// Names of other services, which look like something else; the last is for `before`.
    static constexpr std::string_view kOthers[] = {"0x10", "1e3", "null", "on", "db.main-1", "z"};

    explicit RandomService(Random& random) : random_(random) {}

    Service make() {
        draft_ = initial_draft(false);
        draft_.name = random_.one_of(std::vector<std::string>{"web", "true", "8.5", "0b1"});
        relations();
        draft_.policy.description = random_.text();
        draft_.policy.enabled = random_.chance(50);
        draft_.policy.groups = names(0);
        if (random_.chance(90)) process();
        Service service{draft_.name, draft_.execution, draft_.policy, draft_.relations,
                        draft_.identity};
        if (service.execution.command.empty() && service.relations.wants.empty()) {
            service.relations.wants = {"0x10"};
        }
        return service;
    }

  private:
    bool sometimes() { return random_.chance(30); }
    std::string nonempty() { return "a" + random_.text(); }
    std::string path() { return "/" + random_.text(); }

    Argv argv() {
        Argv out{random_.chance(50) ? nonempty() : path()};
        for (std::size_t n = random_.under(5); n > 0; --n) out.push_back(random_.text());
        return out;
    }
    /// Sorted, without the last `without` ones.
    std::vector<std::string> names(std::size_t without) {
        std::vector<std::string> out;
        for (std::size_t i = 0; i + without < std::size(kOthers); ++i) {
            if (sometimes()) out.emplace_back(kOthers[i]);
        }
        std::sort(out.begin(), out.end());
        return out;
    }
    /// From `least` on, of every magnitude.
    Duration duration(Duration least) {
        const std::int64_t most = std::int64_t{1} << random_.between(20, 61);
        return std::min<Duration>(least + Duration(random_.between(0, most)), 24h * 36'500);
    }
    ExitSet exits() {
        ExitSet out;
        for (std::size_t n = random_.under(4); n > 0; --n) out.codes.set(random_.under(256));
        for (int signal = 1; signal < 65; ++signal) {
            if (signal_number(std::to_string(signal)) && random_.chance(5)) {
                out.signals.set(static_cast<std::size_t>(signal));
            }
        }
        return out;
    }
    int signal() {
        while (true) {
            const auto number = signal_number(std::to_string(random_.between(1, 64)));
            if (number) return *number;
        }
    }

    void relations() {
        draft_.relations = {names(1), names(1), names(1), {}};
        if (sometimes()) draft_.relations.before = {std::string(kOthers[5])};
    }

    void process() {
        execution();
        identity();
        const bool oneshot = sometimes();
        if (oneshot) draft_.execution.type = ServiceType::Oneshot;
        if (!oneshot) readiness_and_reload();
        restarting(oneshot);
        Policy& policy = draft_.policy;
        if (sometimes()) policy.start_timeout = duration(1ms);
        if (sometimes()) policy.success_exit = exits();
        if (sometimes()) policy.restart_prevent_exit = exits();
        if (sometimes()) policy.on_exit = EndAction::Shutdown;
        if (sometimes()) policy.on_failure = EndAction::Shutdown;
        if (sometimes()) policy.stop.signal = signal();
        if (sometimes()) policy.stop.command = argv();
        if (sometimes()) policy.stop.timeout = duration(0ms);
        if (sometimes()) policy.stop.scope = StopScope::Tree;
        if (sometimes()) log();
    }

    void execution() {
        Execution& execution = draft_.execution;
        execution.command = argv();
        if (sometimes()) execution.working_dir = path();
        for (std::size_t n = random_.under(4); n > 0; --n) {
            std::string name = random_.text() + "X";
            std::erase(name, '=');
            execution.environment[name] = random_.text();
        }
        for (std::size_t n = random_.under(3); n > 0; --n) {
            execution.environment_files.push_back({path(), random_.chance(50)});
        }
        if (sometimes()) {
            execution.inherit_environment.all = false;
            if (sometimes()) execution.inherit_environment.names = {nonempty()};
        }
        if (sometimes()) execution.umask = static_cast<mode_t>(random_.under(01000));
        if (sometimes()) execution.nice = static_cast<int>(random_.between(-20, 19));
        for (const std::string_view name : limit_names()) {
            if (random_.chance(10)) execution.limits.push_back(limit(name));
        }
        std::sort(execution.limits.begin(), execution.limits.end(),
                  [](const Limit& a, const Limit& b) { return a.resource < b.resource; });
        if (sometimes()) execution.stdin_path = path();
    }

    Limit limit(std::string_view name) {
        const auto value = [&]() -> std::uint64_t {
            if (random_.chance(20)) return ~std::uint64_t{0};
            const std::uint64_t unit = std::uint64_t{1} << (10 * random_.under(5));
            return random_.under(1000) * unit + random_.under(2);
        };
        Limit limit = *parse_limit(name, "0");
        const std::uint64_t a = value(), b = random_.chance(50) ? a : value();
        limit.soft = std::min(a, b);
        limit.hard = std::max(a, b);
        return limit;
    }

    void identity() {
        Identity& identity = draft_.identity;
        if (sometimes()) identity.user = random_.chance(50) ? "root" : "0";
        if (sometimes()) identity.group = random_.chance(50) ? "root" : "4294967294";
        if (sometimes()) identity.supplementary_groups = {{"1", "root"}};
        if (sometimes()) identity.supplementary_groups.emplace();
        std::vector<IdentityMisread> misread;
        draft_.execution.credentials = resolve(identity, users_, Caller{0, 0}, misread);
    }

    void readiness_and_reload() {
        Policy& policy = draft_.policy;
        if (sometimes()) policy.ready.emplace();
        if (sometimes()) policy.ready = Probe{ExecCheck{argv()}, duration(1ms), duration(1ms)};
        if (sometimes()) {
            const auto host = random_.one_of(std::vector<std::string>{"::1", "127.0.0.1", "a$b"});
            policy.ready = Probe{TcpCheck{host, static_cast<std::uint16_t>(1 + random_.under(9))}};
        }
        if (!sometimes()) return;
        policy.reload.emplace();
        if (sometimes()) policy.reload->signal = signal();
        if (policy.reload->signal == SIGHUP && sometimes()) policy.reload->command = argv();
        if (sometimes()) policy.reload->check = argv();
        if (sometimes()) policy.reload->timeout = duration(1ms);
    }

    void restarting(bool oneshot) {
        Policy& policy = draft_.policy;
        policy.restart = oneshot ? RestartPolicy::Never : RestartPolicy::Always;
        if (sometimes()) policy.restart = RestartPolicy::OnFailure;
        if (sometimes()) policy.restart = RestartPolicy::Never;
        if (sometimes()) {
            policy.backoff.initial = duration(1ms);
            policy.backoff.max = std::max(policy.backoff.initial, duration(1ms));
            policy.backoff.factor = 1 + static_cast<double>(random_.under(1'000'000)) / 1001;
            policy.backoff.jitter = *parse_percent(std::to_string(random_.under(100)) + "." +
                                                   std::to_string(random_.under(1000)) + "%");
            policy.backoff.reset_after = duration(1ms);
        }
        if (policy.restart == RestartPolicy::Never || !sometimes()) return;
        const int count = 1 + static_cast<int>(random_.under(5));
        const Duration within = std::max(shortest_waits(policy.backoff, count), duration(1ms));
        if (within <= 24h * 36'500) policy.restart_limit = RestartLimit{count, within};
    }

    void log() {
        Log& log = draft_.policy.log;
        log.kind = random_.one_of(
            std::vector<Log::Kind>{Log::Kind::Capture, Log::Kind::Inherit, Log::Kind::None});
        log.to_console = log.kind == Log::Kind::Capture && random_.chance(50);
        log.to_file = log.kind == Log::Kind::Capture && (!log.to_console || random_.chance(50));
        if (sometimes()) log.max_files = static_cast<int>(random_.under(100'001));
        if (sometimes()) log.max_size = std::uint64_t{20'000} << random_.under(20);
        if (sometimes()) log.max_line = 64 + random_.under(16'000);
    }

    Random& random_;
    Users users_;
    Draft draft_;
};

}  // namespace reeve::config
