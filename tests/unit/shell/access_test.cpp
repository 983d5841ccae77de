#include "supervisor/shell/access.h"

#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <string_view>
#include <vector>

#include "ctl/protocol/message.h"

namespace reeve::shell {
namespace {

constexpr uid_t own = 1000;

config::Supervisor::Access access() {
    config::Supervisor::Access access;
    access.operate = {20};
    access.read = {10, 11};
    return access;
}

os::Peer peer(uid_t uid, gid_t gid, std::vector<gid_t> groups = {}) {
    return {1, uid, gid, std::move(groups)};
}

TEST(Access, RootAndTheSupervisorsOwnUserMayDoEverything) {
    EXPECT_EQ(right_of(peer(0, 5), {}, own), Right::All);
    EXPECT_EQ(right_of(peer(own, 5), access(), own), Right::All);
}

TEST(Access, OthersHaveTheRightsOfTheirGroups) {
    EXPECT_EQ(right_of(peer(7, 5), access(), own), Right::None);
    EXPECT_EQ(right_of(peer(7, 10), access(), own), Right::Read);
    EXPECT_EQ(right_of(peer(7, 5, {4, 11}), access(), own), Right::Read);
    EXPECT_EQ(right_of(peer(7, 10, {20}), access(), own), Right::Operate);
    EXPECT_EQ(right_of(peer(7, 20), {}, own), Right::None);
}

TEST(Access, ARefusalNamesTheRightThatIsMissing) {
    EXPECT_FALSE(refusal(peer(7, 5), Right::Operate, Right::Read));
    EXPECT_NE(refusal(peer(7, 5), Right::None, Right::Read)->find("`read`"), std::string::npos);
    EXPECT_NE(refusal(peer(7, 5), Right::Read, Right::Operate)->find("`operate`"),
              std::string::npos);
    EXPECT_TRUE(refusal(peer(7, 5), Right::Operate, Right::All));
}

/// The words in backquotes in a text.
std::vector<std::string> quoted_words(std::string_view text) {
    std::vector<std::string> words;
    while (true) {
        const std::size_t begin = text.find('`');
        const std::size_t end = text.find('`', begin + 1);
        if (begin == text.npos || end == text.npos) return words;
        words.emplace_back(text.substr(begin + 1, end - begin - 1));
        text.remove_prefix(end + 1);
    }
}

/// Each method's right, as the table in docs/protocol.md has it: a row begins with a link to the
/// methods and ends with what they take.
std::map<std::string, std::string> documented_rights() {
    std::ifstream file(REEVE_SOURCE_DIR "/docs/protocol.md");
    std::map<std::string, std::string> rights;
    for (std::string line; std::getline(file, line);) {
        if (!line.starts_with("| [`") || !line.ends_with(" |")) continue;
        const std::size_t last = line.rfind("| ", line.size() - 3) + 2;
        const std::string right = line.substr(last, line.size() - last - 2);
        if (right != "`read`" && right != "`operate`" && right != "all") continue;
        for (const std::string& method : quoted_words(line.substr(0, line.find(']')))) {
            rights[method] = right;
        }
    }
    return rights;
}

TEST(Access, EveryMethodTakesTheRightThatTheDocumentNames) {
    const std::map<std::string, std::string> params = {
        {"hello", R"({"client":"x","protocol":1})"},
        {"why", R"({"name":"x"})"},
        {"rehearse", R"({"verb":"stop","names":["x"]})"},
    };
    const auto rights = documented_rights();
    EXPECT_EQ(rights.size(), 24u);
    for (const auto& [method, right] : rights) {
        const bool bare = method == "version" || method == "status" || method == "failures" ||
                          method == "runs" || method == "events" || method == "subscribe" ||
                          method == "definition" || method == "diff" || method == "apply" ||
                          method == "reopen" || method == "shutdown" || method == "upgrade";
        const auto special = params.find(method);
        std::string line = R"({"jsonrpc":"2.0","id":1,"method":")";
        line += method;
        line += R"(","params":)";
        line += special != params.end() ? special->second : bare ? "{}" : R"({"names":["x"]})";
        line += "}";
        const auto request = protocol::parse_request(line);
        ASSERT_TRUE(request) << method << ": " << request.error().failure.message;
        const Right needed = needed_for(request->call);
        const Right expected = right == "`read`"      ? Right::Read
                               : right == "`operate`" ? Right::Operate
                                                      : Right::All;
        EXPECT_EQ(needed, expected) << method;
    }
}

}  // namespace
}  // namespace reeve::shell
