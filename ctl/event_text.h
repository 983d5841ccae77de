#pragma once

#include <string>

#include "ctl/look.h"
#include "ctl/protocol/notice.h"

namespace reeve::ctl {

/// Events for people, a line each where it fits, in the order in which they are asked for. A
/// terminal gets the date on a line of its own, each time that it is another one; others have it in
/// every line.
class EventText {
  public:
    explicit EventText(const Look& look) : look_(look) {}

    std::string text(const protocol::Event& event);

  private:
    std::string moment(WallTime time);
    std::string name_of(const protocol::Event& event);
    std::string change(const std::string& moment, const protocol::Event& event);

    const Look& look_;
    std::string date_;
    std::size_t name_width_ = 8;  ///< grows with the names
};

}  // namespace reeve::ctl
