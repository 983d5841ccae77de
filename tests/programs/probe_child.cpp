// A child for the tests of spawning and of process trees: says what it was given, or behaves as
// badly as some services do.
//
//   report            prints what it was started with, one "key value" a line
//   wait              prints "pid N", then lives until its stdin is closed
//   daemon [setsid] [clean] [leave]
//                     leaves a grandchild behind that does as `wait`: in a session of its own, with
//                     an empty environment; then ends at once (leave) or does as `wait` itself
//   exit N, kill N    ends so
//   notify TEXT       sends it to $NOTIFY_SOCKET, with a descriptor attached

#include <dirent.h>
#include <fcntl.h>
#include <grp.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <set>
#include <string>
#include <vector>

namespace {

void report_signals() {
    std::ifstream status("/proc/self/status");
    for (std::string line; std::getline(status, line);) {
        if (line.starts_with("SigBlk:")) std::printf("blocked %s\n", line.c_str() + 8);
        if (line.starts_with("SigIgn:")) std::printf("ignored %s\n", line.c_str() + 8);
        if (line.starts_with("SigCgt:")) std::printf("caught %s\n", line.c_str() + 8);
    }
}

void report_descriptors() {
    DIR* const dir = opendir("/proc/self/fd");
    std::set<int> open;
    while (const dirent* entry = readdir(dir)) {
        const int fd = std::atoi(entry->d_name);
        if (entry->d_name[0] != '.' && fd != dirfd(dir)) open.insert(fd);
    }
    closedir(dir);
    for (const int fd : open) {
        char target[256] = "";
        const std::string path = "/proc/self/fd/" + std::to_string(fd);
        const ssize_t n = readlink(path.c_str(), target, sizeof target - 1);
        const bool cloexec = (fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0;
        std::printf("fd %d %.*s%s\n", fd, static_cast<int>(n), target, cloexec ? " cloexec" : "");
    }
}

void report_identity() {
    uid_t ruid, euid, suid;
    gid_t rgid, egid, sgid;
    getresuid(&ruid, &euid, &suid);
    getresgid(&rgid, &egid, &sgid);
    std::printf("uid %u %u %u\ngid %u %u %u\ngroups", ruid, euid, suid, rgid, egid, sgid);
    std::vector<gid_t> groups(static_cast<std::size_t>(getgroups(0, nullptr)));
    getgroups(static_cast<int>(groups.size()), groups.data());
    for (const gid_t group : std::set<gid_t>(groups.begin(), groups.end()))
        std::printf(" %u", group);
    std::printf("\n");
}

void report(char** argv) {
    for (int i = 0; argv[i] != nullptr; ++i) std::printf("arg %d %s\n", i, argv[i]);
    for (char** entry = environ; *entry != nullptr; ++entry) std::printf("env %s\n", *entry);
    std::printf("pid %d\nsid %d\npgid %d\n", getpid(), getsid(0), getpgid(0));
    report_signals();
    report_descriptors();
    report_identity();
    char cwd[4096];
    std::printf("cwd %s\n", getcwd(cwd, sizeof cwd) != nullptr ? cwd : "?");
    std::printf("umask %03o\n", umask(0));
    std::printf("nice %d\n", getpriority(PRIO_PROCESS, 0));
    rlimit limit{};
    getrlimit(RLIMIT_NOFILE, &limit);
    std::printf("nofile %llu %llu\n", static_cast<unsigned long long>(limit.rlim_cur),
                static_cast<unsigned long long>(limit.rlim_max));
    getrlimit(RLIMIT_CORE, &limit);
    std::printf("core %llu %llu\n", static_cast<unsigned long long>(limit.rlim_cur),
                static_cast<unsigned long long>(limit.rlim_max));
}

int wait_for_end() {
    const std::string line = "pid " + std::to_string(getpid()) + "\n";
    if (write(1, line.data(), line.size()) < 0) return 1;
    char c;
    while (read(0, &c, 1) > 0) {
    }
    return 0;
}

int leave_daemon(char** words) {
    bool own_session = false, clean = false, leave = false;
    for (; *words != nullptr; ++words) {
        own_session = own_session || std::strcmp(*words, "setsid") == 0;
        clean = clean || std::strcmp(*words, "clean") == 0;
        leave = leave || std::strcmp(*words, "leave") == 0;
    }
    const pid_t child = fork();
    if (child == 0) {
        if (own_session) setsid();
        if (fork() != 0) _exit(0);
        char self[] = "/proc/self/exe", name[] = "daemon", word[] = "wait";
        char* const argv[] = {name, word, nullptr};
        char* const nothing[] = {nullptr};
        execve(self, argv, clean ? nothing : environ);
        _exit(127);
    }
    waitpid(child, nullptr, 0);
    return leave ? 0 : wait_for_end();
}

int notify(const std::string& text) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const std::string name = std::getenv("NOTIFY_SOCKET");
    std::memcpy(address.sun_path, name.data(), name.size());
    if (name[0] == '@') address.sun_path[0] = '\0';
    const int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    msghdr message{};
    message.msg_name = &address;
    message.msg_namelen = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size());
    iovec data{const_cast<char*>(text.data()), text.size()};
    message.msg_iov = &data;
    message.msg_iovlen = 1;
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    cmsghdr* const header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(int));
    const int attached = 1;
    std::memcpy(CMSG_DATA(header), &attached, sizeof attached);
    return sendmsg(fd, &message, 0) < 0 ? 1 : 0;
}

}  // namespace

int main(int argc, char** argv) {
    const std::string what = argc > 1 ? argv[1] : "report";
    if (what == "report") return report(argv), 0;
    if (what == "wait") return wait_for_end();
    if (what == "daemon") return leave_daemon(argv + 2);
    if (what == "exit" && argc > 2) return std::atoi(argv[2]);
    if (what == "notify" && argc > 2) return notify(argv[2]);
    if (what == "kill" && argc > 2) return raise(std::atoi(argv[2]));
    return 2;
}
