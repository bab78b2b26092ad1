"""Cells to look at without reading them: of the view and of the draw, with their vectors and what the head says."""

import numpy as np
from numpy.typing import NDArray

from ..grid import Window
from ..prediction import Predicted, predict
from ..progress import Progress
from .fitting import LiveHead
from .session import Session


def cells_of_view(session: Session, window: tuple[int, ...], most: int) -> NDArray[np.int64]:
    """(n, 2) cells of the raster, drawn evenly from what the view shows.

    Args:
        session: whose view.
        window: row, col, height, width in the raster to stay in; empty: the whole view.
        most: cells.
    """
    step, view = session.tiles.step, session.window
    if window:
        view = view.intersection(Window(*(-(-value // step) for value in window))) or Window(0, 0, 0, 0)
    total = view.height * view.width
    rng = np.random.default_rng([session.job.seed, 14])
    flat = np.sort(rng.choice(total, min(most, total), replace=False)) if total else np.empty(0, np.int64)
    rows, cols = np.divmod(flat, max(view.width, 1))
    cells = step * np.stack([rows + view.row, cols + view.col], axis=1)
    grid = session.reader.grid
    return cells[((cells >= 0) & (cells < (grid.height, grid.width))).all(axis=1)]


def vectors_of(
    session: Session, cells: NDArray[np.int64], progress: Progress
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """(n, D) and (n,) whether each is known and valid; from the draw, else from the view."""
    sample, coding, width = session.pool.sample(progress), session.reader.coding, session.reader.grid.width
    row_of = {number: place for place, number in enumerate((sample.cells @ (width, 1)).tolist())}
    X = np.zeros((len(cells), len(session.reader.bands)), np.float32)
    valid = np.zeros(len(cells), np.bool_)
    for place, (row, col) in enumerate(cells.tolist()):
        if (drawn := row_of.get(row * width + col)) is not None:
            X[place], valid[place] = sample.X[drawn], True
        elif (held := session.tiles.take(row, col)) is not None and held[1]:
            X[place], valid[place] = held[0] if coding is None else coding.decode_rows(held[0]), True
    return X, valid


def said_of(session: Session, head: LiveHead, X: NDArray[np.float32]) -> Predicted:
    """What the head says of vectors; for choices and plots, so not by the kernel of codes."""
    return predict(head.estimator, X, head.classes, session.crew)
