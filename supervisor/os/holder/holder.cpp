// The holder of descriptors: a program of its own that has them, too, so that what they are open
// on outlives a supervisor that is killed. It has one owner at a time, who tells it what to keep
// and to drop, and may ask for all of it. When an owner goes, it waits for the next at its socket;
// when its file is not there any more, none can come, and it ends.
//
// It does nothing by itself and must survive whatever its supervisor does not, so it is kept small:
// no libc, a few pages, all signals blocked. It is executed with nothing open but the socket that
// owners shall connect to, which is its descriptor 3, and its end of the first owner's, 4.

#include <linux/fcntl.h>
#include <linux/prctl.h>

#include "supervisor/os/bare.h"
#include "supervisor/os/holder/record.h"
#include "supervisor/os/holder/table.h"

namespace {

using namespace reeve::os::bare;
using reeve::os::HolderRecord;
using reeve::os::max_holder_records;

constexpr int listening = 3, first_owner = 4;

// The kernel's own forms of these; libc's headers go with libc.
struct Part {
    void* data;
    unsigned long size;
};
struct Message {
    void* name;
    int name_size;
    Part* parts;
    unsigned long part_count;
    void* control;
    unsigned long control_size;
    int flags;
};
struct Credentials {
    int pid;
    unsigned uid, gid;
};
struct Address {
    unsigned short family;
    char path[110];  // with a null at the end for sure
};
/// Of struct stat only what comes first on each processor.
struct FileStatus {
    unsigned long device, inode, rest[16];
};

constexpr long too_many_references = -109, again = -11, reset_by_peer = -104, no_buffers = -105,
               no_memory = -12;
constexpr int level_socket = 1, rights = 1, peer_credentials = 17;
constexpr int dont_wait = 0x40, no_signal = 0x4000;

struct Control {
    unsigned long size;
    int level, type;
    int fds[254];
};
constexpr unsigned long control_header = 16;

void wait_milliseconds(long count) {
    Time time = {0, count * 1'000'000};
    system_call(__NR_ppoll, 0, 0, address(&time));
}

class Holder {
  public:
    [[noreturn]] void run() {
        note_file();
        if (system_call(__NR_listen, listening, 8) != 0) leave(1);
        welcome();
        bool patient = false;  // nobody can be accepted for want of something; tried again soon
        for (;;) {
            Poll polls[2] = {{patient ? -1 : listening, readable, 0}, {owner_, readable, 0}};
            Time soon = {0, 100'000'000}, now_and_then = {1, 0};
            Time* const until = patient ? &soon : owner_ < 0 ? &now_and_then : nullptr;
            const long found = system_call(__NR_ppoll, address(polls), 2, address(until));
            if (found < 0) continue;
            patient = false;
            if (owner_ < 0) leave_if_unreachable();
            // First of all that the owner has to say: it may be gone, which makes room for the
            // next.
            if (polls[1].found != 0) {
                if (!receive()) disown();
            } else if (polls[0].found != 0) {
                patient = !accept();
            }
        }
    }

  private:
    /// Which file it is that leads to us; none if it cannot be told.
    void note_file() {
        int size = sizeof(Address) - 1;
        address_.path[0] = 0;
        if (system_call(__NR_getsockname, listening, address(&address_), address(&size)) != 0)
            return;
        address_.path[size - 2 < 0 ? 0 : size - 2] = 0;
        FileStatus status;
        if (status_of_file(status) != 0) return;
        device_ = status.device;
        inode_ = status.inode;
    }
    long status_of_file(FileStatus& status) {
        return system_call(__NR_newfstatat, AT_FDCWD, address(address_.path), address(&status),
                           AT_SYMLINK_NOFOLLOW);
    }

    void welcome() {
        records_[0] = {HolderRecord::Welcome, 0, 0};
        send(1, 0);
    }

    void disown() {
        system_call(__NR_close, owner_);
        owner_ = -1;
        leave_if_unreachable();
    }

    void leave_if_unreachable() {
        FileStatus status;
        if (inode_ == 0) return;
        const bool there =
            status_of_file(status) == 0 && status.inode == inode_ && status.device == device_;
        if (!there) leave(0);
    }

    /// False: whoever comes has to wait. All but the owner's successor are sent away.
    bool accept() {
        const long client = system_call(__NR_accept4, listening);
        if (client < 0) return client == again || client == interrupted;
        Credentials peer = {0, ~0U, ~0U};
        int size = sizeof peer;
        system_call(__NR_getsockopt, client, level_socket, peer_credentials, address(&peer),
                    address(&size));
        const bool trusted =
            peer.uid == 0 || peer.uid == static_cast<unsigned>(system_call(__NR_geteuid));
        if (owner_ >= 0 || !trusted) {
            system_call(__NR_close, client);
            return true;
        }
        owner_ = static_cast<int>(client);
        welcome();
        return true;
    }

