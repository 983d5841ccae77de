"""A state file that is damaged, or that is not of here: what cannot be used is dropped and said, the rest is taken over, and
nobody is harmed who has only got a number that is in it."""
import os
import random
import re
import signal
import subprocess
import time
import unittest

from harness import FOREVER, alive, needs, needs_root, wait_gone
from successors import Resuming

ANOTHER_BOOT = ["unshare", "--mount", "--propagation", "private", "sh", "-ec",
                'echo 01234567-89ab-cdef-0123-456789abcdef > "$D/boot_id"; '
                'mount --bind "$D/boot_id" /proc/sys/kernel/random/boot_id; exec "$@"', "sh"]
COUNT = 8


def start_time(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as f:
        return int(f.read().rpartition(")")[2].split()[19])


class Damage(Resuming, unittest.TestCase):
    def one(self, count=COUNT):
        return self.supervise({f"s{i}": {"command": FOREVER} for i in range(count)})

    def pids(self, s):
        return {service["name"]: service["pid"] for service in s.ask("status")["services"]}

    def until_up(self, s):
        s.wait_until(lambda: set(s.states.values()) == {"running"})
        return self.pids(s)

    def damaged(self, s, damage):
        """Kills, damages the file, and starts; (services that go on with their process, what was said)."""
        before = self.until_up(s)
        s.die()
        path = s.runtime + "/state"
        with open(path, "rb") as f:
            state = bytearray(f.read())
        with open(path, "r+b") as f:
            damage(f, state)
        already = len(s.said)
        s.start()
        after = self.until_up(s)
        s.settle()
        # All that it says at its start is there once the next one has been killed as well.
        s.succeed()
        self.assertEqual(self.pids(s), after, "the next one finds a file that is in order again")
        said = [line.split(maxsplit=1)[1] for line in s.said[already:] if re.search(r" (warning|error) ", line)]
        kept = [name for name in before if before[name] == after[name]]
        if len(kept) < len(before):
            self.assertTrue(said, "what is dropped is said")
        dropped = [line for line in said if "warning ignoring" in line]
        named = [line for line in dropped if "a record in it" not in line]
        self.assertEqual(len(named), len(set(named)), "one line a record: " + "".join(said))
        # The next one may say the same of who is still there.
        others = sorted({line for line in said if line not in dropped})
        for line in others:
            self.assertRegex(line, r"^warning s\d: ")
            self.assertNotIn(line.split()[1][:-1], kept)
        self.assertLessEqual(len(others), 2 * (len(before) - len(kept)), "".join(said))
        for name, pid in before.items():
            self.assertTrue(alive(pid), f"{name} was ended for what has happened to a file")
        s.end_strangers()
        return kept, "".join(said)

    def test_truncated_at_any_length(self):
        chance = random.Random(6)
        with self.one() as s:
            size = os.path.getsize(s.runtime + "/state")
            for length in [0, 1, 63, 64, 127, 128, *sorted(chance.randrange(size) for _ in range(14)), size - 1]:
                with self.subTest(length):
                    kept, _ = self.damaged(s, lambda f, _, n=length: f.truncate(n))
                    if length == 0:
                        self.assertEqual(kept, [])

    def test_bits_flipped(self):
        chance = random.Random(7)
        with self.one() as s:
            for _ in range(20):
                def flip(f, state):
                    used = [i for i, byte in enumerate(state) if byte]
                    at = chance.choice(used)
                    f.seek(at)
                    f.write(bytes([state[at] ^ (1 << chance.randrange(8))]))
                kept, said = self.damaged(s, flip)
                with self.subTest(said=said):
                    # The file's own header, or one record: of one service, or what all of them stand on.
                    self.assertIn(len(kept), (COUNT, COUNT - 1, 0))

    def test_many_bits_flipped(self):
        chance = random.Random(int(os.environ.get("REEVE_SEED", 8)))
        with self.one() as s:
            for _ in range(5):
                def flip(f, state):
                    for at in (chance.randrange(len(state)) for _ in range(40)):
                        f.seek(at)
                        f.write(bytes([state[at] ^ (1 << chance.randrange(8))]))
                self.damaged(s, flip)

    def test_something_else_altogether(self):
        with self.one(2) as s:
            for text in (b"x" * 100000, b"\0" * 4096, b'{"services": []}\n'):
                with self.subTest(text[:8]):
                    kept, said = self.damaged(s, lambda f, _, t=text: (f.truncate(0), f.write(t)))
                    self.assertEqual(kept, [])
                    if text.strip(b"\0"):    # else there is nothing in it that could be of no use
                        self.assertIn("state", said)

    def test_one_that_is_no_file(self):
        for make in (os.mkdir, os.mkfifo, lambda path: os.symlink("/dev/null", path), lambda path: os.symlink("/nowhere", path)):
            with self.one(1) as s:
                self.until_up(s)
                s.die()
                os.unlink(s.runtime + "/state")
                make(s.runtime + "/state")
                s.start()
                self.until_up(s)
                s.end_strangers()


class NotOfHere(Resuming, unittest.TestCase):
    def left(self, s):
        s.wait_for("web", "running")
        pid = s.pid("web")
        s.die()
        return pid

    def assert_dropped(self, s, pid):
        s.wait_for("web", "running")
        self.assertNotEqual(s.pid("web"), pid)
        self.assertEqual(s.status("web")["restarts"], 0)
        self.assertTrue(alive(pid), "nobody knows whether it is ours")
        s.end_strangers()

    @needs_root
    @needs("unshare")
    def test_one_of_another_boot(self):
        with self.supervise({"web": {"command": FOREVER}}) as s:
            pid = self.left(s)
            s.argv = [*ANOTHER_BOOT, *s.argv]
            s.start()
            self.assert_dropped(s, pid)

    @needs_root
    def test_one_of_another_user(self):
        with self.supervise({"web": {"command": FOREVER}}) as s:
            pid = self.left(s)
            os.chown(s.runtime + "/state", 65534, 65534)
            s.start()
            self.assert_dropped(s, pid)
            s.die()
            self.assertEqual(os.stat(s.runtime + "/state").st_uid, 0)
            s.start()

    @needs_root
    @needs("unshare")
    def test_one_of_another_pid_namespace(self):
        with self.supervise({"web": {"command": FOREVER}}) as s:
            pid = self.left(s)
            inside = subprocess.Popen(["unshare", "--pid", "--fork", "--mount-proc", "--kill-child", *s.argv], env=s.env,
                                      stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
            try:
                while "listening" not in (line := inside.stderr.readline()) and line:
                    pass
                web = s.status("web")
                self.assertNotEqual(web["pid"], pid)
                self.assertTrue(alive(pid))
            finally:
                inside.kill()
                inside.communicate()
            os.kill(pid, signal.SIGKILL)
            wait_gone(pid)
            s.start()

    @needs_root
    def test_a_stranger_that_has_got_the_number_lives(self):
        with self.supervise({"web": {"command": FOREVER, "backoff": {"initial": "1ms"}}}) as s:
            stranger = None
            pid = self.left(s)
            began = start_time(pid)
            os.kill(pid, signal.SIGKILL)
            wait_gone(pid)
            while os.path.exists(f"/proc/{pid}"):
                time.sleep(0.001)   # until it is reaped
            for _ in range(200):
                if not os.path.exists(f"/proc/{pid}"):
                    with open("/proc/sys/kernel/ns_last_pid", "w", encoding="ascii") as f:
                        f.write(str(pid - 1))
                    stranger = subprocess.Popen(["sleep", "1000000"])   # without our mark: nothing of ours
                    if stranger.pid == pid and start_time(pid) != began:    # a number comes again after a long time
                        break
                    stranger.kill()
                    stranger.wait()
            else:
                self.skipTest("the number cannot be had again")
            try:
                s.start()
                s.wait_until(lambda: s.status("web")["state"] == "running" and s.pid("web") != pid)
                self.assertEqual(s.status("web")["restarts"], 1)
                s.ctl("restart", "web", status=0)
                s.ctl("stop", "web", status=0)
                self.assertEqual(s.end(), 0)
                self.assertIsNone(stranger.poll())
            finally:
                stranger.kill()
                stranger.wait()


if __name__ == "__main__":
    unittest.main()
