#include "base/signal_name.h"

#include <gtest/gtest.h>

namespace reeve {
namespace {

TEST(SignalName, IsTheKernels) {
    EXPECT_EQ(signal_name(SIGTERM), "SIGTERM");
    EXPECT_EQ(signal_name(SIGRTMIN), "SIGRTMIN");
    EXPECT_EQ(signal_name(SIGRTMIN + 3), "SIGRTMIN+3");
    EXPECT_EQ(signal_name(0), "signal 0");
    EXPECT_EQ(signal_name(99), "signal 99");
}

TEST(SignalNumber, ReadsEveryWayToWriteOne) {
    EXPECT_EQ(signal_number("TERM"), SIGTERM);
    EXPECT_EQ(signal_number("SIGTERM"), SIGTERM);
    EXPECT_EQ(signal_number("15"), 15);
    EXPECT_EQ(signal_number("RTMIN"), SIGRTMIN);
    EXPECT_EQ(signal_number("SIGRTMIN+3"), SIGRTMIN + 3);
    EXPECT_EQ(signal_number("RTMAX-1"), SIGRTMAX - 1);
    EXPECT_EQ(signal_number("64"), 64);
}

TEST(SignalNumber, RefusesWhatIsNone) {
    for (const char* text : {"", "0", "-1", "65", "1000", "term", "SIG", "SIGSIGTERM", "TERM ",
                             "RTMIN+", "RTMIN+99", "RTMIN-1", "RTMAX+1", "32", "EXIT"}) {
        EXPECT_EQ(signal_number(text), std::nullopt) << text;
    }
}

TEST(SignalNumber, ReadsBackEveryName) {
    for (int signal = 1; signal <= SIGRTMAX; ++signal) {
        if (signal == 32 || signal == 33) continue;  // the C library keeps these to itself
        EXPECT_EQ(signal_number(signal_name(signal)), signal) << signal;
    }
}

}  // namespace
}  // namespace reeve
