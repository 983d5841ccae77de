#include "config/sources.h"

#include <dirent.h>
#include <fcntl.h>
#include <glob.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <deque>

#include "base/fd.h"
#include "config/users.h"

namespace reeve::config {

namespace {

/// A group that only the user itself is in, as many systems give one to everybody.
bool is_own_group(gid_t gid, uid_t uid) {
    const std::string group = Users::group_name(gid);
    return !group.empty() && group == Users::user_name(uid);
}

std::string absolute_path(const std::string& path) {
    char* real = ::realpath(path.c_str(), nullptr);
    const std::string result = real != nullptr ? real : path;
    std::free(real);
    return result;
}

std::string folder_of(const std::string& path) {
    const std::size_t slash = path.rfind('/');
    return slash == std::string::npos ? "" : path.substr(0, slash + 1);
}

/// A folder's name as the beginning of a pattern: none of it is a pattern itself.
std::string without_pattern(std::string_view folder) {
    std::string out;
    for (const char c : folder) {
        if (std::string_view("*?[\\").find(c) != std::string_view::npos) out += '\\';
        out += c;
    }
    return out;
}

/// Up to a byte more than a configuration file may have.
Result<std::string> read_all(int fd, const std::string& path) {
    std::string text;
    while (text.size() <= yaml::kLargestFile) {
        const std::size_t before = text.size();
        text.resize(before + 65'536);
        const ssize_t n = ::read(fd, text.data() + before, 65'536);
        text.resize(before + static_cast<std::size_t>(std::max<ssize_t>(n, 0)));
        if (n == 0) break;
        if (n < 0 && errno != EINTR) return system_error("cannot read " + path);
    }
    return text;
}

}  // namespace

std::string unsafe_ownership(const struct stat& status, uid_t self) {
    if (status.st_uid != 0 && status.st_uid != self) {
        return "belongs to user " + std::to_string(status.st_uid) +
               ", who could change what runs here";
    }
    if ((status.st_mode & S_IWOTH) != 0) return "can be written by everybody";
    if ((status.st_mode & S_IWGRP) == 0 || (status.st_gid == 0 && self == 0)) return {};
    if (self != 0 && is_own_group(status.st_gid, self)) return {};
    return "can be written by group " + std::to_string(status.st_gid);
}

void Sources::report(Severity severity, const std::string& file, std::string what,
                     std::string what_to_do) {
    problems_.push_back({severity, {file, 1, 1}, {}, std::move(what), std::move(what_to_do)});
}

void Sources::report_unread(const std::string& path, const std::string& what,
                            std::string what_to_do) {
    const Error error = system_error("cannot read " + what);
    if (unread_ == 0) unread_ = error.errnum.value_or(0);
    names_.push_back(path);
    report(Severity::Error, path, error.text(), std::move(what_to_do));
}

void Sources::add_path(const std::string& path) {
    struct stat status {};
    if (::stat(path.c_str(), &status) != 0) {
        return report_unread(path, path, "name a file or folder that exists");
    }
    if (S_ISDIR(status.st_mode)) return add_folder(path);
    add_files({path});
}

void Sources::add_folder(const std::string& path) {
    struct stat status {};
    Fd fd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    DIR* folder = fd && ::fstat(fd.get(), &status) == 0 ? ::fdopendir(fd.get()) : nullptr;
    if (folder == nullptr) {
        return report_unread(path, "the folder " + path, "make it readable");
    }
    names_.push_back(path);
    (void)fd.release();  // the DIR owns it now
    std::vector<std::string> files;
    while (const dirent* entry = ::readdir(folder)) {
        const std::string_view name = entry->d_name;
        if (name.ends_with(".yaml") && name[0] != '.') {
            files.push_back(path + (path.ends_with('/') ? "" : "/") + std::string(name));
        }
    }
    ::closedir(folder);
    if (const std::string why = unsafe_ownership(status, self_); !why.empty()) {
        return report(Severity::Error, path, why, "chown it to root and chmod go-w it");
    }
    if (files.empty()) {
        report(Severity::Warning, path, "the folder has no *.yaml", "put one there");
    }
    std::sort(files.begin(), files.end());
    add_files(std::move(files));
}

void Sources::add_files(std::vector<std::string> files) {
    // What a file includes comes right after it.
    std::deque<std::string> waiting(files.begin(), files.end());
    while (!waiting.empty()) {
        const std::string file = std::move(waiting.front());
        waiting.pop_front();
        const auto included = add_file(file);
        waiting.insert(waiting.begin(), included.begin(), included.end());
    }
}

std::vector<std::string> Sources::add_file(const std::string& path) {
    const auto refuse = [&](std::string what, std::string what_to_do) {
        names_.push_back(path);
        report(Severity::Error, path, std::move(what), std::move(what_to_do));
        return std::vector<std::string>();
    };
    struct stat status {};
    if (::stat(path.c_str(), &status) != 0) {
        report_unread(path, path, "name a file that exists");
        return {};
    }
    // Looked at before it is opened, for opening alone can set a device going.
    if (S_ISREG(status.st_mode) && !seen_.emplace(status.st_dev, status.st_ino).second) return {};
    if (!S_ISREG(status.st_mode)) {
        return refuse("is not a regular file",
                      S_ISDIR(status.st_mode) ? "include FOLDER/*.yaml" : "name a regular file");
    }
    const Fd fd(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
    if (!fd || ::fstat(fd.get(), &status) != 0) {
        report_unread(path, path, "make it readable");
        return {};
    }
    if (!S_ISREG(status.st_mode)) return refuse("is not a regular file", "name a regular file");
    if (const std::string why = unsafe_ownership(status, self_); !why.empty()) {
        return refuse(why, "chown it to root and chmod go-w it");
    }
    const auto text = read_all(fd.get(), path);
    if (!text) return refuse(text.error().text(), "make it readable");
    files_.push_back(absolute_path(path));
    names_.push_back(path);
    auto document = yaml::parse(*text, path, problems_);
    if (document == nullptr) return {};
    documents_.push_back(std::move(document));
    return includes_of(*documents_.back());
}

void Sources::add_text(std::string_view text, const std::string& name) {
    names_.push_back(name);
    auto document = yaml::parse(text, name, problems_);
    if (document == nullptr) return;
    documents_.push_back(std::move(document));
    add_files(includes_of(*documents_.back()));
}

std::vector<std::string> Sources::includes_of(const yaml::Document& document) {
    const yaml::Value include = document.root().find("include");
    std::vector<std::string> files;
    if (!include || include.kind() == yaml::Kind::Null) return files;
    Reader reader(environment_, problems_);
    const Reader::Step step(reader, "include");
    if (!reader.is(include, yaml::Kind::Sequence, "a list of files")) return files;
    for (std::size_t i = 0; i < include.size(); ++i) {
        const Reader::Step index(reader, i);
        const auto matches = matches_of(reader, include.item(i), folder_of(document.file()));
        files.insert(files.end(), matches.begin(), matches.end());
    }
    return files;
}

std::vector<std::string> Sources::matches_of(Reader& reader, yaml::Value item,
                                             const std::string& folder) {
    auto pattern = reader.text(item, "the name of a file");
    if (!pattern) return {};
    const std::string base = pattern->starts_with('/') ? "" : folder;
    if (pattern->find_first_of("*?[") == std::string::npos) {
        struct stat status {};
        if (!pattern->empty() && ::stat((base + *pattern).c_str(), &status) == 0) {
            return {base + *pattern};
        }
        reader.error(item, system_error("cannot read " + base + *pattern).text(),
                     "name a file that exists");
        return {};
    }
    glob_t found{};
    std::vector<std::string> files;
    if (::glob((without_pattern(base) + *pattern).c_str(), 0, nullptr, &found) == 0) {
        files.assign(found.gl_pathv, found.gl_pathv + found.gl_pathc);
    }
    ::globfree(&found);
    if (files.empty()) {
        reader.warning(item, quote(*pattern) + " matches no file", "remove it or add a file");
    }
    return files;
}

}  // namespace reeve::config
