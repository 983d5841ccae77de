#include "supervisor/shell/control.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>

#include "base/overloaded.h"
#include "supervisor/shell/clock.h"

namespace reeve::shell {

namespace {

using Local = asio::local::stream_protocol;

constexpr std::size_t max_sessions = 256;

core::Verb verb_of(protocol::Verb verb) {
    switch (verb) {
        case protocol::Verb::Start:
            return core::Verb::Start;
        case protocol::Verb::Stop:
            return core::Verb::Stop;
        case protocol::Verb::Restart:
            return core::Verb::Restart;
        case protocol::Verb::Reload:
            return core::Verb::Reload;
    }
    return core::Verb::Start;
}

protocol::Verb verb_of(core::Verb verb) {
    switch (verb) {
        case core::Verb::Start:
            return protocol::Verb::Start;
        case core::Verb::Stop:
            return protocol::Verb::Stop;
        case core::Verb::Restart:
            return protocol::Verb::Restart;
        case core::Verb::Reload:
            return protocol::Verb::Reload;
    }
    return protocol::Verb::Start;
}

std::optional<protocol::ErrorCode> failure_of(core::Outcome::Kind kind) {
    switch (kind) {
        case core::Outcome::Kind::Done:
            return std::nullopt;
        case core::Outcome::Kind::Failed:
            return protocol::ErrorCode::Failed;
        case core::Outcome::Kind::NotRunning:
            return protocol::ErrorCode::NotRunning;
        case core::Outcome::Kind::TimedOut:
            return protocol::ErrorCode::TimedOut;
    }
    return std::nullopt;
}

std::string not_allowed_message(uid_t uid) {
    return "user id " + std::to_string(uid) +
           " may not control this supervisor: only root and its own user may";
}

/// Removes the socket of a supervisor that is dead; the errno, if what is there is not that.
int make_way(const std::string& path, const sockaddr* address, socklen_t size) {
    struct stat status {};
    if (::lstat(path.c_str(), &status) != 0) return errno == ENOENT ? 0 : errno;
    if (!S_ISSOCK(status.st_mode)) return EEXIST;
    const Fd client(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!client) return errno;
    if (::connect(client.get(), address, size) == 0 || errno == EAGAIN) return EADDRINUSE;
    return ::unlink(path.c_str()) == 0 ? 0 : errno;
}

/// Whether nothing needed to be done for a request that found the service like that.
bool was_so_already(core::Verb verb, protocol::State state) {
    using protocol::State;
    if (verb == core::Verb::Start) return state == State::Running || state == State::Reloading;
    if (verb != core::Verb::Stop) return false;
    return state == State::Stopped || state == State::Failed || state == State::Done;
}

}  // namespace

Control::Control(asio::io_context& io, EventQueue& queue, const core::Engine& engine, Runs& runs,
                 const SupervisorInfo& info, OwnLog& log)
    : io_(io),
      queue_(queue),
      engine_(engine),
      runs_(runs),
      info_(info),
      log_(log),
      acceptor_(io),
      retry_(io) {}

Control::~Control() {
    if (!path_.empty()) ::unlink(path_.c_str());
}

Result<> Control::listen(const std::string& path, mode_t mode, std::optional<gid_t> group) {
    const auto cannot = [&](int errnum) {
        return system_error("cannot listen on " + path, errnum);
    };
    sockaddr_un address{};
    if (path.size() >= sizeof address.sun_path) return cannot(ENAMETOOLONG);
    Fd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!socket) return cannot(errno);
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    const auto* const generic = reinterpret_cast<const sockaddr*>(&address);
    if (const int errnum = make_way(path, generic, sizeof address)) return cannot(errnum);
    // Nobody connects before the mode and the group are what they shall be: the file is made with
    // the socket's own mode. (The umask would be that of the log thread, too.)
    if (::fchmod(socket.get(), 0) != 0 || ::bind(socket.get(), generic, sizeof address) != 0) {
        return cannot(errno);
    }
    const auto owned = [&] {
        return !group || ::chown(path.c_str(), static_cast<uid_t>(-1), *group) == 0;
    };
    boost::system::error_code error;
    if (!owned() || ::chmod(path.c_str(), mode) != 0 || ::listen(socket.get(), 128) != 0) {
        error.assign(errno, boost::system::system_category());
    } else {
        boost::system::error_code ignored;
        acceptor_.close(ignored);
        retry_.cancel();
        acceptor_.assign(Local(), socket.get(), error);
    }
    if (error) {
        ::unlink(path.c_str());
        return cannot(error.value());
    }
    (void)socket.release();
    path_ = path;
    mode_ = mode;
    group_ = group;
    accept();
    return {};
}

