"""Teach a transformer for series: what it learns from, in which units, from which start. The loop is in `loop.py`.

Source: Jarry, Chaumont, Berti-Equille & Subsol 2023, IGARSS, DOI 10.1109/IGARSS52108.2023.10282306: squared error,
Adam, the weights of the epoch with the lowest validation loss; the spatial transformer learns from every pair of cell
and date.
"""

import zlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ....models.errors import ModelError
from ...epochs import EpochFacts
from ...errors import BadInput, BadJob
from ...progress import Progress
from ..teaching.bags import Rows, Samples, lit_and_some_dark
from ..teaching.chipstore import ChipStore, band_statistics, fingerprint
from .recipe import RAW, STANDARD, Recipe
from .seriesmodel import PREDICTED, Scaling, SeriesModel, need_torch

Int = NDArray[np.int64]


@dataclass(frozen=True)
class Lesson:
    """All that a transformer learns from.

    Attributes:
        store: pixels.
        samples: targets and the squares that belong to them, in the units of the indicator.
        train: (n,) places of `samples` to learn from.
        validation: (m,) places whose loss chooses the epoch; none: the last epoch stands.
        recipe: how.
        dates: of the store.
        bands: of the store.
        predicted: `proxy` or `survey`.
        indicator: in words.
        start: a model whose weights are the start.
        device: `auto`, `cpu`, `cuda` or `mps`.
        threads: on the processor; 0: all cores.
        kept: file in which an unfinished run keeps what it has, and from which the same lesson goes on; empty: none.
    """

    store: ChipStore
    samples: Samples
    train: Int
    validation: Int
    recipe: Recipe
    dates: tuple[str, ...]
    bands: tuple[str, ...]
    predicted: str
    indicator: str
    start: SeriesModel | None = None
    device: str = "auto"
    threads: int = 0
    kept: str = ""

    def __post_init__(self) -> None:
        """Refuse what does not fit together.

        Raises:
            BadJob: in a sentence.
        """
        if self.predicted not in PREDICTED:
            raise BadJob(f"What is predicted is a 'proxy' or a 'survey', not '{self.predicted}'.")
        if self.samples.Y.shape[1] != self.store.dates or len(self.dates) != self.store.dates:
            raise BadJob(
                f"There are targets of {self.samples.Y.shape[1]} dates, names of {len(self.dates)} and pixels of "
                f"{self.store.dates}: they must be as many."
            )
        if len(self.bands) != self.store.bands:
            raise BadJob(f"There are names of {len(self.bands)} bands and pixels of {self.store.bands}.")
        if np.intersect1d(self.train, self.validation).size:
            raise BadJob("A place is both to learn from and to validate with. Keep the two apart.")


OnEpoch = Callable[[EpochFacts], None]


def train(lesson: Lesson, progress: Progress, on_epoch: OnEpoch = lambda facts: None) -> SeriesModel:
    """Teach, or go on where an equal lesson was stopped.

    Args:
        lesson: what and how.
        progress: told of each epoch; a cancel arrives within a batch and loses nothing.
        on_epoch: called after each epoch, also for those that an earlier run did.

    Returns:
        The model with the weights of the best epoch; `more["losses"]` lists `EpochFacts` as objects.

    Raises:
        BadInput: no targets, or a model to start from that does not fit.
        BadJob: an output that cannot tell these targets.
        EngineTooSmall: there is no PyTorch.
        Cancelled: what was done lies in `lesson.kept`.

    `lesson.kept` stays when all is done, so that nothing is lost until the model is saved; delete it then.
    """
    need_torch()
    from .loop import Learner

    places = lesson.train
    if lesson.recipe.dark_cells >= 0:
        places = lit_and_some_dark(lesson.samples, places, lesson.recipe.dark_cells, lesson.recipe.seed)
    scaling = scaling_for(lesson, places)
    Y = (lesson.samples.Y - scaling.value_shift) / scaling.value_gain
    samples = replace(lesson.samples, Y=Y)
    rows, held = (Rows(lesson.store, samples, part, lesson.recipe.by_date) for part in (places, lesson.validation))
    if not len(rows):
        raise BadInput(
            "No place to train on has a target at a date that the series sees. Look at dates, extent and nodata."
        )
    if len(lesson.validation) and not len(held):
        raise BadInput("No validation place has a target at a date that the series sees. Keep others apart.")
    try:
        learner = Learner(lesson, scaling, rows, held)
    except ModelError as error:
        raise BadInput(str(error)) from error
    learner.run(progress, on_epoch)
    return _model(lesson, scaling, learner, len(rows), len(held))


def _model(lesson: Lesson, scaling: Scaling, learner: Any, rows: int, held: int) -> SeriesModel:
    more = {
        "seed": lesson.recipe.seed, "recipe": lesson.recipe.to_dict(), "losses": learner.losses,
        "best_epoch": learner.best_epoch, "rows": {"train": rows, "validation": held}, "device": learner.device_name,
        "parameters": learner.parameters, "started_from": learner.started_from,
    }  # fmt: skip
    network = learner.finished()
    return SeriesModel(
        lesson.recipe.method, learner.size, network, scaling, lesson.dates, lesson.bands, lesson.predicted,
        lesson.indicator, more,
    )  # fmt: skip


def scaling_for(lesson: Lesson, places: Int) -> Scaling:
    """Units of pixels and targets; pixels in those of the model that is the start, if there is one.

    Raises:
        BadJob: targets below 0 and an output that cannot be.
    """
    recipe, samples = lesson.recipe, lesson.samples
    targets = samples.Y[places][samples.known(lesson.store)[places]]
    if recipe.output != "linear" and (targets < 0).any():
        raise BadJob(
            f"Targets go down to {targets.min():.4g}, which the output '{recipe.output}' can never tell. Choose the "
            "output 'linear'."
        )
    shift: tuple[float, ...] = ()
    gain: tuple[float, ...] = ()
    if lesson.start is not None:
        shift, gain = lesson.start.scaling.shift, lesson.start.scaling.gain
    elif recipe.pixels != RAW:
        used = np.unique(samples.chip[samples.squares_of(places)[0]])
        shift, gain = (tuple(part) for part in band_statistics(lesson.store, used))
    value_shift, value_gain = 0.0, 1.0
    if recipe.values == STANDARD and len(targets):
        value_gain = float(targets.std()) or 1.0
        value_shift = float(targets.mean()) if recipe.output == "linear" else 0.0
    return Scaling(shift, gain, value_shift, value_gain)


def signature(lesson: Lesson, scaling: Scaling) -> dict[str, Any]:
    """What an unfinished run must share to be gone on with: all that decides the weights."""
    parts = (lesson.samples.Y, lesson.samples.weight, lesson.samples.place, lesson.samples.chip, lesson.samples.share)
    numbers = [zlib.crc32(np.ascontiguousarray(part).tobytes()) for part in (*parts, lesson.train, lesson.validation)]
    start = None if lesson.start is None else lesson.start.facts
    return {
        "recipe": {**lesson.recipe.to_dict(), "epochs": None}, "chips": fingerprint(lesson.store), "samples": numbers,
        "dates": lesson.dates, "bands": lesson.bands, "scale": [scaling.shift, scaling.gain, scaling.value_gain],
        "start": start,
    }  # fmt: skip
