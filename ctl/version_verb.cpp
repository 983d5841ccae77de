#include "ctl/client.h"
#include "ctl/protocol/json_writer.h"
#include "ctl/text.h"
#include "ctl/verbs.h"

namespace reeve::ctl {

/// Of use without a supervisor too, so that none answers is an answer.
Exit run_version(Task& task) {
    auto client = Client::connect(task.host, task.invocation);
    Attempt<protocol::Welcome> welcome =
        client ? client->welcome() : Attempt<protocol::Welcome>(client.error());
    if (!welcome && welcome.error().exit != Exit::NoSupervisor) {
        return task.complain(welcome.error());
    }
    if (task.invocation.json) {
        protocol::JsonWriter out;
        out.begin_object();
        out.field("client", REEVE_VERSION);
        out.key("supervisor");
        welcome ? out.value(welcome->version) : out.value(nullptr);
        out.end_object();
        task.out.write(out.take() + "\n");
        return Exit::Done;
    }
    task.out.write("reevectl " REEVE_VERSION "\n");
    if (welcome) {
        task.out.write("reeved " + harmless(welcome->version) + " (pid " +
                       std::to_string(welcome->pid) + ")\n");
    } else {
        task.out.write(welcome.error().text() + "\n");
    }
    return Exit::Done;
}

}  // namespace reeve::ctl
