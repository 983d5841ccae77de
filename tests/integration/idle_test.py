"""An idle supervisor does not wake up, whatever kinds of services it looks after."""

import glob
import os
import time
import unittest

from harness import FOREVER, PROGRAMS, WITHOUT_CGROUPS, Supervisor


def wakeups(pid):
    """How often the threads of a process have gone to sleep so far."""
    total = 0
    for path in glob.glob(f"/proc/{pid}/task/*/status"):
        with open(path) as f:
            total += sum(int(line.split()[1]) for line in f if "ctxt_switches" in line)
    return total


class Idle(unittest.TestCase):
    KINDS = {
        "simple": {"command": FOREVER},
        "forking": {"type": "forking", "command": [os.path.join(PROGRAMS, "reeve-daemon-by-call")]},
        "done": {"type": "oneshot", "command": ["true"]},
        "checked": {"command": FOREVER, "health": {"exec": ["true"], "interval": "1h"}},
        "waiting": {"command": FOREVER, "requires": ["broken"]},
        "broken": {"type": "oneshot", "command": ["false"]},
    }

    def does_not_wake_up(self, s):
        for name in ("simple", "forking", "checked"):
            s.wait_for(name, "running")
        s.wait_for("done", "done")
        s.wait_for("broken", "failed")
        # What the last change has set going comes to its end.
        deadline = time.monotonic() + 20
        while True:
            before = wakeups(s.reeved_pid)
            time.sleep(3)
            woken = wakeups(s.reeved_pid) - before
            if woken == 0:
                return
            self.assertLess(time.monotonic(), deadline, f"woke up {woken} times within 3 s")

    def test_with_cgroups(self):
        with Supervisor({"services": self.KINDS}) as s:
            self.does_not_wake_up(s)

    @unittest.skipIf(os.geteuid() != 0, "needs root to hide the cgroups")
    def test_with_keepers(self):
        with Supervisor({"services": self.KINDS}, prefix=WITHOUT_CGROUPS) as s:
            self.does_not_wake_up(s)


