#pragma once

namespace reeve::os {

/// What a keeper writes of each of its children that ended; less than PIPE_BUF, so never in parts.
struct KeeperRecord {
    int pid;
    int code;  ///< si_code and si_status of waitid(2)
    int status;
    int last;      ///< no child is left, nor will there ever be another
    long user_us;  ///< what it and the children that it waited for have used
    long system_us;
    long max_rss_kib;
};

}  // namespace reeve::os
