"""Rasters on servers, read by windows through GDAL: how they are opened, what tells them apart, what may go wrong.

Nothing is fetched whole, and nothing is kept: a file that changed on the server is another one at the next run.
"""

import hashlib
import os
import re
import threading
import urllib.parse
import urllib.request
from collections.abc import Iterator
from typing import Any

import numpy as np
import rasterio
from rasterio.errors import RasterioError
from rasterio.windows import Window

from ..models.errors import ModelError
from ..models.weights.web import Address, Lost, open_address
from .blocktable import block_table
from .errors import BadInput
from .jobs.addresses import REMOTE, for_gdal, web_address
from .patience import patiently

SETTINGS = {
    "GDAL_HTTP_CONNECTTIMEOUT": "15",
    "GDAL_HTTP_LOW_SPEED_TIME": "30",
    "GDAL_HTTP_LOW_SPEED_LIMIT": "1",
    "GDAL_HTTP_MAX_RETRY": "4",
    "GDAL_HTTP_RETRY_DELAY": "0.5",
    "CPL_VSIL_CURL_NON_CACHED": ":".join(prefix for prefix in REMOTE if prefix.endswith("/")),
}
"""What differs from GDAL's own defaults: silence counts as lost, as it does for downloads, however long a slow line
takes; a busy server is asked again; and an engine that lives on does not take what it saw an hour ago for the file of
now. Requests are merged and multiplexed by default. What the user has set in the environment stands."""
TABLE_BLOCKS = 256
"""Blocks whose place and length are looked at to tell whether a file changed."""
LOOKED_AT = 4
"""Blocks of which pixels are looked at."""
BESIDE = (".tif", ".tiff")
"""Rasters that need nothing beside them but, rarely, a mask."""
_STATUS = re.compile(r"(?:response[ _]code *[:=]? *|HTTP error code *:? *)(\d{3})", re.IGNORECASE)
_UNREACHED = (
    "resolve",
    "connect",
    "timed out",
    "too slow",
    "reset",
    "recv failure",
    "response_code=0",
    "empty reply",
    "ssl",
)


def settings() -> dict[str, str]:
    """Options of GDAL for reading from servers: patience, proxies of environment and system, certificates."""
    proxies = urllib.request.getproxies()
    found = dict(SETTINGS)
    for name, scheme in (("GDAL_HTTP_PROXY", "http"), ("GDAL_HTTPS_PROXY", "https")):
        if proxy := proxies.get(scheme) or proxies.get("all"):
            found[name] = proxy  # curl itself does not look at HTTP_PROXY in capitals, nor at the system's settings
    for name in ("CURL_CA_BUNDLE", "SSL_CERT_FILE"):
        if os.environ.get(name):
            found.setdefault("CURL_CA_BUNDLE", os.environ[name])
            found.setdefault("GDAL_CURL_CA_BUNDLE", os.environ[name])  # rasterio has GDAL look there first
    return {name: value for name, value in found.items() if name not in os.environ}


class Patient:
    """An open dataset on a server; whoever waits for its pixels hears a cancel. All else is the dataset's own."""

    def __init__(self, dataset: rasterio.DatasetReader) -> None:
        self._dataset, self._used = dataset, threading.Lock()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._dataset, name)

    def read(self, *args: Any, **options: Any) -> Any:
        """As the dataset's own."""
        return patiently(lambda: self._asked("read", *args, **options))

    def read_masks(self, *args: Any, **options: Any) -> Any:
        """As the dataset's own."""
        return patiently(lambda: self._asked("read_masks", *args, **options))

    def close(self) -> None:
        """Let go; a dataset that a thread left to itself still reads from goes away with that thread."""
        if self._used.acquire(blocking=False):
            self._dataset.close()
            self._used.release()

    def _asked(self, what: str, *args: Any, **options: Any) -> Any:
        with self._used:
            return getattr(self._dataset, what)(*args, **options)


def open_remote(path: str) -> rasterio.DatasetReader:
    """A dataset on a server.

    Raises:
        RasterioError: see `why` for what it means.
    """
    return patiently(lambda: _opened(for_gdal(path)))


def _opened(path: str) -> rasterio.DatasetReader:
    """In a thread that is not the main one, so that the options hold for this file alone.

    Folders are not listed: a server may hold millions of files, or answer with a page. Of what GDAL would look for
    beside a GeoTIFF only a mask changes its pixels.
    """
    plain = path.partition("?")[0].lower().endswith(BESIDE)
    if not plain:
        with rasterio.Env(GDAL_DISABLE_READDIR_ON_OPEN="TRUE"):
            return rasterio.open(path)
    with rasterio.Env(GDAL_DISABLE_READDIR_ON_OPEN="EMPTY_DIR"):
        dataset = rasterio.open(path)
        dataset.tags(), dataset.mask_flag_enums  # GDAL looks for companions when it is first asked for these
        if "?" in path or not _is_there(f"{path}.msk"):
            return dataset
        dataset.close()
    with rasterio.Env(GDAL_DISABLE_READDIR_ON_OPEN="TRUE"):
        return rasterio.open(path)


