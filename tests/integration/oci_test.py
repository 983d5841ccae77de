"""reeved as process 1 of a real container, made by crun: another user, a read-only root and nothing writable."""
import json
import os
import shutil
import signal
import subprocess
import tempfile
import unittest

from harness import PATIENCE, REEVED, Deadline, needs, needs_root

# crun wants a system whose control groups are version 2 alone; here it sees one.
CRUN = ["unshare", "--mount", "--propagation", "private", "sh", "-ec",
        'mount -t cgroup2 none /sys/fs/cgroup; exec crun --root "$0" --cgroup-manager=disabled "$@"']


@needs_root
@needs("crun", "unshare")
class Container(unittest.TestCase):
    def setUp(self):
        self.dir = tempfile.mkdtemp(prefix="reeve-test-")
        self.addCleanup(shutil.rmtree, self.dir)
        os.chmod(self.dir, 0o755)
        self.crun = [*CRUN, self.dir + "/state"]
        self.root = self.dir + "/root"
        for name in ("usr", "proc", "dev"):
            os.makedirs(f"{self.root}/{name}")
        for name in ("bin", "sbin", "lib", "lib64"):
            if os.path.islink("/" + name):
                os.symlink(os.readlink("/" + name), f"{self.root}/{name}")
        open(self.root + "/reeved", "w").close()
        trial = self.start("/usr/bin/true")
        said, _ = trial.communicate(timeout=PATIENCE)
        if trial.returncode != 0:
            self.skipTest(f"crun cannot run a container here: {said.strip()}")

    def start(self, *args):
        def mount(kind, source, destination, *options):
            return {"type": kind, "source": source, "destination": destination, "options": list(options)}
        document = {
            "ociVersion": "1.0.2",
            "process": {"args": args, "cwd": "/", "user": {"uid": 65534, "gid": 65534}, "noNewPrivileges": True,
                        "env": ["PATH=/usr/bin:/bin"]},
            "root": {"path": "root", "readonly": True},
            "mounts": [mount("proc", "proc", "/proc"), mount("tmpfs", "tmpfs", "/dev", "ro"),
                       mount("bind", "/usr", "/usr", "rbind", "ro"), mount("bind", REEVED, "/reeved", "bind", "ro")],
            "linux": {"namespaces": [{"type": kind} for kind in ("pid", "mount", "ipc", "uts")]}}
        with open(self.dir + "/config.json", "w", encoding="utf-8") as f:
            json.dump(document, f)
        self.name = "reeve-test-" + os.path.basename(self.dir)
        process = subprocess.Popen([*self.crun, "run", "--bundle", self.dir, self.name], stdin=subprocess.DEVNULL,
                                   stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.wait, PATIENCE)
        self.addCleanup(subprocess.run, [*self.crun, "delete", "--force", self.name], capture_output=True)
        return process

    def kill(self, sig):
        subprocess.run([*self.crun, "kill", self.name, sig], check=True, timeout=PATIENCE)

    def read_until(self, process, text):
        deadline = Deadline()
        seen = ""
        while text not in seen:
            line = process.stdout.readline()
            if not line or not deadline.left():
                self.fail(f"{text!r} did not come: {seen}")
            seen += line
        return seen

    def supervise(self, services):
        with open(self.root + "/reeve.yaml", "w", encoding="utf-8") as f:
            json.dump({"services": services}, f)
        return self.start("/reeved", "-c", "/reeve.yaml")

    def test_init_for_one_command(self):
        process = self.start("/reeved", "-g", "--rewrite", "QUIT:TERM", "--", "sh", "-c",
                             "echo $PPID; id -u; touch /it 2>&- || echo read-only; exec sleep 1000000")
        self.assertEqual([process.stdout.readline() for _ in range(3)], ["1\n", "65534\n", "read-only\n"])
        self.kill("QUIT")
        self.assertEqual(process.wait(PATIENCE), 128 + signal.SIGTERM)

    def test_init_for_one_command_that_is_not_there(self):
        process = self.start("/reeved", "--", "/no/such")
        said, _ = process.communicate(timeout=PATIENCE)
        self.assertEqual((process.returncode, said), (127, "reeved: cannot execute /no/such: No such file or directory\n"))

    def test_the_supervisor_stops_on_TERM_and_logs_to_the_console(self):
        process = self.supervise({"web": {"command": ["sh", "-c", "echo up; exec sleep 1000000"]}})
        self.read_until(process, "web | up\n")
        self.kill("TERM")
        said, _ = process.communicate(timeout=PATIENCE)
        self.assertEqual(process.returncode, 0, said)
        self.assertIn("web: stopped", said)

    def test_the_container_ends_as_its_service_does(self):
        other = {"command": ["sleep", "1000000"]}
        for script, status in (("exit 42", 42), ("kill -KILL $$$$", 128 + signal.SIGKILL)):
            web = {"command": ["sh", "-c", script], "restart": "never", "on_exit": "shutdown"}
            process = self.supervise({"web": web, "other": other})
            said, _ = process.communicate(timeout=PATIENCE)
            self.assertEqual(process.returncode, status, said)


if __name__ == "__main__":
    unittest.main()
