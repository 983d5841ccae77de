"""Debian's network daemons under their examples, from start to stop."""
import contextlib
import ftplib
import getpass
import os
import signal
import smtplib
import socket
import ssl
import struct
import subprocess
import threading
import unittest

from daemon_life import ROOT, DaemonLife, talk
from harness import PATIENCE, alive, needs, needs_root


@needs("dnsmasq")
class Dnsmasq(DaemonLife, unittest.TestCase):
    example = "dnsmasq"
    first, second = "10.0.0.1", "10.0.0.2"

    def prepare(self):
        self.change(self.first)
        user = "user=root\n" if ROOT else ""
        return {"DNSMASQ_PORT": str(self.port), "DNSMASQ_PID_FILE": self.path("dnsmasq.pid"), "DNSMASQ_CONF": self.write("dnsmasq.conf", f"""{user}
port={self.port}
listen-address=127.0.0.1
bind-interfaces
no-resolv
no-hosts
addn-hosts={self.path('hosts')}
""")}

    def ask(self):
        """One query over UDP: the address of its only answer."""
        query = struct.pack("!6H", 7, 0x100, 1, 0, 0, 0) + b"\x04name\x04test\x00" + struct.pack("!2H", 1, 1)
        with socket.socket(type=socket.SOCK_DGRAM) as s:
            s.settimeout(PATIENCE)
            s.connect(("127.0.0.1", self.port))
            s.send(query)
            return socket.inet_ntoa(s.recv(512)[-4:])

    def change(self, answer=second):
        self.write("hosts", f"{answer} name.test\n")

    def spoil(self):
        self.write("dnsmasq.conf", "no-such-option\n")
        return "dnsmasq.conf"

    def gone(self):
        return [self.path("dnsmasq.pid")]


@needs("dnsmasq")
class DnsmasqForking(Dnsmasq, unittest.TestCase):
    example, service = "dnsmasq-forking", "dnsmasq"


@needs("mosquitto")
class Mosquitto(DaemonLife, unittest.TestCase):
    example, user = "mosquitto", "mosquitto"
    # CONNACK: accepted; refused for want of the right to.
    first, second = b"\x20\x02\x00\x00", b"\x20\x02\x00\x05"

    def prepare(self):
        name, self.run_dir = self.runtime_folder()
        return {"MOSQUITTO_USER": self.whom, "MOSQUITTO_RUNTIME": name, "MOSQUITTO_CONF": self.configure("true")}

    def configure(self, anonymous):
        return self.write("mosquitto.conf", f"listener {self.port} 127.0.0.1\nallow_anonymous {anonymous}\n"
                                            f"pid_file {self.run_dir}/mosquitto.pid\n")

    def ask(self):
        return talk(self.port, b"\x10\x10\x00\x04MQTT\x04\x02\x00\x0a\x00\x04test", 4)

    def change(self):
        self.configure("false")

    def gone(self):
        return [self.run_dir + "/mosquitto.pid"]


