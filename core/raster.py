"""Windows of any GDAL raster as float32 arrays with a mask of what is valid. One low-level read under everything."""

import contextlib
import re
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
import rasterio
from numpy.typing import NDArray
from rasterio._err import CPLE_BaseError
from rasterio.enums import ColorInterp, MaskFlags
from rasterio.errors import NotGeoreferencedWarning, RasterioError

from . import remote
from .errors import BadInput, QuadratError
from .grid import Grid, Window
from .jobs.addresses import is_remote
from .quantise import Quantiser
from .striprows import MOST_BYTES, bytes_of_rows, note_of

Float = NDArray[np.float32]
Bool = NDArray[np.bool_]

CACHE_BYTES = 96 * 2**20
"""GDAL's own default is 5 % of the machine's memory, which would be most of what a job here may use."""
LARGEST_FLOAT = float(np.finfo(np.float32).max)
_PER_UM = {"um": 1.0, "µm": 1.0, "micrometers": 1.0, "micrometer": 1.0, "microns": 1.0, "micron": 1.0}
_PER_NM = {"nm": 1e-3, "nanometers": 1e-3, "nanometer": 1e-3}


@contextlib.contextmanager
def environment() -> Iterator[None]:
    """GDAL with a bounded block cache; every pipeline runs inside one."""
    with rasterio.Env(GDAL_CACHEMAX=CACHE_BYTES, **remote.settings()):
        yield


