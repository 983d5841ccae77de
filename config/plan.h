#pragma once

#include <sys/types.h>

#include <bitset>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/exit_status.h"
#include "base/time.h"

/// The validated configuration as plain values. Nothing in here can be wrong: whoever holds a Plan
/// need not check it again. Made by load() (load.h), compared by diff() (diff.h),
/// written down by definition_of() (definition.h).
namespace reeve::config {

/// The argv of a command, exact; empty means there is no command.
using Argv = std::vector<std::string>;

enum class ServiceType { Simple, Oneshot, Forking };
enum class RestartPolicy { Always, OnFailure, Never };
enum class EndAction { None, Shutdown };
enum class StopScope { Main, Tree };
enum class StopRest { Kill, Leave };
enum class HealthAction { Restart, None };
enum class ExitWhen { Never, Idle };
enum class LogLevel { Trace, Debug, Info, Warning, Error };
enum class LogFormat { Text, Json };

/// A set of ways to end: exit codes and signals.
struct ExitSet {
    std::bitset<256> codes;
    std::bitset<65> signals;

    /// An unknown status is in no set.
    bool contains(const ExitStatus& status) const {
        return (status.code && codes.test(static_cast<std::size_t>(*status.code) & 255)) ||
               (status.signal && *status.signal > 0 && *status.signal < 65 &&
                signals.test(static_cast<std::size_t>(*status.signal)));
    }
    bool operator==(const ExitSet&) const = default;
};

/// The wait before the n-th quick restart (n from 0) is initial * factor^n, at most max, then
/// spread by +/- jitter. An exit after `reset_after` of running restarts at once and counts anew.
struct Backoff {
    Duration initial = 100ms;
    double factor = 2;
    Duration max = 1min;
    double jitter = 0.1;  ///< a fraction: 0.1 is 10%
    Duration reset_after = 10s;
    bool operator==(const Backoff&) const = default;
};

/// `count` automatic restarts within `within`; the exit after them is final.
struct RestartLimit {
    int count = 0;
    Duration within{};
    bool operator==(const RestartLimit&) const = default;
};

/// Ready by READY=1 of sd_notify(3).
struct NotifyCheck {
    bool operator==(const NotifyCheck&) const = default;
};
/// Ready when the command, run in the service's environment and as its user, exits 0.
struct ExecCheck {
    Argv command;
    bool operator==(const ExecCheck&) const = default;
};
/// Ready when a TCP connection is accepted.
struct TcpCheck {
    std::string host;
    std::uint16_t port = 0;
    bool operator==(const TcpCheck&) const = default;
};

/// Ready when a newline comes on this descriptor, as s6 has it; the process is started with it open
/// for writing.
struct FdCheck {
    int number = 3;
    bool operator==(const FdCheck&) const = default;
};
/// Ready when a connection to the socket, be it of streams or of datagrams, is accepted.
struct UnixCheck {
    std::string path;
    bool operator==(const UnixCheck&) const = default;
};
/// HTTP status codes, both ends included.
struct StatusRange {
    int first = 200;
    int last = 399;
    bool operator==(const StatusRange&) const = default;
};
/// Ready when a GET over plain HTTP/1.1 is answered with one of these status codes.
struct HttpCheck {
    std::string host;  ///< an address, without brackets, or localhost
    std::uint16_t port = 80;
    std::string target = "/";  ///< path and query
    std::vector<StatusRange> status{{}};
    bool operator==(const HttpCheck&) const = default;
};
/// Ready when a line that it writes matches this RE2 pattern somewhere.
struct LogCheck {
    std::string pattern;
    bool operator==(const LogCheck&) const = default;
};
/// Ready when this path exists and was made or changed since the start.
struct PathCheck {
    std::string path;
    bool operator==(const PathCheck&) const = default;
};

/// A question asked of a running service every `interval` until answered, each time for `timeout`
/// at most.
struct Probe {
    std::variant<NotifyCheck, ExecCheck, TcpCheck, FdCheck, UnixCheck, HttpCheck, LogCheck,
                 PathCheck>
        check;
    Duration interval = 250ms;
    Duration timeout = 3s;

