#pragma once

#include "ctl/protocol/fields.h"
#include "ctl/protocol/json_writer.h"
#include "ctl/protocol/result.h"

/// What explains: chains of causes, how services failed, and when they ran.
namespace reeve::protocol {

void write(JsonWriter& out, const Explanation& explanation);
/// As a client shows it that has looked for the lines: null where they are not to be had.
void write_with_lines(JsonWriter& out, const Explanation& explanation);
template <>
Explanation read(const boost::json::value& value, const std::string& path, std::string& problem);

void write(JsonWriter& out, const Failures& failures);
void write_with_lines(JsonWriter& out, const Failures& failures);
template <>
Failures read(const boost::json::value& value, const std::string& path, std::string& problem);

void write(JsonWriter& out, const Runs& runs);
template <>
Runs read(const boost::json::value& value, const std::string& path, std::string& problem);

}  // namespace reeve::protocol
