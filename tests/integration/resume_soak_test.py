"""A supervisor that is killed again and again at random moments, while its services crash, start, stop, reload and write
numbered lines. What it tells and logs is compared with the record that the services keep of themselves.

REEVE_KILLS, REEVE_UPGRADES and REEVE_POINTS say how often, REEVE_SEED repeats what a failure has named. The real thing: REEVE_KILLS=1000,
and REEVE_ANOTHER=the reeved of another version.
"""
import collections
import contextlib
import glob
import os
import queue
import random
import shutil
import signal
import statistics
import subprocess
import threading
import time
import unittest

import resume_load
from harness import PATIENCE, REEVECTL, REEVED, Client, Deadline, alive, needs, needs_root
from resume_load import BOTH, CRASHERS, JOBS, RELOADED, STEADY, TOLD, Record, compare
from successors import Line, Resuming, ResumingWithoutCgroups

KILLS = int(os.environ.get("REEVE_KILLS", "50"))
POINTS = int(os.environ.get("REEVE_POINTS", "100"))
UPGRADES = int(os.environ.get("REEVE_UPGRADES", "50"))
ANOTHER = os.environ.get("REEVE_ANOTHER")   # a reeved of another build, to and fro between which upgrades go
SEED = int(os.environ.get("REEVE_SEED", random.SystemRandom().randrange(1 << 32)))
PACE = 0.008        # of the lines of a service
NAMES = (*STEADY, *CRASHERS, *TOLD, *BOTH, *JOBS)
TURNS = ("pre_start", "post_start", "pre_stop", "post_stop")


def has_fault_points():
    with open(REEVED, "rb") as f:
        return b"killed at " in f.read()


class Commander(threading.Thread):
    """Gives commands to the supervisor all the time, and kills crashers. That it does not answer is no error."""

    def __init__(self, s, seed):
        super().__init__(daemon=True)
        self.s, self.chance, self.over = s, random.Random(seed), threading.Event()
        self.given, self.answered, self.killed, self.refused = 0, 0, 0, []

    def run(self):
        while not self.over.wait(self.chance.uniform(0, 0.03)):
            what = self.chance.random()
            if what < 0.15:
                self.kill_one()
            elif what < 0.2:
                self.change()
            else:
                self.command()

    def kill_one(self):
        pid = Record(self.s.dir, self.chance.choice(CRASHERS)).present()
        if pid:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
                self.killed += 1

    def change(self):
        """Something that takes effect without a restart."""
        services = resume_load.services(PACE)
        services["told1"]["restart"] = self.chance.choice(["always", "on-failure"])
        self.s.write_config({"services": services})
        self.ask("apply", wait=False)

    def command(self):
        verb = self.chance.choice(["start", "start", "stop", "restart", "reload", "job"])
        name = {"reload": RELOADED, "job": JOBS}.get(verb, (*TOLD, *BOTH))
        verb = {"job": "start"}.get(verb, verb)
        self.ask(verb, names=[self.chance.choice(name)], wait=self.chance.random() < 0.5, timeout=0.3)

    def ask(self, verb, **params):
        self.given += 1
        try:
            client = Client(self.s.socket_path)
        except OSError:
            return
        try:
            answer = client.call(verb, **params)
            self.answered += 1
            if "error" in answer:
                self.refused.append((verb, params, answer["error"]))
        except (OSError, ConnectionError, TimeoutError):
            pass
        finally:
            client.close()

    def end(self):
        self.over.set()
        self.join(PATIENCE)


