// What is put back when it is deleted from the runtime directory: by a cleaner of temporary files,
// or by somebody who does not know what it is.
#include <fcntl.h>
#include <sys/file.h>

#include "supervisor/os/files.h"
#include "supervisor/os/runtime_dir.h"
#include "supervisor/shell/supervisor.h"

namespace reeve::shell {

void Supervisor::watch_places() {
    reserve_folder();
    const std::string& socket = listener_.path();
    std::set<std::string> folders = {setup_.runtime_dir};
    if (!socket.empty()) folders.insert(os::folder_of(socket));
    // Without it, SIGHUP still puts all back.
    if (auto begun = watch_.begin(std::move(folders)); !begun) {
        log_.warning(begun.error().text() +
                     "; what is deleted from the runtime directory is put back on SIGHUP alone");
    }
}

/// systemd-tmpfiles leaves alone what somebody has locked like this, and all that is in it.
void Supervisor::reserve_folder() {
    folder_.reset(::open(setup_.runtime_dir.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (folder_) (void)::flock(folder_.get(), LOCK_SH | LOCK_NB);
}

void Supervisor::restore_places() {
    if (setup_.runtime_dir.empty()) return listener_.restore();
    const auto told = [this](const Result<bool>& restored, const std::string& what) {
        if (!restored) return log_.error(restored.error().text());
        if (*restored) log_.warning(what + " was gone; it is put back");
    };
    const std::string& folder = setup_.runtime_dir;
    if (!folder_ || !os::is_open_at(folder_.get(), folder)) {
        // Whoever made it may be somebody else by now.
        auto made = os::make_private_dir(folder);
        if (!made) return log_.error("the runtime directory was deleted: " + made.error().text());
        reserve_folder();
        config::Supervisor settings = engine_.units().plan_ptr()->supervisor;
        apply(setup_.options, settings);
        if (auto let = let_clients_in(settings); !let) log_.error(let.error().text());
    }
    // First of all, lest another supervisor takes over from us.
    told(os::restore_lock(folder + "/lock", setup_.lock), folder + "/lock");
    recorder_.restore();
    containments_.restore();
    holding_.restore();
    listener_.restore();
}

}  // namespace reeve::shell
