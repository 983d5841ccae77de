#include "ctl/host.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <cctype>
#include <cerrno>
#include <charconv>
#include <chrono>

namespace reeve::ctl {

namespace {

std::size_t width_of(const Host& host, int fd) {
    const std::string_view columns = host.variable("COLUMNS");
    std::size_t width = 0;
    std::from_chars(columns.data(), columns.data() + columns.size(), width);
    if (width > 0) return width;
    winsize size{};
    if (ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) return size.ws_col;
    return 80;
}

bool speaks_utf8(const Host& host) {
    // The first of them that is set decides; see locale(7).
    for (const char* name : {"LC_ALL", "LC_CTYPE", "LANG"}) {
        const std::string_view locale = host.variable(name);
        if (locale.empty()) continue;
        // "UTF-8", "utf8" and whatever lies between are all in use.
        std::string bare;
        for (const char c : locale) {
            if (c != '-') bare += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
        }
        return bare.find("utf8") != bare.npos;
    }
    return false;
}

}  // namespace

Host Host::own() {
    Host host;
    host.uid = geteuid();
    for (char** entry = environ; *entry != nullptr; ++entry) {
        const std::string_view text = *entry;
        const std::size_t equals = text.find('=');
        if (equals == text.npos) continue;
        host.environment.emplace(text.substr(0, equals), text.substr(equals + 1));
    }
    return host;
}

std::string_view Host::variable(const std::string& name) const {
    const auto found = environment.find(name);
    return found != environment.end() ? std::string_view(found->second) : std::string_view();
}

Look look_for(const Host& host, int fd, bool colour_wanted) {
    Look look;
    look.now = std::chrono::system_clock::now();
    look.unicode = speaks_utf8(host);
    if (isatty(fd) == 0) return look;
    look.width = width_of(host, fd);
    look.colour =
        colour_wanted && host.variable("NO_COLOR").empty() && host.variable("TERM") != "dumb";
    return look;
}

void Output::write(std::string_view text) {
    if (failed()) return;
    pending_ += text;
    if (pending_.size() >= 64 * 1024) flush();
}

void Output::flush() {
    std::string_view rest = pending_;
    while (!rest.empty() && !failed()) {
        const ssize_t written = ::write(fd_, rest.data(), rest.size());
        if (written >= 0) {
            rest.remove_prefix(static_cast<std::size_t>(written));
        } else if (errno != EINTR) {
            errnum_ = errno;
        }
    }
    pending_.clear();
}

}  // namespace reeve::ctl
