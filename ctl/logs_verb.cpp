#include <fnmatch.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <set>

#include "base/nearest.h"
#include "config/instances.h"
#include "ctl/client.h"
#include "ctl/log_merge.h"
#include "ctl/log_watch.h"
#include "ctl/protocol/json_writer.h"
#include "ctl/sockets.h"
#include "ctl/text.h"
#include "ctl/verbs.h"

namespace reeve::ctl {

namespace {

/// Whose logs are wanted and where they are.
struct Selection {
    std::string log_dir;
    std::vector<std::string> services;
};

/// The services by their folders, for when there is no supervisor, or it no longer knows them.
Attempt<Selection> select_by_folder(const std::string& log_dir,
                                    const std::vector<std::string>& names) {
    const auto folders = services_with_logs(log_dir);
    if (!folders) {
        const bool forbidden = folders.error().errnum == EACCES;
        return Complaint{forbidden ? Exit::NotAllowed : Exit::NoSuchService,
                         harmless(folders.error().text())};
    }
    if (names.empty()) return Selection{log_dir, *folders};
    std::set<std::string> chosen;
    for (const std::string& name : names) {
        const std::size_t before = chosen.size();
        for (const std::string& folder : *folders) {
            const bool chooses = config::is_instance_of(folder, name) ||
                                 fnmatch(name.c_str(), folder.c_str(), FNM_NOESCAPE) == 0;
            if (chooses) chosen.insert(folder);
        }
        if (chosen.size() > before || chosen.contains(name)) continue;
        if (name.starts_with('@')) {
            return Complaint{Exit::NoSupervisor, "groups such as " + harmless(name) +
                                                     " are known to a running supervisor only"};
        }
        std::string message = "there is no log of " + name + " in " + log_dir;
        if (const auto meant = nearest(name, *folders)) message += "; did you mean " + *meant + "?";
        return Complaint{Exit::NoSuchService, harmless(message)};
    }
    return Selection{log_dir, {chosen.begin(), chosen.end()}};
}

Attempt<Selection> select_by_supervisor(Client& client, const std::vector<std::string>& names) {
    const auto document = client.ask(protocol::StatusQuery{names, false, false});
    if (!document) return document.error();
    const auto welcome = client.welcome();
    if (!welcome) return welcome.error();
    Selection selection{welcome->log_dir, {}};
    for (const auto& service : document->services) selection.services.push_back(service.name);
    return selection;
}

void note(const Task& task, const std::string& sentence) {
    if (task.invocation.quiet) return;
    task.err.write("reevectl: " + sentence + "\n");
    task.err.flush();
}

Attempt<Selection> select(const Task& task) {
    const Invocation& invocation = task.invocation;
    auto client = Client::connect(task.host, invocation);
    if (!client) {
        if (client.error().exit != Exit::NoSupervisor || invocation.socket) return client.error();
        auto selection = select_by_folder(log_dir_without_supervisor(task.host), invocation.names);
        // Without logs either, that there is no supervisor is what the caller has to know.
        if (!selection && selection.error().exit == Exit::NoSuchService &&
            invocation.names.empty()) {
            return client.error();
        }
        if (!selection && selection.error().exit == Exit::NoSuchService) {
            return Complaint{Exit::NoSuchService,
                             "no supervisor answers; " + selection.error().sentence};
        }
        return selection;
    }
    auto selection = select_by_supervisor(*client, invocation.names);
    if (!selection && selection.error().exit == Exit::NoSupervisor && !invocation.socket) {
        const std::string log_dir = log_dir_without_supervisor(task.host);
        auto left = select_by_folder(log_dir, invocation.names);
        if (!left) return selection;
        note(task, selection.error().sentence + "; reading what is in " + harmless(log_dir));
        return left;
    }
    if (selection || selection.error().exit != Exit::NoSuchService) return selection;
    // A service that is no longer configured may have left its log.
    const auto welcome = client->welcome();
    if (!welcome) return welcome.error();
    auto left = select_by_folder(welcome->log_dir, invocation.names);
    return left ? left : selection;
}

/// Prints lines as they are asked for: alone, behind their service's name, or as JSON.
class LinePrinter {
  public:
    LinePrinter(Task& task, const std::vector<std::string>& services)
        : task_(task), named_(services.size() > 1), terminal_(isatty(task.host.out) != 0) {
        for (const std::string& service : services) {
            width_ = std::max(width_, columns(harmless(service)));
        }
    }

