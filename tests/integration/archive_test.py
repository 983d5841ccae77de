"""What becomes of rotated log files: compressed, counted, removed when they are old; nothing is lost by it."""
import os
import signal
import time
import unittest

from harness import FOREVER, Deadline, Supervisor, needs, python, shell, wait_gone
from log_format_test import log_contents, parse, rotated

HEAD = "2026-01-02T03:04:05.000000000Z stdout F "
OLD = [f"@20260102T03040{i}.000000000Z.log" for i in range(6)]


def wait_until(s, condition, what):
    """Every look follows an answer of the supervisor."""
    deadline = Deadline()
    while not condition():
        if not deadline.left():
            raise AssertionError(f"{what}: {os.listdir(s.logs + '/web')}\n{s.text()}")
        s.ask("version")


def lay_down(s, names):
    """Files as an earlier supervisor has left them."""
    os.makedirs(s.logs + "/web", exist_ok=True)
    for name in names:
        with open(os.path.join(s.logs, "web", name), "w", encoding="ascii") as f:
            f.write(f"{HEAD}{name}\n")


def files(s):
    return sorted(n for n in os.listdir(s.logs + "/web") if n != "current")


def web(command=None, **log):
    service = {"command": command or FOREVER, "log": {"to": "file", **log}}
    return {"services": {"web": service}}


# Writes `count` numbered lines to each stream, and says so.
def numbered(count):
    return python("import os, time\nsaid = os.open(os.environ['D'] + '/said', os.O_WRONLY)\n"
                  "os.write(said, b'%d\\n' % os.getpid())\n"
                  f"for i in range({count}):\n    os.write(1, b'out %d\\n' % i)\n    os.write(2, b'err %d\\n' % i)\n"
                  "os.write(said, b'end\\n')\ntime.sleep(1000000)")


class Compression(unittest.TestCase):
    def check_numbered(self, s, count):
        out, err = parse(log_contents(s.logs + "/web"))
        self.assertEqual(out, [b"out %d" % i for i in range(count)])
        self.assertEqual(err, [b"err %d" % i for i in range(count)])

    @needs("zstd")
    def test_every_line_of_two_streams_is_there_once_and_in_order(self):
        count = 30000
        with Supervisor(web(numbered(count), max_size="16KiB", max_files=100000, compress="zstd"), fifos=["said"]) as s:
            s.fifo("said").read_pid()
            s.fifo("said").read_line()
            s.ctl("stop", "web", status=0)
            wait_until(s, lambda: all(n.endswith(".zst") for n in files(s)), "not all are compressed")
            self.assertGreater(len(files(s)), 100)
            self.check_numbered(s, count)

    @needs("zstd")
    def test_kills_of_the_supervisor_lose_and_double_nothing(self):
        count, kills = 40000, 15
        config = web(numbered(count), max_size="16KiB", max_files=100000, compress="zstd")
        with Supervisor(config, fifos=["said"]) as s:
            leader = s.fifo("said").read_pid()
            # The service belongs to the first supervisor alone; its pipe outlives each.
            config["services"]["web"]["enabled"] = False
            s.write_config(config)
            wait_until(s, lambda: os.path.isdir(s.logs + "/web") and rotated(s.logs + "/web"), "no rotation")
            for _ in range(kills):
                s.kill()
                s.start()
            self.assertEqual(s.fifo("said").read_line(), "end")
            os.kill(leader, signal.SIGKILL)
            wait_gone(leader)
            self.assertEqual(s.end(), 0)
            self.check_numbered(s, count)
            # And what the kills and the end have left is finished by the next one.
            s.start()
            wait_until(s, lambda: all(n.endswith(".zst") for n in files(s)), "not all are compressed")
            self.check_numbered(s, count)

    @needs("zstd")
    def test_leftovers_are_finished_at_the_next_start_also_of_a_service_that_does_not_run(self):
        config = web(compress="zstd")
        config["services"]["web"]["enabled"] = False
        with Supervisor(config, start=False) as s:
            lay_down(s, [OLD[0], "." + OLD[0] + ".zst.part", OLD[1], "@notes"])
            s.start()
            wait_until(s, lambda: files(s) == [OLD[0] + ".zst", OLD[1] + ".zst", "@notes"], "not finished")

    def test_a_rotation_that_was_interrupted_is_one_all_the_same(self):
        config = web(shell("echo one; echo $$ > $D/said; read line < $D/go; echo two; echo > $D/said; exec sleep 1000000"))
        with Supervisor(config, fifos=["said", "go"]) as s:
            leader = s.fifo("said").read_pid()
            wait_until(s, lambda: os.path.exists(s.logs + "/web/current"), "no file")
            s.kill()
            config["services"]["web"]["enabled"] = False
            s.write_config(config)
            # As if it had been killed after the first of two steps.
            os.rename(s.logs + "/web/current", s.logs + "/web/" + OLD[0])
            s.start()
            s.tell("go")
            s.fifo("said").read_line()
            os.kill(leader, signal.SIGKILL)
            wait_gone(leader)
            self.assertEqual(s.end(), 0)
            self.assertEqual(parse(log_contents(s.logs + "/web"))[0], [b"one", b"two"])


