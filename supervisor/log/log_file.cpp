#include "supervisor/log/log_file.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <memory>

#include "base/fault_point.h"
#include "supervisor/log/stamp.h"

namespace reeve::log {

namespace {

constexpr mode_t kDirectoryMode = 0750;
constexpr mode_t kFileMode = 0640;
constexpr std::string_view kCurrent = "/current";

/// When the newest of the rotated files in a directory was rotated; 1970 when there is none.
WallTime newest_rotated(const std::string& directory) {
    WallTime newest{};
    const std::unique_ptr<DIR, int (*)(DIR*)> dir(::opendir(directory.c_str()), ::closedir);
    if (!dir) return newest;
    while (const dirent* entry = ::readdir(dir.get())) {  // NOLINT(concurrency-mt-unsafe)
        newest = std::max(newest, parse_rotated_name(entry->d_name).value_or(newest));
    }
    return newest;
}

FileMark mark_of(const struct stat& st) {
    return {st.st_dev, st.st_ino, static_cast<std::uint64_t>(st.st_size)};
}

}  // namespace

bool LogFile::make_directories(const std::string& path) {
    if (::mkdir(path.c_str(), kDirectoryMode) == 0 || errno == EEXIST) return true;
    const std::size_t slash = path.rfind('/');
    if (errno != ENOENT || slash == std::string::npos || slash == 0) return false;
    return make_directories(path.substr(0, slash)) &&
           (::mkdir(path.c_str(), kDirectoryMode) == 0 || errno == EEXIST);
}

Result<bool> LogFile::prepare(const std::string& directory, Time now) {
    if (!is_due(now)) return false;
    look_due_ = false;
    if (fd_) {
        struct stat st {};
        looked_ = now;
        if (::fstat(fd_.get(), &st) != 0 || st.st_nlink == 0) {
            fd_.reset();
        } else {
            const FileMark found = mark_of(st);
            // Somebody may have truncated it.
            if (!cut_due_ || found.size < mark_.size) mark_ = found;
            return true;
        }
    }
    if (auto opened = open(directory); !opened) return opened.error();
    looked_ = now;
    return true;
}

Result<> LogFile::open(const std::string& directory) {
    const std::string path = directory + std::string(kCurrent);
    // Readable, to see how it ends; non-blocking, in case it is no file at all.
    const int flags = O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY;
    Fd fd(::open(path.c_str(), flags, kFileMode));
    if (!fd && errno == ENOENT) {
        if (!make_directories(directory)) return system_error("cannot create " + directory);
        fd.reset(::open(path.c_str(), flags, kFileMode));
    }
    if (!fd) return system_error("cannot open " + path);
    struct stat st {};
    if (::fstat(fd.get(), &st) != 0) return system_error("cannot look at " + path);
    if (!S_ISREG(st.st_mode)) return error("cannot write to " + path + ": not a regular file");
    fd_ = std::move(fd);
    mark_ = mark_of(st);
    cut_due_ = false;
    read_ends();
    return {};
}

/// Learns from the first record of a file how old it is, and from the last one where its time had
/// come to, and whether it is whole.
void LogFile::read_ends() {
    torn_ = false;
    first_.reset();
    if (mark_.size == 0) {
        last_ = {};
        return;
    }
    std::array<char, kStampBytes> begin{};
    if (::pread(fd_.get(), begin.data(), begin.size(), 0) > 0) {
        first_ = parse_stamp({begin.data(), begin.size()});
    }
    // Records are short as a rule; one longer than this merely leaves the clock unchecked.
    std::string end(std::min<std::uint64_t>(mark_.size, 8192), '\0');
    const bool whole = end.size() == mark_.size;
    const ssize_t got =
        ::pread(fd_.get(), end.data(), end.size(), static_cast<off_t>(mark_.size - end.size()));
    if (got <= 0) return;
    end.resize(static_cast<std::size_t>(got));
    torn_ = end.back() != '\n';
    if (!torn_) end.pop_back();
    const std::size_t newline = end.rfind('\n');
    const auto stamp = parse_stamp(std::string_view(end).substr(newline + 1));
    if (stamp && (newline != std::string::npos || whole)) last_ = std::max(last_, *stamp);
}

Result<> LogFile::append(std::string_view records) {
    const auto put = [&](std::string_view rest) {
        while (!rest.empty()) {
            const ssize_t n = ::write(fd_.get(), rest.data(), rest.size());
            if (n < 0 && errno != EINTR) return false;
            if (n > 0) rest.remove_prefix(static_cast<std::size_t>(n));
        }
        return true;
    };
    const auto cut = [&] {
        cut_due_ = ::ftruncate(fd_.get(), static_cast<off_t>(mark_.size)) != 0;
        return !cut_due_;
    };
    if ((cut_due_ && !cut()) || (torn_ && !put("\n")) || !put(records)) {
        const int why = errno;
        // Half a batch would be half a line, and is there twice when the batch is written again.
        cut();
        return system_error("cannot write", why);
    }
    if (mark_.size == 0) first_ = parse_stamp(records);
    mark_.size += records.size() + (torn_ ? 1 : 0);
    torn_ = false;
    return {};
}

Result<> LogFile::rotate(const std::string& directory, WallTime now) {
    if (!newest_) newest_ = newest_rotated(directory);
    // The clock may have been set back: the newest file must still sort last.
    const WallTime when = std::max(now, *newest_ + 1ns);
    const std::string current = directory + std::string(kCurrent);
    const std::string target = directory + "/" + rotated_name(when);
    fault_point("a rotation");
    if (::rename(current.c_str(), target.c_str()) != 0) {
        return system_error("cannot rename " + current);
    }
    fault_point("a file that is rotated");
    newest_ = when;
    fd_.reset();
    return {};
}

WallTime LogFile::stamp(WallTime now) { return last_ = std::max(last_, now); }

Result<> LogFile::undo(const std::string& directory, const FileMark& mark) {
    const std::string path = directory + std::string(kCurrent);
    const Fd fd(::open(path.c_str(), O_WRONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY));
    struct stat st {};
    if (!fd || ::fstat(fd.get(), &st) != 0) {
        if (errno == ENOENT) return {};
        return system_error("cannot open " + path);
    }
    const FileMark found = mark_of(st);
    if (found.device != mark.device || found.inode != mark.inode || found.size <= mark.size)
        return {};
    if (::ftruncate(fd.get(), static_cast<off_t>(mark.size)) != 0) {
        return system_error("cannot truncate " + path);
    }
    return {};
}

}  // namespace reeve::log
