#include "supervisor/log/watches.h"

#include <re2/re2.h>
#include <sys/ioctl.h>

#include <algorithm>
#include <utility>

namespace reeve::log {

namespace {

/// Of a line, so much of its beginning is looked at.
constexpr std::size_t kLongestLine = 64u << 10;

/// For a pattern's program and the states that it meets, in bytes; beyond that RE2 gets slower.
constexpr std::int64_t kPatternMemory = 1 << 20;

std::size_t pending(const Fd& end) {
    int n = 0;
    if (!end || ::ioctl(end.get(), FIONREAD, &n) != 0 || n < 0) return 0;
    return static_cast<std::size_t>(n);
}

RE2::Options options() {
    RE2::Options options;
    options.set_log_errors(false);
    options.set_max_mem(kPatternMemory);
    return options;
}

}  // namespace

struct Watches::Watch {
    struct Stream {
        std::size_t skip = 0;  // bytes that were written before
        std::string line;      // what has come of it
    };

    Watch(const std::string& regex, std::function<void()> call)
        : pattern(regex, options()), matched(std::move(call)) {}

    /// Whether a line that ends in these bytes matches.
    bool find(Stream& stream, std::string_view bytes) const {
        const std::size_t skipped = std::min(stream.skip, bytes.size());
        stream.skip -= skipped;
        bytes.remove_prefix(skipped);
        while (!bytes.empty()) {
            const std::size_t newline = bytes.find('\n');
            const std::string_view piece = bytes.substr(0, newline);
            const std::size_t room = kLongestLine - stream.line.size();
            // Most lines come in one piece and need no copy.
            const bool whole = newline != std::string_view::npos && stream.line.empty();
            if (!whole) stream.line.append(piece.substr(0, room));
            if (newline == std::string_view::npos) return false;
            const std::string_view line = whole ? piece.substr(0, room) : stream.line;
            if (RE2::PartialMatch(re2::StringPiece(line.data(), line.size()), pattern)) return true;
            stream.line.clear();
            bytes.remove_prefix(newline + 1);
        }
        return false;
    }

    RE2 pattern;
    std::function<void()> matched;
    Stream out, err;
};

Watches::Watches() = default;
Watches::~Watches() = default;

Result<> Watches::set(const std::string& service, const FdPair& ends, const std::string& pattern,
                      std::function<void()> matched) {
    auto watch = std::make_unique<Watch>(pattern, std::move(matched));
    if (!watch->pattern.ok()) {
        return error("cannot look for '" + pattern + "': " + watch->pattern.error());
    }
    const auto held = lock();
    watch->out.skip = pending(ends.out);
    watch->err.skip = pending(ends.err);
    watches_[service] = std::move(watch);
    return {};
}

void Watches::remove(const std::string& service) {
    const auto held = lock();
    watches_.erase(service);
}

void Watches::show(const std::string& service, Source source, std::string_view bytes) {
    if (watches_.empty()) return;
    const auto found = watches_.find(service);
    if (found == watches_.end()) return;
    Watch& watch = *found->second;
    if (!watch.find(source == Source::Out ? watch.out : watch.err, bytes)) return;
    watch.matched();
    watches_.erase(found);
}

}  // namespace reeve::log
