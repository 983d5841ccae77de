#include "supervisor/os/program.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <climits>
#include <cstdlib>
#include <string_view>

#include "supervisor/os/directory.h"
#include "supervisor/os/files.h"

namespace reeve::os {

namespace {

/// Which descriptor the legacy is on.
constexpr const char* variable = "REEVE_LEGACY";
constexpr std::size_t largest_legacy = 256u << 20;

std::string own_file(const char* name) {
    std::array<char, PATH_MAX> target;
    const ssize_t size = readlink("/proc/self/exe", target.data(), target.size());
    if (size <= 0 || target[0] != '/') return name != nullptr && *name == '/' ? name : "";
    std::string path(target.data(), static_cast<std::size_t>(size));
    constexpr std::string_view deleted = " (deleted)";
    if (path.ends_with(deleted)) path.resize(path.size() - deleted.size());
    return path;
}

std::string current_dir() {
    std::array<char, PATH_MAX> path;
    return getcwd(path.data(), path.size()) != nullptr ? path.data() : "";
}

void set_kept(const std::vector<int>& descriptors, bool kept) {
    for (const int fd : descriptors) fcntl(fd, F_SETFD, kept ? 0 : FD_CLOEXEC);
}

Result<Fd> written_down(const std::string& legacy) {
    Fd memory(memfd_create("reeve-legacy", MFD_CLOEXEC));
    if (!memory) return system_error("cannot make memory for what is to be handed over");
    if (auto written = write_all(memory.get(), legacy); !written) return written.error();
    return memory;
}

}  // namespace

Program::Program(int argc, char** argv)
    : path_(own_file(argc > 0 ? argv[0] : nullptr)), start_dir_(current_dir()), argv_(argv) {
    if (argc > 1) arguments_ = {argv + 1, static_cast<std::size_t>(argc - 1)};
}

std::optional<std::string> Program::take_legacy() {
    const char* const text = std::getenv(variable);
    if (text == nullptr) return std::nullopt;
    const auto number = decimal(text);
    unsetenv(variable);
    struct stat status {};
    if (!number || *number <= STDERR_FILENO || fstat(*number, &status) != 0) return std::nullopt;
    const Fd memory(*number);
    const auto size = static_cast<std::size_t>(status.st_size);
    if (!S_ISREG(status.st_mode) || size > largest_legacy) return std::nullopt;
    std::string legacy(size, '\0');
    std::size_t read = 0;
    while (read < size) {
        const ssize_t n =
            pread(memory.get(), legacy.data() + read, size - read, static_cast<off_t>(read));
        if (n <= 0) return std::nullopt;
        read += static_cast<std::size_t>(n);
    }
    return legacy;
}

std::string Program::start_dir() const {
    return access(start_dir_.c_str(), X_OK) == 0 ? start_dir_ : "";
}

void Program::keep_no_longer(const std::vector<int>& descriptors) { set_kept(descriptors, false); }

Error Program::execute(const std::string& path, const std::vector<int>& kept,
                       const std::vector<ResourceLimit>& limits, const std::string& legacy) const {
    auto memory = written_down(legacy);
    if (!memory) return memory.error();
    std::vector<int> descriptors = kept;
    descriptors.push_back(memory->get());
    setenv(variable, std::to_string(memory->get()).c_str(), 1);
    std::vector<ResourceLimit> own = limits;
    for (ResourceLimit& limit : own)
        getrlimit(static_cast<__rlimit_resource>(limit.resource), &limit.value);
    set_kept(descriptors, true);
    for (const ResourceLimit& limit : limits) {
        setrlimit(static_cast<__rlimit_resource>(limit.resource), &limit.value);
    }
    const std::string here = current_dir();
    const bool moved = start_dir_ != here && chdir(start_dir_.c_str()) == 0;
    execv(path.c_str(), argv_);
    Error failed = system_error("cannot execute " + path);
    if (moved) (void)!chdir(here.c_str());
    for (const ResourceLimit& limit : own) {
        setrlimit(static_cast<__rlimit_resource>(limit.resource), &limit.value);
    }
    set_kept(descriptors, false);
    unsetenv(variable);
    return failed;
}

}  // namespace reeve::os
