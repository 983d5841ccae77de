"""sd_notify: what a service says of itself, who is believed, and that a barrier waits for it."""
import os
import subprocess
import unittest

from harness import FOREVER, PROGRAMS, WITHOUT_CGROUPS, Supervisor, needs, needs_root, python, shell

# What the services of these tests speak with.
SENDER = """
import array, os, socket, sys, time
def notify(text, *fds):
    name = os.environ["NOTIFY_SOCKET"]
    attached = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds))] if fds else []
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:
        s.sendmsg([text.encode()], attached, 0, "\\0" + name[1:])
def notify_and_wait(text):
    r, w = os.pipe()
    notify(text, w)
    os.close(w)
    os.read(r, 1)
    os.close(r)
def say(line):
    with open(os.environ["D"] + "/said", "w") as f:
        print(line, file=f)
def hear():
    with open(os.environ["D"] + "/go") as f:
        f.readline()
"""
PROBE = os.path.realpath(os.path.join(PROGRAMS, "reeve-probe-child"))


def speaker(script):
    return python(SENDER + script + "\ntime.sleep(1000000)\n")


def one(command, **keys):
    return {"services": {"web": {"command": command, "ready": "notify", **keys}}}


class Messages(unittest.TestCase):
    def test_at_the_end_of_a_barrier_all_before_has_been_handled(self):
        with Supervisor(one(speaker("for i in range(20): notify(f'STATUS={i}')\nnotify_and_wait('BARRIER=1')\nsay('status')\n"
                                    "hear()\nnotify('READY=1')\nnotify_and_wait('BARRIER=1')\nsay('ready')")),
                        fifos=["said", "go"]) as s:
            self.assertEqual(s.fifo("said").read_line(), "status")
            found = s.status("web")
            self.assertEqual((found["state"], found["status_text"]), ("starting", "19"))
            s.tell("go")
            self.assertEqual(s.fifo("said").read_line(), "ready")
            self.assertEqual(s.status("web")["state"], "running")

    def test_a_barrier_that_does_not_stand_alone_says_nothing_and_keeps_nobody_waiting(self):
        with Supervisor(one(speaker("notify_and_wait('BARRIER=1\\nREADY=1')\nnotify_and_wait('READY=1\\nBARRIER=1')\n"
                                    "notify('BARRIER=1')\nnotify('BARRIER=1', 0, 1)\nnotify_and_wait('BARRIER=1')\nsay('over')")),
                        fifos=["said"]) as s:
            s.fifo("said").read_line()
            self.assertEqual(s.status("web")["state"], "starting")

    def test_descriptors_are_closed_whatever_they_come_with(self):
        with Supervisor(one(speaker("for text in ('FDSTORE=1\\nFDNAME=a', 'X=1', 'READY', '', 'STATUS=kept'): notify_and_wait(text)\n"
                                    "say('over')\nhear()\nfor i in range(600): notify('X=1', *[1] * 250)\n"
                                    "notify_and_wait('BARRIER=1')\nsay('over')")), fifos=["said", "go"]) as s:
            s.fifo("said").read_line()
            self.assertEqual(s.status("web")["status_text"], "kept")
            before = len(os.listdir(f"/proc/{s.reeved_pid}/fd"))
            s.tell("go")
            s.fifo("said").read_line()
            self.assertLessEqual(len(os.listdir(f"/proc/{s.reeved_pid}/fd")), before)

    def test_one_malformed_line_spoils_the_message_but_none_after_it(self):
        bad = ["READY=1\\nMAINPID=x", "READY=1\\nMAINPID=0", "READY=1\\nERRNO=99999", "READY=1\\nWATCHDOG_USEC=",
               "READY=1\\nEXTEND_TIMEOUT_USEC=-1", "READY=1\\nMONOTONIC_USEC=18446744073709551616", "READY=1\\nx"]
        with Supervisor(one(speaker("".join(f"notify('{text}')\n" for text in bad) +
                                    "notify('STATUS=fine\\n\\nFUTURE=1')\nnotify_and_wait('BARRIER=1')\nsay('over')")),
                        fifos=["said"]) as s:
            s.fifo("said").read_line()
            found = s.status("web")
            self.assertEqual((found["state"], found["status_text"]), ("starting", "fine"))


