#include <gmock/gmock.h>

#include "ctl/chain.h"
#include "tests/unit/ctl/explanation_samples.h"

namespace reeve::ctl {
namespace {

using protocol::Explanation;
using protocol::Link;
using protocol::State;
using testing::AllOf;
using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

TEST(Why, WaitingForOneThatIsStoppedSaysWhatToStart) {
    Link web = link("web", State::Waiting, "waits for db (stopped)");
    web.because = {below(link("db", State::Stopped, "stopped by request"), "requires")};
    EXPECT_EQ(text_of({web, true, true, {}, {}}),
              "web is waiting for db, which is stopped.\n"
              "\n"
              "web: waiting for 3 s\n"
              "`- requires db: stopped 3 s ago\n"
              "     stopped by request\n"
              "\n"
              "web starts by itself once db is ready.\n"
              "to start it:  reevectl start db\n");
}

TEST(Why, WaitingForWhatConflictsSaysWhoMustBeStopped) {
    Link web = link("web", State::Waiting, "waits for sorry (running)");
    web.because = {below(link("sorry", State::Running, "started by request"), "conflicts with")};
    EXPECT_THAT(text_of({web, true, true, {}, {}}),
                EndsWith("\nweb starts once sorry is stopped.\n"
                         "to make way:  reevectl stop sorry\n"));
    web.because[0].state = State::Stopping;
    EXPECT_THAT(text_of({web, true, true, {}, {}}),
                HasSubstr("\nweb starts by itself once sorry is gone.\n"));
    web.because[0].relation = "takes the place of";
    EXPECT_THAT(text_of({web, true, true, {}, {}}),
                HasSubstr("\nweb starts by itself once sorry is gone.\n"));
    web.because[0] = below(link("sorry", State::Running), "conflicts with");
    web.because.push_back(below(link("db", State::Failed, "exit 1"), "requires"));
    EXPECT_THAT(text_of({web, true, true, {}, {}}),
                HasSubstr("\nweb starts once db is ready and sorry is stopped.\n"
                          "to make way:          reevectl stop sorry\n"
                          "once mended:          reevectl start db\n"));
}

TEST(Why, WaitingForSeveralHelpsTheWorstOffFirst) {
    Link web = link("web", State::Waiting, "waits for cache");
    web.because = {below(link("cache", State::Starting, "started for web"), "comes after"),
                   below(link("db", State::Failed, "exit 1 after 1 s"), "requires"),
                   below(link("mq", State::Failed, "exit 2 after 1 s"), "requires")};
    EXPECT_EQ(text_of({web, true, true, {}, {}}, {{"db", {{{"no space"}}, "", false}}}),
              "web is waiting for cache, db and mq.\n"
              "\n"
              "web: waiting for 3 s\n"
              "|- comes after cache: starting for 3 s\n"
              "|    started for web\n"
              "|- requires db: failed 3 s ago\n"
              "|    exit 1 after 1 s\n"
              "|    its last lines:\n"
              "|      no space\n"
              "`- requires mq: failed 3 s ago\n"
              "     exit 2 after 1 s\n"
              "\n"
              "web starts by itself once they are ready.\n"
              "once mended:          reevectl start db mq\n"
              "all that it wrote:    reevectl logs db mq\n"
              "to leave it stopped:  reevectl reset-failed db mq\n");
}

TEST(Why, WaitingForOneThatStandsElsewhereInTheTreeIsNoEnd) {
    // What two wait for is drawn once.
    Link shop = link("shop", State::Waiting, "waits for db");
    Link db = link("db", State::Backoff, "exit 1; next start in 1 s");
    db.next_start = 900ms;
    shop.because = {below(db, "requires"),
                    below(link("web", State::Waiting, "waits for db (backoff)"), "requires")};
    const Explanation explanation{shop, true, true, {}, {}};
    EXPECT_THAT(ends_of(explanation), ElementsAre(testing::Field(&Link::service, "db")));
    EXPECT_THAT(
        text_of(explanation),
        AllOf(HasSubstr("|- requires db: in backoff for 3 s\n|    exit 1\n|    next start in "
                        "900 ms\n`- requires web: waiting for 3 s\n     waits for db (backoff)\n"),
              HasSubstr("shop starts by itself once db is ready.\n"),
              HasSubstr("to try it now:      reevectl start db\n")));
}

TEST(Why, WaitingForNobodyKnownSaysWhatThereIs) {
    EXPECT_EQ(text_of({link("web", State::Waiting, "waits for its turn"), true, true, {}, {}}),
              "web waits for another service, and starts by itself after it.\n"
              "\n"
              "web: waiting for 3 s\n"
              "  waits for its turn\n"
              "\n"
              "all about it:  reevectl status web\n");
}

TEST(Why, CountsThoseWhomItDoesNotName) {
    std::vector<std::string> many;
    for (int i = 0; i < 300; ++i) many.push_back("s" + std::to_string(i));
    const Explanation explanation{
        link("db", State::Failed, "exit 1"), false, true, many, {"a", "b"}};
    EXPECT_THAT(text_of(explanation, {}, plain(60)),
                HasSubstr("\nwaiting for it: s0, s1, s2, s3, s4, s5, s6, s7, s8, s9 and\n"
                          "                290 more\n"
                          "required by:    a and b\n"));
    Link web = link("web", State::Waiting);
    for (const std::string& name : many) {
        web.because.push_back(below(link(name, State::Failed, "exit 1"), "requires"));
    }
    const std::string text = text_of({web, true, true, {}, {}});
    EXPECT_THAT(text,
                AllOf(StartsWith("web is waiting for s0, s1, s2, s3 and 296 more.\n"),
                      HasSubstr("|- requires s7: failed 3 s ago\n|    exit 1\n`- and 292 more\n"),
                      HasSubstr("reevectl start s0 s1 s2 s3\n"), Not(HasSubstr("s8"))));
}

TEST(Why, ShortensALongChainButShowsItsEnd) {
    EXPECT_THAT(
        text_of(chain_of(4)),
        StartsWith("s0 is waiting for s1, which is waiting for s2, which is waiting for s3, "
                   "and in the end for db, which has failed.\n"));
    const std::string text = text_of(chain_of(50));
    EXPECT_THAT(text,
                AllOf(HasSubstr("requires s8: waiting for 3 s\n"), Not(HasSubstr("s9")),
                      HasSubstr("| 41 more in between\n"), HasSubstr("`- requires db: failed"),
                      HasSubstr("     exit 1\n"), HasSubstr("reevectl start db\n")));
    EXPECT_THAT(text_of(chain_of(10)), HasSubstr("| 1 more in between\n"));
    EXPECT_THAT(text_of(chain_of(9)), Not(HasSubstr("in between")));
}

TEST(Why, OfBranchesWithoutEndIsCutOff) {
    Link at = link("end", State::Failed, "exit 1");
    for (int i = 60; i-- > 0;) {
        Link above = link("s" + std::to_string(i), State::Waiting);
        above.because = {below(at, "requires"), below(link("other", State::Failed), "requires")};
        at = above;
    }
    const std::string text = text_of({at, true, true, {}, {}});
    EXPECT_THAT(text,
                AllOf(HasSubstr("requires s40"), HasSubstr("and so on\n"), Not(HasSubstr("s41"))));
}

}  // namespace
}  // namespace reeve::ctl
