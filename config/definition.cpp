#include "config/definition.h"

#include "config/draft.h"
#include "config/service_keys.h"
#include "config/writers.h"

namespace reeve::config {

Literal definition_of(const Service& service, bool as_pid1) {
    const bool has_output = !service.execution.command.empty();
    const Draft draft = draft_of(service);
    const Draft fallback = fallback_of(service, as_pid1 && has_output);
    return {written_keys(service_table(), &draft, &fallback)};
}

Literal settings_of(const Supervisor& supervisor) {
    const SupervisorDraft draft = draft_of(supervisor), fallback;
    return {written_keys(supervisor_table(), &draft, &fallback)};
}

}  // namespace reeve::config
