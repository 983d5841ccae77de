"""Processes that bear no mark of their service, or fork faster than they are looked at, end with it all the same; and how
the supervisor knows them is told."""
import contextlib
import os
import re
import signal
import time
import unittest

from harness import FOREVER, PATIENCE, alive, needs, needs_root, python, shell, wait_gone
from modes import WithCgroups, WithoutCgroups

# As a job of cron is: in a session of its own, its parent gone, without a word of ours in its environment.
CRON = """
import os, sys, time
if os.fork() == 0:
    os.setsid()
    middle = os.getpid()
    if os.fork() != 0:
        os._exit(0)
    while os.getppid() == middle:
        time.sleep(0.001)
    print(os.getpid(), file=open(os.environ["D"] + "/pids", "w"), flush=True)
    os.closerange(0, 3)
    os.execve("/bin/sleep", ["sleep", "1000000"], {})
os.wait()
time.sleep(1000000)
"""

# Each of these leaves its group with every fork and ends by itself once its folder is gone. Both say "full" once.
CHAIN = """
import os, signal, time
if os.fork() != 0:
    time.sleep(1000000)
signal.signal(signal.SIGTERM, signal.SIG_IGN)
links = 0
while os.path.exists(os.environ["D"]):
    if os.fork() != 0:
        os._exit(0)
    os.setsid()
    links += 1
    if links == 100:
        print("full", file=open(os.environ["D"] + "/said", "w"), flush=True)
"""
BOMB = """
import os, signal
signal.signal(signal.SIGTERM, signal.SIG_IGN)
said = False
while os.path.exists(os.environ["D"]):
    try:
        if os.fork() == 0:
            os.setsid()
            said = True
    except OSError:
        if not said:
            print("full", file=open(os.environ["D"] + "/said", "w"), flush=True)
        said = True
"""


