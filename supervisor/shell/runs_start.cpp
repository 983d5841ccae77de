// How a run comes to be: what is made for it before its first process, and what that is given.
#include <fcntl.h>
#include <sys/random.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "base/fault_point.h"
#include "supervisor/os/service_pid_file.h"
#include "supervisor/shell/descriptors.h"
#include "supervisor/shell/execution.h"
#include "supervisor/shell/runs.h"

namespace reeve::shell {

namespace {

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

bool wants_notify(const config::Service& service) {
    const auto& ready = service.policy.ready;
    return service.policy.watchdog ||
           (ready && std::holds_alternative<config::NotifyCheck>(ready->check));
}

}  // namespace

Result<> Runs::open(core::RunId id, const config::ServicePtr& definition) {
    const bool known = runs_.contains(id);
    auto made = make(id, definition);
    if (made && !known) note(runs_.at(id));
    return made;
}

Result<> Runs::make(core::RunId id, const config::ServicePtr& definition) {
    if (runs_.contains(id)) return {};
    auto directories = make_directories(definition->execution, own_environment_);
    if (!directories) return directories.error();
    Run run;
    run.id = id;
    run.definition = definition;
    run.invocation_id = new_invocation_id();
    run.directories = std::move(*directories);
    if (wants_notify(*definition)) {
        auto opened = open_notify(run, os::NotifySocket::open());
        if (!opened) return opened;
    }
    runs_.emplace(id, std::move(run));
    return {};
}

void Runs::spawn(const core::Spawn& action) {
    // Written down once it has a tree.
    if (auto made = make(action.run, action.definition); !made) {
        return queue_.push(core::SpawnFailed{action.run, made.error().text(), false});
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
    if (auto room = descriptors_for_start(); !room) return failed(room.error());
    if (auto removed = remove_old_pid_file(service); !removed) return failed(removed.error());
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
    if (auto watched = watch_log(run, output->ends); !watched) return failed(watched.error());
    run.tree = containments_.open(service.name, run.invocation_id);
    // Before there is a process: whoever takes over looks for it.
    note(run);
    // What it writes is not to be lost with us, however soon it ends.
    holding_.flush();
    fault_point("a start that is about to be");
    auto result = run.tree->start(std::move(*spec), on_end(run.id));
    fault_point("a start that nobody knows of");
    if (const auto* failure = std::get_if<os::SpawnFailure>(&result)) {
        const bool not_found =
            std::string_view(failure->step) == "exec" && failure->errnum == ENOENT;
        return core::SpawnFailed{run.id, failure->text(), not_found};
    }
    const auto& spawned = std::get<os::Spawned>(result);
    run.pid = spawned.pid;
    mains_.emplace(run.pid, run.id);
    note(run);
    if (run.tree->tracking().by == Tracking::By::Cgroup) {
        run.cgroup = os::cgroup_of(spawned.pidfd.get());
    }
    return std::nullopt;
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
    // Who may not read a file shall not get it by a link to it, either.
    const auto& user = execution.credentials;
    const bool trusted = ::geteuid() != 0 || !user || user->uid == 0;
    Fd input = trusted ? Fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK))
                       : os::open_by_trusted_links(path);
    if (!input) return system_error("cannot open stdin " + path);
    ::fcntl(input.get(), F_SETFL, 0);
    return input;
}

/// Our end of the descriptor on which a service says that it is ready, if it has one; returns the
/// other end, for the service alone.
Result<Fd> Runs::open_ready_pipe(Run& run) {
    const auto& ready = run.definition->policy.ready;
    if (!ready || !std::holds_alternative<config::FdCheck>(ready->check)) return Fd();
    std::string path = pipes_;
    if (!path.empty()) path.append("/").append(std::to_string(run.id.value));
    run.ready_pipe = make_ready_pipe(run.id, std::move(path));
    auto writing = run.ready_pipe->open();
    const int reading = run.ready_pipe->descriptor();
    if (reading >= 0) holding_.keep(Holding::Kind::ReadyPipe, run.id.value, reading);
    return writing;
}

std::shared_ptr<ReadyPipe> Runs::make_ready_pipe(core::RunId id, std::string path) {
    return std::make_shared<ReadyPipe>(io_, std::move(path), [this, id](bool is_ready) {
        // It is closed.
        holding_.drop(Holding::Kind::ReadyPipe, id.value);
        if (is_ready) return queue_.push(core::ReadyReported{id});
        const auto found = runs_.find(id);
        if (found == runs_.end()) return;
        log_.debug(found->second.definition->name + " has closed its descriptor for readiness" +
                   " without a newline");
    });
}

Result<> Runs::watch_log(const Run& run, const log::Collector::Ends& ends) {
    const config::Service& service = *run.definition;
    const auto& ready = service.policy.ready;
    const auto* const check = ready ? std::get_if<config::LogCheck>(&ready->check) : nullptr;
    if (check == nullptr) return {};
    if (service.policy.log.kind != config::Log::Kind::Capture) {
        return error("cannot look for readiness in a log that is not read");
    }
    return collector_.watch(service.name, ends, check->pattern, [this, id = run.id] {
        asio::post(io_, [this, id] { queue_.push(core::ReadyReported{id}); });
    });
}

Result<> Runs::open_notify(Run& run, Result<os::NotifySocket> socket) {
    if (!socket) return socket.error();
    const auto& user = run.definition->execution.credentials;
    auto channel = NotifyChannel::open(
        io_, std::move(*socket),
        {.user = user ? user->uid : ::geteuid(),
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
             [this, service = run.definition->name](const std::string& why) {
                 log_.warning(service + ": ignoring a notification: " + why);
             }});
    if (!channel) return channel.error();
    run.notify = std::move(*channel);
    holding_.keep(Holding::Kind::Notify, run.id.value, run.notify->descriptor());
    return {};
}

/// What an earlier instance has left would be waited for to be written anew, and fool others.
Result<> Runs::remove_old_pid_file(const config::Service& service) {
    const std::string& path = service.execution.pid_file;
    if (path.empty()) return {};
    return os::remove_service_pid_file(path);
}

std::optional<RunContext> Runs::context(core::RunId id) const {
    const auto found = runs_.find(id);
    if (found == runs_.end()) return std::nullopt;
    const Run& run = found->second;
    RunContext context{run.definition, marks(run.definition->name, run.invocation_id), run.start};
    context.extra.insert(run.directories.begin(), run.directories.end());
    if (run.pid != 0) context.extra["MAINPID"] = std::to_string(run.pid);
    // For the process that is about to be started alone.
    if (run.pid != 0 || !run.notify) return context;
    context.extra["NOTIFY_SOCKET"] = run.notify->name();
    if (const auto watchdog = run.definition->policy.watchdog) {
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

}  // namespace reeve::shell