@needs_root
@needs("sshd", "ssh", "ssh-keygen")
class Sshd(DaemonLife, unittest.TestCase):
    example, leaves = "sshd", True

    def prepare(self):
        for name in ("host", "mine"):
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", self.path(name)], check=True)
        return {"SSHD_CONF": self.configure(""), "SSHD_PID_FILE": self.path("sshd.pid")}

    def configure(self, more):
        return self.write("sshd_config", f"""
            Port {self.port}
            ListenAddress 127.0.0.1
            HostKey {self.path('host')}
            PidFile {self.path('sshd.pid')}
            AuthorizedKeysFile {self.path('mine.pub')}
            StrictModes no
            PasswordAuthentication no
            {more}
            """)

    def client(self, command):
        return ["ssh", "-F", "none", "-p", str(self.port), "-i", self.path("mine"), "-o", "BatchMode=yes", "-o",
                "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR",
                f"{getpass.getuser()}@127.0.0.1", command]

    def ask(self):
        done = subprocess.run(self.client("echo first"), capture_output=True, text=True, timeout=PATIENCE)
        if done.returncode:
            raise OSError(done.stderr)
        return done.stdout

    def change(self):
        self.configure("ForceCommand echo second")

    def spoil(self):
        self.configure("NoSuchOption yes")
        return "NoSuchOption"

    def gone(self):
        return [self.path("sshd.pid")]

    def test_a_session_goes_on_without_it_and_with_a_new_one(self):
        self.start()
        session = subprocess.Popen(self.client("echo $$; read line; echo $line"), text=True,
                                   stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        with session:
            inside = int(session.stdout.readline())
            self.s.ctl("stop", "sshd", status=0)
            self.assertTrue(alive(inside))
            self.s.ctl("start", "sshd", status=0)
            self.assertEqual(self.ask(), self.first)
            self.crash_with_sessions()
            self.assertTrue(alive(inside))
            self.assertEqual(session.communicate("still here\n", timeout=PATIENCE)[0], "still here\n")

    def crash_with_sessions(self):
        self.s.settle()
        os.kill(self.s.pid("sshd"), signal.SIGKILL)
        self.s.wait_for_change("sshd", "running")
        self.assertEqual(self.ask(), self.first)


@needs_root
@needs("sshd", "ssh", "ssh-keygen")
class SshdForking(Sshd, unittest.TestCase):
    example, service, follows = "sshd-forking", "sshd", True


class Echo:
    """Answers every connection with one line, until the test is over."""

    def __init__(self, line):
        self.listener, self.line = socket.create_server(("127.0.0.1", 0)), line.encode()
        self.port = self.listener.getsockname()[1]
        self.thread = threading.Thread(target=self.serve)
        self.thread.start()

    def serve(self):
        with contextlib.suppress(OSError):
            while True:
                with self.listener.accept()[0] as connection:
                    connection.sendall(self.line)

    def close(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.thread.join()
        self.listener.close()


@needs("stunnel4", "openssl")
class Stunnel(DaemonLife, unittest.TestCase):
    example = "stunnel"

    def prepare(self):
        self.backends = [Echo(self.first), Echo(self.second)]
        for backend in self.backends:
            self.addCleanup(backend.close)
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                        "-subj", "/CN=localhost", "-keyout", self.path("key.pem"), "-out", self.path("cert.pem")],
                       check=True, capture_output=True)
        return {"STUNNEL_CONF": self.configure(self.backends[0])}

    def configure(self, backend):
        return self.write("stunnel.conf", f"foreground = yes\npid = {self.path('stunnel.pid')}\n[echo]\n"
                                          f"accept = 127.0.0.1:{self.port}\nconnect = 127.0.0.1:{backend.port}\n"
                                          f"cert = {self.path('cert.pem')}\nkey = {self.path('key.pem')}\n")

    def ask(self):
        context = ssl.create_default_context(cafile=self.path("cert.pem"))
        context.check_hostname = False
        with socket.create_connection(("127.0.0.1", self.port), PATIENCE) as plain, context.wrap_socket(plain) as secure:
            return secure.recv(100).decode()

    def change(self):
        self.configure(self.backends[1])

    def gone(self):
        return [self.path("stunnel.pid")]


@needs_root
@needs("vsftpd")
class Vsftpd(DaemonLife, unittest.TestCase):
    example = "vsftpd"
    first, second = "220 first", "220 second"

    def prepare(self):
        return {"VSFTPD_PORT": str(self.port), "VSFTPD_EMPTY_DIR": self.path("empty/dir"), "VSFTPD_CONF": self.configure("first")}

    def configure(self, banner):
        self.write("files/file", "hello\n")
        return self.write("vsftpd.conf", f"listen=YES\nlisten_address=127.0.0.1\nlisten_port={self.port}\n"
                                         f"anonymous_enable=YES\nanon_root={self.path('files')}\nlocal_enable=NO\n"
                                         f"ftpd_banner={banner}\nsecure_chroot_dir={self.path('empty/dir')}\n"
                                         "xferlog_enable=NO\nseccomp_sandbox=NO\n")

    def ask(self):
        """A file is fetched; what the server greeted with."""
        lines = []
        with ftplib.FTP() as ftp:
            greeting = ftp.connect("127.0.0.1", self.port, PATIENCE)
            ftp.login()
            ftp.retrlines("RETR file", lines.append)
        self.assertEqual(lines, ["hello"])
        return greeting

    def change(self):
        self.configure("second")


@needs_root
@needs("exim4")
class Exim(DaemonLife, unittest.TestCase):
    example, user = "exim4", "Debian-exim"
    first, second = "first", "second"

    def prepare(self):
        self.folder("spool")
        return {"EXIM_PORT": str(self.port), "EXIM_CONF": self.configure("first")}

    def configure(self, banner):
        return self.write("exim.conf", f"""
primary_hostname = localhost
daemon_smtp_ports = {self.port}
local_interfaces = 127.0.0.1
spool_directory = {self.path('spool')}
log_file_path = {self.path('spool')}/%slog
pid_file_path = {self.path('spool')}/exim.pid
smtp_banner = {banner}
acl_smtp_rcpt = discard
begin acl
discard:
  discard
""")

    def ask(self):
        """A mail is sent; what the server greeted with."""
        with smtplib.SMTP(timeout=PATIENCE) as client:
            greeting = client.connect("127.0.0.1", self.port)[1].decode()
            client.sendmail("a@localhost", ["b@localhost"], "Subject: hello\n\nhello\n")
        return greeting

    def change(self):
        self.configure("second")

    def spoil(self):
        self.write("exim.conf", "no_such_option = 1\n")
        return "exim.conf"


if __name__ == "__main__":
    unittest.main()
