"""A client of the control socket that says and hears what tests need, be it sensible or not."""
import json
import select
import socket

from waiting import PATIENCE, Deadline


class Client:
    """One connection to the control socket, as docs/protocol.md describes it."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(path)       # waits where the backlog is full, which needs no timeout set
        self.socket.settimeout(PATIENCE)
        self.rest = b""
        self.ids = 0

    def send_bytes(self, data):
        self.socket.sendall(data)

    def send(self, method, **params):
        self.ids += 1
        request = {"jsonrpc": "2.0", "id": self.ids, "method": method, "params": params}
        self.send_bytes(json.dumps(request).encode() + b"\n")
        return self.ids

    def read(self, deadline=None):
        """The next message; None when the supervisor has hung up."""
        deadline = deadline or Deadline()
        while b"\n" not in self.rest:
            if not select.select([self.socket], [], [], deadline.left())[0]:
                raise TimeoutError("no message came")
            try:
                data = self.socket.recv(1 << 16)
            except ConnectionResetError:
                data = b""
            if not data:
                return None
            self.rest += data
        line, self.rest = self.rest.split(b"\n", 1)
        return json.loads(line)

    def result(self, method, **params):
        """The result of a request that must not fail."""
        answer = self.call(method, **params)
        if "error" in answer:
            raise AssertionError(f"{method} {params}: {answer['error']}")
        return answer["result"]

    def call(self, method, **params):
        """The reply to a request; notifications before it are passed over."""
        wanted = self.send(method, **params)
        while True:
            message = self.read()
            if message is None:
                raise ConnectionError("the supervisor has hung up")
            if message.get("id") == wanted:
                return message

    def close(self):
        self.socket.close()
