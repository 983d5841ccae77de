#include "ctl/service_log.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "ctl/log_cut.h"
#include "ctl/log_tail.h"

namespace reeve::ctl {

namespace {

/// Enough of a file's beginning to tell it from another: the first record's time.
std::string head_of(int fd) {
    char text[40];
    const ssize_t got = pread(fd, text, sizeof text, 0);
    return {text, static_cast<std::size_t>(std::max<ssize_t>(got, 0))};
}

}  // namespace

Result<bool> ServiceLog::open(std::optional<std::uint64_t> lines, std::optional<WallTime> until) {
    auto folder = open_log_folder(path_);
    if (!folder && folder.error().errnum == ENOENT) return false;
    if (!folder) return folder.error();
    compressed_ = folder->compressed;
    const bool is_there = !folder->segments.empty() || compressed_ > 0;
    if (until) {
        if (const auto cut = cut_behind(*folder, *until); !cut) return cut.error();
    }
    TailPosition position;
    if (lines) {
        const auto found = find_tail(*folder, *lines);
        if (!found) return found.error();
        position = *found;
        if (position.lines == *lines) compressed_ = 0;
    }
    lines_ = position.lines;
    surplus_ = position.surplus;
    first_offset_ = position.offset;
    current_ = std::move(folder->current);
    // The file that is being written stays the last one, also when nothing is to be read from it.
    const std::size_t last = folder->segments.size() - (current_ ? 1 : 0);
    if (last > 0) newest_rotated_ = folder->segments[last - 1].path;
    const std::size_t first = std::min(position.segment, last);
    segments_.assign(folder->segments.begin() + static_cast<std::ptrdiff_t>(first),
                     folder->segments.end());
    if (first != position.segment) first_offset_ = 0;
    return is_there;
}

void ServiceLog::begin(Fd fd, std::uint64_t offset) {
    reader_.emplace(std::move(fd), offset);
    head_.clear();
}

/// False behind the last one.
Result<bool> ServiceLog::next_segment() {
    while (!segments_.empty()) {
        const LogSegment segment = std::move(segments_.front());
        segments_.pop_front();
        const std::uint64_t offset = std::exchange(first_offset_, 0);
        const bool is_current = segments_.empty() && current_;
        auto file = is_current ? std::move(current_) : open_to_read(segment.path);
        if (!file && file.error().errnum == ENOENT) continue;
        if (!file) return file.error();
        begin(std::move(*file), offset);
        reader_->limit(segment.size);
        return true;
    }
    return false;
}

Result<std::optional<LogLine>> ServiceLog::next() {
    while (true) {
        if (!reader_) {
            const auto more = next_segment();
            if (!more) return more.error();
            if (!*more) return std::optional<LogLine>();
        }
        const auto record = reader_->next();
        if (!record) return record.error();
        if (!*record) {
            // The last file stays open: who follows goes on from there.
            if (segments_.empty()) return std::optional<LogLine>();
            reader_.reset();
            continue;
        }
        auto line = joiner_.add(**record);
        if (!line) continue;
        if (surplus_ == 0) return line;
        --surplus_;
    }
}

Result<void> ServiceLog::drain(const Emit& emit) {
    while (true) {
        const auto record = reader_->next();
        if (!record) return record.error();
        if (!*record) return {};
        if (const auto line = joiner_.add(**record)) emit(*line);
    }
}

/// Whether another file than ours is `current` now. While there is none, ours may still be written.
Result<bool> ServiceLog::was_rotated() const {
    struct stat ours {};
    struct stat now {};
    if (fstat(reader_->fd(), &ours) != 0) return system_error("cannot look at a log file");
    const std::string file = path_ + "/current";
    if (stat(file.c_str(), &now) != 0) {
        if (errno == ENOENT || errno == ENOTDIR) return false;
        return system_error("cannot look at " + file);
    }
    return ours.st_ino != now.st_ino || ours.st_dev != now.st_dev;
}

/// Reads the rotated files that came after the one with this inode, and begins the new `current`.
Result<void> ServiceLog::go_on_behind(ino_t inode, const Emit& emit) {
    auto folder = open_log_folder(path_);
    if (!folder) return folder.error();
    const auto& segments = folder->segments;
    const auto ours = std::find_if(segments.begin(), segments.end(),
                                   [&](const LogSegment& s) { return s.inode == inode; });
    const auto last = segments.end() - (folder->current ? 1 : 0);
    // When ours has been deleted, what is newer than all that was there before came after it.
    auto next = ours != segments.end()
                    ? ours + 1
                    : std::find_if(segments.begin(), last,
                                   [&](const LogSegment& s) { return s.path > newest_rotated_; });
    if (last != segments.begin()) newest_rotated_ = (last - 1)->path;
    for (; next < last; ++next) {
        auto file = open_to_read(next->path);
        if (!file && file.error().errnum == ENOENT) continue;
        if (!file) return file.error();
        begin(std::move(*file), 0);
        if (const auto drained = drain(emit); !drained) return drained.error();
    }
    if (folder->current) begin(std::move(folder->current), 0);
    return {};
}

/// A file that shrank and begins as before was cut back by a supervisor that writes its last batch
/// again after a crash: we have that batch, so wait until the file has grown past it. One that
/// begins otherwise was emptied by hand and is read anew.
Result<void> ServiceLog::notice_truncation() {
    struct stat status {};
    if (fstat(reader_->fd(), &status) != 0) return system_error("cannot look at a log file");
    const auto size = static_cast<std::uint64_t>(std::max<off_t>(status.st_size, 0));
    const std::string head = head_of(reader_->fd());
    if (size < reader_->offset() && !head.starts_with(head_)) reader_->seek(0);
    head_ = head;
    return {};
}

Result<void> ServiceLog::catch_up(const Emit& emit) {
    if (!reader_) {
        const auto there = open(std::nullopt);
        if (!there) return there.error();
        while (true) {
            const auto line = next();
            if (!line) return line.error();
            if (!*line) break;
            emit(**line);
        }
    }
    if (!reader_) return {};
    while (true) {
        reader_->lift_limit();
        if (const auto noticed = notice_truncation(); !noticed) return noticed.error();
        if (const auto drained = drain(emit); !drained) return drained.error();
        const auto rotated = was_rotated();
        if (!rotated) return rotated.error();
        if (!*rotated) return {};
        // Written between the reading and the rotation; nothing more comes to this file now.
        if (const auto drained = drain(emit); !drained) return drained.error();
        struct stat ours {};
        if (fstat(reader_->fd(), &ours) != 0) return system_error("cannot look at a log file");
        if (const auto gone_on = go_on_behind(ours.st_ino, emit); !gone_on) return gone_on.error();
    }
}

}  // namespace reeve::ctl