    /// The service says so itself: nothing is asked, `interval` and `timeout` mean nothing.
    bool is_awaited() const {
        return std::holds_alternative<NotifyCheck>(check) ||
               std::holds_alternative<FdCheck>(check) || std::holds_alternative<LogCheck>(check);
    }
    bool operator==(const Probe&) const = default;
};

/// A probe that is asked for as long as a service runs; never one that is awaited.
struct Health {
    Probe probe{.check = {}, .interval = 10s, .timeout = 3s};
    int failures = 3;        ///< so many in a row
    Duration start_delay{};  ///< from ready to the first question
    HealthAction action = HealthAction::Restart;
    bool operator==(const Health&) const = default;
};

/// A command that is run at a turn of a service's life.
struct Hook {
    Argv command;
    std::optional<Duration> timeout;  ///< nothing: start_timeout or stop.timeout, whichever applies
    bool as_root = false;             ///< as the supervisor itself, not as the service's user
    bool operator==(const Hook&) const = default;
};
struct Hooks {
    std::vector<Hook> pre_start, post_start, pre_stop, post_stop;
    bool operator==(const Hooks&) const = default;
};

/// Folders made before the first command of a run, as the service's user's own: names below /run,
/// /var/lib and /var/log, for other users than root below their XDG places.
struct Directories {
    std::vector<std::string> runtime, state, log;
    mode_t mode = 0755;
    bool operator==(const Directories&) const = default;
};

/// As sched_setscheduler(2) takes it.
struct Scheduling {
    int policy = 0;
    int priority = 0;
    bool operator==(const Scheduling&) const = default;
};

/// As ioprio_set(2) takes it.
struct IoPriority {
    int io_class = 0;
    int level = 0;
    bool operator==(const IoPriority&) const = default;
};

/// Who a service runs as, resolved at load time. The names are those of the password database,
/// empty where an id has no entry.
struct Credentials {
    uid_t uid = 0;
    gid_t gid = 0;
    std::vector<gid_t> supplementary_groups;
    std::string user, home, shell;
    bool operator==(const Credentials&) const = default;
};

/// Who a service runs as, as its definition says it: names or ids, not yet looked up.
struct Identity {
    std::optional<std::string> user, group;
    std::optional<std::vector<std::string>> supplementary_groups;
    bool operator==(const Identity&) const = default;
};

/// One resource limit, as setrlimit(2) takes it; RLIM_INFINITY is unlimited.
struct Limit {
    int resource = 0;
    std::uint64_t soft = 0;
    std::uint64_t hard = 0;
    bool operator==(const Limit&) const = default;
};

/// A file whose KEY=VALUE lines join the environment; read at each start.
struct EnvironmentFile {
    std::string path;
    bool may_be_missing = false;
    bool operator==(const EnvironmentFile&) const = default;
};

/// Which variables of the supervisor's own environment a service gets.
struct InheritEnvironment {
    bool all = true;
    std::vector<std::string> names;  ///< counts when all is false
    bool operator==(const InheritEnvironment&) const = default;
};

/// What decides how the main process is executed. A change takes a restart to become true.
struct Execution {
    ServiceType type = ServiceType::Simple;
    Argv command;  ///< empty: the service only groups others
    std::optional<Credentials> credentials;
    std::string working_dir = "/";
    std::map<std::string, std::string> environment;
    std::vector<EnvironmentFile> environment_files;
    InheritEnvironment inherit_environment;
    mode_t umask = 022;
    std::optional<int> nice;
    std::vector<Limit> limits;
    std::string stdin_path;  ///< empty: /dev/null
    std::string pid_file;    ///< of a forking service; empty: it has none
    Directories directories;
    std::optional<int> oom_score_adj;
    std::vector<int> cpu_affinity;  ///< numbers of CPUs, sorted, none twice; empty: any
    std::optional<Scheduling> scheduling;
    std::optional<IoPriority> io_priority;
    bool no_new_privileges = false;
    /// Numbers as in capabilities(7), sorted, none twice: those that it has, and the only ones that
    /// it can get. Nothing: as its user has them.
    std::optional<std::vector<int>> capabilities;
    std::string chroot;  ///< empty: none. working_dir is seen from inside
    bool operator==(const Execution&) const = default;
};

/// Where a service's output goes. `Capture` is read by the supervisor; Inherit and None are not.
/// At most `lines` lines within each `per`; what is over it is dropped and counted.
struct LogRate {
    std::uint64_t lines = 0;
    Duration per = 1s;
    bool operator==(const LogRate&) const = default;
};

struct Log {
    enum class Kind { Capture, Inherit, None };
    enum class Compression { None, Zstd };
    enum class OnFull { Block, Drop };
    Kind kind = Kind::Capture;
    bool to_file = true;
    bool to_console = false;
    bool to_syslog = false;                    ///< to /dev/log, RFC 3164, facility daemon
    std::uint64_t max_size = 16u << 20;        ///< bytes in `current` before it is rotated
    int max_files = 10;                        ///< rotated files kept beside `current`
    std::optional<Duration> max_age{};         ///< how long a rotated file is kept
    Compression compress = Compression::None;  ///< of rotated files
    std::uint64_t max_line = 16u << 10;        ///< bytes; longer lines are written in parts
    std::optional<LogRate> rate{};             ///< of both streams together
    OnFull on_full = OnFull::Drop;  ///< what becomes of lines that the disk does not take
    bool operator==(const Log&) const = default;
};

struct Stop {
    int signal = SIGTERM;
    Argv command;  ///< when not empty, run first; the signal follows if it is not enough
    Duration timeout = 10s;
    StopScope scope = StopScope::Main;
    StopRest rest = StopRest::Kill;  ///< what becomes of the others once the main process is gone
    bool operator==(const Stop&) const = default;
};

struct Reload {
    int signal = SIGHUP;
    Argv command;  ///< when not empty, run instead of sending the signal
    Argv check;    ///< when not empty and it fails, the reload is refused
    Duration timeout = 60s;
    bool operator==(const Reload&) const = default;
};

/// What decides what becomes of the process. A change is true at once, without a restart.
struct Policy {
    std::string description;
    std::optional<Probe> ready;  ///< nothing: ready at exec
    bool enabled = true;
    std::vector<std::string> groups;
    Duration start_timeout = 60s;
    RestartPolicy restart = RestartPolicy::Always;
    Backoff backoff;
    std::optional<RestartLimit> restart_limit;
    ExitSet success_exit;  ///< the loader's default: code 0
    ExitSet restart_prevent_exit;
    EndAction on_exit = EndAction::None;
    EndAction on_failure = EndAction::None;
    Stop stop;
    std::optional<Reload> reload;  ///< nothing: not reloadable
    std::optional<Health> health;
    std::optional<Duration> watchdog;  ///< WATCHDOG=1 must come at least this often
    Hooks hooks;
    Log log;  ///< a change of kind takes a restart all the same
    bool operator==(const Policy&) const = default;
};

/// The services that one names, by their names; each list sorted, none twice.
struct Relations {
    std::vector<std::string> requires_, wants, after, before;
    std::vector<std::string> binds{}, conflicts{};
    bool operator==(const Relations&) const = default;
};

struct Service {
    std::string name;
    Execution execution;
    Policy policy;
    Relations relations;
    Identity identity{};  ///< what Execution::credentials come of
};
using ServicePtr = std::shared_ptr<const Service>;

/// The supervisor's own settings. Empty paths mean: the place that belongs to the caller
/// (places.h).
struct Supervisor {
    std::string runtime_dir, log_dir, state_dir;
    struct OwnLog {
        LogLevel level = LogLevel::Info;
        LogFormat format = LogFormat::Text;
        std::string file;  ///< empty: stderr
        bool operator==(const OwnLog&) const = default;
    } log;
    struct Socket {
        std::string path;            ///< empty: RUNTIME/control.sock
        std::optional<mode_t> mode;  ///< nothing: see socket_mode()
        std::optional<gid_t> group;
        bool operator==(const Socket&) const = default;
    } socket;
    /// The groups of those who may give commands besides root and the supervisor's own user; each
    /// list sorted, none twice. Whoever may operate may read, too.
    struct Access {
        std::vector<gid_t> operate, read;
        bool empty() const { return operate.empty() && read.empty(); }
        bool operator==(const Access&) const = default;
    } access;
    /// The same groups as the file names them.
    struct GroupNames {
        std::optional<std::string> socket;
        std::vector<std::string> operate, read;
        bool operator==(const GroupNames&) const = default;
    } group_names;
    Duration shutdown_timeout = 60s;
    ExitWhen exit_when = ExitWhen::Never;

