// The daemon of every tutorial: umask, fork, setsid, fork, chdir, close, /dev/null, all by hand. Its
// first process has long ended when it writes its PID file.
//
//   PID_FILE [FIFO]   writes the file once a line has come through the FIFO, if there is one

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

namespace {

void leave_parent() {
    const pid_t child = fork();
    if (child < 0) std::exit(1);
    if (child > 0) std::exit(0);
}

void become_daemon() {
    umask(022);
    leave_parent();
    if (setsid() < 0) std::exit(1);
    leave_parent();
    if (chdir("/") != 0) std::exit(1);
    for (int fd = 0; fd < 1024; ++fd) close(fd);
    open("/dev/null", O_RDWR);
    if (dup(0) != 1 || dup(0) != 2) std::exit(1);
}

void await_line(const char* fifo) {
    const int fd = open(fifo, O_RDONLY);
    char c = 0;
    while (read(fd, &c, 1) == 1 && c != '\n') {
    }
    close(fd);
}

}  // namespace

int main(int argc, char** argv) {
    if (argc < 2) return 2;
    become_daemon();
    if (argc > 2) await_line(argv[2]);
    std::FILE* const file = std::fopen(argv[1], "w");
    if (file == nullptr) return 1;
    std::fprintf(file, "%d\n", getpid());
    std::fclose(file);
    for (;;) pause();
}
