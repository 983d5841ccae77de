#include "supervisor/shell/probes/probes.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <thread>

#include "base/fd.h"

namespace reeve::shell::probes {
namespace {

using tcp = asio::ip::tcp;

struct TempDir {
    TempDir() {
        if (::mkdtemp(path.data()) == nullptr) std::abort();
    }
    ~TempDir() { std::filesystem::remove_all(path); }
    std::string operator/(const std::string& name) const { return path + "/" + name; }

    std::string path = "/tmp/reeve-probes-XXXXXX";
};

bool everybody(pid_t) { return true; }
bool nobody(pid_t) { return false; }

/// A server that takes one connection, reads a request's header and says this.
class Server {
  public:
    explicit Server(std::string answer, const std::string& address = "127.0.0.1")
        : answer_(std::move(answer)),
          acceptor_(io_, tcp::endpoint(asio::ip::make_address(address), 0)),
          port_(acceptor_.local_endpoint().port()),
          thread_([this] { serve(); }) {}
    ~Server() { thread_.join(); }
    Server(const Server&) = delete;
    Server& operator=(const Server&) = delete;

    std::uint16_t port() const { return port_; }
    /// What was asked, once it was answered.
    const std::string& request() {
        if (thread_.joinable()) thread_.join();
        thread_ = std::thread([] {});
        return request_;
    }

  private:
    void serve() {
        tcp::socket socket(io_);
        acceptor_.accept(socket);
        boost::system::error_code error;
        asio::read_until(socket, asio::dynamic_buffer(request_), "\r\n\r\n", error);
        asio::write(socket, asio::buffer(answer_), error);
    }

