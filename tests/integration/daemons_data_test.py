"""Debian's data stores under their examples, from start to stop."""
import os
import shutil
import subprocess
import tempfile
import unittest

from daemon_life import ROOT, DaemonLife, talk
from harness import PATIENCE, needs, needs_root

POSTGRES = "/usr/lib/postgresql/15/bin/"


@needs("redis-server")
class Redis(DaemonLife, unittest.TestCase):
    example, user, reloads = "redis-server", "redis", False
    first = b"+PONG\r\n"

    def prepare(self):
        name, self.run_dir = self.runtime_folder()
        return {"REDIS_USER": self.whom, "REDIS_PORT": str(self.port), "REDIS_RUNTIME": name,
                "REDIS_PID_FILE": self.run_dir + "/redis.pid", "REDIS_CONF": self.write("redis.conf", f"""
            bind 127.0.0.1
            port {self.port}
            daemonize yes
            pidfile {self.run_dir}/redis.pid
            save ""
            dir {self.folder('data')}
            """)}

    def ask(self):
        return talk(self.port, b"PING\r\n")

    def gone(self):
        return [self.run_dir + "/redis.pid"]


@needs("redis-server")
class RedisForking(Redis, unittest.TestCase):
    example, service = "redis-server-forking", "redis-server"


@needs_root     # to take capabilities away
@needs("memcached")
class Memcached(DaemonLife, unittest.TestCase):
    example, user, reloads = "memcached", "memcache", False
    first = b"STORED\r\nVALUE key 0 5\r\nvalue\r\nEND\r\n"

    def prepare(self):
        return {"MEMCACHED_USER": self.whom, "MEMCACHED_PORT": str(self.port)}

    def ask(self):
        return talk(self.port, b"set key 0 0 5\r\nvalue\r\nget key\r\n", len(self.first))


@unittest.skipUnless(os.path.exists(POSTGRES + "postgres"), "not installed: postgresql-15")
class Postgresql(DaemonLife, unittest.TestCase):
    example, user = "postgresql", "postgres"
    first, second = "4MB\n", "5MB\n"

    def prepare(self):
        name, self.run_dir = self.runtime_folder()
        # In memory: it syncs every file of a cluster that it makes or recovers.
        self.db = tempfile.mkdtemp(prefix="reeve-test-", dir="/dev/shm" if os.path.isdir("/dev/shm") else None)
        self.addCleanup(shutil.rmtree, self.db)
        if ROOT:
            shutil.chown(self.db, self.user)
        return {"POSTGRESQL_USER": self.whom, "POSTGRESQL_DIR": self.db + "/data",
                "POSTGRESQL_PORT": str(self.port), "POSTGRESQL_RUNTIME": name, "POSTGRESQL_SOCKET_DIR": self.run_dir}

    def ask(self):
        done = subprocess.run([POSTGRES + "psql", "-XAtq", "-h", self.run_dir, "-p", str(self.port), "-U", self.whom,
                               "-c", "show work_mem", "postgres"], capture_output=True, text=True, timeout=PATIENCE,
                              user=self.whom if ROOT else None)
        if done.returncode:
            raise OSError(done.stderr)
        return done.stdout

    def change(self):
        with open(self.db + "/data/postgresql.conf", "a", encoding="utf-8") as f:
            f.write("work_mem = '5MB'\n")

    def gone(self):
        return [self.db + "/data/postmaster.pid", f"{self.run_dir}/.s.PGSQL.{self.port}"]


if __name__ == "__main__":
    unittest.main()
