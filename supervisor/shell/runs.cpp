#include "supervisor/shell/runs.h"

#include <fcntl.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>

#include "supervisor/os/service_pid_file.h"

namespace reeve::shell {

namespace {

/// How long the last lines of an ended process may keep its end from being told: a disk that hangs
/// must not hold up a restart.
constexpr auto drain_patience = std::chrono::seconds(1);

/// So many notifications of an ended process are still taken in: what its socket may hold.
constexpr std::size_t last_messages = 512;

/// 128 random bits in hexadecimal, as systemd's INVOCATION_ID has them.
std::string new_invocation_id() {
    std::array<unsigned char, 16> bytes{};
    // Cannot fail for so few bytes once the system has booted; before that, it waits.
    while (::getrandom(bytes.data(), bytes.size(), 0) < 0 && errno == EINTR) {
    }
    constexpr std::string_view digits = "0123456789abcdef";
    std::string text;
    for (const unsigned char byte : bytes) {
        text += digits[byte >> 4];
        text += digits[byte & 15];
    }
    return text;
}

Environment marks(const std::string& service, const std::string& invocation_id) {
    return {{"REEVE_SERVICE", service},
            {"REEVE_INVOCATION_ID", invocation_id},
            {"INVOCATION_ID", invocation_id}};
}

/// The last descriptors are not for services: without any, nobody could ask us anything, and what a
/// service leaves behind could not be found.
constexpr rlim_t reserved_descriptors = 64;

Result<> leave_descriptors() {
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return {};
    const rlim_t reserve = std::min(reserved_descriptors, limit.rlim_cur / 4);
    // The kernel gives the lowest numbers that are free; one start takes no more than so many.
    std::array<Fd, 8> wanted;
    rlim_t highest = 0;
    for (Fd& fd : wanted) {
        fd.reset(::fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 0));
        if (!fd) return system_error("cannot open another descriptor");
        highest = static_cast<rlim_t>(fd.get());
    }
    if (highest + reserve < limit.rlim_cur) return {};
    return system_error("the last " + std::to_string(reserve) + " of " +
                            std::to_string(limit.rlim_cur) + " descriptors are reserved",
                        EMFILE);
}

bool wants_notify(const config::Service& service) {
    const auto& ready = service.policy.ready;
    return service.policy.watchdog ||
           (ready && std::holds_alternative<config::NotifyCheck>(ready->check));
}

}  // namespace

Runs::Runs(asio::io_context& io, Containments& containments, log::Collector& collector,
           EventQueue& queue, OwnLog& log, const Environment& own_environment)
    : io_(io),
      containments_(containments),
      collector_(collector),
      queue_(queue),
      log_(log),
      own_environment_(own_environment),
      null_(::open("/dev/null", O_RDWR | O_CLOEXEC)) {}

void Runs::spawn(const core::Spawn& action) {
    Run& run = runs_[action.run];
    run.id = action.run;
    run.definition = action.definition;
    run.invocation_id = new_invocation_id();
    if (auto failed = start(run)) return queue_.push(std::move(*failed));
    queue_.push(core::Spawned{run.id, run.pid});
}

std::optional<core::SpawnFailed> Runs::start(Run& run) {
    const auto failed = [&](const Error& error) {
        return core::SpawnFailed{run.id, error.text(), false};
    };
    const config::Service& service = *run.definition;
    if (auto room = leave_descriptors(); !room) return failed(room.error());
    remove_old_pid_file(service);
    run.start = os::StartMark::now();
    if (auto opened = open_notify(run); !opened) return failed(opened.error());
    auto spec = prepare(*context(run.id), service.execution.command);
    if (!spec) return failed(spec.error());
    // Of a forking service the main process is another one, and WATCHDOG_USEC alone is for it.
    if (service.policy.watchdog && service.execution.type != config::ServiceType::Forking) {
        spec->pid_variables.push_back("WATCHDOG_PID");
    }
    log::Collector::Ends ends;
    const config::Log& log = service.policy.log;
    if (log.kind == config::Log::Kind::Capture) {
        const auto& user = service.execution.credentials;
        auto opened = collector_.open(service.name, log, user ? user->uid : ::geteuid(),
                                      user ? user->gid : ::getegid());
        if (!opened) return failed(opened.error());
        ends = std::move(*opened);
        spec->stdout_fd = ends.out.get();
        spec->stderr_fd = ends.err.get();
    } else if (log.kind == config::Log::Kind::Inherit) {
        spec->stdout_fd = STDOUT_FILENO;
        spec->stderr_fd = STDERR_FILENO;
    }
    Fd input;
    if (const std::string& path = service.execution.stdin_path; !path.empty()) {
        input.reset(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK));
        if (!input) return failed(system_error("cannot open stdin " + path));
        ::fcntl(input.get(), F_SETFL, 0);
        spec->stdin_fd = input.get();
    }
    run.tree = containments_.open(service.name, run.invocation_id);
    auto result = run.tree->start(std::move(*spec), on_end(run.id));
    if (const auto* failure = std::get_if<os::SpawnFailure>(&result)) {
        const bool not_found =
            std::string_view(failure->step) == "exec" && failure->errnum == ENOENT;
        return core::SpawnFailed{run.id, failure->text(), not_found};
    }
    const auto& spawned = std::get<os::Spawned>(result);
    run.pid = spawned.pid;
    if (run.tree->tracking().by == Tracking::By::Cgroup) {
        run.cgroup = os::cgroup_of(spawned.pidfd.get());
    }
    return std::nullopt;
}

