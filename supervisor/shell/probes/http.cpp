#include <algorithm>
#include <boost/beast/core/flat_static_buffer.hpp>
#include <boost/beast/http.hpp>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "supervisor/shell/probes/probes.h"

namespace reeve::shell::probes {

namespace {

namespace http = boost::beast::http;
using tcp = asio::ip::tcp;

/// A header that is longer is nobody's answer to a question after health.
constexpr std::size_t longest_header = 16u << 10;

/// So many interim answers (103 Early Hints ...) may come before the one that counts.
constexpr int most_interim = 8;

std::string host_field(const config::HttpCheck& check) {
    std::string field = check.host;
    if (field.find(':') != std::string::npos) field = "[" + field + "]";
    if (check.port != 80) field.append(":").append(std::to_string(check.port));
    return field;
}

/// "503 Service Unavailable". The words are those of the standard: a server's own may be anything.
std::string in_words(unsigned status) {
    std::string words = std::to_string(status);
    const auto reason = http::obsolete_reason(http::int_to_status(status));
    if (http::int_to_status(status) != http::status::unknown) {
        words.append(" ").append(reason.data(), reason.size());
    }
    return words;
}

std::string in_words(const boost::system::error_code& error) {
    if (error == http::error::end_of_stream || error == http::error::partial_message ||
        error == asio::error::connection_reset) {
        return "no answer";
    }
    if (error == http::error::header_limit || error == http::error::buffer_overflow) {
        return "its header is too long";
    }
    return error.category() == http::make_error_code(http::error::bad_version).category()
               ? "not HTTP"
               : error.message();
}

/// One question, put to one address after the other. Lives as long as something of it is under way.
class Attempt : public std::enable_shared_from_this<Attempt> {
  public:
    Attempt(asio::io_context& io, const config::HttpCheck& check, std::function<void(Answer)> done)
        : status_(check.status),
          addresses_(known_addresses(check.host)),
          port_(check.port),
          done_(std::move(done)),
          socket_(io),
          request_(http::verb::get, check.target, 11) {
        request_.set(http::field::host, host_field(check));
        request_.set(http::field::user_agent, "reeve");
        request_.set(http::field::connection, "close");
        if (addresses_.empty()) answer_.what = "cannot look up " + check.host;
    }

    void start() {
        close();
        if (next_ == addresses_.size()) return finish();
        const tcp::endpoint endpoint(addresses_[next_++], port_);
        socket_.async_connect(endpoint, [self = shared_from_this(),
                                         endpoint](const boost::system::error_code& error) {
            if (!self->done_) return;
            if (error) return self->take(failure(error.message(), error.value()));
            // See tcp.cpp.
            boost::system::error_code unknown;
            if (self->socket_.local_endpoint(unknown) == endpoint) {
                return self->take({false, refused});
            }
            self->send();
        });
    }

    void cancel() {
        done_ = nullptr;
        close();
    }

  private:
    void send() {
        http::async_write(
            socket_, request_,
            [self = shared_from_this()](const boost::system::error_code& error, std::size_t) {
                if (!self->done_) return;
                if (error) return self->take({false, in_words(error)});
                self->read_header();
            });
    }

    void read_header() {
        parser_.emplace();
        parser_->header_limit(longest_header);
        http::async_read_header(
            socket_, buffer_, *parser_,
            [self = shared_from_this()](const boost::system::error_code& error, std::size_t) {
                if (!self->done_) return;
                if (error) return self->take({false, in_words(error)});
                self->judge(static_cast<int>(self->parser_->get().result_int()));
            });
    }

    void judge(int status) {
        if (status < 200 && ++interim_ <= most_interim) return read_header();
        const bool good = std::any_of(status_.begin(), status_.end(), [&](const auto& range) {
            return status >= range.first && status <= range.last;
        });
        take({good, in_words(static_cast<unsigned>(status))});
    }

    void take(Answer answer) {
        // Who answers at all says more than who does not.
        if (answer.what != refused || answer_.what.empty()) answer_ = std::move(answer);
        if (answer_.yes) return finish();
        start();
    }

    void finish() {
        close();
        if (const auto done = std::exchange(done_, nullptr)) done(std::move(answer_));
    }

    void close() {
        boost::system::error_code ignored;
        socket_.close(ignored);
        buffer_.clear();
        interim_ = 0;
    }

    static constexpr const char* refused = "Connection refused";

    std::vector<config::StatusRange> status_;
    Addresses addresses_;
    std::uint16_t port_;
    std::size_t next_ = 0;
    Answer answer_;
    std::function<void(Answer)> done_;  // none once it has been called or nobody waits for it
    tcp::socket socket_;
    http::request<http::empty_body> request_;
    boost::beast::flat_static_buffer<longest_header> buffer_;
    std::optional<http::response_parser<http::empty_body>> parser_;
    int interim_ = 0;
};

}  // namespace

std::function<void()> get(asio::io_context& io, const config::HttpCheck& check,
                          std::function<void(Answer)> done) {
    const auto attempt = std::make_shared<Attempt>(io, check, std::move(done));
    attempt->start();
    return [attempt] { attempt->cancel(); };
}

}  // namespace reeve::shell::probes
