"""HTTP as the store needs it: through the proxies of the environment, with a token that no other host gets to see.

Standard library only: the light engine has no HTTP library. Everything that can go wrong becomes a sentence.
"""

import contextlib
import http.client
import os
import socket
import ssl
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Dict, List, Mapping, Optional

from ..card import Source
from ..errors import WeightsNotFound

HUB = "https://huggingface.co"
TIMEOUT_S = 30.0
"""Silence after which a connection counts as lost."""
AGENT = "quadrat"
MOST_DIGITS = 18
"""Of the length of a file."""
MISSING, REFUSED, PROXY_LOGIN, RANGE, BUSY = 404, (401, 403), 407, 416, (408, 429, 500, 502, 503, 504)


class NotThere(WeightsNotFound):
    """The address names nothing."""


class Lost(Exception):
    """The connection broke, or the server is busy: to be tried again."""

    def __init__(self, reason: str, busy: bool = False) -> None:
        super().__init__(reason)
        self.busy = busy


@dataclass(frozen=True)
class Address:
    """One place to get a file from."""

    url: str
    page: str
    """For people."""
    token: str = ""
    """Sent to the host of `url` only."""

    @property
    def host(self) -> str:
        """Name of the server."""
        return urllib.parse.urlsplit(self.url).hostname or self.url


def addresses(source: Source) -> List[Address]:
    """Where the weights can be had, best first: hub (or its mirror in `HF_ENDPOINT`), then the plain address."""
    found = []
    if source.repo_id:
        base = os.environ.get("HF_ENDPOINT", "").strip().rstrip("/") or HUB
        revision = urllib.parse.quote(source.revision or "main", safe="")
        page, token = f"{base}/{source.repo_id}", hub_token()
        for name in source.file_names:
            found.append(Address(f"{page}/resolve/{revision}/{urllib.parse.quote(name)}", page, token))
    if source.url:
        found.append(Address(source.url, source.url))
    return found


def hub_token() -> str:
    """The user's token for the Hugging Face hub, from where its own tools keep it; empty if there is none."""
    env = os.environ
    if env.get("HF_HUB_DISABLE_IMPLICIT_TOKEN", "").upper() in ("1", "TRUE", "YES", "ON"):
        return ""
    for name in ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"):
        if env.get(name, "").strip():
            return env[name].strip()
    cache = env.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    base = env.get("HF_HOME") or os.path.join(cache, "huggingface")
    path = Path(os.path.expanduser(env.get("HF_TOKEN_PATH") or os.path.join(base, "token")))
    with contextlib.suppress(OSError, UnicodeDecodeError):
        return path.read_text(encoding="utf-8").strip()
    return ""


def offline() -> bool:
    """True where the user forbade the hub's tools to use the network."""
    return os.environ.get("HF_HUB_OFFLINE", "").upper() in ("1", "TRUE", "YES", "ON")


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follows to other hosts without the token, never from https to http, and keeps what the first host said."""

    def __init__(self, address: Address) -> None:
        self._address = address
        self.first: Dict[str, str] = {}

    def redirect_request(self, req: Any, fp: Any, code: int, msg: str, headers: Any, newurl: str) -> Any:
        """The request to follow with."""
        for name in ("X-Repo-Commit", "X-Linked-Etag", "X-Linked-Size"):
            if headers.get(name):
                self.first.setdefault(name, headers[name])
        old, new = urllib.parse.urlsplit(req.full_url), urllib.parse.urlsplit(newurl)
        if new.scheme not in ("http", "https") or (old.scheme == "https" and new.scheme != "https"):
            raise WeightsNotFound(
                f"{self._address.host} sends the download on to {newurl.split('?')[0]}, which is not safe (no https). "
                "It was not followed."
            )
        request = super().redirect_request(req, fp, code, msg, headers, newurl)
        if request is not None and self._address.token and _origin(newurl) == _origin(self._address.url):
            request.add_unredirected_header("Authorization", f"Bearer {self._address.token}")
        return request


class Answer:
    """An open response."""

    def __init__(self, response: Any, first: Mapping[str, str]) -> None:
        self._response = response
        self.status: int = response.status
        headers = response.headers
        self.etag = headers.get("ETag", "")
        self.modified = headers.get("Last-Modified", "")
        self.kind = headers.get_content_type() if headers.get("Content-Type") else ""
        self.range = headers.get("Content-Range", "")
        self.coding = headers.get("Content-Encoding", "identity").lower()
        self.revision = first.get("X-Repo-Commit") or headers.get("X-Repo-Commit", "")
        linked = (first.get("X-Linked-Etag") or headers.get("X-Linked-Etag", "")).strip('"').lower()
        self.sha256 = linked if len(linked) == 64 and set(linked) <= set("0123456789abcdef") else ""
        """Where the hub tells it."""
        length = headers.get("Content-Length", "")
        self.length = int(length) if length.isdecimal() and len(length) <= MOST_DIGITS else 0

    def read(self, count: int) -> bytes:
        """What has arrived, at most so much; empty at the end.

        Raises:
            Lost: the connection broke.
        """
        try:
            data: bytes = self._response.read1(count)
        except (OSError, http.client.HTTPException, ValueError, AttributeError) as error:
            raise Lost(str(error) or type(error).__name__) from error
        return data

    def hang_up(self) -> None:
        """End a `read` in another thread; closing would wait for it."""
        with contextlib.suppress(OSError, AttributeError, ValueError):
            self._response.fp.raw._sock.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Let go."""
        with contextlib.suppress(OSError, AttributeError, ValueError):
            self._response.close()


