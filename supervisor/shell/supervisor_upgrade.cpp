// How another program takes the place of this one in the process.
#include "supervisor/shell/supervisor.h"
#include "supervisor/shell/version.h"

namespace reeve::shell {

namespace {

/// For so long clients have time to read what they were told.
constexpr Duration patience_with_clients = 1s;

}  // namespace

void Supervisor::upgrade(std::string path, std::function<void(Error)> refuse) {
    if (path.empty() && setup_.program != nullptr) path = setup_.program->path();
    const char* why = nullptr;
    if (engine_.shutting_down()) why = "everything is being stopped";
    if (upgrading_) why = "another upgrade is under way";
    if (setup_.runtime_dir.empty()) why = "without a runtime directory nothing can be handed over";
    if (path.empty()) why = "the file of the program is not known: name it";
    if (why != nullptr) return refuse(error(why));
    upgrading_ = Upgrading{path, std::move(refuse)};
    trial_.begin(path, *setup_.program, containments_.open(".trial", {}),
                 [this](const Result<std::string>& shown) { tried(shown); });
}

void Supervisor::tried(const Result<std::string>& shown) {
    if (!shown) {
        const auto refused = std::exchange(upgrading_, std::nullopt);
        return refused->refuse(shown.error());
    }
    log_.info("upgrading: " + *shown);
    upgrading_->tried = true;
    control_.drain([this] {
        if (!upgrading_) return;
        upgrading_->drained = true;
        asio::post(io_, [this] { upgrade_when_idle(); });
    });
    farewell_.expires_after(patience_with_clients);
    farewell_.async_wait([this](const boost::system::error_code& cancelled) {
        if (cancelled || !upgrading_) return;
        upgrading_->drained = true;
        upgrade_when_idle();
    });
}

/// Whatever was asked for has reached the engine by then, and whatever that has decided is done.
void Supervisor::upgrade_when_idle() {
    const bool due = upgrading_ && upgrading_->tried && upgrading_->drained;
    if (!due || pump_scheduled_ || !queue_.empty() || !actions_.empty()) return;
    const auto upgrading = std::exchange(upgrading_, std::nullopt);
    farewell_.cancel();
    if (engine_.shutting_down()) return upgrading->refuse(error("everything is being stopped"));
    if (const auto executed = execute(upgrading->path); !executed) {
        upgrading->refuse(executed.error());
    }
}

Result<> Supervisor::execute(const std::string& path) {
    state::Handover handover;
    handover.version = version;
    handover.lock = setup_.lock;
    handover.runtime_dir = setup_.runtime_dir;
    handover.faults = setup_.faults;
    control_.hand_over(handover);
    handover.requests = engine_.open_requests();
    std::vector<int> kept = {handover.lock};
    for (const auto& client : handover.clients) kept.push_back(client.descriptor);
    const auto boot = setup_.boot_watch != nullptr ? setup_.boot_watch->state() : std::nullopt;
    if (boot) {
        handover.boot = {setup_.caller, boot->started, boot->pending};
        kept.push_back(setup_.caller);
    }
    holding_.flush();
    log_.flush();
    return setup_.program->execute(path, kept, setup_.limits, state::to_text(handover));
}

}  // namespace reeve::shell
