#pragma once

#include "ctl/protocol/fields.h"
#include "ctl/protocol/json_writer.h"
#include "ctl/protocol/result.h"

/// What is said of configurations: problems, differences, definitions.
namespace reeve::protocol {

/// As plain JSON. A number that is none, such as .nan, is null.
void write(JsonWriter& out, const config::Literal& literal);
template <>
config::Literal read(const boost::json::value& value, const std::string& path,
                     std::string& problem);

void write(JsonWriter& out, const config::Problem& found);
template <>
config::Problem read(const boost::json::value& value, const std::string& path,
                     std::string& problem);

void write(JsonWriter& out, const ConfigurationDiff& diff);
template <>
ConfigurationDiff read(const boost::json::value& value, const std::string& path,
                       std::string& problem);

void write(JsonWriter& out, const Applied& applied);
template <>
Applied read(const boost::json::value& value, const std::string& path, std::string& problem);

void write(JsonWriter& out, const Definitions& definitions);
template <>
Definitions read(const boost::json::value& value, const std::string& path, std::string& problem);

}  // namespace reeve::protocol
