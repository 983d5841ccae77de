"""Init for one command, `reeved [-g] [--rewrite F:T] [-e CODE] -- COMMAND`: what the command is given and gets to hear,
and what the caller gets back. Terminals are in terminal_test.py, the places where it may run in init_places_test.py."""
import contextlib
import os
import re
import select
import shutil
import signal
import subprocess
import tempfile
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


def run(*words, **kwargs):
    return subprocess.run([REEVED, *words], capture_output=True, text=True, timeout=PATIENCE, **kwargs)


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
class SignalsAsPid1(Signals):
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


class Command(unittest.TestCase):
    def test_it_inherits_stdin_stdout_and_stderr(self):
        done = run("--", "sh", "-c", "cat; echo bad >&2", input="good")
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "good", "bad\n"))

    def test_its_words_are_passed_on_exactly(self):
        done = run("-g", "--", "printf", "%s|", "", "--", "-g", "a b", "é")
        self.assertEqual(done.stdout, "|--|-g|a b|é|")

    def test_it_finds_the_folder_and_reeved_is_in_the_root(self):
        with tempfile.TemporaryDirectory() as folder, Init("--", "sh", "-c", "pwd; read x", cwd=folder) as init:
            self.assertEqual(init.line(), os.path.realpath(folder))
            self.assertEqual(os.readlink(f"/proc/{init.pid}/cwd"), "/")

    def test_it_has_a_group_with_nobody_else_in_the_same_session(self):
        with Init("--", *command("import os; print(os.getpid(), os.getpgrp(), os.getsid(0), flush=True); input()")) as init:
            pid, group, session = map(int, init.line().split())
            self.assertEqual((pid, group, session), (init.command, pid, init.pid))
            self.assertNotEqual(os.getpgid(init.pid), group)

    def test_it_finds_the_mask_and_the_ignored_signals_also_where_they_would_hinder_reeved(self):
        def before_exec():
            for sig in (signal.SIGCHLD, signal.SIGHUP, signal.SIGTSTP, signal.SIGRTMAX):
                signal.signal(sig, signal.SIG_IGN)
            signal.pthread_sigmask(signal.SIG_SETMASK, {signal.SIGCHLD, signal.SIGUSR1, signal.SIGTTOU, signal.SIGRTMIN})
        look = ["sed", "-n", "s/^Sig\\(Blk\\|Ign\\):.//p", "/proc/self/status"]

        def seen(prefix):
            return subprocess.run([*prefix, *look], preexec_fn=before_exec, restore_signals=False, stdout=subprocess.PIPE,
                                  text=True, timeout=PATIENCE).stdout.split()
        self.assertEqual(seen([REEVED, "--"]), seen([]))
        done = subprocess.run([REEVED, "--", "sh", "-c", "exit 5"], preexec_fn=before_exec, restore_signals=False,
                              timeout=PATIENCE)
        self.assertEqual(done.returncode, 5)

    def test_it_gets_other_descriptors_and_reeved_keeps_none_of_them(self):
        read, write = os.pipe()
        with Init("--", "sh", "-c", f"echo hi >&{write}; exec {write}>&-; echo closed; read x", pass_fds=[write]) as init:
            os.close(write)
            self.assertEqual(init.line(), "closed")
            self.assertEqual(os.read(read, 100), b"hi\n")
            self.assertTrue(select.select([read], [], [], PATIENCE)[0])
            self.assertEqual(os.read(read, 100), b"")       # the end, while both live
            self.assertTrue(alive(init.command))
            self.assertEqual(sorted(os.listdir(f"/proc/{init.pid}/fd")), ["0", "1", "2"])
        os.close(read)

    def test_it_finds_closed_what_was_closed(self):
        done = subprocess.run(["sh", "-c", 'exec "$@" <&- 2>&-', "sh", REEVED, "--", "sh", "-c", "ls /proc/$$/fd"],
                              stdout=subprocess.PIPE, text=True, timeout=PATIENCE)
        self.assertEqual((done.returncode, done.stdout), (0, "1\n"))

    def test_reeved_is_one_thread_and_small(self):
        with Init("--", "sh", "-c", "echo up; read x") as init:
            init.line()
            self.assertEqual(os.listdir(f"/proc/{init.pid}/task"), [str(init.pid)])
            with open(f"/proc/{init.pid}/smaps_rollup", encoding="ascii") as f:
                kib = int(re.search(r"^Pss: *(\d+) kB", f.read(), re.M)[1])
            if not os.environ.get("REEVE_SANITIZE"):
                self.assertLessEqual(kib, 2048)


