"""What the supervisor itself says, and that it says nothing when there is nothing to say."""
import contextlib
import json
import os
import re
import signal
import unittest

from harness import FOREVER, Supervisor, needs, needs_root, shell, wait_written
from log_disk_test import OnHangingFs, ends_while_caught, needs_fuse
from pid1_test import PID1

HEALTHY = {
    "db": {"command": FOREVER},
    "web": {"command": shell("echo up > $D/said; exec sleep 1000000"), "requires": ["db"], "log": {"to": ["file", "console"]}},
    "job": {"type": "oneshot", "command": ["echo", "hello"], "after": ["web"]},
    "worker": {"command": FOREVER, "instances": 2, "health": {"exec": ["true"], "interval": "10ms"},
               "pre_start": "true", "post_stop": "true"},
}


class Silence:
    prefix = ()

    def test_where_all_is_well_a_log_at_warning_says_nothing_at_all(self):
        with Supervisor({"services": HEALTHY}, "--log-level", "warning", prefix=self.prefix, fifos=["said"],
                        start=False) as s:
            s.start(connect=False)
            s.fifo("said").read_line()
            s.connect()
            s.wait_for("job", "done")
            s.wait_for("worker@2", "running")
            s.ctl("restart", "web", status=0)
            s.fifo("said").read_line()
            changed = {**HEALTHY, "db": {**HEALTHY["db"], "start_timeout": "5s"}, "more": {"command": FOREVER}}
            s.write_config({"services": changed})
            s.send_signal(signal.SIGHUP)
            s.wait_for("more", "running")
            s.ctl("stop", "worker@1", status=0)
            s.ctl("logs", "web", status=0)
            self.assertEqual(s.end(), 0)
            self.assertEqual(s.text(), "")


class Quiet(Silence, unittest.TestCase):
    pass


@needs_root
@needs("unshare")
class QuietAsPid1(Silence, unittest.TestCase):
    prefix = PID1


class Format(unittest.TestCase):
    def test_json_is_one_object_a_line(self):
        with Supervisor({"services": {"bad": {"type": "oneshot", "command": ["false"]}}}, "--log-format", "json") as s:
            s.wait_for("bad", "failed")
            self.assertEqual(s.end(), 0)
            said = [json.loads(line) for line in s.said]
        for one in said:
            self.assertEqual(sorted(one), ["level", "message", "time"])
            self.assertRegex(one["time"], re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z$"))
        self.assertTrue(any(one["message"].startswith("bad: failed") and one["level"] in ("warning", "error")
                            for one in said))


@needs_fuse
class OnAHangingDisk(unittest.TestCase):
    CONFIG = {"services": {"web": {"command": shell("echo > $D/up; exec sleep 1000000"), "log": "none"}}}

    @contextlib.contextmanager
    def running(self):
        with OnHangingFs(self.CONFIG, "--log-level", "debug", start=False, fifos=["up"]) as s:
            s.argv += ["--log-file", os.path.join(s.dir, "log", "own.log")]
            s.start(connect=False)
            s.fifo("up").read_line()
            s.connect()
            s.wait_for("web", "running")
            s.own_log = os.path.join(s.dir, "behind", "own.log")
            wait_written(s.own_log, "web: running")
            yield s

    def test_it_holds_up_nobody_and_tells_what_was_lost(self):
        with self.running() as s:
            s.hang()
            s.ctl("restart", "web", status=0)
            s.ctl("stop", "web", status=0)
            s.send_signal(signal.SIGUSR1)
            # Each is told in a line of more than 1 KB.
            unknown = {f"key{i}" + "x" * 1000: 1 for i in range(2000)}
            s.write_config({"services": {"web": {**self.CONFIG["services"]["web"], **unknown}}})
            s.send_signal(signal.SIGHUP)
            s.wait_until(lambda: any(event["event"] == "configuration" for event in s.all_events))
            s.ctl("status", status=0)
            s.ctl("start", "web", status=0)
            s.go_on()
            said = wait_written(s.own_log, "lines of this log lost: the disk does not keep up\n").splitlines()
            stopped = [i for i, line in enumerate(said) if line.endswith("web: stopped: stopped by request")]
            refused = [i for i, line in enumerate(said) if "x" * 1000 in line]
            lost = [i for i, line in enumerate(said) if " of this log lost: " in line]
            self.assertEqual(len(stopped), 1)
            self.assertLess(stopped[0], refused[0])
            self.assertLess(refused[-1], lost[0])
            self.assertTrue(0 < len(refused) < len(unknown), len(refused))
            self.assertEqual(s.end(), 0)
            wait_written(s.own_log, "stopping everything: asked by SIGTERM")

    @ends_while_caught
    def test_it_does_not_keep_the_supervisor_from_ending(self):
        with self.running() as s:
            s.hang()
            self.assertEqual(s.end(), 0)


if __name__ == "__main__":
    unittest.main()
