"""Init for one command at a terminal: its foreground, ^C and ^Z, and a shell's job control around it."""
import contextlib
import fcntl
import os
import pty
import select
import signal
import struct
import termios
import unittest

from harness import PYTHON, REEVED, Deadline, descendants, needs, wait_gone
from init_test import children, command, wait_state

BASH = ["bash", "--norc", "--noprofile", "-i"]


class Terminal:
    """A terminal with a session of its own, whose leader is the given program."""

    def __init__(self, *argv):
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.environ.update(PS1="$ ", TERM="dumb", PS2="")
            try:
                os.execvp(argv[0], argv)
            finally:
                os._exit(127)
        self.seen = ""

    def type(self, text):
        os.write(self.fd, text.encode())

    def expect(self, text):
        """Reads until the text has come, and forgets what came before it."""
        deadline = Deadline()
        while text not in self.seen:
            if not select.select([self.fd], [], [], deadline.left())[0]:
                raise AssertionError(f"{text!r} did not come, but {self.seen!r}")
            try:
                self.seen += os.read(self.fd, 65536).decode(errors="replace")
            except OSError:     # nobody has it open any more
                raise AssertionError(f"{text!r} did not come before the end, but {self.seen!r}") from None
        self.seen = self.seen.split(text, 1)[1]

    def ask(self, word):
        """Has a shell say a word that was not typed."""
        self.type(f"echo '{word}'-said\n")
        self.expect(f"{word}-said")

    def status(self):
        """The leader's exit status; what is written meanwhile is kept."""
        pidfd = os.pidfd_open(self.pid)
        deadline = Deadline()
        while pidfd not in (ready := select.select([self.fd, pidfd], [], [], deadline.left())[0]):
            if not ready:
                raise AssertionError(f"it has not ended: {self.seen!r}")
            with contextlib.suppress(OSError):
                self.seen += os.read(self.fd, 65536).decode(errors="replace")
        os.close(pidfd)
        _, status = os.waitpid(self.pid, 0)
        self.pid = None
        return os.waitstatus_to_exitcode(status)

    def __enter__(self):
        self.session = self.pid
        return self

    def __exit__(self, *exc):
        for name in filter(str.isdigit, os.listdir("/proc")):
            with contextlib.suppress(OSError):
                if os.getsid(int(name)) == self.session:
                    os.kill(int(name), signal.SIGKILL)
        os.close(self.fd)
        if self.pid:
            os.waitpid(self.pid, 0)


class AsSessionLeader(unittest.TestCase):
    """As with `docker run -t`: reeved is what the terminal was made for."""

    def test_the_command_is_in_the_foreground_before_it_begins(self):
        look = "import os; print('same' if os.tcgetpgrp(0) == os.getpgrp() == os.getpid() else 'other'); print(input() * 2)"
        for _ in range(20):
            with Terminal(REEVED, "--", *command(look)) as terminal:
                terminal.expect("same")
                terminal.type("ab\n")
                terminal.expect("abab")
                self.assertEqual(terminal.status(), 0)

    def test_an_interrupt_reaches_the_command(self):
        with Terminal(REEVED, "--", "sh", "-c", "echo up; exec sleep 1000000") as terminal:
            terminal.expect("up")
            terminal.type("\x03")
            self.assertEqual(terminal.status(), 128 + signal.SIGINT)

    def test_where_no_shell_could_wake_it_a_stop_passes_over(self):
        with Terminal(REEVED, "--", "sh", "-c", "echo up; exec cat") as terminal:
            terminal.expect("up")
            for word in ("one", "two"):
                terminal.type("\x1a")
                terminal.type(word + "\n")
                terminal.expect(word)       # the echo of the terminal
                terminal.expect(word)
            terminal.type("\x1a\x03")
            self.assertEqual(terminal.status(), 128 + signal.SIGINT)

    def test_no_signal_comes_that_nobody_sent(self):
        script = ("import os, signal\n"
                  "signal.pthread_sigmask(signal.SIG_BLOCK, {1, 18})\n"
                  "print('up', flush=True)\ninput()\nprint('got', sorted(map(int, signal.sigpending())))")
        # Blocked before it is started, so that one that comes early waits to be seen.
        blocked = ("import os, signal, sys; signal.pthread_sigmask(signal.SIG_BLOCK, {1, 18}); os.execv(sys.argv[1], sys.argv[1:])")
        for _ in range(20):
            with Terminal(*command(blocked, REEVED, "--", *command(script))) as terminal:
                terminal.expect("up")
                terminal.type("\n")
                terminal.expect("got []")
                self.assertEqual(terminal.status(), 0)

    def test_the_window_size_reaches_the_command(self):
        script = "trap 'stty size; exit 0' WINCH; echo up; while :; do read x; done"
        with Terminal(REEVED, "--", "sh", "-c", script) as terminal:
            terminal.expect("up")
            fcntl.ioctl(terminal.fd, termios.TIOCSWINSZ, struct.pack("HHHH", 33, 77, 0, 0))
            terminal.type("\n")
            terminal.expect("33 77")


