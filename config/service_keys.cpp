#include "config/service_keys.h"

#include <array>

#include "config/draft.h"
#include "config/fields.h"
#include "config/forms.h"
#include "config/log_keys.h"
#include "config/ready_keys.h"

namespace reeve::config {

namespace {

constexpr std::int64_t kMany = 1'000'000;

constexpr std::array<std::string_view, 2> kTypes{"simple", "oneshot"};
constexpr std::array<std::string_view, 1> kTypesLater{"forking"};
constexpr std::array<std::string_view, 3> kRestart{"always", "on-failure", "never"};
constexpr std::array<std::string_view, 2> kEndActions{"none", "shutdown"};
constexpr std::array<std::string_view, 2> kScopes{"main", "tree"};

constexpr std::array kWhatRuns{
    Key{"command", value_field<Kind::Command, read_command, &Draft::execution, &Execution::command>,
        "",
        "The program and its arguments. Required, unless the service only groups others by "
        "`requires` or `wants`."},
    Key{"description", value_field<Kind::Text, read_text, &Draft::policy, &Policy::description>, "",
        "What it is, for people."},
    Key{"type", choice_field<kTypes, kTypesLater, &Draft::execution, &Execution::type>, "simple",
        "`simple`: the command is the service. `oneshot`: it runs to its end; ending well means "
        "ready, and dependents wait for that."},
    Key{"enabled", value_field<Kind::Bool, read_bool, &Draft::policy, &Policy::enabled>, "true",
        "Whether it is started at boot. `reevectl enable` and `disable` decide otherwise, "
        "lastingly."},
    Key{"groups", value_field<Kind::Names, read_names, &Draft::policy, &Policy::groups>, "[]",
        "`@NAME` selects all services of a group in every client command."},
    not_built("pid_file"),
    not_built("instances"),
    not_built("start"),
    not_built("schedule"),
    not_built("sockets"),
};

constexpr std::array kOrder{
    Key{"requires", value_field<Kind::Names, read_names, &Draft::relations, &Relations::requires_>,
        "[]",
        "These are started with it, before it, and must be ready first; they are stopped after "
        "it. If one cannot start, this waits."},
    Key{"wants", value_field<Kind::Names, read_names, &Draft::relations, &Relations::wants>, "[]",
        "As `requires`, but nothing happens when one is missing or failing."},
    Key{"after", value_field<Kind::Names, read_names, &Draft::relations, &Relations::after>, "[]",
        "Order only: if both are to start, these go first; if both are to stop, these go last."},
    Key{"before", value_field<Kind::Names, read_names, &Draft::relations, &Relations::before>, "[]",
        "Order only, the other way round."},
    not_built("binds"),
    not_built("conflicts"),
};

constexpr std::array kProcess{
    Key{"user", value_field<Kind::UserName, read_id, &Draft::identity, &Identity::user>,
        "the supervisor's",
        "Whom it runs as. HOME, USER, LOGNAME and SHELL are then that user's. Needs root, unless "
        "it is the supervisor's own user."},
    Key{"group", value_field<Kind::GroupName, read_id, &Draft::identity, &Identity::group>,
        "the user's", "Its main group."},
    Key{"supplementary_groups",
        value_field<Kind::GroupNames, read_ids, &Draft::identity, &Identity::supplementary_groups>,
        "the user's", "Its other groups."},
    Key{"working_dir",
        value_field<Kind::Path, read_path, &Draft::execution, &Execution::working_dir>, "/",
        "The folder it starts in."},
    Key{"environment",
        in_place_field<Kind::Variables, read_variables, &Draft::execution, &Execution::environment>,
        "{}", "Variables that it gets, over those of `environment_files` and inherited ones."},
    Key{"environment_files",
        value_field<Kind::EnvironmentFiles, read_environment_files, &Draft::execution,
                    &Execution::environment_files>,
        "[]",
        "Files of `NAME=value` lines, read at each start, later ones over earlier ones. With `-` "
        "in front of its path a file may be missing."},
    Key{"inherit_environment",
        value_field<Kind::Inherit, read_inherit, &Draft::execution,
                    &Execution::inherit_environment>,
        "true", "Which of the supervisor's own variables it gets: all, none, or these."},
    Key{"umask", value_field<Kind::Mode, read_mode, &Draft::execution, &Execution::umask>,
        "\"022\"", "The permissions that files it makes do not get."},
    Key{"nice",
        value_field<Kind::Integer, read_integer<-20, 19>, &Draft::execution, &Execution::nice>,
        "the supervisor's", "Its priority, from -20 (first) to 19 (last)."},
    Key{"limits", in_place_field<Kind::Limits, read_limits, &Draft::execution, &Execution::limits>,
        "{}",
        "Resource limits as of setrlimit(2): `as`, `core`, `cpu`, `data`, `fsize`, `locks`, "
        "`memlock`, `msgqueue`, `nice`, `nofile`, `nproc`, `rss`, `rtprio`, `rttime`, "
        "`sigpending`, `stack`."},
    Key{"stdin", value_field<Kind::Stdin, read_stdin, &Draft::execution, &Execution::stdin_path>,
        "null", "What it reads: nothing, or a file."},
    not_built("oom_score_adj"),
    not_built("cpu_affinity"),
    not_built("scheduling"),
    not_built("io_priority"),
    not_built("no_new_privileges"),
    not_built("capabilities"),
    not_built("chroot"),
    not_built("cgroup"),
    not_built("directories"),
};

constexpr std::array kReadiness{
    Key{"ready", kReadyField, "none",
        "When dependents may go on. `notify`: at READY=1 of sd_notify. `none`: once it is "
        "executed. A service's `ready` takes the place of that of `defaults` as one. Not for a "
        "oneshot."},
    Key{"start_timeout",
        value_field<Kind::Duration, read_positive_duration, &Draft::policy, &Policy::start_timeout>,
        "60s", "How long it may take to become ready; past it the start has failed."},
};

constexpr std::array kBackoffKeys{
    Key{"initial", value_field<Kind::Duration, read_positive_duration, &Backoff::initial>, "100ms",
        "The wait before the first quick restart."},
    Key{"factor", value_field<Kind::Number, read_factor, &Backoff::factor>, "2",
        "How much longer each further one waits."},
    Key{"max", value_field<Kind::Duration, read_positive_duration, &Backoff::max>, "1m",
        "The longest wait."},
    Key{"jitter", value_field<Kind::Percent, read_percent, &Backoff::jitter>, "10%",
        "How far a wait may be off at random, so that services do not restart in step."},
    Key{"reset_after", value_field<Kind::Duration, read_positive_duration, &Backoff::reset_after>,
        "10s", "An exit after this long of running restarts at once, and counts anew."},
};

constexpr std::array kRestartLimitKeys{
    Key{"count", value_field<Kind::Integer, read_integer<1, kMany>, &RestartLimit::count>, "",
        "How many automatic restarts there may be"},
    Key{"within", value_field<Kind::Duration, read_positive_duration, &RestartLimit::within>, "",
        "in this time; the exit after them is final."},
};

constexpr std::array kRestarting{
    Key{"restart", choice_field<kRestart, kNoWords, &Draft::restart>, "always; oneshot: never",
        "What follows an exit that nobody asked for. A oneshot cannot be restarted `always`."},
    Key{"backoff", map_field<kBackoffKeys, &Draft::policy, &Policy::backoff>, "",
        "How long to wait before restarting a service that ended quickly."},
    Key{"restart_limit",
        optional_map_field<kRestartLimitKeys, &Draft::policy, &Policy::restart_limit>, "none",
        "When to give up: `failed`, until started by hand."},
    Key{"success_exit", value_field<Kind::Exits, read_exits, &Draft::policy, &Policy::success_exit>,
        "[0]", "The ways to end that count as well."},
    Key{"restart_prevent_exit",
        value_field<Kind::Exits, read_exits, &Draft::policy, &Policy::restart_prevent_exit>, "[]",
        "The ways to end that are final whatever `restart` says."},
    Key{"on_exit", choice_field<kEndActions, kNoWords, &Draft::policy, &Policy::on_exit>, "none",
        "`shutdown`: when it ends for good, well or not, stop everything and exit with its "
        "status."},
    Key{"on_failure", choice_field<kEndActions, kNoWords, &Draft::policy, &Policy::on_failure>,
        "none", "The same, only when it has `failed`."},
    not_built("health"),
    not_built("watchdog"),
};

constexpr std::array kStopKeys{
    Key{"signal", value_field<Kind::Signal, read_signal, &Stop::signal>, "TERM",
        "The signal that asks it to end."},
    Key{"command", value_field<Kind::Command, read_command, &Stop::command>, "",
        "Run first; the signal follows if the service is still there when the command has ended."},
    Key{"timeout", value_field<Kind::Duration, read_duration, &Stop::timeout>, "10s",
        "After this long, all that is left of it gets KILL."},
    Key{"scope", choice_field<kScopes, kNoWords, &Stop::scope>, "main",
        "Whom the signal goes to: the main process, or all of its processes."},
    not_built("rest"),
};

/// Each of the two ends the other where that stands in `defaults`: one of them is meant.
void read_reload_signal(Reader& reader, Value value, void* target) {
    const auto signal = read_signal(reader, value);
    if (!signal) return;
    static_cast<Reload*>(target)->signal = *signal;
    static_cast<Reload*>(target)->command.clear();
}
void read_reload_command(Reader& reader, Value value, void* target) {
    auto command = read_command(reader, value);
    if (!command) return;
    static_cast<Reload*>(target)->command = std::move(*command);
    static_cast<Reload*>(target)->signal = Reload{}.signal;
}

constexpr std::array kReloadKeys{
    Key{"signal",
        Field{Kind::Signal, read_reload_signal, same_member<&Reload::signal>,
              write_member<Kind::Signal, &Reload::signal>},
        "HUP", "The signal that asks it to read its configuration again."},
    Key{"command",
        Field{Kind::Command, read_reload_command, same_member<&Reload::command>,
              write_member<Kind::Command, &Reload::command>},
        "", "Run instead of sending a signal."},
    Key{"check", value_field<Kind::Command, read_command, &Reload::check>, "",
        "Run first; if it fails, the reload is refused."},
    Key{"timeout", value_field<Kind::Duration, read_positive_duration, &Reload::timeout>, "60s",
        "How long all of it may take."},
};

constexpr std::array kStopping{
    Key{"stop", map_field<kStopKeys, &Draft::policy, &Policy::stop>, "",
        "How it is stopped. Nothing of a stopped service survives."},
    Key{"reload", optional_map_field<kReloadKeys, &Draft::policy, &Policy::reload>, "none",
        "How it reads its own configuration again while it runs; `{}` sends HUP. Without this key "
        "it cannot be reloaded. Not for a oneshot."},
    not_built("pre_start"),
    not_built("post_start"),
    not_built("pre_stop"),
    not_built("post_stop"),
};

constexpr std::array kOutput{
    Key{"log", kLogField, "file; as PID 1 console",
        "Where its stdout and stderr go. `file`: to `LOG_DIR/NAME/current`. `console`: to the "
        "supervisor's stdout, as `NAME | line`. `inherit`: it has the supervisor's own stdout and "
        "stderr. `none`: nowhere. A word is short for `{to: WORD}`."},
};

template <std::size_t N>
constexpr KeyList list(const std::array<Key, N>& keys) {
    return {keys.data(), N};
}

constexpr Section kSections[] = {
    {"What runs", "",
     "services:\n"
     "  migrate:\n"
     "    description: Brings the database up to date\n"
     "    type: oneshot\n"
     "    command: [/srv/app/bin/migrate, --wait]\n"
     "  app:\n"
     "    command: /srv/app/bin/serve --port ${PORT:-8080}\n"
     "    requires: [migrate]\n",
     list(kWhatRuns)},
    {"Order and dependencies",
     "A name that does not exist is an error in `requires`, and a warning elsewhere. A cycle is an "
     "error, over all four keys together. A service leaves its own name out of lists that it has "
     "from `defaults`.",
     "services:\n"
     "  db: {command: /usr/bin/redis-server}\n"
     "  web: {command: /srv/app/bin/serve, requires: [db], after: [log-setup]}\n"
     "  log-setup: {type: oneshot, command: mkdir -p /srv/app/log}\n"
     "  everything: {wants: [web]}\n",
     list(kOrder)},
    {"The process",
     "Every service starts clean: a session of its own, default signal dispositions, an empty "
     "signal mask, no descriptors but 0, 1 and 2.",
     "services:\n"
     "  web:\n"
     "    command: /srv/app/bin/serve\n"
     "    user: root\n"
     "    working_dir: /srv/app\n"
     "    environment: {APP_MODE: production}\n"
     "    environment_files: [/etc/default/app, -/etc/default/app.local]\n"
     "    limits: {nofile: 4096:65536, core: unlimited}\n",
     list(kProcess)},
    {"Becoming ready", "",
     "services:\n"
     "  cache: {command: redis-server --supervised systemd, ready: notify}\n"
     "  web:\n"
     "    command: /srv/app/bin/serve\n"
     "    ready: {tcp: 127.0.0.1:8080, interval: 100ms}\n"
     "    start_timeout: 30s\n",
     list(kReadiness)},
    {"Restarting",
     "The wait before the n-th quick restart, n counting from 0, is initial * factor^n, at most "
     "max, give or take the jitter.",
     "services:\n"
     "  worker:\n"
     "    command: /srv/app/bin/worker\n"
     "    restart: on-failure\n"
     "    backoff: {initial: 200ms, max: 30s}\n"
     "    restart_limit: {count: 5, within: 1m}\n"
     "    success_exit: [0, SIGTERM]\n",
     list(kRestarting)},
    {"Stopping and reloading", "",
     "services:\n"
     "  nginx:\n"
     "    command: [nginx, -g, daemon off;]\n"
     "    stop: {signal: QUIT, timeout: 30s}\n"
     "    reload: {signal: HUP, check: nginx -t}\n",
     list(kStopping)},
    {"Output", "",
     "services:\n"
     "  web:\n"
     "    command: /srv/app/bin/serve\n"
     "    log: {to: [file, console], max_size: 64MiB, max_files: 5}\n"
     "  shell: {command: /srv/app/bin/repl, log: inherit}\n",
     list(kOutput)},
};

}  // namespace

std::span<const Section> service_table() { return kSections; }

}  // namespace reeve::config