def processes_with(text):
    """Those that have it in their arguments, zombies aside."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/cmdline", encoding="utf-8", errors="replace") as f:
                if text in f.read():
                    found.append(int(pid))
        except OSError:
            pass
    return found


def cgroup_folder(path):
    """Where a cgroup is to be found, by its path as /proc/PID/cgroup has it; as the tests run in the root of what is
    mounted."""
    with open("/proc/self/mountinfo", encoding="ascii") as f:
        mounts = [line.split() for line in f if " - cgroup2 " in line]
    return mounts[-1][4] + path


class WhatLeavesNoTrace(WithCgroups, unittest.TestCase):
    def service(self, command, **more):
        return {"services": {"web": {"command": command, "restart": "never", **more}}}

    def test_a_job_of_cron_ends_with_a_stop(self):
        with self.supervise(self.service(python(CRON)), fifos=["pids"]) as s:
            left = s.fifo("pids").read_pid()
            s.ctl("stop", "web", status=0)
            self.assertFalse(alive(left))
            self.assertEqual(s.status("web")["state"], "stopped")

    def test_a_job_of_cron_ends_with_a_crash(self):
        with self.supervise(self.service(python(CRON)), fifos=["pids"]) as s:
            left = s.fifo("pids").read_pid()
            os.kill(s.pid("web"), signal.SIGKILL)
            s.wait_for("web", "failed")
            self.assertFalse(alive(left))
            self.assertIn("SIGKILL", s.status("web")["cause"])

    def test_the_card_shows_it(self):
        with self.supervise(self.service(python(CRON)), fifos=["pids"]) as s:
            left = s.fifo("pids").read_pid()
            with contextlib.closing(s.client()) as client:
                [web] = client.result("status", names=["web"], processes=True)["services"]
            self.assertEqual({p["pid"] for p in web["processes"]}, {left, web["pid"]})

    def test_what_a_command_leaves_behind_ends_with_it(self):
        leave = shell("env -i setsid sleep 1000000 & echo $! > $D/pids")
        with self.supervise(self.service(FOREVER, reload={"command": leave}), fifos=["pids"]) as s:
            s.wait_for("web", "running")
            s.ctl("reload", "web", status=0)
            self.assertFalse(alive(s.fifo("pids").read_pid()))
            self.assertEqual(s.status("web")["state"], "running")

    def test_a_hanging_command_ends_with_all_that_it_started(self):
        hang = shell("env -i setsid sleep 1000000 & echo $! > $D/pids; exec sleep 1000000")
        service = self.service(FOREVER, stop={"command": hang, "timeout": "100ms"})
        with self.supervise(service, fifos=["pids"]) as s:
            s.wait_for("web", "running")
            s.ctl("stop", "web", status=0)
            wait_gone(s.fifo("pids").read_pid())


class LeftByAKilledSupervisor(WithCgroups, unittest.TestCase):
    def test_is_told_by_the_next_one(self):
        with self.supervise({"services": {"web": {"command": FOREVER}}}) as s:
            s.wait_for("web", "running")
            if self.tracking(s)["by"] != "cgroup":
                self.skipTest("no cgroups")
            left = s.pid("web")
            s.kill()
            with contextlib.suppress(FileNotFoundError):
                os.unlink(s.runtime + "/state")     # by which it would be taken over
            s.start()
            self.assertIn("web: an earlier reeved has left processes of it, which are not taken over and go on beside a "
                          f"new start; to end them: kill {left}\n", s.text())
            os.kill(left, signal.SIGKILL)


class ForkBombs(WithCgroups, unittest.TestCase):
    def beat(self, service):
        service = {"restart": "never", "stop": {"timeout": "100ms"}, **service}
        with self.supervise({"services": {"web": service}}, fifos=["said"], dir_mode=0o755) as s:
            self.assertEqual(s.fifo("said").read_line(), "full")
            s.ctl("stop", "web")
            s.wait_until(lambda: s.states["web"] in ("stopped", "failed"))
            self.assertEqual([p for p in processes_with("forks-for-" + self.id()) if alive(p)], [])

    def command(self, bomb):
        return python(bomb, "forks-for-" + self.id())

    def test_a_chain_of_which_each_forks_and_ends(self):
        self.beat({"command": self.command(CHAIN)})

    @needs_root
    def test_one_that_multiplies(self):
        self.beat({"command": self.command(BOMB), "user": "nobody", "limits": {"nproc": 60}})


class Tracking(WithCgroups, unittest.TestCase):
    CONFIG = {"services": {"web": {"command": FOREVER}}}

    def setUp(self):
        with self.supervise(self.CONFIG) as s:
            s.wait_for("web", "running")
            if self.tracking(s)["by"] != "cgroup":
                self.skipTest("no writable cgroup: " + self.tracking(s)["why"])

    def test_the_card_names_the_cgroup_that_the_main_process_is_in(self):
        with self.supervise(self.CONFIG) as s:
            s.wait_for("web", "running")
            path = self.tracking(s)["cgroup"]
            with open(f"/proc/{s.pid('web')}/cgroup", encoding="ascii") as f:
                self.assertIn(f"0::{path}\n", f.read())
            self.assertRegex(s.ctl("status", "web", status=0).stdout, f"tracked +by its cgroup {re.escape(path)}")

    def test_each_run_has_a_cgroup_of_its_own_and_none_is_left_at_the_end(self):
        with self.supervise(self.CONFIG) as s:
            s.wait_for("web", "running")
            first = self.tracking(s)["cgroup"]
            s.ctl("restart", "web", status=0)
            self.assertNotEqual(self.tracking(s)["cgroup"], first)
            self.assertEqual(s.end(), 0)
            self.assertFalse(os.path.exists(cgroup_folder(os.path.dirname(first))))

    def test_a_successor_that_is_started_in_another_cgroup_goes_on_where_its_predecessor_was(self):
        service = {"services": {"web": {"command": python(CRON)}}}
        with self.supervise(service, fifos=["pids"]) as s:
            left = s.fifo("pids").read_pid()
            before = self.tracking(s)
            own = cgroup_folder(os.path.dirname(os.path.dirname(before["cgroup"]))) + f"/reeve-elsewhere-{os.getpid()}"
            os.mkdir(own)
            self.addCleanup(os.rmdir, own)
            s.kill()
            start = ["sh", "-ec", f'echo $$ > "{own}/cgroup.procs"; exec "$@"', "sh"]
            s.argv, argv = start + s.argv, s.argv
            s.start()
            self.assertEqual(self.tracking(s), before)
            self.assertTrue(alive(left))
            s.ctl("restart", "web", status=0)
            self.assertFalse(alive(left))
            self.assertEqual(os.path.dirname(self.tracking(s)["cgroup"]), os.path.dirname(before["cgroup"]))
            s.fifo("pids").read_pid()
            s.kill()
            s.argv = argv
            s.start()
            self.assertEqual(s.end(), 0)
            self.assertFalse(os.path.exists(cgroup_folder(os.path.dirname(before["cgroup"]))))
            self.assertFalse(os.path.lexists(s.runtime + "/cgroup"))

    def test_what_a_killed_predecessor_left_empty_is_removed(self):
        with self.supervise(self.CONFIG) as s:
            s.wait_for("web", "running")
            pid, cgroup = s.pid("web"), cgroup_folder(self.tracking(s)["cgroup"])
            os.mkdir(cgroup + "/its-own")
            s.kill()
            os.kill(pid, signal.SIGKILL)
            wait_gone(pid)
            s.start()
            # It is as it was until its end has been told.
            s.wait_until(lambda: s.states["web"] == "running" and s.pid("web") not in (None, pid))
            now = cgroup_folder(self.tracking(s)["cgroup"])
            self.assertEqual(os.path.dirname(now), os.path.dirname(cgroup))
            self.assertFalse(os.path.exists(cgroup + "/its-own"))

    def test_a_service_may_make_cgroups_of_its_own(self):
        nest = shell("g=$D/cg; mkdir $g/sub; (echo 0 > $g/sub/cgroup.procs; exec sleep 1000000) & echo $! > $D/pids; "
                     "exec sleep 1000000")
        with self.supervise({"services": {"web": {"command": FOREVER}, "nest": {
                "command": nest, "enabled": False}}}, fifos=["pids"]) as s:
            s.wait_for("web", "running")
            # The next one is known before it is made.
            ours = cgroup_folder(os.path.dirname(self.tracking(s)["cgroup"]))
            os.symlink(ours + "/nest.2", s.dir + "/cg")
            s.ctl("start", "nest", status=0)
            left = s.fifo("pids").read_pid()
            s.ctl("stop", "nest", status=0)
            self.assertFalse(alive(left))
            s.status("nest")    # it is removed when there is time, which is by then
            self.assertFalse(os.path.exists(ours + "/nest.2"))

    # Moves itself to where it may, and starts another one there; says both.
    LEAVE = """
