#pragma once

#include <algorithm>
#include <csignal>
#include <string>
#include <utility>
#include <vector>

#include "base/signal_name.h"
#include "config/draft.h"
#include "config/execution_keys.h"
#include "config/execution_values.h"
#include "config/service_checks.h"
#include "config/users.h"
#include "config/values.h"
#include "tests/unit/config/random.h"

namespace reeve::config {

/// Makes services that a configuration could give, of everything that can be said.
class RandomService {
  public:
    /// Names of other services, which look like something else; the last two are for `before` and
    /// `conflicts`.
    static constexpr std::string_view kOthers[] = {"0x10",      "1e3", "null", "on",
                                                   "db.main-1", "u@1", "z",    "zz@x"};

    explicit RandomService(Random& random) : random_(random) {}

    Service make() {
        draft_ = initial_draft(false);
        draft_.name = random_.one_of(std::vector<std::string>{"web", "true", "8.5", "0b1", "w@1"});
        relations();
        draft_.policy.description = random_.text();
        draft_.policy.enabled = random_.chance(50);
        draft_.policy.groups = names(3);
        if (random_.chance(90)) process();
        Service service{draft_.name, draft_.execution, draft_.policy, draft_.relations,
                        draft_.identity};
        const Relations& relations = service.relations;
        if (service.execution.command.empty() && relations.wants.empty() &&
            relations.binds.empty()) {
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
        draft_.relations = {names(2), names(2), names(2), {}, names(2), {}};
        if (sometimes()) draft_.relations.before = {std::string(kOthers[6])};
        if (sometimes()) draft_.relations.conflicts = {std::string(kOthers[7])};
    }

    void process() {
        execution();
        identity();
        const bool oneshot = sometimes();
        if (oneshot) draft_.execution.type = ServiceType::Oneshot;
        if (!oneshot) lasting();
        restarting(oneshot);
        Policy& policy = draft_.policy;
        if (sometimes()) policy.start_timeout = duration(1ms);
        if (sometimes()) policy.success_exit = exits();
        const bool restarted = policy.restart != RestartPolicy::Never;
        if (restarted && sometimes()) policy.restart_prevent_exit = exits();
        if (sometimes()) policy.on_exit = EndAction::Shutdown;
        if (sometimes()) policy.on_failure = EndAction::Shutdown;
        if (sometimes()) policy.stop.signal = signal();
        if (sometimes()) policy.stop.command = argv();
        if (sometimes()) policy.stop.timeout = duration(0ms);
        if (sometimes()) policy.stop.scope = StopScope::Tree;
        if (policy.stop.scope == StopScope::Main && sometimes()) policy.stop.rest = StopRest::Leave;
        policy.hooks = {hooks(), {}, {}, hooks()};
        if (!oneshot) policy.hooks.post_start = hooks();
        if (!oneshot) policy.hooks.pre_stop = hooks();
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
        if (sometimes()) rights();
        if (sometimes()) execution.directories.runtime = folders();
        if (sometimes()) execution.directories.state = folders();
        if (sometimes()) execution.directories.log = {"a", "a/b"};
        const Directories& all = execution.directories;
        if (all.runtime.empty() && all.state.empty() && all.log.empty()) return;
        if (sometimes()) execution.directories.mode = static_cast<mode_t>(random_.under(01000));
    }

    std::vector<std::string> folders() {
        std::string name = nonempty();
        std::erase(name, '/');
        return {std::move(name)};
    }

    void rights() {
        Execution& execution = draft_.execution;
        const auto between = [&](int least, int most) {
            return static_cast<int>(random_.between(least, most));
        };
        if (sometimes()) execution.oom_score_adj = between(-1000, 1000);
        for (int cpu = 0; cpu < 12; ++cpu) {
            if (sometimes()) execution.cpu_affinity.push_back(cpu);
        }
        if (sometimes()) execution.scheduling = Scheduling{random_.one_of(kPolicyNumbers), 0};
        const auto& chosen = execution.scheduling;
        if (chosen && (chosen->policy == SCHED_FIFO || chosen->policy == SCHED_RR)) {
            execution.scheduling->priority = between(1, 99);
        }
        if (sometimes()) execution.io_priority = IoPriority{between(1, 3), between(0, 7)};
        if (execution.io_priority && execution.io_priority->io_class == 3) {
            execution.io_priority->level = 0;
        }
        execution.no_new_privileges = sometimes();
        if (sometimes()) execution.capabilities.emplace();
        if (sometimes()) execution.capabilities = {{0, 10, between(11, 40)}};
        if (sometimes()) execution.chroot = path();
    }

    std::vector<Hook> hooks() {
        std::vector<Hook> out;
        if (!sometimes()) return out;
        for (std::size_t n = random_.under(3); n > 0; --n) {
            out.push_back({argv(), {}, sometimes()});
            if (sometimes()) out.back().timeout = duration(1ms);
        }
        return out;
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

    Probe probe() {
        Probe probe{.check = {}, .interval = duration(1ms), .timeout = duration(1ms)};
        const auto host = random_.one_of(std::vector<std::string>{"::1", "127.0.0.1", "a$b"});
        const auto port = static_cast<std::uint16_t>(1 + random_.under(100));
        switch (random_.under(5)) {
            case 0:
                probe.check = ExecCheck{argv()};
                break;
            case 1:
                probe.check = TcpCheck{host, port};
                break;
            case 2:
                probe.check = UnixCheck{path()};
                break;
            case 3:
                probe.check = http(host == "a$b" ? "localhost" : host, port);
                break;
            default:
                probe.check = PathCheck{path()};
        }
        return probe;
    }

    HttpCheck http(std::string host, std::uint16_t port) {
        const auto target =
            random_.one_of(std::vector<std::string>{"/", "/?q=$x", "/a/b%20?c", "/${HOME}"});
        HttpCheck check{std::move(host), port, target};
        if (sometimes()) check.status = {{204, 204}, {100, 599}};
        return check;
    }

    std::optional<Probe> awaited() {
        switch (random_.under(4)) {
            case 0:
                return Probe{};
            case 1:
                return Probe{FdCheck{static_cast<int>(random_.between(3, 1023))}};
            case 2:
                return Probe{LogCheck{random_.one_of(
                    std::vector<std::string>{"ready$", "^(a|b) \\d+", "[$]{2}", "${HOME}"})}};
            default:
                return std::nullopt;
        }
    }

    /// What only services have that go on.
    void lasting() {
        Policy& policy = draft_.policy;
        if (sometimes()) {
            draft_.execution.type = ServiceType::Forking;
            if (sometimes()) draft_.execution.pid_file = path();
        }
        if (sometimes()) policy.ready = random_.chance(50) ? probe() : awaited();
        if (sometimes()) {
            policy.health =
                Health{probe(), static_cast<int>(random_.between(1, 1'000'000)), duration(0ms),
                       random_.chance(50) ? HealthAction::Restart : HealthAction::None};
        }
        if (sometimes()) policy.watchdog = duration(1ms);
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
        const auto& ready = draft_.policy.ready;
        if (ready && std::holds_alternative<LogCheck>(ready->check)) log.kind = Log::Kind::Capture;
        log.to_console = log.kind == Log::Kind::Capture && random_.chance(50);
        log.to_syslog = log.kind == Log::Kind::Capture && random_.chance(30);
        log.to_file = log.kind == Log::Kind::Capture &&
                      (!(log.to_console || log.to_syslog) || random_.chance(50));
        if (sometimes()) log.max_files = static_cast<int>(random_.under(100'001));
        if (sometimes()) log.max_size = std::uint64_t{20'000} << random_.under(20);
        if (sometimes()) log.max_line = 64 + random_.under(16'000);
        if (sometimes()) log.max_age = duration(1s);
        if (sometimes()) log.compress = Log::Compression::Zstd;
        if (sometimes()) log.rate = LogRate{1 + random_.under(1000), duration(1ms)};
        if (sometimes()) log.on_full = Log::OnFull::Block;
    }

    Random& random_;
    Users users_;
    Draft draft_;
};

}  // namespace reeve::config
