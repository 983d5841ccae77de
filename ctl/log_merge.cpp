#include "ctl/log_merge.h"

#include <algorithm>
#include <queue>

namespace reeve::ctl {

Result<LogMerge> LogMerge::open(const std::string& log_dir, const std::vector<LogChoice>& choices) {
    LogMerge merge;
    std::uint64_t total = 0;
    std::optional<std::uint64_t> wanted;
    for (const LogChoice& choice : choices) {
        Source source{choice.service, ServiceLog(log_dir + "/" + choice.service)};
        const auto there = source.log.open(choice.query);
        if (!there) return there.error();
        if (!*there) merge.without_log_.push_back(choice.service);
        total += source.log.lines();
        wanted = choice.query.lines;
        merge.sources_.push_back(std::move(source));
    }
    if (wanted) merge.surplus_ = total - std::min(total, *wanted);
    return merge;
}

Result<void> LogMerge::history(const std::function<bool(const NamedLine&)>& emit) {
    struct Waiting {
        std::string key;
        std::size_t source;
        LogLine line;
    };
    const auto later = [](const Waiting& a, const Waiting& b) {
        return a.key != b.key ? a.key > b.key : a.source > b.source;
    };
    std::priority_queue<Waiting, std::vector<Waiting>, decltype(later)> heads(later);
    // A line without a time stays behind the one before it.
    std::vector<std::string> keys(sources_.size());
    const auto advance = [&](std::size_t i) -> Result<void> {
        auto line = sources_[i].log.next();
        if (!line) return line.error();
        if (!*line) return {};
        if (!(*line)->time.empty()) keys[i] = (*line)->time;
        heads.push({keys[i], i, std::move(**line)});
        return {};
    };
    for (std::size_t i = 0; i < sources_.size(); ++i) {
        if (const auto advanced = advance(i); !advanced) return advanced.error();
    }
    while (!heads.empty()) {
        const std::size_t i = heads.top().source;
        const NamedLine first{&sources_[i].service, heads.top().line};
        heads.pop();
        if (surplus_ > 0) {
            --surplus_;
        } else if (!emit(first)) {
            return {};
        }
        if (const auto advanced = advance(i); !advanced) return advanced.error();
    }
    return {};
}

std::vector<std::string> LogMerge::damages() const {
    std::vector<std::string> all;
    for (const Source& source : sources_) {
        const auto some = source.log.damages();
        all.insert(all.end(), some.begin(), some.end());
    }
    return all;
}

Result<void> LogMerge::catch_up(const std::string& service, const Emit& emit) {
    for (Source& source : sources_) {
        if (source.service != service) continue;
        return source.log.catch_up([&](const LogLine& line) { emit({&source.service, line}); });
    }
    return {};
}

}  // namespace reeve::ctl
