"""What is known of one cell: what the head says, and the labelled cells that look most like it."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..footing import Footing, unit
from ..progress import Progress
from .fitting import LiveHead
from .looking import cell_of, cells_of_view, held_vectors
from .messages import At, Known
from .session import Session

VIEW_CELLS = 1000
"""From which mean and spread are learnt, along with the labelled cells: a hover shall not wait for a draw."""


def known(session: Session, ask: At, progress: Progress) -> Known:
    """Of one cell."""
    grid = session.reader.grid
    if not (0 <= ask.row < grid.height and 0 <= ask.col < grid.width):
        return Known(ask.row, ask.col, False)
    cell, valid = cell_of(session, ask.row, ask.col)
    if not valid:
        return Known(ask.row, ask.col, False)
    head, alike = session.head(progress), _nearest(session, cell, ask.nearest, progress)
    if head is None:
        return Known(ask.row, ask.col, True, nearest=alike)
    probabilities, value = _said(session, head, cell)
    return Known(ask.row, ask.col, True, probabilities, value, alike)


def _said(session: Session, head: LiveHead, cell: NDArray[Any]) -> tuple[tuple[float, ...], float | None]:
    """Probabilities in the order of the class bytes, or the value; by the kernel that paints."""
    found = session.brush(head, 0.0).said(np.ascontiguousarray(cell[None]))
    if found.probabilities is None:
        return (), float(found.values[0])
    share = {entry.name: float(p) for entry, p in zip(head.classes, found.probabilities[0], strict=True)}
    return tuple(share.get(name, 0.0) for name in session.labels.classes), None


def _nearest(session: Session, cell: NDArray[Any], count: int, progress: Progress) -> tuple[dict[str, Any], ...]:
    """One cell for each label, the most alike first."""
    burnt, coding = session.labels.burnt, session.reader.coding
    if not len(burnt.cells) or count < 1:
        return ()
    vectors, valid = session.labels.vectors(burnt.cells, session.tiles, progress)
    at = np.flatnonzero(valid)
    if not len(at):
        return ()
    around = held_vectors(session, cells_of_view(session, (), VIEW_CELLS))
    footing = Footing.fit(np.concatenate([around[0][around[1]], vectors[at]]), session.space.own_units)
    X = (cell if coding is None else coding.decode_rows(cell))[None]
    likeness = unit(footing(vectors[at])) @ unit(footing(X))[0]
    found: dict[int, dict[str, Any]] = {}
    for place in np.argsort(-likeness, kind="stable"):
        number, alike = int(burnt.labels[at[place]]), round(float(likeness[place]), 4)
        if number not in found:
            row, col = burnt.cells[at[place]].tolist()
            y: Any = float(burnt.y[at[place]])
            y = burnt.names[int(y)] if burnt.names else y
            found[number] = {"id": session.labels.id_of(number), "row": row, "col": col, "y": y, "likeness": alike}
        if len(found) == count:
            break
    return tuple(found.values())
