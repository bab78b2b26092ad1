"""What lies on a server: addresses as people write them and as GDAL takes them. Standard library only."""

import re

SCHEMES = {"s3": "/vsis3/", "gs": "/vsigs/", "az": "/vsiaz/"}
"""Of object stores -> what GDAL calls them."""
REMOTE = ("/vsicurl/", "/vsicurl?", "/vsis3/", "/vsigs/", "/vsiaz/", "/vsiadls/", "/vsioss/", "/vsiswift/")


def for_gdal(path: str) -> str:
    """`/vsicurl/https://…` of a plain address, `/vsis3/bucket/key` of `s3://bucket/key`; all else as it is.

    GDAL left alone with a plain address would download the whole file first.
    """
    scheme, colon, rest = path.partition("://")
    if not colon:
        return path
    if scheme.lower() in ("http", "https"):
        return f"/vsicurl/{path}"
    return f"{SCHEMES[scheme.lower()]}{rest}" if scheme.lower() in SCHEMES else path


def is_remote(path: str) -> bool:
    """True for what is read over the network, also inside an archive: `/vsizip//vsicurl/…`, `NETCDF:"/vsis3/…"`."""
    return any(prefix in for_gdal(path) for prefix in REMOTE)


def web_address(path: str) -> str:
    """The plain address of a file that is fetched from a web server, empty for all else."""
    found = re.fullmatch(r"/vsicurl/(https?://.+)", for_gdal(path), re.IGNORECASE)
    return found[1] if found else ""
