"""What a service is given: signals, descriptors, session, environment, user, limits."""
import grp
import os
import pwd
import unittest

from harness import FOREVER, PYTHON, Supervisor, needs_root, python, shell

# Writes what it was started with, as one line of JSON, into the FIFO that the argument names.
REPORT = """
import os, sys, resource
status = dict(line.split(":", 1) for line in open("/proc/self/status"))
folder = "/proc/self/fd/"
fds = {n: os.readlink(folder + n) for n in os.listdir(folder) if os.path.lexists(folder + n)}
old = os.umask(0)
os.umask(old)
print(repr({"blocked": int(status["SigBlk"], 16), "ignored": int(status["SigIgn"], 16), "fds": fds, "pid": os.getpid(),
    "sid": os.getsid(0), "pgrp": os.getpgrp(), "env": dict(os.environ), "cwd": os.getcwd(), "umask": old,
    "nice": os.getpriority(os.PRIO_PROCESS, 0), "uids": os.getresuid(), "gids": os.getresgid(),
    "groups": sorted(os.getgroups()), "nofile": resource.getrlimit(resource.RLIMIT_NOFILE),
    "core": resource.getrlimit(resource.RLIMIT_CORE)}), file=open(sys.argv[1], "w"), flush=True)
"""
# Starts reeved as badly as OpenRC or nohup may: signals blocked and ignored, descriptors open.
BAD_PARENT = [PYTHON, "-S", "-E", "-c", """
import os, signal, sys
signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
for s in (signal.SIGHUP, signal.SIGINT, signal.SIGPIPE, signal.SIGCHLD, signal.SIGUSR1):
    signal.signal(s, signal.SIG_IGN)
for n in range(20, 30):
    os.dup2(os.open("/etc/passwd", os.O_RDONLY), n, inheritable=True)
os.execv(sys.argv[1], sys.argv[1:])
"""]


def report(fifo="said"):
    return python(REPORT, "${D}/" + fifo)


def read_report(s, fifo="said"):
    return eval(s.fifo(fifo).read_line(), {"__builtins__": {}})   # repr of plain values: bytes that JSON has not


