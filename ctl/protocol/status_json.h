#pragma once

#include <boost/json/value.hpp>

#include "ctl/protocol/fields.h"
#include "ctl/protocol/json_writer.h"
#include "ctl/protocol/status.h"

namespace reeve::protocol {

void write(JsonWriter& out, const StatusDocument& document);

/// The document that a value is; what does not fit goes into the problem.
StatusDocument read_status(const boost::json::value& value, std::string& problem);

}  // namespace reeve::protocol
