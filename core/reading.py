"""What a job asks of a head besides its answer: prevalence, unsure places, area of applicability."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .grid import Window
from .jobs.fewshot import ApplyHead
from .prediction import Reading, predict
from .prevalence import ESTIMATE, estimate, parse, sentence
from .progress import Progress
from .raster import RasterReader
from .trained import Head

LOOKED_BLOCKS, BLOCK_CELLS = 100, 128
"""Blocks of a map, at most, from which its prevalence is estimated."""
LOOKED_CELLS = 50_000
"""Of all cells of these blocks, about so many are looked at."""
PREVALENCE_SEED = 17


def reading_for(
    job: ApplyHead, head: Head, reader: RasterReader, window: Window, progress: Progress
) -> tuple[Reading, dict[str, Any]]:
    """How the answers of a head are to be read for a map, and what is told of that.

    Raises:
        BadInput: the head cannot tell what is asked.
        BadJob: a prevalence that cannot be understood.
    """
    X = None
    if job.prevalence.strip() == ESTIMATE:
        X = drawn(reader, window, progress)
    return _reading(job, head, X, bool(job.applicability), progress)


def table_reading(job: ApplyHead, head: Head, X: NDArray[np.float32], progress: Progress) -> Reading:
    """As `reading_for`, for the rows of a table; its dissimilarity is told wherever the head knows it."""
    return _reading(job, head, X, head.facts.get("applicability") is not None, progress)[0]


def _reading(
    job: ApplyHead, head: Head, X: NDArray[np.float32] | None, applicability: bool, progress: Progress
) -> tuple[Reading, dict[str, Any]]:
    told: dict[str, Any] = {}
    conformal = head.conformal() if job.unsure else None
    if conformal is not None:
        told["unsure"] = conformal.to_dict()
        progress.info(conformal.sentence)
    prevalence = None
    if job.prevalence.strip():
        prevalence, how = _prevalence(job, head, X, progress)
        told["prevalence"] = {"how": how, "classes": dict(zip(head.names, prevalence[1].tolist(), strict=True))}
    reading = Reading(
        head.classes,
        prevalence,
        None if conformal is None else conformal.threshold,
        head.applicability() if applicability else None,
    )
    return reading, told


def _prevalence(
    job: ApplyHead, head: Head, X: NDArray[np.float32] | None, progress: Progress
) -> tuple[tuple[NDArray[np.float64], NDArray[np.float64]], str]:
    old = head.trained_shares()
    text = job.prevalence.strip()
    if text != ESTIMATE:
        new, how = parse(text, head.names), "given"
    else:
        shares = predict(head.estimator, X, head.classes).probabilities if X is not None else None
        if shares is None or not len(shares):
            new, how = old, "in training, as there is no valid cell to estimate from"
        else:
            new, how = estimate(shares, old, progress.checkpoint), f"estimated from {len(shares):,} places"
    progress.info(sentence(head.names, new, how))
    return (old, new), how


def drawn(reader: RasterReader, window: Window, progress: Progress) -> NDArray[np.float32]:
    """(n, D) vectors of valid cells drawn evenly from the window; the same at each run."""
    rng = np.random.default_rng(PREVALENCE_SEED)
    blocks = reader.grid.crop(window).blocks(BLOCK_CELLS)
    chosen = np.sort(rng.permutation(len(blocks))[:LOOKED_BLOCKS])
    cells = sum(blocks[index].height * blocks[index].width for index in chosen)
    found = []
    for number, index in enumerate(chosen):
        progress.checkpoint(number / len(chosen), "Estimating how common the classes are")
        block = blocks[index]
        values, valid = reader.read(Window(window.row + block.row, window.col + block.col, block.height, block.width))
        taken = valid & (rng.random(valid.shape) < LOOKED_CELLS / cells)
        found.append(values[:, taken].T)
    return np.concatenate(found)
