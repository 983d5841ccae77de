#include "ctl/service_log.h"

#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include "ctl/log_place.h"
#include "ctl/read_file.h"

namespace reeve::ctl {

namespace {

/// Enough of a file's beginning to tell it from another: the first record's time.
Result<std::string> head_of(LogText& text) {
    std::array<char, 40> head;
    const auto got = text.read_at(0, head.data(), head.size());
    if (!got) return got.error();
    return std::string(head.data(), *got);
}

/// Whether two files hold the same: one is the other, compressed.
Result<bool> is_same_text(LogText& one, LogText& other) {
    // One of them may have been opened while it was still written.
    const auto size = one.compressed() ? Result<std::uint64_t>(one.size()) : size_of_file(one.fd());
    if (!size) return size.error();
    if (*size != other.size()) return false;
    const auto head = head_of(one);
    if (!head) return head.error();
    const auto other_head = head_of(other);
    if (!other_head) return other_head.error();
    return *head == *other_head;
}

const std::string& newest_rotated(const LogFolder& folder, const std::string& before) {
    const std::size_t rotated = folder.segments().size() - (folder.has_current() ? 1 : 0);
    return rotated > 0 ? folder.segments()[rotated - 1].path : before;
}

}  // namespace

Result<bool> ServiceLog::open(const LogQuery& query) {
    query_ = query;
    auto folder = LogFolder::open(path_);
    if (!folder && folder.error().errnum == ENOENT) return false;
    if (!folder) return folder.error();
    folder_ = std::make_unique<LogFolder>(std::move(*folder));
    newest_rotated_ = newest_rotated(*folder_, newest_rotated_);
    LogPlace end = folder_->end();
    if (query.until) {
        const auto place = place_of(*folder_, *query.until);
        if (!place) return place.error();
        end = *place;
    }
    auto start = find_start(end);
    if (!start) return start.error();
    lines_ = start->lines;
    unwanted_ = start->unwanted;
    // The file that is being written stays the last one, also when nothing is to be read from it.
    if (folder_->has_current() && start->place == folder_->end()) --start->place.segment;
    scan_.emplace(*folder_, *start, end);
    return !folder_->segments().empty();
}

std::vector<std::string> ServiceLog::damages() const {
    return folder_ ? folder_->damages() : std::vector<std::string>();
}

Result<LogStart> ServiceLog::find_start(LogPlace end) {
    LogPlace from;
    if (query_.since) {
        const auto place = place_of(*folder_, *query_.since);
        if (!place) return place.error();
        from = std::min(*place, end);
    }
    if (query_.lines && query_.asks_for_content()) {
        return find_matching_tail(*folder_, from, end, *query_.lines, query_);
    }
    if (query_.lines) return find_tail(*folder_, from, end, *query_.lines);
    return query_.since ? start_at(*folder_, from) : LogStart{};
}

Result<std::optional<LogLine>> ServiceLog::next() {
    while (scan_) {
        auto line = scan_->next();
        if (!line || !*line) return line;
        if (!query_.wants(**line)) continue;
        if (unwanted_ == 0) return line;
        --unwanted_;
    }
    return std::optional<LogLine>();
}

Result<void> ServiceLog::drain(const Emit& emit) {
    while (true) {
        const auto record = reader_->next();
        if (!record) return record.error();
        if (!*record) return {};
        const auto line = joiner_.add(**record);
        if (line && query_.wants(*line)) emit(*line);
    }
}

/// Whether another file than ours is `current` now. While there is none, ours may still be written.
Result<bool> ServiceLog::was_rotated() const {
    struct stat ours {};
    struct stat now {};
    if (fstat(reader_->text().fd(), &ours) != 0) return system_error("cannot look at a log file");
    const std::string file = path_ + "/current";
    if (stat(file.c_str(), &now) != 0) {
        if (errno == ENOENT || errno == ENOTDIR) return false;
        return system_error("cannot look at " + file);
    }
    return ours.st_ino != now.st_ino || ours.st_dev != now.st_dev;
}

/// The first segment that was written after the file that we are in, which may have got another
/// name since, have been compressed, or deleted.
Result<std::size_t> ServiceLog::segment_behind_ours(LogFolder& folder) const {
    struct stat ours {};
    if (fstat(reader_->text().fd(), &ours) != 0) return system_error("cannot look at a log file");
    const auto& segments = folder.segments();
    for (std::size_t i = 0; i < segments.size(); ++i) {
        if (segments[i].inode == ours.st_ino) return i + 1;
    }
    // What is newer than all that was there before is ours, in another form, or came after it.
    std::size_t next = 0;
    const std::size_t rotated = segments.size() - (folder.has_current() ? 1 : 0);
    while (next < rotated && segments[next].path <= newest_rotated_) ++next;
    if (next == rotated) return next;
    const auto text = folder.text(next);
    if (!text) return text.error();
    if (*text == nullptr) return next;
    const auto same = is_same_text(reader_->text(), **text);
    if (!same) return same.error();
    return *same ? next + 1 : next;
}

/// Reads the rotated files that came after ours, and begins the new `current`.
Result<void> ServiceLog::go_on_behind(const Emit& emit) {
    auto opened = LogFolder::open(path_);
    if (!opened) return opened.error();
    auto folder = std::make_unique<LogFolder>(std::move(*opened));
    const auto behind = segment_behind_ours(*folder);
    if (!behind) return behind.error();
    newest_rotated_ = newest_rotated(*folder, newest_rotated_);
    const bool has_current = folder->has_current();
    bool moved_on = false;
    for (std::size_t i = *behind; i < folder->segments().size(); ++i) {
        const auto text = folder->text(i);
        if (!text) return text.error();
        if (*text == nullptr) continue;
        reader_.emplace(**text, 0);
        head_.clear();
        moved_on = true;
        // That is read by who called.
        if (has_current && i + 1 == folder->segments().size()) break;
        if (const auto drained = drain(emit); !drained) return drained.error();
    }
    // Else ours is still read from, and its folder has to stay.
    if (moved_on) folder_ = std::move(folder);
    return {};
}

/// A file that shrank and begins as before was cut back by a supervisor that writes its last batch
/// again after a crash: we have that batch, so wait until the file has grown past it. One that
/// begins otherwise was emptied by hand and is read anew.
Result<void> ServiceLog::notice_truncation() {
    LogText& text = reader_->text();
    if (text.compressed()) return {};
    const auto size = size_of_file(text.fd());
    if (!size) return size.error();
    const auto head = head_of(text);
    if (!head) return head.error();
    if (*size < reader_->offset() && !head->starts_with(head_)) reader_->seek(0);
    head_ = *head;
    return {};
}

/// Goes on from where the history ended; where there was no log then, all that has come since is
/// new.
Result<void> ServiceLog::begin_following(const Emit& emit) {
    if (!scan_ || !scan_->reader()) {
        query_.lines.reset();
        const auto there = open(LogQuery(query_));
        if (!there) return there.error();
        while (true) {
            const auto line = next();
            if (!line) return line.error();
            if (!*line) break;
            emit(**line);
        }
    }
    if (!scan_) return {};
    reader_ = scan_->reader();
    joiner_ = scan_->joiner();
    scan_.reset();
    return {};
}

Result<void> ServiceLog::catch_up(const Emit& emit) {
    if (!reader_) {
        if (const auto begun = begin_following(emit); !begun) return begun.error();
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
        if (const auto gone_on = go_on_behind(emit); !gone_on) return gone_on.error();
    }
}

}  // namespace reeve::ctl
