#include "supervisor/shell/enablement.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <memory>
#include <string_view>

#include "base/fd.h"
#include "config/values.h"
#include "supervisor/os/files.h"

namespace reeve::shell {

namespace {

constexpr std::string_view enabled_word = "enabled\n";
constexpr std::string_view disabled_word = "disabled\n";

}  // namespace

Enablement::Enablement(const std::string& state_dir, std::vector<std::string>& problems) {
    if (state_dir.empty()) return;
    folder_ = state_dir + "/boot";
    const std::unique_ptr<DIR, int (*)(DIR*)> folder(::opendir(folder_.c_str()), ::closedir);
    if (!folder) {
        if (errno != ENOENT) problems.push_back(system_error("cannot read " + folder_).text());
        return;
    }
    while (const dirent* entry = ::readdir(folder.get())) {
        const std::string name = entry->d_name;
        // Ours have the names of services; what is being written begins with a dot.
        if (name.starts_with('.')) continue;
        const auto said = os::read_file(folder_ + "/" + name, 64);
        if (config::check_service_name(name) || !said ||
            (*said != enabled_word && *said != disabled_word)) {
            problems.push_back("ignoring " + folder_ + "/" + name +
                               ": it says neither enabled nor disabled of a service");
            continue;
        }
        decisions_[name] = *said == enabled_word;
    }
}

Result<> Enablement::decide(const std::vector<std::string>& services, bool enabled) {
    for (std::size_t i = 0; i < services.size(); ++i) {
        const auto known = decisions_.find(services[i]);
        if (known != decisions_.end() && known->second == enabled) continue;
        if (auto written = write(services[i], enabled); !written) {
            while (i-- > 0) restore(services[i]);
            return written;
        }
    }
    for (const std::string& service : services) decisions_[service] = enabled;
    return {};
}

/// What was decided before stays what counts. That this cannot be written either shows at the next
/// boot alone, and nobody is left to be told more than that it failed.
void Enablement::restore(const std::string& service) const {
    const auto before = decisions_.find(service);
    if (before != decisions_.end()) {
        (void)write(service, before->second);
    } else {
        ::unlink((folder_ + "/" + service).c_str());
    }
}

Result<> Enablement::write(const std::string& service, bool enabled) const {
    const std::string what =
        "cannot remember that " + service + " is " + (enabled ? "enabled" : "disabled");
    if (folder_.empty()) return error(what + ": there is no state directory");
    if (::mkdir(folder_.c_str(), 0700) != 0 && errno != EEXIST) {
        return system_error(what + ": " + folder_);
    }
    const std::string path = folder_ + "/" + service;
    const std::string fresh = folder_ + "/." + service;
    const Fd file(
        ::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!file) return system_error(what + ": " + fresh);
    const auto written = os::write_all(file.get(), enabled ? enabled_word : disabled_word);
    // Not waited for until it is on the disk: whoever asks is not the only one who waits.
    if (!written || ::rename(fresh.c_str(), path.c_str()) != 0) {
        const auto failed = system_error(what + ": " + fresh);
        ::unlink(fresh.c_str());
        return written ? failed : written.error();
    }
    return {};
}

}  // namespace reeve::shell
