"""Where to label next: the strategies of `core/active` on cells of the view and of the whole raster."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..active.pool import Known as KnownPlaces
from ..active.pool import Pool, Taught, suggest
from ..active.registry import STRATEGIES
from ..errors import BadJob
from ..footing import Footing
from ..places import cell_area, ground
from ..prediction import Predicted
from ..progress import Progress
from ..samples import Samples
from .fitting import LiveHead
from .looking import cells_of_view, said_of, vectors_of
from .messages import Next, Places
from .pool import CELLS
from .session import Session

SPACING_CELLS = 3
"""Neighbours look alike and lie in the same mixed pixels."""
FEWEST = 50
"""Drawn cells from which components are learnt."""
CELLS_TAUGHT = 2000
"""Samples that strategies fit heads on; of more, so many are drawn."""


def places(session: Session, ask: Next, progress: Progress) -> Places:
    """The most useful cells.

    Raises:
        BadJob: there is no such strategy.
    """
    if ask.strategy not in STRATEGIES:
        raise BadJob(f"There is no strategy '{ask.strategy}'. Choose one of: {', '.join(STRATEGIES)}.")
    card, head = STRATEGIES[ask.strategy], session.head(progress)
    if (card.needs_head or card.needs_labels) and (head is None or not head.classes):
        return Places(why=f"'{card.title}' needs labels of at least two classes.")
    cells = _open_cells(session, ask, progress.part(0.0, 0.4))
    X, valid = vectors_of(session, cells, progress.part(0.4, 0.6))
    cells, X = cells[valid], X[valid]
    if not len(cells):
        return Places(why="There is no cell left to suggest: all are labelled, skipped or without data.")
    said = None if head is None else said_of(session, head, X)
    pool = _pool(session, X, cells, said, progress)
    spacing = SPACING_CELLS * float(np.sqrt(cell_area(session.reader.grid)))
    found = suggest(ask.strategy, pool, max(ask.count, 1), spacing, progress.part(0.6, 1.0))
    guesses = [_guess(head, said, pick.index) for pick in found.picks]
    return Places(
        tuple(
            {"row": int(cells[pick.index, 0]), "col": int(cells[pick.index, 1]), **guess, "reason": pick.why}
            for pick, guess in zip(found.picks, guesses, strict=True)
        ),
        "" if found.picks else "There is no cell left to suggest.",
    )


def _open_cells(session: Session, ask: Next, progress: Progress) -> NDArray[np.int64]:
    """(n, 2) cells of the draw and of the view, neither labelled nor skipped, inside the window."""
    width = session.reader.grid.width
    drawn = session.pool.sample(progress).cells
    every = np.unique(np.concatenate([drawn, cells_of_view(session, ask.window, CELLS)]), axis=0)
    if ask.window:
        row, col, height, wide = ask.window
        inside = (every[:, 0] >= row) & (every[:, 0] < row + height) & (every[:, 1] >= col)
        every = every[inside & (every[:, 1] < col + wide)]
    skipped = np.array(ask.skipped, np.int64).reshape(-1, 2)
    taken = np.concatenate([session.labels.known_cells(), skipped]) @ (width, 1)
    return every[~np.isin(every @ (width, 1), taken)]


def _pool(
    session: Session, X: NDArray[np.float32], cells: NDArray[np.int64], said: Predicted | None, progress: Progress
) -> Pool:
    grid = session.reader.grid
    burnt = session.labels.burnt
    vectors, valid = session.labels.vectors(burnt.cells, session.tiles, progress)
    own_units = session.space.own_units
    enough = len(session.pool.sample(progress).X) >= FEWEST
    footing = session.pool.footing(progress) if enough else Footing.fit(X, own_units)
    shares = None if said is None or said.probabilities is None else np.ascontiguousarray(said.probabilities)
    known = KnownPlaces(footing(vectors[valid]), burnt.labels[valid], ground(grid, session.labels.known_cells()))
    taught = None
    if shares is not None:
        taught = _taught(session.labels.samples(), own_units, session.job.seed)
    return Pool(X, footing(X), ground(grid, cells), known, session.job.seed, shares, taught)


def _taught(samples: Samples, own_units: bool, seed: int) -> Taught:
    rng = np.random.default_rng([seed, 15])
    few = np.sort(rng.permutation(len(samples.y))[:CELLS_TAUGHT])
    return Taught(samples.X[few], samples.y[few], samples.groups[few], own_units)


def _guess(head: LiveHead | None, said: Predicted | None, index: int) -> dict[str, Any]:
    """What a candidate seems to be."""
    if head is None or said is None:
        return {"guess": None, "probability": None}
    if said.probabilities is None:
        return {"guess": float(said.values[index]), "probability": None}
    names = {entry.value: entry.name for entry in head.classes}
    return {"guess": names[int(said.values[index])], "probability": round(float(said.confidence[index]), 4)}
