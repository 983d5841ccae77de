#pragma once

#include <functional>
#include <set>
#include <string>

#include "base/result.h"
#include "supervisor/shell/asio.h"

namespace reeve::shell {

/// Tells when something is deleted from one of some folders, so that it can be put back. A folder
/// that was deleted itself is watched again if whoever is told makes it anew.
class FolderWatch {
  public:
    FolderWatch(asio::io_context& io, std::function<void()> deleted);
    FolderWatch(const FolderWatch&) = delete;
    FolderWatch& operator=(const FolderWatch&) = delete;

    Result<> begin(std::set<std::string> folders);
    /// From now on nothing is told.
    void end();

  private:
    Result<> watch_all();
    void await();

    std::function<void()> deleted_;
    std::set<std::string> folders_;
    asio::posix::stream_descriptor events_;
};

}  // namespace reeve::shell
