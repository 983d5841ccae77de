#include "ctl/line_printer.h"

#include <unistd.h>

#include <algorithm>

#include "ctl/protocol/json_writer.h"
#include "ctl/text.h"

namespace reeve::ctl {

LinePrinter::LinePrinter(Task& task, const std::vector<LogChoice>& choices)
    : task_(task), named_(choices.size() > 1), terminal_(isatty(task.host.out) != 0) {
    for (const LogChoice& choice : choices) {
        width_ = std::max(width_, columns(harmless(choice.service)));
    }
}

void LinePrinter::print(const NamedLine& line) {
    if (task_.invocation.json) return print_as_json(line);
    if (named_) {
        const std::string name = padded(harmless(*line.service), width_) + " |";
        task_.out.write(painted(name, colour_of_name(*line.service), task_.look) + " ");
    }
    task_.out.write(terminal_ ? harmless_line(line.line.text) : line.line.text);
    // Colours that a line leaves open would run into the next one.
    const bool coloured = terminal_ && line.line.text.find('\x1b') != std::string::npos;
    task_.out.write(coloured ? "\x1b[0m\n" : "\n");
}

void LinePrinter::print_as_json(const NamedLine& line) {
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
}

}  // namespace reeve::ctl