Containment::OnEnd Runs::on_end(core::RunId id) {
    return [this, id](const os::Ended& end) { ended(id, end); };
}

Result<> Runs::open_notify(Run& run) {
    if (!wants_notify(*run.definition)) return {};
    const auto& user = run.definition->execution.credentials;
    auto channel = NotifyChannel::open(
        io_, {.user = user ? user->uid : ::geteuid(),
              .is_member = [this, id = run.id](pid_t pid) { return is_member(id, pid); },
              .cgroup = [this, id = run.id] { return runs_.at(id).cgroup; },
              .notified =
                  [this, id = run.id](core::Notified message) {
                      message.run = id;
                      queue_.push(std::move(message));
                  },
              .main_named = [this, id = run.id](pid_t pid) { main_named(id, pid); },
              .barrier =
                  [this](Fd fd) {
                      // A function is copied, a descriptor is not.
                      auto held = std::make_shared<Fd>(std::move(fd));
                      queue_.once_handled([held] { held->reset(); });
                  },
              .dropped =
                  [this, name = run.definition->name](const std::string& why) {
                      log_.warning(name + ": ignoring a notification: " + why);
                  }});
    if (!channel) return channel.error();
    run.notify = std::move(*channel);
    return {};
}

/// MAINPID= has come.
void Runs::main_named(core::RunId id, pid_t pid) {
    const Run& run = runs_.at(id);
    if (pid == run.pid || run.told) return;
    const auto named = os::read_process(pid);
    const bool living = named && named->live();
    if (living && is_member(id, pid) && main_found(id, pid)) return;
    const bool stranger = living && !is_member(id, pid);
    std::string line = run.definition->name + ": ignoring MAINPID: it names process ";
    line += std::to_string(pid);
    line += stranger ? ", which is not of this service" : ", which is gone";
    log_.warning(line);
}

void Runs::find_main(const core::FindMain& action) {
    const auto found = runs_.find(action.run);
    if (found == runs_.end()) return;
    const core::RunId id = action.run;
    Run& run = found->second;
    run.finder = std::make_unique<MainFinder>(
        io_, run.definition->execution.pid_file, run.start,
        MainFinder::Tree{[this, id](pid_t pid) { return is_member(id, pid); },
                         [this, id] { return candidates(id); }},
        MainFinder::Listener{[this, id](pid_t pid) { return main_found(id, pid); },
                             [this, id](std::string why) {
                                 queue_.push(core::MainAwaited{id, std::move(why)});
                             }});
    run.finder->look();
}

bool Runs::main_found(core::RunId id, pid_t pid) {
    if (!adopt_main(id, pid)) return false;
    queue_.push(core::MainFound{id, pid});
    return true;
}

/// What an earlier instance has left would be waited for to be written anew, and fool others.
void Runs::remove_old_pid_file(const config::Service& service) {
    const std::string& path = service.execution.pid_file;
    if (path.empty()) return;
    if (auto removed = os::remove_service_pid_file(path); !removed) {
        log_.warning(service.name + ": " + removed.error().text());
    }
}

std::optional<RunContext> Runs::context(core::RunId id) const {
    const auto found = runs_.find(id);
    if (found == runs_.end()) return std::nullopt;
    const Run& run = found->second;
    RunContext context{run.definition, marks(run.definition->name, run.invocation_id)};
    if (run.pid != 0) context.extra["MAINPID"] = std::to_string(run.pid);
    if (run.pid == 0 && run.notify) context.extra["NOTIFY_SOCKET"] = run.notify->name();
    if (const auto watchdog = run.definition->policy.watchdog; run.pid == 0 && watchdog) {
        const auto interval = std::chrono::ceil<std::chrono::microseconds>(*watchdog);
        context.extra["WATCHDOG_USEC"] = std::to_string(interval.count());
    }
    return context;
}

Result<os::SpawnSpec> Runs::prepare(const RunContext& context, const config::Argv& command) const {
    const config::Execution& execution = context.definition->execution;
    auto environment = environment_of(execution, own_environment_, context.extra);
    if (!environment) return environment.error();
    os::SpawnSpec spec;
    spec.argv = command;
    spec.path_search = (*environment)["PATH"];
    spec.env = to_strings(*environment);
    spec.working_dir = execution.working_dir;
    // Whoever is not root runs everything as itself, which is all that the loader lets through.
    if (const auto& user = execution.credentials; user && ::geteuid() == 0) {
        spec.identity = os::Identity{user->uid, user->gid, user->supplementary_groups};
    }
    spec.umask = execution.umask;
    spec.nice = execution.nice;
    for (const config::Limit& limit : execution.limits) {
        spec.limits.push_back({limit.resource, {limit.soft, limit.hard}});
    }
    spec.stdin_fd = spec.stdout_fd = spec.stderr_fd = null_.get();
    return spec;
}