def open_address(address: Address, headers: Mapping[str, str]) -> Answer:
    """Ask for a file.

    Raises:
        NotThere: the address names nothing.
        WeightsNotFound: refused, or no way there; says what to do.
        Lost: busy or broken, may work when tried again.
    """
    if urllib.parse.urlsplit(address.url).scheme not in ("http", "https"):
        raise WeightsNotFound(f"The address {address.url} begins neither with https nor http, so nothing is fetched.")
    redirects = _Redirects(address)
    opener = urllib.request.build_opener(_proxies(), _Https(), redirects)
    opener.addheaders = []
    request = urllib.request.Request(  # noqa: S310 - the scheme was looked at
        address.url, headers={"User-Agent": AGENT, "Accept-Encoding": "identity", **headers}
    )
    if address.token:
        request.add_unredirected_header("Authorization", f"Bearer {address.token}")
    try:
        return Answer(opener.open(request, timeout=TIMEOUT_S), redirects.first)
    except urllib.error.HTTPError as error:
        with error:
            if error.code == RANGE:
                return Answer(error, redirects.first)
            raise _refusal(address, error) from error
    except (OSError, http.client.HTTPException) as error:
        raise _no_way(address, error) from error


def _origin(url: str) -> "tuple[str, str, Optional[int]]":
    parts = urllib.parse.urlsplit(url)
    return parts.scheme, parts.hostname or "", parts.port or {"https": 443, "http": 80}.get(parts.scheme)


def _proxies() -> urllib.request.ProxyHandler:
    """Those of the environment or the system, `ALL_PROXY` too.

    Raises:
        WeightsNotFound: a SOCKS proxy, which the standard library cannot use.
    """
    found = urllib.request.getproxies()
    if "all" in found:
        found = {"http": found["all"], "https": found["all"], **found}
    socks = [value for name, value in found.items() if name in ("http", "https") and value.startswith("socks")]
    if socks:
        raise WeightsNotFound(
            "The proxy that is set is a SOCKS proxy, through which weights cannot be downloaded. Set an HTTP proxy, or "
            "download the file in another way and choose it as 'File that you have'."
        )
    return urllib.request.ProxyHandler(found)


class _Https(urllib.request.HTTPSHandler):
    """Reads certificates, which takes a while, only for an address that is encrypted."""

    def __init__(self) -> None:
        urllib.request.AbstractHTTPHandler.__init__(self)

    def https_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
        """Called by the opener."""
        return self.do_open(http.client.HTTPSConnection, req, context=_certificates())


def _certificates() -> ssl.SSLContext:
    """Those of the system, of certifi, and of the file that the environment names."""
    context = ssl.create_default_context()
    try:
        import certifi

        context.load_verify_locations(certifi.where())
    except (ImportError, OSError):
        pass  # the system's own may do
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        path = os.environ.get(name, "")
        if path and os.path.exists(path):
            context.load_verify_locations(path if os.path.isfile(path) else None, path if os.path.isdir(path) else None)
    return context


def _refusal(address: Address, error: urllib.error.HTTPError) -> Exception:
    """What a status code means for the user."""
    said = error.headers.get("X-Error-Code", "") if error.headers else ""
    if error.code == PROXY_LOGIN:
        return WeightsNotFound(_proxy_login())
    if error.code == MISSING:
        return NotThere(
            f"There is no file at {address.url} (error 404). It may have been renamed: look at {address.page}, "
            "download it by hand and choose it as 'File that you have'."
        )
    if error.code in REFUSED:
        gated = "" if said in ("", "GatedRepo") else f", {said}"
        return WeightsNotFound(
            f"{address.host} refuses the file (error {error.code}{gated}): one must be logged in and have been given "
            f"access. Open {address.page}, accept its terms, and put a token of yours where the tools of the Hugging "
            "Face hub keep it ('hf auth login', or HF_TOKEN); or choose the file as 'File that you have'."
        )
    if error.code in BUSY:
        return Lost(f"error {error.code}", busy=True)
    return WeightsNotFound(f"{address.host} answers with error {error.code} ({error.reason}) to {address.url}.")


def _no_way(address: Address, error: Exception) -> Exception:
    """What a failed connection means for the user."""
    reason = getattr(error, "reason", error)
    text = str(reason) or type(reason).__name__
    if "407" in text:
        return WeightsNotFound(_proxy_login())
    if isinstance(reason, ssl.SSLCertVerificationError):
        return WeightsNotFound(
            f"The certificate of {address.host} cannot be checked ({reason.verify_message}): perhaps a proxy looks "
            "into encrypted traffic. Give its certificate as a PEM file in the environment variable SSL_CERT_FILE."
        )
    return Lost(text)


def _proxy_login() -> str:
    return (
        "The proxy wants a name and a password (error 407). Give them in the settings of QGIS (Network), or in "
        "HTTPS_PROXY before the name of the host (name:password@)."
    )