    asio::io_context io_;
    std::string answer_, request_;
    tcp::acceptor acceptor_;
    std::uint16_t port_;
    std::thread thread_;
};

config::HttpCheck page_of(std::uint16_t port, const std::string& host = "127.0.0.1") {
    config::HttpCheck check;
    check.host = host;
    check.port = port;
    return check;
}

Answer ask(const config::HttpCheck& check) {
    asio::io_context io;
    Answer answer{false, "never answered"};
    const auto cancel = get(io, check, [&](Answer given) { answer = std::move(given); });
    io.run_for(std::chrono::seconds(30));
    return answer;
}

std::string said(const std::string& answer) {
    Server server(answer);
    const Answer given = ask(page_of(server.port()));
    return (given.yes ? "yes: " : "no: ") + given.what;
}

TEST(HttpProbe, IsAnsweredByItsStatus) {
    EXPECT_EQ(said("HTTP/1.1 200 Fine\r\n\r\n"), "yes: 200 OK");
    EXPECT_EQ(said("HTTP/1.0 302 Found\r\nLocation: /x\r\n\r\n"), "yes: 302 Found");
    EXPECT_EQ(said("HTTP/1.1 503 Out\r\nContent-Length: 5\r\n\r\nsorry"),
              "no: 503 Service Unavailable");
    EXPECT_EQ(said("HTTP/1.1 555 Odd\r\n\r\n"), "no: 555");
}

TEST(HttpProbe, TakesTheStatusCodesThatItIsTold) {
    Server server("HTTP/1.1 401 Unauthorized\r\n\r\n");
    config::HttpCheck check = page_of(server.port());
    check.status = {{204, 204}, {401, 403}};
    EXPECT_TRUE(ask(check).yes);
}

TEST(HttpProbe, AsksAsABrowserWould) {
    Server server("HTTP/1.1 200 OK\r\n\r\n");
    config::HttpCheck check = page_of(server.port());
    check.target = "/healthz?full=1";
    EXPECT_TRUE(ask(check).yes);
    const std::string& request = server.request();
    EXPECT_TRUE(request.starts_with("GET /healthz?full=1 HTTP/1.1\r\n")) << request;
    const std::string host = "Host: 127.0.0.1:" + std::to_string(server.port()) + "\r\n";
    EXPECT_NE(request.find(host), std::string::npos) << request;
    EXPECT_NE(request.find("Connection: close\r\n"), std::string::npos) << request;
}

TEST(HttpProbe, WaitsForTheAnswerBehindAnInterimOne) {
    EXPECT_EQ(said("HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\nHTTP/1.1 500 No\r\n\r\n"),
              "no: 500 Internal Server Error");
    std::string endless;
    for (int i = 0; i < 50; ++i) endless += "HTTP/1.1 102 Processing\r\n\r\n";
    EXPECT_EQ(said(endless), "no: 102 Processing");
}

TEST(HttpProbe, NamesWhatIsNoAnswer) {
    EXPECT_EQ(said(""), "no: no answer");
    EXPECT_EQ(said("HTTP/1.1 200 OK\r\nHalf: a head"), "no: no answer");
    EXPECT_EQ(said("220 mail.example ESMTP\r\n\r\n"), "no: not HTTP");
    EXPECT_EQ(said("HTTP/1.1 200 OK\r\nLong: " + std::string(100000, 'x') + "\r\n\r\n"),
              "no: its header is too long");
}

TEST(HttpProbe, TriesBothLoopbackAddressesForLocalhost) {
    for (const char* address : {"127.0.0.1", "::1"}) {
        try {
            Server server("HTTP/1.1 200 OK\r\n\r\n", address);
            const Answer answer = ask(page_of(server.port(), "localhost"));
            EXPECT_TRUE(answer.yes) << address << ": " << answer.what;
        } catch (const boost::system::system_error&) {
            GTEST_SKIP() << "no " << address << " here";
        }
    }
}

TEST(HttpProbe, SaysWhenNobodyListens) {
    asio::io_context io;
    tcp::acceptor acceptor(io, tcp::endpoint(asio::ip::address_v4::loopback(), 0));
    const std::uint16_t port = acceptor.local_endpoint().port();
    acceptor.close();
    EXPECT_EQ(ask(page_of(port)).what, "Connection refused");
    EXPECT_EQ(ask(page_of(port, "localhost")).what, "Connection refused");
}

TEST(HttpProbe, IsSilentOnceItIsCancelled) {
    asio::io_context io;
    tcp::acceptor mute(io, tcp::endpoint(asio::ip::address_v4::loopback(), 0));
    bool answered = false;
    const auto cancel =
        get(io, page_of(mute.local_endpoint().port()), [&](const Answer&) { answered = true; });
    tcp::socket accepted(io);
    mute.async_accept(accepted, [&](const boost::system::error_code&) { cancel(); });
    io.run();
    EXPECT_FALSE(answered);
}

TEST(TcpProbe, SaysWhetherSomebodyListens) {
    asio::io_context io;
    Lookups lookups(io);
    tcp::acceptor acceptor(io, tcp::endpoint(asio::ip::address_v4::loopback(), 0));
    const config::TcpCheck check{"127.0.0.1", acceptor.local_endpoint().port()};
    Answer answer;
    auto cancel = connect(io, lookups, check, [&](Answer given) { answer = std::move(given); });
    io.run();
    EXPECT_TRUE(answer.yes) << answer.what;
    acceptor.close();
    io.restart();
    cancel = connect(io, lookups, check, [&](Answer given) { answer = std::move(given); });
    io.run();
    EXPECT_FALSE(answer.yes);
    EXPECT_EQ(answer.what, "Connection refused");
}

TEST(TcpProbe, SaysWhyAHostCannotBeFound) {
    asio::io_context io;
    Lookups lookups(io);
    Answer answer;
    const auto cancel = connect(io, lookups, {"no such host", 80},
                                [&](Answer given) { answer = std::move(given); });
    io.run();
    EXPECT_FALSE(answer.yes);
    EXPECT_EQ(answer.what.rfind("cannot look it up: ", 0), 0u) << answer.what;
}

TEST(TcpProbe, KnowsLocalhostByItself) {
    asio::io_context io;
    Lookups lookups(io);
    tcp::acceptor acceptor(io, tcp::endpoint(asio::ip::address_v4::loopback(), 0));
    Answer answer;
    const auto cancel = connect(io, lookups, {"localhost", acceptor.local_endpoint().port()},
                                [&](Answer given) { answer = std::move(given); });
    io.run();
    EXPECT_TRUE(answer.yes) << answer.what;
    EXPECT_EQ(known_addresses("localhost").size(), 2u);
    EXPECT_EQ(known_addresses("::1").size(), 1u);
    EXPECT_TRUE(known_addresses("example.invalid").empty());
}

TEST(TcpProbe, TellsAllWhoAskForAHostMeanwhile) {
    asio::io_context io;
    Lookups lookups(io);
    std::vector<bool> found;
    for (int i = 0; i < 3; ++i) {
        lookups.find("no such host", [&](const auto& result) { found.push_back(bool(result)); });
    }
    io.run();
    EXPECT_EQ(found, std::vector<bool>(3, false));
}

TEST(TcpProbe, IsNotAskedWithoutDescriptors) {
#ifdef __SANITIZE_ADDRESS__
    GTEST_SKIP() << "the sanitizers look at memory through a pipe, for which they need descriptors";
#endif
    asio::io_context io;
    Lookups lookups(io);
    const tcp::socket first(io);  // with it asio opens what it needs for itself
    rlimit before{};
    getrlimit(RLIMIT_NOFILE, &before);
    const rlimit none{0, before.rlim_max};
    Answer by_number, by_name, by_path;
    setrlimit(RLIMIT_NOFILE, &none);
    (void)connect(io, lookups, {"127.0.0.1", 1}, [&](Answer a) { by_number = std::move(a); });
    (void)connect(io, lookups, {"no such host", 1}, [&](Answer a) { by_name = std::move(a); });
    by_path = knock({"/no/such/socket"}, [](pid_t) { return true; });
    io.run();
    setrlimit(RLIMIT_NOFILE, &before);
    EXPECT_TRUE(by_number.unasked) << by_number.what;
    EXPECT_TRUE(by_name.unasked) << by_name.what;
    EXPECT_TRUE(by_path.unasked) << by_path.what;
}

/// A Unix socket that somebody listens on.
Fd listening(const std::string& path, int type) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::copy(path.begin(), path.end(), address.sun_path);
    Fd fd(::socket(AF_UNIX, type | SOCK_CLOEXEC, 0));
    if (::bind(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) std::abort();
    if (type != SOCK_DGRAM && ::listen(fd.get(), 8) != 0) std::abort();
    return fd;
}

TEST(UnixProbe, ConnectsWhateverTheTypeOfTheSocket) {
    const TempDir dir;
    for (const int type : {SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET}) {
        const std::string path = dir / std::to_string(type);
        const Fd socket = listening(path, type);
        const Answer answer = knock({path}, everybody);
        EXPECT_TRUE(answer.yes) << type << ": " << answer.what;
    }
}

TEST(UnixProbe, IsNotSatisfiedByAFileThatNobodyListensOn) {
    const TempDir dir;
    listening(dir / "left", SOCK_STREAM);
    listening(dir / "left-too", SOCK_DGRAM);
    EXPECT_EQ(knock({dir / "left"}, everybody).what, "Connection refused");
    EXPECT_EQ(knock({dir / "left-too"}, everybody).what, "Connection refused");
    EXPECT_EQ(knock({dir / "none"}, everybody).what, "No such file or directory");
}

TEST(UnixProbe, NeverWaitsForAFullQueue) {
    const TempDir dir;
    const Fd socket = listening(dir / "s", SOCK_STREAM);
    ASSERT_EQ(::listen(socket.get(), 0), 0);
    std::vector<Fd> waiting;
    Answer answer{true, ""};
    // As many as the kernel lets wait, then one too many.
    for (int i = 0; i < 64 && answer.yes; ++i) {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        const std::string path = dir / "s";
        std::copy(path.begin(), path.end(), address.sun_path);
        waiting.emplace_back(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
        (void)::connect(waiting.back().get(), reinterpret_cast<sockaddr*>(&address),
                        sizeof address);
        answer = knock({path}, everybody);
    }
    EXPECT_EQ(answer.what, "nobody accepts connections: its queue is full");
}

TEST(UnixProbe, IsNotSatisfiedByAStrangerWhoListens) {
    const TempDir dir;
    const std::string path = dir / "s";
    int ready[2], end[2];
    ASSERT_EQ(::pipe2(ready, O_CLOEXEC), 0);
    ASSERT_EQ(::pipe2(end, O_CLOEXEC), 0);
    const pid_t stranger = ::fork();
    if (stranger == 0) {
        const Fd socket = listening(path, SOCK_STREAM);
        char c = 0;
        if (::write(ready[1], &c, 1) < 0 || ::close(end[1]) != 0) ::_exit(1);
        while (::read(end[0], &c, 1) > 0) {
        }
        ::_exit(0);
    }
    char c;
    ASSERT_EQ(::read(ready[0], &c, 1), 1);
    const Answer answer = knock({path}, nobody);
    EXPECT_FALSE(answer.yes);
    EXPECT_EQ(answer.what, "answered by process " + std::to_string(stranger) +
                               " (shell_tests), which is not of this service");
    EXPECT_TRUE(knock({path}, [&](pid_t pid) { return pid == stranger; }).yes);
    for (const int fd : {ready[0], ready[1], end[0], end[1]}) ::close(fd);
    ::waitpid(stranger, nullptr, 0);
}

/// The first moment that a file is older than, though file systems' clocks are coarse.
os::StartMark start_after(const std::string& file) {
    struct stat status {};
    if (::stat(file.c_str(), &status) != 0) std::abort();
    auto start = os::StartMark::now();
    while (!start.is_after(status.st_ctim)) start = os::StartMark::now();
    return start;
}

TEST(PathProbe, IsSatisfiedByWhatWasMadeOrChangedSinceTheStart) {
    const TempDir dir;
    const auto start = os::StartMark::now();
    EXPECT_EQ(look({dir / "file"}, start).what, "No such file or directory");
    std::ofstream(dir / "file") << "x";
    EXPECT_TRUE(look({dir / "file"}, start).yes);
    std::filesystem::create_directory(dir / "folder");
    EXPECT_TRUE(look({dir / "folder"}, start).yes);
}

TEST(PathProbe, IsNotSatisfiedByWhatAnEarlierInstanceLeft) {
    const TempDir dir;
    std::ofstream(dir / "file") << "x";
    EXPECT_EQ(look({dir / "file"}, start_after(dir / "file")).what, "it is older than this start");
}

TEST(PathProbe, AChangeOfOwnerOrModeMakesNothingNew) {
    const TempDir dir;
    std::ofstream(dir / "file") << "x";
    struct statx made {};
    ASSERT_EQ(::statx(AT_FDCWD, (dir / "file").c_str(), 0, STATX_BTIME, &made), 0);
    if ((made.stx_mask & STATX_BTIME) == 0) GTEST_SKIP() << "no time of birth here";
    const auto start = start_after(dir / "file");
    ASSERT_EQ(::chmod((dir / "file").c_str(), 0600), 0);
    EXPECT_FALSE(look({dir / "file"}, start).yes);
}

TEST(PathProbe, ACopyThatKeepsOldTimesIsNewAllTheSame) {
    const TempDir dir;
    const auto start = os::StartMark::now();
    std::ofstream(dir / "file") << "x";
    const timespec old[2] = {{1000, 0}, {1000, 0}};
    ASSERT_EQ(::utimensat(AT_FDCWD, (dir / "file").c_str(), old, 0), 0);
    EXPECT_TRUE(look({dir / "file"}, start).yes);
}

TEST(PathProbe, ALinkCountsByWhatItLeadsTo) {
    const TempDir dir;
    std::filesystem::create_symlink(dir / "file", dir / "link");
    const auto start = os::StartMark::now();
    EXPECT_FALSE(look({dir / "link"}, start).yes);
    std::ofstream(dir / "file") << "x";
    EXPECT_TRUE(look({dir / "link"}, start).yes);
}

TEST(Probes, AreNamedByWhatTheyAsk) {
    EXPECT_EQ(name_of({config::TcpCheck{"::1", 80}}), "tcp [::1]:80");
    EXPECT_EQ(name_of({config::TcpCheck{"db", 5432}}), "tcp db:5432");
    EXPECT_EQ(name_of({config::HttpCheck{"127.0.0.1", 8080, "/healthz"}}),
              "http http://127.0.0.1:8080/healthz");
    EXPECT_EQ(name_of({config::UnixCheck{"/run/x.sock"}}), "unix /run/x.sock");
    EXPECT_EQ(name_of({config::PathCheck{"/run/x"}}), "path /run/x");
    EXPECT_EQ(name_of({config::ExecCheck{{"check", "it"}}}), "exec check");
}

}  // namespace
}  // namespace reeve::shell::probes
