#include "config/service_keys.h"

#include <array>

#include "config/draft.h"
#include "config/execution_keys.h"
#include "config/fields.h"
#include "config/forms.h"
#include "config/hooks.h"
#include "config/log_keys.h"
#include "config/probe_keys.h"
#include "config/restart_keys.h"
#include "config/stop_keys.h"

namespace reeve::config {

namespace {

constexpr std::array<std::string_view, 3> kTypes{"simple", "oneshot", "forking"};
constexpr std::array<std::string_view, 3> kRestart{"always", "on-failure", "never"};
constexpr std::array<std::string_view, 2> kEndActions{"none", "shutdown"};

/// Which services there are is read before any of them is (Loader), so here is nothing left to do.
constexpr Field kInstancesField{Kind::Instances, [](Reader&, Value, void*) {},
                                [](const void*, const void*) { return true; },
                                [](const void*, const void*) { return Literal{}; }};

template <auto Hook>
constexpr Field hook_field =
    value_field<Kind::Commands, read_hooks, &Draft::policy, &Policy::hooks, Hook>;

constexpr std::array kWhatRuns{
    Key{"command", value_field<Kind::Command, read_command, &Draft::execution, &Execution::command>,
        "",
        "The program and its arguments. Required, unless the service only groups others by "
        "`requires`, `wants` or `binds`."},
    Key{"description", value_field<Kind::Text, read_text, &Draft::policy, &Policy::description>, "",
        "What it is, for people."},
    Key{"type", choice_field<kTypes, &Draft::execution, &Execution::type>, "simple",
        "`simple`: the command is the service. `oneshot`: it runs to its end; ending well means "
        "ready, and dependents wait for that. `forking`: it makes itself a daemon; the command "
        "ends, and the process that it leaves behind is the service."},
    Key{"pid_file", value_field<Kind::Path, read_path, &Draft::execution, &Execution::pid_file>, "",
        "Where a `forking` service writes which process that is, waited for until `start_timeout`. "
        "One that is older than the start, or names a process that is not the service's own, does "
        "not count. Without it, the main process is the oldest one that was left behind. Once "
        "ready, a "
        "main process that ends well may be followed by another one: the one that this file names "
        "within 2 s."},
    Key{"enabled", value_field<Kind::Bool, read_bool, &Draft::policy, &Policy::enabled>, "true",
        "Whether it is started at boot. `reevectl enable` and `disable` decide otherwise, "
        "lastingly."},
    Key{"groups", value_field<Kind::Names, read_names, &Draft::policy, &Policy::groups>, "[]",
        "`@NAME` selects all services of a group in every client command."},
    Key{"instances", kInstancesField, "",
        "Makes services `NAME@1` to `NAME@N`, or one for each name of a list, instead of `NAME`; "
        "1000 at most. "
        "`${INSTANCE}` is what stands behind the `@`. `NAME` stands for all of them in the keys of "
        "others and in every client command. Not in `defaults`."},
    not_built("start"),
    not_built("schedule"),
    not_built("sockets"),
};

constexpr std::array kOrder{
    Key{"requires",
        value_field<Kind::Services, read_services, &Draft::relations, &Relations::requires_>, "[]",
        "These are started with it, before it, and must be ready first; they are stopped after "
        "it. If one cannot start, this waits."},
    Key{"wants", value_field<Kind::Services, read_services, &Draft::relations, &Relations::wants>,
        "[]", "As `requires`, but nothing happens when one is missing or failing."},
    Key{"after", value_field<Kind::Services, read_services, &Draft::relations, &Relations::after>,
        "[]",
        "Order only: if both are to start, these go first; if both are to stop, these go last."},
    Key{"before", value_field<Kind::Services, read_services, &Draft::relations, &Relations::before>,
        "[]", "Order only, the other way round."},
    Key{"binds", value_field<Kind::Services, read_services, &Draft::relations, &Relations::binds>,
        "[]",
        "As `requires`, and it is stopped and restarted along with them, also after a crash."},
    Key{"conflicts",
        value_field<Kind::Services, read_services, &Draft::relations, &Relations::conflicts>, "[]",
        "Starting one stops the other. Says nothing of their order. Where a new configuration "
        "brings it to two that run, the one that has the other in its `conflicts` stays, and the "
        "other is stopped; where both have it, the one that was started later stays."},
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
    Key{"directories", map_field<kDirectoryKeys, &Draft::execution, &Execution::directories>, "",
        "Folders that are made before its first command, as its user's own. It finds their paths, "
        "with "
        "colons between several, in RUNTIME_DIRECTORY, STATE_DIRECTORY and LOGS_DIRECTORY."},
};

constexpr std::array kRights{
    Key{"oom_score_adj",
        value_field<Kind::Integer, read_integer<-1000, 1000>, &Draft::execution,
                    &Execution::oom_score_adj>,
        "the supervisor's",
        "How soon the kernel kills it for want of memory, from -1000 (never) to 1000."},
    Key{"cpu_affinity",
        value_field<Kind::Cpus, read_cpus, &Draft::execution, &Execution::cpu_affinity>, "[]",
        "The CPUs that it may run on, counted from 0, as a list or as taskset(1) has it: "
        "`[0, 2-5]`, `0-31:2`. None: any."},
    Key{"scheduling", kSchedulingField, "the supervisor's",
        "How the kernel shares out its CPU time."},
    Key{"io_priority", kIoPriorityField, "the supervisor's",
        "How the kernel orders its reads and writes."},
    Key{"no_new_privileges",
        value_field<Kind::Bool, read_bool, &Draft::execution, &Execution::no_new_privileges>,
        "false", "No program that it runs gains rights by set-user-ID bits or file capabilities."},
    Key{"capabilities",
        value_field<Kind::Capabilities, read_capabilities, &Draft::execution,
                    &Execution::capabilities>,
        "as its user has them",
        "The capabilities(7) that it has, also as another user than root, and the only ones that "
        "it can get, such as `[CAP_NET_BIND_SERVICE]`. Those that the supervisor lacks cannot be "
        "given."},
    Key{"chroot", value_field<Kind::Path, read_path, &Draft::execution, &Execution::chroot>, "",
        "The folder that is `/` for it. `working_dir` and `command` are seen from inside."},
    not_built("cgroup"),
};

constexpr std::array kReadiness{
    Key{"ready", kReadyField, "none",
        "When dependents may go on. `notify`: at READY=1 of sd_notify, through the socket that "
        "NOTIFY_SOCKET names; that is an abstract one (its name begins with `@`), which cannot be "
        "reached from another network namespace. `none`: once it is "
        "executed, a `forking` one once its main process is known. A map names one probe. A "
        "service's `ready` takes the place of that of `defaults` as one. Not for a oneshot."},
    Key{"start_timeout",
        value_field<Kind::Duration, read_positive_duration, &Draft::policy, &Policy::start_timeout>,
        "60s", "How long it may take to become ready; past it the start has failed."},
    Key{"health", kHealthField, "none",
        "A probe that is tried for as long as it runs, and what follows when it fails. From the "
        "first "
        "try that fails until one passes the service is unhealthy: still running and ready, with "
        "the reason in `reevectl status` and in the supervisor's log. Takes the place of that of "
        "`defaults` as one. Not for a oneshot."},
    Key{"watchdog",
        in_place_field<Kind::MaybeDuration, read_maybe_duration, &Draft::policy, &Policy::watchdog>,
        "none",
        "WATCHDOG=1 of sd_notify must come at least this often; the service finds WATCHDOG_USEC in "
        "its environment. Not for a oneshot."},
};

constexpr std::array kHookTable{
    Key{"pre_start", hook_field<&Hooks::pre_start>, "[]", "Run before its command."},
    Key{"post_start", hook_field<&Hooks::post_start>, "[]",
        "Run, with MAINPID in their environment, once its probe has passed; it is ready when they "
        "have ended. Not for a oneshot."},
    Key{"pre_stop", hook_field<&Hooks::pre_stop>, "[]",
        "Run, with MAINPID in their environment, before it is asked to stop. Not for a oneshot."},
    Key{"post_stop", hook_field<&Hooks::post_stop>, "[]",
        "Run once all of it is gone, also after a crash and after a oneshot, with SERVICE_RESULT, "
        "EXIT_CODE and EXIT_STATUS in their environment as systemd has them."},
};

constexpr std::array kRestarting{
    Key{"restart", choice_field<kRestart, &Draft::restart>, "always; oneshot: never",
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
    Key{"on_exit", choice_field<kEndActions, &Draft::policy, &Policy::on_exit>, "none",
        "`shutdown`: when it ends for good, well or not, stop everything and exit with its "
        "status."},
    Key{"on_failure", choice_field<kEndActions, &Draft::policy, &Policy::on_failure>, "none",
        "The same, only when it has `failed`."},
};

constexpr std::array kStopping{
    Key{"stop", map_field<kStopKeys, &Draft::policy, &Policy::stop>, "",
        "How it is stopped. Nothing of a stopped service survives."},
    Key{"reload", optional_map_field<kReloadKeys, &Draft::policy, &Policy::reload>, "none",
        "How it reads its own configuration again while it runs; `{}` sends HUP. Without this key "
        "it cannot be reloaded. Not for a oneshot."},
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
     "    requires: [migrate]\n"
     "  worker:\n"
     "    command: \"/srv/app/bin/work --queue ${INSTANCE}\"\n"
     "    instances: [mail, images]\n"
     "  ftp:\n"
     "    command: /usr/sbin/vsftpd -obackground=YES\n"
     "    type: forking\n"
     "    pid_file: /run/vsftpd/vsftpd.pid\n",
     list(kWhatRuns)},
    {"Order and dependencies",
     "A name that does not exist is an error in `requires` and `binds`, and a warning elsewhere. A "
     "cycle is an error, over all keys but `conflicts` together, and so is a service that needs "
     "two "
     "that conflict. `NAME` of a service that has instances names all of them, `NAME@INSTANCE` "
     "that "
     "one. A service leaves its own name out of lists that it has from `defaults`.",
     "services:\n"
     "  db: {command: /usr/bin/redis-server}\n"
     "  web: {command: /srv/app/bin/serve, requires: [db], after: [log-setup]}\n"
     "  log-setup: {type: oneshot, command: mkdir -p /srv/app/log}\n"
     "  exporter: {command: /srv/app/bin/exporter, binds: [db]}\n"
     "  maintenance: {command: /srv/app/bin/sorry, enabled: false, conflicts: [web]}\n"
     "  everything: {wants: [web, exporter]}\n",
     list(kOrder)},
    {"The process",
     "Every service starts clean: a session of its own, default signal dispositions, an empty "
     "signal mask, no descriptors but 0, 1, 2 and those that are meant for it.",
     "services:\n"
     "  web:\n"
     "    command: /srv/app/bin/serve\n"
     "    user: root\n"
     "    working_dir: /srv/app\n"
     "    environment: {APP_MODE: production}\n"
     "    environment_files: [/etc/default/app, -/etc/default/app.local]\n"
     "    limits: {nofile: 4096:65536, core: unlimited}\n"
     "    directories: {runtime: [app], state: [app, app/uploads], mode: \"0750\"}\n",
     list(kProcess)},
    {"What the process may do", "",
     "services:\n"
     "  web:\n"
     "    command: /srv/app/bin/serve --port 80\n"
     "    user: nobody\n"
     "    capabilities: [CAP_NET_BIND_SERVICE]\n"
     "    no_new_privileges: true\n"
     "  index:\n"
     "    command: /srv/app/bin/index\n"
     "    oom_score_adj: 500\n"
     "    cpu_affinity: [0, 2-5]\n"
     "    scheduling: batch\n"
     "    io_priority: {class: best-effort, level: 7}\n"
     "  control: {command: /srv/app/bin/control, scheduling: {policy: fifo, priority: 10}}\n",
     list(kRights)},
    {"Becoming ready and staying well",
     "Probes that ask are tried every `interval`, each for `timeout` at most, one at a time. A "
     "socket or path that an earlier run left behind does not satisfy them.",
     "services:\n"
     "  cache: {command: redis-server --supervised systemd, ready: notify}\n"
     "  web:\n"
     "    command: /srv/app/bin/serve\n"
     "    ready: {tcp: 127.0.0.1:8080, interval: 100ms}\n"
     "    start_timeout: 30s\n"
     "    health: {http: http://127.0.0.1:8080/health, failures: 5, start_delay: 10s}\n"
     "  proxy: {command: /srv/app/bin/proxy, ready: {log: 'listening on port [0-9]+'}}\n"
     "  db: {command: s6-service, ready: {fd: 3}}\n"
     "  agent: {command: /srv/app/bin/agent, ready: {unix: /run/agent.sock}, watchdog: 30s}\n",
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
     "    reload: {signal: HUP, check: nginx -t}\n"
     "  sshd: {command: [/usr/sbin/sshd, -D], stop: {rest: leave}}\n",
     list(kStopping)},
    {"Commands around it",
     "They run as the service's user, in its environment and folder, one after the other, and what "
     "they write goes to its log. When one of `pre_start` or `post_start` fails, so has the start; "
     "when one of the others does, that is told, and the stop goes on. One that is interrupted, as "
     "its service is to stop, gets TERM, and KILL after `stop.timeout`.",
     "services:\n"
     "  web:\n"
     "    command: /srv/app/bin/serve\n"
     "    pre_start: /srv/app/bin/serve --check\n"
     "    post_start: [/srv/app/bin/register, web]\n"
     "    pre_stop: [[/srv/app/bin/unregister, web], [sleep, 2]]\n"
     "    post_stop:\n"
     "      - {command: [/srv/app/bin/clean-up], timeout: 10s}\n",
     list(kHookTable)},
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
