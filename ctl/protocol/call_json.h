#pragma once

#include <string_view>
#include <vector>

#include "ctl/protocol/call.h"
#include "ctl/protocol/fields.h"
#include "ctl/protocol/json_writer.h"

/// Methods and their params.
namespace reeve::protocol {

using ReadCall = Call (*)(Fields& params);

/// Null for what is no method.
ReadCall reader_of(std::string_view method);
std::vector<std::string_view> all_methods();

std::string_view method_of(const Call& call);
/// The params as an object.
void write(JsonWriter& out, const Call& call);

}  // namespace reeve::protocol
