#include "ctl/log_scan.h"

#include <utility>

namespace reeve::ctl {

/// False behind the last one.
Result<bool> LogScan::next_segment() {
    while (next_ < end_) {
        const LogPlace place = std::exchange(next_, LogPlace{next_.segment + 1, 0});
        const auto text = folder_->text(place.segment);
        if (!text) return text.error();
        if (*text == nullptr) continue;
        reader_.emplace(**text, place.offset);
        segment_ = place.segment;
        reader_->limit(place.segment == end_.segment ? end_.offset : (*text)->size());
        return true;
    }
    return false;
}

Result<std::optional<LogLine>> LogScan::next() {
    while (true) {
        if (!reader_) {
            const auto more = next_segment();
            if (!more) return more.error();
            if (!*more) return std::optional<LogLine>();
        }
        const auto record = reader_->next();
        if (!record) {
            const auto given_up = folder_->give_up(segment_, record.error());
            if (!given_up) return given_up.error();
            reader_.reset();
            continue;
        }
        if (!*record) {
            // The last file stays open: who follows goes on from there.
            if (next_ >= end_) return std::optional<LogLine>();
            reader_.reset();
            continue;
        }
        auto line = joiner_.add(**record);
        if (!line) continue;
        if (surplus_ == 0) return line;
        --surplus_;
    }
}

}  // namespace reeve::ctl
