#include "supervisor/shell/enablement.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace reeve::shell {
namespace {

class EnablementTest : public testing::Test {
  protected:
    EnablementTest() {
        const char* base = std::getenv("TMPDIR");
        dir_ = std::string(base != nullptr ? base : "/tmp") + "/reeve-enable-XXXXXX";
        if (mkdtemp(dir_.data()) == nullptr) std::abort();
    }
    ~EnablementTest() override { std::filesystem::remove_all(dir_); }

    Enablement open() {
        problems_.clear();
        return Enablement(dir_, problems_);
    }

    std::string dir_;
    std::vector<std::string> problems_;
};

using Decisions = std::map<std::string, bool>;

TEST_F(EnablementTest, IsRememberedByTheNextOne) {
    Enablement first = open();
    EXPECT_TRUE(first.decide({"web", "db"}, true));
    EXPECT_TRUE(first.decide({"db"}, false));
    EXPECT_EQ(first.decisions(), (Decisions{{"web", true}, {"db", false}}));
    EXPECT_EQ(open().decisions(), first.decisions());
    EXPECT_TRUE(problems_.empty());
}

TEST_F(EnablementTest, IsForAllOfThemOrForNone) {
    Enablement enablement = open();
    EXPECT_TRUE(enablement.decide({"a"}, false));
    // Where the file of the last one should be, there is a folder that is not empty.
    std::filesystem::create_directories(dir_ + "/boot/c/x");
    const auto decided = enablement.decide({"a", "b", "c"}, true);
    ASSERT_FALSE(decided);
    EXPECT_NE(decided.error().text().find("cannot remember that c is enabled"), std::string::npos);
    EXPECT_EQ(enablement.decisions(), (Decisions{{"a", false}}));
    std::filesystem::remove_all(dir_ + "/boot/c");
    EXPECT_EQ(open().decisions(), enablement.decisions());
}

TEST_F(EnablementTest, NeedsAFolder) {
    Enablement nowhere("", problems_);
    EXPECT_FALSE(nowhere.decide({"a"}, true));
    EXPECT_TRUE(nowhere.decisions().empty());
}

}  // namespace
}  // namespace reeve::shell
