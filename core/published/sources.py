"""Published vectors by window: from any GDAL raster, or from the arrays of a TESSERA tile. North is always up."""

from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from affine import Affine
from numpy.typing import NDArray

from ..arrays import DAMAGED
from ..errors import BadInput
from ..grid import Grid, Window
from ..jobs.embed import OpenEmbedding
from ..raster import RasterReader, open_raster
from .formulas import FORMULAS, Bool, Float
from .recognise import LOOKED_UP, Recognised, recognise_raster, recognise_tile

TILE_SUFFIX = ".npy"
SCALES_END = "_scales.npy"
LANDMASK_FOLDER = "global_0.1_degree_tiff_all"
LANDMASK_SUFFIXES = (".tiff", ".tif")


class Source(Protocol):
    """Vectors on their own grid, rows as they are stored."""

    @property
    def grid(self) -> Grid:
        """Where they lie."""

    @property
    def band_names(self) -> tuple[str, ...]:
        """Of the D dimensions."""

    def read(self, window: Window) -> tuple[Float, Bool]:
        """(D, h, w) float32 values, 0 where not valid, and (h, w) bool; the window may reach beyond the grid."""


@dataclass(frozen=True)
class Opened:
    """A source that can be read, what it is, and the files that decide it by role."""

    source: "Upright"
    recognised: Recognised
    files: dict[str, str]


def open_source(job: OpenEmbedding, stack: ExitStack) -> Opened:
    """What the job wants opened; files are closed with the stack.

    Raises:
        BadInput: not readable, not recognised, or without a place.
    """
    if job.input.lower().endswith(TILE_SUFFIX):
        return _open_tile(job, stack)
    reader = stack.enter_context(open_raster(job.input, job.bands))
    recognised = recognise_raster(job, reader)
    return Opened(Upright(RasterVectors(reader, recognised, job)), recognised, {"input": job.input})


class RasterVectors:
    """Vectors of a raster; whole numbers go through the formula of the product, floats are values already."""

    def __init__(self, reader: RasterReader, recognised: Recognised, job: OpenEmbedding) -> None:
        self._reader = reader
        self._product = recognised.product
        self._linear = (job.scale, job.offset)
        self._nodata = float(job.nodata) if job.nodata else None
        self._coded = not reader.dtype.startswith("float")
        self.grid = reader.grid
        self.band_names = reader.band_names

    def read(self, window: Window) -> tuple[Float, Bool]:
        """As in `Source`. Vectors that are all zero stand for nothing in the products that have a card."""
        values, valid = self._reader.read(window)
        if self._product.formula == "linear":
            if self._nodata is not None and not np.isnan(self._nodata):
                valid &= (values != np.float32(self._nodata)).all(axis=0)
            values = FORMULAS["linear"](values, *self._linear)
        else:
            valid &= values.any(axis=0)  # Earth Engine writes 0 for what is masked
            if self._coded:
                values = FORMULAS[self._product.formula](values)
        values *= valid
        return values, valid


class TileVectors:
    """Vectors of a TESSERA tile: (H, W, D) codes with scales (H, W), or (H, W, D) floats; mapped, never read whole."""

    def __init__(self, codes: NDArray[Any], scales: NDArray[Any] | None, grid: Grid, names: tuple[str, ...]) -> None:
        self._codes, self._scales = codes, scales
        self.grid, self.band_names = grid, names

    def read(self, window: Window) -> tuple[Float, Bool]:
        """As in `Source`. Water and gaps have no scale (NaN)."""
        values = np.zeros((len(self.band_names), window.height, window.width), np.float32)
        valid = np.zeros((window.height, window.width), np.bool_)
        inside = window.intersection(self.grid.whole)
        if inside is not None:
            place = inside.slices_in(window)
            values[(slice(None), *place)], valid[place] = self._read_inside(inside)
        return values, valid

    def _read_inside(self, window: Window) -> tuple[Float, Bool]:
        rows, cols = window.slices_in(self.grid.whole)
        values: Float = np.ascontiguousarray(np.moveaxis(self._codes[rows, cols], 2, 0), np.float32)
        if self._scales is not None:
            scales = self._scales[rows, cols].astype(np.float32)
            values = FORMULAS["scaled"](values, scales if scales.ndim == 2 else np.moveaxis(scales, 2, 0))
        valid = np.asarray(np.isfinite(values).all(axis=0) & values.any(axis=0), np.bool_)
        return np.where(valid, values, np.float32(0)), valid


