#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "base/time.h"
#include "config/plan.h"
#include "config/problem.h"

/// From the text of a scalar to its value. Pure; none knows where the text stands.
namespace reeve::config {

/// "250ms", "1h30m", "1.5" (seconds); from 0 to 100 years.
Parsed<Duration> parse_duration(std::string_view text);
/// "64KiB", "10MiB", "4096" (bytes).
Parsed<std::uint64_t> parse_size(std::string_view text);
/// Decimal digits with or without a sign: "010" is ten.
Parsed<std::int64_t> parse_integer(std::string_view text, std::int64_t least, std::int64_t most);
/// "2", "1.5", "0.25": no exponents, no signs.
Parsed<double> parse_number(std::string_view text);
/// "10%" is 0.1; from 0% to 100%.
Parsed<double> parse_percent(std::string_view text);
/// Octal whatever it looks like: "022", "0022", "0o22".
Parsed<mode_t> parse_mode(std::string_view text);
/// "TERM", "SIGTERM", "15".
Parsed<int> parse_signal(std::string_view text);
/// "127.0.0.1:80", "[::1]:80", "db.example:5432".
Parsed<TcpCheck> parse_host_and_port(std::string_view text);
/// Puts one exit code ("0" to "255") or signal name into the set.
Parsed<ExitSet> parse_exit(std::string_view text);
/// `name` is that of getrlimit(2) in lower case without RLIMIT_; `text` is "soft[:hard]".
Parsed<Limit> parse_limit(std::string_view name, std::string_view text);
/// The name of a resource that parse_limit() gives, and whether its limits are sizes.
std::string_view limit_name(int resource);
bool is_size(const Limit& limit);
/// The names that parse_limit knows, for messages and documentation.
const std::vector<std::string_view>& limit_names();

/// Why a text is no name of a group, or of a service without instance; nothing if it is one.
std::optional<Misread> check_name(std::string_view text);
/// The same for a service, which may be an instance: NAME or NAME@INSTANCE.
std::optional<Misread> check_service_name(std::string_view text);

}  // namespace reeve::config
