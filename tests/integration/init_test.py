"""Init for one command, `reeved [-g] [--rewrite F:T] [-e CODE] -- COMMAND`: what the command gets to hear, and who
reaps. What it is given and what the caller gets back are in init_command_test.py, terminals in terminal_test.py, the places where it
may run in init_places_test.py."""
import contextlib
import os
import select
import signal
import subprocess
import time
import unittest

from harness import PATIENCE, PROGRAMS, PYTHON, REEVED, Deadline, alive, needs, needs_root, wait_gone
from pid1_test import PID1

# Says each signal that it gets, by number; none ends it.
LISTENER = """
import os, signal
caught = signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}
signal.pthread_sigmask(signal.SIG_BLOCK, caught)
os.write(1, b"up\\n")
while True: os.write(1, b"%d\\n" % signal.sigwait(caught))
"""
CAUGHT = sorted(signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP})
STOPPING = [signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU]


def command(script, *args):
    return [PYTHON, "-S", "-E", "-c", script, *args]


def process_state(pid):
    with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as f:
        return f.read().rsplit(")", 1)[1].split()[0]


def wait_state(pid, *states):
    deadline = Deadline()
    while process_state(pid) not in states:
        if not deadline.left():
            raise AssertionError(f"process {pid} is in state {process_state(pid)}")
        time.sleep(0.001)       # nothing tells of another one's child


def children(pid):
    with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as f:
        return [int(child) for child in f.read().split()]


class Init:
    """A reeved with a command, whose lines can be waited for. When it is left, all of it is gone."""

    def __init__(self, *words, prefix=(), **popen):
        self.process = subprocess.Popen([*prefix, REEVED, *words], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.STDOUT, start_new_session=True, **popen)
        self.rest = b""

    def line(self):
        deadline = Deadline()
        while b"\n" not in self.rest:
            if not select.select([self.process.stdout], [], [], deadline.left())[0]:
                raise AssertionError(f"nothing came behind {self.rest}")
            data = os.read(self.process.stdout.fileno(), 65536)
            if not data:
                raise AssertionError(f"it has ended with {self.rest}")
            self.rest += data
        line, self.rest = self.rest.split(b"\n", 1)
        return line.decode()

    @property
    def pid(self):
        """reeved's own, which a prefix may have started as a child."""
        pid = self.process.pid
        while os.path.realpath(f"/proc/{pid}/exe") != REEVED:
            [pid] = children(pid)
        return pid

    @property
    def command(self):
        return children(self.pid)[0]

    def send(self, sig):
        os.kill(self.pid, sig)

    def status(self):
        return self.process.wait(PATIENCE)

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        # Everything that was started is in its session, unless a test ends it itself.
        for name in filter(str.isdigit, os.listdir("/proc")):
            with contextlib.suppress(OSError):
                if os.getsid(int(name)) == self.process.pid:
                    os.kill(int(name), signal.SIGKILL)
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait(PATIENCE)


