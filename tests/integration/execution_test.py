"""What a service may do and how the kernel treats it; the folders that are made for it."""
import contextlib
import os
import pwd
import shutil
import stat
import tempfile
import unittest

from harness import FOREVER, Supervisor, needs, needs_root, shell

NAME = f"reeve-test-{os.getpid()}"


def once(script, **more):
    return {"services": {"web": {"type": "oneshot", "command": shell(script), **more}}}


def said(config, lines, **kwargs):
    """The first lines that the service writes into $D/said."""
    with Supervisor(config, fifos=["said"], **kwargs) as s:
        return [s.fifo("said").read_line() for _ in range(lines)]


class Kernel(unittest.TestCase):
    def test_how_it_is_scheduled_and_chosen(self):
        last = max(os.sched_getaffinity(0))
        script = ("grep Cpus_allowed_list /proc/self/status | cut -f 2 > $D/said; cat /proc/self/oom_score_adj > $D/said; "
                  "ionice > $D/said; chrt -p $$ | head -n 1 | cut -d : -f 2 > $D/said")
        config = once(script, cpu_affinity=[last], oom_score_adj=300, io_priority={"class": "idle"}, scheduling={"policy": "batch"})
        self.assertEqual([line.strip() for line in said(config, 4)], [str(last), "300", "idle", "SCHED_BATCH"])

    def test_what_the_kernel_refuses_is_the_cause(self):
        count = os.sysconf("SC_NPROCESSORS_CONF")
        with Supervisor(once("true", cpu_affinity=[1023])) as s:
            s.wait_for("web", "failed")
            there = "is 0 alone" if count == 1 else f"are 0 to {count - 1}"
            self.assertIn(f"sched_setaffinity to CPU 1023 (there {there}): Invalid argument", s.status("web")["cause"])

    def test_no_new_privileges(self):
        script = "grep NoNewPrivs /proc/self/status | cut -f 2 > $D/said"
        self.assertEqual(said(once(script, no_new_privileges=True), 1), ["1"])
        self.assertEqual(said(once(script), 1), ["0"])


@needs_root
class Rights(unittest.TestCase):
    def test_a_user_with_one_capability_has_it_and_no_other(self):
        script = "grep -E 'Cap(Prm|Eff|Bnd|Amb)' /proc/self/status | cut -f 2 | sort -u > $D/said; id -un > $D/said"
        config = once(script, user="nobody", capabilities=["CAP_NET_BIND_SERVICE"])
        mask, user = said(config, 2, dir_mode=0o755)
        self.assertEqual((int(mask, 16), user), (1 << 10, "nobody"))

    @needs("setpriv")
    def test_a_capability_that_the_supervisor_does_not_hold_is_refused_by_name(self):
        lacking = ["setpriv", "--bounding-set", "-net_admin"]
        with Supervisor(once("true", capabilities=["CAP_NET_ADMIN", "CAP_KILL"]), prefix=lacking) as s:
            s.wait_for("web", "failed")
            self.assertIn("capabilities: NET_ADMIN: the supervisor does not hold it", s.status("web")["cause"])

    @needs("setpriv")
    def test_an_ordinary_user_can_do_without_any(self):
        ordinary = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"]
        script = "grep -E 'Cap(Prm|Eff|Amb)' /proc/self/status | cut -f 2 | sort -u > $D/said"
        config = once(script, capabilities=[], no_new_privileges=True)
        self.assertEqual(int(said(config, 1, prefix=ordinary, dir_mode=0o777)[0], 16), 0)
        with Supervisor(once("true", capabilities=[]), prefix=ordinary, dir_mode=0o777) as s:
            s.wait_for("web", "failed")
            self.assertIn("run it as root, or set no_new_privileges: true", s.status("web")["cause"])

    def test_input_that_the_user_links_to_is_not_opened_for_it(self):
        script = "cat > $D/got; echo end > $D/said"
        web = {"type": "oneshot", "user": "nobody", "command": shell(script), "stdin": "${D}/input", "restart": "never"}
        with Supervisor({"services": {"web": web}}, fifos=["said"], dir_mode=0o777, start=False) as s:
            os.symlink("/etc/shadow", s.dir + "/input")
            os.chown(s.dir + "/input", 65534, 65534, follow_symlinks=False)
            s.start()
            s.wait_for("web", "failed")
            self.assertIn("input: Too many levels of symbolic links", s.status("web")["cause"])
        with Supervisor({"services": {"web": web}}, fifos=["said"], dir_mode=0o777, start=False) as s:
            os.symlink("/etc/hostname", s.dir + "/input")
            s.start()
            self.assertEqual(s.fifo("said").read_line(), "end")

    def test_another_root(self):
        with tempfile.TemporaryDirectory() as root:
            os.chmod(root, 0o755)
            os.makedirs(root + "/srv/work")
            web = {"command": ["/bin/sh"], "chroot": root, "restart": "never", "working_dir": "/srv/work"}
            with Supervisor({"services": {"web": web}}) as s:
                s.wait_for("web", "failed")
                self.assertIn("exec /bin/sh: No such file or directory", s.status("web")["cause"])
            with Supervisor({"services": {"web": {**web, "working_dir": "/srv/none"}}}) as s:
                s.wait_for("web", "failed")
                self.assertIn("chdir /srv/none", s.status("web")["cause"])


