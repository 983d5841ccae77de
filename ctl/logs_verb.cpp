#include <sys/resource.h>

#include <algorithm>
#include <set>

#include "ctl/line_printer.h"
#include "ctl/log_filter.h"
#include "ctl/log_merge.h"
#include "ctl/log_selection.h"
#include "ctl/log_watch.h"
#include "ctl/text.h"
#include "ctl/verbs.h"

namespace reeve::ctl {

namespace {

/// How long after a moment to wait for what was written before it and is on its way to the disk.
constexpr Duration grace = 250ms;

/// Each service keeps its file open. As many as the system allows, not as few as it gives unasked.
void raise_file_limit() {
    rlimit limit{};
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
}

std::vector<std::string> services_of(const LogSelection& selection) {
    std::vector<std::string> services;
    for (const LogChoice& choice : selection.choices) services.push_back(choice.service);
    return services;
}

/// Until the caller has had enough, or the time has come up to which lines are wanted.
Exit follow(Task& task, LogMerge& merge, LogWatch& watch, const std::vector<std::string>& services,
            std::optional<WallTime> until, LinePrinter& printer) {
    const auto print = [&](const NamedLine& line) { printer.print(line); };
    const std::set<std::string> all(services.begin(), services.end());
    std::set<std::string> changed = all;
    std::optional<WallTime> end;
    if (until) end = *until + grace;
    for (bool over = false;;) {
        for (const std::string& service : changed) {
            if (const auto caught_up = merge.catch_up(service, print); !caught_up) {
                return task.complain(caught_up.error());
            }
        }
        task.out.flush();
        if (over || task.out.failed()) return Exit::Done;
        auto next = watch.wait(task.host.out, end);
        if (!next) return task.complain(next.error());
        over = next->empty();
        changed = over ? all : std::move(*next);
    }
}

/// Of many services it is no news that some never wrote anything.
void note_what_is_missing(const Task& task, const LogMerge& merge, const LogSelection& selection) {
    if (selection.choices.size() != 1 || merge.without_log().empty()) return;
    task.note(harmless(selection.choices[0].service) + " has no log in " +
              harmless(selection.log_dir) + " yet");
}

}  // namespace

Exit run_logs(Task& task) {
    auto query = query_of(task.invocation, task.look.now, Zone::own());
    if (!query) return task.complain(query.error());
    const std::optional<WallTime> until = query->until;
    const bool follows = task.invocation.follow && (!until || *until > task.look.now);
    const auto selection = select_logs(task, *query);
    if (!selection) return task.complain(selection.error());
    const std::vector<std::string> services = services_of(*selection);
    raise_file_limit();
    // Watched before anything is read, so that nothing falls in between.
    std::optional<LogWatch> watch;
    if (follows) {
        auto started = LogWatch::start(selection->log_dir, services);
        if (!started) return task.complain(started.error());
        watch = std::move(*started);
    }
    auto merge = LogMerge::open(selection->log_dir, selection->choices);
    if (!merge) return task.complain(merge.error());
    note_what_is_missing(task, *merge, *selection);
    LinePrinter printer(task, selection->choices);
    const auto read = merge->history([&](const NamedLine& line) {
        printer.print(line);
        return !task.out.failed();
    });
    if (!read) return task.complain(read.error());
    task.out.flush();
    if (task.out.failed()) return Exit::Done;
    Exit exit = Exit::Done;
    for (const std::string& damage : merge->damages()) exit = task.complain(error(damage));
    if (!watch) return exit;
    return follow(task, *merge, *watch, services, until, printer);
}

}  // namespace reeve::ctl