class Soak(Resuming):
    def setUp(self):
        self.chance = random.Random(SEED)
        self.took = []

    @contextlib.contextmanager
    def load(self):
        with Line({"services": resume_load.services(PACE)}, prefix=self.prefix, start=False) as s:
            resume_load.prepare(s.dir)
            try:
                yield s
            except BaseException:
                print(f"to repeat this: REEVE_SEED={SEED}; what was there:", *self.story(s), sep="\n  ")
                raise

    def story(self, s):
        """The end of each record, for whoever has to find out."""
        for name in NAMES:
            record = Record(s.dir, name)
            yield f"{name}: starts {record.starts[-4:]}, ends {list(record.ends.items())[-4:]}, last line {record.lines[-1:]}"

    # -- steps ------------------------------------------------------------------------
    def up(self, s, begin):
        """Until status is answered; nothing is left of the supervisor before."""
        deadline = Deadline()
        while deadline.left():
            with contextlib.suppress(OSError):
                answer = s.ask("status")
                self.took.append(time.monotonic() - begin)
                return answer
            if s.process.poll() is not None:
                break
            time.sleep(0.001)
        raise AssertionError("nobody answers: " + s.text())

    def check_present(self, s):
        """Who lives and is not on the way of another state is the one that the supervisor calls the main process."""
        before = {name: Record(s.dir, name).present() for name in NAMES}
        found = {service["name"]: service for service in s.ask("status")["services"]}
        after = {name: Record(s.dir, name).present() for name in NAMES}
        for name in NAMES:
            pid = before[name]
            if pid and pid == after[name] and alive(pid) and found[name]["state"] in ("running", "reloading"):
                self.assertEqual(found[name]["pid"], pid, f"{name} runs and another one is taken for it")
        for name in STEADY:
            self.assertEqual(len(Record(s.dir, name).starts), 1, f"{name} was started again")
            self.assertIn(found[name]["state"], ("running", "reloading"), name)
            self.assertEqual(found[name]["restarts"], 0, name)
        self.check_alone(s)

    def check_alone(self, s):
        if os.path.exists(s.dir + "/violations"):
            with open(s.dir + "/violations", encoding="ascii") as f:
                self.fail("two at a time: " + f.read())

    def await_steady(self, s):
        s.connect()
        for name in (*STEADY, "told1", "hooked"):
            s.wait_for(name, "running")
        self.await_noted(s, lambda: all(Record(s.dir, name).present() for name in STEADY))

    def await_noted(self, s, condition):
        """Until the records say so; each look follows an answer of the supervisor, so the services have had their turn."""
        deadline = Deadline()
        while not condition():
            self.assertTrue(deadline.left(), "the records do not come to what the supervisor says")
            s.status("steady1")

    def follow(self, s):
        """`reevectl logs -f` of a crasher, over all deaths."""
        follower = subprocess.Popen([REEVECTL, "-s", s.socket_path, "logs", "-f", "-n", "all", "crash1"],
                                    stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        lines = queue.Queue()
        reader = threading.Thread(target=lambda: [lines.put(line.rstrip(b"\n")) for line in follower.stdout], daemon=True)
        reader.start()
        self.addCleanup(lambda: (follower.kill(), follower.wait(), reader.join(PATIENCE), follower.stdout.close()))
        return lines

    def put_to_work(self, s):
        """Once it is up: who follows a log, and who gives commands."""
        self.await_steady(s)
        follows = self.follow(s)
        commander = Commander(s, self.chance.random())
        commander.start()
        self.addCleanup(commander.end)
        return follows, commander

    def calm_down(self, s, commander):
        """Nobody crashes any more, and all that was begun has come to its end."""
        commander.end()
        open(s.dir + "/calm", "w", encoding="ascii").close()
        s.connect()
        s.wait_until(lambda: not {s.states[name] for name in NAMES} & {"starting", "stopping", "backoff", "waiting", "reloading"})
        self.assertEqual([r for r in commander.refused if r[2]["code"] not in (1, 3)], [])

    # -- what must hold in the end --------------------------------------------------------
    def check_counts(self, s):
        for name in (*CRASHERS, *STEADY):
            s.wait_for(name, "running")
            self.await_noted(s, lambda n=name: Record(s.dir, n).present() == s.pid(n))
        for name in CRASHERS:
            self.assertEqual(s.status(name)["restarts"], len(Record(s.dir, name).starts) - 1, name)
        for name in TOLD:
            self.assertEqual(s.status(name)["restarts"], 0, name)
        for name in NAMES:
            record = Record(s.dir, name)
            self.assertEqual(len(set(record.invocations)), len(record.starts), f"{name}: a run twice")
        reloads = Record(s.dir, "steady2").reloads
        s.ctl("reload", "steady2", status=0)
        self.await_noted(s, lambda: Record(s.dir, "steady2").reloads > reloads)

    def check_hooks(self, s, deaths):
        """In order; one whose end nobody saw may have been run again."""
        again = 0
        for invocation, turns in Record(s.dir, "hooked").hooks.items():
            # The service itself may note its start when post_start, or the stop, has already come.
            hooks = [turn for turn in turns if turn != "main"]
            once = [turn for i, turn in enumerate(hooks) if i == 0 or hooks[i - 1] != turn]
            again += len(hooks) - len(once)
            self.assertEqual(once, [turn for turn in TURNS if turn in once], f"hooks of run {invocation}")
            self.assertEqual(once[-1], "post_stop", f"hooks of run {invocation}")
            # One that is stopped at once may be so before its first hook has noted that it runs.
            if "main" in turns:
                self.assertEqual(once[0], "pre_start", f"hooks of run {invocation}")
                self.assertNotIn(turns.index("main"), (0, len(turns) - 1), f"hooks of run {invocation}")
        self.assertLessEqual(again, deaths)

    def logged(self, s, name):
        """(life, number) of every line in the files."""
        folder = os.path.join(s.logs, name)
        for path in sorted(glob.glob(folder + "/@*")) + [folder + "/current"]:
            if path.endswith(".zst"):
                text = subprocess.run(["zstd", "-dcq", path], stdout=subprocess.PIPE, check=True).stdout.decode()
            else:
                with open(path, encoding="utf-8") as f:
                    text = f.read()
            for line in text.splitlines():
                _, stream, flag, words = line.split(" ", 3)
                self.assertEqual((stream, flag), ("stdout", "F"), f"{name}: {line}")
                pid, number = words.split()
                yield int(pid), int(number)

    def check_logs(self, s):
        lines, lost, doubled, wrong = 0, 0, 0, []
        for name in NAMES:
            record = Record(s.dir, name)
            if not record.starts:
                continue
            logged = list(self.logged(s, name))
            told = [tuple(map(int, line.split())) for line in self.told[name].splitlines()]
            for how, found in (("in the files", logged), ("by reevectl", told)):
                sentences, missing, more = compare(record, found)
                lost, doubled = lost + missing, doubled + more
                wrong += [f"{name}, {how}: {sentence}" for sentence in sentences[:5]]
            lines += len(record.lines)
        self.assertEqual(wrong, [], f"of {lines} lines {lost} are lost and {doubled} are too many")
        return lines, lost, doubled

    def check_followed(self, s, follows):
        wanted = [f"{pid} {number}".encode() for pid, number in self.logged(s, "crash1")]
        followed = []
        with contextlib.suppress(queue.Empty):
            while len(followed) < len(wanted):
                followed.append(follows.get(timeout=20))
        gaps = [(i, line) for i, line in enumerate(wanted) if line not in set(followed)]
        self.assertEqual(followed, wanted, f"{len(gaps)} of {len(wanted)} lines were not followed: {gaps[:10]}")
        self.assertTrue(follows.empty(), "a line was followed twice")

    def finish(self, s, commander, follows, deaths, what):
        self.calm_down(s, commander)
        self.check_counts(s)
        self.check_present(s)
        s.ctl("stop", "--all", status=0)
        self.assertEqual(s.strangers(), set())
        self.told = {name: s.ctl("logs", "-n", "all", name).stdout for name in NAMES}
        self.assertEqual(s.end(), 0)
        self.check_alone(s)
        self.assertEqual(s.started_processes(), {})
        self.check_hooks(s, deaths)
        lines, lost, doubled = self.check_logs(s)
        self.check_followed(s, follows)
        again = sum(len(Record(s.dir, name).starts) - 1 for name in STEADY)
        print(f"{what}: {deaths}, services: {len(NAMES)}, starts: {sum(len(Record(s.dir, n).starts) for n in NAMES)}, "
              f"commands: {commander.given} ({commander.answered} answered), lines: {lines}, lost: {lost}, doubled: {doubled}, "
              f"restarted: {again}, resume: median {statistics.median(self.took) * 1000:.0f} ms, max {max(self.took) * 1000:.0f} ms, "
              f"REEVE_SEED={SEED}")


class Undisturbed(Soak, unittest.TestCase):
    """The same without a death: whatever this finds is not for want of taking over."""

    def test_nothing_is_lost(self):
        with self.load() as s:
            s.start()
            follows, commander = self.put_to_work(s)
            begin = time.monotonic()
            while time.monotonic() - begin < 3:
                self.up(s, time.monotonic())
                self.check_present(s)
            self.finish(s, commander, follows, 0, "kills")


class Killed(Soak):
    kills = KILLS

    def test_nothing_is_lost(self):
        with self.load() as s:
            s.start()
            follows, commander = self.put_to_work(s)
            early = 0
            for _ in range(self.kills):
                time.sleep(self.chance.expovariate(4))      # the pace of the load: how long this one lives
                s.die()
                if self.chance.random() < 0.3:
                    time.sleep(self.chance.uniform(0, 0.1))     # and how long there is none
                begin = time.monotonic()
                s.launch()
                if self.chance.random() < 0.25:     # this one may be killed before it has taken over
                    early += 1
                    time.sleep(self.chance.uniform(0, 0.08))
                    continue
                self.up(s, begin)
                self.check_present(s)
            self.up(s, time.monotonic())
            self.took.pop()
            self.finish(s, commander, follows, self.kills, "kills")


class Kills(Killed, unittest.TestCase):
    pass


@needs_root
@needs("unshare")
class KillsWithoutCgroups(ResumingWithoutCgroups, Killed, unittest.TestCase):
    kills = max(1, KILLS // 2)


@unittest.skipUnless(has_fault_points(), "not built with REEVE_FAULT_POINTS")
class FaultPoints(Soak, unittest.TestCase):
    """Each supervisor kills itself one step later than the one before: at a write of state, around a fork, a read from a
    pipe, a batch of a log, a rotation."""

    def test_nothing_is_lost(self):
        with self.load() as s:
            s.start()
            follows, commander = self.put_to_work(s)
            # It has to ask the supervisor once where the logs are.
            self.await_noted(s, lambda: not follows.empty())
            s.die()
            for point in range(1, POINTS + 1):
                s.env["REEVE_FAULT_AT"] = str(point)
                s.launch()
                s.reap()
                self.assertEqual(s.process.returncode, -signal.SIGKILL, s.text())
            del s.env["REEVE_FAULT_AT"]
            begin = time.monotonic()
            s.launch()
            self.up(s, begin)
            self.check_present(s)
            steps = collections.Counter(line[10:].strip() for line in s.said if line.startswith("killed at "))
            self.finish(s, commander, follows, POINTS, f"fault points {dict(steps)}")


class Upgrades(Soak, unittest.TestCase):
    def test_nothing_is_lost(self):
        with self.load() as s:
            copies = [os.path.join(s.dir, name) for name in ("reeved-1", "reeved-2")]
            shutil.copy2(REEVED, copies[0])
            if ANOTHER:
                shutil.copy2(ANOTHER, copies[1])
            else:
                self.write_another_version(copies[1])
            s.argv[s.argv.index(REEVED)] = copies[0]
            s.start()
            pid = s.process.pid
            follows, commander = self.put_to_work(s)
            for i in range(UPGRADES):
                time.sleep(self.chance.expovariate(4))      # the pace of the load
                wanted = copies[(i + 1) % 2]
                begin = time.monotonic()
                s.ctl("upgrade", wanted, status=0)
                self.up(s, begin)
                self.assertEqual(os.readlink(f"/proc/{pid}/exe"), wanted)
                self.assertIsNone(s.process.poll())
                self.check_present(s)
            self.finish(s, commander, follows, UPGRADES, "upgrades")

    def write_another_version(self, path):
        """The same build, which says that it is a version of the same length."""
        version = subprocess.run([REEVED, "--version"], capture_output=True, check=True).stdout.split()[1]
        with open(REEVED, "rb") as one, open(path, "wb") as other:
            other.write(one.read().replace(version, version[:-1] + b"9"))
        os.chmod(path, 0o755)


if __name__ == "__main__":
    unittest.main()
