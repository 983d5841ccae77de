#include "supervisor/log/stamp.h"

#include <chrono>

namespace reeve::log {

namespace {

using namespace std::chrono;

void put_digits(char* at, int width, std::uint64_t value) {
    for (int i = width - 1; i >= 0; --i) {
        at[i] = static_cast<char>('0' + value % 10);
        value /= 10;
    }
}

/// Reads digits from the front, and fails at anything else.
class DigitReader {
  public:
    explicit DigitReader(std::string_view text) : rest_(text) {}

    int number(std::size_t width) {
        int value = 0;
        for (std::size_t i = 0; i < width && i < rest_.size(); ++i) {
            if (rest_[i] < '0' || rest_[i] > '9') {
                ok_ = false;
                break;
            }
            value = value * 10 + (rest_[i] - '0');
        }
        skip(width);
        return value;
    }
    void expect(char c) {
        if (rest_.empty() || rest_.front() != c) ok_ = false;
        skip(1);
    }
    bool ok() const { return ok_; }

  private:
    void skip(std::size_t n) {
        if (n > rest_.size()) ok_ = false;
        rest_.remove_prefix(std::min(n, rest_.size()));
    }

    std::string_view rest_;
    bool ok_ = true;
};

std::optional<WallTime> parse(std::string_view text, bool separators) {
    DigitReader in(text);
    const auto separator = [&](char c) {
        if (separators) in.expect(c);
    };
    const int y = in.number(4);
    separator('-');
    const int mo = in.number(2);
    separator('-');
    const int d = in.number(2);
    in.expect('T');
    const int h = in.number(2);
    separator(':');
    const int mi = in.number(2);
    separator(':');
    const int s = in.number(2);
    in.expect('.');
    const int ns = in.number(9);
    in.expect('Z');
    const year_month_day date{year(y), month(static_cast<unsigned>(mo)),
                              day(static_cast<unsigned>(d))};
    // Nanoseconds since 1970 in 64 bits end in the year 2262.
    if (!in.ok() || !date.ok() || y < 1970 || y > 2261 || h > 23 || mi > 59 || s > 60) {
        return std::nullopt;
    }
    return WallTime(sys_days(date).time_since_epoch() + hours(h) + minutes(mi) + seconds(s) +
                    nanoseconds(ns));
}

}  // namespace

std::string_view StampWriter::text(WallTime when) {
    const auto second = floor<seconds>(when);
    if (second.time_since_epoch().count() != second_) {
        second_ = second.time_since_epoch().count();
        const auto midnight = floor<days>(second);
        const year_month_day date(midnight);
        const auto clock = static_cast<std::uint64_t>((second - midnight).count());
        put_digits(&text_[0], 4, static_cast<std::uint64_t>(static_cast<int>(date.year())));
        put_digits(&text_[5], 2, static_cast<unsigned>(date.month()));
        put_digits(&text_[8], 2, static_cast<unsigned>(date.day()));
        put_digits(&text_[11], 2, clock / 3600);
        put_digits(&text_[14], 2, clock / 60 % 60);
        put_digits(&text_[17], 2, clock % 60);
        text_[4] = text_[7] = '-';
        text_[10] = 'T';
        text_[13] = text_[16] = ':';
        text_[19] = '.';
        text_[29] = 'Z';
    }
    put_digits(&text_[20], 9, static_cast<std::uint64_t>((when - second).count()));
    return {text_.data(), text_.size()};
}

std::optional<WallTime> parse_stamp(std::string_view record) {
    return parse(record.substr(0, kStampBytes), true);
}

std::string rotated_name(WallTime when) {
    StampWriter writer;
    std::string name = "@";
    for (const char c : writer.text(when)) {
        if (c != '-' && c != ':') name += c;
    }
    return name + ".log";
}

std::optional<WallTime> parse_rotated_name(std::string_view name) {
    constexpr std::size_t kCompact = 26;  // without the separators
    if (!name.starts_with('@') ||
        !name.substr(std::min(name.size(), 1 + kCompact)).starts_with(".log")) {
        return std::nullopt;
    }
    return parse(name.substr(1, kCompact), false);
}

}  // namespace reeve::log
