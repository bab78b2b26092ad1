"""Shannon entropy of the bands in cells: how many different brightnesses a cell has.

As published (arXiv:2509.26171 and its notebooks): the entropy of the histogram of a cell's pixels with 256 levels, and
the mean over the bands. Ours: bits instead of nats; a pixel counts by how much of it lies in the cell; and the levels
are of equal reflectance, from 0 to 1, so that dates and cities can be compared. Published were levels between the least
and the greatest value of the scene, which one bright cloud changes; they are used where no reflectance is known.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import shapely

from ...models.scaling import sampled_pixels
from ..bands.known import KnownBand, Recognised, listed
from ..bands.names import LIGHT
from ..bands.radiometry import PLAIN, Radiometry, radiometry
from ..bands.recognise import recognise
from ..bands.values import AUTO, PICTURE, REFLECTANCE
from ..bands.wish import parse_wish
from ..errors import BadInput
from ..grid import Window
from ..progress import Progress
from ..raster import Float, RasterReader, open_raster
from ..sampling import WindowSample
from .coverage import coverage
from .zonal import BLOCK_PX, Indexes, Numbers, Shapes, in_pixels

LEVELS = 256
CELLS_AT_ONCE = 2000
"""Of which histograms are held, half a megabyte a band for 256 of them."""
NEAR_PX = 512
"""Cells are taken in squares of this size, so that those taken together lie together."""


@dataclass(frozen=True)
class Scale:
    """Which level a stored number of one band is: `(meaning - low) / step`, from 0 to 255."""

    meaning: Radiometry
    low: float = 0.0
    step: float = 1.0 / LEVELS


def entropy(
    path: str, cells: gpd.GeoDataFrame, *, roles: str = "", values: str = AUTO, notes: "list[str] | None" = None,
    progress: "Progress | None" = None,
) -> Numbers:  # fmt: skip
    """Mean over the bands of the Shannon entropy of each cell.

    Args:
        path: raster; its bands of reflected light are taken, all of them where none is known.
        cells: N polygons in any CRS.
        roles: which band is what, where the user says it.
        values: what the numbers are, see `bands.values.CHOICES`.
        notes: what is worth telling is appended.
        progress: of this step.

    Returns:
        (N,) float64 bits, from 0 to 8; NaN where a cell covers no valid pixel.

    Raises:
        BadInput: the raster cannot be read, or holds nothing but masks.
    """
    notes = notes if notes is not None else []
    progress = progress or Progress()
    with open_raster(path) as reader:
        known = recognise(reader)
    bands = _bands(known, roles)
    with open_raster(path, [band.number for band in bands]) as reader:
        scales = _scales(known, bands, reader, values, notes)
        notes.append(f"Entropy of {_named(bands)} of {path}.")
        shapes = in_pixels(cells, reader.grid, path)
        made = np.full(len(shapes), np.nan)
        groups = list(_groups(shapes, reader.grid.whole))
        for number, group in enumerate(groups):
            progress.checkpoint(number / len(groups))
            made[group] = _of(_histograms(reader, scales, shapes[group], progress))
    return made


def _of(histograms: Numbers) -> Numbers:
    """(n,) mean over C of the entropy in bits of (n, C, L) counts; NaN where there are none."""
    total = histograms.sum(axis=2, keepdims=True)
    with np.errstate(divide="ignore", invalid="ignore"):
        p = histograms / total
        found = -np.where(p > 0, p * np.log2(p), 0).sum(axis=2).mean(axis=1)
    made: Numbers = np.where(total[:, 0, 0] > 0, found + 0.0, np.nan)
    return made


def _bands(known: Recognised, roles: str) -> list[KnownBand]:
    """Bands of reflected light of the date that is asked for; else all that are no masks."""
    of_date = known.of_date((*parse_wish(roles).dates, "")[0])
    light = [band for band in of_date if band.kind == LIGHT and band.role != "thermal"]
    bands = light or [band for band in of_date if band in known.measured]
    if not bands:
        raise BadInput(f"{known.path} holds nothing but masks and flags, so its bands have no entropy.")
    return bands


def _named(bands: list[KnownBand]) -> str:
    return listed([str(band.number) for band in bands]).join(("bands ", "") if len(bands) > 1 else ("band ", ""))


def _scales(
    known: Recognised, bands: list[KnownBand], reader: RasterReader, values: str, notes: list[str]
) -> list[Scale]:
    """Levels of equal reflectance where it is known, else between the least and the greatest value of a sample."""
    meanings = radiometry(known, [band.number for band in bands], values).parts
    if all(part.unit in (REFLECTANCE, PICTURE) for part in meanings):
        return [Scale(part) for part in meanings]
    pixels = sampled_pixels(WindowSample(reader, reader.grid.whole, 0), len(reader.bands))
    low, high = pixels.min(axis=1), pixels.max(axis=1)
    notes.append(
        f"What the numbers of {known.path} mean is not known, so entropy is of {LEVELS} levels between the least and "
        "the greatest number of each band: do not compare it with that of other rasters."
    )
    steps = np.maximum(high - low, np.finfo(np.float32).tiny) / LEVELS
    return [Scale(PLAIN, float(a), float(b)) for a, b in zip(low, steps, strict=True)]


def _groups(shapes: Shapes, whole: Window) -> Iterator[Indexes]:
    """Cells on the raster, those that lie together in one group."""
    bounds = shapely.bounds(shapes)
    west, north, east, south = bounds.T
    with np.errstate(invalid="ignore"):
        there = np.flatnonzero((east > 0) & (south > 0) & (west < whole.width) & (north < whole.height))
    rows, cols = (north[there] + south[there]) // 2, (west[there] + east[there]) // 2
    order = there[np.lexsort((cols, rows // 64, cols // NEAR_PX, rows // NEAR_PX))]
    yield from (order[start : start + CELLS_AT_ONCE] for start in range(0, len(order), CELLS_AT_ONCE))


def _histograms(reader: RasterReader, scales: list[Scale], shapes: Shapes, progress: Progress) -> Numbers:
    """(n, C, L) how much of each polygon is of each level of each band, in pixels."""
    made = np.zeros((len(scales), len(shapes) * LEVELS))
    bounds = shapely.bounds(shapes)
    west, north = np.floor(np.maximum(bounds[:, :2].min(axis=0), 0)).astype(int)
    east, south = np.ceil(bounds[:, 2:].max(axis=0)).astype(int)
    window = Window(north, west, south - north, east - west).intersection(reader.grid.whole)
    tree = shapely.STRtree(shapes)
    if window is None:
        return made.reshape(len(shapes), len(scales), LEVELS)
    for block in reader.grid.crop(window).blocks(BLOCK_PX):
        progress.checkpoint()
        block = Window(window.row + block.row, window.col + block.col, block.height, block.width)
        box = shapely.box(block.col, block.row, block.col + block.width, block.row + block.height)
        found = np.sort(tree.query(box))
        if not len(found):
            continue
        values, valid = reader.read(block)
        part = coverage(shapes[found], block)
        kept = valid[part.row, part.col]
        row, col, share = part.row[kept], part.col[kept], part.share[kept]
        first = found[part.owner[kept]] * LEVELS
        for band, scale in enumerate(scales):
            level = _levels(values[band], scale)[row, col]
            made[band] += np.bincount(first + level, share, minlength=made.shape[1])
    return np.moveaxis(made.reshape(len(scales), len(shapes), LEVELS), 0, 1)


def _levels(values: Float, scale: Scale) -> Indexes:
    meant = (scale.meaning.apply(values) - scale.low) / scale.step
    # Numbers that stand on a border in the file, such as 0.5 of bytes, must not fall to either side by rounding.
    found: Indexes = np.clip(np.floor(meant + 1e-3), 0, LEVELS - 1).astype(np.int64)
    return found
