"""The embedding in two dimensions: cells of the view and all labelled ones."""

import numpy as np
from numpy.typing import NDArray

from ..footing import Footing
from ..progress import Progress
from .looking import cells_of_view, said_of, vectors_of
from .messages import Cloud, Scatter
from .session import Session

FEWEST = 3
"""Cells from which two components are learnt."""


def cloud(session: Session, ask: Scatter, progress: Progress) -> Cloud:
    """Points of the plot; labelled cells first, each with the class that the map shows."""
    sample = session.pool.sample(progress)
    if len(sample.X) < FEWEST or len(session.reader.bands) < 2:
        return Cloud(why="A scatter needs two bands or more, and some valid cells.")
    footing = session.pool.flat(progress)
    labels, burnt = session.labels, session.labels.burnt
    X, valid = labels.vectors(burnt.cells, session.tiles, progress)
    names = [burnt.names[int(y)] if burnt.names else f"{y:g}" for y in burnt.y[valid]]
    cells, vectors = _others(session, ask, progress)
    cells, vectors = np.concatenate([burnt.cells[valid], cells]), np.concatenate([X[valid], vectors])
    if not len(cells):
        return Cloud(why="No cell of the view holds data.")
    flat = footing(vectors).astype(float)
    return Cloud(
        tuple(flat[:, 0].tolist()), tuple(flat[:, 1].tolist()), tuple(cells[:, 0].tolist()),
        tuple(cells[:, 1].tolist()), tuple(names) + ("",) * (len(cells) - len(names)),
        _mapped(session, vectors, progress), _explained(footing),
    )  # fmt: skip


def _others(session: Session, ask: Scatter, progress: Progress) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Cells of the window (empty: of the view) with their vectors."""
    cells = cells_of_view(session, ask.window, max(ask.count, 0))
    X, valid = vectors_of(session, cells, progress)
    return cells[valid], X[valid]


def _mapped(session: Session, vectors: NDArray[np.float32], progress: Progress) -> tuple[str, ...]:
    head = session.head(progress)
    if head is None or not head.classes:
        return ("",) * len(vectors)
    names = {entry.value: entry.name for entry in head.classes}
    return tuple(names[int(value)] for value in said_of(session, head, vectors).values)


def _explained(footing: Footing) -> float:
    return round(float(footing.explained), 4)
