"""What a raster says of its bands, gathered once, so that recognising is arithmetic of texts and needs no file."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import PurePath

from pyproj.exceptions import CRSError

from ..cellarea import CellAreas
from ..grid import Grid, Window
from ..raster import RasterReader
from .names import names_nothing
from .products import PRODUCTS

_TELLING = re.compile(r"sat|platform|spacecraft|sensor|mission|product|instrument|scene|datatake|granule|source")
"""Keys of tags that name what took the picture."""


@dataclass(frozen=True)
class Facts:
    """All that recognising may look at."""

    path: str
    numbers: tuple[int, ...]
    """Of the bands, counted from 1."""
    names: tuple[str, ...]
    """Descriptions; empty where they say but the number."""
    wavelengths_nm: tuple[float, ...] = ()
    """0 where the file does not say."""
    colours: tuple[str, ...] = ()
    """Of each band: red, green, blue, alpha, gray, undefined, ..."""
    dtype: str = ""
    count: int = 0
    """Bands of the file, alpha left out."""
    tags: Mapping[str, str] = field(default_factory=dict)
    pixel_m: float = 0.0

    @property
    def file_name(self) -> str:
        """Last part of the path in lower case, without ending; with the folder .SAFE it lies in, if any."""
        parts = PurePath(self.path.replace("\\", "/")).parts
        safe = [part for part in parts if part.upper().endswith(".SAFE")]
        return " ".join([PurePath(parts[-1]).stem if parts else "", *safe]).lower()

    @property
    def mentioned(self) -> tuple[str, ...]:
        """Products that the file's name or its tags mention."""
        told = " ".join(value for key, value in self.tags.items() if _TELLING.search(key.lower())).lower()
        whole = f"{self.file_name} {_driver_prefix(self.path)} {told}"
        return tuple(p.name for p in PRODUCTS.values() if any(re.search(pattern, whole) for pattern in p.files))


def facts_of(reader: RasterReader) -> Facts:
    """What an open raster says of the bands that are chosen in it."""
    colours = tuple(reader.colours[number - 1] for number in reader.bands)
    count = sum(colour != "alpha" for colour in reader.colours)
    names = tuple(
        "" if names_nothing(name, number) else name
        for name, number in zip(reader.band_names, reader.bands, strict=True)
    )
    waves = tuple(1000.0 * um if um else 0.0 for um in reader.wavelengths_um)
    return Facts(
        reader.path, reader.bands, names, waves, colours, reader.dtype, count, reader.file_tags, pixel_m(reader.grid)
    )


def pixel_m(grid: Grid) -> float:
    """Side of a square of the area of the pixel in the middle of a grid, in metres; 0 without coordinate system."""
    try:
        areas = CellAreas(grid)
    except CRSError:
        return 0.0
    if not areas.known:
        return 0.0
    middle = areas.of(Window(grid.height // 2, grid.width // 2, 1, 1))
    return math.sqrt(float(middle[0, 0]))


def _driver_prefix(path: str) -> str:
    """`sentinel2_l2a` of what GDAL's drivers call `SENTINEL2_L2A:...`."""
    found = re.match(r"([A-Za-z0-9_]{3,}):", path)
    return found[1].lower() if found else ""
