#include "supervisor/shell/foreign_process.h"

#include <utility>

namespace reeve::shell {

namespace {

/// For so long its parent has time to reap it, which is when the kernel tells how it ended.
constexpr auto patience_with_parent = std::chrono::seconds(1);

}  // namespace

ForeignProcess::ForeignProcess(asio::io_context& io, pid_t pid, Fd pidfd, OnEnd on_end)
    : pid_(pid), pidfd_(io, pidfd.release()), patience_(io), on_end_(std::move(on_end)) {
    pidfd_.async_wait(
        asio::posix::stream_descriptor::wait_read,
        [this, alive = std::weak_ptr(alive_)](const boost::system::error_code& error) {
            if (!error && !alive.expired()) ended();
        });
}

void ForeignProcess::signal(int signal) { (void)os::send_signal(pidfd_.native_handle(), signal); }

bool ForeignProcess::exists() { return os::has_process(pidfd_.native_handle()); }

void ForeignProcess::ended() {
    const int pidfd = pidfd_.native_handle();
    if (const auto end = os::reap(pidfd)) return tell(*end);
    if (const auto status = os::exit_of_zombie(pid_, pidfd)) return tell({pid_, *status, {}});
    if (const auto status = os::exit_of_reaped(pidfd)) return tell({pid_, *status, {}});
    const auto then = [this,
                       alive = std::weak_ptr(alive_)](const boost::system::error_code& error) {
        if (!error && !alive.expired()) reaped();
    };
    pidfd_.async_wait(asio::posix::stream_descriptor::wait_error, then);
    patience_.expires_after(patience_with_parent);
    patience_.async_wait(then);
}

void ForeignProcess::reaped() {
    const auto status = os::exit_of_reaped(pidfd_.native_handle());
    tell({pid_, status.value_or(ExitStatus::unknown()), {}});
}

void ForeignProcess::tell(const os::Ended& end) {
    if (const OnEnd on_end = std::exchange(on_end_, nullptr)) on_end(end);
}

}  // namespace reeve::shell
