#pragma once

#include <concepts>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/time.h"

namespace reeve::protocol {

/// Appends one JSON text to a string, in the order in which it is called. It sets the commas; that
/// objects and arrays are closed is the caller's. Whatever bytes it is given, what it writes is one
/// line of valid UTF-8: bytes that are none become U+FFFD.
class JsonWriter {
  public:
    void begin_object() { open('{'); }
    void end_object() { close('}'); }
    void begin_array() { open('['); }
    void end_array() { close(']'); }

    void key(std::string_view name);

    void value(std::string_view text);
    void value(const std::string& text) { value(std::string_view(text)); }
    void value(const char* text) { value(std::string_view(text)); }
    void value(bool truth);
    void value(std::nullptr_t);
    void value(std::integral auto number) { integer(std::to_string(number)); }
    /// So that it is read as the same again, and not as a whole number; null for what is no number.
    void value(double number);
    /// In seconds, exact, without trailing zeros.
    void value(Duration duration);
    /// As RFC 3339.
    void value(WallTime time);
    void value(const std::vector<std::string>& texts);
    template <typename T>
    void value(const std::optional<T>& maybe) {
        maybe ? value(*maybe) : value(nullptr);
    }

    template <typename T>
    void field(std::string_view name, const T& content) {
        key(name);
        value(content);
    }

    /// A struct, by its write().
    template <typename T>
    void part(std::string_view name, const T& content) {
        key(name);
        write(*this, content);
    }
    template <typename T>
    void part(std::string_view name, const std::optional<T>& content) {
        key(name);
        content ? write(*this, *content) : value(nullptr);
    }

    template <typename T>
    void list(std::string_view name, const std::vector<T>& items) {
        key(name);
        begin_array();
        for (const T& item : items) write(*this, item);
        end_array();
    }

    std::string take() { return std::move(out_); }

  private:
    void separate();
    void open(char bracket);
    void close(char bracket);
    void integer(std::string_view digits);
    void quoted(std::string_view text);
    void escape(std::uint32_t code);

    std::string out_;
    bool comma_ = false;
};

}  // namespace reeve::protocol
