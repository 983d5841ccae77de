#include "ctl/client.h"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <thread>
#include <utility>

#include "base/overloaded.h"
#include "ctl/sockets.h"
#include "ctl/text.h"

namespace reeve::ctl {

using protocol::Failure;
using protocol::Touches;

namespace {

using Clock = std::chrono::steady_clock;

/// The new program is tried first.
constexpr Duration patience_with_upgrade = 60s;
/// Between two looks for a successor.
constexpr Duration pause = 50ms;
/// One that ends sooner may do so again and again, and has no patience of its own.
constexpr Duration settled = 1s;

/// Whether the supervisor is as before once it has answered.
bool is_question(const protocol::Call& call) {
    using namespace protocol;
    return std::visit(
        Overloaded{[](const WaitFor&) { return true; }, [](const Subscribe&) { return true; },
                   [](const StatusQuery&) { return true; },
                   [](const DefinitionQuery&) { return true; },
                   [](const WhyQuery&) { return true; }, [](const FailuresQuery&) { return true; },
                   [](const RunsQuery&) { return true; }, [](const EventsQuery&) { return true; },
                   [](const DiffQuery&) { return true; }, [](const Rehearse&) { return true; },
                   [](const auto&) { return false; }},
        call);
}

/// Whether the answer may take as long as it takes.
bool waits(const protocol::Call& call) {
    if (const auto* command = std::get_if<protocol::Command>(&call)) return command->wait;
    if (const auto* apply = std::get_if<protocol::Apply>(&call)) return apply->wait;
    return std::holds_alternative<protocol::WaitFor>(call);
}

/// A place that was not asked for by name may be one that anybody can create first.
constexpr const char* stranger = "who listens there is neither you nor root";

bool is_strangers(const std::string& path, uid_t self) {
    struct stat status {};
    return lstat(path.c_str(), &status) == 0 && status.st_uid != 0 && status.st_uid != self;
}

std::variant<Connection, Miss> open_at(const SocketPlace& place, uid_t self, const Limit& limit) {
    auto connection = Connection::open(place.path, limit.left());
    if (!connection) {
        const int errnum = connection.error().errnum.value_or(0);
        const bool silent = errnum == ETIMEDOUT;
        const bool refused = errnum == EACCES || errnum == EPERM;
        return Miss{place.path,
                    silent ? "who listens there takes nobody in" : Error::strerrordesc(errnum),
                    refused, silent};
    }
    const auto peer = connection->peer();
    if (!place.by_name && peer != 0u && peer != self) return Miss{place.path, stranger};
    return std::move(*connection);
}

}  // namespace

Client::Client(Connection connection, SocketPlace place, uid_t self, std::string program,
               Patience patience, Limit limit)
    : connection_(std::move(connection)),
      place_(std::move(place)),
      self_(self),
      program_(std::move(program)),
      patience_(patience),
      limit_(limit) {}

Attempt<Client> Client::connect(const Host& host, const Invocation& invocation, Duration own) {
    std::vector<Miss> misses;
    const Patience patience(own, invocation.timeout);
    const Limit limit = patience.limit();
    for (const SocketPlace& place : socket_places(host, invocation.socket)) {
        auto opened = open_at(place, host.uid, limit);
        if (auto* connection = std::get_if<Connection>(&opened)) {
            Client client(std::move(*connection), place, host.uid, program_called_by(invocation),
                          patience, limit);
            const auto sent = client.greet();
            if (!sent) return sent.error();
            return client;
        }
        misses.push_back(std::get<Miss>(std::move(opened)));
        // One's own that hangs is the one that is meant; root's would be another.
        if (!misses.back().silent) continue;
        if (place.by_name || !is_strangers(place.path, host.uid)) break;
    }
    return unreachable(misses, limit);
}

/// How long an answer may take.
Limit Client::limit_for(const protocol::Call& call) const {
    if (std::holds_alternative<protocol::Upgrade>(call)) {
        return patience_.limit(patience_with_upgrade);
    }
    return waits(call) ? patience_.of_caller() : patience_.limit();
}

Attempt<> Client::greet() {
    hello_ = ++last_id_;
    const protocol::Hello hello{"reevectl " REEVE_VERSION, protocol::protocol_version};
    return send(protocol::encode_request({*hello_, hello}));
}

Attempt<> Client::find_successor() {
    const auto greeted = std::exchange(greeted_, std::nullopt);
    if (greeted && Clock::now() - *greeted > settled) limit_ = patience_.limit();
    std::string why = "who listens there hangs up";
    // It needs some time to answer, too.
    while (limit_.left() > 2 * pause) {
        std::this_thread::sleep_for(pause);
        auto opened = open_at(place_, self_, limit_);
        if (auto* connection = std::get_if<Connection>(&opened)) {
            connection_ = std::move(*connection);
            lost_ = false;
            return greet();
        }
        why = std::get<Miss>(opened).why;
    }
    if (welcome_.version.empty()) return without_greeting(place_.path, limit_);
    return without_successor(place_.path, why, limit_);
}

Attempt<> Client::send(const std::string& line) {
    const Limit limit = patience_.limit();
    const auto sent = connection_.send(line, limit.at);
    if (sent) return {};
    if (sent.error().errnum == ETIMEDOUT) {
        return silent(place_.path, connection_.dead_peer(), limit);
    }
    return no_answer(sent.error().text());
}

Complaint Client::no_answer(const std::string& why, std::string advice) const {
    return {Exit::NoSupervisor, "no supervisor answers at " + harmless(place_.path) + ": " + why,
            std::move(advice)};
}

Complaint Client::refused(const Failure& failure) const {
    if (failure.code == protocol::ErrorCode::NoSuchMethod) {
        return {Exit::Failed,
                "the supervisor at " + harmless(place_.path) + " (reeved " +
                    harmless(welcome_.version) +
                    ") is older than this reevectl (" REEVE_VERSION ") and cannot do that",
                "install a newer one and put it in place with " + program_ + " upgrade"};
    }
    return {exit_for(failure.code), harmless(failure.message)};
}

template <typename T>
Attempt<T> Client::await(std::int64_t id, const Limit& limit, const OnTouches& on_touches) {
    while (true) {
        const auto line = connection_.receive(limit.at);
        if (!line && line.error().errnum == ETIMEDOUT) {
            return silent(place_.path, connection_.dead_peer(), limit);
        }
        if (!line) return no_answer(line.error().text());
        lost_ = !*line;
        if (lost_) {
            return Complaint{Exit::NoSupervisor, "the supervisor at " + harmless(place_.path) +
                                                     " ended before it answered"};
        }
        const auto answer = protocol::parse_answer<T>(**line);
        if (!answer) {
            return no_answer("what is there does not speak reeve's protocol (" +
                                 harmless(answer.error().message) + ")",
                             name_the_socket);
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
    while (hello_) {
        const auto answer = await<protocol::Welcome>(*hello_, limit_, {});
        if (!answer && lost_) {
            if (const auto again = find_successor(); !again) return again.error();
            continue;
        }
        if (!answer) {
            const Exit exit = answer.error().exit;
            const bool told = exit != Exit::Failed && exit != Exit::Usage;
            return told ? answer.error() : no_answer(answer.error().sentence);
        }
        if (answer->protocol != protocol::protocol_version) {
            return no_answer("version " + std::to_string(protocol::protocol_version) +
                                 " of the protocol is spoken here, version " +
                                 std::to_string(answer->protocol) + " there (reeved " +
                                 harmless(answer->version) + ")",
                             "use the reevectl that came with it");
        }
        hello_.reset();
        greeted_ = Clock::now();
        welcome_ = *answer;
    }
    return welcome_;
}

Attempt<> Client::await_greeting() {
    const auto greeted = welcome();
    if (greeted) return {};
    Complaint complaint = greeted.error();
    const bool unanswered =
        complaint.exit == Exit::NoSupervisor || complaint.exit == Exit::TimedOut;
    if (unanswered) complaint.sentence += ", so nothing was asked of it";
    return complaint;
}

template <typename T>
Attempt<T> Client::exchange_once(const protocol::Call& call, const OnTouches& on_touches) {
    // Not in one breath with the greeting: a supervisor of another version might take it for
    // something else.
    if (is_question(call)) {
        if (const auto greeted = welcome(); !greeted) return greeted.error();
    } else if (const auto ready = await_greeting(); !ready) {
        return ready.error();
    }
    const std::int64_t id = ++last_id_;
    const auto sent = send(protocol::encode_request({id, call}));
    if (!sent) return sent.error();
    const Limit limit = limit_for(call);
    auto answer = await<T>(id, limit, on_touches);
    if (answer || is_question(call)) return answer;
    if (answer.error().exit != Exit::NoSupervisor && !limit.over()) return answer;
    Complaint complaint = answer.error();
    complaint.advice =
        "what was asked of it may go on all the same, and " + program_ + " status tells";
    return complaint;
}

template <typename T>
Attempt<T> Client::exchange(protocol::Call call, const OnTouches& on_touches) {
    while (true) {
        auto answer = exchange_once<T>(call, on_touches);
        if (answer || !lost_ || !is_question(call)) return answer;
        if (const auto again = find_successor(); !again) return again.error();
        auto* wait = std::get_if<protocol::WaitFor>(&call);
        if (wait != nullptr) wait->timeout = patience_.left();
    }
}

Attempt<protocol::StatusDocument> Client::ask(const protocol::StatusQuery& query) {
    return exchange<protocol::StatusDocument>(query);
}

Attempt<protocol::Definitions> Client::ask(const protocol::DefinitionQuery& query) {
    return exchange<protocol::Definitions>(query);
}

Attempt<protocol::Explanation> Client::ask(const protocol::WhyQuery& query) {
    return exchange<protocol::Explanation>(query);
}

Attempt<protocol::Failures> Client::ask(const protocol::FailuresQuery& query) {
    return exchange<protocol::Failures>(query);
}

Attempt<protocol::Runs> Client::ask(const protocol::RunsQuery& query) {
    return exchange<protocol::Runs>(query);
}

Attempt<protocol::EventList> Client::ask(const protocol::EventsQuery& query) {
    return exchange<protocol::EventList>(query);
}

Attempt<protocol::ConfigurationDiff> Client::ask(const protocol::DiffQuery& query) {
    return exchange<protocol::ConfigurationDiff>(query);
}

Attempt<protocol::Rehearsal> Client::ask(const protocol::Rehearse& rehearse) {
    return exchange<protocol::Rehearsal>(rehearse);
}

Attempt<protocol::Outcome> Client::ask(const protocol::Kill& kill) {
    return exchange<protocol::Outcome>(kill);
}

Attempt<protocol::Outcome> Client::ask(const protocol::ResetFailed& reset) {
    return exchange<protocol::Outcome>(reset);
}

Attempt<protocol::Outcome> Client::ask(const protocol::Enable& enable) {
    return exchange<protocol::Outcome>(enable);
}

Attempt<protocol::Accepted> Client::ask(const protocol::Reopen& reopen) {
    return exchange<protocol::Accepted>(reopen);
}

Attempt<protocol::Accepted> Client::ask(const protocol::Shutdown& shutdown) {
    return exchange<protocol::Accepted>(shutdown);
}

Attempt<protocol::Upgraded> Client::ask(const protocol::Upgrade& upgrade) {
    return exchange<protocol::Upgraded>(upgrade);
}

Attempt<protocol::Outcome> Client::ask(const protocol::Command& command,
                                       const OnTouches& on_touches) {
    return exchange<protocol::Outcome>(command, on_touches);
}

Attempt<protocol::Outcome> Client::ask(const protocol::WaitFor& wait) {
    return exchange<protocol::Outcome>(wait);
}

Attempt<protocol::Applied> Client::ask(const protocol::Apply& apply, const OnTouches& on_touches) {
    return exchange<protocol::Applied>(apply, on_touches);
}

Attempt<protocol::Accepted> Client::ask(const protocol::Subscribe& subscribe) {
    return exchange<protocol::Accepted>(subscribe);
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
    Connection::Deadline deadline;
    if (timeout) deadline = Clock::now() + *timeout;
    while (true) {
        const auto line = connection_.receive(deadline);
        if (!line && line.error().errnum == ETIMEDOUT) return false;
        if (!line) return Complaint{Exit::Failed, line.error().text()};
        if (!*line) return true;
    }
}

}  // namespace reeve::ctl
