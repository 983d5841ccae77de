#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "supervisor/shell/asio.h"

namespace reeve::shell::probes {

using Addresses = std::vector<asio::ip::address>;

/// Those of a host for which nobody needs to be asked: a literal address; both of localhost.
Addresses known_addresses(const std::string& host);

/// Asks what addresses hosts have, as getaddrinfo(3) knows them. Each host is asked for in a thread
/// of its own, whose end nobody waits for: a server that does not answer holds up neither what asks
/// for another host nor the end of the process. Who asks for the same host meanwhile gets the same
/// answer.
class Lookups {
  public:
    using Done = std::function<void(const Result<Addresses>&)>;

    explicit Lookups(asio::io_context& io) : io_(io) {}

    /// Calls `done` once, from the loop, or at once if nobody can be asked.
    void find(const std::string& host, Done done);

  private:
    struct Answer;
    struct Pending;

    void begin(const std::string& host, Pending& pending);
    void answered(const std::string& host);

    asio::io_context& io_;
    std::map<std::string, std::shared_ptr<Pending>> pending_;
};

}  // namespace reeve::shell::probes
