// Throws orphans at whoever reaps them: COUNT processes, one after the other as fast as it can
// fork, whose parent is gone and that end at once.
//
//   reeve-orphan-storm COUNT
//
// Prints "most N", the greatest number of zombies of its own session that it saw meanwhile, then
// waits until there are none and prints "left 0", or what is left after a minute.

#include <dirent.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>
#include <thread>

namespace {

constexpr int forks_between_looks = 100;
constexpr auto patience = std::chrono::minutes(1);

bool is_zombie_of_ours(const char* pid) {
    std::ifstream file(std::string("/proc/") + pid + "/stat");
    std::string stat;
    std::getline(file, stat);
    const std::size_t name_end = stat.rfind(')');
    if (name_end == std::string::npos) return false;
    char state = '?';
    int parent = 0, group = 0, session = -1;
    std::sscanf(stat.c_str() + name_end + 1, " %c %d %d %d", &state, &parent, &group, &session);
    return state == 'Z' && parent != getpid() && session == getsid(0);
}

int zombies() {
    DIR* const proc = opendir("/proc");
    int count = 0;
    while (const dirent* entry = readdir(proc)) {
        const bool is_process = entry->d_name[0] >= '1' && entry->d_name[0] <= '9';
        if (is_process && is_zombie_of_ours(entry->d_name)) ++count;
    }
    closedir(proc);
    return count;
}

bool make_orphan() {
    const pid_t parent = fork();
    if (parent == 0) {
        fork();
        _exit(0);
    }
    return parent > 0 && waitpid(parent, nullptr, 0) == parent;
}

}  // namespace

int main(int argc, char** argv) {
    const int count = argc > 1 ? std::atoi(argv[1]) : 0;
    int most = 0;
    for (int i = 1; i <= count; ++i) {
        if (!make_orphan()) return 1;
        if (i % forks_between_looks == 0) most = std::max(most, zombies());
    }
    const auto end = std::chrono::steady_clock::now() + patience;
    int left = zombies();
    while (left > 0 && std::chrono::steady_clock::now() < end) {
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
        left = zombies();
    }
    std::printf("most %d\nleft %d\n", most, left);
    return left == 0 ? 0 : 1;
}
