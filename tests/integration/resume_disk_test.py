"""A supervisor that is killed or upgraded while its log disk is full: each line is on disk once, or counted as lost.

REEVE_KILLS says how often the soak does it, REEVE_SEED repeats what a failure has named.
"""
import contextlib
import glob
import os
import random
import re
import signal
import subprocess
import time
import unittest

from disks import LogTroubles, fill_up
from harness import PATIENCE, REEVED, STARTED, Deadline, needs, needs_root, python
from successors import Line, Resuming

DISRUPTIONS = int(os.environ.get("REEVE_KILLS", "50")) // 2
SEED = int(os.environ.get("REEVE_SEED", random.SystemRandom().randrange(1 << 32)))
NO_SPACE = "No space left on device"

# Numbered lines, some of them so long that they are written in parts, some of them at once and some byte by byte.
WRITER = r"""
import os, random, signal, sys, time
path, pace = sys.argv[1], float(sys.argv[2])
stop = []
signal.signal(signal.SIGTERM, lambda *_: stop.append(1))
chance, number = random.Random(path), 0
def put(text):
    while text:
        size = len(text) if chance.random() < 0.9 else chance.randrange(1, len(text) + 1)
        text = text[os.write(1, text[:size]):]
while not stop:
    lines = [b"%d %s.\n" % (number + i, b"x" * chance.randrange(6000 if chance.random() < 0.1 else 100)) for i in range(20)]
    put(b"".join(lines))
    number += len(lines)
    time.sleep(pace)
with open(path + ".new", "w") as f: f.write(str(number))
os.rename(path + ".new", path)
"""


class OnSmallDisk(LogTroubles, Line):
    """The logs of all its supervisors are on a file system of their own, which can be filled up and emptied."""

    def __init__(self, services, size):
        super().__init__({"services": services}, start=False)
        os.mkdir(self.logs)
        script = f'mount -t tmpfs -o size={size} none "$1"; echo up; exec sleep 1000000'
        self.holder = subprocess.Popen(["unshare", "--mount", "--propagation", "private", "sh", "-ec", script, "sh", self.logs],
                                       stdout=subprocess.PIPE, start_new_session=True)
        STARTED.add(self.holder.pid)
        self.holder.stdout.readline()
        # Executed in its place, so that the supervisor has the pid of what is started here.
        self.argv = ["nsenter", f"--mount=/proc/{self.holder.pid}/ns/mnt", *self.argv]
        self.logs = f"/proc/{self.holder.pid}/root{self.logs}"
        self.filler = os.path.join(self.logs, "filler")

    def fill(self):
        fill_up(self.filler)

    def empty(self):
        os.unlink(self.filler)

    def clear(self):
        left = super().clear()
        self.holder.kill()
        self.holder.wait(PATIENCE)
        self.holder.stdout.close()
        STARTED.discard(self.holder.pid)
        return left


class Story:
    """What the files of a service tell: numbers in order, lines that are counted as lost, the beginnings of some of those,
    and whatever is wrong."""

    def __init__(self, s, name):
        self.found, self.lost, self.begun, self.wrong, parts = [], 0, 0, [], {}
        for stream, flag, text in s.log_lines(name):
            parts[stream] = parts.get(stream, "") + text
            if flag == "P":
                continue
            line = parts.pop(stream)
            told = re.fullmatch(r"reeve: (\d+) lines? lost(: .*)?", line)
            number = re.fullmatch(r"(\d+) x*\.", line)
            if told:
                self.lost += int(told[1])
            elif number and int(number[1]) > (self.found[-1] if self.found else -1):
                self.found.append(int(number[1]))
            elif re.fullmatch(r"\d+ x*", line):
                self.begun += 1
            else:
                self.wrong.append(line[:60])


