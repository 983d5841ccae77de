#include "supervisor/shell/probes/lookup.h"

#include <fcntl.h>
#include <netdb.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <system_error>
#include <thread>
#include <utility>

#include "base/fd.h"

namespace reeve::shell::probes {

/// What the thread has found, kept by whoever is the last to need it.
struct Lookups::Answer {
    Fd bell;  // rung once the others are set
    std::atomic<bool> is_set = false;
    Addresses addresses;
    std::string problem;  // or
    std::optional<int> errnum;
};

struct Lookups::Pending {
    explicit Pending(asio::io_context& io) : bell(io) {}

    asio::posix::stream_descriptor bell;
    std::shared_ptr<Answer> answer = std::make_shared<Answer>();
    std::vector<Done> waiting;
};

namespace {

asio::ip::address address_of(const addrinfo& entry) {
    if (entry.ai_family == AF_INET6) {
        sockaddr_in6 found{};
        std::memcpy(&found, entry.ai_addr, sizeof found);
        asio::ip::address_v6::bytes_type bytes;
        std::memcpy(bytes.data(), &found.sin6_addr, bytes.size());
        return asio::ip::address_v6(bytes, found.sin6_scope_id);
    }
    sockaddr_in found{};
    std::memcpy(&found, entry.ai_addr, sizeof found);
    return asio::ip::address_v4(ntohl(found.sin_addr.s_addr));
}

}  // namespace

Addresses known_addresses(const std::string& host) {
    if (host == "localhost") {
        return {asio::ip::address_v4::loopback(), asio::ip::address_v6::loopback()};
    }
    boost::system::error_code error;
    const auto address = asio::ip::make_address(host, error);
    if (error) return {};
    return {address};
}

void Lookups::find(const std::string& host, Done done) {
    auto& pending = pending_[host];
    if (pending) return pending->waiting.push_back(std::move(done));
    pending = std::make_shared<Pending>(io_);
    pending->waiting.push_back(std::move(done));
    begin(host, *pending);
}

void Lookups::begin(const std::string& host, Pending& pending) {
    Answer& answer = *pending.answer;
    const auto give_up = [&](int errnum) {
        answer.errnum = errnum;
        answered(host);
    };
    Fd hearing(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    if (hearing) answer.bell.reset(::fcntl(hearing.get(), F_DUPFD_CLOEXEC, 3));
    if (!hearing || !answer.bell) return give_up(errno);
    boost::system::error_code error;
    pending.bell.assign(hearing.get(), error);
    if (error) return give_up(error.value());
    (void)hearing.release();
    pending.bell.async_wait(asio::posix::stream_descriptor::wait_read,
                            [this, host](const boost::system::error_code& failure) {
                                if (!failure) answered(host);
                            });
    // Signals are for the loop.
    sigset_t all, before;
    sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &before);
    try {
        std::thread([host, found = pending.answer] {
            addrinfo hints{};
            hints.ai_socktype = SOCK_STREAM;
            addrinfo* list = nullptr;
            const int failed = ::getaddrinfo(host.c_str(), nullptr, &hints, &list);
            if (failed == EAI_SYSTEM) found->errnum = errno;
            if (failed != 0 && failed != EAI_SYSTEM) {
                found->problem = ::gai_strerror(failed);
            } else if (failed == 0) {
                for (const addrinfo* at = list; at != nullptr; at = at->ai_next) {
                    found->addresses.push_back(address_of(*at));
                }
                ::freeaddrinfo(list);
            }
            found->is_set.store(true, std::memory_order_release);
            (void)::eventfd_write(found->bell.get(), 1);
        }).detach();
    } catch (const std::system_error& failure) {
        give_up(failure.code().value());
    }
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

void Lookups::answered(const std::string& host) {
    const auto node = pending_.extract(host);
    if (node.empty()) return;
    const std::shared_ptr<Pending> pending = node.mapped();
    Answer& answer = *pending->answer;
    (void)answer.is_set.load(std::memory_order_acquire);
    Result<Addresses> result = std::move(answer.addresses);
    if (!answer.problem.empty() || answer.errnum) {
        std::string text = "cannot look it up";
        if (!answer.problem.empty()) text.append(": ").append(answer.problem);
        result = Error{std::move(text), answer.errnum, {}};
    }
    for (const Done& done : pending->waiting) done(result);
}

}  // namespace reeve::shell::probes
