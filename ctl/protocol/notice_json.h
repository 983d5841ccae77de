#pragma once

#include "ctl/protocol/fields.h"
#include "ctl/protocol/json_writer.h"
#include "ctl/protocol/notice.h"

/// What is said without being asked each time, and the ids of what was asked.
namespace reeve::protocol {

void write(JsonWriter& out, const Id& id);
/// Nothing for what cannot be an id.
std::optional<Id> read_id(const boost::json::value& value);

void write(JsonWriter& out, const Touches& touches);
template <>
Touches read(const boost::json::value& value, const std::string& path, std::string& problem);

void write(JsonWriter& out, const Event& event);
/// Nothing for a kind of event that this client does not know.
template <>
std::optional<Event> read(const boost::json::value& value, const std::string& path,
                          std::string& problem);

void write(JsonWriter& out, const EventList& list);
template <>
EventList read(const boost::json::value& value, const std::string& path, std::string& problem);

}  // namespace reeve::protocol
