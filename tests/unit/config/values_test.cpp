#include "config/values.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <csignal>

namespace reeve::config {
namespace {

TEST(Duration, ReadsUnitsFractionsAndBareSeconds) {
    EXPECT_EQ(*parse_duration("250ms"), 250ms);
    EXPECT_EQ(*parse_duration("10s"), 10s);
    EXPECT_EQ(*parse_duration("5m"), 5min);
    EXPECT_EQ(*parse_duration("1h30m"), 90min);
    EXPECT_EQ(*parse_duration("2d"), 48h);
    EXPECT_EQ(*parse_duration("7"), 7s);
    EXPECT_EQ(*parse_duration("0"), 0s);
    EXPECT_EQ(*parse_duration("1.5"), 1500ms);
    EXPECT_EQ(*parse_duration("0.5s"), 500ms);
    EXPECT_EQ(*parse_duration("1.5h"), 90min);
    EXPECT_EQ(*parse_duration("1m0.25s"), 60'250ms);
    EXPECT_EQ(*parse_duration("010"), 10s);
}

TEST(Duration, RefusesWhatIsNone) {
    for (const char* text : {"",
                             "s",
                             "-1s",
                             "+1s",
                             "1 s",
                             " 1s",
                             "1x",
                             "1sec",
                             "1.s",
                             ".5s",
                             "1e3",
                             "1h30",
                             "30m1h",
                             "1m1m",
                             "1ss",
                             "36501d",
                             "99999999999999999999s",
                             "9223372036854775807d",
                             "1,5s",
                             "٣s"}) {
        EXPECT_FALSE(parse_duration(text)) << text;
    }
}

TEST(Duration, TakesUpToAHundredYears) { EXPECT_EQ(*parse_duration("36500d"), 36500 * 24h); }

TEST(Size, ReadsBinaryUnitsAndBareBytes) {
    EXPECT_EQ(*parse_size("4096"), 4096u);
    EXPECT_EQ(*parse_size("64KiB"), 65536u);
    EXPECT_EQ(*parse_size("10MiB"), 10u << 20);
    EXPECT_EQ(*parse_size("1GiB"), 1u << 30);
    EXPECT_EQ(*parse_size("2TiB"), 2ull << 40);
}

TEST(Size, RefusesWhatIsNone) {
    for (const char* text : {"", "KiB", "1k", "1K", "1KB", "1kib", "1.5MiB", "-1", "1 MiB", "0x10",
                             "99999999999999999999", "9999999999TiB"}) {
        EXPECT_FALSE(parse_size(text)) << text;
    }
}

TEST(Integer, IsDecimalAlways) {
    EXPECT_EQ(*parse_integer("010", 0, 100), 10);
    EXPECT_EQ(*parse_integer("-20", -20, 19), -20);
    EXPECT_EQ(*parse_integer("+5", -20, 19), 5);
    for (const char* text :
         {"", "+", "-", "+-5", "0x10", "1.0", "1e2", "101", "-1", " 1", "1_000"}) {
        EXPECT_FALSE(parse_integer(text, 0, 100)) << text;
    }
}

TEST(Number, ReadsPlainDecimals) {
    EXPECT_EQ(*parse_number("2"), 2);
    EXPECT_EQ(*parse_number("1.5"), 1.5);
    EXPECT_EQ(*parse_number("0.25"), 0.25);
    for (const char* text : {"", ".", "1.", ".5", "-1", "1e9", "inf", "nan", "0x1p3", "1.2.3"}) {
        EXPECT_FALSE(parse_number(text)) << text;
    }
}

TEST(Percent, ReadsFromZeroToAHundred) {
    EXPECT_DOUBLE_EQ(*parse_percent("10%"), 0.1);
    EXPECT_DOUBLE_EQ(*parse_percent("2.5%"), 0.025);
    EXPECT_EQ(*parse_percent("0"), 0);
    EXPECT_EQ(*parse_percent("100%"), 1);
    for (const char* text : {"", "%", "10", "101%", "-1%", "10 %", "0.1"}) {
        EXPECT_FALSE(parse_percent(text)) << text;
    }
}

TEST(Mode, IsOctalAlways) {
    EXPECT_EQ(*parse_mode("022"), 022u);
    EXPECT_EQ(*parse_mode("22"), 022u);
    EXPECT_EQ(*parse_mode("0o22"), 022u);
    EXPECT_EQ(*parse_mode("0660"), 0660u);
    for (const char* text : {"", "0o", "8", "1000", "00022", "-22", "u=rw", "0x12"}) {
        EXPECT_FALSE(parse_mode(text)) << text;
    }
}

TEST(Signal, SuggestsTheNearestName) {
    EXPECT_EQ(*parse_signal("TERM"), SIGTERM);
    EXPECT_EQ(*parse_signal("SIGTERM"), SIGTERM);
    EXPECT_EQ(*parse_signal("15"), SIGTERM);
    EXPECT_EQ(*parse_signal("RTMIN+3"), SIGRTMIN + 3);
    EXPECT_EQ(parse_signal("TREM").error().what_to_do, "did you mean TERM?");
    EXPECT_EQ(parse_signal("sigterm").error().what_to_do, "did you mean TERM?");
    for (const char* text : {"", "0", "-1", "65", "KILLER", "SIG"}) {
        EXPECT_FALSE(parse_signal(text)) << text;
    }
}

TEST(Address, TakesNamesAndBothKindsOfNumbers) {
    EXPECT_EQ(*parse_host_and_port("127.0.0.1:80"), (TcpCheck{"127.0.0.1", 80}));
    EXPECT_EQ(*parse_host_and_port("db.example:5432"), (TcpCheck{"db.example", 5432}));
    EXPECT_EQ(*parse_host_and_port("[::1]:8080"), (TcpCheck{"::1", 8080}));
    for (const char* text : {"", "80", ":80", "host", "host:", "host:0", "host:65536", "::1:80",
                             "[::1]", "[]:80", "http://x:80", "[host]:80", "a b:80"}) {
        EXPECT_FALSE(parse_host_and_port(text)) << text;
    }
}

TEST(Exit, TellsCodesFromSignals) {
    EXPECT_TRUE(parse_exit("15")->contains(ExitStatus::exited(15)));
    EXPECT_FALSE(parse_exit("15")->contains(ExitStatus::killed(15)));
    EXPECT_TRUE(parse_exit("SIGTERM")->contains(ExitStatus::killed(SIGTERM)));
    EXPECT_TRUE(parse_exit("HUP")->contains(ExitStatus::killed(SIGHUP)));
    EXPECT_TRUE(parse_exit("255")->contains(ExitStatus::exited(255)));
    for (const char* text : {"", "256", "-1", "NOPE", "1.5"})
        EXPECT_FALSE(parse_exit(text)) << text;
}

TEST(Limits, ReadSoftAndHard) {
    EXPECT_EQ(*parse_limit("nofile", "1024:4096"), (Limit{RLIMIT_NOFILE, 1024, 4096}));
    EXPECT_EQ(*parse_limit("nofile", "512"), (Limit{RLIMIT_NOFILE, 512, 512}));
    EXPECT_EQ(*parse_limit("core", "unlimited"),
              (Limit{RLIMIT_CORE, RLIM_INFINITY, RLIM_INFINITY}));
    EXPECT_EQ(*parse_limit("core", "0:unlimited"), (Limit{RLIMIT_CORE, 0, RLIM_INFINITY}));
    EXPECT_EQ(*parse_limit("as", "1GiB"), (Limit{RLIMIT_AS, 1u << 30, 1u << 30}));
}

TEST(Limits, RefuseWhatCannotBe) {
    EXPECT_EQ(parse_limit("nofiles", "1").error().what_to_do, "did you mean nofile?");
    EXPECT_EQ(parse_limit("nofile", "10:5").error().what, "the soft limit is above the hard one");
    for (const char* text : {"", ":", "1:", ":1", "1:2:3", "-1", "many", "1KiB", "unlimited:5"}) {
        EXPECT_FALSE(parse_limit("nofile", text)) << text;
    }
}

TEST(Names, AreShortLowerCaseWords) {
    for (const char* name : {"a", "web", "web-1", "0", "a.b_c"})
        EXPECT_FALSE(check_name(name)) << name;
    EXPECT_FALSE(check_name(std::string(64, 'a')));
    EXPECT_TRUE(check_name(std::string(65, 'a')));
    for (const char* name : {"", "Web", "-a", ".a", "_a", "a b", "a/b", "ä", "a@1", "..", "a\n"}) {
        EXPECT_TRUE(check_name(name)) << name;
    }
}

TEST(Names, OfServicesMayHaveAnInstance) {
    for (const char* name : {"web", "web@1", "web@a.b_c-d"}) {
        EXPECT_FALSE(check_service_name(name)) << name;
    }
    EXPECT_FALSE(check_service_name(std::string(64, 'a').append("@").append(64, 'b')));
    for (const char* name :
         {"", "@", "@1", "web@", "web@1@2", "Web@1", "web@A", "web@-", "web@a/b"}) {
        EXPECT_TRUE(check_service_name(name)) << name;
    }
}

}  // namespace
}  // namespace reeve::config
