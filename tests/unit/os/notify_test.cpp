#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cstring>

#include "supervisor/os/notify_message.h"
#include "supervisor/os/notify_socket.h"
#include "tests/unit/os/support.h"

namespace reeve::os {
namespace {

using namespace test;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;

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
    const auto datagram = NotifySocket::receive(socket->fd());
    ASSERT_TRUE(datagram);
    EXPECT_EQ(datagram->payload, "READY=1\nSTATUS=up");
    EXPECT_EQ(datagram->pid, pid);
    EXPECT_EQ(datagram->uid, getuid());
    EXPECT_EQ(datagram->gid, getgid());
    EXPECT_FALSE(datagram->malformed);
    // The descriptor that came along is not kept.
    EXPECT_EQ(datagram->descriptors, 1u);
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
    EXPECT_THAT(parse_notify_message(*datagram).value(), IsEmpty());
}

TEST(NotifyMessage, KeepsKeysAndValuesInOrder) {
    EXPECT_THAT(parse_notify_message("READY=1\nSTATUS=a=b \nX=").value(),
                ElementsAre(Pair("READY", "1"), Pair("STATUS", "a=b "), Pair("X", "")));
}

TEST(NotifyMessage, EmptyLinesAreNotMalformed) {
    EXPECT_THAT(parse_notify_message("\n\nREADY=1\n\n").value(), ElementsAre(Pair("READY", "1")));
    EXPECT_THAT(parse_notify_message("").value(), IsEmpty());
}

TEST(NotifyMessage, OneNulAtTheVeryEndIsPassedOver) {
    EXPECT_THAT(parse_notify_message(std::string_view("READY=1\0", 8)).value(),
                ElementsAre(Pair("READY", "1")));
    EXPECT_FALSE(parse_notify_message(std::string_view("READY=1\0\0", 9)));
    EXPECT_FALSE(parse_notify_message(std::string_view("READY=1\0X=1", 11)));
}

TEST(NotifyMessage, RefusesLinesThatAreNoAssignment) {
    EXPECT_FALSE(parse_notify_message("READY"));
    EXPECT_FALSE(parse_notify_message("READY=1\nnonsense\n"));
    EXPECT_FALSE(parse_notify_message("=1"));
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
