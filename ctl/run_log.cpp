#include "ctl/run_log.h"

#include "ctl/protocol/timestamp.h"
#include "ctl/service_log.h"

namespace reeve::ctl {

namespace {

/// The supervisor tells times to the millisecond, cut off; logs have all of it.
constexpr Duration cut_off = 1ms - 1ns;

bool is_before(const LogLine& line, WallTime from) {
    const auto time = protocol::parse_rfc3339(line.time);
    return time && *time < from;
}

RunLog unreadable(const Error& error) { return {std::nullopt, error.text(), false}; }

}  // namespace

std::string no_log_in(const std::string& path) { return "there is no log of it in " + path; }

RunLog read_run_log(const std::string& log_dir, const std::string& service,
                    std::optional<WallTime> from, std::optional<WallTime> to, std::uint64_t most) {
    const std::string path = log_dir + "/" + service;
    ServiceLog log(path);
    if (to) *to += cut_off;
    const auto there = log.open(most, to);
    if (!there) return unreadable(there.error());
    if (!*there) return {std::nullopt, no_log_in(path), true};
    RunLog run;
    run.lines.emplace();
    bool any = false;
    while (true) {
        const auto line = log.next();
        if (!line) return unreadable(line.error());
        if (!*line) break;
        any = true;
        if (!from || !is_before(**line, *from)) run.lines->push_back((*line)->text);
    }
    if (!run.lines->empty()) return run;
    if (!any && log.compressed() > 0) {
        return {std::nullopt, "what it wrote is in a compressed file by now", false};
    }
    run.remark = to ? "it wrote nothing" : "it has written nothing so far";
    return run;
}

}  // namespace reeve::ctl
