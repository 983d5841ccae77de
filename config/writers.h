#pragma once

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "base/time.h"
#include "config/key.h"
#include "config/plan.h"

/// From values to what a file would say: the opposite of forms.h. A kind of value without a
/// written() cannot stand in a table. What is written is read back as exactly the same value.
namespace reeve::config {

template <Kind kind>
using As = std::integral_constant<Kind, kind>;

Literal written(As<Kind::Text>, const std::string& text);
Literal written(As<Kind::Path>, const std::string& path);
Literal written(As<Kind::Stdin>, const std::string& path);
Literal written(As<Kind::LogFile>, const std::string& path);
Literal written(As<Kind::UserName>, const std::string& name_or_id);
Literal written(As<Kind::GroupName>, const std::string& name_or_id);
Literal written(As<Kind::GroupNames>, const std::vector<std::string>& names_or_ids);
Literal written(As<Kind::Bool>, bool truth);
Literal written(As<Kind::Integer>, std::int64_t number);
Literal written(As<Kind::Number>, double number);
/// "1h30m", "2.5s", "250ms"
Literal written(As<Kind::Duration>, Duration duration);
Literal written(As<Kind::MaybeDuration>, Duration duration);
/// "16MiB", or a number of bytes
Literal written(As<Kind::Size>, std::uint64_t bytes);
Literal written(As<Kind::Percent>, double fraction);
Literal written(As<Kind::Mode>, mode_t mode);
Literal written(As<Kind::Signal>, int signal);
/// Always a list: a string would be split.
Literal written(As<Kind::Command>, const Argv& argv);
Literal written(As<Kind::Names>, const std::vector<std::string>& names);
Literal written(As<Kind::Services>, const std::vector<std::string>& names);
Literal written(As<Kind::Exits>, const ExitSet& exits);
Literal written(As<Kind::Variables>, const std::map<std::string, std::string>& variables);
Literal written(As<Kind::EnvironmentFiles>, const std::vector<EnvironmentFile>& files);
Literal written(As<Kind::Inherit>, const InheritEnvironment& inherit);
Literal written(As<Kind::Limits>, const std::vector<Limit>& limits);
Literal written(As<Kind::Address>, const TcpCheck& address);
Literal written(As<Kind::Url>, const HttpCheck& check);
Literal written(As<Kind::Statuses>, const std::vector<StatusRange>& ranges);
Literal written(As<Kind::Pattern>, const std::string& pattern);
Literal written(As<Kind::Folders>, const std::vector<std::string>& names);
/// Three and more in a row as "0-3".
Literal written(As<Kind::Cpus>, const std::vector<int>& cpus);
Literal written(As<Kind::Capabilities>, const std::vector<int>& capabilities);
/// Of a Log, only where it goes.
Literal written(As<Kind::Destinations>, const Log& log);

/// The keys whose values differ from those of `fallback`, in the order of the table. Both are what
/// the table's fields point into.
Literal::Map written_keys(std::span<const Section> table, const void* of, const void* fallback);
Literal::Map written_keys(KeyList keys, const void* of, const void* fallback);

}  // namespace reeve::config