def _is_there(path: str) -> bool:
    try:
        rasterio.open(path).close()
    except RasterioError as error:
        if _status(str(error)) in (401, 403, 404) or "does not exist" in str(error):
            return False
        raise
    return True


def why(path: str, reason: str) -> str:
    """What GDAL's words for a failure mean for the user, and what to do; empty where they say nothing of a server."""
    host = urllib.parse.urlsplit(web_address(path)).hostname or "The server"
    status, words = _status(reason), reason.lower()
    if "range downloading not supported" in words:
        return f"{host} gives {path} as a whole only, not by windows. Download the file and choose the copy."
    if "certificate" in words:
        return (
            f"The certificate of {host} cannot be checked ({reason}): perhaps a proxy looks into encrypted traffic. "
            "Give its certificate as a PEM file in the environment variable SSL_CERT_FILE."
        )
    if status == 407:
        return (
            "The proxy wants a name and a password (error 407). Give them in the settings of QGIS (Network), or in "
            "HTTPS_PROXY before the name of the host (name:password@)."
        )
    if status == 404 or "does not exist" in words or "not found" in words or "nosuch" in words:
        return f"There is no {path}. Look at the address, or the name of the bucket."
    if status in (401, 403) or "denied" in words or "credential" in words or "aws_" in words:
        return (
            f"{host} refuses {path} ({reason}). An address that is signed may have run out: get a new one. For a "
            "bucket give your keys in the environment (AWS_ACCESS_KEY_ID, ...), or AWS_NO_SIGN_REQUEST=YES if it is "
            "open to all."
        )
    if (status and status >= 429) or any(word in words for word in _UNREACHED):
        return (
            f"{path} cannot be reached now ({reason}). Look at the network and at the proxy (in QGIS under Options > "
            "Network), then run the same job again: it goes on."
        )
    return ""


def _status(reason: str) -> int:
    found = _STATUS.search(reason)
    return int(found[1]) if found else 0


def evidence(path: str) -> str:
    """Hash of what tells cheaply whether a file on a server is the same as before.

    That is size and ETag, or else the date, where it is a web server that gives them; a signature or a date in the
    address does not count. Of other files, as of object stores, it is what the raster says of itself, where
    `TABLE_BLOCKS` of its blocks lie and how long they are, and pixels of some of them. A change there is missed when
    it moves no block and meets none of those looked at: likely for a small edit of an uncompressed file, and one in
    thousands for a compressed one, whose blocks hardly ever keep their length.

    Raises:
        BadInput: it cannot be reached.
    """
    if found := patiently(lambda: _validators(path)):
        return _hash([found])
    try:
        return _hash(patiently(lambda: list(_signs(path))))
    except RasterioError as error:
        if said := why(path, str(error)):
            raise BadInput(said) from error
    return _hash([str(_layers(path))])


def _hash(texts: list[str]) -> str:
    return hashlib.blake2b("\n".join(texts).encode(), digest_size=16).hexdigest()


def _validators(path: str) -> str:
    """Size, and ETag or date, of a file on a web server; empty where it does not tell."""
    address = web_address(path)
    if not address:
        return ""
    try:
        answer = open_address(Address(address, address), {"Range": "bytes=0-0"})
    except Lost as error:
        raise BadInput(why(path, f"connection lost: {error}")) from error
    except ModelError:
        return ""  # GDAL may know the way, or says what is wrong
    answer.close()
    size = answer.range.rpartition("/")[2] or str(answer.length)
    return f"{size} {answer.etag or answer.modified}" if answer.etag or answer.modified else ""


def _signs(path: str) -> Iterator[str]:
    with _opened(for_gdal(path)) as dataset:
        yield f"{dataset.shape} {dataset.dtypes} {dataset.nodatavals} {dataset.transform} {dataset.crs}"
        yield from block_table(dataset, TABLE_BLOCKS)
        rows, cols = dataset.block_shapes[0]
        down, across = -(-dataset.height // rows), -(-dataset.width // cols)
        for at in np.linspace(0, down * across - 1, min(LOOKED_AT, down * across)).astype(int):
            row, col = divmod(int(at), across)
            corner = Window(col * cols, row * rows, min(cols, dataset.width - col * cols), 1)
            some = dataset.read(1, window=corner)
            yield hashlib.blake2b(some.tobytes(), digest_size=16).hexdigest()


def _layers(path: str) -> Any:
    """What a table says of itself."""
    import pyogrio  # and with it geopandas, which reading a raster can do without

    try:
        info = patiently(lambda: pyogrio.read_info(for_gdal(path), force_feature_count=True, force_total_bounds=True))
    except (pyogrio.errors.DataSourceError, ValueError) as error:
        raise BadInput(why(path, str(error)) or f"{path} cannot be read: {error}.") from error
    return [info[name] for name in ("layer_name", "features", "total_bounds")], list(info["fields"])
