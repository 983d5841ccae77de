#pragma once

#include <boost/json/value.hpp>
#include <charconv>
#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "base/ids.h"
#include "base/time.h"
#include "config/plan.h"

/// Values as JSON text and back. What a struct consists of is told once, by a function
/// `fields(archive, value)` that hands each member and its name to a Writer or a Reader.
///
/// A member that is false, 0, empty or none is left out, and a Reader makes that of one that is
/// missing; members of other names are passed over. So either of two versions reads what the other
/// has written. Times are whole nanoseconds, enumerators their numbers. Text may hold any bytes,
/// which come back the same; those that are no UTF-8 stand in the JSON text as they are.
namespace reeve::state {

/// The number by which a record names a definition, which is written down by itself; none is 0.
using NumberOf = std::function<std::uint64_t(const config::ServicePtr&)>;
/// Null for a number that stands for nothing.
using DefinitionOf = std::function<config::ServicePtr(std::uint64_t)>;

template <typename T, template <typename...> typename Template>
inline constexpr bool is_a = false;
template <typename... A, template <typename...> typename Template>
inline constexpr bool is_a<Template<A...>, Template> = true;

template <typename T>
inline constexpr bool is_duration = false;
template <typename Rep, typename Period>
inline constexpr bool is_duration<std::chrono::duration<Rep, Period>> = true;
template <typename T>
inline constexpr bool is_time_point = false;
template <typename Clock, typename D>
inline constexpr bool is_time_point<std::chrono::time_point<Clock, D>> = true;

/// Appends the JSON text of one struct to a string.
class Writer {
  public:
    explicit Writer(const NumberOf& number_of) : number_of_(number_of) {}

    template <typename T>
    std::string text(const T& value) {
        out_.reserve(usual_size);
        write(value);
        return std::move(out_);
    }

    template <typename T>
    void operator()(std::string_view name, const T& value) {
        // Most are.
        if (is_missing(value)) return;
        const std::size_t before = out_.size();
        if (out_.back() != '{') out_ += ',';
        out_.append("\"").append(name).append("\":");
        const std::size_t begin = out_.size();
        write(value);
        const bool nothing = std::string_view(out_).substr(begin) == "{}";
        if (nothing && !is_a<T, std::optional>) out_.resize(before);
    }
    template <typename Enum>
    void choice(std::string_view name, const Enum& value, Enum) {
        (*this)(name, static_cast<int>(value));
    }
    template <typename... T>
    void alternatives(const std::variant<T...>& value) {
        (*this)("is", value.index());
        std::visit([this](const auto& one) { fields(*this, one); }, value);
    }

  private:
    static constexpr std::size_t usual_size = 512;

    /// Whether it is what a missing one stands for; of a struct its text tells.
    template <typename T>
    static bool is_missing(const T& value) {
        if constexpr (requires { value.empty(); }) {
            return value.empty();
        } else if constexpr (requires { value.has_value(); }) {
            return !value.has_value();
        } else if constexpr (std::integral<T> || is_duration<T> || is_time_point<T> ||
                             is_a<T, StrongId> || std::same_as<T, config::ServicePtr>) {
            return value == T{};
        } else {
            return false;
        }
    }

    void write(bool truth) { out_ += truth ? "true" : "false"; }
    template <std::integral T>
    void write(const T& number) {
        char digits[24];
        out_.append(digits, std::to_chars(digits, digits + sizeof digits, number).ptr);
    }
    void write(const std::string& text);
    void write(const config::ServicePtr& definition) {
        write(definition ? number_of_(definition) : 0);
    }
    template <typename T>
    void write(const std::optional<T>& maybe) {
        if (maybe) write(*maybe);
    }
    template <typename T>
    void write(const std::vector<T>& items) {
        out_ += '[';
        for (const T& item : items) {
            if (out_.back() != '[') out_ += ',';
            write(item);
        }
        out_ += ']';
    }
    void write(const std::map<std::string, std::string>& texts) {
        out_ += '{';
        for (const auto& [name, text] : texts) {
            if (out_.back() != '{') out_ += ',';
            write(name);
            out_ += ':';
            write(text);
        }
        out_ += '}';
    }
    template <typename T>
    void write(const T& value) {
        if constexpr (is_duration<T>) {
            write(value.count());
        } else if constexpr (is_time_point<T>) {
            write(value.time_since_epoch().count());
        } else if constexpr (is_a<T, StrongId>) {
            write(value.value);
        } else {
            out_ += '{';
            fields(*this, value);
            out_ += '}';
        }
    }

