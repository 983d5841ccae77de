#include <memory>
#include <utility>

#include "supervisor/shell/probes/probes.h"

namespace reeve::shell::probes {

namespace {

using tcp = asio::ip::tcp;

/// One attempt to connect. Lives as long as something of it is under way.
class Attempt : public std::enable_shared_from_this<Attempt> {
  public:
    Attempt(asio::io_context& io, std::function<void(Answer)> done)
        : done_(std::move(done)), resolver_(io), socket_(io) {}

    void start(const config::TcpCheck& check) {
        const std::string port = std::to_string(check.port);
        boost::system::error_code error;
        // A literal address needs nobody to look it up: that would start a thread.
        const auto address = asio::ip::make_address(check.host, error);
        if (!error) {
            const tcp::endpoint endpoint(address, check.port);
            return connect(tcp::resolver::results_type::create(endpoint, check.host, port));
        }
        try {
            resolver_.async_resolve(
                check.host, port,
                [self = shared_from_this()](const boost::system::error_code& failure,
                                            const tcp::resolver::results_type& endpoints) {
                    if (!self->done_) return;
                    if (failure) return self->finish({false, failure.message()});
                    self->connect(endpoints);
                });
        } catch (const boost::system::system_error& failure) {
            finish({false, "cannot look up " + check.host + ": " + failure.code().message()});
        }
    }

    void cancel() {
        done_ = nullptr;
        resolver_.cancel();
        boost::system::error_code ignored;
        socket_.close(ignored);
    }

  private:
    void connect(const tcp::resolver::results_type& endpoints) {
        asio::async_connect(socket_, endpoints,
                            [self = shared_from_this()](const boost::system::error_code& error,
                                                        const tcp::endpoint& peer) {
                                if (error) return self->finish({false, error.message()});
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

    std::function<void(Answer)> done_;  // none once it has been called or nobody waits for it
    tcp::resolver resolver_;
    tcp::socket socket_;
};

}  // namespace

std::function<void()> connect(asio::io_context& io, const config::TcpCheck& check,
                              std::function<void(Answer)> done) {
    const auto attempt = std::make_shared<Attempt>(io, std::move(done));
    attempt->start(check);
    return [attempt] { attempt->cancel(); };
}

}  // namespace reeve::shell::probes
