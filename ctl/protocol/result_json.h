#pragma once

#include "ctl/protocol/fields.h"
#include "ctl/protocol/json_writer.h"
#include "ctl/protocol/result.h"

/// What commands are answered with, and the small results.
namespace reeve::protocol {

void write(JsonWriter& out, const Failure& failure);
template <>
Failure read(const boost::json::value& value, const std::string& path, std::string& problem);

void write(JsonWriter& out, const Welcome& welcome);
template <>
Welcome read(const boost::json::value& value, const std::string& path, std::string& problem);

void write(JsonWriter& out, const Accepted& accepted);
template <>
Accepted read(const boost::json::value& value, const std::string& path, std::string& problem);

void write(JsonWriter& out, const VersionInfo& version);
void write(JsonWriter& out, const Upgraded& upgraded);
template <>
VersionInfo read(const boost::json::value& value, const std::string& path, std::string& problem);

/// Its members alone, of the object that is under way.
void write_members(JsonWriter& out, const Outcome& outcome);
void write(JsonWriter& out, const Outcome& outcome);
template <>
Outcome read(const boost::json::value& value, const std::string& path, std::string& problem);

void write(JsonWriter& out, const Step& step);
template <>
Step read(const boost::json::value& value, const std::string& path, std::string& problem);

void write(JsonWriter& out, const Rehearsal& rehearsal);
template <>
Rehearsal read(const boost::json::value& value, const std::string& path, std::string& problem);

}  // namespace reeve::protocol
