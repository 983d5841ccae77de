#include <fcntl.h>
#include <poll.h>

#include <cstdio>

#include "tests/unit/log/collector_fixture.h"
#include "tests/unit/log/hanging_fs.h"

namespace reeve::log {
namespace {

using Records = std::vector<std::string>;

struct HangingDisk : CollectorTest {
    void on_it(const std::function<void(const HangingFs&)>& body) {
        on_hanging_fs(behind, logs, [&](const HangingFs& fs) {
            start();
            body(fs);
        });
    }

    /// Writes to `web` and leaves the writing thread in a call that does not come back.
    void catch_it(const HangingFs& fs, const Collector::Ends& web) {
        put(web.out.get(), "before\n");
        drain("web");
        fs.hang();
        put(web.out.get(), "caught\n");
        while (!collector->trouble("web")) {
            pollfd nothing{-1, 0, 0};
            ::poll(&nothing, 1, 1);
        }
    }

    static config::Log blocking() {
        config::Log log;
        log.on_full = config::Log::OnFull::Block;
        return log;
    }

    Records behind_records(const std::string& service) const {
        return records_of(read_file(behind + "/" + service + "/current"));
    }

    const std::string behind = dir / "behind";
};

TEST_F(HangingDisk, CostsLinesThatAreCountedAndNobodyWaits) {
    on_it([&](const HangingFs& fs) {
        const auto web = open("web"), other = open("other");
        config::Log console;
        console.to_file = false;
        console.to_console = true;
        const auto shown = open("shown", console);
        catch_it(fs, web);

        for (int i = 0; i < 3; ++i) {
            put(other.out.get(), "lost\nlost too\n");
            drain("other");
        }
        put(shown.out.get(), "still here\n");
        drain("shown");
        char text[64] = {};
        EXPECT_GT(::read(console_out.get(), text, sizeof text - 1), 0);
        EXPECT_STREQ(text, "shown | still here\n");
        EXPECT_EQ(collector->trouble("other")->problem, "the disk does not answer");
        EXPECT_EQ(collector->trouble("other")->lost, 6u);
        EXPECT_FALSE(collector->trouble("shown"));

        // More than its pipe could hold, and it does not wait.
        const std::string many(1 << 21, '\n');
        put(web.out.get(), many + "unfini");

        fs.go_on();
        put(web.out.get(), "shed\n");
        drain("web");
        put(web.out.get(), "after\n");
        drain("web");
        put(other.out.get(), "on\n");
        drain("other");
        const Records web_records = behind_records("web");
        ASSERT_GE(web_records.size(), 4u);
        EXPECT_EQ(web_records[0], "stdout F before");
        EXPECT_EQ(web_records[1], "stdout F caught");
        EXPECT_EQ(web_records.back(), "stdout F after");
        std::size_t told = 0, kept = 0;
        for (const std::string& record : web_records) {
            std::size_t n = 0;
            if (std::sscanf(record.c_str(), "stderr F reeve: %zu lines lost", &n) == 1) told += n;
            if (record == "stdout F " || record.ends_with("shed")) ++kept;
        }
        EXPECT_EQ(told + kept, many.size() + 1);
        EXPECT_EQ(collector->trouble("web")->problem, "");
        EXPECT_EQ(collector->trouble("web")->lost, told);
        EXPECT_EQ(
            behind_records("other"),
            (Records{"stderr F reeve: 6 lines lost: the disk does not answer", "stdout F on"}));
        collector.reset();
    });
}

TEST_F(HangingDisk, CostsNoLineOfAServiceThatWaits) {
    on_it([&](const HangingFs& fs) {
        const auto web = open("web", blocking()), other = open("other", blocking());
        catch_it(fs, web);
        EXPECT_TRUE(collector->trouble("web")->waiting);
        put(other.out.get(), "one\ntwo\n");
        put(web.out.get(), "three\n");
        drain("other");
        drain("web");
        fs.go_on();
        put(other.out.get(), "four\n");
        put(web.out.get(), "five\n");
        drain("other");
        drain("web");
        EXPECT_EQ(behind_records("other"),
                  (Records{"stdout F one", "stdout F two", "stdout F four"}));
        EXPECT_EQ(behind_records("web"), (Records{"stdout F before", "stdout F caught",
                                                  "stdout F three", "stdout F five"}));
        collector.reset();
    });
}

TEST_F(HangingDisk, LetsAServiceBeRemovedAndMadeAnew) {
    on_it([&](const HangingFs& fs) {
        auto web = open("web", blocking());
        catch_it(fs, web);
        collector->remove("web");
        web = open("web", blocking());
        put(web.out.get(), "of the new one\n");
        drain("web");
        fs.go_on();
        drain("web");
        drain("web");
        EXPECT_EQ(behind_records("web"),
                  (Records{"stdout F before", "stdout F caught", "stdout F of the new one"}));
        collector.reset();
    });
}

TEST_F(HangingDisk, IsLeftToItselfAtTheEnd) {
    on_it([&](const HangingFs& fs) {
        const auto web = open("web");
        catch_it(fs, web);
        collector.reset();
        // Whoever was caught comes back to nothing.
        fs.die();
    });
}

TEST_F(HangingDisk, MayHangBeforeTheFirstLine) {
    on_hanging_fs(behind, logs, [&](const HangingFs& fs) {
        fs.hang();
        start();
        const auto web = open("web");
        put(web.out.get(), "caught\n");
        drain("web");
        EXPECT_TRUE(collector->trouble("web"));
        fs.go_on();
        drain("web");
        put(web.out.get(), "after\n");
        drain("web");
        collector.reset();
        EXPECT_EQ(behind_records("web"), (Records{"stdout F caught", "stdout F after"}));
    });
}

TEST_F(HangingDisk, MayBeThatOfTheConsole) {
    on_hanging_fs(behind, logs, [&](const HangingFs& fs) {
        console_in.reset(::open((logs + "/console").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
        start();
        config::Log console;
        console.to_file = false;
        console.to_console = true;
        const auto web = open("web", console), other = open("other", console);
        fs.hang();
        put(web.out.get(), "caught\n");
        drain("web");
        put(other.out.get(), "lost\n");
        drain("other");
        fs.go_on();
        drain("web");
        put(other.out.get(), "on\n");
        drain("other");
        collector.reset();
        EXPECT_EQ(
            read_file(behind + "/console"),
            "web | caught\nother | reeve: 1 line lost: the disk does not answer\nother | on\n");
    });
}

/// Bytes that were being written when both ends of the story were cut off.
TEST_F(HangingDisk, DoublesNothingWhenTheSupervisorIsKilledMeanwhile) {
    on_hanging_fs(behind, logs, [&](const HangingFs& fs) {
        Collector::Ends web;
        const pid_t first = ::fork();
        if (first == 0) {
            start();
            web = open("web", blocking());
            catch_it(fs, web);
            ::pause();
        }
        std::string held;
        while (held.find("caught") == std::string::npos) held = read_file(runtime + "/spool");
        ::kill(first, SIGKILL);
        fs.go_on();
        ::waitpid(first, nullptr, 0);
        start();
        web = open("web", blocking());
        put(web.out.get(), "of the next\n");
        drain("web");
        EXPECT_EQ(behind_records("web"),
                  (Records{"stdout F before", "stdout F caught", "stdout F of the next"}));
        collector.reset();
    });
}

}  // namespace
}  // namespace reeve::log
