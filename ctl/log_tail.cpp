#include "ctl/log_tail.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "ctl/log_line.h"
#include "ctl/log_place.h"
#include "ctl/log_scan.h"

namespace reeve::ctl {

namespace {

constexpr std::size_t block_size = 64 * 1024;

/// So much of a record says all but its text.
constexpr std::size_t head_size = 64;

/// How far to look back for the first part of a line whose other stream was quiet until then.
/// Parts of one line stand close together; without a limit a stream that was silent for gigabytes
/// would have all of them read. Less for a line that nobody knows to be there.
constexpr std::uint64_t lookback = 1u << 20;
constexpr std::uint64_t lookback_in_doubt = 64u << 10;

/// Among matching lines, how much is read at a time on the way back.
constexpr std::uint64_t first_stride = 256u << 10;
constexpr std::uint64_t longest_stride = 4u << 20;

/// Counts records from the last one to the first and says where to stop. Lines of the two streams
/// may be mixed part by part, so a wanted line is known to begin where the line of its stream
/// before it ends.
class TailCounter {
  public:
    /// With none wanted, any line behind where it begins may have parts before that.
    explicit TailCounter(std::uint64_t wanted)
        : wanted_(wanted),
          lookback_(wanted == 0 ? lookback_in_doubt : lookback),
          begin_unknown_{wanted == 0, wanted == 0, false} {}

    /// False when the records after this one are all that is needed. `size` is the record's.
    bool add(std::string_view head, std::uint64_t size) {
        const auto record = parse_cri(head);
        const std::size_t stream = !record ? 2 : record->stream == "stderr" ? 1 : 0;
        if (record && record->partial) {
            looked_back_in_parts_ += complete() ? size : 0;
            return looked_back_in_parts_ <= longest_line;
        }
        if (!complete()) {
            ++lines_;
            // A line that is no record has no parts.
            begin_unknown_[stream] = stream != 2;
            return true;
        }
        begin_unknown_[stream] = false;
        if (!begin_unknown_[0] && !begin_unknown_[1]) return false;
        looked_back_ += size;
        if (looked_back_ > lookback_) return false;
        ++surplus_;
        return true;
    }

    bool complete() const { return lines_ == wanted_; }
    std::uint64_t lines() const { return lines_; }
    std::uint64_t surplus() const { return surplus_; }

  private:
    std::uint64_t wanted_;
    std::uint64_t lookback_;
    std::array<bool, 3> begin_unknown_;
    std::uint64_t lines_ = 0;
    std::uint64_t surplus_ = 0;
    std::uint64_t looked_back_ = 0;
    std::uint64_t looked_back_in_parts_ = 0;
};

/// Calls `visit(offset, head)` for each record from the last whole one to the first, until it says
/// false. True when it never did.
template <typename Visit>
Result<bool> backwards(LogText& text, std::uint64_t end, const Visit& visit) {
    std::array<char, block_size + head_size> block;
    bool in_whole_record = false;
    while (end > 0) {
        const std::uint64_t start = end > block_size ? end - block_size : 0;
        const std::size_t size = end - start;
        const auto got = text.read_at(start, block.data(), size + head_size);
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

/// Calls `visit(place, head, size)` for each record before a place, the last one first, from file
/// to file, until it says false.
template <typename Visit>
Result<void> backwards(LogFolder& folder, LogPlace end, const Visit& visit) {
    for (std::size_t i = std::min(end.segment + 1, folder.segments().size()); i-- > 0;) {
        const auto text = folder.text(i);
        if (!text) return text.error();
        if (*text == nullptr) return {};
        std::uint64_t last = i == end.segment ? end.offset : (*text)->size();
        const auto visit_here = [&](std::uint64_t offset, std::string_view head) {
            const std::uint64_t size = last - offset;
            last = offset;
            return visit(LogPlace{i, offset}, head, size);
        };
        const auto all = backwards(**text, last, visit_here);
        if (!all) return folder.give_up(i, all.error());
        if (!*all) return {};
    }
    return {};
}

/// About so many bytes before a place, where a record begins; no further than `from`.
Result<LogPlace> stride_back(LogFolder& folder, LogPlace place, LogPlace from,
                             std::uint64_t stride) {
    if (place.offset == 0) {
        if (place.segment == 0) return from;
        --place.segment;
        const auto text = folder.text(place.segment);
        if (!text) return text.error();
        place.offset = *text != nullptr ? (*text)->size() : 0;
    }
    if (place.offset <= stride) return std::max(from, LogPlace{place.segment, 0});
    const auto text = folder.text(place.segment);
    if (!text) return text.error();
    if (*text == nullptr) return std::max(from, LogPlace{place.segment, 0});
    const auto offset = next_record(**text, place.offset - stride, place.offset);
    if (!offset) {
        const auto given_up = folder.give_up(place.segment, offset.error());
        if (!given_up) return given_up.error();
        return std::max(from, LogPlace{place.segment, 0});
    }
    // One record alone may be longer than that.
    const std::uint64_t there = *offset < place.offset ? *offset : 0;
    return std::max(from, LogPlace{place.segment, there});
}

Result<std::uint64_t> count_between(LogFolder& folder, LogPlace from, LogPlace end,
                                    const LogQuery& query) {
    const auto start = start_at(folder, from);
    if (!start) return start.error();
    LogScan scan(folder, *start, end);
    std::uint64_t count = 0;
    while (true) {
        const auto line = scan.next();
        if (!line) return line.error();
        if (!*line) return count;
        if (query.wants(**line)) ++count;
    }
}

}  // namespace

Result<LogStart> start_at(LogFolder& folder, LogPlace place) {
    return find_tail(folder, place, place, 0);
}

Result<LogStart> find_tail(LogFolder& folder, LogPlace from, LogPlace end, std::uint64_t wanted) {
    TailCounter counter(wanted);
    LogStart start{end};
    bool passed = false;
    const auto read =
        backwards(folder, end, [&](LogPlace place, std::string_view head, std::uint64_t size) {
            passed = place < from && !counter.complete();
            if (passed || !counter.add(head, size)) return false;
            start.place = place;
            return true;
        });
    if (!read) return read.error();
    if (passed) {
        auto all = start_at(folder, from);
        if (all) all->lines = counter.lines();
        return all;
    }
    start.lines = counter.lines();
    start.surplus = counter.surplus();
    return start;
}

Result<LogStart> find_matching_tail(LogFolder& folder, LogPlace from, LogPlace end,
                                    std::uint64_t wanted, const LogQuery& query) {
    std::uint64_t found = 0;
    LogPlace begin = end;
    for (std::uint64_t stride = first_stride; found < wanted && begin > from;) {
        const auto back = stride_back(folder, begin, from, stride);
        if (!back) return back.error();
        const auto more = count_between(folder, *back, begin, query);
        if (!more) return more.error();
        found += *more;
        begin = *back;
        stride = std::min(2 * stride, longest_stride);
    }
    auto start = start_at(folder, begin);
    if (!start) return start;
    start->lines = std::min(found, wanted);
    start->unwanted = found - start->lines;
    return start;
}

}  // namespace reeve::ctl
