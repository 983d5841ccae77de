#include "config/service_checks.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace reeve::config {

yaml::Value Origin::find(std::string_view key, std::string_view below) const {
    const auto in = [&](yaml::Value map) {
        const yaml::Value found = map.find(key);
        return below.empty() || !found ? found : found.find(below);
    };
    if (const yaml::Value found = in(own)) return found;
    for (const yaml::Value map : defaults) {
        if (const yaml::Value found = in(map)) return found;
    }
    return below.empty() ? name : find(key);
}

bool Origin::has(std::string_view key) const {
    return has_own(key) || std::any_of(defaults.begin(), defaults.end(), [&](yaml::Value map) {
               return static_cast<bool>(map.find(key));
           });
}

Duration shortest_waits(const Backoff& backoff, int count) {
    const auto initial = static_cast<double>(backoff.initial.count());
    const auto longest = static_cast<double>(backoff.max.count());
    double sum = count * initial;
    if (backoff.factor > 1) {
        // The waits grow geometrically until they are the longest, then stay.
        const double growth = std::log1p(backoff.factor - 1);
        const double growing =
            std::clamp(std::ceil(std::log(longest / initial) / growth), 0.0, double(count));
        sum = initial * std::expm1(growing * growth) / (backoff.factor - 1) +
              (count - growing) * longest;
    }
    constexpr double kForever = 9e18;
    return Duration(static_cast<Duration::rep>(std::min(sum * (1 - backoff.jitter), kForever)));
}

namespace {

class Checks {
  public:
    Checks(Draft& draft, const Origin& origin, std::vector<Problem>& problems)
        : draft_(draft), origin_(origin), problems_(problems) {}

    void check(bool readable, Users& users, Caller self) {
        command();
        type();
        daemon();
        alternatives();
        credentials(users, self);
        hooks(self);
        directories();
        if (!readable) return;  // what could not be read stands at its default: no use comparing
        backoff();
        restart_limit();
        restart_prevent_exit();
        stop();
        log();
    }

  private:
    void fail(std::string_view key, yaml::Value at, std::string what, std::string what_to_do) {
        std::string path = origin_.path();
        if (!key.empty()) path += '.' + std::string(key);
        problems_.push_back({Severity::Error, at.position(), std::move(path), std::move(what),
                             std::move(what_to_do)});
    }

    void command() {
        if (origin_.has("command")) return;
        const Relations& relations = draft_.relations;
        if (relations.requires_.empty() && relations.wants.empty() && relations.binds.empty() &&
            !origin_.has_own("requires") && !origin_.has_own("wants") &&
            !origin_.has_own("binds")) {
            return fail({}, origin_.name, "has no command",
                        "add `command`, or `requires`, `wants` or `binds` if it only groups "
                        "others");
        }
        constexpr std::array<std::string_view, 10> kOfGroups{
            "description", "enabled", "groups", "instances", "requires",
            "wants",       "after",   "before", "binds",     "conflicts"};
        for (std::size_t i = 0; i < origin_.own.size(); ++i) {
            const yaml::Value key = origin_.own.key(i);
            if (std::find(kOfGroups.begin(), kOfGroups.end(), key.text()) == kOfGroups.end()) {
                fail(key.text(), key, "has no effect without a command",
                     "remove it, or add `command`");
            }
        }
        forget_defaults();
    }

    /// What `defaults` say of processes is not about a service that has none.
    void forget_defaults() {
        Draft bare = initial_draft(false);
        bare.policy.description = std::move(draft_.policy.description);
        bare.policy.enabled = draft_.policy.enabled;
        bare.policy.groups = std::move(draft_.policy.groups);
        draft_.execution = std::move(bare.execution);
        draft_.policy = std::move(bare.policy);
        draft_.identity = {};
        draft_.restart.reset();
    }

    void type() {
        const bool oneshot = draft_.execution.type == ServiceType::Oneshot;
        draft_.policy.restart =
            draft_.restart.value_or(oneshot ? RestartPolicy::Never : RestartPolicy::Always);
        if (!oneshot) return;
        if (draft_.policy.restart == RestartPolicy::Always) {
            fail("restart", origin_.find("restart"), "a oneshot cannot be restarted always",
                 "write on-failure or never");
        }
        if (origin_.has_own("ready")) {
            fail("ready", origin_.find("ready"), "a oneshot is ready once it has ended well",
                 "remove it");
        }
        if (origin_.has_own("reload")) {
            fail("reload", origin_.find("reload"), "a oneshot has nothing to reload", "remove it");
        }
        for (const std::string_view key : {"health", "watchdog"}) {
            if (!origin_.has_own(key)) continue;
            fail(key, origin_.find(key), "a oneshot is not watched, for it runs to its end",
                 "remove it: `start_timeout` is how long it may take");
        }
        if (origin_.has_own("post_start")) {
            fail("post_start", origin_.find("post_start"), "a oneshot has ended once it is ready",
                 "write it as `post_stop`");
        }
        if (origin_.has_own("pre_stop")) {
            fail("pre_stop", origin_.find("pre_stop"),
                 "never runs, for a oneshot has ended once it is ready", "write it as `post_stop`");
        }
        draft_.policy.ready.reset();
        draft_.policy.reload.reset();
        draft_.policy.hooks.post_start.clear();
        draft_.policy.hooks.pre_stop.clear();
        draft_.policy.health.reset();
        draft_.policy.watchdog.reset();
    }