class Signals(unittest.TestCase):
    prefix = ()

    def init(self, *words):
        return self.enterContext(Init(*words, prefix=self.prefix))

    def test_every_signal_that_can_be_caught_is_forwarded(self):
        init = self.init("--", *command(LISTENER))
        self.assertEqual(init.line(), "up")
        for sig in CAUGHT:
            if sig not in STOPPING:
                init.send(sig)
                self.assertEqual(init.line(), str(int(sig)))

    def test_the_two_that_libc_keeps_for_itself_too(self):
        for number in (32, 33):
            init = self.init("--", "sh", "-c", "echo up; exec sleep 1000000")
            init.line()
            init.send(number)
            self.assertEqual(init.status(), 128 + number)

    def test_none_of_many_real_time_signals_is_lost(self):
        init = self.init("--", *command("""
import os, signal
s = signal.SIGRTMIN + 5
signal.pthread_sigmask(signal.SIG_BLOCK, {s})
os.write(1, b"up\\n")
for i in range(500): signal.sigwait({s})
os.write(1, b"all\\n")
"""))
        init.line()
        for _ in range(500):
            init.send(signal.SIGRTMIN + 5)
        self.assertEqual(init.line(), "all")
        self.assertEqual(init.status(), 0)

    def test_a_signal_that_kills_the_command_is_in_the_status(self):
        for sig in (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT, signal.SIGSEGV, signal.SIGRTMAX):
            init = self.init("--", "sh", "-c", "ulimit -c 0; echo up; exec sleep 1000000")
            init.line()
            init.send(sig)
            self.assertEqual(init.status(), 128 + sig)

    def test_rewriting(self):
        init = self.init("--rewrite", "TERM:INT", "--rewrite=10:SIGRTMIN+2", "--rewrite", "SIGHUP:0", "--",
                         *command(LISTENER))
        init.line()
        for sent, heard in ((signal.SIGTERM, signal.SIGINT), (signal.SIGUSR1, signal.SIGRTMIN + 2)):
            init.send(sent)
            self.assertEqual(init.line(), str(int(heard)))
        init.send(signal.SIGHUP)    # swallowed
        init.send(signal.SIGUSR2)
        self.assertEqual(init.line(), str(int(signal.SIGUSR2)))

    def test_rewriting_to_KILL(self):
        init = self.init("--rewrite", "TERM:KILL", "--", *command(LISTENER))
        init.line()
        init.send(signal.SIGTERM)
        self.assertEqual(init.status(), 128 + signal.SIGKILL)


@needs_root
@needs("unshare")
class SignalsAsPid1(Signals, unittest.TestCase):
    prefix = PID1


class Group(unittest.TestCase):
    # The helper, in the command's group, says what it hears; so does the command.
    FAMILY = """
import os, signal
caught = {signal.SIGTERM, signal.SIGUSR1}
signal.pthread_sigmask(signal.SIG_BLOCK, caught)
name = "command" if os.fork() else "helper"
def say(text): os.write(1, f"{name} {text}\\n".encode())
say("up")
while True:
    heard = signal.Signals(signal.sigwait(caught))
    say(heard.name)
    if name == "command" or heard == signal.SIGTERM: os._exit(3)
"""

    def family(self, *options):
        init = self.enterContext(Init(*options, "--", *command(self.FAMILY)))
        self.assertEqual({init.line(), init.line()}, {"command up", "helper up"})
        return init

    def test_with_g_all_of_it_hears_a_signal_and_TERM_at_the_commands_end(self):
        for option in ("-g", "--group"):
            init = self.family(option)
            init.send(signal.SIGUSR1)
            self.assertEqual({init.line(), init.line()}, {"command SIGUSR1", "helper SIGUSR1"})
            self.assertEqual(init.line(), "helper SIGTERM")
            self.assertEqual(init.status(), 3)

    def test_without_it_the_command_alone(self):
        init = self.family()
        [helper] = children(init.command)
        init.send(signal.SIGUSR1)
        self.assertEqual(init.line(), "command SIGUSR1")
        self.assertEqual(init.status(), 3)
        os.kill(helper, signal.SIGUSR1)     # it is there, and has heard of nothing
        self.assertEqual(init.line(), "helper SIGUSR1")

    def test_a_stopped_one_hears_TERM_too(self):
        init = self.family("-g")
        [helper] = children(init.command)
        os.kill(helper, signal.SIGSTOP)
        wait_state(helper, "T")
        os.kill(init.command, signal.SIGTERM)
        self.assertEqual({init.line(), init.line()}, {"command SIGTERM", "helper SIGTERM"})
        self.assertEqual(init.status(), 3)


