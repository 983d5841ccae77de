"""A supervisor that is killed, and the next one that takes over what it had in hand.

    with Line({"services": {"web": {"command": FOREVER}}}) as s:
        s.wait_for("web", "running")
        before = s.known("web")
        s.die()         # as kill -9 does; its services go on
        s.start()       # the next one, on the same folders
        self.assertEqual(s.known("web"), before)

Who a killed supervisor leaves becomes a child of this process, which reaps at once, as an init should: what an
orphan's exit status was, the kernel tells only once somebody has.
"""
import contextlib
import ctypes
import datetime
import os
import platform
import select
import signal
import socket
import threading

from harness import PATIENCE, STARTED, STARTING, Deadline, Supervisor, wait_gone
from modes import WithoutCgroups

PR_SET_CHILD_SUBREAPER = 36
# From 6.15 on the kernel tells how a process ended that was somebody else's child.
TELLS_STATUS = tuple(int("".join(filter(str.isdigit, n)) or 0) for n in platform.release().split(".")[:2]) >= (6, 15)


class Reaper:
    """Reaps the orphans that come to this process, and leaves alone what its tests have started."""

    def begin(self):
        if ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
            raise OSError(ctypes.get_errno(), "cannot become a subreaper")
        wake, woken = socket.socketpair()
        wake.setblocking(False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(wake.fileno(), warn_on_full_buffer=False)
        threading.Thread(target=self.run, args=(woken, wake), daemon=True).start()

    def run(self, woken, _wake):
        while True:
            # The list of children is exact only while none of them ends; so another look follows in any case.
            if select.select([woken], [], [], 0.5)[0]:
                woken.recv(4096)
            with STARTING:
                for pid in self.orphans():
                    with contextlib.suppress(ChildProcessError):
                        os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG)

    def orphans(self):
        """Children that are dead and in no session of a test's own."""
        mine = os.getsid(0)
        for task in os.listdir("/proc/self/task"):
            with contextlib.suppress(OSError):
                with open(f"/proc/self/task/{task}/children", encoding="ascii") as f:
                    children = [int(pid) for pid in f.read().split()]
                for pid in children:
                    with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as f:
                        state, _, _, session = f.read().rsplit(")", 1)[1].split()[:4]
                    if state == "Z" and int(session) != mine and pid not in STARTED:
                        yield pid


REAPER = Reaper()


class Moment(float):
    """A time as reeve tells it. Converting it from the clock of the boot is not exact to the nanosecond."""

    def __eq__(self, other):
        return isinstance(other, Moment) and abs(float(self) - float(other)) < 0.01

    def __ne__(self, other):
        return not self == other

    __hash__ = None


def with_moments(value):
    """A reply with its times to be compared as such."""
    if isinstance(value, list):
        return [with_moments(element) for element in value]
    if isinstance(value, dict):
        return {key: Moment(datetime.datetime.fromisoformat(element).timestamp())
                if key in ("since", "at", "started", "ended") and element else with_moments(element)
                for key, element in value.items()}
    return value


class Line(Supervisor):
    """One reeved after another on the same folders."""
    began = False

    def __init__(self, *args, **more):
        if not Line.began:
            Line.began = True
            REAPER.begin()
        super().__init__(*args, **more)

    @property
    def reeved_pid(self):
        """What starts it here executes it in its own place, whatever binary it is by now."""
        return self.process.pid

    def die(self):
        """It is killed, and all that it said has been read."""
        self.send_signal(signal.SIGKILL)
        self.reap()

    def reap(self):
        self.process.wait(PATIENCE)
        STARTED.discard(self.process.pid)
        for t in self.readers:
            t.join(PATIENCE)

    def succeed(self):
        """The one that there is dies, and the next one takes over; what that one says from its start on."""
        self.die()
        already = len(self.said)
        self.start()
        return "".join(self.said[already:])

    # -- what is known ---------------------------------------------------------------
    def known(self, service):
        """What a successor has to know of a service that nothing happens to."""
        status = self.status(service)
        kept = ("name", "state", "cause", "ready", "enabled", "pid", "since", "restarts", "last_exit", "status_text")
        return with_moments({**{key: status[key] for key in kept},
                             "runs": self.ask("runs", names=[service])["runs"],
                             "failures": self.ask("failures", names=[service])["failures"]})

    def why(self, service):
        return self.ask("why", name=service)

    def settled(self, service, **expected):
        """Its status once it is as expected, looked at after each thing that happens."""
        deadline = Deadline()
        while True:
            found = self.status(service)
            if all(found[key] == value for key, value in expected.items()):
                return found
            if not deadline.left():
                raise AssertionError(f"not {expected}: {found}\n{self.text()}")
            self.next_event(deadline)

    # -- what is left ------------------------------------------------------------------
    def strangers(self, *known):
        """Processes of services that the present supervisor does not call its own."""
        mine = {p["pid"] for service in self.ask("status", processes=True)["services"]
                for p in service.get("processes") or []}
        return self.started_processes().keys() - mine - {self.reeved_pid, *known}

    def end_strangers(self):
        """Ends what the present supervisor has been made to forget."""
        for pid in self.strangers():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
            wait_gone(pid)

    def cgroup_folders(self):
        """Where the cgroups of services are, if they have any."""
        with contextlib.suppress(OSError):
            here = os.stat(self.runtime)
            name = f"reeve-{here.st_dev}-{here.st_ino}"
            with open("/proc/self/mountinfo", encoding="ascii") as f:
                mounts = [line.split()[4] for line in f if " - cgroup2 " in line]
            with open("/proc/self/cgroup", encoding="ascii") as f:
                own = [line[3:].strip() for line in f if line.startswith("0::")]
            return [path for m in mounts for o in own if os.path.isdir(path := os.path.join(m, o.lstrip("/"), name))]
        return []

    def clear(self):
        """Nothing outlives a test, whatever has gone wrong: not what has left no trace, and no cgroup."""
        folders = self.cgroup_folders()
        left = super().clear()
        for folder in folders:
            for path, _, _ in os.walk(folder, topdown=False):
                with contextlib.suppress(OSError):
                    with open(path + "/cgroup.kill", "w", encoding="ascii") as f:
                        f.write("1")
            deadline = Deadline(5)
            for path, _, _ in os.walk(folder, topdown=False):
                while deadline.left():
                    try:
                        os.rmdir(path)
                        break
                    except FileNotFoundError:
                        break
                    except OSError:     # what was killed has not ended yet
                        with open(path + "/cgroup.events", encoding="ascii") as f:
                            select.select([], [], [f], 0.1)
        return left


class Resuming:
    """For tests that must hold whichever way the supervisor knows a service's processes by."""
    prefix = ()

    def supervise(self, services, **more):
        return Line({"services": services}, prefix=self.prefix, **more)

    def assert_ended(self, s, service, code=None, sig=None):
        """How its main process has last ended; or that nobody knows, where the kernel does not tell."""
        last = s.status(service)["last_exit"]
        found = (last["code"], last["signal"])
        self.assertIn(found, [(code, sig)] if TELLS_STATUS else [(code, sig), (None, None)])

    def assert_same_moment(self, first, second, within=0.25):
        self.assertLess(abs(first - second), within)


class ResumingWithoutCgroups(Resuming):
    prefix = WithoutCgroups.prefix
