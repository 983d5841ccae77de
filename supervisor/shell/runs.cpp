#include "supervisor/shell/runs.h"

#include <fcntl.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>

#include "supervisor/shell/execution.h"

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

Result<> Runs::open(core::RunId id, const config::ServicePtr& definition) {
    if (runs_.contains(id)) return {};
    auto directories = make_directories(definition->execution, own_environment_);
    if (!directories) return directories.error();
    Run run;
    run.id = id;
    run.definition = definition;
    run.invocation_id = new_invocation_id();
    run.directories = std::move(*directories);
    if (auto opened = open_notify(run); !opened) return opened;
    runs_.emplace(id, std::move(run));
    return {};
}

void Runs::spawn(const core::Spawn& action) {
    if (auto opened = open(action.run, action.definition); !opened) {
        return queue_.push(core::SpawnFailed{action.run, opened.error().text(), false});
    }
    Run& run = runs_.at(action.run);
    if (auto failed = start(run)) return queue_.push(std::move(*failed));
    queue_.push(core::Spawned{run.id, run.pid});
}

std::optional<core::SpawnFailed> Runs::start(Run& run) {
    const auto failed = [&](const Error& error) {
        return core::SpawnFailed{run.id, error.text(), false};
    };
    const config::Service& service = *run.definition;
    if (auto room = leave_descriptors(); !room) return failed(room.error());
    auto spec = prepare(*context(run.id), service.execution.command);
    if (!spec) return failed(spec.error());
    // Of a forking service the main process is another one, and WATCHDOG_USEC alone is for it.
    if (service.policy.watchdog && service.execution.type != config::ServiceType::Forking) {
        spec->pid_variables.push_back("WATCHDOG_PID");
    }
    auto output = output_of(service);
    if (!output) return failed(output.error());
    spec->stdout_fd = output->out;
    spec->stderr_fd = output->err;
    auto input = open_input(service.execution);
    if (!input) return failed(input.error());
    if (*input) spec->stdin_fd = input->get();
    auto ready = open_ready_pipe(run);
    if (!ready) return failed(ready.error());
    if (*ready) {
        const auto& check = std::get<config::FdCheck>(service.policy.ready->check);
        spec->extra_fds.emplace_back(ready->get(), check.number);
    }
    if (auto watched = watch_log(run, *output); !watched) return failed(watched.error());
    run.tree = containments_.open(service.name, run.invocation_id);
    auto result = run.tree->start(std::move(*spec), on_end(run.id));
    if (const auto* failure = std::get_if<os::SpawnFailure>(&result)) {
        const bool not_found =
            std::string_view(failure->step) == "exec" && failure->errnum == ENOENT;
        return core::SpawnFailed{run.id, failure->text(), not_found};
    }
    run.pid = std::get<os::Spawned>(result).pid;
    return std::nullopt;
}

Containment::OnEnd Runs::on_end(core::RunId id) {
    return [this, id](const os::Ended& end) { ended(id, end); };
}

Result<Runs::Output> Runs::output_of(const config::Service& service) {
    const config::Log& log = service.policy.log;
    switch (log.kind) {
        case config::Log::Kind::Inherit:
            return Output{{}, STDOUT_FILENO, STDERR_FILENO};
        case config::Log::Kind::None:
            return Output{{}, null_.get(), null_.get()};
        case config::Log::Kind::Capture:
            break;
    }
    const auto& user = service.execution.credentials;
    auto opened = collector_.open(service.name, log, user ? user->uid : ::geteuid(),
                                  user ? user->gid : ::getegid());
    if (!opened) return opened.error();
    Output output{std::move(*opened), -1, -1};
    output.out = output.ends.out.get();
    output.err = output.ends.err.get();
    return output;
}

Result<Fd> Runs::open_input(const config::Execution& execution) const {
    const std::string& path = execution.stdin_path;
    if (path.empty()) return Fd();
    Fd input(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK));
    if (!input) return system_error("cannot open stdin " + path);
    ::fcntl(input.get(), F_SETFL, 0);
    return input;
}

