#pragma once

#include <sys/stat.h>
#include <sys/types.h>

#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "config/problem.h"
#include "config/reader.h"
#include "config/yaml.h"

namespace reeve::config {

/// Why a file or folder may not hold the configuration of a supervisor that runs as `self`: others
/// could write to it. Empty if it may.
std::string unsafe_ownership(const struct stat& status, uid_t self);

/// Finds and parses the files of a configuration: files, folders and what they include, each file
/// once. Reads nothing that could block.
class Sources {
  public:
    Sources(const Environment& environment, uid_t self, std::vector<Problem>& problems)
        : environment_(environment), self_(self), problems_(problems) {}

    /// A file, or a folder whose *.yaml are read in order of name. What is missing is an error.
    void add_path(const std::string& path);
    /// Text that stands in no file.
    void add_text(std::string_view text, const std::string& name);

    /// What was parsed, in order of reading.
    const std::vector<std::unique_ptr<const yaml::Document>>& documents() const {
        return documents_;
    }
    /// The absolute path of every file read, in order.
    const std::vector<std::string>& files() const { return files_; }
    /// Every file and folder that a problem may name, in order of reading.
    const std::vector<std::string>& names() const { return names_; }
    /// The errno of the first file or folder that could not be read; 0: all could.
    int unread() const { return unread_; }

  private:
    void add_folder(const std::string& path);
    void add_files(std::vector<std::string> files);
    /// Parses a file and gives what it includes.
    std::vector<std::string> add_file(const std::string& path);
    std::vector<std::string> includes_of(const yaml::Document& document);
    std::vector<std::string> matches_of(Reader& reader, yaml::Value item,
                                        const std::string& folder);
    /// Reports that a file or folder cannot be read, which errno says why.
    void report_unread(const std::string& path, const std::string& what, std::string what_to_do);
    void report(Severity severity, const std::string& file, std::string what,
                std::string what_to_do);

    const Environment& environment_;
    uid_t self_;
    std::vector<Problem>& problems_;
    std::vector<std::unique_ptr<const yaml::Document>> documents_;
    std::vector<std::string> files_;
    std::vector<std::string> names_;
    int unread_ = 0;
    std::set<std::pair<dev_t, ino_t>> seen_;
};

}  // namespace reeve::config
