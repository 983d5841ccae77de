// The keeper of a process tree: a program of its own that does nothing but wait. Whatever is
// started below it stays below it, however often it forks, changes its session or cleans its
// environment, since the kernel gives orphans to the nearest ancestor that is a subreaper. It tells
// how its children ended, and ends itself with the last of them: that is how an empty tree is
// noticed.
//
// The pipe keeps what nobody has read yet, for the successor of a supervisor that was killed: a
// keeper is a reader of it itself. When it is full, the keeper waits until somebody reads, and only
// reaps later. The last report is given a minute to be read: with the keeper's end it is gone.
//
// One runs beside each service, so it is kept small: no libc, a few pages. It is executed as a
// subreaper with all signals blocked and nothing open but the pipe that is its descriptor 0.

#include <linux/prctl.h>
#include <linux/wait.h>

#include "supervisor/os/bare.h"
#include "supervisor/os/keeper/record.h"

namespace {

namespace bare = reeve::os::bare;
using bare::address, bare::interrupted, bare::system_call;

// The kernel's own forms of these; libc's headers go with libc.
struct Info {
    int signo, errnum, code, padding, pid, uid, status;
    int rest[25];
};
struct Usage {
    long user[2], system[2], max_rss, rest[13];
};

constexpr long no_children = -10, all_children = 0;

}  // namespace

REEVE_ENTRY(keep);

extern "C" [[noreturn]] void keep(char** arguments) {
    // Not to be killed along with the group of whoever starts us. A session would do that too, but
    // many systems make a scheduling group for each, whose end is dear when many are stopped.
    system_call(__NR_setpgid);
    system_call(__NR_prctl, PR_SET_NAME, address(arguments[0]));
    for (;;) {
        Info info;
        Usage usage;
        const long waited =
            system_call(__NR_waitid, all_children, 0, address(&info), WEXITED, address(&usage));
        if (waited == interrupted) continue;
        if (waited < 0) break;
        reeve::os::KeeperRecord record;
        record.pid = info.pid;
        record.code = info.code;
        record.status = info.status;
        const long others =
            system_call(__NR_waitid, all_children, 0, 0, WEXITED | WNOHANG | WNOWAIT);
        record.last = others == no_children ? 1 : 0;
        record.user_us = usage.user[0] * 1'000'000 + usage.user[1];
        record.system_us = usage.system[0] * 1'000'000 + usage.system[1];
        record.max_rss_kib = usage.max_rss;
        while (system_call(__NR_write, 0, address(&record), sizeof record) == interrupted) {
        }
    }
    // It has one page, which is free once all has been read.
    bare::Poll pipe = {0, bare::writable, 0};
    bare::Time patience = {60, 0};
    while (system_call(__NR_ppoll, address(&pipe), 1, address(&patience)) == interrupted) {
    }
    bare::leave(0);
}
