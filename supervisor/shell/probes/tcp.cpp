#include <memory>
#include <utility>
#include <vector>

#include "supervisor/shell/probes/probes.h"

namespace reeve::shell::probes {

namespace {

using tcp = asio::ip::tcp;

/// One attempt to connect. Lives as long as something of it is under way.
class Attempt : public std::enable_shared_from_this<Attempt> {
  public:
    Attempt(asio::io_context& io, std::uint16_t port, std::function<void(Answer)> done)
        : port_(port), done_(std::move(done)), socket_(io) {}

    void start(Lookups& lookups, const std::string& host) {
        const Addresses known = known_addresses(host);
        if (!known.empty()) return connect(known);
        lookups.find(host, [self = shared_from_this()](const Result<Addresses>& found) {
            if (!self->done_) return;
            if (!found) return self->finish(failure(found.error()));
            self->connect(*found);
        });
    }

    void cancel() {
        done_ = nullptr;
        boost::system::error_code ignored;
        socket_.close(ignored);
    }

  private:
    void connect(const Addresses& addresses) {
        std::vector<tcp::endpoint> endpoints;
        for (const auto& address : addresses) endpoints.emplace_back(address, port_);
        asio::async_connect(socket_, endpoints,
                            [self = shared_from_this()](const boost::system::error_code& error,
                                                        const tcp::endpoint& peer) {
                                if (error)
                                    return self->finish(failure(error.message(), error.value()));
                                // Where nobody listens on a port that the kernel gives to clients,
                                // it may give us that very port, and we would have connected to
                                // ourselves.
                                boost::system::error_code unknown;
                                const bool to_itself =
                                    self->socket_.local_endpoint(unknown) == peer;
                                self->finish({!to_itself, to_itself ? "Connection refused" : ""});
                            });
    }

    void finish(Answer answer) {
        boost::system::error_code ignored;
        socket_.close(ignored);
        if (const auto done = std::exchange(done_, nullptr)) done(std::move(answer));
    }

    const std::uint16_t port_;
    std::function<void(Answer)> done_;  // none once it has been called or nobody waits for it
    tcp::socket socket_;
};

}  // namespace

std::function<void()> connect(asio::io_context& io, Lookups& lookups, const config::TcpCheck& check,
                              std::function<void(Answer)> done) {
    const auto attempt = std::make_shared<Attempt>(io, check.port, std::move(done));
    attempt->start(lookups, check.host);
    return [attempt] { attempt->cancel(); };
}

}  // namespace reeve::shell::probes
