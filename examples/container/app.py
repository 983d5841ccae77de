"""Counts visits. The count is kept in Redis, so that it outlives this process."""
import http.server
import os
import socket

CACHE, PORT = os.environ["CACHE"], int(os.environ["PORT"])


def count():
    with socket.socket(socket.AF_UNIX) as cache:
        cache.settimeout(2)
        cache.connect(CACHE)
        cache.sendall(b"INCR visits\r\n")
        return int(cache.recv(100).strip().lstrip(b":"))


class Visit(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        try:
            status, text = 200, f"visit {count()}\n"
        except (OSError, ValueError) as error:
            status, text = 503, f"no cache: {error}\n"
        self.send_response(status)
        self.end_headers()
        self.wfile.write(text.encode())


print(f"serving on port {PORT}")
http.server.ThreadingHTTPServer(("", PORT), Visit).serve_forever()
