#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/fd.h"
#include "base/overloaded.h"
#include "ctl/protocol/message.h"
#include "ctl/run.h"

namespace reeve::ctl {

/// A folder that is gone with all it holds when the test ends.
class TempDir {
  public:
    TempDir() {
        const char* base = std::getenv("TMPDIR");
        std::string pattern = std::string(base != nullptr ? base : "/tmp") + "/reeve-ctl-XXXXXX";
        if (mkdtemp(pattern.data()) == nullptr) std::abort();
        path_ = pattern;
    }
    TempDir(const TempDir&) = delete;
    TempDir& operator=(const TempDir&) = delete;
    ~TempDir() { std::filesystem::remove_all(path_); }

    std::string operator/(const std::string& name) const { return path_ + "/" + name; }
    const std::string& path() const { return path_; }

  private:
    std::string path_;
};

inline void write_file(const std::string& path, const std::string& text) {
    std::filesystem::create_directories(std::filesystem::path(path).parent_path());
    std::ofstream(path, std::ios::binary) << text;
}

inline void append_to(const std::string& path, const std::string& text) {
    std::ofstream(path, std::ios::binary | std::ios::app) << text;
}

/// Plays a supervisor for any number of clients: answers every request with the lines that a
/// function gives for it; hangs up where it gives none, and at a line that is empty.
class FakeSupervisor {
  public:
    using Answer = std::function<std::vector<std::string>(const protocol::Request&)>;

    FakeSupervisor(std::string path, Answer answer)
        : path_(std::move(path)), answer_(std::move(answer)), end_(eventfd(0, EFD_CLOEXEC)) {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        path_.copy(address.sun_path, sizeof address.sun_path - 1);
        listener_.reset(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
        const auto* any = reinterpret_cast<const sockaddr*>(&address);
        if (bind(listener_.get(), any, sizeof address) != 0) std::abort();
        if (listen(listener_.get(), 8) != 0) std::abort();
        thread_ = std::thread([this] { serve(); });
    }
    ~FakeSupervisor() {
        const std::uint64_t one = 1;
        (void)!write(end_.get(), &one, sizeof one);
        thread_.join();
        unlink(path_.c_str());
    }

    std::vector<protocol::Request> requests() {
        const std::lock_guard lock(mutex_);
        return requests_;
    }
    const std::string& path() const { return path_; }

  private:
    struct Peer {
        Fd fd;
        std::string received;
    };

    void serve() {
        std::vector<Peer> peers;
        while (true) {
            std::vector<pollfd> wanted = {{end_.get(), POLLIN, 0}, {listener_.get(), POLLIN, 0}};
            for (const Peer& peer : peers) wanted.push_back({peer.fd.get(), POLLIN, 0});
            while (poll(wanted.data(), wanted.size(), -1) < 0) continue;
            if (wanted[0].revents != 0) return;
            for (std::size_t i = 0; i < peers.size(); ++i) {
                if (wanted[i + 2].revents != 0 && !attend(peers[i])) peers[i].fd.reset();
            }
            std::erase_if(peers, [](const Peer& peer) { return !peer.fd; });
            if (wanted[1].revents == 0) continue;
            peers.push_back({Fd(accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC)), {}});
        }
    }

    bool attend(Peer& peer) {
        char buffer[4096];
        const ssize_t got = recv(peer.fd.get(), buffer, sizeof buffer, 0);
        if (got <= 0) return false;
        peer.received.append(buffer, static_cast<std::size_t>(got));
        return answer_lines(peer.fd.get(), peer.received);
    }

    bool answer_lines(int client, std::string& received) {
        for (std::size_t end; (end = received.find('\n')) != received.npos;) {
            const auto request = protocol::parse_request(received.substr(0, end));
            received.erase(0, end + 1);
            if (!request) return false;
            {
                const std::lock_guard lock(mutex_);
                requests_.push_back(*request);
            }
            const auto lines = answer_(*request);
            if (lines.empty()) return false;
            for (const std::string& line : lines) {
                if (line.empty()) return false;
                (void)!send(client, line.data(), line.size(), MSG_NOSIGNAL);
            }
        }
        return true;
    }

    std::string path_;
    Answer answer_;
    Fd end_;
    Fd listener_;
    std::mutex mutex_;
    std::vector<protocol::Request> requests_;
    std::thread thread_;
};

/// What a run of the program came to.
struct Ran {
    int exit = -1;
    std::string out;
    std::string err;
};

inline std::string contents_of(int fd) {
    std::string text(static_cast<std::size_t>(lseek(fd, 0, SEEK_END)), '\0');
    (void)!pread(fd, text.data(), text.size(), 0);
    return text;
}

/// Runs the program within this process, in a given environment and without a terminal.
inline Ran run_with(std::map<std::string, std::string> environment,
                    std::vector<std::string> arguments) {
    const Fd out(memfd_create("out", MFD_CLOEXEC));
    const Fd err(memfd_create("err", MFD_CLOEXEC));
    const Host host{std::move(environment), geteuid(), out.get(), err.get()};
    Ran ran;
    ran.exit = run(host, arguments);
    ran.out = contents_of(out.get());
    ran.err = contents_of(err.get());
    return ran;
}

/// A folder with a supervisor in it, which greets by itself and leaves the rest to the test.
class CtlTest : public testing::Test {
  protected:
    using Answer = FakeSupervisor::Answer;

    void serve(Answer answer) {
        supervisor_.reset();
        supervisor_.emplace(
            dir_ / "control.sock", [this, answer](const protocol::Request& request) {
                if (std::holds_alternative<protocol::Hello>(request.call)) {
                    return std::vector{protocol::encode_result(request.id, welcome_)};
                }
                return answer(request);
            });
    }

    /// A supervisor that answers so, whatever is asked.
    template <typename Result>
    void serve_result(Result result) {
        serve([result](const protocol::Request& request) {
            return std::vector{protocol::encode_result(request.id, result)};
        });
    }
    void serve_status(protocol::StatusDocument document) { serve_result(std::move(document)); }
    void serve_outcome(protocol::Outcome outcome) { serve_result(std::move(outcome)); }
    void serve_failure(protocol::Failure failure) {
        serve([failure](const protocol::Request& request) {
            return std::vector{protocol::encode_error(request.id, failure)};
        });
    }

    /// What was asked for behind the greeting, and nothing else.
    template <typename Call>
    Call asked() {
        const auto requests = supervisor_->requests();
        EXPECT_EQ(requests.size(), 2u);
        const auto* call = requests.empty() ? nullptr : std::get_if<Call>(&requests.back().call);
        EXPECT_NE(call, nullptr);
        return call != nullptr ? *call : Call{};
    }

    Ran ctl(std::vector<std::string> arguments) {
        return run_with({{"REEVE_RUNTIME_DIR", dir_.path()}, {"REEVE_LOG_DIR", dir_ / "log"}},
                        std::move(arguments));
    }

    TempDir dir_;
    protocol::Welcome welcome_{1, "0.1.0", 77, dir_.path(), dir_ / "log"};
    std::optional<FakeSupervisor> supervisor_;
};

inline protocol::ServiceStatus service(std::string name, protocol::State state,
                                       std::string cause = "") {
    protocol::ServiceStatus status;
    status.name = std::move(name);
    status.type = "simple";
    status.state = state;
    status.cause = std::move(cause);
    status.ready = state == protocol::State::Running;
    if (status.ready) status.pid = 1234;
    return status;
}

}  // namespace reeve::ctl
