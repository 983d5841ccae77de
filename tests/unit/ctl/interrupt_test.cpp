#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>

#include "tests/unit/ctl/fixture.h"

namespace reeve::ctl {
namespace {

/// A socket that takes a connection and requests, answers the greeting, and then nothing.
class InterruptTest : public testing::TestWithParam<std::vector<std::string>> {
  protected:
    void SetUp() override {
        listener_.reset(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        path_.copy(address.sun_path, sizeof address.sun_path - 1);
        ASSERT_EQ(bind(listener_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
        ASSERT_EQ(listen(listener_.get(), 1), 0);
    }

    /// The program in a process of its own, with its stderr in a pipe.
    pid_t start(Fd err) {
        std::vector<std::string> arguments = {"-s", path_};
        arguments.insert(arguments.end(), GetParam().begin(), GetParam().end());
        const pid_t child = fork();
        if (child == 0) {
            dup2(err.get(), STDERR_FILENO);
            _exit(run(Host{{}, geteuid(), 1, 2}, arguments));
        }
        return child;
    }

    TempDir dir_;
    std::string path_ = dir_ / "control.sock";
    Fd listener_;
};

boost::system::result<protocol::Request, protocol::Refusal> receive(const Fd& client) {
    std::string line;
    for (char c; recv(client.get(), &c, 1, 0) == 1 && c != '\n';) line += c;
    return protocol::parse_request(line);
}

TEST_P(InterruptTest, CtrlCEndsItByTheSignalAndSaysWhetherTheSupervisorGoesOn) {
    int ends[2];
    ASSERT_EQ(pipe2(ends, O_CLOEXEC), 0);
    const Fd read_end(ends[0]);
    const pid_t child = start(Fd(ends[1]));
    const Fd client(accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    const auto hello = receive(client);
    ASSERT_TRUE(hello);
    const std::string welcome =
        protocol::encode_result(hello->id, protocol::Welcome{1, "0.1.0", 77, "", ""});
    ASSERT_EQ(send(client.get(), welcome.data(), welcome.size(), 0),
              static_cast<ssize_t>(welcome.size()));
    ASSERT_TRUE(receive(client));  // the request is there, so it waits or is about to
    ASSERT_EQ(kill(child, SIGINT), 0);
    int status = 0;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    EXPECT_TRUE(WIFSIGNALED(status)) << "or a script's loop would go on";
    EXPECT_EQ(WTERMSIG(status), SIGINT);
    char text[256];
    const ssize_t got = read(read_end.get(), text, sizeof text);
    const bool begun = GetParam()[0] != "wait";
    EXPECT_EQ(std::string(text, static_cast<std::size_t>(std::max<ssize_t>(got, 0))),
              std::string("\nreevectl: no longer waiting") +
                  (begun ? "; the supervisor goes on with it\n" : "\n"));
}

TEST_P(InterruptTest, CtrlCBeforeAnythingWasAskedDoesNotClaimThatItGoesOn) {
    int ends[2];
    ASSERT_EQ(pipe2(ends, O_CLOEXEC), 0);
    const Fd read_end(ends[0]);
    const pid_t child = start(Fd(ends[1]));
    const Fd client(accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    ASSERT_TRUE(receive(client));  // the greeting, which nobody answers
    ASSERT_EQ(kill(child, SIGINT), 0);
    int status = 0;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    EXPECT_TRUE(WIFSIGNALED(status));
    char text[256];
    const ssize_t got = read(read_end.get(), text, sizeof text);
    const std::string said(text, static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
    EXPECT_EQ(said.find("goes on"), said.npos) << said;
}

INSTANTIATE_TEST_SUITE_P(Verbs, InterruptTest,
                         testing::Values(std::vector<std::string>{"start", "web"},
                                         std::vector<std::string>{"wait", "web"},
                                         std::vector<std::string>{"apply"},
                                         std::vector<std::string>{"shutdown"}));

}  // namespace
}  // namespace reeve::ctl