class Upright:
    """A source turned so that the first row is the northernmost, and the first column the westernmost.

    Files whose pixel height is positive begin in the south (those of AlphaEarth do). Rotated rasters stay as they are.
    """

    def __init__(self, source: Source) -> None:
        self._source = source
        t, height, width = source.grid.transform, source.grid.height, source.grid.width
        straight = t.b == 0 and t.d == 0
        self._rows, self._cols = straight and t.e > 0, straight and t.a < 0
        if self._rows:
            t = Affine(t.a, t.b, t.c, t.d, -t.e, t.f + t.e * height)
        if self._cols:
            t = Affine(-t.a, t.b, t.c + t.a * width, t.d, t.e, t.f)
        self.grid = Grid(t, source.grid.crs, height, width)
        self.band_names = source.band_names

    @property
    def turned(self) -> bool:
        """True when the file begins elsewhere than in the north-west."""
        return self._rows or self._cols

    def read(self, window: Window) -> tuple[Float, Bool]:
        """As in `Source`."""
        row = self.grid.height - window.row - window.height if self._rows else window.row
        col = self.grid.width - window.col - window.width if self._cols else window.col
        values, valid = self._source.read(Window(row, col, window.height, window.width))
        turn = (slice(None, None, -1 if self._rows else 1), slice(None, None, -1 if self._cols else 1))
        return values[(slice(None), *turn)], valid[turn]


def _open_tile(job: OpenEmbedding, stack: ExitStack) -> Opened:
    tile = Path(job.input)
    if tile.name.endswith(SCALES_END):
        raise BadInput(f"{tile} holds the scales of a tile. Choose the tile itself, without '_scales' in its name.")
    if job.bands:
        raise BadInput("Bands cannot be chosen from a .npy tile: its vectors are used whole.")
    recognised = recognise_tile(job, tile)
    codes = _load(tile)
    if codes.ndim != 3 or codes.dtype.kind not in "if":
        raise BadInput(f"{tile} holds {codes.dtype} of shape {codes.shape}; a tile holds (rows, columns, dimensions).")
    product = recognised.product
    if product.dimensions and codes.shape[2] not in product.dimensions:
        wanted = " or ".join(map(str, product.dimensions))
        raise BadInput(f"{product.title} has {wanted} dimensions; {tile} has {codes.shape[2]}.")
    files = {"input": str(tile)}
    scales = None
    if codes.dtype.kind == "i":
        path = tile.with_name(f"{tile.stem}{SCALES_END}")
        scales = _load_scales(path, codes, tile)
        files["scales"] = str(path)
    files["place"] = job.place or _landmask(tile)
    with open_raster(files["place"]) as reader:
        grid = reader.grid
    if (grid.height, grid.width) != codes.shape[:2]:
        raise BadInput(
            f"{tile} has {codes.shape[0]} x {codes.shape[1]} pixels, but {files['place']}, which is to say where it "
            f"lies, has {grid.height} x {grid.width}. They do not belong together."
        )
    names = tuple((product.band_name or "dimension {}").format(i) for i in range(codes.shape[2]))
    return Opened(Upright(TileVectors(codes, scales, grid, names)), recognised, files)


def _load(path: Path) -> NDArray[Any]:
    """The array of a file, mapped into memory; never unpickled."""
    try:
        array: NDArray[Any] = np.load(path, mmap_mode="r", allow_pickle=False)
    except FileNotFoundError as error:
        raise BadInput(f"There is no file {path}.") from error
    except (*DAMAGED, OverflowError) as error:
        raise BadInput(f"{path} is no whole .npy array ({error}). It may be cut off: load it down again.") from error
    if not isinstance(array, np.ndarray):
        raise BadInput(f"{path} is an archive of arrays; a tile is a single .npy array.")
    return array


def _load_scales(path: Path, codes: NDArray[Any], tile: Path) -> NDArray[Any]:
    if not path.is_file():
        raise BadInput(f"{tile} holds codes, and the file with their scales is missing: put {path.name} beside it.")
    scales = _load(path)
    if scales.dtype.kind != "f" or scales.shape not in (codes.shape[:2], codes.shape):
        raise BadInput(
            f"{path} holds {scales.dtype} of shape {scales.shape}, which does not fit {tile} of shape {codes.shape}. "
            "They do not belong together, or one is damaged."
        )
    return scales


def _landmask(tile: Path) -> str:
    """The land mask of the same name: beside the tile, or where geotessera puts it.

    Raises:
        BadInput: there is none, so nobody can say where the tile lies.
    """
    for folder in [*tile.absolute().parents][:LOOKED_UP]:
        for place in (folder, folder / LANDMASK_FOLDER):
            for suffix in LANDMASK_SUFFIXES:
                found = place / f"{tile.stem}{suffix}"
                if found.is_file():
                    return str(found)
    raise BadInput(
        f"{tile} does not say where it lies. Give the land mask {tile.stem}.tiff that comes with it (geotessera "
        f"keeps it in {LANDMASK_FOLDER}) under 'Raster that says where a .npy tile lies'."
    )
