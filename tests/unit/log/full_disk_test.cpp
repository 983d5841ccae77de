#include <fcntl.h>
#include <poll.h>

#include <cstdio>

#include "tests/unit/log/collector_fixture.h"

namespace reeve::log {
namespace {

using Records = std::vector<std::string>;

config::Log log_with(config::Log::OnFull on_full) {
    config::Log log;
    log.on_full = on_full;
    return log;
}

const config::Log kBlock = log_with(config::Log::OnFull::Block);
const config::Log kDrop = log_with(config::Log::OnFull::Drop);

struct FullDisk : CollectorTest {
    void on_it(const std::function<void()>& body) {
        std::filesystem::create_directory(logs);
        on_small_tmpfs(logs, "128k", [&] {
            write_file(logs + "/filler", std::string(1 << 20, 'x'));
            start();
            body();
            collector.reset();
        });
    }
    void make_room() { std::filesystem::remove(logs + "/filler"); }

    void await(const std::function<bool()>& condition) {
        while (!condition()) {
            pollfd nothing{-1, 0, 0};
            ::poll(&nothing, 1, 1);
        }
    }
    void await_trouble(const std::string& service, const std::string& problem) {
        await([&] {
            const auto trouble = collector->trouble(service);
            return trouble && trouble->problem == problem;
        });
    }
    const std::string no_space = "No space left on device";
};

TEST_F(FullDisk, CostsLinesThatAreCountedAndNothingElse) {
    std::filesystem::create_directory(logs);
    on_small_tmpfs(logs, "64k", [&] {
        write_file(logs + "/filler", std::string(1 << 20, 'x'));
        start();
        const auto ends = open("web");
        std::string text;
        for (int i = 0; i < 2000; ++i) text += "line " + std::to_string(i) + "\n";
        for (int i = 0; i < 2; ++i) {
            put(ends.out.get(), text);
            drain("web");
        }
        EXPECT_EQ(problem_count(), 1u);
        EXPECT_EQ(current("web"), "");
        std::filesystem::remove(logs + "/filler");
        put(ends.out.get(), "room again\n");
        drain("web");
        put(ends.out.get(), "and on\n");
        drain("web");
        EXPECT_EQ(records("web"),
                  (Records{"stderr F reeve: 4000 lines lost: No space left on device",
                           "stdout F room again", "stdout F and on"}));
        collector.reset();
    });
}

TEST_F(FullDisk, ThatFillsBitByBitKeepsWholeLinesAndCountsAllOthers) {
    std::filesystem::create_directory(logs);
    on_small_tmpfs(logs, "220k", [&] {
        write_file(logs + "/filler", std::string(20 << 10, 'x'));
        start();
        const auto ends = open("web");
        const std::string line(9999, 'x');
        for (int i = 0; i < 40; ++i) {
            put(ends.out.get(), line + "\n");
            drain("web");
        }
        std::filesystem::remove(logs + "/filler");
        put(ends.out.get(), "the end\n");
        drain("web");
        EXPECT_EQ(problem_count(), 2u);  // its beginning and its end
        Records wanted(20, "stdout F " + line);
        wanted.push_back("stderr F reeve: 20 lines lost: No space left on device");
        wanted.push_back("stdout F the end");
        EXPECT_EQ(records("web"), wanted);
        collector.reset();
    });
}

TEST_F(FullDisk, IsWaitedForWhenNoLineMayBeLost) {
    on_it([&] {
        const auto web = open("web", kBlock);
        put(web.out.get(), "one\ntwo\nthree");
        await_trouble("web", no_space);
        EXPECT_TRUE(collector->trouble("web")->waiting);
        put(web.err.get(), "four\n");
        make_room();
        drain("web");
        Records found = records("web");
        std::sort(found.begin(), found.end());
        EXPECT_EQ(found,
                  (Records{"stderr F four", "stdout F one", "stdout F three", "stdout F two"}));
        EXPECT_EQ(collector->trouble("web")->problem, "");
        EXPECT_EQ(collector->trouble("web")->lost, 0u);
        EXPECT_EQ(problem_count(), 2u);
    });
}

TEST_F(FullDisk, StopsTheReadingOfAServiceThatWaits) {
    on_it([&] {
        const auto web = open("web", kBlock);
        const std::string text(1 << 12, 'x');
        ::fcntl(web.out.get(), F_SETFL, O_NONBLOCK);
        put(web.out.get(), text + "\n");
        await_trouble("web", no_space);
        // What a slot and the pipe hold, and no more however long it is tried.
        for (int full = 0; full < 3;) {
            if (::write(web.out.get(), text.data(), text.size()) > 0) continue;
            ++full;
            drain("web");
        }
        EXPECT_EQ(collector->trouble("web")->lost, 0u);
    });
}

TEST_F(FullDisk, DoesNotKeepADrainForEver) {
    on_it([&] {
        const auto web = open("web", kBlock);
        put(web.out.get(), "kept\n");
        drain("web");
        EXPECT_EQ(current("web"), "");
        make_room();
        drain("web");
        EXPECT_EQ(records("web"), Records{"stdout F kept"});
    });
}

TEST_F(FullDisk, EndsNoLineOfTheNextInstanceAlongWithThoseOfTheLastOne) {
    on_it([&] {
        const auto web = open("web", kBlock);
        put(web.out.get(), "one\nunfinished");
        await_trouble("web", no_space);
        drain("web");  // gives up, as does whoever tells the end of an instance
        put(web.out.get(), "two");
        make_room();
        await([&] { return !current("web").empty(); });
        put(web.out.get(), " halves\n");
        drain("web");
        EXPECT_EQ(records("web"),
                  (Records{"stdout F one", "stdout F unfinished", "stdout F two halves"}));
    });
}

TEST_F(FullDisk, LosesWhatWaitedOnceItMay) {
    on_it([&] {
        const auto web = open("web", kBlock);
        put(web.out.get(), "one\ntwo\n");
        await_trouble("web", no_space);
        collector->configure("web", kDrop);
        drain("web");
        EXPECT_EQ(collector->trouble("web")->lost, 2u);
        EXPECT_FALSE(collector->trouble("web")->waiting);
        collector->configure("web", kBlock);
        put(web.out.get(), "three\n");
        make_room();
        drain("web");
        EXPECT_EQ(records("web"),
                  (Records{"stderr F reeve: 2 lines lost: " + no_space, "stdout F three"}));
    });
}

TEST_F(FullDisk, ShowsALineThatWaitsOnTheConsoleOnce) {
    on_it([&] {
        config::Log both = kBlock;
        both.to_console = true;
        const auto web = open("web", both);
        put(web.out.get(), "once\n");
        await_trouble("web", no_space);
        drain("web");  // in vain, and by now it was tried again
        make_room();
        drain("web");
        put(web.out.get(), "more\n");
        drain("web");
        char text[128] = {};
        EXPECT_GT(::read(console_out.get(), text, sizeof text - 1), 0);
        EXPECT_STREQ(text, "web | once\nweb | more\n");
        EXPECT_EQ(records("web"), (Records{"stdout F once", "stdout F more"}));
    });
}

TEST_F(FullDisk, LeavesSlotsToOthersWhenManyWait) {
    on_it([&] {
        std::vector<Collector::Ends> many;
        for (int i = 0; i < 300; ++i) {
            many.push_back(open("many-" + std::to_string(i), kBlock));
            put(many.back().out.get(), "patient\n");
        }
        config::Log console;
        console.to_file = false;
        console.to_console = true;
        const auto shown = open("shown", console);
        put(shown.out.get(), "not held up\n");
        drain("shown");
        char text[64] = {};
        EXPECT_GT(::read(console_out.get(), text, sizeof text - 1), 0);
        EXPECT_STREQ(text, "shown | not held up\n");
        make_room();
        // Three hundred files of a page each are too many for this disk.
        for (int i = 0; i < 300; ++i) collector->configure("many-" + std::to_string(i), kDrop);
        for (int i = 0; i < 300; ++i) drain("many-" + std::to_string(i));
        std::size_t kept = 0, lost = 0;
        for (int i = 0; i < 300; ++i) {
            const std::string name = "many-" + std::to_string(i);
            if (std::filesystem::exists(logs + "/" + name + "/current")) {
                kept += records(name) == Records{"stdout F patient"} ? 1 : 0;
            }
            if (const auto trouble = collector->trouble(name)) lost += trouble->lost;
        }
        EXPECT_EQ(kept + lost, 300u);
        EXPECT_GT(kept, 0u);
    });
}

TEST_F(FullDisk, TellsWhatIsMissingAlsoWhenNothingMoreIsWritten) {
    on_it([&] {
        const auto web = open("web", kDrop);
        put(web.out.get(), "one\ntwo\n");
        drain("web");
        make_room();
        await([&] { return !current("web").empty(); });
        EXPECT_EQ(records("web"), Records{"stderr F reeve: 2 lines lost: " + no_space});
        EXPECT_EQ(collector->trouble("web")->problem, "");
    });
}

TEST_F(FullDisk, TellsAtTheEndWhatIsMissing) {
    on_it([&] {
        const auto web = open("web", kDrop);
        put(web.out.get(), "one\n");
        drain("web");
        make_room();
        collector.reset();
        EXPECT_EQ(records("web"), Records{"stderr F reeve: 1 line lost: " + no_space});
    });
}

TEST_F(FullDisk, TakesNoRestOfALineForALine) {
    on_it([&] {
        config::Log log = kDrop;
        log.max_line = 64;
        make_room();
        const auto web = open("web", log);
        put(web.out.get(), std::string(100, 'a'));
        await([&] { return !current("web").empty(); });
        write_file(logs + "/filler", std::string(1 << 20, 'x'));
        // The page that the file has is filled up first.
        put(web.out.get(), std::string(8000, 'a') + "\n" + std::string(100, 'b'));
        await_trouble("web", no_space);
        make_room();
        put(web.out.get(), "\nwhole\n");
        drain("web");
        const Records lines = joined(current("web"), "stdout");
        ASSERT_GE(lines.size(), 2u);
        EXPECT_EQ(lines.back(), "whole");
        EXPECT_EQ(lines[0].find_first_not_of('a'), std::string::npos);
        EXPECT_EQ(lines.size() - 1 + collector->trouble("web")->lost - 1, 2u)
            << "the line of which a part is there is lost, the other is lost or there";
    });
}

TEST_F(CollectorTest, ADirectoryThatWasDeletedIsMadeAgain) {
    start();
    const auto web = open("web", kBlock);
    put(web.out.get(), "one\n");
    drain("web");
    std::filesystem::remove_all(logs + "/web");
    collector->reopen();
    put(web.out.get(), "two\n");
    drain("web");
    EXPECT_EQ(records("web"), Records{"stdout F two"});
}

TEST_F(CollectorTest, DropsWhatIsMoreThanTheRateAndSaysSo) {
    start();
    config::Log log;
    log.to_console = true;
    log.rate = config::LogRate{.lines = 2, .per = 1h};
    const auto web = open("web", log);
    put(web.out.get(), "one\ntwo\nthree\n");
    drain("web");
    put(web.err.get(), "four\n");
    log.rate = config::LogRate{.lines = 3, .per = 1h};
    drain("web");
    collector->configure("web", log);
    put(web.out.get(), "five\nsix\n");
    drain("web");
    EXPECT_EQ(records("web"),
              (Records{"stdout F one", "stdout F two",
                       "stderr F reeve: 1 line dropped: more than 2 in 1 h",
                       "stderr F reeve: 1 line dropped: more than 2 in 1 h", "stdout F five",
                       "stderr F reeve: 1 line dropped: more than 3 in 1 h"}));
    EXPECT_EQ(collector->trouble("web")->over_rate, 3u);
    EXPECT_EQ(collector->trouble("web")->lost, 0u);
}

TEST_F(CollectorTest, TheRateCountsLongLinesOnce) {
    start();
    config::Log log;
    log.max_line = 64;
    log.rate = config::LogRate{.lines = 2, .per = 1h};
    const auto web = open("web", log);
    const std::string a(200, 'a'), b(200, 'b'), c(200, 'c');
    put(web.out.get(), a + "\n" + b + "\n" + c);
    put(web.out.get(), c + "\n" + c + "\n");
    drain("web");
    EXPECT_EQ(joined(current("web"), "stdout"), (Records{a, b}));
    EXPECT_EQ(collector->trouble("web")->over_rate, 2u);
}

}  // namespace
}  // namespace reeve::log
