"""A client for the control socket of reeve, version 1 of the protocol, written from docs/protocol.md alone.

    with Reeve() as reeve:
        print(reeve.call("status", names=["web"])["services"][0]["state"])
        reeve.call("restart", names=["web"], timeout=30)
        for event in reeve.events(history=10):
            print(event["seq"], event["event"])

One request at a time. An outcome is returned as it is: look at `ok` of each of its `results`.
"""
import contextlib
import json
import os
import socket
import struct

PROTOCOL = 1


class ReeveError(Exception):
    """The supervisor answered with an error, which is the argument."""


def find(path=None):
    """The sockets to try in order, and whether somebody named them."""
    runtime, xdg, uid = os.environ.get("REEVE_RUNTIME_DIR"), os.environ.get("XDG_RUNTIME_DIR", ""), os.geteuid()
    if named := path or os.environ.get("REEVE_SOCKET") or (runtime and f"{runtime}/control.sock"):
        return [named], True
    own = f"{xdg}/reeve" if xdg.startswith("/") else f"/tmp/reeve-{uid}"
    return ([f"{own}/control.sock"] if uid else []) + ["/run/reeve/control.sock"], False


def connect(path):
    paths, named = find(path)
    for place in paths:
        connection = socket.socket(socket.AF_UNIX)
        try:
            connection.connect(place)
            _pid, uid, _gid = struct.unpack("iII", connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
            if not named and uid not in (0, os.geteuid()):
                raise PermissionError(f"the listener at {place} is neither you nor root")
            return connection
        except OSError as error:
            connection.close()
            if place == paths[-1] or isinstance(error, PermissionError):
                raise


class Reeve(contextlib.ExitStack):
    """A connection, which is closed at the end of its `with`."""

    def __init__(self, path=None):
        super().__init__()
        self.socket = self.enter_context(connect(path))
        self.lines, self.last_id, self.unread = self.enter_context(self.socket.makefile("rb")), 0, []
        self.supervisor = self.call("hello", client="document_client.py", protocol=PROTOCOL)
        if self.supervisor["protocol"] != PROTOCOL:
            raise RuntimeError(f"the supervisor speaks version {self.supervisor['protocol']} of the protocol")

    def receive(self):
        """The next message; events are kept for events()."""
        line = self.lines.readline()
        if not line.endswith(b"\n"):
            raise ConnectionError("the supervisor closed the connection")
        message = json.loads(line)
        if message.get("method") == "event":
            self.unread.append(message["params"])
        return message

    def call(self, method, **params):
        """The result of a request. An error is raised."""
        self.last_id += 1
        request = {"jsonrpc": "2.0", "id": self.last_id, "method": method, "params": params}
        with contextlib.suppress(ConnectionError):  # of one that has hung up the reason can still be read
            self.socket.sendall(json.dumps(request).encode() + b"\n")
        while True:
            reply = self.receive()
            if "method" not in reply and reply["id"] in (self.last_id, None):
                if "error" in reply:
                    raise ReeveError(reply["error"])
                return reply["result"]

    def events(self, history=0):
        """Subscribes at the first next(), and yields events until the supervisor has gone."""
        self.call("subscribe", history=history)
        with contextlib.suppress(ConnectionError):
            while True:
                while not self.unread:
                    self.receive()
                yield self.unread.pop(0)
