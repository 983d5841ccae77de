#include "supervisor/os/holder.h"

#include <fcntl.h>
#include <linux/sockios.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <climits>
#include <cstring>
#include <string_view>
#include <thread>
#include <variant>

#include "supervisor/os/files.h"
#include "supervisor/os/holder/record.h"
#include "supervisor/os/peer.h"
#include "supervisor/os/program_image.h"

#ifdef REEVE_HOLDER_FILE
asm(R"(
    .section .rodata
    .global reeve_holder_begin
    .global reeve_holder_end
    .balign 16
reeve_holder_begin:
    .incbin ")" REEVE_HOLDER_FILE R"("
reeve_holder_end:
    .previous
)");
extern "C" const char reeve_holder_begin[], reeve_holder_end[];
#endif

namespace reeve::os {

namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr milliseconds patience(1000);
// It notices that its owner is gone once the last process that shared the owner's descriptors has
// executed its program.
constexpr milliseconds patience_with_owner(200);
constexpr milliseconds pause_between_tries(5);

std::string_view program() {
#ifdef REEVE_HOLDER_FILE
    return {reeve_holder_begin, static_cast<std::size_t>(reeve_holder_end - reeve_holder_begin)};
#else
    return {};
#endif
}

Result<sockaddr_un> address_of(const std::string& path) {
    sockaddr_un address{};
    if (path.size() >= sizeof address.sun_path) {
        return system_error("cannot use " + path + " as a socket", ENAMETOOLONG);
    }
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    return address;
}

/// Not listening yet: whoever calls listen(2) is the one whom SO_PEERCRED names to those who
/// connect.
Result<Fd> bind_at(const std::string& path) {
    const std::string what = "cannot make the socket " + path;
    auto address = address_of(path);
    if (!address) return address.error();
    Fd socket(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
    if (!socket) return system_error(what);
    if (unlink(path.c_str()) != 0 && errno != ENOENT) return system_error(what);
    // The file is made with the socket's own mode.
    const auto* const generic = reinterpret_cast<const sockaddr*>(&*address);
    if (fchmod(socket.get(), 0600) != 0 || bind(socket.get(), generic, sizeof *address) != 0) {
        return system_error(what);
    }
    return socket;
}

/// False: the time is up.
bool wait_for(int fd, short events, Clock::time_point end) {
    for (;;) {
        const auto left = std::chrono::ceil<milliseconds>(end - Clock::now()).count();
        pollfd ready{fd, events, 0};
        const int found = poll(&ready, 1, static_cast<int>(std::max<long>(left, 0)));
        if (found > 0) return true;
        if (found == 0 && left <= 0) return false;
        if (found < 0 && errno != EINTR) return false;
    }
}

/// A packet with room for all that a holder can send in one, or an owner.
class Packet {
  public:
    std::array<HolderRecord, max_holder_records> records;

    /// The errno, 0 for none; EAGAIN instead of waiting.
    int send(int socket, std::size_t count, const std::vector<int>& fds) {
        msghdr message = header(count);
        const std::size_t size = fds.size() * sizeof(int);
        message.msg_controllen = fds.empty() ? 0 : CMSG_SPACE(size);
        if (cmsghdr* const control = CMSG_FIRSTHDR(&message)) {
            control->cmsg_level = SOL_SOCKET;
            control->cmsg_type = SCM_RIGHTS;
            control->cmsg_len = CMSG_LEN(size);
            std::memcpy(CMSG_DATA(control), fds.data(), size);
        }
        return sendmsg(socket, &message, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 ? errno : 0;
    }

    /// How many records there are now, and the descriptors that came along; nothing when there is
    /// no packet and never will be one.
    std::optional<std::size_t> receive(int socket, std::vector<Fd>& fds) {
        msghdr message = header(records.size());
        message.msg_controllen = control_.size();
        const ssize_t size = recvmsg(socket, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
        if (size < 0 && (errno == EAGAIN || errno == EINTR)) return 0;
        if (size <= 0) return std::nullopt;
        for (cmsghdr* c = CMSG_FIRSTHDR(&message); c != nullptr; c = CMSG_NXTHDR(&message, c)) {
            if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS) continue;
            for (std::size_t at = 0; at + CMSG_LEN(sizeof(int)) <= c->cmsg_len; at += sizeof(int)) {
                int fd = -1;
                std::memcpy(&fd, CMSG_DATA(c) + at, sizeof fd);
                fds.emplace_back(fd);
            }
        }
        return static_cast<std::size_t>(size) / sizeof(HolderRecord);
    }

  private:
    msghdr header(std::size_t count) {
        part_ = {records.data(), count * sizeof(HolderRecord)};
        msghdr message{};
        message.msg_iov = &part_;
        message.msg_iovlen = 1;
        message.msg_control = control_.data();
        return message;
    }

    iovec part_{};
    alignas(cmsghdr) std::array<char, CMSG_SPACE(253 * sizeof(int))> control_;
};

enum class Answer { Welcome, SentAway, None };

Answer await_welcome(int connection, Clock::time_point end) {
    Packet packet;
    std::vector<Fd> none;
    for (;;) {
        if (!wait_for(connection, POLLIN, end)) return Answer::None;
        const auto count = packet.receive(connection, none);
        if (!count) return Answer::SentAway;
        if (*count > 0 && packet.records[0].operation == HolderRecord::Welcome) {
            return Answer::Welcome;
        }
    }
}

/// Nothing of ours is under way to the one who reads.
bool all_was_read(int connection) {
    int unread = 0;
    return ioctl(connection, SIOCOUTQ, &unread) == 0 && unread == 0;
}

}  // namespace

Result<Holder> Holder::start(Spawner& spawner, const std::string& path) {
    const auto image = make_program_image("reeve-holder", program());
    if (!image) return image.error();
    const Fd nothing(open("/", O_PATH | O_CLOEXEC));
    std::array<int, 2> ends{-1, -1};
    if (!nothing || socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()) != 0) {
        return system_error("cannot make a holder of descriptors");
    }
    Holder holder(Fd(ends[0]), 0, path);
    Fd other_end(ends[1]);
    auto socket = bind_at(path);
    if (!socket) return socket.error();
    SpawnSpec spec;
    spec.argv = {"reeve-holder: " + folder_of(path)};
    spec.stdin_fd = spec.stdout_fd = spec.stderr_fd = nothing.get();
    spec.extra_fds = {{socket->get(), 3}, {other_end.get(), 4}, {image->get(), 5}};
    spec.program = 5;
    spec.new_session = false;
    // It may hold as many as we have.
    ResourceLimit limit{RLIMIT_NOFILE, {}};
    if (getrlimit(RLIMIT_NOFILE, &limit.value) == 0) spec.limits = {limit};
    auto result = spawner.spawn(spec);
    other_end.reset();
    socket->reset();
    if (const auto* const failure = std::get_if<SpawnFailure>(&result)) {
        unlink(path.c_str());
        return system_error("cannot start a holder of descriptors: " + std::string(failure->step),
                            failure->errnum);
    }
    holder.pid_ = std::get<Spawned>(result).pid;
    switch (await_welcome(holder.fd(), Clock::now() + patience)) {
        case Answer::Welcome:
            return holder;
        case Answer::SentAway:
            holder.end();
            return error("cannot start a holder of descriptors: it has ended at once");
        case Answer::None:
            holder.end();
            return system_error("cannot start a holder of descriptors", ETIMEDOUT);
    }
    __builtin_unreachable();
}

Result<std::optional<Holder>> Holder::find(const std::string& path) {
    const std::string what = "cannot reach the holder of descriptors at " + path;
    const auto address = address_of(path);
    if (!address) return address.error();
    const auto begin = Clock::now();
    for (;; std::this_thread::sleep_for(pause_between_tries)) {
        Fd socket(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
        if (!socket) return system_error(what);
        const auto* const generic = reinterpret_cast<const sockaddr*>(&*address);
        const bool connected = connect(socket.get(), generic, sizeof *address) == 0;
        if (!connected && (errno == ENOENT || errno == ECONNREFUSED)) return std::nullopt;
        if (!connected && errno != EAGAIN && errno != EINTR) return system_error(what);
        const auto waited = Clock::now() - begin;
        if (!connected && waited >= patience) return system_error(what, ETIMEDOUT);
        if (!connected) continue;
        const auto peer = peer_of(socket.get());
        if (!peer) return peer.error();
        if (peer->uid != geteuid() && peer->uid != 0) return system_error(what, EPERM);
        switch (await_welcome(socket.get(), begin + patience)) {
            case Answer::Welcome:
                return Holder(std::move(socket), peer->pid, path);
            case Answer::SentAway:
                if (waited >= patience_with_owner) return std::nullopt;
                break;
            case Answer::None:
                return system_error(what, ETIMEDOUT);
        }
    }
}

Result<std::vector<Holder::Held>> Holder::take_all() {
    const std::string what = "cannot take over from the holder of descriptors";
    const auto end = Clock::now() + patience;
    // What is not all taken in time cannot be gone on with: what comes then would be taken for the
    // answer to the next question.
    const auto give_up = [&](int errnum) {
        connection_.reset();
        return system_error(what, errnum);
    };
    for (auto sent = flush(); !sent || !*sent; sent = flush()) {
        if (!sent) return sent.error();
        if (!wait_for(fd(), POLLOUT, end)) return give_up(ETIMEDOUT);
    }
    Packet packet;
    packet.records[0] = {HolderRecord::Give, 0, 0};
    while (const int errnum = packet.send(fd(), 1, {})) {
        if (errnum != EAGAIN) return give_up(errnum);
        if (!wait_for(fd(), POLLOUT, end)) return give_up(ETIMEDOUT);
    }
    std::vector<Held> all;
    for (;;) {
        if (!wait_for(fd(), POLLIN, end)) return give_up(ETIMEDOUT);
        std::vector<Fd> fds;
        const auto count = packet.receive(fd(), fds);
        if (!count) return give_up(ECONNRESET);
        auto next = fds.begin();
        for (std::size_t i = 0; i < *count; ++i) {
            const HolderRecord& record = packet.records[i];
            if (record.operation == HolderRecord::EndOfList) return all;
            if (next == fds.end()) return give_up(EMFILE);
            all.push_back({{record.kind, record.id}, std::move(*next++)});
        }
    }
}

void Holder::keep(Key key, Fd fd) { changes_.push_back({key, std::move(fd)}); }

void Holder::drop(Key key) {
    // What was to be kept need not be sent any more; something older may be held under the key.
    // Not far back: the queue may be long, and what is sent is dropped in time as well.
    const auto recent = std::min<std::ptrdiff_t>(std::ssize(changes_), max_holder_records);
    const auto end = changes_.rbegin() + recent;
    const auto same = std::find_if(changes_.rbegin(), end,
                                   [&](const Change& change) { return change.key == key; });
    if (same == end) {
        changes_.push_back({key, Fd()});
    } else {
        same->fd.reset();
    }
}

Result<bool> Holder::flush() {
    Packet packet;
    std::size_t most = packet.records.size();
    while (!changes_.empty()) {
        const std::size_t count = std::min(most, changes_.size());
        std::vector<int> fds;
        for (std::size_t i = 0; i < count; ++i) {
            const Change& change = changes_[i];
            const auto operation = change.fd ? HolderRecord::Keep : HolderRecord::Drop;
            packet.records[i] = {operation, change.key.kind, change.key.id};
            if (change.fd) fds.push_back(change.fd.get());
        }
        switch (const int errnum = packet.send(fd(), count, fds)) {
            case 0:
                changes_.erase(changes_.begin(),
                               changes_.begin() + static_cast<std::ptrdiff_t>(count));
                break;
            case EINTR:
                break;
            case EAGAIN:
            case ENOBUFS:
            case ENOMEM:
                return false;
            case ETOOMANYREFS:
                // Too many descriptors are under way, or one is a socket with too many others in
                // its queue, which cannot be sent.
                if (!all_was_read(fd())) return false;
                if (count == 1) changes_.front().fd.reset();
                most = 1;
                break;
            default:
                return system_error("cannot speak to the holder of descriptors", errnum);
        }
    }
    return true;
}

void Holder::end() {
    // Should it not read this now: once we are gone, it looks whether its file is still there.
    unlink(path_.c_str());
    Packet packet;
    packet.records[0] = {HolderRecord::End, 0, 0};
    packet.send(fd(), 1, {});
    connection_.reset();
    changes_.clear();
}

}  // namespace reeve::os
