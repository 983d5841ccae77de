#include "supervisor/shell/probes/ready_pipe.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

namespace reeve::shell {

ReadyPipe::ReadyPipe(asio::io_context& io, std::string path,
                     std::function<void(bool is_ready)> told)
    : path_(std::move(path)), told_(std::move(told)), reading_(io) {}

Result<Fd> ReadyPipe::open() {
    if (!path_.empty()) {
        auto writing = open_fifo();
        if (writing) return writing;
        ::unlink(path_.c_str());
        path_.clear();
    }
    return open_anonymous();
}

Result<Fd> ReadyPipe::open_fifo() {
    const auto failed = [this] { return system_error("cannot make " + path_); };
    ::unlink(path_.c_str());
    if (::mkfifo(path_.c_str(), 0600) != 0) return failed();
    Fd reading(::open(path_.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
    if (!reading) return failed();
    Fd writing(::open(path_.c_str(), O_RDWR | O_CLOEXEC));
    if (!writing) return failed();
    if (auto watched = watch(std::move(reading)); !watched) return watched.error();
    return writing;
}

Result<Fd> ReadyPipe::open_anonymous() {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) return system_error("cannot make a pipe");
    Fd reading(ends[0]), writing(ends[1]);
    if (auto watched = watch(std::move(reading)); !watched) return watched.error();
    return writing;
}

Result<> ReadyPipe::reopen(Fd held) {
    const bool was_held = static_cast<bool>(held);
    Fd reading(::open(path_.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
    const int errnum = errno;
    // Somebody may have deleted its name.
    if (!reading) reading = std::move(held);
    if (!reading) return system_error("cannot open " + path_, errnum);
    // End of file: nobody has it open for writing any more.
    char byte = 0;
    const bool closed = ::read(reading.get(), &byte, 1) == 0 && !was_held;
    const bool is_ready = closed || byte == '\n';
    if (!is_ready) return watch(std::move(reading));
    asio::post(reading_.get_executor(), [self = shared_from_this()] {
        const auto told = std::exchange(self->told_, nullptr);
        self->close();
        if (told) told(true);
    });
    return {};
}

Result<> ReadyPipe::watch(Fd reading) {
    boost::system::error_code error;
    reading_.assign(reading.get(), error);
    if (error) return system_error("cannot watch a pipe", error.value());
    (void)reading.release();
    read();
    return {};
}

void ReadyPipe::close() {
    told_ = nullptr;
    boost::system::error_code ignored;
    reading_.close(ignored);
    if (!path_.empty()) ::unlink(path_.c_str());
}

void ReadyPipe::read() {
    reading_.async_read_some(
        asio::buffer(chunk_),
        [self = shared_from_this()](const boost::system::error_code& error, std::size_t size) {
            if (!self->told_) return;
            const auto end = self->chunk_.begin() + static_cast<std::ptrdiff_t>(size);
            const bool is_ready = std::find(self->chunk_.begin(), end, '\n') != end;
            if (!error && !is_ready) return self->read();
            const auto told = std::exchange(self->told_, nullptr);
            self->close();
            told(is_ready);
        });
}

}  // namespace reeve::shell