void Control::restore() {
    struct stat status {};
    if (path_.empty() || ::stat(path_.c_str(), &status) == 0) return;
    log_.warning("the control socket " + path_ + " was gone; putting it back");
    if (auto listening = listen(path_, mode_, group_); !listening) {
        log_.error(listening.error().text());
    }
}

void Control::accept() {
    acceptor_.async_accept([this](const boost::system::error_code& error, Local::socket socket) {
        if (error == asio::error::operation_aborted) return;
        if (!error) {
            accept_failed_ = false;
            admit(std::move(socket));
            return accept();
        }
        // Out of descriptors, most likely: the client waits in the backlog, and trying at once
        // would only spin.
        if (!std::exchange(accept_failed_, true)) {
            log_.warning("cannot accept a client: " + error.message());
        }
        retry_.expires_after(std::chrono::milliseconds(200));
        retry_.async_wait([this](const boost::system::error_code& cancelled) {
            if (!cancelled) accept();
        });
    });
}

void Control::admit(Local::socket socket) {
    ucred peer{};
    socklen_t size = sizeof peer;
    const bool known =
        ::getsockopt(socket.native_handle(), SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0;
    ++*sessions_;
    const auto session = std::make_shared<Session>(
        std::move(socket),
        [this](const std::shared_ptr<Session>& self, std::string_view line) {
            take_line(self, line);
        },
        [count = sessions_] { --*count; });
    protocol::Failure refusal;
    if (*sessions_ > max_sessions) {
        refusal.message = "more than " + std::to_string(max_sessions) + " clients; try again later";
    } else if (!known || (peer.uid != 0 && peer.uid != ::geteuid())) {
        refusal.code = protocol::ErrorCode::NotAllowed;
        refusal.message = not_allowed_message(peer.uid);
    } else {
        return session->start();
    }
    session->send(protocol::encode_error(std::nullopt, refusal));
    session->close_after_sending();
}

void Control::take_line(const std::shared_ptr<Session>& session, std::string_view line) {
    const auto request = protocol::parse_request(line);
    if (!request) return session->send(protocol::encode_error(request.error()));
    std::visit([&](const auto& call) { answer(session, request->id, call); }, request->call);
}

void Control::answer(const std::shared_ptr<Session>& session, const protocol::Id& id,
                     const protocol::Hello&) {
    protocol::Welcome welcome;
    welcome.version = info_.version;
    welcome.pid = ::getpid();
    welcome.runtime_dir = info_.runtime_dir;
    welcome.log_dir = info_.log_dir;
    session->send(protocol::encode_result(id, welcome));
}

void Control::answer(const std::shared_ptr<Session>& session, const protocol::Id& id,
                     const protocol::VersionQuery&) {
    protocol::VersionInfo version;
    version.version = info_.version;
    session->send(protocol::encode_result(id, version));
}

void Control::answer(const std::shared_ptr<Session>& session, const protocol::Id& id,
                     const protocol::Shutdown&) {
    session->send(protocol::encode_result(id, protocol::Accepted{}));
    log_.info("asked by a client to shut down");
    queue_.push(core::ShutdownAsked{});
}

void Control::answer(const std::shared_ptr<Session>& session, const protocol::Id& id,
                     const protocol::StatusQuery& query) {
    const auto services = select(engine_.units(), query.names);
    if (!services) return session->send(protocol::encode_error(id, services.error().failure));
    session->send(
        protocol::encode_result(id, describe(engine_, runs_, info_, *services, query, now())));
}

void Control::answer(const std::shared_ptr<Session>& session, const protocol::Id& id,
                     const protocol::Command& command) {
    auto services = select(engine_.units(), command.names);
    if (!services) return session->send(protocol::encode_error(id, services.error().failure));
    core::Requested request{
        {++last_request_}, verb_of(command.verb), std::move(*services), command.wait, {}};
    if (command.timeout) request.deadline = now() + *command.timeout;
    Waiting& waiting = waiting_[request.request];
    waiting.session = session;
    waiting.id = id;
    waiting.verb = request.verb;
    waiting.wait = request.wait;
    for (const core::ServiceId service : request.services) {
        waiting.before.emplace(service, state_of(*engine_.units().find(service)));
    }
    queue_.push(std::move(request));
}

void Control::answer(const std::shared_ptr<Session>& session, const protocol::Id& id,
                     const protocol::Subscribe&) {
    session->send(protocol::encode_result(id, protocol::Accepted{}));
    const auto everything = select(engine_.units(), {});
    for (const core::ServiceId service : *everything) {
        const core::Unit& unit = *engine_.units().find(service);
        session->send(protocol::encode_event(
            {last_event_, wall_now(), protocol::Event::Kind::Snapshot, unit.name(), std::nullopt,
             state_of(unit), cause_of(unit, now()), unit.pid}));
    }
    const auto is_it = [&](const std::weak_ptr<Session>& other) { return other.lock() == session; };
    if (std::none_of(subscribers_.begin(), subscribers_.end(), is_it)) {
        subscribers_.push_back(session);
    }
}

void Control::announce(const core::Announce& change) {
    ++last_event_;
    if (subscribers_.empty()) return;
    const std::string message =
        protocol::encode_event({last_event_, wall_now(), protocol::Event::Kind::State, change.name,
                                protocol::parse_state(change.from),
                                protocol::parse_state(change.to).value_or(protocol::State::Stopped),
                                change.cause, change.pid});
    std::erase_if(subscribers_, [&](const std::weak_ptr<Session>& subscriber) {
        const auto session = subscriber.lock();
        if (session) session->send(message);
        return !session;
    });
}

void Control::touches(const core::Touches& touches) {
    const auto found = waiting_.find(touches.request);
    if (found == waiting_.end()) return;
    Waiting& waiting = found->second;
    protocol::Touches notice{waiting.id, verb_of(touches.verb), {}};
    for (const core::Touches::Service& service : touches.services) {
        const std::string& name = engine_.units().find(service.id)->name();
        waiting.also.push_back(name);
        notice.services.push_back(
            {name, notice.verb, "requires " + engine_.units().find(service.requirement)->name()});
    }
    if (const auto session = waiting.session.lock()) {
        session->send(protocol::encode_touches(notice));
    }
}

void Control::reply(const core::Reply& reply) {
    const auto node = waiting_.extract(reply.request);
    if (node.empty()) return;
    const Waiting& waiting = node.mapped();
    const auto session = waiting.session.lock();
    if (!session) return;
    protocol::Outcome outcome;
    for (const core::Outcome& one : reply.outcomes) {
        outcome.results.push_back(result_of(waiting, one));
    }
    outcome.also = waiting.also;
    session->send(protocol::encode_result(waiting.id, outcome));
}

protocol::CommandResult Control::result_of(const Waiting& waiting,
                                           const core::Outcome& outcome) const {
    protocol::CommandResult result;
    result.service = outcome.name;
    result.failure = failure_of(outcome.kind);
    result.state = protocol::parse_state(outcome.state).value_or(protocol::State::Stopped);
    result.cause = outcome.cause;
    const core::Unit* unit = engine_.units().find(outcome.service);
    if (unit != nullptr && unit->pid) result.pid = *unit->pid;
    const auto before = waiting.before.find(outcome.service);
    result.changed =
        before == waiting.before.end() || !was_so_already(waiting.verb, before->second);
    return result;
}

}  // namespace reeve::shell
