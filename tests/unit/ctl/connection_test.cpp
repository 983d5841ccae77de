#include "ctl/connection.h"

#include <gmock/gmock.h>

#include <cerrno>

#include "tests/unit/ctl/fixture.h"

namespace reeve::ctl {
namespace {

Fd listen_at(const std::string& path, int backlog) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    Fd fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (bind(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) std::abort();
    if (listen(fd.get(), backlog) != 0) std::abort();
    return fd;
}

TEST(ConnectionTest, GivesUpOnAListenerThatTakesNobodyIn) {
    const TempDir dir;
    const Fd listener = listen_at(dir / "socket", 0);
    std::vector<Connection> waiting;
    while (true) {
        auto connection = Connection::open(dir / "socket", std::chrono::milliseconds(20));
        if (!connection) {
            EXPECT_EQ(connection.error().errnum, ETIMEDOUT);
            break;
        }
        waiting.push_back(std::move(*connection));
        ASSERT_LT(waiting.size(), 100u);
    }
}

TEST(ConnectionTest, GivesUpSendingToWhoeverReadsNothing) {
    const TempDir dir;
    const Fd listener = listen_at(dir / "socket", 1);
    auto connection = Connection::open(dir / "socket", std::chrono::seconds(10));
    ASSERT_TRUE(connection);
    const std::string much(8u << 20, 'x');
    const auto sent =
        connection->send(much, std::chrono::steady_clock::now() + std::chrono::milliseconds(20));
    ASSERT_FALSE(sent);
    EXPECT_EQ(sent.error().errnum, ETIMEDOUT);
}

/// The caller's own place, which nobody named, in a folder of its own.
class PlaceTest : public testing::Test {
  protected:
    void SetUp() override {
        if (std::filesystem::exists("/run/reeve/control.sock")) GTEST_SKIP() << "root's is there";
        std::filesystem::create_directories(dir_ / "reeve");
        chmod(dir_.path().c_str(), 0755);
    }

    std::string find() {
        const Fd err(memfd_create("err", MFD_CLOEXEC));
        const Host host{{{"XDG_RUNTIME_DIR", dir_.path()}}, 12345, 1, err.get()};
        exit_ = run(host, std::vector<std::string>{"status"});
        return contents_of(err.get());
    }

    TempDir dir_;
    int exit_ = -1;
};

TEST_F(PlaceTest, ThatRefusesTheCallerDoesNotEndTheSearch) {
    chmod((dir_ / "reeve").c_str(), 0);
    const bool root = geteuid() == 0;
    if (root) {
        ASSERT_EQ(seteuid(65534), 0);
    }
    const std::string said = find();
    if (root) {
        ASSERT_EQ(seteuid(0), 0);
    }
    chmod((dir_ / "reeve").c_str(), 0700);
    EXPECT_EQ(said, "reevectl: not allowed to speak to the supervisor at " + dir_.path() +
                        "/reeve/control.sock: Permission denied; none answers at "
                        "/run/reeve/control.sock: No such file or directory; try as root or as "
                        "the user that it runs as\n");
    EXPECT_EQ(exit_, 5);
}

TEST_F(PlaceTest, WhereNobodyListensIsNamedBesideRoots) {
    EXPECT_EQ(find(), "reevectl: no supervisor answers at " + dir_.path() +
                          "/reeve/control.sock: No such file or directory, nor at "
                          "/run/reeve/control.sock: No such file or directory; start one with "
                          "reeved\n");
    EXPECT_EQ(exit_, 6);
}

}  // namespace
}  // namespace reeve::ctl