import os, subprocess, time
open(os.environ["D"] + "/cg/cgroup.procs", "w").write(str(os.getpid()))
left = subprocess.Popen(["/bin/sleep", "1000000"], start_new_session=True)
print(os.getpid(), left.pid, file=open(os.environ["D"] + "/pids", "w"), flush=True)
time.sleep(1000000)
"""

    @contextlib.contextmanager
    def one_that_leaves(self):
        config = {"services": {"web": {"command": python(self.LEAVE), "restart": "never",
                                       "stop": {"timeout": "100ms"}}}}
        elsewhere = cgroup_folder("/reeve-test-" + str(os.getpid()))
        os.mkdir(elsewhere)
        try:
            with self.supervise(config, fifos=["pids"], start=False) as s:
                os.symlink(elsewhere, s.dir + "/cg")
                s.start()
                yield s, *map(int, s.fifo("pids").read_line().split())
        finally:
            os.rmdir(elsewhere)

    @needs_root
    def test_a_main_process_that_has_left_its_cgroup_is_stopped_with_what_left_together_with_it(self):
        with self.one_that_leaves() as (s, main, left):
            self.assertIn("has left", self.tracking(s)["why"])
            s.ctl("stop", "web", status=0)
            self.assertFalse(alive(main) or alive(left))

    @needs_root
    def test_what_left_its_cgroup_with_a_main_process_that_crashes_is_ended(self):
        with self.one_that_leaves() as (s, main, left):
            os.kill(main, signal.SIGKILL)
            s.wait_for("web", "failed")
            self.assertFalse(alive(left))

    @needs_root
    def test_a_main_process_that_has_left_its_cgroup_and_is_stopped_ends_with_the_supervisor(self):
        with self.one_that_leaves() as (s, main, left):
            os.kill(main, signal.SIGSTOP)
            self.assertEqual(s.end(), 0)
            self.assertFalse(alive(main) or alive(left))

    def test_cgroups_in_which_something_was_left_go_once_it_has_ended(self):
        leave = shell("read line < $D/go; sleep 1000000 & echo $! > $D/pids; exit 0")
        config = {"services": {"web": {"command": FOREVER}, "left": {
            "command": leave, "restart": "never", "stop": {"rest": "leave"}}}}
        with self.supervise(config, fifos=["pids", "go"]) as s:
            s.wait_for("web", "running")
            with open(s.dir + "/go", "w", encoding="ascii") as f:
                f.write("go\n")
            left = s.fifo("pids").read_pid()
            s.wait_until(lambda: s.states["left"] in ("done", "stopped", "exited", "failed"))
            self.assertTrue(alive(left))
            with open(f"/proc/{left}/cgroup", encoding="ascii") as f:
                folder = cgroup_folder(f.read().split("0::")[1].split()[0])
            s.ctl("restart", "web", status=0)
            self.assertTrue(os.path.exists(folder))
            os.kill(left, signal.SIGKILL)
            wait_gone(left)
            s.ctl("restart", "web", status=0)
            s.status("web")
            self.assertFalse(os.path.exists(folder))


@needs_root
@needs("unshare")
class Keepers(WithoutCgroups, unittest.TestCase):
    def keeper(self, s):
        """The parent of the main process."""
        with open(f"/proc/{s.pid('web')}/stat", encoding="ascii") as f:
            return int(f.read().rsplit(")", 1)[1].split()[1])

    def lose_keeper(self, s):
        os.kill(self.keeper(s), signal.SIGKILL)
        end = time.monotonic() + PATIENCE
        while self.tracking(s)["by"] != "marks":
            self.assertLess(time.monotonic(), end)

    def test_the_card_says_what_is_relied_upon_and_shows_no_keeper(self):
        with self.supervise({"services": {"web": {"command": FOREVER}}}) as s:
            s.wait_for("web", "running")
            self.assertEqual(self.tracking(s)["by"], "subreaper")
            card = s.ctl("status", "web", status=0).stdout
            self.assertIn("by a subreaper of its own", card)
            self.assertNotIn("reeve-keeper", card)

    def test_a_keeper_tells_its_name_and_is_small(self):
        with self.supervise({"services": {"web": {"command": FOREVER}}}) as s:
            s.wait_for("web", "running")
            keeper = self.keeper(s)
            arguments, end = "", time.monotonic() + PATIENCE
            while not arguments and time.monotonic() < end:     # within execve there are none
                with open(f"/proc/{keeper}/cmdline", encoding="ascii") as f:
                    arguments = f.read()
            self.assertEqual(arguments, "reeve-keeper: web\0")
            with open(f"/proc/{keeper}/smaps_rollup", encoding="ascii") as f:
                [pss] = [int(line.split()[1]) for line in f if line.startswith("Pss:")]
            self.assertLess(pss, 50)
            self.assertEqual(os.listdir(f"/proc/{keeper}/fd"), ["0"])
            self.assertEqual(os.getpgid(keeper), keeper)

    def test_a_service_goes_on_when_somebody_kills_its_keeper(self):
        script = shell("echo $$ > $D/pids; read line < $D/go; exit 7")
        with self.supervise({"services": {"web": {"command": script, "restart": "never"}}}, fifos=["pids", "go"]) as s:
            pid = s.fifo("pids").read_pid()
            self.lose_keeper(s)
            self.assertIn("keeper was killed by SIGKILL", self.tracking(s)["why"])
            self.assertEqual((s.states["web"], s.pid("web")), ("running", pid))
            with open(s.dir + "/go", "w", encoding="ascii") as f:
                f.write("go\n")
            s.wait_for("web", "failed")
            self.assertIn("exit 7", s.status("web")["cause"])

    def test_a_service_that_dies_together_with_its_keeper_is_seen_to_have_ended(self):
        with self.supervise({"services": {"web": {"command": FOREVER, "restart": "never"}}}) as s:
            s.wait_for("web", "running")
            keeper, main = self.keeper(s), s.pid("web")
            os.kill(main, signal.SIGSTOP)
            os.kill(keeper, signal.SIGSTOP)
            os.kill(main, signal.SIGKILL)
            with contextlib.suppress(ProcessLookupError):   # woken at once, it may have told and ended
                os.kill(keeper, signal.SIGKILL)
            s.wait_for("web", "failed")

    def test_a_stopped_keeper_hides_no_crash(self):
        with self.supervise({"services": {"web": {"command": FOREVER, "restart": "never"}}}) as s:
            s.wait_for("web", "running")
            os.kill(self.keeper(s), signal.SIGSTOP)
            os.kill(s.pid("web"), signal.SIGKILL)
            s.wait_for("web", "failed")
            self.assertIn("SIGKILL", s.status("web")["cause"])

    def test_what_is_nobodys_ends_with_the_supervisor(self):
        with self.supervise({"services": {"web": {"command": python(CRON)}}}, fifos=["pids"]) as s:
            left = s.fifo("pids").read_pid()
            self.lose_keeper(s)
            self.assertEqual(s.end(), 0)
            self.assertFalse(alive(left))


@needs_root
@needs("unshare")
class WhatLeavesNoTraceWithoutCgroups(WithoutCgroups, WhatLeavesNoTrace, unittest.TestCase):
    pass


@needs_root
@needs("unshare")
class ForkBombsWithoutCgroups(WithoutCgroups, ForkBombs, unittest.TestCase):
    pass


if __name__ == "__main__":
    unittest.main()
