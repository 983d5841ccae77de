#include <gmock/gmock.h>

#include "ctl/failure_list.h"
#include "ctl/protocol/timestamp.h"
#include "tests/unit/ctl/log_fixture.h"

namespace reeve::ctl {
namespace {

using protocol::FailureRecord;
using protocol::Failures;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

const WallTime start = *protocol::parse_rfc3339("2026-11-21T00:00:00Z");

WallTime at(int number) { return start + std::chrono::seconds(number); }

Look plain(std::size_t width = 0) { return {width, false, false, at(3600), "reevectl"}; }

/// web ran from `first` to `last` and exited with 1.
FailureRecord exit_of_web(int first, int last) {
    FailureRecord failure;
    failure.service = "web";
    failure.cause = "exit 1 after " + std::to_string(last - first) + " s";
    failure.code = 1;
    failure.started = at(first);
    failure.at = at(last);
    failure.ran = std::chrono::seconds(last - first);
    return failure;
}

FailureRecord killed_worker() {
    FailureRecord failure;
    failure.service = "worker";
    failure.cause = "killed by SIGKILL for want of memory after 2 min, 3rd time";
    failure.signal = SIGKILL;
    failure.started = at(60);
    failure.at = at(180);
    failure.ran = 2min;
    failure.cpu_user = 1250ms;
    failure.cpu_system = 90ms;
    failure.max_rss = std::uint64_t{3} << 30;
    failure.out_of_memory = true;
    return failure;
}

FailureRecord mailer_without_a_program() {
    FailureRecord failure;
    failure.service = "mailer";
    failure.cause = "cannot start: exec /srv/app/bin/mailer: No such file or directory";
    failure.at = at(3590);
    return failure;
}

std::string text_of(const FailureRecord& failure, const RunLog& log = {},
                    const Look& look = plain()) {
    return render_failures({failure}, {log}, look);
}

TEST(FailureList, ShowsABlockEachNewestLast) {
    setenv("TZ", "UTC", 1);
    EXPECT_EQ(
        render_failures({killed_worker(), exit_of_web(3000, 3010), mailer_without_a_program()},
                        {{{{"allocating", "still allocating"}}, "", false},
                         {std::vector<std::string>(), "it wrote nothing", false},
                         {}},
                        plain()),
        "worker: killed by SIGKILL after 2 min\n"
        "      when  2026-11-21 00:03:00 UTC, 57 min ago\n"
        "     cause  killed by SIGKILL for want of memory after 2 min, 3rd time\n"
        "       CPU  1.2 s by itself, 90 ms in the kernel\n"
        "    memory  3.0 GiB at most; killed by the kernel for want of memory\n"
        "       log  allocating\n"
        "            still allocating\n"
        "\n"
        "web: exit 1 after 10 s\n"
        "      when  2026-11-21 00:50:10 UTC, 9 min 50 s ago\n"
        "       log  it wrote nothing\n"
        "\n"
        "mailer: never ran\n"
        "      when  2026-11-21 00:59:50 UTC, 10 s ago\n"
        "     cause  cannot start: exec /srv/app/bin/mailer: No such file or directory\n");
}

TEST(FailureList, TellsWhetherASigkillCameForWantOfMemory) {
    FailureRecord failure = killed_worker();
    failure.out_of_memory = false;
    EXPECT_THAT(text_of(failure), HasSubstr("3.0 GiB at most; not killed for want of memory\n"));
    failure.out_of_memory.reset();
    EXPECT_THAT(text_of(failure),
                HasSubstr("whether it was killed for want of memory is not known\n"));
    failure.signal = SIGSEGV;
    failure.core = true;
    EXPECT_THAT(text_of(failure), AllOf(HasSubstr("worker: killed by SIGSEGV (core dumped) after"),
                                        Not(HasSubstr("want of memory is"))));
}

TEST(FailureList, SaysWhenTheStatusIsNotKnown) {
    FailureRecord failure = exit_of_web(1, 11);
    failure.code.reset();
    EXPECT_THAT(text_of(failure), HasSubstr("web: ended, status unknown after 10 s\n"));
}

TEST(FailureList, SaysThatNobodySawTheEnd) {
    setenv("TZ", "UTC", 1);
    FailureRecord failure = exit_of_web(3000, 3010);
    failure.cause = "exit 1, while no supervisor was there";
    failure.ran.reset();
    failure.unseen = true;
    EXPECT_EQ(text_of(failure),
              "web: exit 1, while no supervisor was there\n"
              "   noticed  2026-11-21 00:50:10 UTC, 9 min 50 s ago\n");
    failure.code.reset();
    EXPECT_THAT(text_of(failure),
                HasSubstr("web: ended, status unknown, while no supervisor was there\n"));
    failure.started = failure.at;
    EXPECT_TRUE(has_run(failure));
}

TEST(FailureList, FitsTheTerminalAndIsHarmless) {
    FailureRecord failure = exit_of_web(1, 2);
    failure.cause = std::string(300, 'x') + "\x1b[2J";
    const RunLog log{{{std::string(300, 'y'), "\x1b[31mred\x1b[0m\x07"}}, "", false};
    for (const std::size_t width : {40u, 80u, 120u}) {
        const std::string text = text_of(failure, log, plain(width));
        for (std::size_t begin = 0, end = 0; begin < text.size(); begin = end + 1) {
            end = text.find('\n', begin);
            EXPECT_LE(end - begin, width) << text.substr(begin, end - begin);
        }
    }
    EXPECT_THAT(text_of(failure, log),
                AllOf(HasSubstr("x\\e[2J\n"), HasSubstr("red\\x07\n"), Not(HasSubstr("\x1b"))));
    Look colourful = plain();
    colourful.colour = true;
    EXPECT_THAT(text_of(failure, log, colourful), HasSubstr("\x1b[31mweb: exit 1"));
}

class FailuresTest : public CtlTest {
  protected:
    void serve_failures(const Failures& failures) {
        serve([failures](const protocol::Request& request) {
            return std::vector{protocol::encode_result(request.id, failures)};
        });
    }
};

TEST_F(FailuresTest, HaveTheLastTenLinesOfTheirRuns) {
    write_file(dir_ / "log/web/@20261121T000100Z.log", records(1, 25));
    write_file(dir_ / "log/web/current", records(26, 100));
    serve_failures({{exit_of_web(10, 12), exit_of_web(13, 30)}});
    const Ran ran = ctl({"failures", "web"});
    EXPECT_EQ(ran.exit, 0) << ran.err;
    EXPECT_THAT(ran.out,
                HasSubstr("       log  line 10\n            line 11\n            line 12\n\n"));
    EXPECT_THAT(ran.out,
                AllOf(HasSubstr("       log  line 21\n"), HasSubstr("            line 30\n"),
                      Not(HasSubstr("line 20\n")), Not(HasSubstr("line 31\n"))));
    EXPECT_EQ(std::get<protocol::FailuresQuery>(supervisor_->requests()[1].call),
              (protocol::FailuresQuery{{"web"}}));
}

TEST_F(FailuresTest, HaveWhatAHookWroteThatFailed) {
    write_file(dir_ / "log/web/current", records(1, 25));
    FailureRecord failure;
    failure.service = "web";
    failure.cause = "pre_start failed: check: exit 1";
    failure.started = at(10);
    failure.at = at(11);
    serve_failures({{failure}});
    EXPECT_THAT(ctl({"failures"}).out, HasSubstr("       log  line 10\n            line 11\n"));
    failure.cause = "cannot start: exec /x: No such file or directory";
    supervisor_.reset();
    serve_failures({{failure}});
    EXPECT_THAT(ctl({"failures"}).out, Not(HasSubstr("log")));
}

TEST_F(FailuresTest, AsJsonAreOneDocumentWithLines) {
    write_file(dir_ / "log/web/current", records(10, 11));
    serve_failures({{exit_of_web(10, 20), killed_worker(), mailer_without_a_program()}});
    Failures expected{{exit_of_web(10, 20), killed_worker(), mailer_without_a_program()}};
    expected.failures[0].lines = {"line 10", "line 11"};
    const Ran ran = ctl({"failures", "--json"});
    EXPECT_EQ(ran.out, protocol::to_json(expected) + "\n");
    EXPECT_THAT(ran.out, HasSubstr(R"("lines":["line 10","line 11"]},{"service":"worker")"));
    EXPECT_THAT(ran.out, HasSubstr(R"("lines":null},{"service":"mailer")"));
}

TEST_F(FailuresTest, AreTheLastTenUnlessSaidOtherwise) {
    Failures many;
    for (int i = 0; i < 25; ++i) many.failures.push_back(exit_of_web(i, 2 * i));
    serve_failures(many);
    const Ran ten = ctl({"failures", "web"});
    EXPECT_THAT(ten.out,
                testing::StartsWith("15 earlier ones are left out: reevectl failures -n all "
                                    "web\n\nweb: exit 1 after 15 s\n"));
    EXPECT_THAT(ten.out, Not(HasSubstr("after 14 s")));
    EXPECT_THAT(ctl({"failures", "w*"}).out, HasSubstr("reevectl failures -n all 'w*'\n"));
    EXPECT_THAT(ctl({"failures", "-n", "2"}).out,
                AllOf(HasSubstr("web: exit 1 after 23 s\n"), Not(HasSubstr("after 22 s"))));
    EXPECT_THAT(ctl({"failures", "-n", "all"}).out, testing::StartsWith("web: exit 1 after 0 s\n"));
    EXPECT_EQ(ctl({"failures", "-n", "0", "--json"}).out, "{\"failures\":[]}\n");
}

TEST_F(FailuresTest, NoneIsSaidAndNoFailure) {
    serve_failures({});
    const Ran ran = ctl({"failures"});
    EXPECT_EQ(ran.exit, 0);
    EXPECT_EQ(ran.out, "no service has failed since reeved started\n");
    EXPECT_EQ(ctl({"failures", "web"}).out, "web has not failed since reeved started\n");
    EXPECT_EQ(ctl({"failures", "web", "db"}).out, "none of them has failed since reeved started\n");
    EXPECT_EQ(ctl({"failures", "web*"}).out, "none of them has failed since reeved started\n");
    EXPECT_EQ(ctl({"failures", "--json"}).out, "{\"failures\":[]}\n");
}

TEST_F(FailuresTest, OfAnUnknownNameExitWith4) {
    serve([](const protocol::Request& request) {
        return std::vector{
            protocol::encode_error(request.id, protocol::no_such_service("wbe", "web"))};
    });
    EXPECT_EQ(ctl({"failures", "wbe"}).exit, 4);
}

}  // namespace
}  // namespace reeve::ctl
