"""Lines for the syslog daemon: those of services and the supervisor's own."""
import os
import re
import socket
import unittest

from harness import FOREVER, PATIENCE, Supervisor, needs, needs_root, shell

# A /dev of its own, in which /dev/log leads to the test's folder.
PRIVATE_DEV = ["unshare", "--mount", "--propagation", "private", "sh", "-ec", """
mkdir "$D/dev"
mount --rbind /dev "$D/dev"
mount -t tmpfs none /dev
for node in null urandom; do touch /dev/$node; mount --bind "$D/dev/$node" /dev/$node; done
ln -s "$D/syslog" /dev/log
exec "$@"
""", "sh"]
MESSAGE = re.compile(r"<(\d+)>[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d ([^:]+): (.*)", re.DOTALL)


class Daemon:
    """What a syslog daemon is to its clients."""

    def __init__(self, folder):
        self.path = os.path.join(folder, "syslog")
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(self.path)
        self.socket.settimeout(PATIENCE)

    def message(self):
        """(priority, tag, text) of the next one."""
        priority, tag, text = MESSAGE.fullmatch(self.socket.recv(1 << 16).decode()).groups()
        return int(priority), tag, text

    def close(self):
        self.socket.close()
        os.unlink(self.path)


@needs_root
@needs("unshare")
class Syslog(unittest.TestCase):
    def run_with_daemon(self, config, *args):
        s = self.enterContext(Supervisor(config, *args, prefix=PRIVATE_DEV, start=False, fifos=["go"]))
        daemon = Daemon(s.dir)
        self.addCleanup(daemon.close)
        return s, daemon

    def test_lines_come_with_the_severity_of_their_stream_and_the_name_as_tag(self):
        s, daemon = self.run_with_daemon({"services": {"job": {"type": "oneshot", "log": {"to": ["syslog", "file"]},
                                                               "command": shell("echo out; echo bad >&2")}}})
        s.start()
        s.wait_for("job", "done")
        self.assertEqual({daemon.message(), daemon.message()}, {(30, "job", "out"), (27, "job", "bad")})
        self.assertEqual(sorted(s.log_texts("job")), ["bad", "out"])

    def test_a_restarted_daemon_gets_the_lines_that_follow(self):
        s, daemon = self.run_with_daemon({"services": {"web": {"log": "syslog", "command": shell(
            "echo one; read line < $D/go; echo two; exec sleep 1000000")}}})
        s.start()
        self.assertEqual(daemon.message(), (30, "web", "one"))
        daemon.close()
        daemon.__init__(s.dir)
        s.tell("go")
        self.assertEqual(daemon.message(), (30, "web", "two"))
        self.assertEqual([line for line in s.said if "warning" in line], [])

    def test_where_there_is_none_it_is_told_once_and_nothing_waits_for_long(self):
        job = {"type": "oneshot", "log": {"to": ["syslog", "file"]}, "command": shell("echo one; echo two")}
        with Supervisor({"services": {"job": job, "web": {"command": FOREVER}}}, prefix=PRIVATE_DEV) as s:
            s.wait_for("job", "done")
            s.ctl("restart", "job", status=0)
            self.assertEqual(s.log_texts("job"), ["one", "two"] * 2)
            [said] = [line for line in s.said if "/dev/log" in line]
            self.assertIn("cannot connect to /dev/log: No such file or directory; lines for syslog are dropped", said)

    def test_the_supervisors_own_messages(self):
        s, daemon = self.run_with_daemon({"services": {"bad": {"type": "oneshot", "command": ["false"]}}},
                                         "--log-file", "syslog")
        s.start(connect=False)
        heard = []
        while not heard or "bad: failed" not in heard[-1][2]:
            heard.append(daemon.message())
        self.assertEqual({tag for _, tag, _ in heard}, {"reeved"})
        self.assertIn(30, {priority for priority, _, text in heard if "listening" in text})
        self.assertIn(heard[-1][0], {27, 28})
        self.assertEqual(s.end(), 0)
        self.assertEqual(s.text(), "")

    def test_the_supervisors_own_messages_go_to_stderr_where_there_is_none(self):
        with Supervisor({"supervisor": {"log": {"file": "syslog"}}, "services": {"web": {"command": FOREVER}}},
                        prefix=PRIVATE_DEV) as s:
            s.wait_for("web", "running")


if __name__ == "__main__":
    unittest.main()
