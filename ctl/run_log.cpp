#include "ctl/run_log.h"

#include "ctl/service_log.h"

namespace reeve::ctl {

namespace {

/// The supervisor tells times to the millisecond, cut off; logs have all of it.
constexpr Duration cut_off = 1ms;

RunLog unreadable(const Error& error) { return {std::nullopt, error.text(), false}; }

}  // namespace

std::string no_log_in(const std::string& path) { return "there is no log of it in " + path; }

RunLog read_run_log(const std::string& log_dir, const std::string& service,
                    std::optional<WallTime> from, std::optional<WallTime> to, std::uint64_t most) {
    const std::string path = log_dir + "/" + service;
    ServiceLog log(path);
    LogQuery query;
    query.since = from;
    if (to) query.until = *to + cut_off;
    query.lines = most;
    const auto there = log.open(query);
    if (!there) return unreadable(there.error());
    if (!*there) return {std::nullopt, no_log_in(path), true};
    RunLog run;
    run.lines.emplace();
    while (true) {
        const auto line = log.next();
        if (!line) return unreadable(line.error());
        if (!*line) break;
        run.lines->push_back((*line)->text);
    }
    if (!run.lines->empty()) return run;
    if (const auto damages = log.damages(); !damages.empty()) return unreadable(error(damages[0]));
    run.remark = to ? "it wrote nothing" : "it has written nothing so far";
    return run;
}

}  // namespace reeve::ctl
