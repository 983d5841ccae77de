#include "supervisor/state/handover.h"

#include "supervisor/state/codec.h"

namespace reeve::state {

std::string to_text(const Handover& handover) { return encode(handover, {}); }

Result<Handover> handover_of(std::string_view text) { return decode<Handover>(text, {}); }

}  // namespace reeve::state