    /// False: the owner is gone, and nothing that it has sent is left.
    bool receive() {
        Part part = {records_, sizeof records_};
        Message message = {nullptr, 0, &part, 1, &control_, sizeof control_, 0};
        const long size = system_call(__NR_recvmsg, owner_, address(&message), dont_wait);
        // It has gone without reading all of ours, which is told before its last packets.
        if (size == reset_by_peer) return true;
        if (size == again || size == interrupted) return true;
        if (size <= 0) return false;
        unsigned fd_count = 0;
        if (message.control_size >= control_header && control_.level == level_socket &&
            control_.type == rights) {
            fd_count = static_cast<unsigned>((control_.size - control_header) / sizeof(int));
        }
        handle(static_cast<unsigned>(size / static_cast<long>(sizeof(HolderRecord))), fd_count);
        return true;
    }

    void handle(unsigned count, unsigned fd_count) {
        unsigned taken = 0;
        bool give = false;
        for (unsigned i = 0; i < count; ++i) {
            const HolderRecord& record = records_[i];
            const Key key = {record.kind, record.id};
            if (record.operation == HolderRecord::End) leave(0);
            if (record.operation == HolderRecord::Give) give = true;
            if (record.operation == HolderRecord::Drop) table_.drop(key);
            if (record.operation != HolderRecord::Keep) continue;
            // The last ones do not arrive when there is no room for them.
            if (taken < fd_count) {
                table_.keep(key, control_.fds[taken++]);
            } else {
                table_.drop(key);
            }
        }
        while (taken < fd_count) system_call(__NR_close, control_.fds[taken++]);
        if (give) give_all();
    }

    void give_all() {
        unsigned count = 0;
        for (int fd = 0; fd < table_.end(); ++fd) {
            const Key* const key = table_.key_of(fd);
            if (key == nullptr) continue;
            records_[count] = {HolderRecord::Keep, key->kind, key->id};
            control_.fds[count++] = fd;
            if (count < max_holder_records) continue;
            if (!send_held(count)) return;
            count = 0;
        }
        if (count > 0 && !send_held(count)) return;
        records_[0] = {HolderRecord::EndOfList, 0, 0};
        send(1, 0);
    }

    /// One that cannot be sent, such as a socket with too many others in its queue, is left out.
    bool send_held(unsigned count) {
        if (send(count, count)) return true;
        if (error_ != too_many_references) return false;
        for (unsigned i = 0; i < count; ++i) {
            records_[0] = records_[i];
            control_.fds[0] = control_.fds[i];
            if (!send(1, 1) && error_ != too_many_references) return false;
        }
        return true;
    }

    /// The first of the records and of the control message's descriptors; waits until there is
    /// room.
    bool send(unsigned count, unsigned fd_count) {
        Part part = {records_, count * sizeof(HolderRecord)};
        Message message = {nullptr, 0, &part, 1, nullptr, 0, 0};
        if (fd_count > 0) {
            control_.size = control_header + fd_count * sizeof(int);
            control_.level = level_socket;
            control_.type = rights;
            message.control = &control_;
            message.control_size = (control_.size + 7) & ~7UL;
        }
        // Its reader may have to take some of what is under way first.
        for (int tries = 0; tries < 50; ++tries) {
            do {
                error_ = system_call(__NR_sendmsg, owner_, address(&message), no_signal);
            } while (error_ == interrupted);
            if (error_ >= 0) return true;
            if (error_ != too_many_references && error_ != no_buffers && error_ != no_memory) break;
            wait_milliseconds(1);
        }
        return false;
    }

    int owner_ = first_owner;  // -1: there is none
    long error_ = 0;           // of the last send()
    Address address_;
    unsigned long device_ = 0, inode_ = 0;
    Table table_;
    HolderRecord records_[max_holder_records];
    Control control_;
};

}  // namespace

REEVE_ENTRY(hold);

extern "C" [[noreturn]] void hold(char**) {
    const unsigned long all = ~0UL;
    constexpr int set_mask = 2;
    system_call(__NR_rt_sigprocmask, set_mask, address(&all), 0, sizeof all);
    // Not to be killed along with the group of whoever starts us; see keeper.cpp.
    system_call(__NR_setpgid);
    system_call(__NR_prctl, PR_SET_NAME, address("reeve-holder"));
    Holder holder;
    holder.run();
}