class CleanChild(unittest.TestCase):
    def assert_clean(self, found):
        self.assertEqual(found["blocked"], 0)
        # Python itself ignores PIPE and XFSZ.
        self.assertEqual(found["ignored"] & ~(1 << 12 | 1 << 24), 0)
        self.assertEqual(sorted(found["fds"]), ["0", "1", "2"])
        self.assertEqual(found["fds"]["0"], "/dev/null")
        self.assertEqual(found["sid"], found["pid"])
        self.assertEqual(found["pgrp"], found["pid"])

    def test_a_service(self):
        with Supervisor({"services": {"web": {"command": report()}}}, fifos=["said"], prefix=BAD_PARENT) as s:
            found = read_report(s)
            self.assert_clean(found)
            env = found["env"]
            self.assertEqual(env["REEVE_SERVICE"], "web")
            self.assertRegex(env["REEVE_INVOCATION_ID"], "^[0-9a-f]{32}$")
            self.assertEqual(env["REEVE_INVOCATION_ID"], env["INVOCATION_ID"])
            self.assertNotIn("NOTIFY_SOCKET", env)
            self.assertNotIn("MAINPID", env)
            self.assertEqual((found["cwd"], found["umask"]), ("/", 0o022))

    def test_each_instance_has_an_id_of_its_own(self):
        with Supervisor({"services": {"web": {"command": report(), "backoff": {"initial": "1ms"}}}}, fifos=["said"]) as s:
            ids = {read_report(s)["env"]["INVOCATION_ID"] for _ in range(3)}
            self.assertEqual(len(ids), 3)

    def test_probes_and_commands(self):
        with Supervisor({"services": {"web": {
                "command": FOREVER, "ready": {"exec": report("probe")}, "reload": {"command": report("reload"), "check": report("check")},
                "stop": {"command": report("stop")}}}}, fifos=["probe", "reload", "check", "stop"], prefix=BAD_PARENT) as s:
            s.wait_for("web", "running")
            pid = s.pid("web")
            s.ctl("reload", "web", status=0)
            s.ctl("stop", "web", status=0)
            for name in ("probe", "check", "reload", "stop"):
                found = read_report(s, name)
                self.assert_clean(found)
                self.assertEqual(found["env"]["REEVE_SERVICE"], "web")
                self.assertEqual(found["env"]["MAINPID"], str(pid))

    def test_notify_socket_only_where_asked_for_and_nothing_of_our_own_parent(self):
        ours = {"NOTIFY_SOCKET": "@nowhere", "WATCHDOG_USEC": "1", "LISTEN_FDS": "1", "LISTEN_PID": "1",
                "INVOCATION_ID": "ours", "REEVE_SERVICE": "ours", "KEPT": "yes"}
        with Supervisor({"services": {"a": {"command": report("a")}, "b": {"command": report("b"), "ready": "notify"}}},
                        fifos=["a", "b"], env=ours) as s:
            a, b = read_report(s, "a")["env"], read_report(s, "b")["env"]
            for env in (a, b):
                self.assertEqual(env["KEPT"], "yes")
                for name in ("WATCHDOG_USEC", "LISTEN_FDS", "LISTEN_PID"):
                    self.assertNotIn(name, env)
            self.assertNotIn("NOTIFY_SOCKET", a)
            self.assertNotIn(b["NOTIFY_SOCKET"], ("", "@nowhere"))

    def test_original_descriptor_limit_is_restored(self):
        with Supervisor({"services": {"web": {"command": report()}}}, fifos=["said"],
                        prefix=["prlimit", "--nofile=300:3000"]) as s:
            self.assertEqual(read_report(s)["nofile"], (300, 3000))

    def test_dev_stdout_can_be_opened(self):
        with Supervisor({"services": {"web": {"type": "oneshot",
                                              "command": shell("echo one > /dev/stdout; echo two > /dev/stderr")}}}) as s:
            s.wait_for("web", "done")
            self.assertEqual(sorted(s.log_lines("web")), [("stderr", "F", "two"), ("stdout", "F", "one")])


class Settings(unittest.TestCase):
    def report_of(self, service, **kwargs):
        with Supervisor({"services": {"web": {"command": report(), **service}}}, fifos=["said"], **kwargs) as s:
            return read_report(s), s

    def test_place_priority_and_limits(self):
        found, _ = self.report_of({"working_dir": "/usr", "umask": "027", "nice": 7,
                                   "limits": {"nofile": "123:456", "core": "0"}})
        self.assertEqual((found["cwd"], found["umask"], found["nice"]), ("/usr", 0o027, 7))
        self.assertEqual((found["nofile"], found["core"]), ((123, 456), (0, 0)))

    def test_environment_beats_files_beats_inherited(self):
        with Supervisor("", fifos=["said"], env={"A": "own", "B": "own", "C": "own"}, start=False) as s:
            with open(s.dir + "/first", "w") as f:
                f.write("# a comment\nB=first\nC=first\nQUOTED='two words'\n")
            with open(s.dir + "/second", "w") as f:
                f.write("C=second\n")
            s.write_config({"services": {"web": {
                "command": report(), "environment": {"D2": "map"},
                "environment_files": ["${D}/first", "-${D}/missing", "${D}/second"]}}})
            s.start()
            env = read_report(s)["env"]
            self.assertEqual((env["A"], env["B"], env["C"], env["D2"], env["QUOTED"]),
                             ("own", "first", "second", "map", "two words"))

    def test_inherit_nothing(self):
        found, _ = self.report_of({"inherit_environment": False, "environment": {"ONLY": "this"}}, env={"KEPT": "no"})
        self.assertEqual(set(found["env"]) - {"PATH", "LC_CTYPE"},
                         {"ONLY", "REEVE_SERVICE", "REEVE_INVOCATION_ID", "INVOCATION_ID"})

    def test_inherit_a_list(self):
        found, _ = self.report_of({"inherit_environment": ["KEPT"]}, env={"KEPT": "yes", "OTHER": "no"})
        self.assertEqual(found["env"].get("KEPT"), "yes")
        self.assertNotIn("OTHER", found["env"])

    def test_stdin_from_a_file(self):
        with Supervisor({"services": {"web": {"type": "oneshot", "command": ["cat"], "stdin": "/etc/hostname"}}}) as s:
            s.wait_for("web", "done")
            with open("/etc/hostname") as f:
                self.assertEqual(s.log_texts("web"), f.read().splitlines())


