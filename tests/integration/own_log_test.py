"""What the supervisor itself says, and that it says nothing when there is nothing to say."""
import json
import re
import signal
import unittest

from harness import FOREVER, Supervisor, needs, needs_root, shell
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


if __name__ == "__main__":
    unittest.main()
