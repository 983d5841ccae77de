#!/usr/bin/env python3
"""Runs examples/quickstart.yaml and shows its status until Ctrl-C: demo.py FOLDER_OF_THE_BUILD"""
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile

EXAMPLES = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def free_port(wanted):
    """The wanted port, or any that is free when somebody has it."""
    for port in (wanted, 0):
        with socket.socket() as s:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                s.bind(("127.0.0.1", port))
                return s.getsockname()[1]
            except OSError:
                pass
    sys.exit("demo: no port is free on 127.0.0.1")


def introduction(ctl, port):
    return f"""
reeve supervises examples/quickstart.yaml. In another terminal, try:

  curl http://127.0.0.1:{port}/             the web server answers
  {ctl} status worker     why it is where it is
  {ctl} logs -f worker    what it says
  {ctl} restart web       a new process, ready when its port answers
  {ctl} stop prepare web  everything in order
  kill -9 $({ctl} --json status web | python3 -c 'import json,sys; print(json.load(sys.stdin)["services"][0]["pid"])')

Ctrl-C stops everything in reverse order.
"""


class Screen:
    """Shows a text, in place of the one before where there is a terminal."""

    def __init__(self):
        self.lines, self.last, self.terminal = 0, None, sys.stdout.isatty()

    def show(self, text):
        if text == self.last:
            return
        if self.terminal and self.lines:
            sys.stdout.write(f"\x1b[{self.lines}A\x1b[J")
        sys.stdout.write(text if self.terminal else text + "\n")
        sys.stdout.flush()
        self.last, self.lines = text, text.count("\n")


def main():
    build = os.path.abspath(sys.argv[1])
    folder = tempfile.mkdtemp(prefix="reeve-quickstart-")
    port = free_port(8080)
    env = {**os.environ, "QUICKSTART_DIR": folder, "QUICKSTART_PORT": str(port)}
    socket_path = os.path.join(folder, "run", "control.sock")
    log_path = os.path.join(folder, "reeved.log")
    reeved = subprocess.Popen(
        [os.path.join(build, "supervisor", "reeved"), "-c", os.path.join(EXAMPLES, "quickstart.yaml"),
         "--runtime-dir", os.path.join(folder, "run"), "--log-dir", os.path.join(folder, "log"),
         "--state-dir", os.path.join(folder, "state"), "--log-file", log_path],
        env=env, start_new_session=True)
    ctl = os.path.join(build, "ctl", "reevectl")
    print(introduction(f"{ctl} -s {socket_path}", port))
    asked = []
    for s in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(s, lambda *_: (asked.append(1), reeved.terminate()))
    color = [] if sys.stdout.isatty() else ["--no-color"]
    screen = Screen()
    seen = os.path.getsize(log_path) if os.path.exists(log_path) else 0
    while reeved.poll() is None and not asked:
        status = subprocess.run([ctl, *color, "-s", socket_path, "status"], capture_output=True, text=True,
                                env={**os.environ, "COLUMNS": str(shutil.get_terminal_size().columns)})
        if status.returncode == 0:
            screen.show(status.stdout)
        if os.path.exists(log_path):
            seen = os.path.getsize(log_path)
        try:
            reeved.wait(1.0)
        except subprocess.TimeoutExpired:
            pass
    code = reeved.wait()
    with open(log_path, encoding="utf-8") as log:
        log.seek(seen if asked else 0)
        print("\n" + log.read(), end="")
    shutil.rmtree(folder, ignore_errors=True)
    return code


if __name__ == "__main__":
    sys.exit(main())