class Senders(unittest.TestCase):
    prefix = ()

    def all_become_ready(self, **keys):
        services = {f"s{i}": {"command": shell(f"{PROBE} notify READY=1; exec sleep 1000000"), "ready": "notify", **keys}
                    for i in range(30)}
        with Supervisor({"services": services}, dir_mode=0o711, prefix=self.prefix) as s:
            for name in services:
                s.wait_for(name, "running")

    def test_who_exits_right_after_sending_counts(self):
        self.all_become_ready()

    @needs_root
    def test_who_exits_right_after_sending_counts_as_another_user(self):
        self.all_become_ready(user="nobody")

    def test_who_left_for_a_session_of_its_own_counts(self):
        with Supervisor(one(shell(f"(setsid {PROBE} notify READY=1 &) ; exec sleep 1000000")), prefix=self.prefix) as s:
            s.wait_for("web", "running")

    @needs_root
    def test_another_user_is_not_believed_though_nothing_is_left_of_him(self):
        with Supervisor(one(speaker("say(os.environ['NOTIFY_SOCKET'])\nhear()\nnotify('STATUS=mine')\n"
                                    "notify_and_wait('BARRIER=1')\nsay('over')")), fifos=["said", "go"], prefix=self.prefix) as s:
            name = s.fifo("said").read_line()
            for _ in range(20):
                subprocess.run([PROBE, "notify", "READY=1\nSTATUS=forged"], env={"NOTIFY_SOCKET": name}, user=65534, check=True)
            s.tell("go")
            s.fifo("said").read_line()
            found = s.status("web")
            self.assertEqual((found["state"], found["status_text"]), ("starting", "mine"))

    def test_a_main_pid_of_a_stranger_changes_nothing(self):
        stranger = subprocess.Popen(FOREVER)
        try:
            with Supervisor(one(speaker(f"notify('READY=1\\nMAINPID={stranger.pid}')\nnotify_and_wait('BARRIER=1')\nsay('over')")),
                            fifos=["said"], prefix=self.prefix) as s:
                s.fifo("said").read_line()
                found = s.status("web")
                self.assertEqual(found["state"], "running")
                self.assertNotEqual(found["pid"], stranger.pid)
                s.ctl("stop", "web", status=0)
                self.assertIsNone(stranger.poll())
        finally:
            stranger.kill()
            stranger.wait()


@needs("unshare")
@needs_root
class SendersWithoutCgroups(Senders, unittest.TestCase):
    prefix = WITHOUT_CGROUPS


class Words(unittest.TestCase):
    def test_a_reload_waits_for_ready_after_reloading(self):
        script = ("import signal, threading\nhup = threading.Event()\nsignal.signal(signal.SIGHUP, lambda *_: hup.set())\n"
                  "notify('READY=1')\nhup.wait()\nnow = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000\n"
                  "notify(f'RELOADING=1\\nMONOTONIC_USEC={now}')\nsay('reloading')\nhear()\nnotify('READY=1\\nSTATUS=reread')")
        with Supervisor(one(speaker(script), reload={"signal": "HUP"}), fifos=["said", "go"]) as s:
            s.wait_for("web", "running")
            reload = subprocess.Popen([*s.ctl_argv(), "reload", "web"])
            s.fifo("said").read_line()
            s.wait_for("web", "reloading")
            self.assertIsNone(reload.poll())
            s.tell("go")
            self.assertEqual(reload.wait(), 0)
            found = s.status("web")
            self.assertEqual((found["state"], found["status_text"]), ("running", "reread"))

    def test_who_says_stopping_is_stopping(self):
        with Supervisor(one(speaker("notify('READY=1')\nhear()\nnotify('STOPPING=1')\nhear()\nsys.exit(0)"), restart="never"),
                        fifos=["go"]) as s:
            s.wait_for("web", "running")
            s.tell("go")
            s.wait_for("web", "stopping")
            s.tell("go")
            s.wait_for("web", "done")

    def test_another_main_process_takes_over_by_main_pid(self):
        script = ("pid = os.fork()\nif pid == 0: time.sleep(1000000)\nnotify(f'MAINPID={pid}\\nREADY=1')\n"
                  "notify_and_wait('BARRIER=1')\nsay(pid)\nhear()\nos._exit(0)")
        with Supervisor(one(speaker(script), restart="never"), fifos=["said", "go"]) as s:
            pid = s.fifo("said").read_pid()
            self.assertEqual(s.pid("web"), pid)
            s.tell("go")
            self.assertEqual(s.status("web")["state"], "running")
            os.kill(pid, 9)
            s.wait_for("web", "failed")
            self.assertEqual(s.status("web")["last_exit"]["signal"], "SIGKILL")

    def test_a_start_may_take_longer_when_it_says_so(self):
        script = "notify('EXTEND_TIMEOUT_USEC=60000000')\ntime.sleep(1)\nnotify('READY=1')"
        with Supervisor(one(speaker(script), start_timeout="500ms", restart="never")) as s:
            s.wait_for("web", "running", "failed")
            self.assertEqual(s.states["web"], "running")


