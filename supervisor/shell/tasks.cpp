#include "supervisor/shell/tasks.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>

#include "base/overloaded.h"

namespace reeve::shell {

namespace {

/// Of what a command prints, so much of the end is kept for its failure's sake.
constexpr std::size_t kept_output = 2048;

/// The last lines that say something, on one line: programs tend to put the reason before a
/// summary.
std::string last_words(std::string_view output) {
    std::string words;
    for (int lines = 0; lines < 3 && !output.empty();) {
        const auto newline = output.rfind('\n');
        const auto begin = newline == std::string_view::npos ? 0 : newline + 1;
        const std::string_view line = output.substr(begin);
        output = output.substr(0, begin == 0 ? 0 : newline);
        if (line.find_first_not_of(" \t\r") == std::string_view::npos) continue;
        words = words.empty() ? std::string(line) : std::string(line).append("; ").append(words);
        ++lines;
    }
    return words;
}

/// What a probe asks, for people.
std::string name_of(const config::Probe& probe) {
    return std::visit(
        Overloaded{[](const auto&) { return std::string("notify"); },
                   [](const config::ExecCheck& exec) { return "exec " + exec.command.front(); },
                   [](const config::TcpCheck& tcp) {
                       const bool v6 = tcp.host.find(':') != std::string::npos;
                       return "tcp " + (v6 ? "[" + tcp.host + "]" : tcp.host) + ":" +
                              std::to_string(tcp.port);
                   }},
        probe.check);
}

}  // namespace

/// One command or one attempt to connect. Lives as long as something of it is under way.
struct Tasks::Task {
    Task(asio::io_context& io, core::TaskId task, Done callback)
        : id(task), done(std::move(callback)), output(io), resolver(io), socket(io) {}

