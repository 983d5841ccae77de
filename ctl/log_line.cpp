#include "ctl/log_line.h"

namespace reeve::ctl {

std::optional<CriRecord> parse_cri(std::string_view line) {
    const std::size_t time_end = line.find(' ');
    if (time_end == std::string_view::npos || time_end < 20 || time_end > 40) return std::nullopt;
    if (line[4] != '-' || line[10] != 'T') return std::nullopt;
    CriRecord record;
    record.time = line.substr(0, time_end);
    std::string_view rest = line.substr(time_end + 1);
    if (!rest.starts_with("stdout ") && !rest.starts_with("stderr ")) return std::nullopt;
    record.stream = rest.substr(0, 6);
    rest.remove_prefix(7);
    const std::string_view tags = rest.substr(0, rest.find(' '));
    if (tags.empty() || (tags[0] != 'F' && tags[0] != 'P')) return std::nullopt;
    // More tags may follow behind colons; they say nothing to us.
    if (tags.size() > 1 && tags[1] != ':') return std::nullopt;
    record.partial = tags[0] == 'P';
    if (tags.size() < rest.size()) record.text = rest.substr(tags.size() + 1);
    return record;
}

}  // namespace reeve::ctl
