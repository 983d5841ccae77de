"""Debian's system daemons under their examples, from start to stop."""
import os
import socket
import subprocess
import time
import unittest

from daemon_life import DaemonLife
from harness import PATIENCE, Deadline, Fifo, alive, needs, needs_root, wait_gone


@needs("rsyslogd")
class Rsyslogd(DaemonLife, unittest.TestCase):
    example = "rsyslogd"
    first, second = "messages of 1", "messages of 2"
    sent = 0

    def prepare(self):
        self.folder("spool")
        return {"RSYSLOGD_CONF": self.write("rsyslog.conf", f"""
global(workDirectory="{self.path('spool')}")
module(load="imuxsock" SysSock.Use="off")
input(type="imuxsock" Socket="{self.path('log.sock')}")
template(name="bare" type="string" string="%msg%\\n")
action(type="omfile" file="{self.path('messages')}" template="bare")
""")}

    def ask(self):
        """A message is sent; the file in which it arrives, of how many there are."""
        self.sent += 1
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:
            s.sendto(f"<13>test: message {self.sent}.".encode(), self.path("log.sock"))
        deadline = Deadline()
        while deadline.left():
            files = [name for name in os.listdir(self.s.dir) if name.startswith("messages")]
            for name in files:
                with open(self.path(name), encoding="utf-8") as f:
                    if f"message {self.sent}." in f.read():
                        return f"{name} of {len(files)}"
            time.sleep(0.01)
        raise AssertionError("the message did not arrive")

    def change(self):
        """As logrotate does."""
        os.rename(self.path("messages"), self.path("messages.1"))

    def gone(self):
        return [self.path("log.sock")]


# Where cron looks is compiled in: it gets an /etc, a spool and a /run of its own.
OWN_CRON = ["unshare", "--mount", "--propagation", "private", "sh", "-ec", """
mount -t tmpfs none /run
mount -t tmpfs none /var/spool/cron
mkdir /var/spool/cron/crontabs
mount --bind "$D/cron.d" /etc/cron.d
mount --bind "$D/crontab" /etc/crontab
exec "$@"
""", "sh"]


def needs_own_mounts(test):
    """Skips a test where nothing can be mounted, not even for its own processes."""
    missing = subprocess.run(["unshare", "--mount", "true"], capture_output=True).returncode
    return unittest.skipIf(missing, "cannot mount here")(test)


@needs_root
@needs("cron")
@needs_own_mounts
class Cron(DaemonLife, unittest.TestCase):
    example, reloads, prefix = "cron", False, OWN_CRON
    first = "a job ran"
    then = "exec sleep 1000000"     # in a session of its own, with nothing of cron's environment

    def prepare(self):
        self.s.fifos["jobs"] = Fifo(self.path("jobs"))
        self.write("crontab", "")
        self.write("cron.d/test", f"@reboot root echo {self.first} > {self.path('jobs')}; {self.then}\n")
        return {}

    def ask(self):
        return self.s.fifo("jobs").read_line()

    def crash(self):
        os.unlink(f"/proc/{self.s.reeved_pid}/root/run/crond.reboot")   # by which cron knows that it has run its jobs
        super().crash()


@needs_root
@needs("cron")
@needs_own_mounts
class CronForking(Cron, unittest.TestCase):
    example, service, leaves = "cron-forking", "cron", True
    then = "exit"

    def test_a_job_goes_on_without_it(self):
        jobs = self.path("jobs")
        self.write("cron.d/test", f"@reboot root echo $$ > {jobs}; read line < {self.path('end')}; echo ended > {jobs}\n")
        self.s.fifos["end"] = Fifo(self.path("end"))
        self.s.start()
        job = self.s.fifo("jobs").read_pid()
        self.s.ctl("stop", "cron", status=0)
        self.assertTrue(alive(job))
        self.s.tell("end")
        self.assertEqual(self.ask(), "ended")
        wait_gone(job)


@needs("dbus-daemon", "dbus-send")
class DbusDaemon(DaemonLife, unittest.TestCase):
    example = "dbus-daemon"

    def prepare(self):
        name, self.run_dir = self.runtime_folder()
        return {"DBUS_RUNTIME": name, "DBUS_SOCKET": self.run_dir + "/bus", "DBUS_CONF": self.configure("")}

    def configure(self, more):
        return self.write("bus.conf", f"""<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <listen>unix:path={self.run_dir}/bus</listen>
  <pidfile>{self.run_dir}/bus.pid</pidfile>
  <policy context="default">
    <allow send_destination="*"/>
    <allow receive_sender="*"/>
    {more}
  </policy>
</busconfig>""")

    def ask(self):
        """Whether the bus lets a client ask for its identity."""
        done = subprocess.run(["dbus-send", f"--bus=unix:path={self.run_dir}/bus", "--print-reply=literal",
                               "--dest=org.freedesktop.DBus", "/", "org.freedesktop.DBus.GetId"],
                              capture_output=True, text=True, timeout=PATIENCE)
        if "AccessDenied" in done.stderr:
            return self.second
        if done.returncode:
            raise OSError(done.stderr)
        return self.first

    def change(self):
        self.configure('<deny send_interface="org.freedesktop.DBus" send_member="GetId"/>')

    def gone(self):
        return [self.run_dir + "/bus.pid", self.run_dir + "/bus"]


if __name__ == "__main__":
    unittest.main()
