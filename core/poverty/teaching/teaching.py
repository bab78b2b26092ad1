"""Turn by turn: each model learns from its part of the places, and then tells all of them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ....models.crew import thread_count
from ...epochs import EpochFacts, EpochNews
from ...errors import BadInput
from ...heads.fitting import run_all
from ...jobs.poverty.train import INSTANCES, TrainSeries
from ...progress import Progress
from ..indicator.ensemble import first_network
from ..methodlist import SERIES_METHODS
from ..series.stack import Series
from ..transformers.predicting import device_of, predict, predict_samples
from ..transformers.recipe import RAW, STANDARD, Recipe
from ..transformers.seriesmodel import need_torch
from ..transformers.training import Lesson, train
from .bags import MEAN, SELECT, Samples
from .chipstore import ChipStore
from .columns import Columns
from .lesson import Ground
from .reduced import HeadPlan, fit
from .statistics import statistics
from .turns import Turns

Float = NDArray[np.float64]
Int = NDArray[np.int64]
MOST_ROWS = 20_000
"""Values that a head learns from; of more an even draw is taken, as trees of a million rows say little more."""
MOST_NUMBERS = 16_000_000
"""The same times the columns: several models learn at once, each from copies of its own."""
LEARN = 0.95
"""Share of a turn that learning takes, about."""


@dataclass(frozen=True)
class Taught:
    """What came of all turns.

    Attributes:
        members: networks, or heads.
        said: of each member (N, T).
        losses: of each network, epoch by epoch.
        device: in words; empty for heads.
        kept: files of unfinished runs that may go now.
    """

    members: tuple[Any, ...]
    said: tuple[Float, ...]
    losses: list[Any] = field(default_factory=list)
    device: str = ""
    kept: tuple[str, ...] = ()


def check_networks(job: TrainSeries) -> None:
    """Refuse before pixels are read what would end the work after it.

    Raises:
        EngineTooSmall: there is no PyTorch.
        BadInput: no such device, or a model to start from that cannot be read.
    """
    need_torch()
    device_of(job.device, job.threads)
    if job.start_from:
        first_network(job.start_from)


def teach_networks(
    job: TrainSeries, ground: Ground, turns: Turns, samples: Sequence[Samples], store: ChipStore, series: Series,
    dtype: str, progress: Progress,
) -> Taught:  # fmt: skip
    """Transformers; a run that was stopped goes on with the turn and the epoch that it was at.

    Raises:
        EngineTooSmall: there is no PyTorch.
        BadInput: a model to start from that does not fit, or no targets.
        Cancelled: what was done lies beside the output.
    """
    need_torch()
    start = first_network(job.start_from) if job.start_from else None
    recipe = recipe_of(job, ground, dtype)
    device = device_of(job.device, job.threads)[1]
    members, said, kept = [], [], []
    for number, (turn, mine) in enumerate(zip(turns.turns, samples, strict=True)):
        part = progress.part(number / len(turns.turns), (number + 1) / len(turns.turns))
        part.checkpoint(0.0, f"Teaching model {number + 1} of {len(turns.turns)}")
        file = str(Path(job.output).with_name(f".{Path(job.output).name}.turn-{turns.name}-{number + 1}"))
        lesson = Lesson(
            store, mine, turn.training, turn.validation, recipe, series.dates, series.bands, ground.predicted,
            ground.indicator, start, job.device, job.threads, file,
        )  # fmt: skip
        title, count = SERIES_METHODS[job.method].title, len(turns.turns)
        news_of = partial(EpochNews, title, ground.indicator, turns.name, number + 1, count, device)
        model = train(lesson, part.part(0, LEARN), partial(_tell, part, news_of))
        members.append(model)
        kept.append(file)
        squares = predict(model, store, part.part(LEARN, 1), job.device, job.threads)
        said.append(predict_samples(squares, store, mine, recipe.bags))
    losses = [member.more["losses"] for member in members]
    return Taught(tuple(members), tuple(said), losses, device, tuple(kept))


def recipe_of(job: TrainSeries, ground: Ground, dtype: str) -> Recipe:
    """How transformers are built and taught; `auto` follows pixels and values.

    The last layer starts at the mean of each date, unlike the published one: pooled as published it tells nothing
    before training, and a ReLU whose values lie far above 0 then dies for good. With other poolings a network says what
    is off by about 1 before training: values of 0 to 1 are measured by their spread, or the first steps kill the ReLU.
    """
    negative = bool((ground.targets[~ground.apart] < 0).any())
    end = ("linear" if negative or ground.predicted == "survey" else "relu") if job.end == "auto" else job.end
    pixels = (RAW if dtype == "uint8" else STANDARD) if job.pixels == "auto" else job.pixels
    return Recipe(
        method=job.method, patch_px=job.patch_px, pooling=job.pooling, output=end, pixels=pixels,
        values=RAW if end != "linear" and job.pooling == Recipe.pooling else STANDARD, start_at_mean=True,
        learning_rate=job.learning_rate, batch=job.batch_size, epochs=job.epochs, patience=job.patience,
        dark_cells=job.dark_cells if ground.predicted == "proxy" else -1,
        bags=SELECT if job.survey and job.displacement == INSTANCES else MEAN, seed=job.seed, transfer=job.transfer,
        new_head=bool(job.start_from and ground.predicted == "survey"),
    )  # fmt: skip


def _tell(progress: Progress, news_of: Callable[[EpochFacts], EpochNews], facts: EpochFacts) -> None:
    news = news_of(facts)
    progress.learnt(news)
    if facts.epoch in (1, facts.epochs) or facts.epoch % max(1, facts.epochs // 20) == 0:
        progress.info(f"Model {news.model} of {news.models}. {facts.sentence}")


def columns_of(samples: Sequence[Samples], store: ChipStore, progress: Progress) -> list[Columns]:
    """Statistics of the places for each of some samples; a displaced place has the mean of its squares.

    Equal samples share them.
    """
    told = statistics(store, progress)
    distinct = {id(one): one for one in samples}
    found = {name: Columns.of(_of_places(told, store, one)) for name, one in distinct.items()}
    return [found[id(one)] for one in samples]


def teach_heads(
    plan: HeadPlan, turns: Turns, samples: Sequence[Samples], columns: Sequence[Columns], seed: int, threads: int,
    progress: Progress,
) -> Taught:  # fmt: skip
    """Heads on the columns of each date.

    Their inner choices keep squares whole. What the last fold would decide for a network is learnt from, too.

    Args:
        plan: which head, and on what.
        turns: who learns from which places.
        samples: targets, for each turn.
        columns: of each turn.
        seed: of draws.
        threads: 0: all cores.
        progress: told how far it is.

    Raises:
        BadInput: a part without values.
    """
    parts = progress.side_by_side(len(turns.turns))

    def teach(number: int) -> Any:
        turn, mine, X = turns.turns[number], samples[number], columns[number]
        places = np.sort(np.concatenate([turn.training, turn.validation]))
        known = np.isfinite(mine.Y[places]) & X.known[places] & (mine.weight[places] > 0)[:, None]
        row, date = np.nonzero(known)
        if len(row) < 2:
            raise BadInput(
                "No place to train on has a value at a date that the series sees. Look at dates, extent and nodata."
            )
        most = min(MOST_ROWS, MOST_NUMBERS // X.width)
        if len(row) > most:
            few = np.sort(np.random.default_rng([seed, 5, number]).permutation(len(row))[:most])
            row, date = row[few], date[few]
        place = places[row]
        fitted = fit(plan, X.rows(place, date), mine.Y[place, date], turns.blocks[place], seed)
        parts[number].checkpoint(1.0)
        return fitted

    tasks = [partial(teach, number) for number in range(len(turns.turns))]
    members = run_all(tasks, thread_count(threads), progress)
    return Taught(tuple(members), tuple(X.told_by(one) for one, X in zip(members, columns, strict=True)))


def _of_places(told: NDArray[np.float32], store: ChipStore, samples: Samples) -> NDArray[np.float32]:
    """(N, T, D) statistics of places: of all their squares that are seen, by how likely they are."""
    share = samples.share[:, None] * store.seen[samples.chip]
    total = np.zeros(samples.Y.shape)
    np.add.at(total, samples.place, share)
    found = np.zeros((*samples.Y.shape, told.shape[2]))
    np.add.at(found, samples.place, share[:, :, None] * np.nan_to_num(told[samples.chip].astype(np.float64)))
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        return np.where(total[:, :, None] > 0, found / total[:, :, None], np.nan).astype(np.float32)