@needs_root
@needs("unshare", "nsenter")
class FullDisk(Resuming, unittest.TestCase):
    def goes_on(self, disrupt):
        web = {"command": python(WRITER, "${D}/number", "0.01"), "log": {"max_size": "64MiB"}}
        with OnSmallDisk({"web": web}, "16m") as s:
            s.start()
            s.fill()
            s.await_log("web", lambda log: log and log["problem"] == NO_SPACE and log["lost"] > 100)
            before = s.log_status("web")
            disrupt(s)
            after = s.log_status("web")
            self.assertEqual((after["problem"], after["waiting"]), (NO_SPACE, False))
            self.assertGreaterEqual(after["lost"], before["lost"])
            s.await_log("web", lambda log: log["lost"] > after["lost"])
            disrupt(s)
            s.empty()
            s.await_log("web", lambda log: log["problem"] is None)
            disrupt(s)
            s.ctl("stop", "web", status=0)
            with open(os.path.join(s.dir, "number"), encoding="ascii") as f:
                written = int(f.read())
            story = Story(s, "web")
            self.assertEqual(len(story.found) + story.lost, written)
            self.assertEqual(s.log_status("web")["lost"], story.lost)
            self.assertEqual(story.wrong, [])
            self.assertEqual(s.end(), 0)
            self.assertFalse(os.path.exists(os.path.join(s.runtime, "spool-lost")))

    def test_what_was_lost_before_a_kill_is_told_once_there_is_room(self):
        self.goes_on(lambda s: s.succeed())

    def test_what_was_lost_before_an_upgrade_is_told_once_there_is_room(self):
        self.goes_on(lambda s: s.ctl("upgrade", REEVED, status=0))

    def test_a_supervisor_that_ends_meanwhile_leaves_it_to_the_next_one(self):
        web = {"command": python(WRITER, "${D}/number", "0.01"), "log": {"max_size": "64MiB"}}
        with OnSmallDisk({"web": web}, "16m") as s:
            s.start()
            s.fill()
            s.await_log("web", lambda log: log and log["lost"] > 100)
            s.ctl("stop", "web", status=0)
            with open(os.path.join(s.dir, "number"), encoding="ascii") as f:
                written = int(f.read())
            s.write_config("services: {}")
            self.assertEqual(s.end(), 0)
            s.empty()
            s.start()
            self.assertEqual(s.end(), 0)
            story = Story(s, "web")
            self.assertEqual(len(story.found) + story.lost, written)


@needs_root
@needs("unshare", "nsenter", "zstd")
class Soak(Resuming, unittest.TestCase):
    """At random moments."""

    def test_each_line_is_on_disk_once_or_counted(self):
        chance = random.Random(SEED)
        log = {"max_size": "256KiB", "max_files": 100000, "max_line": "2KiB"}
        services = {f"s{i}": {"command": python(WRITER, f"${{D}}/s{i}.number", str(0.002 + 0.004 * i)),
                              "log": {**log, "on_full": "block" if i % 3 == 2 else "drop"}} for i in range(6)}
        with OnSmallDisk(services, "256m") as s:
            s.start()
            for name in services:
                s.wait_for(name, "running")
            full, kills, upgrades, fills = False, 0, 0, 0
            for _ in range(DISRUPTIONS):
                time.sleep(chance.uniform(0, 0.15))
                if chance.random() < 0.6:
                    (s.empty if full else s.fill)()
                    full = not full
                    fills += full
                    time.sleep(chance.uniform(0, 0.1))
                if chance.random() < 0.5:
                    s.die()
                    s.launch()
                    kills += 1
                    # This one may be killed before it has taken over.
                    if chance.random() < 0.3:
                        continue
                    s.await_listening()
                else:
                    s.up.clear()
                    s.send_signal(signal.SIGUSR2)
                    upgrades += 1
            if full:
                s.empty()
            self.await_answer(s)
            s.ctl("stop", "--all", status=0)
            self.assertEqual(s.end(), 0)
            lines = lost = 0
            for name in services:
                with open(os.path.join(s.dir, name + ".number"), encoding="ascii") as f:
                    written = int(f.read())
                story = Story(s, name)
                self.assertEqual((story.wrong, len(story.found) + story.lost), ([], written), f"{name}, REEVE_SEED={SEED}")
                if services[name]["log"]["on_full"] == "block":
                    self.assertEqual((story.lost, story.begun), (0, 0), f"{name}, REEVE_SEED={SEED}")
                lines, lost = lines + len(story.found), lost + story.lost
            rotated = len(glob.glob(f"{s.logs}/*/@*"))
            print(f"full disk: {kills} kills, {upgrades} upgrades, {fills} times full, {lines} lines on disk, {lost} counted as lost, "
                  f"{rotated} rotated files, REEVE_SEED={SEED}")

    def await_answer(self, s):
        deadline = Deadline()
        while deadline.left():
            with contextlib.suppress(OSError, AssertionError):
                s.connect()
                s.ask("status")
                return
        raise AssertionError("nobody answers: " + s.text())


if __name__ == "__main__":
    unittest.main()
