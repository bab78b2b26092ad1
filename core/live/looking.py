"""Cells to look at without reading them: of the view and of the draw, with their vectors and what the head says."""

from typing import Any

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


def held_vectors(session: Session, cells: NDArray[np.int64]) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """(n, D) and (n,) whether each is held by the view and valid."""
    coding = session.reader.coding
    X = np.zeros((len(cells), len(session.reader.bands)), np.float32)
    valid = np.zeros(len(cells), np.bool_)
    for place, (row, col) in enumerate(cells.tolist()):
        held = session.tiles.take(row, col)
        if held is not None and held[1]:
            X[place], valid[place] = held[0] if coding is None else coding.decode_rows(held[0]), True
    return X, valid


def vectors_of(
    session: Session, cells: NDArray[np.int64], progress: Progress
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """As `held_vectors`, of the draw as well."""
    sample, width = session.pool.sample(progress), session.reader.grid.width
    X, valid = held_vectors(session, cells)
    row_of = {number: place for place, number in enumerate((sample.cells @ (width, 1)).tolist())}
    drawn = np.array([row_of.get(number, -1) for number in (cells @ (width, 1)).tolist()], dtype=np.int64)
    X[drawn >= 0], valid[drawn >= 0] = sample.X[drawn[drawn >= 0]], True
    return X, valid


def cell_of(session: Session, row: int, col: int) -> tuple[NDArray[Any], bool]:
    """(D,) code or float32 of one cell, and whether it is valid; of the view, else read, and not kept."""
    held = session.tiles.take(row, col)
    if held is not None:
        return held
    window = Window(row, col, 1, 1)
    reader = session.reader
    values, valid = reader.read(window) if reader.coding is None else reader.read_codes(window)
    return values[:, 0, 0], bool(valid[0, 0])


def said_of(session: Session, head: LiveHead, X: NDArray[np.float32]) -> Predicted:
    """What the head says of vectors; for choices and plots, so not by the kernel of codes."""
    return predict(head.estimator, X, head.classes, session.crew)
