#pragma once

#include <optional>
#include <string>
#include <vector>

#include "config/plan.h"
#include "config/reader.h"
#include "config/writers.h"

/// Readers of how a process is executed, as forms.h has them, and what a file would say.
namespace reeve::config {

/// Names of folders below another, sorted, none twice.
std::optional<std::vector<std::string>> read_folders(Reader& reader, yaml::Value value);
std::optional<std::vector<int>> read_cpus(Reader& reader, yaml::Value value);
std::optional<std::vector<int>> read_capabilities(Reader& reader, yaml::Value value);

/// A word, or a map with what goes with it; each replaces what is there as one.
void read_scheduling(Reader& reader, yaml::Value value, std::optional<Scheduling>& scheduling);
void read_io_priority(Reader& reader, yaml::Value value, std::optional<IoPriority>& priority);
Literal written_scheduling(const Scheduling& scheduling);
Literal written_io_priority(const IoPriority& priority);

}  // namespace reeve::config
