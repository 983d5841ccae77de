#include "supervisor/shell/own_log_file.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <mutex>
#include <system_error>
#include <utility>

#include "base/fd.h"
#include "base/quiet_thread.h"

namespace reeve::shell {

namespace {

struct Line {
    std::string text;
    std::uint64_t lost_before = 0;  ///< lines that found no room after the one ahead of this
};

Result<Fd> open_file(const std::string& path) {
    Fd file(::open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK,
                   0640));
    if (!file) return system_error("cannot open the log file " + path);
    return file;
}

}  // namespace

std::size_t write_line(int fd, std::string_view line) {
    std::size_t done = 0;
    while (done < line.size()) {
        pollfd ready{fd, POLLOUT, 0};
        if (::poll(&ready, 1, 0) != 1 || (ready.revents & POLLOUT) == 0) {
            errno = EAGAIN;
            break;
        }
        // A pipe that is ready takes so much without making us wait.
        const std::size_t piece = std::min<std::size_t>(line.size() - done, PIPE_BUF);
        const ssize_t written = ::write(fd, line.data() + done, piece);
        if (written == 0) errno = EIO;
        if (written <= 0) break;
        done += static_cast<std::size_t>(written);
    }
    return done;
}

struct OwnLogFile::Shared {
    explicit Shared(std::string its_path) : path(std::move(its_path)) {}

    /// Under the mutex, as the rest.
    bool has_work() const { return reopen || !queue.empty() || lost > 0; }
    /// The next line; an empty one where all that is left is to tell of a loss.
    Line take() {
        if (queue.empty()) return {{}, std::exchange(lost, 0)};
        Line line = std::move(queue.front());
        queue.pop_front();
        queued -= line.text.size();
        return line;
    }

    const std::string path;
    std::mutex mutex;
    std::condition_variable changed;
    std::optional<Result<>> opened;
    std::deque<Line> queue;
    std::size_t queued = 0;  // bytes
    std::uint64_t lost = 0;  // lines, since the last one in the queue
    std::optional<Render> reopen;
    bool busy = false;  // with a line that is in the queue no more
    bool ending = false, ended = false;
};

/// What the thread does.
class OwnLogFile::Writer {
  public:
    Writer(Shared& shared, Render render) : shared_(shared), render_(std::move(render)) {}

    void run() {
        auto file = open_file(shared_.path);
        std::unique_lock lock(shared_.mutex);
        if (file) {
            shared_.opened = Result<>();
            shared_.changed.notify_all();
            file_ = std::move(*file);
            work(lock);
            lock.unlock();
            file_.reset();
            lock.lock();
        } else {
            shared_.opened = Result<>(file.error());
        }
        shared_.ended = true;
        shared_.changed.notify_all();
    }

  private:
    /// Until the end is asked for and all is written.
    void work(std::unique_lock<std::mutex>& lock) {
        for (;;) {
            shared_.changed.wait(lock, [this] { return shared_.has_work() || shared_.ending; });
            if (!shared_.has_work()) return;
            shared_.busy = true;
            if (shared_.reopen) {
                render_ = *std::exchange(shared_.reopen, {});
                lock.unlock();
                reopen();
            } else {
                const Line line = shared_.take();
                lock.unlock();
                put(line);
            }
            lock.lock();
            shared_.busy = false;
            if (!shared_.has_work()) shared_.changed.notify_all();
        }
    }

    void reopen() {
        auto file = open_file(shared_.path);
        if (!file) return put({render_(config::LogLevel::Error, file.error().text())});
        file_ = std::move(*file);
        torn_ = false;
    }

    void put(const Line& line) {
        if (line.lost_before > 0) lose(line.lost_before, "the disk does not keep up");
        int errnum = tell_of_losses();
        if (line.text.empty()) return;
        if (errnum == 0) errnum = append(line.text);
        if (errnum == 0) return;
        lose(1, errnum == EAGAIN ? "nobody reads it" : Error::strerrordesc(errnum));
    }

    void lose(std::uint64_t lines, std::string why) {
        untold_ += lines;
        why_ = std::move(why);
    }

    /// 0 or an errno, as append().
    int tell_of_losses() {
        if (untold_ == 0) return 0;
        std::string text = std::to_string(untold_);
        text += untold_ == 1 ? " line of this log lost: " : " lines of this log lost: ";
        text += why_;
        const int errnum = append(render_(config::LogLevel::Warning, text));
        if (errnum == 0) untold_ = 0;
        return errnum;
    }

    /// A line of which only a part found room stays one, and nothing is added to it.
    int append(std::string_view line) {
        const std::string text = std::string(torn_ ? "\n" : "").append(line);
        const std::size_t written = write_line(file_.get(), text);
        const int errnum = errno;
        if (written > 0) torn_ = text[written - 1] != '\n';
        return written == text.size() ? 0 : errnum;
    }

    Shared& shared_;
    Render render_;
    Fd file_;
    bool torn_ = false;  // its last line has no end
    std::uint64_t untold_ = 0;
    std::string why_;
};

OwnLogFile::OwnLogFile(std::shared_ptr<Shared> shared) : shared_(std::move(shared)) {}

Result<std::shared_ptr<OwnLogFile>> OwnLogFile::start(std::string path, Render render) {
    auto shared = std::make_shared<Shared>(std::move(path));
    std::shared_ptr<OwnLogFile> file(new OwnLogFile(shared));
    try {
        file->thread_ = quiet_thread("reeve-own-log", [shared, render = std::move(render)] {
            Writer(*shared, render).run();
        });
    } catch (const std::system_error& failure) {
        return system_error("cannot start the thread that writes the log file " + shared->path,
                            failure.code().value());
    }
    return file;
}

OwnLogFile::~OwnLogFile() {
    if (!thread_.joinable()) return;
    std::unique_lock lock(shared_->mutex);
    shared_->ending = true;
    shared_->changed.notify_all();
    const bool ended =
        shared_->changed.wait_for(lock, kPatience, [this] { return shared_->ended; });
    lock.unlock();
    if (ended) {
        thread_.join();
    } else {
        thread_.detach();
    }
}

const std::string& OwnLogFile::path() const { return shared_->path; }

std::optional<Result<>> OwnLogFile::wait_until_open(Duration patience) {
    std::unique_lock lock(shared_->mutex);
    shared_->changed.wait_for(lock, patience, [this] { return shared_->opened.has_value(); });
    return shared_->opened;
}

void OwnLogFile::write(std::string line) {
    const std::lock_guard lock(shared_->mutex);
    if (shared_->queued + line.size() > kRoom) {
        ++shared_->lost;
        return;
    }
    shared_->queued += line.size();
    shared_->queue.push_back({std::move(line), std::exchange(shared_->lost, 0)});
    shared_->changed.notify_all();
}

void OwnLogFile::flush() {
    std::unique_lock lock(shared_->mutex);
    shared_->changed.wait_for(lock, kPatience, [this] {
        return shared_->ended || (!shared_->busy && !shared_->has_work());
    });
}

void OwnLogFile::reopen(Render render) {
    const std::lock_guard lock(shared_->mutex);
    shared_->reopen = std::move(render);
    shared_->changed.notify_all();
}

}  // namespace reeve::shell
