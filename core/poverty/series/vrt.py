"""Virtual rasters (GDAL's VRT): bands put together from bands of files, without copying a pixel.

Format: GDAL, VRT driver (https://gdal.org/drivers/raster/vrt.html), data/gdalvrt.xsd.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree  # nosec B405 - to write; nothing is parsed

import numpy as np

from ...atomic import replacing
from ...grid import Grid
from ...jobs.addresses import for_gdal

GDAL_TYPES = {
    "uint8": "Byte", "int8": "Int8", "uint16": "UInt16", "int16": "Int16", "uint32": "UInt32", "int32": "Int32",
    "uint64": "UInt64", "int64": "Int64", "float32": "Float32", "float64": "Float64",
}  # fmt: skip
WIDER = {"uint8": "int16", "int8": "int16", "uint16": "int32", "int16": "int32"}
"""Type with room for a nodata that no pixel of the narrower one can be; others become float64 and NaN."""


@dataclass(frozen=True)
class Source:
    """One band of one file, laid into a band of the virtual raster as it is."""

    path: str
    band: int
    col: int
    """Of its upper left pixel in the virtual raster."""
    row: int
    width: int
    height: int
    dtype: str
    nodata: float | None = None
    """What counts as nothing in the file."""
    masked: bool = False
    """The file tells by alpha or a mask which pixels count."""
    block: tuple[int, int] = (0, 0)
    """Columns and rows of the blocks of the file."""


@dataclass(frozen=True)
class VirtualBand:
    """One band; later sources lie over earlier ones, where they hold something."""

    name: str
    sources: tuple[Source, ...]
    dtype: str
    nodata: float | None = None
    scale: float = 1.0
    offset: float = 0.0
    tags: tuple[tuple[str, str], ...] = ()


def roomy(dtype: str) -> tuple[str, float]:
    """A type that holds all numbers of another, and a nodata that is none of them."""
    if np.dtype(dtype).kind == "f":
        return dtype, float("nan")
    wide = WIDER.get(dtype)
    return (wide, float(np.iinfo(wide).min)) if wide else ("float64", float("nan"))


def write_vrt(path: str, grid: Grid, bands: Sequence[VirtualBand]) -> None:
    """Write a virtual raster under a temporary name and rename it.

    Sources are named relative to it where both lie under one folder that is not the root of the disk.

    Args:
        path: of the file.
        grid: of all bands.
        bands: in order.

    Raises:
        Unwritable: the folder cannot be written.
    """
    root = ElementTree.Element("VRTDataset", rasterXSize=str(grid.width), rasterYSize=str(grid.height))
    if grid.crs:
        ElementTree.SubElement(root, "SRS").text = grid.crs
    t = grid.transform
    ElementTree.SubElement(root, "GeoTransform").text = ", ".join(
        repr(float(v)) for v in (t.c, t.a, t.b, t.f, t.d, t.e)
    )
    folder = Path(path).absolute().parent
    for number, band in enumerate(bands, 1):
        root.append(_band(number, band, folder, grid))
    ElementTree.indent(root, " ")
    with replacing(path) as temporary:
        ElementTree.ElementTree(root).write(temporary, encoding="utf-8")


def _band(number: int, band: VirtualBand, folder: Path, grid: Grid) -> ElementTree.Element:
    element = ElementTree.Element("VRTRasterBand", dataType=GDAL_TYPES[band.dtype], band=str(number))
    if band.tags:
        domain = ElementTree.SubElement(element, "Metadata")
        for key, value in band.tags:
            ElementTree.SubElement(domain, "MDI", key=key).text = value
    ElementTree.SubElement(element, "Description").text = band.name
    if band.nodata is not None:
        ElementTree.SubElement(element, "NoDataValue").text = _number(band.nodata)
    if (band.scale, band.offset) != (1.0, 0.0):
        ElementTree.SubElement(element, "Offset").text = repr(float(band.offset))
        ElementTree.SubElement(element, "Scale").text = repr(float(band.scale))
    alone = len(band.sources) == 1
    for source in band.sources:
        plain = alone and not source.masked and _alike(source.nodata, band.nodata)
        element.append(_source(source, folder, plain=plain))
    return element


def _alike(one: float | None, other: float | None) -> bool:
    """Whether pixels need no look before they are copied."""
    return one is None or other == one or (other is not None and np.isnan(one) and bool(np.isnan(other)))


def _source(source: Source, folder: Path, *, plain: bool) -> ElementTree.Element:
    element = ElementTree.Element("SimpleSource" if plain else "ComplexSource")
    name, relative = _reference(source.path, folder)
    ElementTree.SubElement(element, "SourceFilename", relativeToVRT="1" if relative else "0").text = name
    ElementTree.SubElement(element, "SourceBand").text = str(source.band)
    size = {"RasterXSize": source.width, "RasterYSize": source.height}
    cols, rows = source.block
    facts = {**size, "DataType": GDAL_TYPES[source.dtype], "BlockXSize": cols, "BlockYSize": rows}
    ElementTree.SubElement(element, "SourceProperties", {key: str(value) for key, value in facts.items()})
    for kind, col, row in (("SrcRect", 0, 0), ("DstRect", source.col, source.row)):
        box = {"xOff": col, "yOff": row, "xSize": source.width, "ySize": source.height}
        ElementTree.SubElement(element, kind, {key: str(value) for key, value in box.items()})
    if plain:
        return element
    if source.masked:
        ElementTree.SubElement(element, "UseMaskBand").text = "true"
    elif source.nodata is not None:
        ElementTree.SubElement(element, "NODATA").text = _number(source.nodata)
    return element


def _number(value: float) -> str:
    """A nodata: whole numbers without a point, as GDAL reads those of integer types."""
    return "nan" if np.isnan(value) else str(int(value)) if float(value).is_integer() else repr(float(value))


def _reference(path: str, folder: Path) -> tuple[str, bool]:
    """Path of a source as it is written, and whether it is relative to the virtual raster."""
    if not Path(path).exists():
        return for_gdal(path), False  # /vsizip/..., NETCDF:..., https://... and the like
    target = Path(path).absolute()
    try:
        shared = Path(os.path.commonpath([target, folder]))
    except ValueError:  # two drives
        return str(target), False
    if shared == Path(shared.anchor):
        return str(target), False
    return Path(os.path.relpath(target, folder)).as_posix(), True
