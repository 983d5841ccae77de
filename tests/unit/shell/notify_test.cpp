#include "supervisor/shell/notify.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#include <csignal>
#include <cstring>
#include <set>

#include "supervisor/os/pidfd.h"

namespace reeve::shell {
namespace {

/// Sends a message, with a descriptor if there is one.
void send(const std::string& name, const std::string& text, int attached = -1) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, name.data(), name.size());
    address.sun_path[0] = '\0';
    const Fd fd(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    iovec data{const_cast<char*>(text.data()), text.size()};
    msghdr message{};
    message.msg_name = &address;
    message.msg_namelen = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size());
    message.msg_iov = &data;
    message.msg_iovlen = 1;
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
    if (attached >= 0) {
        message.msg_control = control;
        message.msg_controllen = sizeof control;
        cmsghdr* const header = CMSG_FIRSTHDR(&message);
        header->cmsg_level = SOL_SOCKET;
        header->cmsg_type = SCM_RIGHTS;
        header->cmsg_len = CMSG_LEN(sizeof(int));
        std::memcpy(CMSG_DATA(header), &attached, sizeof attached);
    }
    ASSERT_EQ(sendmsg(fd.get(), &message, 0), static_cast<ssize_t>(text.size()));
}

std::optional<std::uint64_t> own_cgroup() {
    const auto self = os::open_pidfd(getpid());
    return self ? os::cgroup_of(self->get()) : std::nullopt;
}

class NotifyChannelTest : public testing::Test {
  protected:
    void SetUp() override {
        channel_ = std::move(*NotifyChannel::open(
            io_, std::move(*os::NotifySocket::open()),
            {.user = user_,
             .is_member = [this](pid_t pid) { return members_.contains(pid); },
             .cgroup = [this] { return cgroup_; },
             .notified = [this](core::Notified n) { notified_.push_back(std::move(n)); },
             .main_named = [this](pid_t pid) { named_.push_back(pid); },
             .barrier = [this](Fd fd) { barriers_.push_back(std::move(fd)); },
             .dropped = [this](std::string why) { dropped_.push_back(std::move(why)); }}));
    }
    void read() { channel_->read(100); }
    void send(const std::string& text, int attached = -1) {
        shell::send(channel_->name(), text, attached);
    }
    /// From a process that has ended, as `user`, and been reaped unless it is to be a zombie.
    pid_t send_from_ended(const std::string& text, uid_t user, bool reaped = true) {
        const pid_t child = fork();
        if (child == 0) {
            if (user != geteuid() && setuid(user) != 0) _exit(1);
            send(text);
            _exit(0);
        }
        siginfo_t info;
        waitid(P_PID, static_cast<id_t>(child), &info, WEXITED | (reaped ? 0 : WNOWAIT));
        return child;
    }

    asio::io_context io_;
    const uid_t user_ = geteuid();
    std::set<pid_t> members_{getpid()};
    std::optional<std::uint64_t> cgroup_;
    std::vector<core::Notified> notified_;
    std::vector<pid_t> named_;
    std::vector<Fd> barriers_;
    std::vector<std::string> dropped_;
    std::unique_ptr<NotifyChannel> channel_;
};

TEST_F(NotifyChannelTest, TellsAllThatOneMessageSays) {
    send(
        "READY=1\nSTATUS=up\nERRNO=3\nWATCHDOG=trigger\nWATCHDOG_USEC=5\nEXTEND_TIMEOUT_USEC=6\n"
        "RESTART_RESET=1\nSTOPPING=1\nRELOADING=1\nMONOTONIC_USEC=7\nMAINPID=8");
    read();
    ASSERT_EQ(notified_.size(), 1u);
    const core::Notified& said = notified_.front();
    EXPECT_TRUE(said.ready && said.stopping && said.reloading && said.restart_reset);
    EXPECT_EQ(said.status, "up");
    EXPECT_EQ(said.errnum, 3);
    EXPECT_EQ(said.watchdog, core::Notified::Watchdog::Trigger);
    EXPECT_EQ(said.watchdog_interval, 5us);
    EXPECT_EQ(said.extend_timeout, 6us);
    EXPECT_EQ(said.reloading_since, Time(7us));
    EXPECT_EQ(named_, std::vector<pid_t>{8});
}

TEST_F(NotifyChannelTest, DropsAndCountsWhatIsMalformed) {
    for (int i = 0; i < 5; ++i) send("READY=1\nMAINPID=x");
    send("WATCHDOG=1");
    read();
    ASSERT_EQ(notified_.size(), 1u);
    EXPECT_EQ(notified_.front().watchdog, core::Notified::Watchdog::Alive);
    // The first, the second and the fourth.
    EXPECT_EQ(dropped_.size(), 3u);
}

TEST_F(NotifyChannelTest, HandsOverABarriersDescriptorAndClosesAllOthers) {
    int ends[2];
    ASSERT_EQ(pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
    Fd out(ends[0]), in(ends[1]);
    const auto is_open = [&] {
        char c;
        return ::read(out.get(), &c, 1) < 0;
    };
    send("BARRIER=1", in.get());
    in.reset();
    read();
    ASSERT_EQ(barriers_.size(), 1u);
    EXPECT_TRUE(is_open());
    barriers_.clear();
    EXPECT_FALSE(is_open());
    EXPECT_TRUE(notified_.empty());

    ASSERT_EQ(pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
    out.reset(ends[0]);
    in.reset(ends[1]);
    send("FDSTORE=1\nFDNAME=x", in.get());
    in.reset();
    read();
    EXPECT_FALSE(is_open());
    EXPECT_TRUE(dropped_.empty());
}

TEST_F(NotifyChannelTest, NeverBelievesWhoLivesElsewhere) {
    members_.clear();
    cgroup_ = own_cgroup();
    send("READY=1");
    read();
    EXPECT_TRUE(notified_.empty());
    EXPECT_EQ(dropped_.size(), 1u);
}

TEST_F(NotifyChannelTest, BelievesTheServicesUserOfWhomNothingIsLeft) {
    send_from_ended("READY=1", user_);
    read();
    EXPECT_EQ(notified_.size(), 1u);
}

TEST_F(NotifyChannelTest, DoesNotBelieveAnotherUserOfWhomNothingIsLeft) {
    if (geteuid() != 0) GTEST_SKIP() << "needs root";
    send_from_ended("READY=1", 65534);
    read();
    EXPECT_TRUE(notified_.empty());
}

TEST_F(NotifyChannelTest, KnowsOfWhomNothingIsLeftByItsCgroup) {
    cgroup_ = 0;
    send_from_ended("STATUS=stranger", user_);
    read();
    if (!notified_.empty()) GTEST_SKIP() << "needs Linux 6.17";
    cgroup_ = own_cgroup();
    send_from_ended("READY=1", geteuid() == 0 ? 65534 : user_);
    read();
    EXPECT_EQ(notified_.size(), 1u);
}

TEST_F(NotifyChannelTest, AZombieIsStillOfTheService) {
    const pid_t zombie = send_from_ended("READY=1", user_, false);
    members_ = {zombie};
    read();
    waitpid(zombie, nullptr, 0);
    EXPECT_EQ(notified_.size(), 1u);
}

}  // namespace
}  // namespace reeve::shell
