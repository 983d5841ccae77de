#include <gmock/gmock.h>
#include <sys/wait.h>

#include <atomic>

#include "tests/unit/ctl/fixture.h"

namespace reeve::ctl {
namespace {

using protocol::State;
using testing::AllOf;
using testing::HasSubstr;

using Lines = std::vector<std::string>;

/// Supervisors that do not answer, or end before they do.
class UnansweredTest : public CtlTest {
  protected:
    /// Listens and never says a word; as one that has died when that is wanted.
    void listen_silently(bool dead) {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        path_.copy(address.sun_path, sizeof address.sun_path - 1);
        listener_.reset(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
        const auto* any = reinterpret_cast<const sockaddr*>(&address);
        ASSERT_EQ(bind(listener_.get(), any, sizeof address), 0);
        // The kernel notes who began to listen.
        const pid_t pid = dead ? fork() : 0;
        if (pid == 0 && listen(listener_.get(), 8) != 0) std::abort();
        if (dead && pid == 0) _exit(0);
        if (dead) waitpid(pid, nullptr, 0);
        pid_ = std::to_string(pid);
    }

    /// Hangs up on whatever is asked first, and gives `result` to whoever asks again.
    template <typename Result>
    void serve_again(Result result) {
        serve([this, result](const protocol::Request& request) {
            return ++asked_ == 1 ? Lines() : Lines{protocol::encode_result(request.id, result)};
        });
    }

    std::string path_ = dir_ / "control.sock";
    std::string pid_;
    Fd listener_;
    std::atomic<int> asked_ = 0;
};

TEST_F(UnansweredTest, OneThatDiedIsWaitedForNoLongerThanTheCallerWants) {
    listen_silently(true);
    const std::string died = "reevectl: gave up after 50 ms: the supervisor at " + path_ +
                             " (pid " + pid_ + ") has died, and no other has taken over yet";
    const Ran wait = ctl({"wait", "web", "--timeout", "50ms"});
    EXPECT_EQ(wait.exit, 7);
    EXPECT_EQ(wait.err, died + "; its services go on: start reeved again\n");
    const Ran start = ctl({"start", "web", "--timeout", "50ms"});
    EXPECT_EQ(start.exit, 7);
    EXPECT_EQ(start.err, died +
                             ", so nothing was asked of it; its services go on: start reeved "
                             "again\n");
}

TEST_F(UnansweredTest, SoIsOneThatHangs) {
    listen_silently(false);
    const Ran ran = ctl({"stop", "web", "--timeout", "50ms"});
    EXPECT_EQ(ran.exit, 7);
    EXPECT_EQ(ran.err, "reevectl: gave up after 50 ms: the supervisor at " + path_ +
                           " is there, but has not answered, so nothing was asked of it; try "
                           "again, and see what its own log says\n");
}

TEST_F(UnansweredTest, SoIsOneThatHangsOnceItWasAskedAndWhatItMayDoIsSaid) {
    serve([](const protocol::Request&) { return Lines{protocol::encode_event({})}; });
    const Ran ran = ctl({"stop", "web", "--timeout", "50ms"});
    EXPECT_EQ(ran.exit, 7);
    EXPECT_THAT(ran.err, AllOf(HasSubstr("gave up after 50 ms"),
                               HasSubstr("; what was asked of it may go on all the same, and "
                                         "reevectl status tells\n")));
}

TEST_F(UnansweredTest, WaitAsksTheSuccessorForTheRestOfItsTime) {
    serve_again(protocol::Outcome{{{"web", {}, State::Running, "", 1234, false}}, {}});
    const Ran ran = ctl({"wait", "web", "--timeout", "1h"});
    EXPECT_EQ(ran.exit, 0) << ran.err;
    EXPECT_EQ(ran.out, "web is ready (pid 1234)\n");
    EXPECT_EQ(ran.err, "");
    const auto requests = supervisor_->requests();
    ASSERT_EQ(requests.size(), 4u);
    EXPECT_EQ(std::get<protocol::WaitFor>(requests[1].call).timeout, 1h);
    EXPECT_LT(std::get<protocol::WaitFor>(requests[3].call).timeout, 1h);
}

TEST_F(UnansweredTest, QuestionsAreAskedOfTheSuccessor) {
    serve_again(protocol::StatusDocument{{}, {service("web", State::Running)}});
    EXPECT_EQ(ctl({"is-active", "web"}).out, "running\n");
}

TEST_F(UnansweredTest, CommandsAreNotGivenTwiceAndThatTheyMayGoOnIsSaid) {
    for (const std::string verb : {"start", "stop", "restart", "reload", "kill", "enable"}) {
        asked_ = 0;
        serve_again(protocol::Outcome{});
        const Ran ran = ctl({verb, "web"});
        EXPECT_EQ(ran.exit, 6);
        EXPECT_EQ(ran.err, "reevectl: the supervisor at " + path_ +
                               " ended before it answered; what was asked of it may go on all the "
                               "same, and reevectl status tells\n");
        EXPECT_EQ(asked_, 1);
    }
}

TEST_F(UnansweredTest, OneThatEndsBeforeTheGreetingHasBeenAskedNothing) {
    int greetings = 0;
    supervisor_.emplace(path_, [&](const protocol::Request& request) {
        if (!std::holds_alternative<protocol::Hello>(request.call)) {
            return Lines{protocol::encode_result(request.id, protocol::Outcome{})};
        }
        if (++greetings == 1) return Lines();
        return Lines{protocol::encode_result(request.id, welcome_)};
    });
    EXPECT_EQ(ctl({"stop", "web"}).exit, 0);
}

TEST_F(UnansweredTest, LogsAreReadWithoutItWhereTheirFolderIsKnown) {
    listen_silently(true);
    write_file(dir_ / "log/web/current", "2026-11-21T00:00:01.000000000Z stdout F line\n");
    const std::string why = "the supervisor at " + path_ + " (pid " + pid_ +
                            ") has died, and no other has taken over within 1 s";
    for (const std::vector<std::string>& arguments :
         {std::vector<std::string>{"logs", "web"}, {"logs", "web", "-s", path_}}) {
        const Ran ran = ctl(arguments);
        EXPECT_EQ(ran.exit, 0);
        EXPECT_EQ(ran.out, "line\n");
        EXPECT_EQ(ran.err, "reevectl: " + why + "; reading what is in " + (dir_ / "log") + "\n");
    }
    EXPECT_EQ(ctl({"logs", "web", "--quiet"}).err, "");
}

TEST_F(UnansweredTest, LogsWhoseFolderIsNotKnownSayHowToNameIt) {
    const Ran ran = run_with({}, {"logs", "web", "-s", path_});
    EXPECT_EQ(ran.exit, 6);
    EXPECT_EQ(ran.err, "reevectl: no supervisor answers at " + path_ +
                           ": No such file or directory; start one with reeved, or set "
                           "REEVE_LOG_DIR to the folder of its logs to read them alone\n");
}

TEST_F(UnansweredTest, LogsOfAGroupAreForASupervisorToSelect) {
    const Ran ran = ctl({"logs", "@shop"});
    EXPECT_EQ(ran.exit, 6);
    EXPECT_EQ(ran.err, "reevectl: no supervisor answers at " + path_ +
                           ": No such file or directory; start one with reeved, or name services, "
                           "as groups are known to a running supervisor only\n");
}

}  // namespace
}  // namespace reeve::ctl
