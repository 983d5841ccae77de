#include "ctl/log_reader.h"

#include <algorithm>
#include <utility>

namespace reeve::ctl {

namespace {

constexpr std::size_t piece = 64 * 1024;

}  // namespace

Result<std::optional<std::string_view>> RecordReader::next() {
    while (true) {
        const std::size_t newline = buffer_.find('\n', std::max(begin_, searched_));
        if (newline != std::string::npos) {
            const std::string_view record(buffer_.data() + begin_, newline - begin_);
            begin_ = newline + 1;
            return std::optional(record);
        }
        searched_ = buffer_.size() - begin_;
        buffer_.erase(0, begin_);
        offset_ += std::exchange(begin_, 0);
        const std::uint64_t at = offset_ + buffer_.size();
        std::size_t wanted = piece;
        if (end_) wanted = std::min<std::uint64_t>(wanted, *end_ - std::min(*end_, at));
        if (wanted == 0) return std::optional<std::string_view>();
        const std::size_t held = buffer_.size();
        buffer_.resize(held + wanted);
        const auto got = text_->read_at(at, buffer_.data() + held, wanted);
        buffer_.resize(held + (got ? *got : 0));
        if (!got) return got.error();
        if (*got == 0) return std::optional<std::string_view>();
    }
}

void RecordReader::seek(std::uint64_t offset) {
    buffer_.clear();
    begin_ = 0;
    searched_ = 0;
    offset_ = offset;
}

std::optional<LogLine> LineJoiner::add(std::string_view record) {
    const auto cri = parse_cri(record);
    if (!cri) return LogLine{{}, {}, std::string(record)};
    std::string& parts = parts_[cri->stream == "stderr" ? 1 : 0];
    if (cri->partial && parts.size() + cri->text.size() < longest_line) {
        parts += cri->text;
        return std::nullopt;
    }
    LogLine line{std::string(cri->time), std::string(cri->stream), std::exchange(parts, {})};
    line.text += cri->text;
    return line;
}

}  // namespace reeve::ctl
