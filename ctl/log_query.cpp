#include "ctl/log_query.h"

#include "ctl/protocol/timestamp.h"

namespace reeve::ctl {

bool LogQuery::wants(const LogLine& line) const {
    if (stream && line.stream != *stream) return false;
    if (pattern && !RE2::PartialMatch({line.text.data(), line.text.size()}, *pattern)) return false;
    if (!since && !until) return true;
    const auto time = protocol::parse_rfc3339(line.time);
    return !time || ((!since || *time >= *since) && (!until || *time < *until));
}

}  // namespace reeve::ctl
