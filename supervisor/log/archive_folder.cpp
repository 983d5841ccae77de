#include "supervisor/log/archive_folder.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <map>
#include <memory>
#include <string_view>

#include "base/fault_point.h"
#include "base/fd.h"
#include "supervisor/log/seekable.h"
#include "supervisor/log/stamp.h"

namespace reeve::log {

namespace {

constexpr std::string_view kCompressed = ".zst", kPart = ".part";
constexpr int kTurn = 16;  // files that are compressed before another folder has its turn
constexpr int kOpenFlags = O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY;

/// In which forms a rotated file is there.
struct Forms {
    bool plain = false, compressed = false;

    bool to_compress() const { return plain && !compressed; }
};

/// Moments of files may be any; ours end in the year 2262.
WallTime wall_time(const timespec& t) {
    const auto seconds = std::clamp<std::int64_t>(t.tv_sec, 0, 9'000'000'000);
    return WallTime(std::chrono::seconds(seconds) + std::chrono::nanoseconds(t.tv_nsec));
}

WallTime later(WallTime when, Duration by) {
    return when < WallTime::max() - by ? when + by : WallTime::max();
}

/// Whether it is the name of a rotated file, and nothing else behind it.
bool is_rotated(std::string_view name) {
    static const std::size_t length = rotated_name({}).size();
    return name.size() == length && parse_rotated_name(name);
}

std::string_view without(std::string_view name, std::string_view end) {
    return name.ends_with(end) ? name.substr(0, name.size() - end.size()) : std::string_view();
}

std::string part_name(const std::string& name) {
    std::string part = ".";
    return part.append(name).append(kCompressed).append(kPart);
}

/// One look at a folder, and what follows from it.
class Folder {
  public:
    explicit Folder(const std::string& path) : path_(path) {}

    Tended tend(const config::Log& rules, WallTime now, bool compressing) && {
        if (!look()) return {.problem = std::move(problem_)};
        if (!compressing) remove_parts();
        remove_superseded();
        remove_superfluous(rules.max_files);
        Tended tended;
        if (rules.max_age) {
            remove_old(*rules.max_age, now, tended);
            look_at_current(*rules.max_age, now, tended);
        }
        tended.to_compress = rules.compress == config::Log::Compression::Zstd &&
                             std::any_of(files_.begin(), files_.end(), [](const auto& file) {
                                 return file.second.to_compress();
                             });
        tended.problem = std::move(problem_);
        return tended;
    }

    Compressed compress(const std::atomic<bool>& stop) && {
        bool more = false;
        if (look()) {
            remove_parts();
            more = compress_some(stop);
        }
        return {more, std::move(problem_)};
    }

  private:
    bool look() {
        directory_.reset(::opendir(path_.c_str()));
        if (!directory_) return errno == ENOENT ? false : failed("cannot open " + path_, errno);
        folder_ = ::dirfd(directory_.get());
        while (const dirent* entry =
                   ::readdir(directory_.get())) {  // NOLINT(concurrency-mt-unsafe)
            const std::string_view name(entry->d_name);
            const std::string_view packed = without(name, kCompressed);
            if (is_rotated(name)) {
                files_[std::string(name)].plain = true;
            } else if (is_rotated(packed)) {
                files_[std::string(packed)].compressed = true;
            } else if (name.starts_with('.') &&
                       is_rotated(without(without(name.substr(1), kPart), kCompressed))) {
                parts_.emplace_back(name);
            }
        }
        return true;
    }

    /// What a killed predecessor was writing.
    void remove_parts() {
        for (const std::string& part : parts_) remove(part);
    }

    void remove_superseded() {
        for (auto& [name, forms] : files_) {
            if (forms.plain && forms.compressed && remove(name)) forms.plain = false;
        }
    }

    void remove_superfluous(int max_files) {
        const auto keep = static_cast<std::size_t>(std::max(max_files, 0));
        // Names sort by time.
        for (auto at = files_.begin(); at != files_.end() && files_.size() > keep;) {
            remove_forms(*at);
            at = files_.erase(at);
        }
    }

    void remove_old(Duration max_age, WallTime now, Tended& tended) {
        for (auto at = files_.begin(); at != files_.end();) {
            const std::string name = file_name(*at);
            struct stat st {};
            if (::fstatat(folder_, name.c_str(), &st, AT_SYMLINK_NOFOLLOW) != 0) {
                at = files_.erase(at);
                continue;
            }
            const WallTime end =
                later(time_of_last_line(*parse_rotated_name(name), wall_time(st.st_mtim)), max_age);
            if (end <= now) {
                remove_forms(*at);
                at = files_.erase(at);
            } else {
                tended.next = std::min(tended.next.value_or(end), end);
                ++at;
            }
        }
    }

    void look_at_current(Duration max_age, WallTime now, Tended& tended) const {
        const Fd current(::openat(folder_, "current", O_RDONLY | kOpenFlags));
        std::array<char, kStampBytes> text{};
        if (!current || ::read(current.get(), text.data(), text.size()) < 0) return;
        const auto first = parse_stamp({text.data(), text.size()});
        if (!first) return;
        const WallTime end = later(*first, max_age);
        tended.current_is_old = end <= now;
        if (end > now) tended.next = std::min(tended.next.value_or(end), end);
    }

    /// True: enough for now, and there is more.
    bool compress_some(const std::atomic<bool>& stop) {
        int done_so_far = 0;
        for (const auto& [name, forms] : files_) {
            if (!forms.to_compress()) continue;
            if (done_so_far == kTurn) return true;
            const std::string part = part_name(name);
            const auto done = compress(name, part, stop);
            if (done && *done) {
                ++done_so_far;
                continue;
            }
            ::unlinkat(folder_, part.c_str(), 0);
            if (done) break;
            failed("cannot compress " + path_ + "/" + name, done.error());
            // A disk that is full for one file is so for the next.
            if (done.error().errnum == ENOSPC || done.error().errnum == EDQUOT) break;
        }
        return false;
    }

    /// False: told to stop, or there is nothing to compress.
    Result<bool> compress(const std::string& name, const std::string& part,
                          const std::atomic<bool>& stop) {
        const Fd plain(::openat(folder_, name.c_str(), O_RDONLY | kOpenFlags));
        struct stat st {};
        if (!plain || ::fstat(plain.get(), &st) != 0) return system_error("cannot open it");
        if (!S_ISREG(st.st_mode)) return error("not a regular file");
        const Fd packed(
            ::openat(folder_, part.c_str(), O_WRONLY | O_CREAT | O_EXCL | kOpenFlags, 0600));
        if (!packed) return system_error("cannot create " + part);
        auto written = compress_seekable(plain.get(), packed.get(), stop);
        if (!written || !*written) return written;
        // The owner first: a change of it takes set-id bits away.
        const std::array times{st.st_atim, st.st_mtim};
        if (::fchown(packed.get(), st.st_uid, st.st_gid) != 0 ||
            ::fchmod(packed.get(), st.st_mode & 07777) != 0 ||
            ::futimens(packed.get(), times.data()) != 0) {
            return system_error("cannot give it the owner, mode and time of the plain file");
        }
        // A kill would not ask for it; a power failure would, when the plain file has gone.
        if (::fdatasync(packed.get()) != 0) return system_error("cannot write");
        const std::string whole = name + std::string(kCompressed);
        fault_point("a file that is compressed");
        if (::renameat(folder_, part.c_str(), folder_, whole.c_str()) != 0) {
            return system_error("cannot rename " + part);
        }
        fault_point("a file that is there twice");
        remove(name);
        return true;
    }

    static std::string file_name(const std::pair<const std::string, Forms>& file) {
        return file.second.compressed ? file.first + std::string(kCompressed) : file.first;
    }

    void remove_forms(const std::pair<const std::string, Forms>& file) {
        // A plain file beside a compressed one goes first, as when it is superseded.
        if (file.second.plain) remove(file.first);
        if (file.second.compressed) remove(file.first + std::string(kCompressed));
    }

    bool remove(const std::string& name) {
        if (::unlinkat(folder_, name.c_str(), 0) == 0 || errno == ENOENT) return true;
        return failed("cannot remove " + path_ + "/" + name, errno);
    }

    bool failed(std::string what, int why) {
        if (!problem_) problem_ = system_error(std::move(what), why);
        return false;
    }
    void failed(std::string what, const Error& cause) {
        if (problem_) return;
        what.append(": ").append(cause.message);
        problem_ = Error{std::move(what), cause.errnum, {}};
    }

    const std::string& path_;
    std::unique_ptr<DIR, int (*)(DIR*)> directory_{nullptr, ::closedir};
    int folder_ = -1;                     // of the directory above
    std::map<std::string, Forms> files_;  // by their plain names, oldest first
    std::vector<std::string> parts_;
    std::optional<Error> problem_;
};

}  // namespace

WallTime time_of_last_line(WallTime rotated, WallTime changed) {
    return std::min(rotated, changed);
}

Tended tend_folder(const std::string& folder, const config::Log& rules, WallTime now,
                   bool compressing) {
    return Folder(folder).tend(rules, now, compressing);
}

Compressed compress_folder(const std::string& folder, const std::atomic<bool>& stop) {
    return Folder(folder).compress(stop);
}

}  // namespace reeve::log
