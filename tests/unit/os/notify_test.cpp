#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cstring>
#include <random>

#include "supervisor/os/notify_message.h"
#include "supervisor/os/notify_socket.h"
#include "supervisor/os/pidfd.h"
#include "tests/unit/os/support.h"

namespace reeve::os {
namespace {

using namespace test;

/// Sends one datagram from this process.
void send(const NotifySocket& socket, const std::string& text) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, socket.name().data(), socket.name().size());
    address.sun_path[0] = '\0';
    const Fd fd(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    const auto length =
        static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + socket.name().size());
    ASSERT_EQ(sendto(fd.get(), text.data(), text.size(), 0,
                     reinterpret_cast<const sockaddr*>(&address), length),
              static_cast<ssize_t>(text.size()));
}

TEST(NotifySocket, HasAnAbstractNameOfItsOwn) {
    const auto one = NotifySocket::open(), two = NotifySocket::open();
    ASSERT_TRUE(one && two);
    EXPECT_TRUE(one->name().starts_with("@"));
    EXPECT_GT(one->name().size(), 1u);
    EXPECT_NE(one->name(), two->name());
    EXPECT_NE(fcntl(one->fd(), F_GETFD) & FD_CLOEXEC, 0);
    EXPECT_NE(fcntl(one->fd(), F_GETFL) & O_NONBLOCK, 0);
}

TEST(NotifySocket, ReceivesFromAnotherProcessWithItsCredentials) {
    const auto socket = NotifySocket::open();
    Spawner spawner = make_spawner();
    const std::vector<int> before = open_descriptors();
    SpawnSpec spec;
    spec.argv = {kProbe, "notify", "READY=1\nSTATUS=up"};
    spec.env = {"NOTIFY_SOCKET=" + socket->name()};
    pid_t pid = 0;
    {
        Running child(spawner, spec);
        pid = child.pid();
        pollfd ready{socket->fd(), POLLIN, 0};
        ASSERT_EQ(poll(&ready, 1, -1), 1);
    }
    auto datagram = NotifySocket::receive(socket->fd());
    ASSERT_TRUE(datagram);
    EXPECT_EQ(datagram->payload, "READY=1\nSTATUS=up");
    EXPECT_EQ(datagram->pid, pid);
    EXPECT_EQ(datagram->uid, getuid());
    EXPECT_EQ(datagram->gid, getgid());
    EXPECT_FALSE(datagram->malformed);
    EXPECT_EQ(datagram->descriptors.size(), 1u);
    // Nothing that came along is kept.
    datagram.reset();
    EXPECT_EQ(open_descriptors(), before);
    EXPECT_FALSE(NotifySocket::receive(socket->fd()));
}

TEST(NotifySocket, FlagsADatagramThatIsTooLong) {
    const auto socket = NotifySocket::open();
    send(*socket, "STATUS=" + std::string(NotifySocket::kMaxPayload, 'x'));
    const auto datagram = NotifySocket::receive(socket->fd());
    ASSERT_TRUE(datagram);
    EXPECT_TRUE(datagram->malformed);
    EXPECT_FALSE(parse_notify_message(*datagram));
    send(*socket, "STATUS=" + std::string(NotifySocket::kMaxPayload - 7, 'x'));
    EXPECT_TRUE(parse_notify_message(*NotifySocket::receive(socket->fd())));
}

TEST(NotifySocket, ReceivesAnEmptyDatagram) {
    const auto socket = NotifySocket::open();
    send(*socket, "");
    const auto datagram = NotifySocket::receive(socket->fd());
    ASSERT_TRUE(datagram);
    EXPECT_EQ(parse_notify_message(*datagram).value(), NotifyMessage());
}

TEST(NotifySocket, KnowsASenderThatWasReapedByItsPidfd) {
    const auto socket = NotifySocket::open();
    const pid_t child = fork();
    if (child == 0) {
        send(*socket, "READY=1");
        _exit(0);
    }
    waitpid(child, nullptr, 0);
    const auto datagram = NotifySocket::receive(socket->fd());
    ASSERT_TRUE(datagram);
    EXPECT_EQ(datagram->pid, child);
    if (!datagram->pidfd) GTEST_SKIP() << "needs Linux 6.17";
    EXPECT_FALSE(has_process(datagram->pidfd.get()));
    // It was where we are.
    const auto own = open_pidfd(getpid());
    ASSERT_TRUE(cgroup_of(own->get()));
    EXPECT_EQ(cgroup_of(datagram->pidfd.get()), cgroup_of(own->get()));
}