class RasterReader:
    """One open raster and the bands chosen from it. A context manager; use it from one thread.

    Attributes:
        path: as given.
        grid: transform, CRS and shape.
        bands: band numbers counted from 1, in the order in which they are read.
        band_names: description of each, or `band 3`.
        dtype: type of the stored values.
        colours: what each band of the file is shown as: `red`, `gray`, `alpha`, ...
        wavelengths_um: centre of each band where the file says so.
        tags: metadata domain QUADRAT; empty if there is none.
        file_tags: metadata of no domain.
        nodata: what each band declares, None where it declares nothing.
        scaled: a band declares scale or offset; they are applied when it is read.
        coding: how bytes become values, where every band is of unsigned bytes; else None.
        notes: what the user should know about how the file is read.
    """

    looks: tuple[int, ...] = ()

    def __init__(self, dataset: rasterio.DatasetReader, path: str, bands: Sequence[int]) -> None:
        self._dataset = remote.Patient(dataset) if is_remote(path) else dataset
        self.path = path
        alpha = [i for i, kind in zip(dataset.indexes, dataset.colorinterp, strict=True) if kind == ColorInterp.alpha]
        self.bands = tuple(bands) or tuple(i for i in dataset.indexes if i not in alpha)
        self._check_bands()
        self._room, self._kept_bytes = contextlib.ExitStack(), CACHE_BYTES
        self._alpha = [i for i in alpha if i not in self.bands]
        self._mask_band = _mask_band(dataset, self.bands)
        chosen = [i - 1 for i in self.bands]
        # Each of these asks all bands; an embedding has hundreds.
        nodata, dtypes, scales, offsets = dataset.nodatavals, dataset.dtypes, dataset.scales, dataset.offsets
        self.nodata = tuple(nodata[i] for i in chosen)
        self._nodata = [_castable(nodata[i], dtypes[i]) for i in chosen]
        self._scales = np.array([scales[i] for i in chosen])[:, None, None]
        self._offsets = np.array([offsets[i] for i in chosen])[:, None, None]
        self.scaled = bool((self._scales != 1).any() or (self._offsets != 0).any())
        crs = dataset.crs.to_wkt() if dataset.crs else ""
        self.grid = Grid(dataset.transform, crs, dataset.height, dataset.width)
        names = _told(lambda: dataset.descriptions, ())
        self.band_names = tuple((names and names[i]) or f"band {i + 1}" for i in chosen)
        self.dtype = str(np.result_type(*(dtypes[i] for i in chosen)))
        self.coding = None
        if all(dtypes[i] == "uint8" for i in chosen):
            exact = np.float32
            self.coding = Quantiser(self._scales[:, 0, 0].astype(exact), self._offsets[:, 0, 0].astype(exact))
        self.colours = tuple(kind.name for kind in dataset.colorinterp)
        self.wavelengths_um = tuple(_wavelength_um(dataset, i) for i in self.bands)
        self.tags: Mapping[str, str] = _told(lambda: dataset.tags(ns="QUADRAT"), {})
        self.file_tags: Mapping[str, str] = _told(dataset.tags, {})
        self.notes = self._notes(alpha)

    def __enter__(self) -> "RasterReader":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def masked(self) -> bool:
        """True when the file itself says where nothing is: each band by a number of its own, or all by alpha."""
        return bool(self._alpha) or all(nodata is not None for nodata in self.nodata)

    def close(self) -> None:
        """Let go of the file."""
        self._dataset.close()
        self._room.close()

    def read(self, window: Window) -> tuple[Float, Bool]:
        """Values and validity of a window, which may reach beyond the raster.

        Returns:
            values: (C, h, w) float32, scale and offset applied, 0 where not valid.
            valid: (h, w) bool: inside the raster, and in no chosen band nodata, masked, NaN or infinite.

        Raises:
            BadInput: the file cannot be read there.
        """
        inside = window.intersection(self.grid.whole)
        if inside == window:
            return self._values(*self._stored(window))
        values = np.zeros((len(self.bands), window.height, window.width), np.float32)
        valid = np.zeros((window.height, window.width), np.bool_)
        if inside is None:
            return values, valid
        place = inside.slices_in(window)
        values[(slice(None), *place)], valid[place] = self._values(*self._stored(inside))
        return values, valid

    def read_each(self, window: Window) -> tuple[Float, Bool]:
        """As `read`, but a band that has nothing at a pixel leaves the others there as they are.

        Returns:
            values: (C, h, w) float32, scale and offset applied, 0 where not valid.
            valid: (C, h, w) bool, of each band.

        Raises:
            BadInput: the file cannot be read there.
        """
        values = np.zeros((len(self.bands), window.height, window.width), np.float32)
        valid = np.zeros(values.shape, np.bool_)
        inside = window.intersection(self.grid.whole)
        if inside is None:
            return values, valid
        place = (slice(None), *inside.slices_in(window))
        raw, masked = self._read(inside)
        known = np.broadcast_to(masked, raw.shape).copy()
        for band, seen, nodata in zip(raw, known, self._nodata, strict=True):
            if nodata is not None:
                seen &= band != nodata
        values[place], valid[place] = self._meant(raw, known)
        return values, valid

    def read_codes(self, window: Window) -> tuple[NDArray[np.uint8], Bool]:
        """Bytes as they are stored, and the validity that `read` gives; only where there is a `coding`.

        Returns:
            codes: (C, h, w) uint8; `coding.decode` makes of them what `read` gives where valid.
            valid: (h, w) bool.

        Raises:
            BadInput: the file cannot be read there.
        """
        inside = window.intersection(self.grid.whole)
        if inside == window:
            return self._stored(window)
        codes = np.zeros((len(self.bands), window.height, window.width), np.uint8)
        valid = np.zeros((window.height, window.width), np.bool_)
        if inside is not None:
            place = inside.slices_in(window)
            codes[(slice(None), *place)], valid[place] = self._stored(inside)
        return codes, valid

    def _stored(self, window: Window) -> tuple[NDArray[Any], Bool]:
        """Numbers as they are in the file, and where no band is masked."""
        raw, valid = self._read(window)
        for band, nodata in zip(raw, self._nodata, strict=True):
            if nodata is not None:
                valid &= band != nodata
        return raw, valid

    def _read(self, window: Window) -> tuple[NDArray[Any], Bool]:
        """Numbers as they are in the file, and where alpha and mask, which are those of all bands, are not empty."""
        where = rasterio.windows.Window(window.col, window.row, window.width, window.height)
        self._make_room(window)
        try:
            raw = self._dataset.read(list(self.bands), window=where)
            valid = self._mask(where, raw.shape[1:])
        except RasterioError as error:
            if is_remote(self.path) and (said := remote.why(self.path, _reasons(error))):
                raise BadInput(said) from error
            advice = (
                "The connection may have broken: run the same job again, and it goes on. If it ends at the same place, "
                "the file on the server is damaged."
                if is_remote(self.path)
                else "It may be cut off, or a file that it points to is missing: copy or make it again."
            )
            raise BadInput(
                f"{self.path} cannot be read at row {window.row}, column {window.col} ({_reason(error)}). {advice}"
            ) from error
        return raw, valid

    def _make_room(self, window: Window) -> None:
        """Have GDAL keep the rows of a file that is stored in whole rows: the next windows want them too."""
        needed = bytes_of_rows(self._dataset, len(self.bands), window.height, window.width)
        if self._kept_bytes < needed <= MOST_BYTES:
            self._kept_bytes = needed
            self._room.enter_context(rasterio.Env(GDAL_CACHEMAX=needed + CACHE_BYTES // 4))

    def _values(self, raw: NDArray[Any], valid: Bool) -> tuple[Float, Bool]:
        """What the numbers mean, 0 where they mean nothing in one band or more."""
        raw = self._scaled(raw)
        if raw.dtype.kind == "f":
            valid &= (np.abs(raw) <= LARGEST_FLOAT).all(axis=0)
        return _zeroed(raw, valid), valid

    def _meant(self, raw: NDArray[Any], valid: Bool) -> tuple[Float, Bool]:
        """The same band by band, where `valid` is (C, h, w)."""
        raw = self._scaled(raw)
        if raw.dtype.kind == "f":
            valid &= np.abs(raw) <= LARGEST_FLOAT
        return _zeroed(raw, valid), valid

    def _scaled(self, raw: NDArray[Any]) -> NDArray[Any]:
        if not self.scaled:
            return raw
        exact = np.float64 if raw.dtype.itemsize > 2 else np.float32
        scaled: NDArray[Any] = raw.astype(exact) * self._scales.astype(exact) + self._offsets.astype(exact)
        return scaled

    def _mask(self, where: rasterio.windows.Window, shape: tuple[int, ...]) -> Bool:
        valid = np.ones(shape, np.bool_)
        for band in self._alpha:
            valid &= self._dataset.read(band, window=where) > 0
        if self._mask_band:
            valid &= self._dataset.read_masks(self._mask_band, window=where) > 0
        return valid

    def _check_bands(self) -> None:
        count = self._dataset.count
        wrong = [band for band in self.bands if not 1 <= band <= count]
        if wrong:
            bands = f"{count} band{'s' if count > 1 else ''}"
            raise BadInput(f"{self.path} has {bands}; there is no band {', '.join(map(str, wrong))}.")
        if not self.bands:
            raise BadInput(f"{self.path} holds nothing but an alpha band. Choose the band by its number.")
        dtypes = self._dataset.dtypes
        for band in self.bands:
            if "complex" in dtypes[band - 1]:
                raise BadInput(
                    f"Band {band} of {self.path} holds complex numbers. Make amplitude and phase of it first."
                )

    def _notes(self, alpha: Sequence[int]) -> tuple[str, ...]:
        notes = []
        if not self.grid.crs:
            notes.append(f"{self.path} has no coordinate system; the result will have none either.")
        if self._alpha and len(alpha) < self._dataset.count:
            notes.append(
                f"Band {self._alpha[0]} of {self.path} is marked as alpha and used as mask. If it holds data, choose "
                "the bands by number."
            )
        if striped := note_of(self._dataset, self.path, len(self.bands)):
            notes.append(striped)
        return tuple(notes)


def _told(read: Callable[[], Any], nothing: Any) -> Any:
    """Names or tags; nothing where they are damaged, or in letters that are not UTF-8, as those of old programs."""
    try:
        return read()
    except (UnicodeDecodeError, CPLE_BaseError):
        return nothing


def _zeroed(raw: NDArray[Any], valid: Bool) -> Float:
    """As float32, 0 where not valid."""
    whole = bool(valid.all())
    if raw.dtype.kind == "f" and not whole:
        raw = np.where(valid, raw, 0)
    values = raw.astype(np.float32, copy=False)
    if not whole:
        values *= valid
    return values


def open_raster(path: str, bands: Sequence[int] = ()) -> RasterReader:
    """The raster of that path; no bands given means all of them except alpha.

    Raises:
        BadInput: missing, unreadable, without bands, no such band, or complex numbers.
    """
    text = str(path)
    if _is_plain(text) and not Path(text).exists():
        raise BadInput(f"There is no file {text}.")
    try:
        dataset = open_dataset(text)
    except (RasterioError, UnicodeDecodeError) as error:
        if is_remote(text) and (said := remote.why(text, _reasons(error))):
            raise BadInput(said) from error
        if Path(text).is_dir():
            raise BadInput(f"{text} is a folder. Choose a raster in it.") from error
        raise BadInput(f"{text} cannot be read as a raster: {_reason(error)}.") from error
    try:
        if not dataset.count:
            inner = ", ".join(dataset.subdatasets[:8])
            advice = f"It holds several rasters; choose one of: {inner}." if inner else "It is empty."
            raise BadInput(f"{text} has no bands. {advice}")
        return RasterReader(dataset, text, bands)
    except BaseException as error:
        dataset.close()
        if isinstance(error, QuadratError) or not isinstance(error, Exception):
            raise
        # Of a damaged file its heading may be readable and what it says of bands not, in errors of any kind.
        raise BadInput(f"{text} cannot be read as a raster: {_reason(error)}.") from error


def open_dataset(path: str) -> rasterio.DatasetReader:
    """What GDAL itself gives, also of a plain address on the web.

    Raises:
        RasterioError: in GDAL's words.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        return remote.open_remote(path) if is_remote(path) else rasterio.open(path)


def _reasons(error: BaseException | None) -> str:
    """All that GDAL said, the first last."""
    texts = []
    while error is not None:
        texts.append(str(error).strip().rstrip("."))
        error = error.__cause__
    return "; ".join(dict.fromkeys(texts))


def _reason(error: BaseException) -> str:
    """What GDAL said first; rasterio's own words only point to it."""
    while error.__cause__ is not None:
        error = error.__cause__
    return str(error).strip().rstrip(".")


def _is_plain(path: str) -> bool:
    """False for what GDAL opens that is not a file: `/vsi…`, `NETCDF:"file":name`, inline XML."""
    return not (path.startswith(("/vsi", "<")) or re.match(r"[A-Za-z0-9_]{2,}:", path))


def _mask_band(dataset: rasterio.DatasetReader, bands: Sequence[int]) -> int | None:
    """A band whose mask GDAL keeps apart (an inner mask or a .msk file), not made from nodata or alpha."""
    told = dataset.mask_flag_enums  # asks all bands, each time
    for band in bands:
        flags = told[band - 1]
        if MaskFlags.alpha in flags or MaskFlags.nodata in flags or MaskFlags.all_valid in flags:
            continue
        return band
    return None


def _castable(nodata: float | None, dtype: str) -> NDArray[Any] | None:
    """Nodata as the band's own type, or None when no value of that type can equal it."""
    if nodata is None or np.isnan(nodata):
        return None
    kind = np.dtype(dtype)
    if kind.kind in "iu":
        info = np.iinfo(kind)
        if nodata != int(nodata) or not info.min <= nodata <= info.max:
            return None
        return np.array(int(nodata), kind)
    with np.errstate(over="ignore"):
        return np.array(nodata, kind)


def _wavelength_um(dataset: rasterio.DatasetReader, band: int) -> float | None:
    """Centre of a band from GDAL's IMAGERY domain or ENVI's keys, in micrometres."""
    imagery = _told(lambda: dataset.tags(band, ns="IMAGERY"), {}).get("CENTRAL_WAVELENGTH_UM")
    plain = {key.lower(): value for key, value in _told(lambda: dataset.tags(band), {}).items()}
    text, unit = (imagery, "um") if imagery else (plain.get("wavelength"), plain.get("wavelength_units", ""))
    try:
        value = float(text) if text else 0.0
    except ValueError:
        return None
    if value <= 0:
        return None
    factor = {**_PER_UM, **_PER_NM}.get(unit.strip().lower())
    return value * (factor if factor else 1e-3 if value > 100 else 1.0)