    core::TaskId id;
    Done done;
    std::unique_ptr<Containment> tree;  // of a command
    bool succeeded = false;             // the command, once it has ended
    std::string what;
    bool cancelled = false;
    asio::posix::stream_descriptor output;
    std::array<char, 1024> chunk{};
    std::string tail;
    asio::ip::tcp::resolver resolver;
    asio::ip::tcp::socket socket;
};

void Tasks::run(const core::RunCommand& action) {
    start_command(action.task, action.run, action.command,
                  [this, task = action.task](bool succeeded, std::string what) {
                      queue_.push(core::CommandEnded{task, succeeded, std::move(what)});
                  });
}

void Tasks::probe(const core::StartProbe& action) {
    Done done = [this, task = action.task, probe = name_of(action.probe)](bool succeeded,
                                                                          std::string what) {
        queue_.push(core::ProbeAnswered{task, succeeded, probe + ": " + what});
    };
    if (const auto* exec = std::get_if<config::ExecCheck>(&action.probe.check)) {
        start_command(action.task, action.run, exec->command, std::move(done));
    } else if (const auto* tcp = std::get_if<config::TcpCheck>(&action.probe.check)) {
        start_connect(action.task, *tcp, std::move(done));
    }
}

void Tasks::start_command(core::TaskId id, core::RunId run, const config::Argv& command,
                          Done done) {
    const auto context = runs_.context(run);
    if (!context) return;
    auto spec = runs_.prepare(*context, command);
    if (!spec) return done(false, spec.error().text());
    std::array<int, 2> pipe{};
    if (::pipe2(pipe.data(), O_CLOEXEC) != 0) return done(false, system_error("pipe").text());
    Fd reading(pipe[0]);
    const Fd writing(pipe[1]);
    spec->stdout_fd = spec->stderr_fd = writing.get();
    auto tree = runs_.contain(*context);
    const auto result = tree->start(
        std::move(*spec), [this, id](const os::Ended& end) { command_ended(id, end.status); });
    if (const auto* failure = std::get_if<os::SpawnFailure>(&result)) {
        return done(false, failure->text());
    }
    const auto task = std::make_shared<Task>(io_, id, std::move(done));
    tasks_[id] = task;
    task->tree = std::move(tree);
    boost::system::error_code unwatched;
    task->output.assign(reading.get(), unwatched);
    if (!unwatched) (void)reading.release();
    read_output(task);
}

void Tasks::read_output(const std::shared_ptr<Task>& task) {
    task->output.async_read_some(
        asio::buffer(task->chunk),
        [this, task](const boost::system::error_code& error, std::size_t size) {
            if (error) return;
            task->tail.append(task->chunk.data(), size);
            if (task->tail.size() > 2 * kept_output) {
                task->tail.erase(0, task->tail.size() - kept_output);
            }
            read_output(task);
        });
}

void Tasks::command_ended(core::TaskId id, const ExitStatus& status) {
    const auto found = tasks_.find(id);
    // Of one that was cancelled either may be noticed first, its end or that its tree is empty.
    if (found == tasks_.end()) return;
    Task& task = *found->second;
    task.succeeded = status == ExitStatus::exited(0);
    // Its last words may still be in the pipe: no more than the pipe holds, as those whom the
    // command left behind may write on. The chunk may hold what was read but not taken.
    boost::system::error_code error;
    task.output.cancel(error);
    task.output.non_blocking(true, error);
    std::array<char, 1024> chunk;
    for (int chunks = 0; chunks < 64 && !task.succeeded; ++chunks) {
        const std::size_t size = task.output.read_some(asio::buffer(chunk), error);
        if (size == 0) break;
        task.tail.append(chunk.data(), size);
    }
    if (!task.succeeded) {
        const std::string words = last_words(task.tail);
        task.what = status.text() + (words.empty() ? "" : ": " + words);
    }
    if (task.tree->empty()) return finish(found->second, task.succeeded, task.what);
    end_command(id);
}

/// Kills what is left of it, and tells when nothing is.
void Tasks::end_command(core::TaskId id) {
    Task& task = *tasks_.at(id);
    task.tree->await_empty([this, id] {
        const auto found = tasks_.find(id);
        if (found == tasks_.end()) return;
        finish(found->second, found->second->succeeded, found->second->what);
    });
    task.tree->kill();
}

void Tasks::start_connect(core::TaskId id, const config::TcpCheck& check, Done done) {
    const auto task = std::make_shared<Task>(io_, id, std::move(done));
    tasks_[id] = task;
    const std::string port = std::to_string(check.port);
    boost::system::error_code error;
    const auto address = asio::ip::make_address(check.host, error);
    if (!error) {
        const asio::ip::tcp::endpoint endpoint(address, check.port);
        return connect(task,
                       asio::ip::tcp::resolver::results_type::create(endpoint, check.host, port));
    }
    if (check.host == "localhost") {
        const std::array<asio::ip::tcp::endpoint, 2> both = {
            asio::ip::tcp::endpoint(asio::ip::address_v4::loopback(), check.port),
            asio::ip::tcp::endpoint(asio::ip::address_v6::loopback(), check.port)};
        return connect(task, asio::ip::tcp::resolver::results_type::create(both.begin(), both.end(),
                                                                           check.host, port));
    }
    // Asio resolves in a thread of its own, which is made by the first name that needs it; it
    // throws when there cannot be another.
    try {
        task->resolver.async_resolve(
            check.host, port,
            [this, task](const boost::system::error_code& failure, const auto& endpoints) {
                if (!tasks_.contains(task->id)) return;
                if (failure) return finish(task, false, failure.message());
                connect(task, endpoints);
            });
    } catch (const boost::system::system_error& failure) {
        finish(task, false, "cannot look up " + check.host + ": " + failure.code().message());
    }
}

void Tasks::connect(const std::shared_ptr<Task>& task,
                    const asio::ip::tcp::resolver::results_type& endpoints) {
    asio::async_connect(
        task->socket, endpoints,
        [this, task](const boost::system::error_code& error, const asio::ip::tcp::endpoint& peer) {
            if (error == asio::error::operation_aborted) return;
            if (error) return finish(task, false, error.message());
            // Where nobody listens on a port that the kernel gives to clients, it may give us that
            // very port, and we would have connected to ourselves.
            boost::system::error_code unknown;
            const bool to_itself = task->socket.local_endpoint(unknown) == peer;
            finish(task, !to_itself, to_itself ? "Connection refused" : "");
        });
}

void Tasks::finish(std::shared_ptr<Task> task, bool succeeded, std::string what) {
    // It may be the tree that calls us.
    asio::post(io_, [task] {});
    tasks_.erase(task->id);
    boost::system::error_code ignored;
    task->output.close(ignored);
    task->socket.close(ignored);
    if (!task->cancelled) task->done(succeeded, std::move(what));
}

void Tasks::cancel(core::TaskId id) {
    const auto found = tasks_.find(id);
    if (found == tasks_.end()) return;
    const std::shared_ptr<Task> task = found->second;
    task->cancelled = true;
    if (task->tree) return end_command(id);
    tasks_.erase(found);
    task->resolver.cancel();
    boost::system::error_code ignored;
    task->socket.close(ignored);
}

void Tasks::kill(core::TaskId id) {
    const auto found = tasks_.find(id);
    if (found != tasks_.end() && found->second->tree) found->second->tree->kill();
}

}  // namespace reeve::shell