/// Our end of the descriptor on which a service says that it is ready, if it has one; returns the
/// other end, for the service alone.
Result<Fd> Runs::open_ready_pipe(Run& run) {
    const auto& ready = run.definition->policy.ready;
    if (!ready || !std::holds_alternative<config::FdCheck>(ready->check)) return Fd();
    run.ready_pipe = std::make_shared<ReadyPipe>(io_, [this, id = run.id](bool is_ready) {
        if (is_ready) return queue_.push(core::ReadyReported{id});
        const auto found = runs_.find(id);
        if (found == runs_.end()) return;
        log_.debug(found->second.definition->name + " has closed its descriptor for readiness" +
                   " without a newline");
    });
    return run.ready_pipe->open();
}

Result<> Runs::watch_log(const Run& run, const Output& output) {
    const config::Service& service = *run.definition;
    const auto& ready = service.policy.ready;
    const auto* const check = ready ? std::get_if<config::LogCheck>(&ready->check) : nullptr;
    if (check == nullptr) return {};
    if (service.policy.log.kind != config::Log::Kind::Capture) {
        return error("cannot look for readiness in a log that is not read");
    }
    return collector_.watch(service.name, output.ends, check->pattern, [this, id = run.id] {
        asio::post(io_, [this, id] { queue_.push(core::ReadyReported{id}); });
    });
}

Result<> Runs::open_notify(Run& run) {
    if (!wants_notify(*run.definition)) return {};
    const auto& user = run.definition->execution.credentials;
    auto channel = NotifyChannel::open(
        io_, {.user = user ? user->uid : ::geteuid(),
              .is_member = [this, id = run.id](pid_t pid) { return is_member(id, pid); },
              .in_cgroup = [](std::uint64_t) { return std::optional<bool>(); },
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
    if (pid == run.pid) return;
    const std::string process = "process " + std::to_string(pid);
    const auto named = os::read_process(pid);
    const bool living = named && named->live();
    if (!living || !is_member(id, pid)) {
        const char* const why = living ? ", which is not of the service" : ", which is gone";
        log_.warning(run.definition->name + ": ignoring MAINPID: it names " + process + why);
    }
}

std::optional<RunContext> Runs::context(core::RunId id) const {
    const auto found = runs_.find(id);
    if (found == runs_.end()) return std::nullopt;
    const Run& run = found->second;
    RunContext context{run.definition, marks(run.definition->name, run.invocation_id), run.start};
    context.extra.insert(run.directories.begin(), run.directories.end());
    if (run.pid != 0) context.extra["MAINPID"] = std::to_string(run.pid);
    if (run.pid == 0 && run.notify) context.extra["NOTIFY_SOCKET"] = run.notify->name();
    if (const auto watchdog = run.definition->policy.watchdog; run.pid == 0 && watchdog) {
        const auto interval = std::chrono::ceil<std::chrono::microseconds>(*watchdog);
        context.extra["WATCHDOG_USEC"] = std::to_string(interval.count());
    }
    return context;
}

Result<os::SpawnSpec> Runs::prepare(const RunContext& context, const config::Argv& command,
                                    bool as_root) const {
    auto spec =
        spec_of(context.definition->execution, command, own_environment_, context.extra, as_root);
    if (spec) spec->stdin_fd = spec->stdout_fd = spec->stderr_fd = null_.get();
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

void Runs::find_main(const core::FindMain&) {}

void Runs::reap(core::RunId id) {
    const auto found = runs_.find(id);
    if (found == runs_.end()) return;
    if (found->second.ready_pipe) found->second.ready_pipe->close();
    collector_.unwatch(found->second.definition->name);
    runs_.erase(found);
}

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
    return found != runs_.end() && found->second.tree && found->second.tree->is_member(pid);
}

Result<> Runs::adopt_main(core::RunId id, pid_t pid) {
    const auto found = runs_.find(id);
    if (found == runs_.end() || !found->second.tree) return error("cannot watch it: no such run");
    Run& run = found->second;
    if (auto adopted = run.tree->adopt(pid, on_end(id)); !adopted) return adopted;
    run.pid = pid;
    run.adopted = true;
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
