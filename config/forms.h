#pragma once

#include <optional>
#include <string>
#include <vector>

#include "config/draft.h"
#include "config/reader.h"

/// Readers of the values that keys have in common, for the tables to name. Each gives nothing, or
/// leaves what it changes in place as it is, where it has reported an error.
namespace reeve::config {

using yaml::Value;

std::optional<std::string> read_text(Reader& reader, Value value);
std::optional<bool> read_bool(Reader& reader, Value value);
std::optional<Duration> read_duration(Reader& reader, Value value);
/// A duration of at least a millisecond, for what makes no sense at once or again and again.
std::optional<Duration> read_positive_duration(Reader& reader, Value value);
/// A positive one, or `none`, for a service where `defaults` set one.
void read_maybe_duration(Reader& reader, Value value, std::optional<Duration>& duration);
std::optional<double> read_percent(Reader& reader, Value value);
std::optional<double> read_factor(Reader& reader, Value value);
std::optional<mode_t> read_mode(Reader& reader, Value value);
std::optional<int> read_signal(Reader& reader, Value value);
std::optional<Argv> read_command(Reader& reader, Value value);
/// An absolute path.
std::optional<std::string> read_path(Reader& reader, Value value);
/// Names of groups, sorted, none twice.
std::optional<std::vector<std::string>> read_names(Reader& reader, Value value);
/// Names of services, of one instance or all of them, sorted, none twice.
std::optional<std::vector<std::string>> read_services(Reader& reader, Value value);
std::optional<ExitSet> read_exits(Reader& reader, Value value);
std::optional<std::vector<EnvironmentFile>> read_environment_files(Reader& reader, Value value);
std::optional<InheritEnvironment> read_inherit(Reader& reader, Value value);
std::optional<TcpCheck> read_address(Reader& reader, Value value);
std::optional<std::string> read_id(Reader& reader, Value value);
std::optional<std::vector<std::string>> read_ids(Reader& reader, Value value);
/// Empty for /dev/null.
std::optional<std::string> read_stdin(Reader& reader, Value value);

/// Both lay what they read over what is there: a name given again takes the new value.
void read_variables(Reader& reader, Value value, std::map<std::string, std::string>& variables);
void read_limits(Reader& reader, Value value, std::vector<Limit>& limits);

/// An absolute path, or `syslog`.
std::optional<std::string> read_log_file(Reader& reader, Value value);

/// `to` of a log: one destination or a list of them.
void read_destinations(Reader& reader, Value value, Log& log);

std::optional<std::int64_t> read_integer_between(Reader& reader, Value value, std::int64_t least,
                                                 std::int64_t most);
std::optional<std::uint64_t> read_size_between(Reader& reader, Value value, std::uint64_t least,
                                               std::uint64_t most);

template <std::int64_t Least, std::int64_t Most>
std::optional<std::int64_t> read_integer(Reader& reader, Value value) {
    return read_integer_between(reader, value, Least, Most);
}
template <std::uint64_t Least, std::uint64_t Most>
std::optional<std::uint64_t> read_size(Reader& reader, Value value) {
    return read_size_between(reader, value, Least, Most);
}

}  // namespace reeve::config