class Status(unittest.TestCase):
    def test_it_is_the_commands(self):
        for code in (0, 1, 7, 255):
            self.assertEqual(run("--", "sh", "-c", f"exit {code}").returncode, code)

    def test_128_and_the_signal(self):
        for sig in (signal.SIGTERM, signal.SIGKILL, signal.SIGABRT):
            self.assertEqual(run("--", "sh", "-c", f"ulimit -c 0; kill -{int(sig)} $$").returncode, 128 + sig)

    def test_expected_ones_count_as_0(self):
        for words in (["-e", "143"], ["-e143", "-e", "7"], ["--expect-exit=143"], ["-ge", "143"]):
            self.assertEqual(run(*words, "--", "sh", "-c", "kill $$").returncode, 0, words)
        self.assertEqual(run("-e", "143", "--", "sh", "-c", "exit 7").returncode, 7)

    def test_127_not_found_and_126_not_executable_with_one_line(self):
        with tempfile.TemporaryDirectory() as folder:
            for name, text, mode in (("plain", "", 0o644), ("orphaned", "#!/no/such/interpreter\n", 0o755)):
                with open(f"{folder}/{name}", "w", encoding="ascii") as f:
                    f.write(text)
                os.chmod(f"{folder}/{name}", mode)
            for name, status, why in (("/no/such/program", 127, "/no/such/program: No such file"),
                                      ("no-such-program", 127, "no-such-program in PATH"), ("", 127, ""),
                                      (folder, 126, "Permission denied"), (folder + "/plain", 126, "Permission denied"),
                                      (folder + "/orphaned", 126, "interpreter")):
                done = run("--", name)
                self.assertEqual((done.returncode, done.stdout, done.stderr.count("\n")), (status, "", 1), done.stderr)
                self.assertRegex(done.stderr, r"\Areeved: cannot ")
                self.assertIn(why, done.stderr)

    def test_a_script_without_interpreter_line_runs_as_the_shell_runs_it(self):
        with tempfile.TemporaryDirectory() as folder:
            with open(folder + "/script", "w", encoding="ascii") as f:
                f.write("echo $1; exit 3\n")
            os.chmod(folder + "/script", 0o755)
            done = run("--", folder + "/script", "hello")
            self.assertEqual((done.returncode, done.stdout), (3, "hello\n"))


class Usage(unittest.TestCase):
    def test_what_makes_no_sense_is_told_in_one_line(self):
        for words, why in ((["--"], "no command"), (["-g"], "--group needs a command"), (["-e", "1"], "--expect-exit needs a command"),
                           (["--rewrite", "TERM:INT"], "--rewrite needs a command"), (["-g", "true"], "--group needs a command"),
                           (["-c", "x", "--", "true"], "--config has no meaning"), (["--check", "--", "true"], "--check has no meaning"),
                           (["--log-level", "info", "-g", "--", "true"], "--log-level has no meaning"),
                           (["-e", "--", "true"], "needs a value"), (["-e", "256", "--", "true"], "0 to 255, not 256"),
                           (["--rewrite", "TERM", "--", "true"], "FROM:TO"), (["--rewrite", "STOP:TERM", "--", "true"], "SIGSTOP"),
                           (["--rewrite", "TREM:INT", "--", "true"], "TREM:INT"), (["true", "--", "true"], "unexpected argument true"),
                           (["--gruop", "--", "true"], "did you mean --group?"), (["--group=1", "--", "true"], "--help")):
            done = run(*words)
            self.assertEqual((done.returncode, done.stdout, done.stderr.count("\n")), (2, "", 1), words)
            self.assertIn(why, done.stderr, words)

    def test_help_and_version_are_for_this_mode_too(self):
        done = run("--help", "--", "false")
        self.assertEqual(done.returncode, 0)
        for option in ("-g,--group", "--rewrite FROM:TO", "-e,--expect-exit CODE"):
            self.assertIn(option, done.stdout)
        self.assertEqual(run("-V", "--", "false").returncode, 0)


class JobControl(unittest.TestCase):
    """Without a terminal and without a shell above: reeved's group is orphaned, where the kernel discards TSTP."""

    def test_what_stops_stops_both_and_CONT_wakes_both(self):
        for options in ([], ["-g"]):
            with Init(*options, "--", "sh", "-c", "echo up; while read x; do echo $x; done") as init:
                init.line()
                for sig in STOPPING:
                    init.send(sig)
                    self.assertEqual(os.waitid(os.P_PID, init.pid, os.WSTOPPED).si_status, signal.SIGSTOP)
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
                os.waitid(os.P_PID, init.pid, os.WSTOPPED)
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

    def test_where_nobody_could_wake_it_reeved_goes_on_though_its_command_is_stopped(self):
        with Init("--", "sh", "-c", "echo up; exec sleep 1000000") as init:
            init.line()
            os.kill(init.command, signal.SIGSTOP)
            wait_state(init.command, "T")
            init.send(signal.SIGTERM)       # waits for it to be awake
            os.kill(init.command, signal.SIGCONT)
            self.assertEqual(init.status(), 128 + signal.SIGTERM)


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
class OrphansOfPid1(Orphans):
    prefix = PID1


class DropIn(unittest.TestCase):
    """What it has in common with those that it can stand in for."""
    OTHERS = {"tini": ["tini", "-s", "--"], "dumb-init": ["dumb-init"], "dumb-init -c": ["dumb-init", "-c"]}

    def setUp(self):
        self.others = {name: argv for name, argv in self.OTHERS.items() if shutil.which(argv[0])}
        if not self.others:
            self.skipTest("neither tini nor dumb-init is installed")

    def test_statuses_and_streams(self):
        for script in ("exit 0", "exit 3", "ulimit -c 0; kill -KILL $$", "kill $$", "cat; echo bad >&2", "echo $0"):
            def outcome(argv, script=script):
                done = subprocess.run([*argv, "sh", "-c", script], input="good", capture_output=True, text=True, timeout=PATIENCE)
                return done.returncode, done.stdout, done.stderr
            for name, argv in self.others.items():
                self.assertEqual(outcome([REEVED, "--"]), outcome(argv), (name, script))

    def test_signals(self):
        for sig in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1, signal.SIGWINCH, signal.SIGRTMIN + 3):
            def heard(argv, sig=sig):
                with subprocess.Popen([*argv, *command(LISTENER)], stdout=subprocess.PIPE, start_new_session=True) as process:
                    process.stdout.readline()
                    process.send_signal(sig)
                    line = process.stdout.readline()
                    [child] = children(process.pid)
                    os.kill(child, signal.SIGKILL)
                    process.stdout.read()
                return line, process.returncode
            for name, argv in self.others.items():
                self.assertEqual(heard([REEVED, "--"]), heard(argv), (name, sig))


if __name__ == "__main__":
    unittest.main()
