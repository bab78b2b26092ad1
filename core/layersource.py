"""What QGIS calls the source of a layer, taken apart. Standard library only: every job asks, few read layers."""

import re
import urllib.parse
from typing import NamedTuple


class Source(NamedTuple):
    """What a layer source of QGIS says: `file|layername=x|layerid=0|subset=…`."""

    path: str
    layer: str | int | None
    where: str | None


def parse_source(source: str) -> Source:
    """The parts of a layer source. A `|` inside the path itself is not supported (QGIS does not either)."""
    path, *options = source.split("|")
    if path.startswith("file:"):
        path = urllib.parse.unquote(urllib.parse.urlsplit(path).path)
    layer: str | int | None = None
    where = None
    for option in options:
        key, _, value = option.partition("=")
        if key == "layername":
            layer = value
        elif key == "layerid" and layer is None and re.fullmatch("[0-9]{1,9}", value):
            layer = int(value)
        elif key == "subset":
            where = value
    return Source(path, layer, where)