class UnderAScript(unittest.TestCase):
    def test_the_next_program_has_the_terminal_again(self):
        with Terminal("sh", "-c", f"{REEVED} -- sh -c 'read x; echo one $x; kill -9 $$'; read y; echo two $y") as terminal:
            terminal.type("a\n")
            terminal.expect("one a")
            terminal.type("b\n")
            terminal.expect("two b")
            self.assertEqual(terminal.status(), 0)

    def test_one_in_the_background_does_not_take_it(self):
        # Without job control the background has the script's own group, so it is moved to another one.
        script = (f"import os, subprocess\np = subprocess.Popen(['{REEVED}', '--', 'sh', '-c', 'echo up; exec sleep 1000000'], "
                  "preexec_fn=os.setpgrp)\nprint('read', input())\np.terminate(); print('ended', p.wait())")
        with Terminal(PYTHON, "-c", script) as terminal:
            terminal.expect("up")
            terminal.type("line\n")
            terminal.expect("read line")
            terminal.expect(f"ended {128 + signal.SIGTERM}")
            self.assertEqual(terminal.status(), 0)


@needs("bash")
class UnderAShell(unittest.TestCase):
    def shell(self):
        terminal = self.enterContext(Terminal(*BASH))
        terminal.type("set +o emacs; stty -echo\n")
        terminal.ask("ready")
        return terminal

    def test_stop_and_foreground(self):
        for what in ("cat", "sh -c 'cat | cat'"):
            terminal = self.shell()
            terminal.type(f"{REEVED} -- {what}\n")
            terminal.type("one\n")
            terminal.expect("one")
            for word in ("two", "three"):
                terminal.type("\x1a")
                terminal.expect("Stopped")
                # One that is still on its way to the stop would read what the shell is told.
                for process in descendants(terminal.pid):
                    wait_state(process, "T")
                terminal.ask("shell")
                terminal.type("fg\n")
                terminal.expect(REEVED)
                terminal.type(word + "\n")
                terminal.expect(word)
            terminal.type("\x04")
            terminal.type("echo status-$?\n")
            terminal.expect("status-0")

    def test_by_KILL_STOP_the_command_alone_is_stopped(self):
        terminal = self.shell()
        terminal.type(f"{REEVED} -- sh -c 'echo up; exec cat'\n")
        terminal.expect("up")
        [reeved] = children(terminal.pid)
        [cat] = children(reeved)
        os.kill(cat, signal.SIGSTOP)
        wait_state(cat, "T")
        os.kill(cat, signal.SIGCONT)
        terminal.type("one\n")
        terminal.expect("one")
        terminal.type("\x04")
        terminal.type("echo status-$?\n")
        terminal.expect("status-0")

    def test_one_that_runs_on_in_the_background_leaves_the_shell_alone(self):
        terminal = self.shell()
        terminal.type(f"{REEVED} -- sh -c 'echo up; exec sleep 1000000'\n")
        terminal.expect("up")
        terminal.type("\x1a")
        terminal.expect("Stopped")
        terminal.type("bg\n")
        terminal.ask("shell")
        [reeved] = children(terminal.pid)
        wait_state(reeved, "S")
        wait_state(children(reeved)[0], "S")
        terminal.type("kill %1; wait %1; echo status-$?\n")
        terminal.expect(f"status-{128 + signal.SIGTERM}")

    def test_one_started_in_the_background_stops_when_it_reads_and_goes_on_in_the_foreground(self):
        terminal = self.shell()
        terminal.type(f"{REEVED} -- cat &\n")
        terminal.ask("shell")
        [reeved] = children(terminal.pid)
        wait_state(reeved, "T")
        terminal.type("fg\n")
        terminal.expect(REEVED)
        terminal.type("hello\n")
        terminal.expect("hello")
        terminal.type("\x04")
        terminal.ask("shell")

    def test_the_jobs_end_gives_the_shell_its_terminal_back(self):
        terminal = self.shell()
        terminal.type(f"{REEVED} -- sh -c 'echo up; exec sleep 1000000'\n")
        terminal.expect("up")
        terminal.type("\x03")
        terminal.type("echo status-$?\n")
        terminal.expect(f"status-{128 + signal.SIGINT}")

    def test_a_script_is_stopped_along_with_the_command(self):
        terminal = self.shell()
        terminal.type(f"sh -c '{REEVED} -- cat; echo after'\n")
        terminal.type("one\n")
        terminal.expect("one")
        terminal.type("\x1a")
        terminal.expect("Stopped")
        terminal.ask("shell")
        terminal.type("fg\n")
        terminal.type("two\n")
        terminal.expect("two")
        terminal.type("\x04")
        terminal.expect("after")

    def test_closing_the_terminal_hangs_up_the_command(self):
        terminal = self.shell()
        terminal.type(f"{REEVED} -- sh -c 'echo up; exec sleep 1000000'\n")
        terminal.expect("up")
        [reeved] = children(terminal.pid)
        [sleeper] = children(reeved)
        os.kill(terminal.pid, signal.SIGHUP)    # as a terminal emulator that is closed; bash passes it to its jobs
        wait_gone(reeved)
        wait_gone(sleeper)


if __name__ == "__main__":
    unittest.main()
