#include "supervisor/log/syslog.h"

#include <utility>

namespace reeve::log {

namespace {

/// So that a kill doubles few lines, and other streams have their turn soon.
constexpr std::size_t kMostAtOnce = 16u << 10;

using Outcome = SyslogSocket::Outcome;

}  // namespace

Sink::Taken Syslog::take(std::string_view service, Source source, std::string_view input,
                         const Cut& cut, Time now) {
    Taken taken;
    if (!flush(now)) return taken;
    bool takes = !dropping_ || tell_dropped(now);
    while (rest_.empty() && taken.consumed <= kMostAtOnce) {
        const auto record = next_record(input.substr(taken.consumed), cut);
        if (!record) break;
        takes = takes && put(service, source, record->bytes, now);
        if (takes) {
            dropping_ = false;
        } else if (dropping_) {
            ++dropped_;
            tell_if_gone();
        } else {
            break;
        }
        taken.consumed += record->consumed;
        taken.tail = record->final ? Tail::Finish : Tail::Part;
    }
    return taken;
}

/// False: none of it went.
bool Syslog::put(std::string_view service, Source source, std::string_view line, Time now) {
    std::string head =
        SyslogSocket::head(source == Source::Out ? Severity::Info : Severity::Error, service);
    const std::string text = SyslogSocket::harmless(line);
    std::string_view left = text;
    if (socket_.send(head, left, now) == Outcome::Sent) {
        told_ = false;
        return true;
    }
    if (left.size() == text.size()) return false;
    rest_head_ = std::move(head);
    rest_ = left;
    return true;
}

bool Syslog::flush(Time now) {
    bool done = socket_.flush();
    if (done && !rest_.empty()) {
        std::string_view left = rest_;
        done = socket_.send(rest_head_, left, now) == Outcome::Sent;
        rest_.erase(0, rest_.size() - left.size());
    }
    if (!done && !dropping_) return false;
    if (!rest_.empty()) ++dropped_;
    rest_.clear();
    return true;
}

/// False: there is no room yet, not even for that.
bool Syslog::tell_dropped(Time now) {
    if (dropped_ == 0) return true;
    const std::string text =
        std::to_string(dropped_) + " lines dropped: the syslog daemon did not take them";
    std::string_view left = text;
    const std::string head = SyslogSocket::head(Severity::Warning, "reeve");
    if (socket_.send(head, left, now) != Outcome::Sent) return false;
    dropped_ = 0;
    return true;
}

void Syslog::tell_if_gone() {
    if (socket_.fd() >= 0 || std::exchange(told_, true)) return;
    report_(socket_.error().text() + "; lines for syslog are dropped until it can be reached");
}

}  // namespace reeve::log