class JobControl(unittest.TestCase):
    """Without a terminal and without a shell above: reeved's group is orphaned, where the kernel discards TSTP."""

    def test_what_stops_stops_both_and_CONT_wakes_both(self):
        for options in ([], ["-g"]):
            with Init(*options, "--", "sh", "-c", "echo up; while read x; do echo $x; done") as init:
                init.line()
                for sig in STOPPING:
                    init.send(sig)
                    wait_state(init.pid, "T")
                    wait_state(init.command, "T")
                    init.send(signal.SIGCONT)
                    init.process.stdin.write(b"awake\n")
                    init.process.stdin.flush()
                    self.assertEqual(init.line(), "awake")
                    wait_state(init.pid, "S", "R")
                init.process.stdin.close()
                self.assertEqual(init.status(), 0)

    def test_the_command_may_catch_them(self):
        with Init("--", *command(LISTENER)) as init:
            init.line()
            for sig in STOPPING:
                init.send(sig)
                self.assertEqual(init.line(), str(int(sig)))
                wait_state(init.pid, "T")
                init.send(signal.SIGCONT)
                self.assertEqual(init.line(), str(int(signal.SIGCONT)))     # and once only
            init.send(signal.SIGUSR1)
            self.assertEqual(init.line(), str(int(signal.SIGUSR1)))

    def test_one_that_is_rewritten_stops_nobody(self):
        with Init("--rewrite", "TSTP:0", "--rewrite", "TTIN:USR2", "--", *command(LISTENER)) as init:
            init.line()
            init.send(signal.SIGTSTP)
            init.send(signal.SIGTTIN)
            self.assertEqual(init.line(), str(int(signal.SIGUSR2)))
            init.send(signal.SIGTERM)
            self.assertEqual(init.line(), str(int(signal.SIGTERM)))

    def test_by_KILL_STOP_the_command_alone_is_stopped(self):
        with Init("--", *command(LISTENER)) as init:
            init.line()
            os.kill(init.command, signal.SIGSTOP)
            wait_state(init.command, "T")
            init.send(signal.SIGUSR1)       # waits for it to be awake
            os.kill(init.command, signal.SIGCONT)
            self.assertEqual({init.line(), init.line()}, {str(int(signal.SIGUSR1)), str(int(signal.SIGCONT))})

    def test_one_that_is_to_end_is_woken_for_it(self):
        for sig in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            with Init("--", "sh", "-c", "echo up; exec sleep 1000000") as init:
                init.line()
                os.kill(init.command, signal.SIGSTOP)
                wait_state(init.command, "T")
                init.send(sig)
                self.assertEqual(init.status(), 128 + sig)

    def test_nobody_who_is_awake_is_woken(self):
        with Init("--", *command(LISTENER)) as init:
            init.line()
            os.kill(init.command, signal.SIGSTOP)
            wait_state(init.command, "T")
            os.kill(init.command, signal.SIGCONT)
            self.assertEqual(init.line(), str(int(signal.SIGCONT)))
            # CONT, had it been sent, would come before the one with the higher number.
            for sig in (signal.SIGTERM, signal.SIGSYS):
                init.send(sig)
                self.assertEqual(init.line(), str(int(sig)))


class Orphans(unittest.TestCase):
    prefix = ()

    def test_ten_thousand_are_reaped_as_fast_as_they_come(self):
        with Init("--", PROGRAMS + "/reeve-orphan-storm", "10000", prefix=self.prefix) as init:
            most = int(init.line().removeprefix("most "))
            self.assertLessEqual(most, 300)
            self.assertEqual(init.line(), "left 0")
            self.assertEqual(init.status(), 0)

    def test_a_living_one_becomes_a_child_and_is_not_waited_for(self):
        with Init("--", "sh", "-c", "(sleep 1000000 &); echo up; read x; exit 9", prefix=self.prefix) as init:
            init.line()
            [orphan] = set(children(init.pid)) - {init.command}
            init.process.stdin.close()
            self.assertEqual(init.status(), 9)
            if self.prefix:
                wait_gone(orphan)       # process 1 takes everybody with it
            else:
                self.assertTrue(alive(orphan))


@needs_root
@needs("unshare")
class OrphansOfPid1(Orphans, unittest.TestCase):
    prefix = PID1


if __name__ == "__main__":
    unittest.main()
