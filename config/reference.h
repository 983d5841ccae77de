#pragma once

#include <string>

namespace reeve::config {

/// The reference page of the configuration as Markdown, from the tables that the parser uses.
std::string reference_page();

}  // namespace reeve::config
