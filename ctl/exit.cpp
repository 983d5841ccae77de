#include "ctl/exit.h"

namespace reeve::ctl {

Exit exit_for(protocol::ErrorCode code) {
    switch (code) {
        case protocol::ErrorCode::NotRunning:
            return Exit::NotRunning;
        case protocol::ErrorCode::NoSuchService:
            return Exit::NoSuchService;
        case protocol::ErrorCode::NotAllowed:
            return Exit::NotAllowed;
        case protocol::ErrorCode::TimedOut:
            return Exit::TimedOut;
        case protocol::ErrorCode::InvalidParams:
            return Exit::Usage;
        case protocol::ErrorCode::Failed:
        case protocol::ErrorCode::ParseError:
        case protocol::ErrorCode::InvalidRequest:
        case protocol::ErrorCode::NoSuchMethod:
            return Exit::Failed;
    }
    return Exit::Failed;
}

}  // namespace reeve::ctl
