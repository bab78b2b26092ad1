"""One vector of each cell at each date, by one backbone that is fitted once to the whole series.

What a vector is, is what it is for 'Embed cells': the same windows, margins and rules for gaps.
"""

from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ....models.contract import Backbone
from ...cellrun import Seen
from ...cellspace import drawn, patch_of_cells
from ...cellvectors import View
from ...chips import MOST_NUMBERS, Places, lattice, seen_with, units_of
from ...embedding import Runner
from ...errors import BadInput, Stale
from ...grid import Window
from ...jobs.poverty.embedding import DatedEmbedding
from ...jobs.source import EmbedJob
from ...pixelwarnings import warn_of_pixels
from ...progress import Progress
from ...sampling import MOST_WINDOWS, WINDOW_PX
from ...space import Space, build, space_of, stored_weights, warn_of_device
from ...twincard import card_of
from ...windows import Reader
from ..series.stack import Series
from .dated import Dated, dated, dated_as

Float = NDArray[np.float32]
Bool = NDArray[np.bool_]
Int = NDArray[np.int64]
MOST_TRIED = 4 * MOST_WINDOWS
"""Windows that are looked at for some with valid pixels."""


class DatedSample:
    """Windows around places, each at another date: the same at each call, for the statistics of a backbone.

    Of a raster of a whole country they are drawn where the places lie, and not anywhere.
    """

    def __init__(self, series: Dated, places: Places, seed: int) -> None:
        self._series, self._places, self._seed = series, places, seed
        self._chosen: list[tuple[int, Window]] | None = None

    def __call__(self) -> Iterator[tuple[Float, Bool]]:
        """(C, H, W) float32, 0 where not valid, and (H, W) bool, with at least one valid pixel.

        Raises:
            BadInput: no place has any.
        """
        if self._chosen is None:
            self._chosen = self._choose()
        if not self._chosen:
            raise BadInput(
                f"There is no valid pixel around the places in the bands of {self._series.first.input} that the "
                "backbone gets: all is nodata, masked or NaN."
            )
        for _, _, values, valid in self._read(self._chosen):
            yield values, valid

    def _choose(self) -> list[tuple[int, Window]]:
        """The first windows with valid pixels; each beginning of the list holds all dates alike."""
        drawn, found = self._drawn(), []
        for start in range(0, len(drawn), MOST_WINDOWS):
            some = drawn[start : start + MOST_WINDOWS]
            found += [(at, window) for at, window, _, valid in self._read(some) if valid.any()]
            if len(found) >= MOST_WINDOWS:
                break
        return found[:MOST_WINDOWS]

    def _drawn(self) -> list[tuple[int, Window]]:
        """Dates in turn; where places are fewer than windows they come again at other dates."""
        rng = np.random.default_rng([self._seed, 7])
        dates = rng.permutation([at for at, scene in enumerate(self._series.scenes) if scene is not None])
        squares = rng.permutation(len(self._places))
        found = []
        for number in range(MOST_TRIED):
            at = int(dates[(number + number // len(squares)) % len(dates)])
            row, col, height, width = self._places.inside[squares[number % len(squares)]].tolist()
            corner = row + (height - WINDOW_PX) // 2, col + (width - WINDOW_PX) // 2
            found.append((at, Window(*corner, WINDOW_PX, WINDOW_PX)))
        return list(dict.fromkeys(found))

    def _read(self, wanted: list[tuple[int, Window]]) -> Iterator[tuple[int, Window, Float, Bool]]:
        """Date by date, so that a file is opened once for each."""
        for at, scene in enumerate(self._series.scenes):
            windows = [window for date, window in wanted if date == at]
            if scene is None or not windows:
                continue
            with scene.open() as reader:
                for window in windows:
                    inside = window.intersection(reader.grid.whole)
                    if inside is not None:
                        yield at, window, *reader.read(inside)


@dataclass(frozen=True)
class Embedder:
    """A backbone and what it sees of a series.

    Attributes:
        series: bands of each date.
        dates: [T].
        backbone: fitted.
        runner: of it.
        view: what it sees of a cell.
        space: that it makes, with all that was drawn from the series.
        context: as asked for.
    """

    series: Dated
    dates: tuple[str, ...]
    backbone: Backbone
    runner: Runner
    view: View
    space: Space
    context: str

    @property
    def width(self) -> int:
        """Numbers in a vector."""
        return self.view.width(self.backbone)

    @property
    def title(self) -> str:
        """Of the backbone, or of the model where it stands for many."""
        return Path(self.space.model).name if self.space.card.needs_model else self.space.card.title

    def to_json(self) -> dict[str, Any]:
        """For a model."""
        return {
            "backbone": self.space.backbone, "title": self.title, "model": self.space.model,
            "dimensions": self.width, "context": self.view.context, "asked": self.context,
            "weights_sha256": stored_weights(self.space), **self.series.to_json(), "space": self.space.to_json(),
        }  # fmt: skip

    def vectors(self, places: Places, date: int, progress: Progress) -> Iterator[tuple[Int, Float]]:
        """Some of the places, and their vectors at a date, (n,) and (n, D) float32; places that lack one are left out.

        Args:
            places: squares of one size.
            date: its number; nothing comes of one that is not seen.
            progress: told how far it is.

        Raises:
            Cancelled: the user stopped it.
        """
        scene = self.series.scenes[date]
        if scene is None or not len(places):
            return
        squares = seen_with(places, self.view.window_px, self.view.margin_px)
        view = replace(self.view, whole=self.view.whole and bool(lattice(squares)))
        units = units_of(squares)
        text = f"Embedding {self.dates[date]}"
        progress.checkpoint(0.0, text)
        seen = Seen(scene.open, squares, units, view, self.runner, self.backbone, 0)
        with closing(seen.answers(range(len(units)))) as answers:
            for number, at, found in answers:
                progress.checkpoint(number / len(units))
                there = np.isfinite(found).all(axis=1)
                if there.any():
                    yield at[there], found[there]


def embedder_for(
    asked: DatedEmbedding, job: EmbedJob, series: Series, places: Places, earlier: Mapping[str, Any] | None,
    progress: Progress,
) -> Embedder:  # fmt: skip
    """A backbone that is fitted to the dates of a series around some places.

    Args:
        asked: what the user says of it.
        job: the same for `core/space.py`.
        series: with the bands that it may use.
        places: squares of one size.
        earlier: what a run that was stopped kept of it; None: nothing.
        progress: takes sentences.

    Raises:
        QuadratError: the backbone cannot be had, or does not suit the series.
    """
    space = space_of(job)
    card, twin = card_of(space)
    bands = dated(series, card, twin, job, progress)
    side = int(places.inside[0, 2])
    space = replace(
        space, bands=bands.first.bands, roles=bands.roles, units=bands.units,
        patch_size_px=patch_of_cells(space, places, side, side),
        dimensions=_wanted(space),
    )  # fmt: skip
    sample = DatedSample(bands, places, job.seed)
    progress.checkpoint(0.0, "Building the backbone")
    if earlier is not None:
        try:
            return _embedder(bands, series, Space.from_json(earlier), job, asked.context, side, sample, progress)
        except Stale:
            progress.warning("An earlier run was stopped, but its weights are no longer there; starting anew.")
    found = _embedder(bands, series, space, job, asked.context, side, sample, progress)
    _warn("", found, sample, progress)
    state = found.backbone.state()
    return replace(found, space=replace(found.space, state=state, identity=found.backbone.identity))


def embedder_as(
    stored: Mapping[str, Any], name: str, job: EmbedJob, series: Series, places: Places, progress: Progress
) -> Embedder:
    """The backbone of a model, on any series with its bands.

    Args:
        stored: what `Embedder.to_json` gave.
        name: of the model's file, for sentences.
        job: for device, threads, and weights that lie elsewhere now.
        series: with the bands of the model.
        places: squares of one size.
        progress: takes sentences.

    Raises:
        Stale: the backbone is another one now.
        QuadratError: it cannot be had, or the numbers of the series mean something else.
    """
    space = Space.from_json(stored["space"])
    space = replace(space, weights=job.weights or space.weights)
    bands = dated_as(series, card_of(space)[0], stored, job, name, progress)
    sample = DatedSample(bands, places, job.seed)
    side = int(places.inside[0, 2])
    found = _embedder(bands, series, space, job, str(stored["asked"]), side, sample, progress)
    _warn(name, found, sample, progress)
    return found


def _warn(name: str, found: Embedder, sample: DatedSample, progress: Progress) -> None:
    with found.series.first.open() as reader:
        warn_of_pixels(name, found.space, reader, sample, progress)
        for note in reader.notes:
            progress.warning(note)


def _wanted(space: Space) -> int:
    """Features to draw or components to fit by the backbone itself; networks know none."""
    if not space.card.free_patch:
        return 0
    return space.dimensions or space.card.default_dimensions or drawn(space)


def _embedder(
    bands: Dated, series: Series, space: Space, job: EmbedJob, context: str, side: int, sample: DatedSample,
    progress: Progress,
) -> Embedder:  # fmt: skip
    with bands.first.open() as reader:
        _check_size(side, reader)
        backbone = build(space, bands.first, reader, sample, job, side * side, progress)
    warn_of_device(space.backbone, job.device, backbone, progress)
    view = View.of(backbone, context, 0, side, any_size=False, on_lattice=True)
    return Embedder(bands, series.dates, backbone, Runner(backbone, progress.warning), view, space, context)


def _check_size(side: int, reader: Reader) -> None:
    """Refuse windows that would fill the memory.

    Raises:
        BadInput: the cell is too large.
    """
    if side * side * len(reader.bands) > MOST_NUMBERS:
        raise BadInput(
            f"Cells of {side} px of {len(reader.bands)} bands are too much to be seen at once. Choose smaller ones."
        )
