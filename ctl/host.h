#pragma once

#include <sys/types.h>

#include <map>
#include <string>
#include <string_view>

#include "ctl/look.h"

namespace reeve::ctl {

/// Who calls and what surrounds them: the only way by which the program knows its environment.
struct Host {
    std::map<std::string, std::string> environment;
    uid_t uid = 0;
    int out = 1;
    int err = 2;

    /// This process's own.
    static Host own();

    /// Empty when it is not set.
    std::string_view variable(const std::string& name) const;
};

/// How a descriptor wants its output: a terminal's width and colours, a UTF-8 locale's characters.
/// Without a terminal nothing is cut and nothing coloured.
Look look_for(const Host& host, int fd, bool colour_wanted);

/// Collects output and writes it to a descriptor in few pieces. Once a write has failed, it goes
/// silent: nobody is left to read.
class Output {
  public:
    explicit Output(int fd) : fd_(fd) {}
    Output(const Output&) = delete;
    Output& operator=(const Output&) = delete;
    ~Output() { flush(); }

    void write(std::string_view text);
    void flush();
    bool failed() const { return errnum_ != 0; }
    /// Why the write failed.
    int errnum() const { return errnum_; }

  private:
    int fd_;
    int errnum_ = 0;
    std::string pending_;
};

}  // namespace reeve::ctl
