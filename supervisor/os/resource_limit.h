#pragma once

#include <sys/resource.h>

namespace reeve::os {

/// One resource limit, as setrlimit(2) takes it.
struct ResourceLimit {
    int resource = 0;
    rlimit value{};
};

/// "nofile" for RLIMIT_NOFILE; "?" for a number that is none.
inline const char* resource_name(int resource) {
    switch (resource) {
        case RLIMIT_AS:
            return "as";
        case RLIMIT_CORE:
            return "core";
        case RLIMIT_CPU:
            return "cpu";
        case RLIMIT_DATA:
            return "data";
        case RLIMIT_FSIZE:
            return "fsize";
        case RLIMIT_LOCKS:
            return "locks";
        case RLIMIT_MEMLOCK:
            return "memlock";
        case RLIMIT_MSGQUEUE:
            return "msgqueue";
        case RLIMIT_NICE:
            return "nice";
        case RLIMIT_NOFILE:
            return "nofile";
        case RLIMIT_NPROC:
            return "nproc";
        case RLIMIT_RSS:
            return "rss";
        case RLIMIT_RTPRIO:
            return "rtprio";
        case RLIMIT_RTTIME:
            return "rttime";
        case RLIMIT_SIGPENDING:
            return "sigpending";
        case RLIMIT_STACK:
            return "stack";
        default:
            return "?";
    }
}

}  // namespace reeve::os
