"""What is known of one cell: what the head says, and the labelled cells that look most like it."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import BadInput
from ..footing import Footing, unit
from ..grid import Window
from ..progress import Progress
from .fitting import LiveHead
from .messages import At, Known
from .session import Session

FEWEST = 50
"""Cells from which a mean and a spread are learnt; below, likeness rests on the labelled cells as well."""


def known(session: Session, ask: At, progress: Progress) -> Known:
    """Of one cell."""
    grid = session.reader.grid
    if not (0 <= ask.row < grid.height and 0 <= ask.col < grid.width):
        return Known(ask.row, ask.col, False)
    X, valid = session.labels.vectors(np.array([[ask.row, ask.col]], np.int64), session.tiles, progress)
    if not valid[0]:
        return Known(ask.row, ask.col, False)
    head, alike = session.head(progress), _nearest(session, X, ask, progress)
    if head is None:
        return Known(ask.row, ask.col, True, nearest=alike)
    probabilities, value = said(session, head, ask.row, ask.col, X)
    return Known(ask.row, ask.col, True, probabilities, value, alike)


def said(
    session: Session, head: LiveHead, row: int, col: int, X: NDArray[np.float32]
) -> tuple[tuple[float, ...], float | None]:
    """Probabilities in the order of the class bytes, or the value, of one cell; by the kernel that paints."""
    cells: NDArray[Any] = X
    if session.reader.coding is not None:
        held = session.tiles.take(row, col)
        cells = held[0][None] if held is not None else _codes(session, row, col)
    found = session.brush(head, 0.0).said(np.ascontiguousarray(cells))
    if found.probabilities is None:
        return (), float(found.values[0])
    share = {entry.name: float(p) for entry, p in zip(head.classes, found.probabilities[0], strict=True)}
    return tuple(share.get(name, 0.0) for name in session.labels.classes), None


def _codes(session: Session, row: int, col: int) -> NDArray[np.uint8]:
    return session.reader.read_codes(Window(row, col, 1, 1))[0][:, 0, 0][None]


def footing_of(session: Session, X: NDArray[np.float32], progress: Progress) -> Footing:
    """The session's, or one of these vectors where the draw holds too little.

    Raises:
        BadInput: there is nothing to learn from.
    """
    if len(session.pool.sample(progress).X) >= FEWEST:
        return session.pool.footing(progress)
    every = np.concatenate([session.pool.sample(progress).X, X])
    if not len(every):
        raise BadInput("The embedding holds no valid cell that could be compared.")
    return Footing.fit(every, session.space.own_units)


def _nearest(session: Session, X: NDArray[np.float32], ask: At, progress: Progress) -> tuple[dict[str, Any], ...]:
    """One cell for each label, the most alike first."""
    burnt = session.labels.burnt
    if not len(burnt.cells) or ask.nearest < 1:
        return ()
    vectors, valid = session.labels.vectors(burnt.cells, session.tiles, progress)
    at = np.flatnonzero(valid)
    if not len(at):
        return ()
    footing = footing_of(session, vectors[at], progress)
    likeness = unit(footing(vectors[at])) @ unit(footing(X))[0]
    found: list[dict[str, Any]] = []
    seen: set[int] = set()
    for place in np.argsort(-likeness, kind="stable"):
        number = int(burnt.labels[at[place]])
        if number in seen:
            continue
        seen.add(number)
        row, col = (int(v) for v in burnt.cells[at[place]])
        y: Any = float(burnt.y[at[place]])
        y = burnt.names[int(y)] if burnt.names else y
        alike = round(float(likeness[place]), 4)
        found.append({"id": session.labels.id_of(number), "row": row, "col": col, "y": y, "likeness": alike})
        if len(found) == ask.nearest:
            break
    return tuple(found)