class Watchdog(unittest.TestCase):
    def test_the_environment_says_how_often_and_to_whom(self):
        script = "import json\nsay(json.dumps([dict(os.environ), os.getpid()]))"
        with Supervisor({"services": {"web": {"command": speaker(script), "watchdog": "1h"}}}, fifos=["said"]) as s:
            env, pid = s.fifo("said").read_json()
            self.assertEqual((env["WATCHDOG_USEC"], env["WATCHDOG_PID"]), ("3600000000", str(pid)))
            self.assertIn("NOTIFY_SOCKET", env)

    def test_who_is_silent_or_calls_for_help_is_restarted(self):
        for script, watchdog in ("", "300ms"), ("hear()\nnotify('WATCHDOG=trigger')", "1h"):
            with self.subTest(script), Supervisor(one(speaker("notify('READY=1')\n" + script), watchdog=watchdog,
                                                      backoff={"initial": "1ms"}), fifos=["go"]) as s:
                s.wait_for("web", "running")
                pid = s.pid("web")
                if script:
                    s.tell("go")
                s.wait_until(lambda: s.status("web")["pid"] not in (None, pid))

    def test_who_says_that_it_is_alive_goes_on(self):
        script = "notify('READY=1')\nfor _ in range(12):\n    time.sleep(0.1)\n    notify('WATCHDOG=1')\nnotify('WATCHDOG_USEC=3600000000')\nsay('over')"
        with Supervisor(one(speaker(script), watchdog="1s"), fifos=["said"]) as s:
            s.fifo("said").read_line()
            self.assertEqual(s.status("web")["restarts"], 0)


@needs("systemd-notify")
class SystemdNotify(unittest.TestCase):
    def returns_after_the_change(self, **keys):
        with Supervisor(one(shell("systemd-notify --status='warming up'\necho status > $D/said\nread line < $D/go\n"
                                  "systemd-notify --ready --pid --status=serving\necho ready > $D/said\nexec sleep 1000000"), **keys),
                        fifos=["said", "go"], dir_mode=0o711) as s:
            self.assertEqual(s.fifo("said").read_line(), "status")
            found = s.status("web")
            self.assertEqual((found["state"], found["status_text"]), ("starting", "warming up"))
            s.tell("go")
            self.assertEqual(s.fifo("said").read_line(), "ready")
            found = s.status("web")
            self.assertEqual((found["state"], found["status_text"]), ("running", "serving"))

    def test_as_the_supervisors_own_user(self):
        self.returns_after_the_change()

    @needs_root
    def test_as_another_user(self):
        self.returns_after_the_change(user="nobody")

    def test_it_need_not_wait(self):
        with Supervisor(one(shell("systemd-notify --no-block --ready\nexec sleep 1000000"))) as s:
            s.wait_for("web", "running")


if __name__ == "__main__":
    unittest.main()
