#pragma once

#include <cstddef>

#include "base/time.h"
#include "ctl/look.h"
#include "ctl/protocol/timestamp.h"

namespace reeve::ctl {

inline const WallTime now = *protocol::parse_rfc3339("2026-11-21T01:00:00Z");

/// Of no terminal unless there is a width, without colours and without pictures.
inline Look plain(std::size_t width = 0) { return {width, false, false, now, "reevectl"}; }

}  // namespace reeve::ctl