    void print(const NamedLine& line) {
        if (task_.invocation.json) {
            protocol::JsonWriter out;
            out.begin_object();
            out.key("time");
            line.line.time.empty() ? out.value(nullptr) : out.value(line.line.time);
            out.field("service", *line.service);
            out.key("stream");
            line.line.stream.empty() ? out.value(nullptr) : out.value(line.line.stream);
            out.field("line", line.line.text);
            out.end_object();
            task_.out.write(out.take() + "\n");
            return;
        }
        if (named_) {
            const std::string name = padded(harmless(*line.service), width_) + " |";
            task_.out.write(painted(name, colour_of_name(*line.service), task_.look) + " ");
        }
        task_.out.write(terminal_ ? harmless_line(line.line.text) : line.line.text);
        // Colours that a line leaves open would run into the next one.
        task_.out.write(terminal_ && line.line.text.find('\x1b') != std::string::npos ? "\x1b[0m\n"
                                                                                      : "\n");
    }

  private:
    Task& task_;
    bool named_;
    bool terminal_;
    std::size_t width_ = 0;
};

/// Each service keeps its file open. As many as the system allows, not as few as it gives unasked.
void raise_file_limit() {
    rlimit limit{};
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
}

Exit follow(Task& task, LogMerge& merge, LogWatch& watch, const std::vector<std::string>& services,
            LinePrinter& printer) {
    const auto print = [&](const NamedLine& line) { printer.print(line); };
    std::set<std::string> changed(services.begin(), services.end());
    while (!changed.empty()) {
        for (const std::string& service : changed) {
            if (const auto caught_up = merge.catch_up(service, print); !caught_up) {
                return task.complain(caught_up.error());
            }
        }
        task.out.flush();
        if (task.out.failed()) return Exit::Done;
        auto next = watch.wait(task.host.out);
        if (!next) return task.complain(next.error());
        changed = std::move(*next);
    }
    return Exit::Done;
}

/// Nothing: all.
std::optional<std::uint64_t> lines_wanted(const Invocation& invocation) {
    if (invocation.last == Invocation::everything) return std::nullopt;
    if (!invocation.last && invocation.follow) return 10;
    return invocation.last;
}

void note_what_is_missing(Task& task, const LogMerge& merge, const Selection& selection) {
    // Of many services it is no news that some never wrote anything.
    if (selection.services.size() == 1 && !merge.without_log().empty()) {
        note(task, harmless(selection.services[0]) + " has no log in " +
                       harmless(selection.log_dir) + " yet");
    }
    if (merge.compressed() > 0) {
        note(task, "ignoring " + std::to_string(merge.compressed()) + " compressed files in " +
                       harmless(selection.log_dir));
    }
}

}  // namespace

Exit run_logs(Task& task) {
    const auto selection = select(task);
    if (!selection) return task.complain(selection.error());
    const std::vector<std::string>& services = selection->services;
    raise_file_limit();
    // Watched before anything is read, so that nothing falls in between.
    std::optional<LogWatch> watch;
    if (task.invocation.follow) {
        auto started = LogWatch::start(selection->log_dir, services);
        if (!started) return task.complain(started.error());
        watch = std::move(*started);
    }
    auto merge = LogMerge::open(selection->log_dir, services, lines_wanted(task.invocation));
    if (!merge) return task.complain(merge.error());
    note_what_is_missing(task, *merge, *selection);
    LinePrinter printer(task, services);
    const auto read = merge->history([&](const NamedLine& line) {
        printer.print(line);
        return !task.out.failed();
    });
    if (!read) return task.complain(read.error());
    task.out.flush();
    if (!watch || task.out.failed()) return Exit::Done;
    return follow(task, *merge, *watch, services, printer);
}

}  // namespace reeve::ctl