TEST(NotifySocket, ABarrierTakesOneDescriptor) {
    const auto socket = NotifySocket::open();
    send(*socket, "BARRIER=1");
    auto datagram = NotifySocket::receive(socket->fd());
    ASSERT_TRUE(datagram);
    EXPECT_FALSE(parse_notify_message(*datagram));
    datagram->descriptors.emplace_back(open("/dev/null", O_RDONLY | O_CLOEXEC));
    ASSERT_TRUE(parse_notify_message(*datagram));
    EXPECT_TRUE(parse_notify_message(*datagram)->barrier);
    datagram->descriptors.emplace_back(open("/dev/null", O_RDONLY | O_CLOEXEC));
    EXPECT_FALSE(parse_notify_message(*datagram));
}

/// What a text that is well formed says.
NotifyMessage parsed(const std::string& text) {
    const auto message = parse_notify_message(text);
    if (message) return *message;
    ADD_FAILURE() << text << ": " << message.error().text();
    return {};
}

TEST(NotifyMessage, ReadsEveryKey) {
    NotifyMessage all;
    all.ready = all.reloading = all.stopping = all.restart_reset = true;
    all.watchdog = NotifyMessage::Watchdog::Alive;
    all.reloading_since = Time(1234567us);
    all.status = "a=b ";
    all.errnum = 2;
    all.main_pid = 4711;
    all.watchdog_interval = 20s;
    all.extend_timeout = 5ms;
    EXPECT_EQ(parsed("READY=1\nRELOADING=1\nMONOTONIC_USEC=1234567\nSTOPPING=1\nSTATUS=a=b \n"
                     "ERRNO=2\nMAINPID=4711\nWATCHDOG=1\nWATCHDOG_USEC=20000000\n"
                     "EXTEND_TIMEOUT_USEC=5000\nRESTART_RESET=1"),
              all);
    EXPECT_EQ(parsed("WATCHDOG=trigger").watchdog, NotifyMessage::Watchdog::Trigger);
    EXPECT_TRUE(parsed("BARRIER=1").barrier);
    EXPECT_EQ(parsed("STATUS=").status, "");
}

TEST(NotifyMessage, ReloadingStandsWithoutItsTimeAndMayBeRepeated) {
    EXPECT_TRUE(parsed("RELOADING=1").reloading);
    EXPECT_TRUE(parsed("RELOADING=1\nRELOADING=1").reloading);
    EXPECT_FALSE(parsed("RELOADING=1").reloading_since);
}

TEST(NotifyMessage, TheLastOfTwoValuesCounts) {
    EXPECT_EQ(parsed("STATUS=one\nSTATUS=two").status, "two");
    EXPECT_EQ(parsed("MAINPID=1\nMAINPID=2").main_pid, 2);
}

TEST(NotifyMessage, WhatIsUnknownSaysNothing) {
    for (const char* text : {"",
                             "\n\n",
                             "X=1",
                             "X=",
                             "ready=1",
                             "READY=0",
                             "READY=",
                             "READY=yes",
                             "RELOADING=0",
                             "STOPPING=2",
                             "RESTART_RESET=0",
                             "WATCHDOG=0",
                             "WATCHDOG=TRIGGER",
                             "BARRIER=0",
                             "FDSTORE=1\nFDNAME=x\nFDPOLL=0",
                             "FDSTOREREMOVE=1\nFDNAME=x",
                             "BUSERROR=org.x.Y",
                             "EXIT_STATUS=3",
                             "X_VENDOR=\xC3\xA4",
                             "NOTIFYACCESS=all"}) {
        EXPECT_EQ(parsed(text), NotifyMessage()) << text;
    }
    EXPECT_TRUE(parsed("\n\nREADY=1\n\nX=1\n").ready);
}

