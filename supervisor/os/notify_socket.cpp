#include "supervisor/os/notify_socket.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

namespace reeve::os {
namespace {

constexpr std::size_t kMostDescriptors = 253;  // the kernel's bound for one message

// Debian 12's headers do not have these yet.
constexpr int kSoPasspidfd = 76;
constexpr int kScmPidfd = 4;

void take_credentials(const cmsghdr& header, NotifyDatagram& datagram) {
    ucred sender{};
    std::memcpy(&sender, CMSG_DATA(&header), sizeof sender);
    datagram.pid = sender.pid;
    datagram.uid = sender.uid;
    datagram.gid = sender.gid;
}

std::vector<Fd> take_descriptors(const cmsghdr& header) {
    std::vector<Fd> fds((header.cmsg_len - CMSG_LEN(0)) / sizeof(int));
    for (std::size_t i = 0; i < fds.size(); ++i) {
        int fd = -1;
        std::memcpy(&fd, CMSG_DATA(&header) + i * sizeof fd, sizeof fd);
        fds[i].reset(fd);
    }
    return fds;
}

void take_ancillary(msghdr& message, NotifyDatagram& datagram) {
    for (cmsghdr* header = CMSG_FIRSTHDR(&message); header != nullptr;
         header = CMSG_NXTHDR(&message, header)) {
        if (header->cmsg_level != SOL_SOCKET) continue;
        if (header->cmsg_type == SCM_CREDENTIALS) take_credentials(*header, datagram);
        if (header->cmsg_type == SCM_RIGHTS) datagram.descriptors = take_descriptors(*header);
        // A negative number where the process was gone and the kernel is older than 6.17.
        if (header->cmsg_type == kScmPidfd) {
            datagram.pidfd = std::move(take_descriptors(*header).front());
        }
    }
}

}  // namespace

Result<NotifySocket> NotifySocket::open() {
    // Bound to the family alone, the kernel finds a free abstract name.
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    return open(address, sizeof address.sun_family);
}

Result<NotifySocket> NotifySocket::open(const std::string& name) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (name.size() < 2 || name.front() != '@' || name.size() > sizeof address.sun_path) {
        return error("no name of a notification socket: " + name);
    }
    // Its first byte stays zero, which is what makes it abstract.
    std::memcpy(address.sun_path + 1, name.data() + 1, name.size() - 1);
    return open(address, static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size()));
}

Result<NotifySocket> NotifySocket::open(sockaddr_un address, socklen_t length) {
    const char* const what = "cannot open the notification socket";
    Fd fd(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!fd) return system_error(what);
    const int on = 1;
    if (setsockopt(fd.get(), SOL_SOCKET, SO_PASSCRED, &on, sizeof on) != 0) {
        return system_error(what);
    }
    // Makes the word about the sender exact, where the kernel has it.
    (void)setsockopt(fd.get(), SOL_SOCKET, kSoPasspidfd, &on, sizeof on);
    auto* const generic = reinterpret_cast<sockaddr*>(&address);
    if (bind(fd.get(), generic, length) != 0) return system_error(what);
    length = sizeof address;
    if (getsockname(fd.get(), generic, &length) != 0) return system_error(what);
    const std::size_t name_length = length - offsetof(sockaddr_un, sun_path);
    std::string name(address.sun_path, name_length);
    name.front() = '@';
    return NotifySocket(std::move(fd), std::move(name));
}

std::optional<NotifyDatagram> NotifySocket::receive(int fd) {
    std::array<char, kMaxPayload> buffer;
    iovec data{buffer.data(), buffer.size()};
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof(ucred)) + CMSG_SPACE(sizeof(int)) +
                                  CMSG_SPACE(kMostDescriptors * sizeof(int))];
    msghdr message{};
    message.msg_iov = &data;
    message.msg_iovlen = 1;
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    ssize_t n = -1;
    do {
        n = recvmsg(fd, &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
    } while (n < 0 && errno == EINTR);
    if (n < 0) return std::nullopt;
    NotifyDatagram datagram;
    datagram.payload.assign(buffer.data(), static_cast<std::size_t>(n));
    datagram.malformed = (message.msg_flags & MSG_TRUNC) != 0;
    take_ancillary(message, datagram);
    return datagram;
}

}  // namespace reeve::os