class Rules(unittest.TestCase):
    def test_the_oldest_files_go(self):
        config = web(python("for i in range(20000): print('line', i)"), max_size="64KiB", max_files=2)
        config["services"]["web"]["type"] = "oneshot"
        with Supervisor(config) as s:
            s.wait_for("web", "done")
            wait_until(s, lambda: len(files(s)) == 2, "not removed")
            lines, _ = parse(log_contents(s.logs + "/web"))
            self.assertEqual(lines, [b"line %d" % i for i in range(20000 - len(lines), 20000)])

    def test_a_lower_max_files_removes_files_at_once(self):
        with Supervisor(web(max_files=6), start=False) as s:
            lay_down(s, OLD)
            s.start()
            s.wait_for("web", "running")
            self.assertEqual(files(s), OLD)
            s.write_config(web(max_files=2))
            s.ctl("apply", status=0)
            wait_until(s, lambda: files(s) == OLD[-2:], "not removed")

    @needs("zstd")
    def test_compression_begun_later_takes_older_files_along(self):
        with Supervisor(web(), start=False) as s:
            lay_down(s, OLD)
            s.start()
            s.wait_for("web", "running")
            s.write_config(web(compress="zstd"))
            s.ctl("apply", status=0)
            wait_until(s, lambda: files(s) == [n + ".zst" for n in OLD], "not compressed")
            texts = [line.decode() for line in parse(log_contents(s.logs + "/web"))[0]]
            self.assertEqual(texts, OLD)

    def test_max_age_removes_what_is_too_old_of_a_service_that_is_idle(self):
        with Supervisor(web(), start=False) as s:
            lay_down(s, OLD)
            s.start()
            s.wait_for("web", "running")
            now = time.time()
            # One is older than an hour, one will be in a second.
            for name in OLD:
                new = name.replace(name, time.strftime("@%Y%m%dT%H%M%S.", time.gmtime(now)) + "00000000" + name[15] + "Z.log")
                os.rename(os.path.join(s.logs, "web", name), os.path.join(s.logs, "web", new))
            names = files(s)
            os.utime(os.path.join(s.logs, "web", names[0]), (now, now - 3601))
            os.utime(os.path.join(s.logs, "web", names[1]), (now, now - 3599))
            s.write_config(web(max_age="1h"))
            s.ctl("apply", status=0)
            wait_until(s, lambda: files(s) == names[2:], "not removed")

    def test_an_idle_current_is_rotated_when_it_is_old(self):
        with Supervisor(web(shell("echo one; exec sleep 1000000"), max_age="500ms")) as s:
            s.wait_for("web", "running")
            wait_until(s, lambda: os.path.isdir(s.logs + "/web") and os.listdir(s.logs + "/web") == [], "it stays")

    def test_a_new_supervisor_does_not_wait_for_a_compression_to_end(self):
        """Nor does the end of the old one: what it has not finished is finished later."""
        with Supervisor(web(compress="zstd"), start=False) as s:
            lay_down(s, OLD[:1])
            os.truncate(os.path.join(s.logs, "web", OLD[0]), 1 << 40)
            s.start()
            s.wait_for("web", "running")
            wait_until(s, lambda: "." + OLD[0] + ".zst.part" in files(s), "not begun")
            self.assertEqual(s.end(), 0)
            self.assertIn(OLD[0], files(s))


if __name__ == "__main__":
    unittest.main()
