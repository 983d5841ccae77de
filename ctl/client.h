#pragma once

#include <functional>
#include <optional>
#include <string>
#include <variant>

#include "ctl/arguments.h"
#include "ctl/connection.h"
#include "ctl/exit.h"
#include "ctl/host.h"
#include "ctl/protocol/message.h"
#include "ctl/sockets.h"
#include "ctl/unanswered.h"

namespace reeve::ctl {

/// A supervisor that can be asked, one question after the other. Speaks the protocol, blocks until
/// an answer is there, prints nothing.
///
/// When the supervisor is killed while it is asked something that changes nothing, its successor is
/// asked the same. Whoever does not answer is waited for for ten seconds; a --timeout that ends
/// sooner ends that, too, with exit status 7.
class Client {
  public:
    using OnTouches = std::function<void(const protocol::Touches&)>;

    static constexpr Duration usual_patience = 10s;

    /// Finds the socket as the contract says: the flag, the environment, the caller's own place,
    /// root's. What strangers put in a place that nobody named is passed over.
    static Attempt<Client> connect(const Host& host, const Invocation& invocation,
                                   Duration patience = usual_patience);

    /// What the supervisor said of itself.
    Attempt<protocol::Welcome> welcome();
    /// Waits for the same before a command, of which nothing is sent until then.
    Attempt<> await_greeting();

    Attempt<protocol::StatusDocument> ask(const protocol::StatusQuery& query);
    Attempt<protocol::Definitions> ask(const protocol::DefinitionQuery& query);
    Attempt<protocol::Explanation> ask(const protocol::WhyQuery& query);
    Attempt<protocol::Failures> ask(const protocol::FailuresQuery& query);
    Attempt<protocol::Runs> ask(const protocol::RunsQuery& query);
    Attempt<protocol::EventList> ask(const protocol::EventsQuery& query);
    Attempt<protocol::ConfigurationDiff> ask(const protocol::DiffQuery& query);
    Attempt<protocol::Rehearsal> ask(const protocol::Rehearse& rehearse);
    Attempt<protocol::Outcome> ask(const protocol::Kill& kill);
    Attempt<protocol::Outcome> ask(const protocol::ResetFailed& reset);
    Attempt<protocol::Outcome> ask(const protocol::Enable& enable);
    Attempt<protocol::Accepted> ask(const protocol::Reopen& reopen);
    Attempt<protocol::Accepted> ask(const protocol::Shutdown& shutdown);
    Attempt<protocol::Upgraded> ask(const protocol::Upgrade& upgrade);
    /// Those that wait: the client's own deadline lies behind the supervisor's, for one that hangs.
    Attempt<protocol::Outcome> ask(const protocol::Command& command, const OnTouches& on_touches);
    Attempt<protocol::Outcome> ask(const protocol::WaitFor& wait);
    Attempt<protocol::Applied> ask(const protocol::Apply& apply, const OnTouches& on_touches);

    /// Asks for events; next_event() gives them. Nothing else can be asked from then on.
    Attempt<protocol::Accepted> ask(const protocol::Subscribe& subscribe);

    /// Once the supervisor has ended: connects to its successor as soon as there is one.
    Attempt<> find_successor();

    /// Why no event comes any more.
    enum class NoEvent { SupervisorEnded, NobodyReads };

    /// Waits for the next event, for as long as the supervisor lives and somebody reads from `out`.
    Attempt<std::variant<protocol::Event, NoEvent>> next_event(int out);
    /// Whether it need not wait.
    bool has_event() const { return connection_.holds_line(); }

    /// Waits until the supervisor has gone. False at the timeout.
    Attempt<bool> wait_for_end(std::optional<Duration> timeout);

    const std::string& path() const { return place_.path; }

    /// Whom the supervisor runs as.
    std::optional<uid_t> peer() const { return connection_.peer(); }

  private:
    Client(Connection connection, SocketPlace place, uid_t self, std::string program,
           Patience patience, Limit limit);

    Limit limit_for(const protocol::Call& call) const;

    Attempt<> greet();
    Attempt<> send(const std::string& line);
    template <typename T>
    Attempt<T> await(std::int64_t id, const Limit& limit, const OnTouches& on_touches);
    template <typename T>
    Attempt<T> exchange(protocol::Call call, const OnTouches& on_touches = {});
    template <typename T>
    Attempt<T> exchange_once(const protocol::Call& call, const OnTouches& on_touches);

    Complaint no_answer(const std::string& why, std::string advice = "try again") const;
    Complaint refused(const protocol::Failure& failure) const;

    Connection connection_;
    SocketPlace place_;
    uid_t self_;
    std::string program_;  ///< how a hint calls this program
    Patience patience_;
    Limit limit_;  ///< for who has to greet us
    std::int64_t last_id_ = 0;
    std::optional<std::int64_t> hello_;  ///< the id of the greeting while it is under way
    Connection::Deadline greeted_;       ///< since when the connection has been of use
    bool lost_ = false;                  ///< it has ended
    protocol::Welcome welcome_;
};

}  // namespace reeve::ctl
