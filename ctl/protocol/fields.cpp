#include "ctl/protocol/fields.h"

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <cmath>

#include "base/nearest.h"
#include "ctl/protocol/timestamp.h"

namespace reeve::protocol {

namespace {

namespace json = boost::json;

std::string_view view(const json::string& text) { return {text.data(), text.size()}; }

json::string_view key(std::string_view name) { return {name.data(), name.size()}; }

}  // namespace

Fields::Fields(const json::value& value, std::string path, std::string& problem)
    : object_(value.if_object()), path_(std::move(path)), problem_(problem) {
    if (object_ == nullptr && problem_.empty()) problem_ = path_ + " must be an object";
}

bool Fields::has(std::string_view name) const {
    return object_ != nullptr && object_->if_contains(key(name)) != nullptr;
}

bool Fields::known(std::string_view name) const {
    const json::value* value = object_ != nullptr ? object_->if_contains(key(name)) : nullptr;
    return value != nullptr && !value->is_null();
}

const json::value* Fields::take(std::string_view name) {
    if (object_ == nullptr) return nullptr;
    const json::value* value = object_->if_contains(key(name));
    if (value == nullptr && problem_.empty()) {
        problem_ = path_of(name) + " is missing";
    }
    return value;
}

void Fields::expected(std::string_view name, std::string_view what) {
    if (problem_.empty()) problem_ = path_of(name) + " must be " + std::string(what);
}

std::string Fields::text(std::string_view name) {
    const json::value* value = take(name);
    if (value == nullptr) return {};
    if (const json::string* text = value->if_string()) return std::string(view(*text));
    expected(name, "a string");
    return {};
}

bool Fields::truth(std::string_view name) {
    const json::value* value = take(name);
    if (value == nullptr) return false;
    if (const bool* truth = value->if_bool()) return *truth;
    expected(name, "true or false");
    return false;
}

std::int64_t Fields::number(std::string_view name, std::int64_t min, std::int64_t max) {
    const json::value* value = take(name);
    if (value == nullptr) return 0;
    const std::int64_t* number = value->if_int64();
    if (number != nullptr && *number >= min && *number <= max) return *number;
    expected(name, number != nullptr || value->is_number() ? "a whole number within its range"
                                                           : "a number");
    return 0;
}

Duration Fields::seconds(std::string_view name) {
    // Beyond this no duration means anything, and nanoseconds still fit 64 bits.
    constexpr double most = 9e9;
    const json::value* value = take(name);
    if (value == nullptr) return {};
    if (!value->is_number()) {
        expected(name, "a number of seconds");
        return {};
    }
    boost::system::error_code failed;
    const double seconds = value->to_number<double>(failed);
    if (failed || !(seconds >= 0 && seconds <= most)) {
        expected(name, "a number of seconds that is not negative nor too large");
        return {};
    }
    return Duration(std::llround(seconds * 1e9));
}

WallTime Fields::moment(std::string_view name) {
    const std::string words = text(name);
    if (!problem_.empty()) return {};
    if (const auto time = parse_rfc3339(words)) return *time;
    expected(name, "a time as RFC 3339 has it");
    return {};
}

std::uint64_t Fields::count(std::string_view name) {
    return static_cast<std::uint64_t>(number(name, 0));
}

int Fields::integer(std::string_view name, int min, int max) {
    return static_cast<int>(number(name, min, max));
}

const json::array* Fields::elements(std::string_view name) {
    const json::value* value = take(name);
    if (value == nullptr) return nullptr;
    const json::array* array = value->if_array();
    if (array == nullptr) expected(name, "a list");
    return array;
}

std::size_t Fields::choice(std::string_view name, std::span<const std::string_view> words) {
    const std::string given = text(name);
    const auto found = std::find(words.begin(), words.end(), given);
    if (found != words.end()) return static_cast<std::size_t>(found - words.begin());
    std::string all(words.front());
    for (std::size_t i = 1; i < words.size(); ++i) {
        all += (i + 1 < words.size() ? ", " : " or ") + std::string(words[i]);
    }
    expected(name, all);
    return 0;
}

template <>
std::string read(const json::value& value, const std::string& path, std::string& problem) {
    if (const json::string* text = value.if_string()) return std::string(view(*text));
    if (problem.empty()) problem = path + " must be a string";
    return {};
}

std::vector<std::string> Fields::texts(std::string_view name) { return list<std::string>(name); }

void Fields::only(const std::vector<std::string_view>& names) {
    if (object_ == nullptr || !problem_.empty()) return;
    for (const json::key_value_pair& member : *object_) {
        const std::string_view name(member.key().data(), member.key().size());
        if (std::find(names.begin(), names.end(), name) != names.end()) continue;
        // What others send may be long; a person has seen enough of it after this much.
        problem_ = path_ + " has no member " + std::string(name.substr(0, 64));
        if (const auto meant = name.size() <= 64 ? nearest(name, names) : std::nullopt) {
            problem_ += "; did you mean " + *meant + "?";
        }
        return;
    }
}

}  // namespace reeve::protocol
