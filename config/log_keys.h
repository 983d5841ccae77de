#pragma once

#include <array>
#include <optional>
#include <string>
#include <utility>

#include "config/draft.h"
#include "config/fields.h"
#include "config/forms.h"

/// The part of the table of a service that is below `log`.
namespace reeve::config {

inline constexpr std::array<std::string_view, 5> kLogWords{"file", "console", "syslog", "inherit",
                                                           "none"};
inline constexpr std::array<std::string_view, 2> kCompressions{"none", "zstd"};
inline constexpr std::array<std::string_view, 2> kOnFull{"block", "drop"};

inline constexpr std::array kRateKeys{
    Key{"lines", value_field<Kind::Integer, read_integer<1, 1'000'000'000>, &LogRate::lines>, "",
        "How many lines, of both streams together,"},
    Key{"per", value_field<Kind::Duration, read_positive_duration, &LogRate::per>, "1s",
        "it may write in each span of this time; what is over it is dropped and counted."},
};

inline void read_to(Reader& reader, Value value, void* target) {
    read_destinations(reader, value, *static_cast<Log*>(target));
}
inline bool same_to(const void* a, const void* b) {
    const Log& left = *static_cast<const Log*>(a);
    const Log& right = *static_cast<const Log*>(b);
    return left.kind == right.kind && left.to_file == right.to_file &&
           left.to_console == right.to_console && left.to_syslog == right.to_syslog;
}
inline Literal write_to(const void* of, const void* fallback) {
    if (same_to(of, fallback)) return {};
    return written(As<Kind::Destinations>{}, *static_cast<const Log*>(of));
}

inline constexpr std::array kLogKeys{
    Key{"to", Field{Kind::Destinations, read_to, same_to, write_to}, "file",
        "`file`, `console`, `syslog` (the datagram socket /dev/log, facility daemon) or a list of "
        "them; or `inherit` or `none`."},
    Key{"max_size", value_field<Kind::Size, read_size<4096, 1ull << 40>, &Log::max_size>, "16MiB",
        "How large `current` may grow before it is rotated."},
    Key{"max_files", value_field<Kind::Integer, read_integer<0, 100'000>, &Log::max_files>, "10",
        "How many rotated files are kept beside `current`."},
    Key{"max_line", value_field<Kind::Size, read_size<64, 1ull << 20>, &Log::max_line>, "16KiB",
        "Longer lines are written in parts."},
    Key{"max_age", in_place_field<Kind::MaybeDuration, read_maybe_duration, &Log::max_age>, "none",
        "Rotated files whose last line is older than this are removed; `current` is rotated once "
        "its first line is."},
    Key{"compress", choice_field<kCompressions, &Log::compress>, "none",
        "`zstd`: rotated files are compressed in the background."},
    Key{"rate", optional_map_field<kRateKeys, &Log::rate>, "none",
        "So that one service that goes wild does not fill the disk."},
    Key{"on_full", choice_field<kOnFull, &Log::on_full>, "drop",
        "When the disk is full or does not answer: `drop` drops lines and counts them, `block` "
        "leaves them in the pipe, so that the service waits once that is full. When there is room "
        "again, writing goes on and one line says how many were lost."},
};

/// A word is short for {to: WORD}.
inline void read_log(Reader& reader, Value value, Log& log) {
    if (value.kind() == yaml::Kind::Scalar) return read_destinations(reader, value, log);
    if (!reader.is(value, yaml::Kind::Map, "file, console, syslog, inherit, none or a map")) return;
    reader.map(value, KeyList{kLogKeys.data(), kLogKeys.size()}, &log);
}

inline Literal write_log(const void* of, const void* fallback) {
    const KeyList keys{kLogKeys.data(), kLogKeys.size()};
    Literal::Map map = written_keys(keys, &member<&Draft::policy, &Policy::log>(of),
                                    &member<&Draft::policy, &Policy::log>(fallback));
    if (map.empty()) return {};
    const bool only_to = map.size() == 1 && map.front().first == "to";
    const bool a_word = std::holds_alternative<std::string>(map.front().second.value);
    return only_to && a_word ? std::move(map.front().second) : Literal{std::move(map)};
}

inline constexpr Field kLogField{Kind::Map,
                                 read_in_place<read_log, &Draft::policy, &Policy::log>,
                                 same_member<&Draft::policy, &Policy::log>,
                                 write_log,
                                 {kLogKeys.data(), kLogKeys.size()},
                                 kLogWords};

}  // namespace reeve::config
