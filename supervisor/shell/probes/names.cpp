#include <cerrno>
#include <utility>

#include "base/overloaded.h"
#include "supervisor/shell/probes/probes.h"

namespace reeve::shell::probes {

namespace {

std::string authority(const std::string& host, std::uint16_t port) {
    std::string text = host.find(':') == std::string::npos ? host : "[" + host + "]";
    text.append(":").append(std::to_string(port));
    return text;
}

}  // namespace

Answer failure(std::string what, std::optional<int> errnum) {
    bool lacking = false;
    for (const int lack : {EMFILE, ENFILE, ENOMEM, ENOBUFS, EAGAIN}) {
        lacking = lacking || errnum == lack;
    }
    return {false, std::move(what), lacking};
}

Answer failure(const Error& error) { return failure(error.text(), error.errnum); }

std::string name_of(const config::Probe& probe) {
    return std::visit(
        Overloaded{
            [](const config::NotifyCheck&) { return std::string("notify"); },
            [](const config::ExecCheck& exec) { return "exec " + exec.command.front(); },
            [](const config::TcpCheck& tcp) { return "tcp " + authority(tcp.host, tcp.port); },
            [](const config::FdCheck& fd) { return "fd " + std::to_string(fd.number); },
            [](const config::UnixCheck& socket) { return "unix " + socket.path; },
            [](const config::HttpCheck& http) {
                std::string name = "http http://" + authority(http.host, http.port);
                return name.append(http.target);
            },
            [](const config::LogCheck&) { return std::string("log"); },
            [](const config::PathCheck& path) { return "path " + path.path; }},
        probe.check);
}

}  // namespace reeve::shell::probes
