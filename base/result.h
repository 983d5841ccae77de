#pragma once

#include <boost/system/result.hpp>
#include <cstring>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>

namespace reeve {

/// Where in a configuration file something stands; line and column count from 1, 0 is unknown.
struct SourcePosition {
    std::string file;
    int line = 0;
    int column = 0;

    bool operator==(const SourcePosition&) const = default;
};

/// Why something could not be done: a sentence, and the errno or the source position where there
/// is one. A value to be passed up; whoever shows it decides how.
struct Error {
    std::string message;
    std::optional<int> errnum;
    std::optional<SourcePosition> position;

    // With these no string is an Error by itself, so that a Result<std::string> is unambiguous.
    Error() = default;
    Error(std::string what, std::optional<int> errno_value, std::optional<SourcePosition> where)
        : message(std::move(what)), errnum(errno_value), position(std::move(where)) {}

    /// The message, with the errno's own words behind it.
    std::string text() const { return errnum ? message + ": " + strerrordesc(*errnum) : message; }

    /// strerror(3) without its shared buffer.
    static std::string strerrordesc(int errnum) {
        const char* words = strerrordesc_np(errnum);
        return words != nullptr ? words : "errno " + std::to_string(errnum);
    }
};

template <typename T = void>
using Result = boost::system::result<T, Error>;

/// An Error from a sentence that begins with "cannot", and the current or given errno.
inline Error system_error(std::string message, int errnum = errno) {
    return Error{std::move(message), errnum, std::nullopt};
}

inline Error error(std::string message) { return Error{std::move(message), {}, {}}; }

/// Asked for by boost::system::result when value() is called on an error: a programming error.
[[noreturn]] inline void throw_exception_from_error(const Error& error,
                                                    const boost::source_location&) {
    throw std::logic_error("unchecked error: " + error.text());
}

}  // namespace reeve
