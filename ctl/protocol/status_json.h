#pragma once

#include "ctl/protocol/fields.h"
#include "ctl/protocol/json_writer.h"
#include "ctl/protocol/status.h"

namespace reeve::protocol {

pid_t read_pid(Fields& in, std::string_view name);

/// How a process ended: the members code, signal and core of the object that is under way.
void write_status(JsonWriter& out, const ExitStatus& status);
ExitStatus read_status(Fields& in);

void write(JsonWriter& out, const LastExit& exit);
template <>
LastExit read(const boost::json::value& value, const std::string& path, std::string& problem);

void write(JsonWriter& out, const LogTrouble& trouble);
template <>
LogTrouble read(const boost::json::value& value, const std::string& path, std::string& problem);

void write(JsonWriter& out, const StatusDocument& document);
template <>
StatusDocument read(const boost::json::value& value, const std::string& path, std::string& problem);

}  // namespace reeve::protocol
