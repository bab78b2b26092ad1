"""What is embedded: one raster, or two read as one, with the bands that the backbone gets."""

from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

from .errors import BadInput
from .grid import Grid, Window
from .jobs.embed import EmbedRaster
from .pair import open_pair
from .progress import Progress
from .raster import Bool, Float, open_raster


class Reader(AbstractContextManager["Reader"], Protocol):
    """What embedding asks of a raster, or of two."""

    path: str
    grid: Grid
    bands: tuple[int, ...]
    band_names: tuple[str, ...]
    dtype: str

    @property
    def notes(self) -> tuple[str, ...]:
        """What the user should know about how the files are read."""
        ...

    def read(self, window: Window) -> tuple[Float, Bool]:
        """Values (C, h, w) float32 and validity (h, w) of a window."""
        ...

    def close(self) -> None:
        """Let go of the files."""
        ...


@dataclass(frozen=True)
class Scene:
    """Files and bands."""

    input: str
    bands: tuple[int, ...] = ()
    """Of the input; empty: all but alpha."""
    second: str = ""
    second_bands: tuple[int, ...] = ()
    roles: tuple[str, ...] = ()
    """Of all bands, in order; empty where nobody asks."""
    wavelengths_nm: tuple[float, ...] = ()

    def open(self) -> Reader:
        """The files, for the thread that calls.

        Raises:
            BadInput: they cannot be read, or not together.
        """
        if self.second:
            return open_pair(self.input, self.bands, self.second, self.second_bands)
        return open_raster(self.input, self.bands)


def scene_of(job: EmbedRaster, bands: tuple[int, ...], second_bands: tuple[int, ...], progress: Progress) -> Scene:
    """The scene that a job asks for, with the number of each band.

    Args:
        job: names the files, and the bands or an embedding to be like.
        bands: of that embedding, where there is one; else those that the job names.
        second_bands: the same of the second raster.
        progress: takes warnings.

    Raises:
        BadInput: a raster cannot be read, or does not have the bands of the embedding to be like.
    """
    if job.like and bool(second_bands) != bool(job.second):
        count, what = ("two rasters", "Give the second") if second_bands else ("one raster", "Leave the second out")
        raise BadInput(f"{job.like} was made from {count}. {what}, or do not ask for the same space.")
    first = _bands(job.input, job.bands, bands, job.like, progress)
    second = _bands(job.second, job.second_bands, second_bands, job.like, progress) if job.second else ()
    return Scene(job.input, first, job.second, second)


def _bands(
    path: str, asked: tuple[int, ...], stored: tuple[int, ...], like: str, progress: Progress
) -> tuple[int, ...]:
    """Bands that are asked for, or all; with an embedding to be like as many as that has, or the very same numbers."""
    with open_raster(path, asked) as reader:
        there = reader.bands
    if not like or not stored:
        return there
    if len(there) != len(stored) if asked else len(there) < max(stored):
        raise BadInput(
            f"{like} was made from {len(stored)} bands, but {len(there)} of {path} are chosen. Choose as many, in the "
            "same order."
        )
    if len(there) != len(stored):
        numbers = ", ".join(map(str, stored))
        progress.warning(f"Of the {len(there)} bands of {path}, {numbers} are taken, as for {like}.")
    return asked or stored