    const NumberOf& number_of_;
    std::string out_;
};

/// Reads the members of one JSON object. The first thing that does not fit goes into the problem,
/// and what is read from then on counts for nothing.
class Reader {
  public:
    Reader(const DefinitionOf& definition_of, std::string& problem)
        : definition_of_(definition_of), problem_(problem) {}

    template <typename T>
    T value(const boost::json::value& json) {
        T value{};
        read(&json, value);
        return value;
    }

    template <typename T>
    void operator()(std::string_view name, T& value) {
        const Place place{place_, name, 0};
        at(place, [&] { read(object_ != nullptr ? object_->if_contains(name) : nullptr, value); });
    }
    template <typename Enum>
    void choice(std::string_view name, Enum& value, Enum last) {
        int number = 0;
        (*this)(name, number);
        const bool known = number >= 0 && number <= static_cast<int>(last);
        if (!known) wrong(name);
        value = known ? static_cast<Enum>(number) : Enum{};
    }
    template <typename... T>
    void alternatives(std::variant<T...>& value) {
        std::size_t index = 0;
        (*this)("is", index);
        if (index >= sizeof...(T)) return wrong("is");
        std::size_t at = 0;
        ((at++ == index ? fields(*this, value.template emplace<T>()) : void()), ...);
    }

  private:
    /// Where a value stands, from the inside out.
    struct Place {
        const Place* up;
        std::string_view name;  ///< of a member; else it is an item
        std::size_t item;
    };
    using Json = boost::json::value;

    template <typename F>
    void at(const Place& place, F&& f) {
        const Place* const before = std::exchange(place_, &place);
        f();
        place_ = before;
    }
    void wrong();
    void wrong(std::string_view name) {
        const Place place{place_, name, 0};
        at(place, [this] { wrong(); });
    }

    // A null stands for a value that is missing.
    void read(const Json* json, bool& truth) {
        truth = json != nullptr && json->is_bool() && json->get_bool();
        if (json != nullptr && !json->is_bool()) wrong();
    }
    template <std::integral T>
    void read(const Json* json, T& number) {
        number = 0;
        if (json == nullptr) return;
        if (json->is_int64() && std::in_range<T>(json->get_int64())) {
            number = static_cast<T>(json->get_int64());
        } else if (json->is_uint64() && std::in_range<T>(json->get_uint64())) {
            number = static_cast<T>(json->get_uint64());
        } else {
            wrong();
        }
    }
    void read(const Json* json, std::string& text) {
        text.clear();
        if (json == nullptr) return;
        if (!json->is_string()) return wrong();
        text = std::string(json->get_string());
    }
    void read(const Json* json, config::ServicePtr& definition) {
        std::uint64_t number = 0;
        read(json, number);
        definition = number != 0 ? definition_of_(number) : nullptr;
        if (number != 0 && !definition) wrong();
    }
    template <typename T>
    void read(const Json* json, std::optional<T>& maybe) {
        maybe.reset();
        if (json != nullptr) read(json, maybe.emplace());
    }
    template <typename T>
    void read(const Json* json, std::vector<T>& items) {
        items.clear();
        if (json == nullptr) return;
        if (!json->is_array()) return wrong();
        const auto& array = json->get_array();
        items.resize(array.size());
        for (std::size_t i = 0; i < array.size(); ++i) {
            const Place place{place_, {}, i};
            at(place, [&] { read(&array[i], items[i]); });
        }
    }
    void read(const Json* json, std::map<std::string, std::string>& texts) {
        texts.clear();
        if (json == nullptr) return;
        if (!json->is_object()) return wrong();
        for (const auto& [name, text] : json->get_object()) {
            const Place place{place_, name, 0};
            at(place, [&] { read(&text, texts[std::string(name)]); });
        }
    }
    template <typename T>
    void read(const Json* json, T& value) {
        if constexpr (is_duration<T>) {
            typename T::rep count{};
            read(json, count);
            value = T(count);
        } else if constexpr (is_time_point<T>) {
            typename T::duration since{};
            read(json, since);
            value = T(since);
        } else if constexpr (is_a<T, StrongId>) {
            read(json, value.value);
        } else {
            if (json != nullptr && !json->is_object()) wrong();
            const bool known = json != nullptr && json->is_object();
            const auto* const before =
                std::exchange(object_, known ? &json->get_object() : nullptr);
            fields(*this, value);
            object_ = before;
        }
    }

    const DefinitionOf& definition_of_;
    std::string& problem_;
    const boost::json::object* object_ = nullptr;
    const Place* place_ = nullptr;
};

}  // namespace reeve::state
