#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "config/problem.h"
#include "config/yaml_document.h"

/// YAML as plain values. yaml.cpp is the one place that knows the parsing library; it uses the
/// events only, so that positions, duplicate keys, aliases and numbers are read by our own rules.
namespace reeve::config::yaml {

inline constexpr std::size_t kLargestFile = 4u << 20;
inline constexpr int kDeepestNesting = 64;
inline constexpr std::size_t kMostAliasedNodes = 100'000;

/// Reads one document from `text`; `file` is for positions. What is wrong joins `problems`; the
/// result is null where nothing can be made of the text; an empty text is Kind::Null.
std::unique_ptr<const Document> parse(std::string_view text, std::string file,
                                      std::vector<Problem>& problems);

}  // namespace reeve::config::yaml
