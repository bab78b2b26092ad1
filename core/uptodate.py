"""Whether a result is there already, made by the very same job from unchanged inputs."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .errors import BadInput
from .raster import open_raster
from .sidecar import read_sidecar
from .spool import digest, forget


def up_to_date(output: str, request: Mapping[str, Any]) -> dict[str, Any] | None:
    """Facts of a raster if a job with this request made it and it is whole, else None.

    Args:
        output: path of the raster; its sidecar holds `request`, `bytes` and `signature`.
        request: all that decides the result.
    """
    sidecar = read_sidecar(output)
    facts: dict[str, Any] = sidecar["facts"] if sidecar else {}
    path = Path(output)
    if facts.get("request") != digest(request) or not path.is_file() or path.stat().st_size != facts.get("bytes"):
        return None
    try:
        with open_raster(output) as reader:
            if reader.tags.get("signature") != facts.get("signature"):
                return None
    except BadInput:
        return None
    forget(output, request)
    return facts
