"""Init for one command: what the command finds, what the caller gets back, bad usage, and tini and dumb-init beside it."""
import os
import re
import select
import shutil
import signal
import subprocess
import tempfile
import unittest

from harness import PATIENCE, REEVED, alive
from init_test import LISTENER, Init, children, command


def run(*words, **kwargs):
    return subprocess.run([REEVED, *words], capture_output=True, text=True, timeout=PATIENCE, **kwargs)


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
