#include "supervisor/shell/descriptors.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "base/fd.h"
#include "supervisor/os/process.h"

namespace reeve::shell {

namespace {

/// Four starts at once, with all their pipes, or more of them one after the other.
constexpr std::size_t for_starts = 32;

std::optional<std::size_t> limit_of_descriptors() {
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return std::nullopt;
    return limit.rlim_cur;
}

std::size_t kept_from_services(std::size_t limit) { return std::min<std::size_t>(64, limit / 4); }

}  // namespace

Result<> descriptors_for_start() {
    const auto limit = limit_of_descriptors();
    if (!limit) return {};
    const std::size_t kept = kept_from_services(*limit);
    // The kernel gives the lowest numbers that are free; one start takes no more than so many.
    std::array<Fd, 8> wanted;
    std::size_t highest = 0;
    for (Fd& fd : wanted) {
        fd.reset(::fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 0));
        if (!fd) return system_error("cannot open another descriptor");
        highest = static_cast<std::size_t>(fd.get());
    }
    if (highest + kept < *limit) return {};
    return system_error("the last " + std::to_string(kept) + " of " + std::to_string(*limit) +
                            " descriptors are reserved",
                        EMFILE);
}

std::optional<std::string> refuse_descriptor(std::size_t clients, std::size_t spared) {
    const auto limit = limit_of_descriptors();
    if (!limit) return std::nullopt;
    const std::size_t kept = kept_from_services(*limit);
    if (clients <= kept / 2) return std::nullopt;
    const auto left = os::descriptors_left();
    if (!left || *left >= kept + for_starts + spared) return std::nullopt;
    std::string why = "only ";
    why.append(std::to_string(*left)).append(" of ").append(std::to_string(*limit));
    return why.append(" descriptors are left, which are kept for services; try again later");
}

}  // namespace reeve::shell
