#include "ctl/failure_list.h"

#include <csignal>

#include "base/exit_status.h"
#include "ctl/sheet.h"
#include "ctl/text.h"

namespace reeve::ctl {

namespace {

using protocol::FailureRecord;

std::string how_it_ended(const FailureRecord& failure) {
    if (!has_run(failure)) return "never ran";
    std::string text = ExitStatus{failure.code, failure.signal, failure.core}.text();
    if (failure.unseen) text += ", while no supervisor was there";
    if (failure.ran) text += " after " + in_words(*failure.ran);
    return text;
}

std::string cpu_text(const FailureRecord& failure) {
    std::string text;
    if (failure.cpu_user) text = in_words(*failure.cpu_user) + " by itself";
    if (failure.cpu_system) {
        text += (text.empty() ? "" : ", ") + in_words(*failure.cpu_system) + " in the kernel";
    }
    return text;
}

std::string memory_text(const FailureRecord& failure) {
    std::string text;
    if (failure.max_rss) text = size_in_words(*failure.max_rss) + " at most";
    const auto add = [&](std::string_view words) {
        text += text.empty() ? "" : "; ";
        text += words;
    };
    if (failure.out_of_memory == true) {
        add("killed by the kernel for want of memory");
    } else if (failure.signal == SIGKILL) {
        // The kernel would have killed it so; whoever sees a SIGKILL wonders.
        add(failure.out_of_memory ? "not killed for want of memory"
                                  : "whether it was killed for want of memory is not known");
    }
    return text;
}

void add_log(Sheet& sheet, const RunLog& log) {
    if (!log.lines || log.lines->empty()) {
        if (!log.remark.empty()) sheet.text("log", harmless(log.remark));
        return;
    }
    std::string_view label = "log";
    for (const std::string& line : *log.lines) {
        sheet.text(label, colourless_line(line), Colour::Plain, 2);
        label = "";
    }
}

void add_failure(Sheet& sheet, const FailureRecord& failure, const RunLog& log, const Look& look) {
    const std::string how = how_it_ended(failure);
    sheet.title(harmless(failure.service) + ": " + how, Colour::Red);
    if (failure.at) {
        sheet.line(failure.unseen ? "noticed" : "when",
                   local_time(*failure.at) + ", " + time_since(*failure.at, look) + " ago");
    }
    if (!failure.cause.empty() && failure.cause != how) {
        sheet.text("cause", harmless(failure.cause));
    }
    if (const auto cpu = cpu_text(failure); !cpu.empty()) sheet.line("CPU", cpu);
    if (const auto memory = memory_text(failure); !memory.empty()) sheet.text("memory", memory);
    add_log(sheet, log);
}

}  // namespace

bool has_run(const FailureRecord& failure) {
    return failure.code || failure.signal || failure.ran || failure.unseen;
}

std::string render_failures(const std::vector<FailureRecord>& failures,
                            const std::vector<RunLog>& logs, const Look& look) {
    Sheet sheet(look);
    for (std::size_t i = 0; i < failures.size(); ++i) {
        if (i > 0) sheet.blank();
        add_failure(sheet, failures[i], logs[i], look);
    }
    return sheet.take();
}

}  // namespace reeve::ctl
