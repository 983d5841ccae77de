#include "config/reference.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <set>
#include <sstream>

#include "config/check_report.h"
#include "config/kinds.h"
#include "config/schema.h"
#include "config/service_keys.h"
#include "tests/unit/config/support.h"

namespace reeve::config {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

std::string committed(const std::string& name) {
    std::ifstream file(std::string(REEVE_SOURCE_DIR "/docs/").append(name), std::ios::binary);
    std::stringstream text;
    text << file.rdbuf();
    return text.str();
}

TEST(Reference, IsWhatTheTableGenerates) {
    EXPECT_TRUE(committed("configuration.md") == reference_page())
        << "run: cmake --build BUILD --target reeve-docs && BUILD/config/reeve-docs docs";
}

TEST(Schema, IsWhatTheTableGenerates) {
    EXPECT_TRUE(committed("reeve.schema.json") == json_schema())
        << "run: cmake --build BUILD --target reeve-docs && BUILD/config/reeve-docs docs";
}

TEST(Reference, HasExamplesThatLoad) {
    for (const auto& table : {service_table(), supervisor_table()}) {
        for (const Section& section : table) {
            const LoadResult result = load_yaml(section.example);
            EXPECT_NE(result.plan, nullptr) << section.title << "\n"
                                            << check_report(result).problems;
        }
    }
}

TEST(Table, DocumentsComparesAndWritesEveryKeyThatIsBuilt) {
    const auto check = [](KeyList keys, const auto& self) -> void {
        for (const Key& key : keys) {
            if (key.field.read == nullptr) continue;
            EXPECT_FALSE(key.meaning.empty()) << key.name;
            EXPECT_NE(key.field.same, nullptr) << key.name;
            EXPECT_NE(key.field.write, nullptr) << key.name;
            EXPECT_EQ(key.field.kind == Kind::Map, !key.field.keys.empty()) << key.name;
            self(key.field.keys, self);
        }
    };
    for (const auto& table : {service_table(), supervisor_table()}) {
        for (const Section& section : table) check(section.keys, check);
    }
}

/// A value of a key's default, as a file would have it, must be what leaving it out means.
TEST(Table, HasDefaultsThatAreTrue) {
    const Service bare = service_in(web(""));
    int checked = 0;
    const auto check = [&](const std::string& key, const std::string& value) {
        const Service s = service_in(web(key + ": " + value));
        EXPECT_TRUE(s.execution == bare.execution && s.policy == bare.policy &&
                    s.relations == bare.relations)
            << key << ": " << value;
        ++checked;
    };
    const auto is_value = [](std::string_view text) {
        return !text.empty() && text.find(' ') == text.npos && text.find('\'') == text.npos;
    };
    for (const Section& section : service_table()) {
        for (const Key& key : section.keys) {
            const std::string name(key.name);
            if (is_value(key.fallback)) check(name, std::string(key.fallback));
            // To give a part of these asks for them, or is not enough.
            static const std::set<std::string> kWhole{"ready",       "reload",      "health",
                                                      "directories", "io_priority", "scheduling"};
            if (kWhole.contains(name)) continue;
            for (const Key& part : key.field.keys) {
                if (!is_value(part.fallback)) continue;
                std::string map = "{";
                map.append(part.name).append(": ").append(part.fallback).append("}");
                check(name, map);
            }
        }
    }
    EXPECT_GT(checked, 25);
}

TEST(CheckReport, CountsWhatItPrints) {
    const CheckReport good = check_report(load_yaml(web("groups: [a, a]")));
    EXPECT_TRUE(good.valid);
    EXPECT_THAT(good.problems, HasSubstr(": warning: "));
    EXPECT_EQ(good.summary, "valid: 1 service in 0 files, 1 warning\n");
    const CheckReport bad = check_report(load_yaml(web("nice: 99\n    umask: 9")));
    EXPECT_FALSE(bad.valid);
    EXPECT_EQ(std::count(bad.problems.begin(), bad.problems.end(), '\n'), 2);
    EXPECT_EQ(bad.summary, "not valid: 2 errors\n");
    EXPECT_THAT(check_report(load_yaml(web("nice: 9"))).problems, IsEmpty());
}

}  // namespace
}  // namespace reeve::config
