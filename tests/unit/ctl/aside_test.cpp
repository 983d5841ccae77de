#include "ctl/aside.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include "base/fd.h"

namespace reeve::ctl {
namespace {

Texts never() {
    while (true) pause();
}

TEST(AsideTest, GivesWhatEachJobFoundInOrder) {
    const std::string much(1 << 20, 'x');
    const ReadAside aside = read_aside({[&] {
                                            return Texts{"a", "", much};
                                        },
                                        [] { return Texts{}; }, [] { return Texts{"b"}; }});
    EXPECT_EQ(aside.given, (std::vector<Texts>{{"a", "", much}, {}, {"b"}}));
    EXPECT_EQ(aside.why, "");
}

TEST(AsideTest, LeavesAJobBehindThatDoesNotComeBackAndKeepsWhatCameBefore) {
    const ReadAside aside = read_aside({[] { return Texts{"a"}; }, never, [] { return Texts{}; }});
    EXPECT_EQ(aside.given, std::vector<Texts>{{"a"}});
    EXPECT_EQ(aside.why, "the disk does not answer");
}

TEST(AsideTest, JobsHoldNothingOpenThatOthersWaitForTheEndOf) {
    int ends[2];
    ASSERT_EQ(pipe(ends), 0);
    const Fd reading(ends[0]);
    const Fd writing(ends[1]);
    const ReadAside aside =
        read_aside({[&] { return Texts{write(writing.get(), "x", 1) < 0 ? "closed" : "open"}; }});
    EXPECT_EQ(aside.given, std::vector<Texts>{{"closed"}});
}

TEST(AsideTest, AJobThatEndsItsProcessIsSaid) {
    const ReadAside aside = read_aside({[]() -> Texts { _exit(1); }});
    EXPECT_TRUE(aside.given.empty());
    EXPECT_EQ(aside.why, "the process that read it has ended");
}

}  // namespace
}  // namespace reeve::ctl