    /// From `defaults` a PID file is simply without effect on those that do not fork.
    void daemon() {
        if (draft_.execution.type == ServiceType::Forking) return;
        if (origin_.has_own("pid_file")) {
            fail("pid_file", origin_.find("pid_file"), "is read of forking services only",
                 "add `type: forking` if it makes itself a daemon, or remove it");
        }
        draft_.execution.pid_file.clear();
    }

    void alternatives() {
        const yaml::Value reload = origin_.own.find("reload");
        if (reload && reload.find("signal") && reload.find("command")) {
            fail("reload", reload, "has both signal and command", "keep one of them");
        }
    }

    void credentials(Users& users, Caller self) {
        std::vector<IdentityMisread> misread;
        draft_.execution.credentials = resolve(draft_.identity, users, self, misread);
        for (const IdentityMisread& m : misread) {
            fail(m.key, origin_.find(m.key), m.misread.what, m.misread.what_to_do);
        }
    }

    void hooks(Caller self) {
        if (self.uid == 0) return;
        const Hooks& hooks = draft_.policy.hooks;
        const auto check = [&](std::string_view key, const std::vector<Hook>& list) {
            if (std::none_of(list.begin(), list.end(), [](const Hook& h) { return h.as_root; })) {
                return;
            }
            fail(key, origin_.find(key), "as: root takes a supervisor that runs as root",
                 "remove it, or run the supervisor as root");
        };
        check("pre_start", hooks.pre_start);
        check("post_start", hooks.post_start);
        check("pre_stop", hooks.pre_stop);
        check("post_stop", hooks.post_stop);
    }

    void directories() {
        Directories& folders = draft_.execution.directories;
        if (!folders.runtime.empty() || !folders.state.empty() || !folders.log.empty()) return;
        if (origin_.own.find("directories").find("mode")) {
            fail("directories.mode", origin_.find("directories", "mode"),
                 "has no effect without a folder", "add `runtime`, `state` or `log`, or remove it");
        }
        folders = {};
    }

    void backoff() {
        const Backoff& b = draft_.policy.backoff;
        if (b.initial <= b.max) return;
        fail("backoff.initial", origin_.find("backoff", "initial"),
             "the first wait (" + in_words(b.initial) + ") is longer than the longest (" +
                 in_words(b.max) + ")",
             "lower backoff.initial or raise backoff.max");
    }

    void restart_limit() {
        const auto& limit = draft_.policy.restart_limit;
        if (!limit) return;
        const yaml::Value at = origin_.find("restart_limit");
        if (limit->count == 0 || limit->within == Duration::zero()) {
            return fail("restart_limit", at, limit->count == 0 ? "has no count" : "has no within",
                        "add it");
        }
        if (draft_.policy.restart == RestartPolicy::Never) {
            // From `defaults` it is simply without effect on those that are not restarted.
            if (origin_.has_own("restart_limit")) {
                fail("restart_limit", at, "has no effect, for the service is never restarted",
                     "remove it, or write `restart: on-failure`");
            }
            draft_.policy.restart_limit.reset();
            return;
        }
        if (shortest_waits(draft_.policy.backoff, limit->count) > limit->within) {
            fail("restart_limit", at,
                 "can never be reached: backoff spreads " + std::to_string(limit->count) +
                     " quick restarts over more than " + in_words(limit->within),
                 "lower restart_limit.count, raise restart_limit.within, or lower backoff.max or "
                 "backoff.factor");
        }
    }

    void restart_prevent_exit() {
        ExitSet& final_exits = draft_.policy.restart_prevent_exit;
        if (draft_.policy.restart != RestartPolicy::Never || final_exits == ExitSet{}) return;
        // From `defaults` it is as with restart_limit.
        if (origin_.has_own("restart_prevent_exit")) {
            fail("restart_prevent_exit", origin_.find("restart_prevent_exit"),
                 "has no effect, for the service is never restarted",
                 "remove it, or write `restart: on-failure`");
        }
        final_exits = {};
    }

    void stop() {
        const Stop& stop = draft_.policy.stop;
        if (stop.scope != StopScope::Tree || stop.rest != StopRest::Leave) return;
        fail("stop.rest", origin_.find("stop", "rest"),
             "leaves the other processes alone, while stop.scope has the signal go to them, too",
             "write `scope: main` or `rest: kill`");
    }

    void log() {
        const Log& log = draft_.policy.log;
        const auto& ready = draft_.policy.ready;
        if (ready && std::holds_alternative<LogCheck>(ready->check) &&
            log.kind != Log::Kind::Capture) {
            fail("ready", origin_.find("ready"),
                 "looks for a line in a log that the supervisor does not read",
                 "write `log: file`, or choose another probe");
        }
        if (log.rate && log.rate->lines == 0) {
            fail("log.rate", origin_.find("log", "rate"), "has no lines", "add it");
        }
        if (log.max_line <= log.max_size) return;
        fail("log.max_line", origin_.find("log", "max_line"),
             "is larger than a whole file (log.max_size)", "lower it or raise log.max_size");
    }

    Draft& draft_;
    const Origin& origin_;
    std::vector<Problem>& problems_;
};

}  // namespace

void check_service(Draft& draft, const Origin& origin, bool readable, Users& users, Caller self,
                   std::vector<Problem>& problems) {
    Checks(draft, origin, problems).check(readable, users, self);
}

}  // namespace reeve::config
