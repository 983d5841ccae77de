"""A soak of the logs: many services write numbered lines and crash, files are rotated and compressed, and the disk
fills and empties. In the end every number is on disk once, or counted as lost where `drop` allows that.

REEVE_SOAK_SECONDS says for how long; REEVE_SOAK_SECONDS=600 is the real thing.
"""
import glob
import os
import queue
import random
import re
import subprocess
import threading
import time
import unittest

from disks import fill_up
from harness import REEVECTL, Supervisor, needs, python

SECONDS = float(os.environ.get("REEVE_SOAK_SECONDS", "6"))
SERVICES = 20
DISK = (64 << 20) + int(SECONDS * (2 << 20))  # more than all that they write
LINE = re.compile(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z stdout F (\d+) x*")
LOST = re.compile(rb"\S+ stderr F reeve: (\d+) lines lost: .*")

# Goes on from the number that its predecessor left, and crashes after a while, each time between two lines.
WRITER = r"""
import os, random, sys, time
state, pace = sys.argv[1], float(sys.argv[2])
number = int(open(state).read()) if os.path.exists(state) else 0
end = number + random.randrange(200, 4000)
out = os.open(state + ".new", os.O_WRONLY | os.O_CREAT, 0o644)
def finish(code):
    os.pwrite(out, b"%d" % number, 0)
    os.replace(state + ".new", state)
    os._exit(code)
import signal
stop = []
signal.signal(signal.SIGTERM, lambda *a: stop.append(1))
while number < end:
    if stop: finish(0)
    text = b"".join(b"%d %s\n" % (number + i, b"x" * random.randrange(200)) for i in range(10))
    while text:
        try: text = text[os.write(1, text):]
        except InterruptedError: pass
    number += 10
    time.sleep(pace)
finish(1)
"""


def lines_of(directory):
    """All that was logged, oldest first."""
    for path in sorted(glob.glob(directory + "/@*")) + [directory + "/current"]:
        if path.endswith(".zst"):
            content = subprocess.run(["zstd", "-dcq", path], stdout=subprocess.PIPE, check=True).stdout
        else:
            with open(path, "rb") as file:
                content = file.read()
        yield from content.splitlines()


class Disk:
    """A small file system of its own, in this process's mount namespace."""

    def __init__(self, path):
        self.path = path
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK}", "none", path], check=True)

    def fill(self):
        fill_up(self.path + "/filler")

    def empty(self):
        os.unlink(self.path + "/filler")


@unittest.skipUnless(os.geteuid() == 0, "needs root, for a file system of its own")
class Soak(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        needs("zstd", "mount")

    def test_every_line_is_on_disk_once_or_counted(self):
        if os.environ.get("REEVE_SOAK_INSIDE") != "1":
            # The mount is nobody else's business, and goes with us.
            subprocess.run(["unshare", "--mount", "python3", "-B", "-m", "unittest", "-q", self.id()],
                           env={**os.environ, "REEVE_SOAK_INSIDE": "1"}, check=True)
            return
        with Supervisor("services: {}", start=False) as s:
            os.mkdir(s.logs)
            disk = Disk(s.logs)
            try:
                self.soak(s, disk)
            finally:
                subprocess.run(["umount", "-l", s.logs], check=True)

    def soak(self, s, disk):
        services = {}
        for i in range(SERVICES):
            services[f"s{i}"] = {
                "command": python(WRITER, f"{s.dir}/s{i}.number", str(0.02 + 0.005 * (i % 5))),
                "backoff": {"initial": "20ms", "max": "100ms"},
                "log": {"to": "file", "max_size": "128KiB", "max_files": 100000, "max_line": "4KiB",
                        "compress": "zstd" if i % 3 else "none", "on_full": "block" if i % 2 else "drop"}}
        s.write_config({"services": services})
        s.start()
        for name in services:
            s.wait_for(name, "running")
        follower = subprocess.Popen([REEVECTL, "-s", s.socket_path, "logs", "-f", "-n", "all", "s1"],
                                    stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        self.addCleanup(follower.wait)
        self.addCleanup(follower.kill)
        follows = queue.Queue()
        reader = threading.Thread(target=lambda: [follows.put(line) for line in follower.stdout])
        reader.start()
        end = time.monotonic() + SECONDS
        fills = 0
        while time.monotonic() < end:
            time.sleep(random.uniform(0.5, 1.5) * min(SECONDS / 8, 10))
            disk.fill()
            fills += 1
            time.sleep(random.uniform(0.5, 1.5) * min(SECONDS / 16, 5))
            disk.empty()
        s.ctl("stop", "--all", status=0)
        self.assertEqual(s.end(), 0)
        total, lost, rotated = 0, 0, 0
        for name in services:
            found, gone = self.check(f"{s.logs}/{name}", f"{s.dir}/{name}.number", blocks=int(name[1:]) % 2 == 1)
            total, lost = total + found, lost + gone
            rotated += len(glob.glob(f"{s.logs}/{name}/@*"))
        self.assertFalse(glob.glob(s.logs + "/*/.*"), "a leftover of a rotation or compression")
        written = [line.rstrip(b"\n") for line in self.texts(s.logs + "/s1")]
        followed = [follows.get(timeout=20).rstrip(b"\n") for _ in written]
        follower.terminate()
        follower.wait()
        reader.join()
        self.assertEqual(followed, written)
        self.assertTrue(follows.empty(), "a line was followed twice")
        print(f"soak: {SERVICES} services, {SECONDS:.0f} s, {total} lines on disk, {lost} counted as lost, "
              f"{rotated} rotated files, the disk was full {fills} times")

    @staticmethod
    def texts(directory):
        for line in lines_of(directory):
            yield line.split(b" ", 3)[3]

    def check(self, directory, numbers, blocks):
        name = os.path.basename(directory)
        with open(numbers) as file:
            written = int(file.read())
        expected, missing, lost, found, story = 0, 0, 0, 0, []
        for line in lines_of(directory):
            notice = LOST.fullmatch(line)
            if notice:
                lost += int(notice[1])
                story.append(f"{notice[1]} counted")
                continue
            match = LINE.fullmatch(line)
            self.assertTrue(match, (name, line))
            number = int(match[1])
            self.assertGreaterEqual(number, expected, f"{name}: a line twice, or in another order")
            if number > expected:
                story.append(f"{expected} to {number - 1} missing")
            missing += number - expected
            expected = number + 1
            found += 1
        missing += written - expected
        self.assertEqual(missing, lost, f"{name}: lines are missing that were not counted: {story} of {written}")
        if blocks:
            self.assertEqual(missing, 0, f"{name}: lines are missing though they were to wait")
        return found, lost
