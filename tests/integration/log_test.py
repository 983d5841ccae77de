"""From a service's output to its log file: nothing lost, nothing twice, nothing split, whatever happens."""
import contextlib
import os
import re
import select
import signal
import subprocess
import unittest

from harness import FOREVER, PATIENCE, REEVECTL, Deadline, Supervisor, alive, python, shell, wait_gone

LINE = re.compile(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z (stdout|stderr) [FP] ")


def wait_written(s, text):
    """Until a running service's line is in its file; every look follows an answer of the supervisor."""
    deadline = Deadline()
    while deadline.left():
        s.status("web")
        if os.path.exists(s.logs + "/web/current") and s.log_files("web")[-1].endswith(text):
            return
    raise AssertionError(f"{text} did not come")


class Files(unittest.TestCase):
    def run_to_end(self, command, **log):
        service = {"type": "oneshot", "command": command}
        if log:
            service["log"] = log
        with Supervisor({"services": {"job": service}}) as s:
            s.wait_for("job", "done", "failed")
            for content in s.log_files("job"):
                for line in content.split(b"\n")[:-1]:
                    self.assertRegex(line, LINE)
            return s.log_files("job"), s.log_lines("job")

    def test_everything_before_the_exit_is_there_when_the_end_is_told(self):
        _, lines = self.run_to_end(shell("i=0; while test $i -lt 3000; do echo line $i; i=$((i + 1)); done; echo bad >&2; exit 1"))
        self.assertEqual([l for l in lines if l[0] == "stdout"], [("stdout", "F", f"line {i}") for i in range(3000)])
        self.assertIn(("stderr", "F", "bad"), lines)

    def test_a_last_line_without_newline_is_whole(self):
        _, lines = self.run_to_end(shell("printf 'one\\ntwo'"))
        self.assertEqual(lines, [("stdout", "F", "one"), ("stdout", "F", "two")])

    def test_long_lines_come_in_parts(self):
        _, lines = self.run_to_end(python("print('x' * 2500); print('short')"), to="file", max_line="1KiB")
        self.assertEqual([(flag, len(text)) for _, flag, text in lines], [("P", 1024), ("P", 1024), ("F", 452), ("F", 5)])

    def test_binary_output_is_kept_byte_by_byte(self):
        [content], _ = self.run_to_end(python(
            "import sys; sys.stdout.buffer.write(bytes(b for b in range(256) if b != 10) + b'\\n\\n')"))
        first, second, _ = content.split(b"\n")
        self.assertEqual(first[LINE.match(first).end():], bytes(b for b in range(256) if b != 10))
        self.assertEqual(second[LINE.match(second).end():], b"")

    def test_rotation_under_load_loses_and_splits_nothing(self):
        count = 60000
        contents, lines = self.run_to_end(
            python(f"import sys\nfor i in range({count}): sys.stdout.write('line %d\\n' % i)"),
            to="file", max_size="256KiB", max_files=100)
        self.assertGreater(len(contents), 5)
        for content in contents[:-1]:
            self.assertLessEqual(len(content), 256 * 1024)
            self.assertTrue(content.endswith(b"\n"))
        self.assertEqual([text for _, _, text in lines], [f"line {i}" for i in range(count)])

    def test_a_renamed_file_is_made_again_on_USR1(self):
        with Supervisor({"services": {"web": {"command": shell(
                "echo one; echo > $D/said; read line < $D/go; echo two; echo > $D/said; exec sleep 1000000")}}},
                fifos=["said", "go"]) as s:
            s.fifo("said").read_line()
            wait_written(s, b"one\n")
            os.rename(s.logs + "/web/current", s.logs + "/web/old")
            s.send_signal(signal.SIGUSR1)
            s.status("web")
            s.tell("go")
            s.fifo("said").read_line()
            s.ctl("stop", "web", status=0)
            self.assertEqual(s.log_texts("web"), ["two"])

    def test_the_log_of_a_service_under_two_incarnations_is_one(self):
        with Supervisor({"services": {"web": {"command": shell("echo run; exit 1"), "backoff": {"initial": "1ms"},
                                              "restart_limit": {"count": 2, "within": "1h"}}}}) as s:
            s.wait_for("web", "failed")
            self.assertEqual(s.log_texts("web"), ["run"] * 3)


class Destinations(unittest.TestCase):
    def outcome(self, log):
        with Supervisor({"services": {"job": {"type": "oneshot", "log": log, "command": shell(
                "echo to stdout; echo to stderr >&2")}}}) as s:
            s.wait_for("job", "done")
            self.assertEqual(s.end(), 0)
            file = s.log_texts("job") if os.path.exists(s.logs + "/job/current") else None
            return sorted(s.output), file, s.text()

    def test_console(self):
        output, file, _ = self.outcome("console")
        self.assertEqual(output, ["job | to stderr\n", "job | to stdout\n"])
        self.assertIsNone(file)

    def test_console_and_file(self):
        output, file, _ = self.outcome({"to": ["console", "file"]})
        self.assertEqual(len(output), 2)
        self.assertEqual(sorted(file), ["to stderr", "to stdout"])

    def test_inherit(self):
        output, file, said = self.outcome("inherit")
        self.assertEqual(output, ["to stdout\n"])
        self.assertIn("\nto stderr\n", said)
        self.assertIsNone(file)

    def test_none(self):
        output, file, said = self.outcome("none")
        self.assertEqual(output, [])
        self.assertIsNone(file)
        self.assertNotIn("to std", said)


class Reading(unittest.TestCase):
    def test_the_last_lines(self):
        with Supervisor({"services": {"job": {"type": "oneshot", "command": shell("seq 1 100")}}}) as s:
            s.wait_for("job", "done")
            self.assertEqual(s.ctl("logs", "-n", "3", "job", status=0).stdout.split(), ["98", "99", "100"])
            self.assertEqual(s.ctl("logs", "job", status=0).stdout.split(), [str(i) for i in range(1, 101)])

    def test_the_last_lines_across_a_rotation(self):
        with Supervisor({"services": {"job": {"type": "oneshot", "command": shell("seq 1 20000"),
                                              "log": {"to": "file", "max_size": "64KiB", "max_files": 100}}}}) as s:
            s.wait_for("job", "done")
            self.assertEqual(s.ctl("logs", "-n", "15000", "job", status=0).stdout.split(),
                             [str(i) for i in range(5001, 20001)])

    def test_following_goes_across_rotations_and_ends_quietly(self):
        script = shell("echo 0; read line < $D/go; seq 1 20000; exec sleep 1000000")
        with Supervisor({"services": {"web": {"command": script, "log": {
                "to": "file", "max_size": "64KiB", "max_files": 100}}}}, fifos=["go"]) as s:
            wait_written(s, b" 0\n")
            follower = subprocess.Popen([REEVECTL, "-s", s.socket_path, "logs", "-f", "web"], stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE)
            try:
                s.tell("go")
                wanted = b"".join(b"%d\n" % i for i in range(20001))
                got, deadline = b"", Deadline()
                while not got.endswith(b"\n20000\n"):
                    self.assertTrue(select.select([follower.stdout], [], [], deadline.left())[0], got[-100:])
                    data = os.read(follower.stdout.fileno(), 1 << 16)
                    self.assertTrue(data, follower.stderr.read() if not data else "")
                    got += data
                # Where it began depends on when it came; from there on nothing is missing or twice.
                self.assertTrue(wanted.endswith(got), got[:100])
            finally:
                follower.send_signal(signal.SIGINT)
                out, err = follower.communicate(timeout=PATIENCE)
            self.assertEqual(err, b"")

    def test_following_ends_quietly_when_its_reader_goes(self):
        with Supervisor({"services": {"web": {"command": shell("while echo line; do sleep 0.01; done")}}}) as s:
            s.wait_for("web", "running")
            done = subprocess.run(f"'{REEVECTL}' -s '{s.socket_path}' logs -f web | head -n 5", shell=True,
                                  capture_output=True, text=True, timeout=PATIENCE)
            self.assertEqual((done.stdout, done.stderr), ("line\n" * 5, ""))


class SupervisorCrash(unittest.TestCase):
    def test_lines_in_the_pipe_are_finished_by_the_next_supervisor(self):
        script = shell("echo before; echo $$ > $D/pids; read line < $D/go; echo between one; echo between two >&2; "
                       "echo $$ > $D/pids; exec sleep 1000000")
        with Supervisor({"services": {"web": {"command": script}}}, fifos=["pids", "go"]) as s:
            leader = s.fifo("pids").read_pid()
            s.kill()
            s.tell("go")                        # nobody reads now: the lines wait in the pipe
            s.fifo("pids").read_line()
            self.assertTrue(alive(leader))      # and the writer has not died of it
            s.write_config({"services": {"web": {"command": FOREVER, "enabled": False}}})
            s.start()
            with contextlib.suppress(ProcessLookupError):   # as its command is another, it may have been stopped
                os.kill(leader, signal.SIGKILL)
            wait_gone(leader)
            self.assertEqual(s.end(), 0)
            self.assertEqual(sorted(s.log_lines("web")), [("stderr", "F", "between two"), ("stdout", "F", "before"),
                                                          ("stdout", "F", "between one")])

    def test_kills_under_load_lose_and_double_nothing(self):
        count, kills = 60000, 5
        writer = python(
            "import os, sys, time\nprint(os.getpid(), file=open(os.environ['D'] + '/pids', 'w'), flush=True)\n"
            f"for i in range({count}):\n    os.write(1, b'line %d\\n' % i)\n"
            "print('end', file=open(os.environ['D'] + '/pids', 'w'), flush=True)\ntime.sleep(1000000)")
        busy = {"services": {"web": {"command": writer, "log": {"to": "file", "max_size": "512KiB", "max_files": 100}}}}
        with Supervisor(busy, fifos=["pids"]) as s:
            leader = s.fifo("pids").read_pid()
            # The service belongs to the first supervisor alone; its pipe outlives each.
            busy["services"]["web"]["enabled"] = False
            s.write_config(busy)
            for _ in range(kills):
                s.kill()
                s.start()
            self.assertEqual(s.fifo("pids").read_line(), "end")
            os.kill(leader, signal.SIGKILL)
            wait_gone(leader)
            self.assertEqual(s.end(), 0)
            self.assertEqual(s.log_texts("web"), [f"line {i}" for i in range(count)])


if __name__ == "__main__":
    unittest.main()
