#include "ctl/run_log.h"

#include <functional>

#include "ctl/aside.h"
#include "ctl/service_log.h"

namespace reeve::ctl {

namespace {

/// The supervisor tells times to the millisecond, cut off; logs have all of it.
constexpr Duration cut_off = 1ms;

std::string no_log_in(const std::string& path) { return "there is no log of it in " + path; }

std::string cannot_read(const std::string& path, const std::string& why) {
    return "cannot read " + path + ": " + why;
}

RunLog unreadable(const std::string& why) { return {std::nullopt, why, false}; }

RunLog read_run(const std::string& path, const RunToRead& wanted, std::uint64_t most) {
    ServiceLog log(path);
    LogQuery query;
    query.since = wanted.from;
    if (wanted.to) query.until = *wanted.to + cut_off;
    query.lines = most;
    const auto there = log.open(query);
    if (!there) return unreadable(there.error().text());
    if (!*there) return {std::nullopt, no_log_in(path), true};
    RunLog run;
    run.lines.emplace();
    while (true) {
        const auto line = log.next();
        if (!line) return unreadable(line.error().text());
        if (!*line) break;
        run.lines->push_back((*line)->text);
    }
    if (!run.lines->empty()) return run;
    if (const auto damages = log.damages(); !damages.empty()) return unreadable(damages[0]);
    run.remark = wanted.to ? "it wrote nothing" : "it has written nothing so far";
    return run;
}

Texts to_texts(const RunLog& run) {
    Texts texts = {run.remark, run.missing ? "missing" : "", run.lines ? "lines" : ""};
    if (run.lines) texts.insert(texts.end(), run.lines->begin(), run.lines->end());
    return texts;
}

RunLog run_log_of(Texts texts) {
    RunLog run{std::nullopt, texts[0], !texts[1].empty()};
    const bool has_lines = !texts[2].empty();
    texts.erase(texts.begin(), texts.begin() + 3);
    if (has_lines) run.lines = std::move(texts);
    return run;
}

/// That they cannot be read is no reason not to show the rest.
LastLines read_last(const std::string& path, bool has_run, std::uint64_t most) {
    LastLines last;
    ServiceLog log(path);
    LogQuery query;
    query.lines = most;
    const auto there = log.open(query);
    if (!there) return {{}, there.error().text()};
    // Who has never run has none to miss.
    if (!*there) return {{}, has_run ? no_log_in(path) : ""};
    while (true) {
        auto line = log.next();
        if (!line) last.remark = line.error().text();
        if (!line || !*line) return last;
        last.lines.push_back(std::move(**line));
    }
}

Texts to_texts(const LastLines& last) {
    Texts texts = {last.remark};
    for (const LogLine& line : last.lines) {
        texts.insert(texts.end(), {line.time, line.stream, line.text});
    }
    return texts;
}

LastLines last_lines_of(const Texts& texts) {
    LastLines last{{}, texts[0]};
    for (std::size_t i = 1; i + 2 < texts.size(); i += 3) {
        last.lines.push_back({texts[i], texts[i + 1], texts[i + 2]});
    }
    return last;
}

}  // namespace

std::vector<RunLog> read_run_logs(const std::string& log_dir, const std::vector<RunToRead>& runs,
                                  std::uint64_t most) {
    std::vector<std::function<Texts()>> jobs;
    for (const RunToRead& run : runs) {
        const std::string path = log_dir + "/" + run.service;
        jobs.emplace_back([path, &run, most] { return to_texts(read_run(path, run, most)); });
    }
    ReadAside aside = read_aside(jobs);
    std::vector<RunLog> logs;
    for (Texts& texts : aside.given) logs.push_back(run_log_of(std::move(texts)));
    while (logs.size() < runs.size()) {
        const std::string path = log_dir + "/" + runs[logs.size()].service;
        logs.push_back(unreadable(cannot_read(path, aside.why)));
    }
    return logs;
}

LastLines read_last_lines(const std::string& log_dir, const std::string& service, bool has_run,
                          std::uint64_t most) {
    const std::string path = log_dir + "/" + service;
    const ReadAside aside = read_aside({[&] { return to_texts(read_last(path, has_run, most)); }});
    if (aside.given.empty()) return {{}, cannot_read(path, aside.why)};
    return last_lines_of(aside.given[0]);
}

}  // namespace reeve::ctl