TEST(NotifyMessage, NumbersThatAreNoneOrTooLargeAreMalformed) {
    for (const char* key :
         {"MONOTONIC_USEC", "ERRNO", "MAINPID", "WATCHDOG_USEC", "EXTEND_TIMEOUT_USEC"}) {
        for (const char* value : {"", "x", "-1", "+1", " 1", "1 ", "1.5", "0x10", "1s",
                                  "18446744073709551616", "99999999999999999999999999"}) {
            const std::string line = std::string(key).append("=").append(value);
            EXPECT_FALSE(parse_notify_message(line)) << line;
            EXPECT_FALSE(parse_notify_message("READY=1\n" + line)) << line;
        }
    }
    for (const char* line : {"ERRNO=4096", "MAINPID=0", "MAINPID=2147483648"}) {
        EXPECT_FALSE(parse_notify_message(line)) << line;
    }
    EXPECT_EQ(parsed("ERRNO=0").errnum, 0);
    EXPECT_EQ(parsed("ERRNO=4095").errnum, 4095);
    EXPECT_EQ(parsed("MAINPID=2147483647").main_pid, 2147483647);
    EXPECT_EQ(parsed("WATCHDOG_USEC=0").watchdog_interval, Duration::zero());
}

TEST(NotifyMessage, ForEverIsAHundredYears) {
    const auto message = parsed("EXTEND_TIMEOUT_USEC=18446744073709551615");
    EXPECT_EQ(message.extend_timeout, Duration(std::chrono::hours(24) * 365 * 100));
}

TEST(NotifyMessage, ABarrierStandsAlone) {
    EXPECT_TRUE(parsed("\nBARRIER=1\n").barrier);
    EXPECT_FALSE(parse_notify_message("BARRIER=1\nREADY=1"));
    EXPECT_FALSE(parse_notify_message("X=1\nBARRIER=1"));
}

TEST(NotifyMessage, OneNulAtTheVeryEndIsPassedOver) {
    EXPECT_TRUE(parsed(std::string("READY=1\0", 8)).ready);
    EXPECT_FALSE(parse_notify_message(std::string_view("READY=1\0\0", 9)));
    EXPECT_FALSE(parse_notify_message(std::string_view("READY=1\0X=1", 11)));
}

TEST(NotifyMessage, RefusesLinesThatAreNoAssignment) {
    EXPECT_FALSE(parse_notify_message("READY"));
    EXPECT_FALSE(parse_notify_message("READY=1\nnonsense\n"));
    EXPECT_FALSE(parse_notify_message("=1"));
}

TEST(NotifyMessage, AnyBytesAreReadOrRefusedWithAReason) {
    std::mt19937 random(4);
    const std::vector<std::string> pieces = {
        "READY=1", "RELOADING", "=",  "\n",    "MAINPID=",       "12",       "BARRIER=1",
        "STATUS=", "\xC3",      "\0", "ERRNO", "WATCHDOG_USEC=", "99999999", "-"};
    const auto below = [&](std::size_t n) {
        return std::uniform_int_distribution<std::size_t>(0, n - 1)(random);
    };
    for (int round = 0; round < 20'000; ++round) {
        std::string text;
        for (std::size_t n = below(12); n > 0; --n) {
            if (below(8) == 0) {
                text += static_cast<char>(below(256));
            } else {
                text += pieces[below(pieces.size())];
            }
        }
        const auto message = parse_notify_message(text);
        if (!message) {
            EXPECT_TRUE(message.error().text().starts_with("cannot read notification: "));
            continue;
        }
        // What is read holds together, and nothing in it can overflow a sum with the time.
        EXPECT_GT(message->main_pid.value_or(1), 0);
        EXPECT_FALSE(message->barrier && (message->ready || message->status || message->main_pid));
        EXPECT_LE(message->watchdog_interval.value_or(0s), 877000h);
    }
}

TEST(NotifyMessage, RefusesWhatIsNotUtf8) {
    for (const char* good : {"STATUS=\xC3\xA4", "STATUS=\xE2\x82\xAC", "STATUS=\xF0\x9F\x98\x80",
                             "STATUS=\xED\x9F\xBF", "STATUS=\xF4\x8F\xBF\xBF"}) {
        EXPECT_TRUE(parse_notify_message(good)) << good;
    }
    for (const char* bad :
         {"STATUS=\x80", "STATUS=\xC0\x80", "STATUS=\xC3", "STATUS=\xE2\x82", "STATUS=\xE0\x80\x80",
          "STATUS=\xED\xA0\x80", "STATUS=\xF0\x80\x80\x80", "STATUS=\xF4\x90\x80\x80",
          "STATUS=\xF5\x80\x80\x80", "STATUS=\xFF", "STATUS=\xC3(\nREADY=1"}) {
        EXPECT_FALSE(parse_notify_message(bad)) << bad;
    }
}

}  // namespace
}  // namespace reeve::os
