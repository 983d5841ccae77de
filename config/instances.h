#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/reader.h"

/// NAME@INSTANCE: services that are made of one definition.
namespace reeve::config {

/// What the name of a service has behind its @; nothing where it has none.
constexpr std::optional<std::string_view> instance_of(std::string_view service) {
    const std::size_t at = service.find('@');
    if (at == std::string_view::npos) return std::nullopt;
    return service.substr(at + 1);
}

/// "web" of "web@2" and of "web".
constexpr std::string_view base_of(std::string_view service) {
    return service.substr(0, service.find('@'));
}

/// Whether "web" names this service as one of its instances.
constexpr bool is_instance_of(std::string_view service, std::string_view name) {
    return instance_of(service) && base_of(service) == name;
}

/// The value of `instances`, a number or a list of names: what stands behind the @, in order.
std::optional<std::vector<std::string>> read_instances(Reader& reader, yaml::Value value);

}  // namespace reeve::config
