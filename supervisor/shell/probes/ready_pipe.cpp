#include "supervisor/shell/probes/ready_pipe.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

namespace reeve::shell {

ReadyPipe::ReadyPipe(asio::io_context& io, std::function<void(bool is_ready)> told)
    : told_(std::move(told)), reading_(io) {}

Result<Fd> ReadyPipe::open() {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) return system_error("cannot make a pipe");
    Fd reading(ends[0]), writing(ends[1]);
    boost::system::error_code error;
    reading_.assign(reading.get(), error);
    if (error) return system_error("cannot watch a pipe", error.value());
    (void)reading.release();
    read();
    return writing;
}

void ReadyPipe::close() {
    told_ = nullptr;
    boost::system::error_code ignored;
    reading_.close(ignored);
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
