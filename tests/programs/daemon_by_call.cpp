// A daemon by daemon(3), which forks once, without a PID file.

#include <unistd.h>

int main() {
    if (daemon(0, 0) != 0) return 1;
    for (;;) pause();
}
