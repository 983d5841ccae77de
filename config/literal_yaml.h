#pragma once

#include <string>
#include <string_view>

#include "config/literal.h"

/// Literals as YAML that means the same to every reader, of YAML 1.1 or 1.2: what one of them could
/// take for a number, a date or a boolean stands in quotes when it is a string.
namespace reeve::config {

/// A document for people and files: a key or an item a line, lists of words within brackets where
/// they fit into 100 columns. Ends in a newline.
std::string to_yaml(const Literal& literal);

/// The same on one line, without a newline: `{tcp: "127.0.0.1:80", interval: 1s}`.
std::string to_yaml_line(const Literal& literal);

/// A configuration file of these services, each a name and its definition.
std::string definition_document(const Literal::Map& services);

}  // namespace reeve::config
