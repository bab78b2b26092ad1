"""A web server on this machine that gives files by ranges, also as a bucket of an object store, and can be told to
misbehave. It runs in a thread for whoever counts and commands; `python rasterserver.py folder` in a process of its own,
for clients that hold Python's lock while they wait."""

import contextlib
import functools
import hashlib
import http.server
import pathlib
import sys
import threading
from dataclasses import dataclass, field


@dataclass
class How:
    """What the server does; change it while it runs."""

    files: dict = field(default_factory=dict)
    """Path -> bytes."""
    ranges: bool = True
    status: int = 0
    """Answered instead of anything else."""
    tags: bool = True
    """Gives ETags."""
    dies_after: int = 10**9
    """Requests that are answered; then connections break."""
    silent: threading.Event = field(default_factory=threading.Event)
    """While set, bodies do not come."""
    awake: threading.Event = field(default_factory=threading.Event)
    seen: list = field(default_factory=list)
    """(method, path, range) of all requests."""
    sent: int = 0
    """Bytes of bodies."""


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def do_HEAD(self):
        self._answer(body=False)

    def do_GET(self):
        self._answer(body=True)

    def _answer(self, body):
        how, path = self.server.how, self.path.partition("?")[0]
        how.seen.append((self.command, self.path, self.headers.get("Range", "")))
        if len(how.seen) > how.dies_after:
            self.close_connection = True
            return None
        content = self.server.content(path)
        if how.status or content is None:
            return self._empty(how.status or 404)
        first, last, status = 0, len(content) - 1, 200
        asked = self.headers.get("Range", "")
        if how.ranges and asked.startswith("bytes="):
            start, _, stop = asked[6:].partition("-")
            first, last, status = int(start), min(int(stop) if stop else last, last), 206
            if first > last:
                return self._empty(416)
        return self._give(how, content, first, last, status, body)

    def _give(self, how, content, first, last, status, body):
        self.send_response(status)
        if how.tags:
            self.send_header("ETag", _tag(content))
        if status == 206:
            self.send_header("Content-Range", f"bytes {first}-{last}/{len(content)}")
        self.send_header("Content-Length", str(last - first + 1))
        self.end_headers()
        if body:
            if how.silent.is_set():
                how.awake.wait(60)
            with contextlib.suppress(OSError):
                self.wfile.write(content[first : last + 1])
                how.sent += last - first + 1

    def _empty(self, status):
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()


@functools.lru_cache(maxsize=8)
def _tag(content):
    return f'"{hashlib.md5(content).hexdigest()}"'


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, folder=None):
        super().__init__(("127.0.0.1", 0), Handler)
        self.how, self.folder = How(), folder
        self.url = f"http://127.0.0.1:{self.server_address[1]}"

    def content(self, path):
        if self.folder is None:
            return self.how.files.get(path)
        file = pathlib.Path(self.folder, path.lstrip("/"))
        return file.read_bytes() if file.is_file() else None


@contextlib.contextmanager
def serving():
    server = Server()
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    try:
        yield server
    finally:
        server.how.awake.set()
        server.shutdown()
        server.server_close()


if __name__ == "__main__":
    standing = Server(sys.argv[1])
    sys.stdout.write(f"{standing.url}\n")
    sys.stdout.flush()
    standing.serve_forever()
