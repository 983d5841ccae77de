#include <array>

#include "config/draft.h"
#include "config/fields.h"
#include "config/forms.h"
#include "config/service_keys.h"

namespace reeve::config {

namespace {

constexpr std::array<std::string_view, 5> kLevels{"trace", "debug", "info", "warning", "error"};
constexpr std::array<std::string_view, 2> kFormats{"text", "json"};
constexpr std::array<std::string_view, 2> kExitWhen{"never", "idle"};

using OwnLog = Supervisor::OwnLog;
using Socket = SupervisorDraft::Socket;
using Access = SupervisorDraft::Access;

constexpr std::array kLogKeys{
    Key{"level", choice_field<kLevels, &OwnLog::level>, "info", "How much to say."},
    Key{"format", choice_field<kFormats, &OwnLog::format>, "text",
        "Lines for people, or one JSON object a line."},
    Key{"file", value_field<Kind::LogFile, read_log_file, &OwnLog::file>, "stderr",
        "A file to append to instead of stderr, or `syslog`. A daemon that has none named takes "
        "`LOG_DIR/supervisor.log`."},
};

constexpr std::array kSocketKeys{
    Key{"path", value_field<Kind::Path, read_path, &Socket::path>, "RUNTIME/control.sock",
        "Where `reevectl` finds the supervisor."},
    Key{"mode", value_field<Kind::Mode, read_mode, &Socket::mode>,
        "`\"0600\"`; with `access` `\"0666\"`",
        "Who can connect. What they may do is up to `access`."},
    Key{"group", value_field<Kind::GroupName, read_id, &Socket::group>, "",
        "The socket's group. The supervisor must be root or a member."},
};

constexpr std::array kAccessKeys{
    Key{"operate", value_field<Kind::GroupNames, read_ids, &Access::operate>, "[]",
        "Groups whose members may also start, stop, reload and change services, and read the "
        "configuration again; not end the supervisor."},
    Key{"read", value_field<Kind::GroupNames, read_ids, &Access::read>, "[]",
        "Groups whose members may see how services are and change nothing. Definitions, which may "
        "hold secrets, are not for them."},
};

constexpr std::array kKeys{
    Key{"runtime_dir",
        value_field<Kind::Path, read_path, &SupervisorDraft::supervisor, &Supervisor::runtime_dir>,
        "see [Places](#places)", "For the control socket, state and pipes: a tmpfs."},
    Key{"log_dir",
        value_field<Kind::Path, read_path, &SupervisorDraft::supervisor, &Supervisor::log_dir>,
        "see [Places](#places)", "For the services' log files, one folder a service."},
    Key{"state_dir",
        value_field<Kind::Path, read_path, &SupervisorDraft::supervisor, &Supervisor::state_dir>,
        "see [Places](#places)", "For what outlasts a reboot."},
    Key{"log", map_field<kLogKeys, &SupervisorDraft::supervisor, &Supervisor::log>, "",
        "The supervisor's own messages."},
    Key{"socket", map_field<kSocketKeys, &SupervisorDraft::socket>, "", "The control socket."},
    Key{"access", map_field<kAccessKeys, &SupervisorDraft::access>, "",
        "Who may use the control socket besides root and the supervisor's own user. With it "
        "everybody can connect; requests of those who are in none of these groups are refused."},
    Key{"shutdown_timeout",
        value_field<Kind::Duration, read_duration, &SupervisorDraft::supervisor,
                    &Supervisor::shutdown_timeout>,
        "60s", "After this long, whatever is left at shutdown is killed."},
    Key{"exit_when", choice_field<kExitWhen, &SupervisorDraft::supervisor, &Supervisor::exit_when>,
        "never", "`idle`: exit with status 0 once no service is up or due."},
    not_built("http"),
};

constexpr Section kSections[] = {
    {"The supervisor",
     "`supervisor` holds the supervisor's own settings. Its keys may be spread over several files, "
     "each key once.",
     "supervisor:\n"
     "  log: {level: warning, format: json}\n"
     "  access: {operate: [adm], read: [users]}\n"
     "  shutdown_timeout: 30s\n",
     {kKeys.data(), kKeys.size()}}};

}  // namespace

std::span<const Section> supervisor_table() { return kSections; }

}  // namespace reeve::config