@needs_root
class Directories(unittest.TestCase):
    PLACES = ("/run", "/var/lib", "/var/log")

    def tearDown(self):
        for place in self.PLACES:
            with contextlib.suppress(FileNotFoundError):
                shutil.rmtree(f"{place}/{NAME}")

    def owner_and_mode(self, path):
        status = os.stat(path)
        return pwd.getpwuid(status.st_uid).pw_name, stat.S_IMODE(status.st_mode)

    def test_they_are_there_before_the_first_command(self):
        script = "touch $RUNTIME_DIRECTORY/x && echo $RUNTIME_DIRECTORY $STATE_DIRECTORY $LOGS_DIRECTORY > $D/said"
        folders = {"runtime": [NAME], "state": [NAME, NAME + "/cache"], "log": [NAME], "mode": "0750"}
        web = {"command": FOREVER, "user": "nobody", "directories": folders, "pre_start": shell(script)}
        with Supervisor({"services": {"web": web}}, fifos=["said"], dir_mode=0o755) as s:
            s.wait_for("web", "running")
            runtime, state, log = (f"{place}/{NAME}" for place in self.PLACES)
            self.assertEqual(s.fifo("said").read_line(), f"{runtime} {state}:{state}/cache {log}")
            for path in (runtime, state, state + "/cache", log):
                self.assertEqual(self.owner_and_mode(path), ("nobody", 0o750), path)

    def test_one_that_cannot_be_made_is_a_failed_start(self):
        with open(f"/run/{NAME}", "w", encoding="ascii"):
            pass
        try:
            with Supervisor({"services": {"web": {"command": FOREVER, "restart": "never", "directories": {"runtime": [NAME]}}}}) as s:
                s.wait_for("web", "failed")
                self.assertIn(f"cannot make the folder /run/{NAME}: Not a directory", s.status("web")["cause"])
        finally:
            os.unlink(f"/run/{NAME}")

    @needs("setpriv")
    def test_another_users_are_in_its_own_places(self):
        with tempfile.TemporaryDirectory() as home:
            os.chown(home, 65534, 65534)
            env = {"XDG_RUNTIME_DIR": home + "/run", "XDG_STATE_HOME": home + "/state"}
            script = "echo $RUNTIME_DIRECTORY $STATE_DIRECTORY $LOGS_DIRECTORY > $D/said; ls -d $RUNTIME_DIRECTORY > $D/said"
            config = once(script, directories={"runtime": ["app"], "state": ["app"], "log": ["app"]})
            s = Supervisor(config, fifos=["said"], env=env, start=False, dir_mode=0o777,
                           prefix=["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"])
            with s:
                s.start()
                self.assertEqual(s.fifo("said").read_line(), f"{home}/run/app {home}/state/app {home}/state/log/app")
                self.assertEqual(s.fifo("said").read_line(), f"{home}/run/app")


if __name__ == "__main__":
    unittest.main()
