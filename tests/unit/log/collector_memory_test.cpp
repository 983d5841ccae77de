// How much memory the lines of many services may take between their pipes and their files.
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#include <algorithm>
#include <chrono>
#include <cstring>

#include "supervisor/log/spool_region.h"
#include "tests/unit/log/collector_fixture.h"

namespace reeve::log {
namespace {

constexpr std::size_t kHeadersOffset = 4096;
constexpr std::size_t kHeaderBytes = 128u << 10;  // of the whole spool, slots apart
constexpr std::size_t kSlack = 1u << 20;          // for what a file system adds

struct MemoryTest : CollectorTest {
    /// How many slots are held now.
    std::size_t held() const {
        std::string bytes(kHeaderBytes, '\0');
        std::ifstream(runtime + "/spool", std::ios::binary)
            .read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
        std::size_t count = 0;
        for (std::size_t i = 0; i < kMaxSlots; ++i) {
            std::uint32_t used = 0;
            std::memcpy(&used, &bytes.at(kHeadersOffset + i * sizeof(SlotHeader)), sizeof used);
            count += used;
        }
        return count;
    }
    /// Until the log thread has read what was written.
    static void drain_pipe(const Fd& end) {
        for (int n = 1; n > 0; ::sched_yield()) ASSERT_EQ(::ioctl(end.get(), FIONREAD, &n), 0);
    }
    /// What the spool takes of its file system.
    std::size_t taken() const {
        struct stat st {};
        EXPECT_EQ(::stat((runtime + "/spool").c_str(), &st), 0);
        return static_cast<std::size_t>(st.st_blocks) * 512;
    }
};

TEST_F(MemoryTest, IdleServicesHoldNone) {
    start();
    std::vector<Collector::Ends> ends;
    for (int i = 0; i < 200; ++i) {
        ends.push_back(open("s" + std::to_string(i)));
        put(ends.back().out.get(), "one line\n");
        put(ends.back().err.get(), "another\n");
        drain("s" + std::to_string(i));
    }
    EXPECT_EQ(held(), 0u);
    EXPECT_LE(taken(), kHeaderBytes + kSlack);
}

TEST_F(MemoryTest, WhatABurstTookIsGivenBack) {
    spare_for = 10ms;
    start();
    std::vector<Collector::Ends> ends;
    for (int i = 0; i < 100; ++i) {
        ends.push_back(open("s" + std::to_string(i)));
        put(ends.back().out.get(), "unfinished");
        drain_pipe(ends.back().out);
    }
    EXPECT_EQ(held(), 100u);
    EXPECT_GE(taken(), kHeaderBytes + 100 * kSlotBytes);
    for (int i = 0; i < 100; ++i) drain("s" + std::to_string(i));
    const auto deadline = std::chrono::steady_clock::now() + 30s;
    while (taken() > kHeaderBytes + 10 * kSlotBytes) {
        ASSERT_LT(std::chrono::steady_clock::now(), deadline) << taken();
        ::sched_yield();
    }
    // What it uses again works as before.
    for (int i = 0; i < 100; ++i) {
        put(ends[static_cast<std::size_t>(i)].out.get(), "again\n");
        drain("s" + std::to_string(i));
        ASSERT_EQ(records("s" + std::to_string(i)),
                  (std::vector<std::string>{"stdout F unfinished", "stdout F again"}));
    }
}

TEST_F(MemoryTest, BusyServicesHaveAQuarterOfAMebibyteEachAtMost) {
    constexpr std::size_t kServices = 100;
    start();
    std::vector<Collector::Ends> ends;
    // A console that nobody reads keeps what they write where it is, as long as patience lasts.
    for (std::size_t i = 0; i < kServices; ++i) {
        ends.push_back(open("s" + std::to_string(i), {.to_console = true}));
    }
    std::string line(4095, 'x');
    line += '\n';
    constexpr int kRounds = 40;  // less than pipes and slots hold together
    std::size_t most_held = 0, most_taken = 0;
    for (int round = 0; round < kRounds; ++round) {
        for (const Collector::Ends& service : ends) {
            for (const int fd : {service.out.get(), service.err.get()}) {
                put(fd, line);
            }
        }
        most_held = std::max(most_held, held());
        most_taken = std::max(most_taken, taken());
    }
    EXPECT_GT(most_held, kServices) << "they were not busy";
    EXPECT_LE(most_held, 2 * kServices);
    EXPECT_LE(most_taken, kHeaderBytes + kServices * (256u << 10) + kSlack);
    for (std::size_t i = 0; i < kServices; ++i) drain("s" + std::to_string(i));
    EXPECT_EQ(held(), 0u);
    EXPECT_EQ(records("s0").size(), 2u * kRounds);
}

}  // namespace
}  // namespace reeve::log
