#include "config/variables.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace reeve::config {
namespace {

using testing::IsEmpty;
using testing::SizeIs;

const Environment kEnvironment{{"PORT", "80"}, {"EMPTY", ""}, {"LOOP", "${PORT}"}};

std::string filled(std::string_view text) {
    const Expanded expanded = expand(text, kEnvironment, "web");
    EXPECT_THAT(expanded.misread, IsEmpty()) << text;
    return expanded.text;
}

TEST(Variables, AreFilledIn) {
    EXPECT_EQ(filled("${PORT}"), "80");
    EXPECT_EQ(filled(":${PORT}/${PORT}"), ":80/80");
    EXPECT_EQ(filled("a${EMPTY}b"), "ab");
    EXPECT_EQ(filled("${SERVICE}.log"), "web.log");
}

TEST(Variables, TellInstancesApart) {
    EXPECT_EQ(expand("/srv/${INSTANCE}/${SERVICE}", kEnvironment, "web@2").text, "/srv/2/web@2");
}

TEST(Variables, TakeDefaultsWhenUnsetOrEmpty) {
    EXPECT_EQ(filled("${NONE:-x y}"), "x y");
    EXPECT_EQ(filled("${NONE:-}"), "");
    EXPECT_EQ(filled("${EMPTY:-x}"), "x");
    EXPECT_EQ(filled("${PORT:-x}"), "80");
}

TEST(Variables, LeaveOtherDollarsAlone) {
    EXPECT_EQ(filled("$$"), "$");
    EXPECT_EQ(filled("$$PORT $${PORT} $$$$"), "$PORT ${PORT} $$");
    for (const char* text : {"$", "$PORT", "$1", "${", "${}", "${1}", "${PORT", "${PORT-x}",
                             "${a b}", "$(x)", "${PORT:-x", "a$"}) {
        EXPECT_EQ(filled(text), text);
    }
}

TEST(Variables, AreNotFilledInTwice) { EXPECT_EQ(filled("${LOOP}"), "${PORT}"); }

TEST(Variables, ReportEveryUndefinedOne) {
    const Expanded expanded = expand("${A}${B}${PORT}", kEnvironment, "web");
    ASSERT_THAT(expanded.misread, SizeIs(2));
    EXPECT_EQ(expanded.misread[0].what, "undefined variable ${A}");
    EXPECT_EQ(expanded.misread[1].what, "undefined variable ${B}");
}

TEST(Variables, RefuseWhatCannotBeFilledIn) {
    EXPECT_THAT(expand("${SERVICE}", kEnvironment, std::nullopt).misread, SizeIs(1));
    EXPECT_THAT(expand("${INSTANCE}", kEnvironment, std::nullopt).misread, SizeIs(1));
    EXPECT_EQ(expand("${INSTANCE}", kEnvironment, "web").misread.at(0).what,
              "${INSTANCE} stands in a service without instances");
    EXPECT_THAT(expand("${NONE:-${PORT}}", kEnvironment, "web").misread, SizeIs(1));
}

}  // namespace
}  // namespace reeve::config
