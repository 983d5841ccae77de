#include "ctl/log_folder.h"

#include <dirent.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <string_view>
#include <utility>

namespace reeve::ctl {

namespace {

constexpr std::string_view compressed_ending = ".zst";

struct CloseDirectory {
    void operator()(DIR* directory) const { closedir(directory); }
};

Result<std::vector<std::string>> names_in(const std::string& path) {
    const std::unique_ptr<DIR, CloseDirectory> directory(opendir(path.c_str()));
    if (!directory) return system_error("cannot read " + path);
    std::vector<std::string> names;
    // Each reader has a DIR of its own, which is all that readdir(3) asks of threads.
    while (const dirent* entry = readdir(directory.get())) {  // NOLINT(concurrency-mt-unsafe)
        if (entry->d_name[0] != '.') names.emplace_back(entry->d_name);
    }
    std::sort(names.begin(), names.end());
    return names;
}

/// Those of rotated files, which sort by time, a compressed one behind the same before that.
Result<std::vector<std::string>> rotated_names(const std::string& path) {
    auto names = names_in(path);
    if (!names) return names;
    std::erase_if(*names, [](const std::string& name) {
        return !name.starts_with('@') || !(name.ends_with(".log") || name.ends_with(".log.zst"));
    });
    return names;
}

/// A name that comes while a folder is read may be missed, and so may the one that it replaces: a
/// list is taken for true once two in a row are the same.
Result<std::vector<std::string>> settled_names(const std::string& path) {
    auto names = rotated_names(path);
    while (names) {
        auto again = rotated_names(path);
        if (!again || *again == *names) return again;
        names = std::move(again);
    }
    return names;
}

std::vector<LogSegment> rotated_segments(const std::string& path,
                                         const std::vector<std::string>& names) {
    std::vector<LogSegment> segments;
    for (const std::string& name : names) {
        LogSegment segment;
        segment.path = path + "/" + name;
        struct stat status {};
        if (stat(segment.path.c_str(), &status) != 0) {
            // Compressed since, or deleted. Which of them shows when it is opened.
            status = {};
        } else if (!S_ISREG(status.st_mode)) {
            continue;
        }
        segment.inode = status.st_ino;
        segment.compressed = name.ends_with(compressed_ending);
        if (segment.compressed) {
            segment.path.resize(segment.path.size() - compressed_ending.size());
            // The same text, which is about to be deleted in its plain form.
            if (!segments.empty() && segments.back().path == segment.path) continue;
        }
        segments.push_back(std::move(segment));
    }
    return segments;
}

}  // namespace

Result<LogFolder> LogFolder::open(const std::string& path) {
    while (true) {
        LogFolder folder;
        const std::string file = path + "/current";
        auto current = LogText::open(file);
        if (!current && current.error().errnum != ENOENT) return current.error();
        struct stat status {};
        if (current && fstat(current->fd(), &status) != 0) {
            return system_error("cannot read " + file);
        }
        const auto names = settled_names(path);
        if (!names) return names.error();
        folder.segments_ = rotated_segments(path, *names);
        if (!current) return folder;
        // Rotated since it was opened: then others may have been as well, so look again.
        struct stat now {};
        const bool rotated =
            stat(file.c_str(), &now) != 0 || now.st_ino != status.st_ino ||
            now.st_dev != status.st_dev ||
            std::any_of(folder.segments_.begin(), folder.segments_.end(),
                        [&](const LogSegment& s) { return s.inode == status.st_ino; });
        if (rotated) continue;
        folder.segments_.push_back({file, status.st_ino, false});
        folder.current_ = std::make_unique<LogText>(std::move(*current));
        return folder;
    }
}

/// Whichever form of it is there now.
Result<std::unique_ptr<LogText>> LogFolder::open_segment(const LogSegment& segment) const {
    const std::string compressed = segment.path + std::string(compressed_ending);
    auto text = LogText::open(segment.compressed ? compressed : segment.path);
    if (!text && text.error().errnum == ENOENT && !segment.compressed) {
        text = LogText::open(compressed);
    }
    if (!text && text.error().errnum == ENOENT) return std::unique_ptr<LogText>();
    if (!text) return text.error();
    return std::make_unique<LogText>(std::move(*text));
}

Result<LogText*> LogFolder::text(std::size_t segment) {
    if (current_ && segment + 1 == segments_.size()) {
        opened_.reset();  // with what it holds of a compressed text
        return current_.get();
    }
    if (segments_[segment].given_up) return nullptr;
    if (!opened_ || opened_segment_ != segment) {
        auto text = open_segment(segments_[segment]);
        if (!text) {
            const auto given_up = give_up(segment, text.error());
            if (!given_up) return given_up.error();
            return nullptr;
        }
        if (!*text) return nullptr;
        opened_ = std::move(*text);
        opened_segment_ = segment;
    }
    return opened_.get();
}

Result<void> LogFolder::give_up(std::size_t segment, const Error& error) {
    // What has an errno is the system's affair, and no matter of this file alone.
    if (error.errnum || segment >= segments_.size()) return error;
    segments_[segment].given_up = true;
    damages_.push_back(error.text());
    return {};
}

Result<std::vector<std::string>> services_with_logs(const std::string& log_dir) {
    auto names = names_in(log_dir);
    if (!names) return names.error();
    std::erase_if(*names, [&](const std::string& name) {
        struct stat status {};
        return stat((log_dir + "/" + name).c_str(), &status) != 0 || !S_ISDIR(status.st_mode);
    });
    return names;
}

}  // namespace reeve::ctl
