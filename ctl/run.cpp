#include "ctl/run.h"

#include <cerrno>

#include "ctl/arguments.h"
#include "ctl/text.h"
#include "ctl/verbs.h"

namespace reeve::ctl {

namespace {

/// Writes out what was asked for. A reader that went away has read enough; a disk that is full has
/// not all of it.
Exit finish(Exit exit, Output& out, Output& err) {
    out.flush();
    if (!out.failed() || out.errnum() == EPIPE) return exit;
    err.write("reevectl: " + system_error("cannot write", out.errnum()).text() + "\n");
    return Exit::Failed;
}

Exit carry_out(const Host& host, const Invocation& invocation, Output& out, Output& err) {
    Look look = look_for(host, host.out, invocation.colour);
    look.program = program_called_by(invocation);
    Task task{host, invocation, std::move(look), out, err};
    return finish(invocation.verb->run(task), out, err);
}

}  // namespace

Exit Task::complain(const Complaint& complaint) const {
    // Not before what was said on the other stream, when both are one terminal.
    out.flush();
    err.write("reevectl: " + complaint.text() + "\n");
    err.flush();
    return complaint.exit;
}

Exit Task::complain(const Error& error) const {
    const bool forbidden = error.errnum == EACCES || error.errnum == EPERM;
    return complain(Complaint{forbidden ? Exit::NotAllowed : Exit::Failed, harmless(error.text())});
}

void Task::note(const std::string& sentence) const {
    if (invocation.quiet) return;
    err.write("reevectl: " + sentence + "\n");
    err.flush();
}

int run(const Host& host, std::span<const std::string> arguments) {
    Output out(host.out);
    Output err(host.err);
    const auto parsed = parse_arguments(arguments);
    if (const auto* remark = std::get_if<Remark>(&parsed)) {
        (remark->exit == Exit::Done ? out : err).write(remark->text);
        return static_cast<int>(finish(remark->exit, out, err));
    }
    return static_cast<int>(carry_out(host, std::get<Invocation>(parsed), out, err));
}

}  // namespace reeve::ctl
