#!/usr/bin/env python3
"""Who may include whom: checks the #include lines of every room against the plan of the house.

Prints each line that breaks a rule and exits 1 if there is one."""
import os
import re
import subprocess
import sys

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

# A room and the rooms it may look into, besides itself. The longest matching folder is the room.
MAY_SEE = {
    "base": [],
    "config": ["base"],
    "supervisor/core": ["base", "config"],
    "supervisor/os": ["base"],
    "supervisor/init": ["base"],
    "supervisor/log": ["base", "config", "supervisor/core", "supervisor/os", "ctl/protocol"],
    "supervisor/state": ["base", "config", "supervisor/core", "supervisor/os", "ctl/protocol"],
    "supervisor/shell": ["base", "config", "supervisor/core", "supervisor/init", "supervisor/os", "supervisor/log",
                         "supervisor/state", "ctl/protocol"],
    "supervisor": ["base", "config", "supervisor/core", "supervisor/init", "supervisor/os", "supervisor/log",
                   "supervisor/state", "supervisor/shell", "ctl/protocol"],
    "ctl/protocol": ["base", "config"],
    "ctl": ["base", "config", "ctl/protocol"],
}

# System and library headers that a room must do without, and why.
FORBIDDEN = [
    ("supervisor/core", r"<(boost/asio|spdlog|yaml-cpp|unistd\.h|sys/|signal\.h|csignal|fcntl\.h|ctime|time\.h)",
     "the engine is pure"),
    ("supervisor/os", r"<boost/asio", "what Linux gives is below Asio"),
    ("supervisor/init", r"<(boost/|spdlog|CLI/|iostream|thread|fstream)", "init for one command is small and quick to start"),
    ("supervisor/log", r"<boost/asio", "the log thread does without Asio"),
    ("ctl", r"<boost/asio", "the client is small and quick to start"),
]
# The only files that may include a library.
ONLY = [(r"<yaml-cpp/", ["config/yaml.cpp"]), (r"<spdlog/", ["supervisor/shell/own_log.cpp"])]


def room_of(path):
    return max((r for r in MAY_SEE if path.startswith(r + "/")), key=len, default=None)


def complaints(path, number, target):
    room = room_of(path)
    quoted, angled = target.startswith('"'), target.startswith("<")
    name = target[1:-1]
    if quoted and room_of(name):
        seen = room_of(name)
        if seen != room and seen not in MAY_SEE[room]:
            yield f"{path}:{number}: {room} must not see {seen} ({name})"
    if angled:
        for where, pattern, why in FORBIDDEN:
            if room == where and re.match(pattern, target):
                yield f"{path}:{number}: {target} in {where}: {why}"
        for pattern, files in ONLY:
            if re.match(pattern, target) and path not in files:
                yield f"{path}:{number}: {target} belongs into {', '.join(files)} alone"


def main():
    files = subprocess.run(["git", "-C", TOP, "ls-files", "-co", "--exclude-standard", "*.h", "*.cpp"],
                           capture_output=True, text=True, check=True).stdout.split()
    found, looked_at = [], 0
    for path in files:
        if room_of(path) is None:
            continue
        looked_at += 1
        with open(os.path.join(TOP, path), encoding="utf-8") as f:
            for number, line in enumerate(f, 1):
                m = re.match(r'\s*#\s*include\s*(["<][^">]+[">])', line)
                if m:
                    found += complaints(path, number, m.group(1))
    print("\n".join(found) if found else f"include rules hold in {looked_at} files")
    return 1 if found or not looked_at else 0


if __name__ == "__main__":
    sys.exit(main())
