"""Debian's web and application servers under their examples, from start to stop."""
import os
import signal
import socket
import struct
import unittest

from daemon_life import ROOT, DaemonLife, http_get
from harness import PATIENCE, alive, needs


@needs("nginx")
class Nginx(DaemonLife, unittest.TestCase):
    example, renews = "nginx", True

    def prepare(self):
        self.folder("tmp")
        return {"NGINX_PORT": str(self.port), "NGINX_CONF": self.configure(self.first)}

    def configure(self, answer):
        temporary = "".join(f"{kind}_temp_path {self.path('tmp')}/{kind}; "
                            for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        return self.write("nginx.conf", f"""
            pid {self.path('nginx.pid')};
            worker_processes 2;
            events {{ worker_connections 64; }}
            http {{
                access_log off;
                {temporary}
                server {{
                    listen 127.0.0.1:{self.port};
                    location / {{ return 200 "{answer.strip()}\\n"; }}
                }}
            }}""")

    def ask(self):
        return http_get(self.port)

    def change(self):
        self.configure(self.second)

    def spoil(self):
        self.write("nginx.conf", "no such directive;")
        return "nginx.conf"

    def gone(self):
        return [self.path("nginx.pid")]


@needs("nginx")
class NginxForking(Nginx, unittest.TestCase):
    example, service = "nginx-forking", "nginx"

    def prepare(self):
        return {**super().prepare(), "NGINX_PID_FILE": self.path("nginx.pid")}

    def configure(self, answer):
        path = super().configure(answer)
        with open(path, "a", encoding="utf-8") as f:
            f.write("error_log stderr;\n")
        return path


@needs("apache2")
class Apache(DaemonLife, unittest.TestCase):
    example, renews = "apache2", True

    def prepare(self):
        name, self.run_dir = self.runtime_folder()
        return {"APACHE_PORT": str(self.port), "APACHE_RUNTIME": name, "APACHE_RUN_DIR": self.run_dir,
                "APACHE_CONF": self.configure(self.first)}

    def configure(self, answer):
        self.write("www/index.html", self.first)
        self.write("www2/index.html", self.second)
        folder = self.path("www" if answer == self.first else "www2")
        modules = "".join(f"LoadModule {name}_module /usr/lib/apache2/modules/mod_{name}.so\n"
                          for name in ("mpm_event", "authz_core", "dir"))
        user = "User ${APACHE_RUN_USER}\nGroup ${APACHE_RUN_GROUP}\n" if ROOT else ""
        return self.write("apache2.conf", f"""{modules}{user}
            ServerName localhost
            DefaultRuntimeDir ${{APACHE_RUN_DIR}}
            PidFile ${{APACHE_PID_FILE}}
            ErrorLog /dev/stderr
            Listen 127.0.0.1:{self.port}
            DocumentRoot {folder}
            <Directory {folder}>
                Require all granted
            </Directory>
            """)

    def ask(self):
        return http_get(self.port)

    def change(self):
        self.configure(self.second)

    def spoil(self):
        with open(self.path("apache2.conf"), "a", encoding="utf-8") as f:
            f.write("NoSuchDirective\n")
        return "NoSuchDirective"

    def gone(self):
        return [self.run_dir + "/apache2.pid"]


@needs("lighttpd")
class Lighttpd(DaemonLife, unittest.TestCase):
    example = "lighttpd"

    def prepare(self):
        self.write("www/index.html", self.first)
        self.write("www2/index.html", self.second)
        return {"LIGHTTPD_PORT": str(self.port), "LIGHTTPD_CONF": self.configure("www")}

    def configure(self, folder):
        return self.write("lighttpd.conf", f"""
            server.document-root = "{self.path(folder)}"
            server.bind = "127.0.0.1"
            server.port = {self.port}
            server.pid-file = "{self.path('lighttpd.pid')}"
            index-file.names = ( "index.html" )
            """)

    def ask(self):
        return http_get(self.port)

    def change(self):
        self.configure("www2")

    def spoil(self):
        self.write("lighttpd.conf", "server.port = (\n")
        return "lighttpd.conf"

    def gone(self):
        return [self.path("lighttpd.pid")]

    def test_one_that_hangs_is_found_and_restarted(self):
        self.s.env.update(LIGHTTPD_HEALTH_INTERVAL="50ms", LIGHTTPD_HEALTH_TIMEOUT="200ms")
        self.start()
        old = self.s.pid("lighttpd")
        os.kill(old, signal.SIGSTOP)
        self.s.wait_for_change("lighttpd", "running")
        self.assertFalse(alive(old))
        self.assertEqual(self.ask(), self.first)


@needs("haproxy")
class Haproxy(DaemonLife, unittest.TestCase):
    example, renews = "haproxy", True

    def prepare(self):
        return {"HAPROXY_RUNTIME": self.runtime_folder()[0], "HAPROXY_CONF": self.configure(self.first)}

    def configure(self, answer):
        return self.write("haproxy.cfg", f"""
            defaults
                mode http
                timeout client 5s
                timeout server 5s
                timeout connect 5s
            frontend web
                bind 127.0.0.1:{self.port}
                http-request return status 200 content-type text/plain string "{answer.strip()}\\n"
            """.replace("\n            ", "\n"))

    def ask(self):
        return http_get(self.port)

    def change(self):
        self.configure(self.second)

    def spoil(self):
        self.write("haproxy.cfg", "nonsense\n")
        return "haproxy.cfg"


@needs("gunicorn")
class Gunicorn(DaemonLife, unittest.TestCase):
    example, renews = "gunicorn", True

    def prepare(self):
        return {"GUNICORN_PORT": str(self.port), "GUNICORN_APP": os.path.dirname(self.program(self.first))}

    def program(self, answer):
        return self.write("app/app.py", f"import flask\napp = flask.Flask('app')\n"
                                        f"app.get('/')(lambda: {answer!r})\n")

    def ask(self):
        return http_get(self.port)

    def change(self):
        self.program(self.second)


def record(kind, content=b""):
    return struct.pack("!BBHHBx", 1, kind, 1, len(content), 0) + content


@needs("php-fpm8.2")
class PhpFpm(DaemonLife, unittest.TestCase):
    example, renews = "php-fpm", True

    def prepare(self):
        self.write("www/index.php", "<?php echo getenv('ANSWER'), \"\\n\";")
        name, self.run_dir = self.runtime_folder()
        return {"PHP_FPM_RUNTIME": name, "PHP_FPM_SOCKET": self.run_dir + "/php.sock",
                "PHP_FPM_PID_FILE": self.run_dir + "/php.pid", "PHP_FPM_CONF": self.configure(self.first)}

    def configure(self, answer):
        user = "user = www-data\ngroup = www-data\n" if ROOT else ""
        return self.write("php-fpm.conf", f"""
[global]
error_log = /dev/stderr
pid = {self.run_dir}/php.pid
[www]
{user}listen = {self.run_dir}/php.sock
pm = static
pm.max_children = 2
env[ANSWER] = {answer.strip()}
""")

    def ask(self):
        """One request as FastCGI has them: begin, parameters, no input; the answer's body."""
        parameters = b""
        for name, value in (("SCRIPT_FILENAME", self.path("www/index.php")), ("REQUEST_METHOD", "GET")):
            parameters += bytes([len(name), len(value)]) + name.encode() + value.encode()
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(PATIENCE)
            connection.connect(self.run_dir + "/php.sock")
            connection.sendall(record(1, struct.pack("!HB5x", 1, 0)) + record(4, parameters) + record(4) + record(5))
            answer, said = connection.makefile("rb"), b""
            while head := answer.read(8):
                _, kind, _, length, padding = struct.unpack("!BBHHBx", head)
                content = answer.read(length + padding)[:length]
                said += content if kind == 6 else b""
        if b"\r\n\r\n" not in said:
            raise OSError(f"no answer: {said}")
        return said.partition(b"\r\n\r\n")[2].decode()

    def change(self):
        self.configure(self.second)

    def spoil(self):
        self.write("php-fpm.conf", "[global\n")
        return "php-fpm.conf"

    def gone(self):
        return [self.run_dir + "/php.pid", self.run_dir + "/php.sock"]


@needs("php-fpm8.2")
class PhpFpmForking(PhpFpm, unittest.TestCase):
    example, service, follows = "php-fpm-forking", "php-fpm", True


if __name__ == "__main__":
    unittest.main()
