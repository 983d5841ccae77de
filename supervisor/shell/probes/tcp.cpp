#include <memory>
#include <utility>

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
        Addresses known = known_addresses(host);
        if (!known.empty()) return connect(std::move(known));
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
    void connect(Addresses addresses) {
        addresses_ = std::move(addresses);
        try_next({});
    }

    /// One address after the other, until one answers.
    void try_next(Answer refusal) {
        // The first says most: of localhost the second address may not even be there.
        if (refusal_.what.empty()) refusal_ = std::move(refusal);
        boost::system::error_code ignored;
        socket_.close(ignored);
        if (next_ == addresses_.size()) return finish(std::move(refusal_));
        const tcp::endpoint peer(addresses_[next_++], port_);
        socket_.async_connect(
            peer, [self = shared_from_this(), peer](const boost::system::error_code& error) {
                if (!self->done_) return;
                if (error) return self->try_next(failure(error.message(), error.value()));
                // Where nobody listens on a port that the kernel gives to clients, it may give us
                // that very port, and we would have connected to ourselves.
                boost::system::error_code unknown;
                if (self->socket_.local_endpoint(unknown) == peer) {
                    return self->try_next({false, "Connection refused"});
                }
                self->finish({true, ""});
            });
    }

    void finish(Answer answer) {
        boost::system::error_code ignored;
        socket_.close(ignored);
        if (const auto done = std::exchange(done_, nullptr)) done(std::move(answer));
    }

    const std::uint16_t port_;
    Addresses addresses_;
    std::size_t next_ = 0;
    Answer refusal_;
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