    /// The mode that the control socket gets: where `access` lets others in, all may connect, and
    /// who they are decides what they may do.
    mode_t socket_mode() const { return socket.mode.value_or(access.empty() ? 0600 : 0666); }

    bool operator==(const Supervisor&) const = default;
};

/// A service's neighbours in the dependency graph, as indices into Plan::services; each list
/// sorted, none twice. Names that a `wants`, `after`, `before` or `conflicts` has but the plan
/// lacks are left out.
struct Links {
    std::vector<std::uint32_t> requires_;  ///< must be ready before, stop after; those of binds too
    std::vector<std::uint32_t> binds;      ///< with whose end, asked for or not, it ends as well
    std::vector<std::uint32_t> wants;      ///< are started along, waited for while they try
    std::vector<std::uint32_t> after;      ///< order only; the others' `before` is in here
    std::vector<std::uint32_t> required_by;  ///< the same edges seen from the other end
    std::vector<std::uint32_t> wanted_by;
    std::vector<std::uint32_t> before;
    std::vector<std::uint32_t> bound_by;
    std::vector<std::uint32_t> conflicts;  ///< of either side's naming: never up together
};

/// The links of every service of a plan. Immutable; copies share it.
class LinkTable {
  public:
    LinkTable() : LinkTable(std::vector<Links>()) {}
    explicit LinkTable(std::vector<Links> links)
        : links_(std::make_shared<const std::vector<Links>>(std::move(links))) {}

    const Links& operator[](std::size_t i) const { return (*links_)[i]; }
    const std::vector<Links>& all() const { return *links_; }

  private:
    std::shared_ptr<const std::vector<Links>> links_;
};

/// Everything that the files say, immutable once made and shared. Services are in order of name,
/// links has one entry for each; the graph of all three kinds of edges together has no cycle.
struct Plan {
    Supervisor supervisor;
    std::vector<ServicePtr> services;
    LinkTable links;
    std::vector<std::string> files;  ///< absolute paths of what was read, in order

    /// The index of a service, or nothing.
    std::optional<std::uint32_t> find(std::string_view name) const;
};
using PlanPtr = std::shared_ptr<const Plan>;

}  // namespace reeve::config
