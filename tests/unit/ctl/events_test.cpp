#include <gmock/gmock.h>

#include <atomic>

#include "ctl/event_text.h"
#include "ctl/protocol/timestamp.h"
#include "tests/unit/ctl/follower.h"

namespace reeve::ctl {
namespace {

using protocol::Event;
using protocol::State;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

const WallTime midnight = *protocol::parse_rfc3339("2026-11-22T00:00:00Z");

Event event(std::uint64_t seq, const std::string& service, std::optional<State> from, State to,
            const std::string& cause = "") {
    Event made;
    made.seq = seq;
    made.time = midnight - 10s + std::chrono::seconds(seq) + 5ms;
    made.service = service;
    made.from = from;
    made.to = to;
    made.cause = cause;
    return made;
}

Event snapshot(std::uint64_t seq, const std::string& service, State state) {
    Event made = event(seq, service, std::nullopt, state, "started at boot");
    made.kind = Event::Kind::Snapshot;
    return made;
}

Event of_kind(Event::Kind kind, std::uint64_t seq, const std::string& cause) {
    Event made = event(seq, "", std::nullopt, State::Stopped, cause);
    made.kind = kind;
    return made;
}

std::vector<Event> a_story() {
    Event running = event(8, "db", State::Starting, State::Running, "started at boot");
    running.pid = 1234;
    Event lost = of_kind(Event::Kind::Lost, 12, "");
    lost.missed = 17;
    return {snapshot(7, "web@1", State::Waiting),
            running,
            event(9, "web@1", State::Waiting, State::Starting, "started at boot"),
            event(10, "web@1", State::Starting, State::Starting, "not ready yet: no answer"),
            of_kind(Event::Kind::Configuration, 11, "1 service changed"),
            lost,
            of_kind(Event::Kind::Shutdown, 13, "SIGTERM")};
}

std::string text_of(const std::vector<Event>& events, const Look& look) {
    EventText text(look);
    std::string out;
    for (const Event& one : events) out += text.text(one);
    return out;
}

TEST(EventText, IsALineEach) {
    setenv("TZ", "UTC", 1);
    EXPECT_EQ(
        text_of(a_story(), {}),
        "2026-11-21 23:59:57.005  web@1     is waiting            started at boot\n"
        "2026-11-21 23:59:58.005  db        starting -> running   started at boot (pid 1234)\n"
        "2026-11-21 23:59:59.005  web@1     waiting -> starting   started at boot\n"
        "2026-11-22 00:00:00.005  web@1     starting              not ready yet: no answer\n"
        "2026-11-22 00:00:01.005  the configuration was read again: 1 service changed\n"
        "2026-11-22 00:00:02.005  17 events came too fast and are missing\n"
        "2026-11-22 00:00:03.005  everything is being stopped: SIGTERM\n");
}

TEST(EventText, NamesTheDateOnATerminalWhenItIsAnotherOne) {
    EXPECT_EQ(text_of({a_story()[0], a_story()[1], a_story()[3]}, {80, false, true, {}, ""}),
              "2026-11-21\n"
              "23:59:57.005  web@1     is waiting            started at boot\n"
              "23:59:58.005  db        starting → running    started at boot (pid 1234)\n"
              "2026-11-22\n"
              "00:00:00.005  web@1     starting              not ready yet: no answer\n");
}

TEST(EventText, GivesLongNamesRoomAndKeepsIt) {
    const std::string name = "a-service-with-a-long-name";
    const std::string text = text_of(
        {event(1, name, std::nullopt, State::Done), event(2, "b", std::nullopt, State::Done)}, {});
    EXPECT_THAT(text, HasSubstr("  a-service-with-a-long-name  done\n"));
    EXPECT_THAT(text, HasSubstr("  b                         done\n"));
}

TEST(EventText, HasColoursOnlyWhenAskedToAndIsHarmless) {
    Event evil = event(1, "web\x1b[2J", State::Running, State::Failed, "exit\n1\x9b");
    EXPECT_THAT(text_of({evil}, {}), AllOf(Not(HasSubstr("\x1b")), HasSubstr("exit\\n1\\x9b\n")));
    evil.service = "web";
    EXPECT_THAT(
        text_of({evil}, {0, true, false, {}, ""}),
        AllOf(HasSubstr("mweb     \x1b[0m"), HasSubstr("running -> \x1b[31mfailed\x1b[0m")));
}

class EventsTest : public CtlTest {
  protected:
    /// Answers every question about events with these, and says that there are db and web@1; who
    /// subscribes gets them one by one, and then `after`.
    void serve_events(const std::vector<Event>& events,
                      const std::vector<std::string>& after = {}) {
        serve([events, after](const protocol::Request& request) {
            std::vector<std::string> lines;
            if (std::holds_alternative<protocol::StatusQuery>(request.call)) {
                const protocol::StatusDocument document{{}, {service("db", State::Running)}};
                lines = {protocol::encode_result(request.id, document)};
            } else if (std::holds_alternative<protocol::EventsQuery>(request.call)) {
                lines = {protocol::encode_result(request.id, protocol::EventList{events})};
            } else {
                lines = {protocol::encode_result(request.id, protocol::Accepted{})};
                for (const Event& one : events) lines.push_back(protocol::encode_event(one));
                lines.insert(lines.end(), after.begin(), after.end());
            }
            return lines;
        });
    }

