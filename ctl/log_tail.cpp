#include "ctl/log_tail.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "ctl/log_line.h"

namespace reeve::ctl {

namespace {

constexpr std::size_t block_size = 64 * 1024;

/// So much of a record says all but its text.
constexpr std::size_t head_size = 64;

/// How far to look back for the first part of a line whose other stream was quiet until then.
/// Parts of one line stand close together; without a limit a stream that was silent for gigabytes
/// would have all of them read.
constexpr std::uint64_t lookback = 1u << 20;

/// Counts records from the last one to the first and says where to stop. Lines of the two streams
/// may be mixed part by part, so a wanted line is known to begin where the line of its stream
/// before it ends.
class TailCounter {
  public:
    explicit TailCounter(std::uint64_t wanted) : wanted_(wanted) {}

    /// False when the records after this one are all that is needed.
    bool add(std::string_view head) {
        const auto record = parse_cri(head);
        const std::size_t stream = !record ? 2 : record->stream == "stderr" ? 1 : 0;
        const bool partial = record && record->partial;
        if (partial) return true;
        if (lines_ < wanted_) {
            ++lines_;
            // A line that is no record has no parts.
            begin_unknown_[stream] = stream != 2;
            return true;
        }
        begin_unknown_[stream] = false;
        if (!begin_unknown_[0] && !begin_unknown_[1]) return false;
        ++surplus_;
        return true;
    }

    bool complete() const { return lines_ == wanted_; }
    std::uint64_t lines() const { return lines_; }
    std::uint64_t surplus() const { return surplus_; }

  private:
    std::uint64_t wanted_;
    std::uint64_t lines_ = 0;
    std::uint64_t surplus_ = 0;
    std::array<bool, 3> begin_unknown_{};
};

/// Calls `visit(offset, head)` for each record from the last whole one to the first, until it says
/// false. True when it never did.
template <typename Visit>
Result<bool> backwards(int fd, std::uint64_t end, const Visit& visit) {
    std::array<char, block_size + head_size> block;
    bool in_whole_record = false;
    while (end > 0) {
        const std::uint64_t start = end > block_size ? end - block_size : 0;
        const std::size_t size = end - start;
        const auto got = read_at(fd, start, block.data(), size + head_size);
        if (!got) return got.error();
        if (*got < size) return error("cannot read what was there a moment ago");
        const auto visit_at = [&](std::size_t begin) {
            std::string_view head(block.data() + begin, std::min(*got - begin, head_size));
            return visit(start + begin, head.substr(0, head.find('\n')));
        };
        for (std::size_t left = size; left > 0;) {
            const void* newline = memrchr(block.data(), '\n', left);
            if (newline == nullptr) break;
            left = static_cast<std::size_t>(static_cast<const char*>(newline) - block.data());
            // What follows the last newline is not whole yet.
            if (in_whole_record && !visit_at(left + 1)) return false;
            in_whole_record = true;
        }
        if (start == 0 && in_whole_record && !visit_at(0)) return false;
        end = start;
    }
    return true;
}

}  // namespace

Result<TailPosition> find_tail(const LogFolder& folder, std::uint64_t wanted) {
    if (wanted == 0) {
        // Behind the last whole line, which is where the last one begins and one further.
        auto last = find_tail(folder, 1);
        if (last) last->surplus += std::exchange(last->lines, 0);
        return last;
    }
    TailCounter counter(wanted);
    TailPosition position{folder.segments.size(), 0, 0, 0};
    std::uint64_t looked_back = 0;
    for (std::size_t i = folder.segments.size(); i-- > 0;) {
        const LogSegment& segment = folder.segments[i];
        const bool is_current = folder.current && i + 1 == folder.segments.size();
        Fd opened;
        if (!is_current) {
            auto file = open_to_read(segment.path);
            if (!file && file.error().errnum == ENOENT) break;
            if (!file) return file.error();
            opened = std::move(*file);
        }
        std::uint64_t last = segment.size;
        const auto visit = [&](std::uint64_t offset, std::string_view head) {
            if (counter.complete()) looked_back += last - offset;
            last = offset;
            if (looked_back > lookback || !counter.add(head)) return false;
            position.segment = i;
            position.offset = offset;
            return true;
        };
        const int fd = is_current ? folder.current.get() : opened.get();
        const auto all = backwards(fd, segment.size, visit);
        if (!all) return all.error();
        if (!*all) break;
    }
    position.lines = counter.lines();
    position.surplus = counter.surplus();
    return position;
}

}  // namespace reeve::ctl
