#include "supervisor/log/console.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <cstdlib>

namespace reeve::log {

Console::Console(int fd) : fd_(fd) {
    struct stat st {};
    if (::fstat(fd, &st) != 0 || S_ISREG(st.st_mode)) return;
    colours_ = ::isatty(fd) == 1 && std::getenv("NO_COLOR") == nullptr;
    if (S_ISSOCK(st.st_mode)) {
        kind_ = Kind::Socket;
        return;
    }
    const std::string path = "/proc/self/fd/" + std::to_string(fd);
    own_.reset(::open(path.c_str(), O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
    kind_ = own_ ? Kind::Own : Kind::Polled;
}

long Console::write_some(std::string_view bytes) {
    switch (kind_) {
        case Kind::Plain:
            return ::write(fd_, bytes.data(), bytes.size());
        case Kind::Own:
            return ::write(own_.get(), bytes.data(), bytes.size());
        case Kind::Socket:
            return ::send(fd_, bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
        case Kind::Polled:
            break;
    }
    pollfd asked{fd_, POLLOUT, 0};
    if (::poll(&asked, 1, 0) == 0) {
        errno = EAGAIN;
        return -1;
    }
    // A writable pipe takes PIPE_BUF bytes at once.
    return ::write(fd_, bytes.data(), std::min<std::size_t>(bytes.size(), PIPE_BUF));
}

Console::Outcome Console::put(std::string_view bytes) {
    while (!bytes.empty()) {
        const long n = write_some(bytes);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0 && errno == EAGAIN) {
            rest_.assign(bytes);
            return Outcome::Later;
        }
        if (n < 0) {
            rest_.clear();
            return Outcome::Gone;
        }
        bytes.remove_prefix(static_cast<std::size_t>(n));
    }
    rest_.clear();
    return Outcome::Done;
}

void Console::heading(std::string_view service) {
    if (colours_) {
        // Readable on light and dark: red to cyan, chosen by the name so that it stays.
        unsigned sum = 0;
        for (const char c : service) sum = sum * 31 + static_cast<unsigned char>(c);
        chunk_ += "\033[3";
        chunk_ += static_cast<char>('1' + sum % 6);
        chunk_ += 'm';
    }
    chunk_.append(service).append(" | ");
    if (colours_) chunk_ += "\033[0m";
}

Sink::Taken Console::take(std::string_view service, std::string_view input, const Cut& cut) {
    Taken taken;
    std::size_t lines = 0;
    chunk_.clear();
    if (dropped_ > 0) {
        heading("reeve");
        chunk_ += std::to_string(dropped_) + " lines dropped: the console did not take them\n";
    }
    while (const auto record = next_record(input.substr(taken.consumed), cut)) {
        if (taken.consumed > 0 &&
            chunk_.size() + record->bytes.size() + 2 * service.size() + 32 > PIPE_BUF) {
            break;
        }
        heading(service);
        chunk_.append(record->bytes) += '\n';
        taken.consumed += record->consumed;
        taken.tail = record->final ? Tail::Finish : Tail::Part;
        ++lines;
    }
    const auto drop = [&] {
        dropped_ += lines;
        return taken;
    };
    Outcome outcome = Outcome::Done;
    if (!rest_.empty()) outcome = put(std::string(rest_));
    if (outcome == Outcome::Later) return dropping_ ? drop() : Taken{};
    if (outcome == Outcome::Done) outcome = put(chunk_);
    if (outcome == Outcome::Gone) return drop();
    if (outcome == Outcome::Later && rest_.size() == chunk_.size()) {
        rest_.clear();  // none of it went
        return dropping_ ? drop() : Taken{};
    }
    dropped_ = 0;
    dropping_ = false;
    return taken;
}

}  // namespace reeve::log