    static std::string as_json(const std::vector<Event>& events) {
        std::string text;
        for (const Event& one : events) text += protocol::to_json(one) + "\n";
        return text;
    }

    template <typename Call>
    Call asked(std::size_t index) {
        return std::get<Call>(supervisor_->requests()[index].call);
    }

    const std::string hang_up_;
};

std::vector<Event> changes() {
    return {event(1, "db", State::Stopped, State::Starting),
            event(2, "web", State::Stopped, State::Starting),
            event(3, "db", State::Starting, State::Running),
            event(4, "web", State::Starting, State::Running)};
}

TEST_F(EventsTest, ArePrintedAsTheyWereRemembered) {
    serve_events(a_story());
    const Ran ran = ctl({"events"});
    EXPECT_EQ(ran.exit, 0) << ran.err;
    EXPECT_EQ(ran.out, text_of(a_story(), {}));
    EXPECT_EQ(asked<protocol::EventsQuery>(1), protocol::EventsQuery{});
    EXPECT_EQ(ctl({"events", "--json"}).out, as_json(a_story()));
}

TEST_F(EventsTest, LastOnesAreAskedForUnlessOnlySomeServicesAreWanted) {
    serve_events(changes());
    EXPECT_EQ(ctl({"events", "--json", "-n", "2"}).out, as_json({changes()[2], changes()[3]}));
    EXPECT_EQ(asked<protocol::EventsQuery>(1), protocol::EventsQuery{2});
    EXPECT_EQ(ctl({"events", "--json", "-n", "1", "db"}).out, as_json({changes()[2]}));
    EXPECT_EQ(asked<protocol::EventsQuery>(4), protocol::EventsQuery{})
        << "the last ones of all might not be db's";
    EXPECT_EQ(ctl({"events", "--json", "-n", "all"}).out, as_json(changes()));
}

TEST_F(EventsTest, OfSomeServicesAreThoseNamedAndThoseThatComeToFitAndWhatConcernsAll) {
    const std::vector<Event> events = {event(1, "db", State::Stopped, State::Starting),
                                       event(2, "dbx", std::nullopt, State::Stopped),
                                       event(3, "web", State::Stopped, State::Starting),
                                       of_kind(Event::Kind::Configuration, 4, "1 service added")};
    serve_events(events);
    EXPECT_EQ(ctl({"events", "--json", "db"}).out, as_json({events[0], events[3]}));
    EXPECT_EQ(ctl({"events", "--json", "db*"}).out, as_json({events[0], events[1], events[3]}));
    EXPECT_EQ(ctl({"events", "--json", "@shop"}).out, as_json({events[0], events[3]}));
    EXPECT_EQ(asked<protocol::StatusQuery>(1), (protocol::StatusQuery{{"db"}, false, false}));
}

TEST_F(EventsTest, OfAnUnknownNameExitWith4) {
    serve([](const protocol::Request& request) {
        return std::vector{
            protocol::encode_error(request.id, protocol::no_such_service("wbe", "web"))};
    });
    EXPECT_EQ(ctl({"events", "wbe"}).exit, 4);
    EXPECT_EQ(ctl({"events", "-f", "wbe"}).exit, 4);
}

TEST_F(EventsTest, FollowedUntilAnOrderlyShutdownExitWith0) {
    serve_events(a_story(), {hang_up_});
    const Ran ran = ctl({"events", "-f"});
    EXPECT_EQ(ran.exit, 0);
    EXPECT_EQ(ran.err, "");
    EXPECT_EQ(ran.out, text_of(a_story(), {}));
    EXPECT_EQ(asked<protocol::Subscribe>(1), protocol::Subscribe{0});
    ctl({"events", "-f", "-n", "3"});
    EXPECT_EQ(asked<protocol::Subscribe>(3), protocol::Subscribe{3});
}

TEST_F(EventsTest, FollowedThroughTheDeathOfTheSupervisorGoOnWithAllThatItsSuccessorRemembers) {
    std::atomic<bool> died = false;
    serve([&](const protocol::Request& request) {
        std::vector<std::string> lines = {
            protocol::encode_result(request.id, protocol::Accepted{})};
        for (const Event& one : died.exchange(true) ? a_story() : changes()) {
            lines.push_back(protocol::encode_event(one));
        }
        lines.push_back(hang_up_);
        ++welcome_.pid;
        return lines;
    });
    const Ran ran = ctl({"events", "-f", "--json"});
    EXPECT_EQ(ran.exit, 0) << "an orderly shutdown is the end";
    EXPECT_EQ(ran.err,
              "reevectl: the supervisor has ended without a word; going on with the next one (pid "
              "78)\n");
    EXPECT_EQ(ran.out, as_json(changes()) + as_json(a_story()));
    EXPECT_EQ(asked<protocol::Subscribe>(1), protocol::Subscribe{0});
    EXPECT_EQ(asked<protocol::Subscribe>(3), protocol::Subscribe{1u << 20});
}

TEST_F(EventsTest, FollowedThatCannotBeUnderstoodExitWith6) {
    serve_events(changes(), {"{\"jsonrpc\":\"2.0\",\"method\":\"event\"}\n"});
    const Ran ran = ctl({"events", "-f"});
    EXPECT_EQ(ran.exit, 6);
    EXPECT_THAT(ran.err, HasSubstr("it said what cannot be understood"));
}

TEST_F(EventsTest, FollowedBeginWithTheLastOnesOfTheServicesThatAreWanted) {
    std::vector<Event> events = changes();
    events.push_back(snapshot(4, "db", State::Running));
    events.push_back(snapshot(4, "web", State::Running));
    events.push_back(event(5, "db", State::Running, State::Failed, "exit 1"));
    events.push_back(of_kind(Event::Kind::Shutdown, 6, "SIGTERM"));
    serve_events(events, {hang_up_});
    EXPECT_EQ(ctl({"events", "-f", "-n", "1", "--json", "db"}).out,
              as_json({events[2], events[4], events[6], events[7]}));
    EXPECT_GT(asked<protocol::Subscribe>(2).history, 1000u);
    EXPECT_EQ(ctl({"events", "-f", "--json", "db"}).out,
              as_json({events[0], events[2], events[4], events[6], events[7]}))
        << "a supervisor that sends a history unasked is taken at its word";
}

TEST_F(EventsTest, FollowedOfAGroupAreThoseOfServicesThatJoinItLater) {
    const std::vector<Event> events = {event(1, "web", State::Stopped, State::Starting),
                                       of_kind(Event::Kind::Configuration, 2, "1 service changed"),
                                       event(3, "web", State::Starting, State::Running),
                                       event(4, "db", State::Running, State::Stopping),
                                       of_kind(Event::Kind::Shutdown, 5, "SIGTERM")};
    serve([events, asked = 0](const protocol::Request& request) mutable {
        if (std::holds_alternative<protocol::StatusQuery>(request.call)) {
            // Before it subscribed, after that, and when the configuration has been read again.
            const bool changed = ++asked == 3;
            const protocol::StatusDocument document{
                {}, {service(changed ? "web" : "db", State::Running)}};
            return std::vector{protocol::encode_result(request.id, document)};
        }
        std::vector lines = {protocol::encode_result(request.id, protocol::Accepted{})};
        for (const Event& one : events) lines.push_back(protocol::encode_event(one));
        lines.emplace_back();
        return lines;
    });
    const Ran ran = ctl({"events", "-f", "--json", "@shop"});
    EXPECT_EQ(ran.exit, 0) << ran.err;
    EXPECT_EQ(ran.out, as_json({events[1], events[2], events[3], events[4]}));
}

TEST_F(EventsTest, FollowedComeAtOnceAndEndWithTheirReader) {
    serve_events(changes());
    Follower follower(dir_, {"events", "-f", "--json"});
    EXPECT_EQ(follower.read_lines(4), as_json(changes()));
    // Nothing happens any more, and yet it notices.
    follower.stop_reading();
    const int status = follower.end();
    EXPECT_TRUE(WIFEXITED(status));
    EXPECT_EQ(WEXITSTATUS(status), 0);
}

TEST_F(EventsTest, FollowedEndByTheSignalOfCtrlC) {
    serve_events(changes());
    Follower follower(dir_, {"events", "-f", "--json"});
    EXPECT_EQ(follower.read_lines(4), as_json(changes()));
    follower.interrupt();
    const int status = follower.end();
    EXPECT_TRUE(WIFSIGNALED(status));
    EXPECT_EQ(WTERMSIG(status), SIGINT);
}

}  // namespace
}  // namespace reeve::ctl
