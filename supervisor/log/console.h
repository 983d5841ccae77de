#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/fd.h"
#include "supervisor/log/sink.h"

namespace reeve::log {

/// The supervisor's standard output, as "NAME | line". It never changes the flags of a descriptor
/// that others share.
class Console : public Sink {
  public:
    /// The descriptor is not owned. Colours: on a terminal, unless NO_COLOR is set.
    explicit Console(int fd);

    /// Some records at the front of the input, at least one of which must be there.
    Taken take(std::string_view service, std::string_view input, const Cut& cut);

    /// Whether it is a file, whose disk may not answer; all others are asked first.
    bool is_file() const { return kind_ == Kind::Plain; }

    void give_up() override { dropping_ = true; }
    int fd() const override { return own_ ? own_.get() : fd_; }

  private:
    enum class Kind : std::uint8_t {
        Plain,   // a file, which never says "later"
        Polled,  // asked by poll(2) first, and given little at a time
        Own,     // opened anew, non-blocking
        Socket,
    };

    enum class Outcome : std::uint8_t { Done, Later, Gone };
    Outcome put(std::string_view bytes);
    /// How much went; negative: nothing, see errno.
    long write_some(std::string_view bytes);
    void heading(std::string_view service);

    int fd_;
    Fd own_;
    Kind kind_ = Kind::Plain;
    bool colours_ = false;
    bool dropping_ = false;
    std::size_t dropped_ = 0;  // lines, not told yet
    std::string rest_;         // of a chunk that went in part: to be written before all else
    std::string chunk_;
};

}  // namespace reeve::log