@needs_root
class OtherUser(unittest.TestCase):
    def report_of(self, service, **kwargs):
        with Supervisor({"services": {"web": {"command": report(), **service}}}, fifos=["said"], dir_mode=0o755,
                        **kwargs) as s:
            return read_report(s)

    def test_user_brings_groups_and_names(self):
        nobody = pwd.getpwnam("nobody")
        found = self.report_of({"user": "nobody"})
        self.assertEqual(found["uids"], (nobody.pw_uid,) * 3)
        self.assertEqual(found["gids"], (nobody.pw_gid,) * 3)
        env = found["env"]
        self.assertEqual((env["HOME"], env["USER"], env["LOGNAME"], env["SHELL"]),
                         (nobody.pw_dir, "nobody", "nobody", nobody.pw_shell))
        self.assertNotIn(0, found["groups"])

    def test_group_and_supplementary_groups(self):
        daemon, adm, tty = (grp.getgrnam(n).gr_gid for n in ("daemon", "adm", "tty"))
        found = self.report_of({"user": "nobody", "group": "daemon", "supplementary_groups": ["adm", "tty"]})
        self.assertEqual(found["gids"], (daemon,) * 3)
        self.assertEqual(set(found["groups"]) - {daemon}, {adm, tty})

    def test_by_number(self):
        found = self.report_of({"user": "65534"})
        self.assertEqual(found["uids"], (65534,) * 3)

    def test_it_can_open_dev_stdout(self):
        with Supervisor({"services": {"web": {"type": "oneshot", "user": "nobody", "command": shell(
                "echo one > /dev/stdout; echo two > /dev/stderr; echo three")}}}) as s:
            s.wait_for("web", "done")
            self.assertEqual(sorted(s.log_lines("web")),
                             [("stderr", "F", "two"), ("stdout", "F", "one"), ("stdout", "F", "three")])

    def test_it_can_notify(self):
        notify = python("import os, socket, time\nname = os.environ['NOTIFY_SOCKET']\n"
                        "s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)\n"
                        "s.sendto(b'READY=1', '\\0' + name[1:] if name[0] == '@' else name)\ntime.sleep(1000000)")
        with Supervisor({"services": {"web": {"user": "nobody", "command": notify, "ready": "notify"}}}) as s:
            s.wait_for("web", "running")

    def test_probes_and_commands_run_as_it_too(self):
        with Supervisor({"services": {"web": {"command": FOREVER, "user": "nobody", "ready": {"exec": report()},
                                              "stop": {"command": report("stop")}}}},
                        fifos=["said", "stop"], dir_mode=0o755) as s:
            self.assertEqual(read_report(s)["uids"], (65534,) * 3)
            s.wait_for("web", "running")
            s.ctl("stop", "web", status=0)
            self.assertEqual(read_report(s, "stop")["env"]["USER"], "nobody")

    def test_an_unknown_user_is_refused_at_load(self):
        with Supervisor({"services": {"web": {"command": FOREVER, "user": "no-such-user"}}}, start=False) as s:
            s.start(connect=False)
            self.assertEqual(s.wait(), 1)
            self.assertIn("no-such-user", s.text())


if __name__ == "__main__":
    unittest.main()
