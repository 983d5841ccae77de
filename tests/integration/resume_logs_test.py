"""Logs over the death of a supervisor: who follows them misses nothing, and runs keep their numbers."""
import unittest

from harness import needs, needs_root, python, shell
from logs_verb_test import Follower, lines_of
from successors import Resuming, ResumingWithoutCgroups

NUMBERING = python("""
import os, signal, time
asked = []
signal.signal(signal.SIGTERM, lambda *_: asked.append(1))
open(os.environ["D"] + "/said", "w").write("up\\n")
number = 0
while not asked:
    os.write(1, b"%d\\n" % number)
    number += 1
    time.sleep(0.0005)
os.write(1, b"over\\n")
open(os.environ["D"] + "/said", "w").write("%d\\n" % number)
""")


class Logs(Resuming, unittest.TestCase):
    def test_who_follows_them_reads_every_line_once(self):
        for log in ({"to": "file", "max_size": "64KiB", "max_files": 1000}, {"to": "file", "max_size": "64KiB", "max_files": 1000,
                                                                             "compress": "zstd"}):
            with self.subTest(log), self.supervise({"web": {"command": NUMBERING, "log": log}}, fifos=["said"]) as s:
                s.fifo("said").read_line()
                with Follower(s, "-f", "-n", "all", "web") as f:
                    for _ in range(6):
                        f.read_until(b"9\n")
                        s.succeed()
                    s.ctl("stop", "web", status=0)
                    count = int(s.fifo("said").read_line())
                    self.assertEqual(f.read_until(b"over\n"), [*map(str, range(count)), "over"])
                self.assertEqual(lines_of(s, "web", "-n", "all"), [*map(str, range(count)), "over"])

    def test_what_is_written_meanwhile_is_there_with_the_next_one(self):
        script = shell("echo before; echo up > $D/said; read line < $D/go; echo meanwhile; echo and >&2; printf 'a half '; "
                       "echo up > $D/said; read line < $D/go; echo and another; echo up > $D/said; exec sleep 1000000")
        with self.supervise({"web": {"command": script}}, fifos=["said", "go"]) as s:
            s.fifo("said").read_line()
            s.die()
            s.tell("go")
            s.fifo("said").read_line()
            s.start()
            s.tell("go")
            s.fifo("said").read_line()
            s.ctl("stop", "web", status=0)
            self.assertEqual([text for stream, _, text in s.log_lines("web") if stream == "stdout"],
                             ["before", "meanwhile", "a half and another"])
            self.assertEqual([text for stream, _, text in s.log_lines("web") if stream == "stderr"], ["and"])

    def test_the_last_words_of_one_that_ends_meanwhile_are_kept(self):
        script = shell("echo up > $D/said; read line < $D/go; echo last words; exit 1")
        with self.supervise({"web": {"command": script, "restart": "never"}}, fifos=["said", "go"]) as s:
            s.fifo("said").read_line()
            s.die()
            s.tell("go")
            s.start()
            s.wait_for("web", "failed")
            self.assertEqual(s.log_texts("web"), ["last words"])
            self.assertIn("last words", s.ctl("failures", "web", status=0).stdout)

    def test_runs_keep_their_numbers_and_their_lines(self):
        script = shell("trap 'echo end of $$; exit' TERM; echo begin of $$; echo $$ > $D/up; sleep 1000000 & wait")
        with self.supervise({"web": {"command": script}}, fifos=["up"]) as s:
            pids = [s.fifo("up").read_pid()]
            for _ in range(2):
                s.ctl("restart", "web", status=0)
                pids.append(s.fifo("up").read_pid())
            runs = s.known("web")["runs"]
            s.succeed()
            self.assertEqual(s.known("web")["runs"], runs)
            for run, pid in ((-1, pids[1]), (-2, pids[0])):
                self.assertEqual(lines_of(s, "web", "--run", str(run)), [f"begin of {pid}", f"end of {pid}"])
            s.ctl("restart", "web", status=0)
            pids.append(s.fifo("up").read_pid())
            self.assertEqual(lines_of(s, "web", "--run", "-1"), [f"begin of {pids[2]}", f"end of {pids[2]}"])
            self.assertEqual(lines_of(s, "web", "--run", "0"), [f"begin of {pids[3]}"])
            self.assertEqual([run["pid"] for run in s.ask("runs", names=["web"])["runs"]], pids)

    def test_the_tail_on_the_card_is_there_at_once(self):
        with self.supervise({"web": {"command": shell("echo one line; echo up > $D/said; exec sleep 1000000")}}, fifos=["said"]) as s:
            s.fifo("said").read_line()
            s.succeed()
            self.assertIn("one line", s.ctl("status", "web", status=0).stdout)


@needs_root
@needs("unshare")
class LogsWithoutCgroups(ResumingWithoutCgroups, Logs, unittest.TestCase):
    pass


if __name__ == "__main__":
    unittest.main()
