"""A real HTTP server on this machine that can be told to behave badly, for tests of downloads."""

import contextlib
import hashlib
import http.server
import threading
import time
from dataclasses import dataclass, field


@dataclass
class Behaviour:
    """What the server does; change it while it runs."""

    files: dict = field(default_factory=dict)
    """Path -> bytes."""
    ranges: bool = True
    cut_after: list = field(default_factory=list)
    """Bytes of the body after which the next connections are cut, one each."""
    status: list = field(default_factory=list)
    """Codes to answer the next requests with."""
    headers: dict = field(default_factory=dict)
    """Path -> further headers."""
    redirect: dict = field(default_factory=dict)
    """Path -> address."""
    page: bytes = b""
    """Given instead of any file, with 200 and as HTML."""
    lie: bool = False
    """Says that HTML is a stream of bytes."""
    pace_s: float = 0.0
    """Pause after each 16 kB."""
    etag: bool = True
    modified: str = ""
    length: bool = True
    seen: list = field(default_factory=list)
    """(path, headers) of all requests."""

    def ranges_asked(self):
        return [headers.get("Range", "") for _, headers in self.seen]


def tag(content):
    return '"' + hashlib.md5(content).hexdigest() + '"'


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def do_GET(self):
        how, path = self.server.how, self.path
        how.seen.append((path, dict(self.headers)))
        if how.status:
            return self._end(how.status.pop(0), b"no", how.headers.get(path, {}))
        if path in how.redirect:
            return self._end(302, b"", {**how.headers.get(path, {}), "Location": how.redirect[path]})
        if how.page:
            return self._end(200, how.page, {"Content-Type": "application/octet-stream" if how.lie else "text/html"})
        if path not in how.files:
            return self._end(404, b"no")
        return self._file(how, how.files[path], how.headers.get(path, {}))

    def _file(self, how, content, further):
        start, status = 0, 200
        asked = self.headers.get("Range", "")
        version = self.headers.get("If-Range")
        if how.ranges and asked.startswith("bytes=") and version in (None, tag(content) if how.etag else how.modified):
            start, status = int(asked[6:].rstrip("-")), 206
            if start >= len(content):
                return self._end(416, b"", {"Content-Range": f"bytes */{len(content)}"})
        self.send_response(status)
        if how.etag:
            self.send_header("ETag", tag(content))
        if how.modified:
            self.send_header("Last-Modified", how.modified)
        for name, value in further.items():
            self.send_header(name, value)
        if status == 206:
            self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        if how.length:
            self.send_header("Content-Length", str(len(content) - start))
        else:
            self.close_connection = True
        self.end_headers()
        cut = how.cut_after.pop(0) if how.cut_after else None
        body = content[start:] if cut is None else content[start:][:cut]
        with contextlib.suppress(OSError):
            for at in range(0, len(body), 16384):
                self.wfile.write(body[at : at + 16384])
                self.wfile.flush()
                time.sleep(how.pace_s)
        if cut is not None:
            self.close_connection = True
        return None

    def _end(self, status, body, headers=None):
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, handler=Handler):
        super().__init__(("127.0.0.1", 0), handler)
        self.how = Behaviour()
        self.url = f"http://127.0.0.1:{self.server_address[1]}"


@contextlib.contextmanager
def serving(handler=Handler):
    server = Server(handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()


def safetensors(count=1000, seed=0):
    """Bytes of a whole safetensors file with `count` numbers, made without the library."""
    import json
    import random
    import struct

    body = random.Random(seed).randbytes(4 * count)
    header = json.dumps({"a": {"dtype": "F32", "shape": [count], "data_offsets": [0, 4 * count]}}).encode()
    header += b" " * (-len(header) % 8)
    return struct.pack("<Q", len(header)) + header + body


PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")
HUB = (
    "HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "HF_TOKEN_PATH", "HF_ENDPOINT", "HF_HUB_OFFLINE",
    "HF_HUB_DISABLE_IMPLICIT_TOKEN",
)  # fmt: skip


def alone(tmp_path, monkeypatch):
    """A home of its own, and nothing of this machine's proxies, tokens and mirrors."""
    monkeypatch.setenv("QUADRAT_HOME", str(tmp_path / "Häuser 家"))
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    for name in (*PROXIES, *map(str.lower, PROXIES), *HUB):
        monkeypatch.delenv(name, raising=False)


def nothing_kept(folder):
    """True when the store holds no file of weights, whole or not."""
    return not [path for path in folder.iterdir() if path.is_file()] and not list((folder / "fetching").glob("*.part*"))