void Runs::signal(const core::Signal& action) {
    const auto found = runs_.find(action.run);
    if (found == runs_.end() || found->second.pid == 0) return;
    Containment& tree = *found->second.tree;
    if (action.scope == config::StopScope::Main) return tree.signal_main(action.signal);
    tree.signal_all(action.signal);
}

void Runs::kill_tree(core::RunId id) {
    const auto found = runs_.find(id);
    if (found == runs_.end() || found->second.pid == 0) return;
    found->second.killing = true;
    found->second.tree->kill();
}

void Runs::reap(core::RunId id) { runs_.erase(id); }

std::unique_ptr<Containment> Runs::contain(const RunContext& context) {
    return containments_.open(context.definition->name + ".command", {});
}

std::vector<os::ProcessEntry> Runs::processes(core::RunId id) const {
    const auto found = runs_.find(id);
    if (found == runs_.end() || !found->second.tree) return {};
    return found->second.tree->members();
}

std::optional<Tracking> Runs::tracking(core::RunId id) const {
    const auto found = runs_.find(id);
    if (found == runs_.end() || !found->second.tree) return std::nullopt;
    return found->second.tree->tracking();
}

bool Runs::is_member(core::RunId id, pid_t pid) const {
    const auto found = runs_.find(id);
    if (found == runs_.end() || !found->second.tree) return false;
    const Run& run = found->second;
    // What the main process said before it ended is heard though it is reaped.
    return (run.end && run.end->pid == pid) || run.tree->is_member(pid);
}

Result<> Runs::adopt_main(core::RunId id, pid_t pid) {
    const auto found = runs_.find(id);
    if (found == runs_.end() || !found->second.tree) return error("cannot watch it: no such run");
    Run& run = found->second;
    if (auto adopted = run.tree->adopt(pid, on_end(id)); !adopted) return adopted;
    run.pid = pid;
    run.adopted = true;
    if (run.finder) run.finder->stop();
    // If the former one has ended just now, that is nothing special any more.
    run.end.reset();
    run.patience.reset();
    return {};
}

/// Whether what ends is not the main process yet, but the one that starts it.
bool Runs::is_parent(const Run& run) const {
    return run.definition->execution.type == config::ServiceType::Forking && !run.adopted;
}

void Runs::ended(core::RunId id, const os::Ended& end) {
    Run& run = runs_.at(id);
    run.end = end;
    const std::string& pid_file = run.definition->execution.pid_file;
    if (!pid_file.empty()) os::remove_service_pid_file_of(pid_file, end.pid);
    if (end.status.signal) {
        // Looked at for every signal, so that a kill elsewhere is not taken for a later one here.
        const auto killed = memory_kills_.any_more();
        const bool possible = end.status.signal == SIGKILL && !run.killing;
        run.out_of_memory = possible ? killed : false;
    } else {
        run.out_of_memory = false;
    }
    // What it said last counts, though its end may have been noticed first.
    if (run.notify) run.notify->read(last_messages);
    // By these another process may have taken over.
    if (!run.end) return;
    if (run.definition->policy.log.kind != config::Log::Kind::Capture) return drained(id);
    run.patience = std::make_unique<asio::steady_timer>(io_, drain_patience);
    run.patience->async_wait([this, id](const boost::system::error_code& error) {
        if (!error) drained(id);
    });
    collector_.drain(run.definition->name,
                     [this, id] { asio::post(io_, [this, id] { drained(id); }); });
}

void Runs::drained(core::RunId id) {
    const auto found = runs_.find(id);
    if (found == runs_.end() || found->second.told || !found->second.end) return;
    Run& run = found->second;
    run.patience.reset();
    const os::Ended end = *std::exchange(run.end, std::nullopt);
    const bool leftovers = !run.tree->empty();
    if (is_parent(run)) {
        queue_.push(core::ParentExited{id, end.status, leftovers, end.usage});
        return await_empty(run);
    }
    run.told = true;
    queue_.push(core::Exited{id, end.status, leftovers, end.usage, run.out_of_memory});
    if (leftovers) await_empty(run);
}

void Runs::await_empty(Run& run) {
    run.tree->await_empty([this, id = run.id] { emptied(id); });
}

void Runs::emptied(core::RunId id) {
    const auto found = runs_.find(id);
    if (found == runs_.end()) return;
    const Run& run = found->second;
    // The end of a main process that was adopted is still to be told, and tells this too.
    if (run.adopted && !run.told) return;
    queue_.push(core::TreeEmptied{id});
}

}  // namespace reeve::shell
