#include "ctl/client.h"

#include <sys/stat.h>

#include <cerrno>

#include "base/overloaded.h"
#include "ctl/sockets.h"
#include "ctl/text.h"

namespace reeve::ctl {

using protocol::Failure;
using protocol::Touches;

namespace {

/// A supervisor answers at once whatever it need not wait for. One that has not by then is stuck.
constexpr Duration patience = 10s;
/// The new program is tried first.
constexpr Duration patience_with_upgrade = 60s;

Connection::Deadline deadline_after(std::optional<Duration> timeout) {
    if (!timeout) return std::nullopt;
    return std::chrono::steady_clock::now() + *timeout;
}

/// How long to wait for the answer to what itself may take long.
std::optional<Duration> limit(bool wait, std::optional<Duration> timeout) {
    if (!wait) return patience;
    return timeout ? std::optional(*timeout + patience) : std::nullopt;
}

/// Whether the supervisor is as before once it has answered.
bool is_question(const protocol::Call& call) {
    using namespace protocol;
    return std::visit(
        Overloaded{[](const StatusQuery&) { return true; },
                   [](const DefinitionQuery&) { return true; },
                   [](const WhyQuery&) { return true; }, [](const FailuresQuery&) { return true; },
                   [](const RunsQuery&) { return true; }, [](const EventsQuery&) { return true; },
                   [](const DiffQuery&) { return true; }, [](const Rehearse&) { return true; },
                   [](const auto&) { return false; }},
        call);
}

std::string silent_for(Duration time) { return "it has been silent for " + in_words(time); }

/// A place where nobody could be spoken to, and why not.
struct Miss {
    std::string path;
    std::string why;
    bool refused = false;
};

/// A place that was not asked for by name may be one that anybody can create first.
constexpr const char* stranger = "who listens there is neither you nor root";

bool is_strangers(const std::string& path, uid_t self) {
    struct stat status {};
    return lstat(path.c_str(), &status) == 0 && status.st_uid != 0 && status.st_uid != self;
}

Miss missed(const std::string& path, const Error& error) {
    const int errnum = error.errnum.value_or(0);
    if (errnum == ETIMEDOUT) return {path, silent_for(patience), false};
    return {path, Error::strerrordesc(errnum), errnum == EACCES || errnum == EPERM};
}

/// "at A: WHY, nor at B: WHY", of those that refused the caller or of the others.
std::string told(const std::vector<Miss>& misses, bool refused) {
    std::string text;
    for (const Miss& miss : misses) {
        if (miss.refused != refused) continue;
        text += (text.empty() ? "at " : ", nor at ") + harmless(miss.path) + ": " + miss.why;
    }
    return text;
}

Complaint unreachable(const std::vector<Miss>& misses) {
    const std::string closed = told(misses, true);
    const std::string silent = told(misses, false);
    if (closed.empty()) {
        return {Exit::NoSupervisor, "no supervisor answers " + silent + "; start one with reeved"};
    }
    return {Exit::NotAllowed, "not allowed to speak to the supervisor " + closed +
                                  (silent.empty() ? "" : "; none answers " + silent)};
}

}  // namespace

Attempt<Client> Client::connect(const Host& host, const Invocation& invocation) {
    std::vector<Miss> misses;
    for (const SocketPlace& place : socket_places(host, invocation.socket)) {
        auto connection = Connection::open(place.path, patience);
        if (!connection) {
            misses.push_back(missed(place.path, connection.error()));
            // One's own that hangs is the one that is meant; root's would be another.
            if (connection.error().errnum != ETIMEDOUT) continue;
            if (place.by_name || !is_strangers(place.path, host.uid)) break;
            continue;
        }
        const auto peer = connection->peer();
        if (!place.by_name && peer != 0u && peer != host.uid) {
            misses.push_back({place.path, stranger, false});
            continue;
        }
        Client client(std::move(*connection), place.path);
        client.hello_ = ++client.last_id_;
        const protocol::Hello hello{"reevectl " REEVE_VERSION, protocol::protocol_version};
        const auto sent = client.send(protocol::encode_request({*client.hello_, hello}));
        if (!sent) return sent.error();
        return client;
    }
    return unreachable(misses);
}

Attempt<> Client::send(const std::string& line) {
    const auto sent = connection_.send(line, deadline_after(patience));
    if (sent) return {};
    return no_answer(sent.error().errnum == ETIMEDOUT ? silent_for(patience) : sent.error().text());
}

Complaint Client::no_answer(const std::string& why) const {
    return {Exit::NoSupervisor, "no supervisor answers at " + harmless(path_) + ": " + why};
}

Complaint Client::died(pid_t supervisor, Duration waited) const {
    return {Exit::NoSupervisor, "the supervisor at " + harmless(path_) + " (pid " +
                                    std::to_string(supervisor) +
                                    ") has died, and no other has taken over within " +
                                    in_words(waited) + "; its services go on: start reeved again"};
}

Complaint Client::refused(const Failure& failure) const {
    if (failure.code == protocol::ErrorCode::NoSuchMethod) {
        return {Exit::Failed,
                "the supervisor at " + harmless(path_) + " (reeved " + harmless(welcome_.version) +
                    ") is older than this reevectl (" REEVE_VERSION ") and cannot do that"};
    }
    return {exit_for(failure.code), harmless(failure.message)};
}

template <typename T>
Attempt<T> Client::await(std::int64_t id, std::optional<Duration> timeout,
                         const OnTouches& on_touches) {
    const auto deadline = deadline_after(timeout);
    while (true) {
        const auto line = connection_.receive(deadline);
        if (!line && line.error().errnum == ETIMEDOUT) {
            if (const auto dead = connection_.dead_peer()) return died(*dead, *timeout);
            return no_answer(silent_for(*timeout));
        }
        if (!line) return no_answer(line.error().text());
        if (!*line) return no_answer("it ended before it answered");
        const auto answer = protocol::parse_answer<T>(**line);
        if (!answer) {
            return no_answer("what is there does not speak reeve's protocol (" +
                             harmless(answer.error().message) + ")");
        }
        if (const auto* touches = std::get_if<Touches>(&*answer)) {
            if (on_touches && touches->request == protocol::Id(id)) on_touches(*touches);
        }
        const auto* reply = std::get_if<protocol::Reply<T>>(&*answer);
        // Without an id it is about a line that could not be read, and ours is the one in flight.
        if (reply == nullptr || (reply->id && *reply->id != protocol::Id(id))) continue;
        if (const auto* failure = std::get_if<Failure>(&reply->body)) return refused(*failure);
        return std::get<T>(reply->body);
    }
}

Attempt<protocol::Welcome> Client::welcome() {
    if (!hello_) return welcome_;
    const auto answer = await<protocol::Welcome>(*hello_, patience, {});
    if (!answer) {
        const Exit exit = answer.error().exit;
        if (exit == Exit::NoSupervisor || exit == Exit::NotAllowed) return answer.error();
        return no_answer(answer.error().sentence);
    }
    if (answer->protocol != protocol::protocol_version) {
        return no_answer("version " + std::to_string(protocol::protocol_version) +
                         " of the protocol is spoken here, version " +
                         std::to_string(answer->protocol) + " there (reeved " +
                         harmless(answer->version) + "); use the reevectl that came with it");
    }
    hello_.reset();
    welcome_ = *answer;
    return welcome_;
}

template <typename T>
Attempt<T> Client::exchange(const protocol::Call& call, std::optional<Duration> timeout,
                            const OnTouches& on_touches) {
    // A question follows the greeting in the same breath. What changes something does not: a
    // supervisor of another version might take it for something else.
    if (!is_question(call)) {
        if (const auto greeted = welcome(); !greeted) return greeted.error();
    }
    const std::int64_t id = ++last_id_;
    const auto sent = send(protocol::encode_request({id, call}));
    if (!sent) return sent.error();
    if (const auto greeted = welcome(); !greeted) return greeted.error();
    return await<T>(id, timeout, on_touches);
}

Attempt<protocol::StatusDocument> Client::ask(const protocol::StatusQuery& query) {
    return exchange<protocol::StatusDocument>(query, patience);
}

Attempt<protocol::Definitions> Client::ask(const protocol::DefinitionQuery& query) {
    return exchange<protocol::Definitions>(query, patience);
}

Attempt<protocol::Explanation> Client::ask(const protocol::WhyQuery& query) {
    return exchange<protocol::Explanation>(query, patience);
}

Attempt<protocol::Failures> Client::ask(const protocol::FailuresQuery& query) {
    return exchange<protocol::Failures>(query, patience);
}

Attempt<protocol::Runs> Client::ask(const protocol::RunsQuery& query) {
    return exchange<protocol::Runs>(query, patience);
}

Attempt<protocol::EventList> Client::ask(const protocol::EventsQuery& query) {
    return exchange<protocol::EventList>(query, patience);
}

Attempt<protocol::ConfigurationDiff> Client::ask(const protocol::DiffQuery& query) {
    return exchange<protocol::ConfigurationDiff>(query, patience);
}

Attempt<protocol::Rehearsal> Client::ask(const protocol::Rehearse& rehearse) {
    return exchange<protocol::Rehearsal>(rehearse, patience);
}

Attempt<protocol::Outcome> Client::ask(const protocol::Kill& kill) {
    return exchange<protocol::Outcome>(kill, patience);
}

Attempt<protocol::Outcome> Client::ask(const protocol::ResetFailed& reset) {
    return exchange<protocol::Outcome>(reset, patience);
}

Attempt<protocol::Outcome> Client::ask(const protocol::Enable& enable) {
    return exchange<protocol::Outcome>(enable, patience);
}

Attempt<protocol::Accepted> Client::ask(const protocol::Reopen& reopen) {
    return exchange<protocol::Accepted>(reopen, patience);
}

Attempt<protocol::Accepted> Client::ask(const protocol::Shutdown& shutdown) {
    return exchange<protocol::Accepted>(shutdown, patience);
}

Attempt<protocol::Upgraded> Client::ask(const protocol::Upgrade& upgrade) {
    return exchange<protocol::Upgraded>(upgrade, patience_with_upgrade);
}

Attempt<protocol::Outcome> Client::ask(const protocol::Command& command,
                                       const OnTouches& on_touches) {
    return exchange<protocol::Outcome>(command, limit(command.wait, command.timeout), on_touches);
}

Attempt<protocol::Outcome> Client::ask(const protocol::WaitFor& wait) {
    return exchange<protocol::Outcome>(wait, limit(true, wait.timeout));
}

Attempt<protocol::Applied> Client::ask(const protocol::Apply& apply, const OnTouches& on_touches) {
    return exchange<protocol::Applied>(apply, limit(apply.wait, apply.timeout), on_touches);
}

Attempt<protocol::Accepted> Client::ask(const protocol::Subscribe& subscribe) {
    return exchange<protocol::Accepted>(subscribe, patience);
}

Attempt<std::variant<protocol::Event, Client::NoEvent>> Client::next_event(int out) {
    using Next = std::variant<protocol::Event, NoEvent>;
    while (true) {
        const auto line = connection_.receive_for(out);
        if (!line && line.error().errnum == EPIPE) return Next(NoEvent::NobodyReads);
        if (!line) return no_answer(line.error().text());
        if (!*line) return Next(NoEvent::SupervisorEnded);
        const auto answer = protocol::parse_answer<protocol::Accepted>(**line);
        if (!answer) {
            return no_answer("it said what cannot be understood (" +
                             harmless(answer.error().message) + ")");
        }
        if (const auto* event = std::get_if<protocol::Event>(&*answer)) return Next(*event);
    }
}

Attempt<bool> Client::wait_for_end(std::optional<Duration> timeout) {
    const auto deadline = deadline_after(timeout);
    while (true) {
        const auto line = connection_.receive(deadline);
        if (!line && line.error().errnum == ETIMEDOUT) return false;
        if (!line) return Complaint{Exit::Failed, line.error().text()};
        if (!*line) return true;
    }
}

}  // namespace reeve::ctl
