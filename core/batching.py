"""How many tiles a graphics processor sees at once, found on the raster's own tiles before the plan is settled.

On a CPU the rule of `suitable_batch` holds. What is found here depends on the clock, so it is kept with the space: a
run that goes on makes the same batches. What was seen for it is not used, as its batches are not those of the plan.
"""

import gc
import math
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from typing import Any

import numpy as np

from ..models.contract import Backbone
from ..models.errors import starved
from ..models.torch_tools import free_bytes
from .embedding import Open
from .feeding import Fed, read_ahead
from .progress import Progress
from .tiling import Plan, make_plan, spread

LEAST_S, MOST_S = 0.5, 4.0
"""For the search."""
MOST_SHARE = 0.03
"""Of the time that the whole job is judged to take, for the search; between the two."""
GAIN = 0.03
"""A batch of twice the size must be so much faster to be worth its memory."""
HEARD_S = 0.5
"""A batch takes no longer, or a cancel would wait for it."""
BATCH_BYTES = 64 * 2**20
"""Of pixels, and of vectors, in a batch: several of them wait in memory."""
FREE_SHARE = 0.8
"""Of the processor's free memory that is foreseen to be used at most."""
TIMES = 2
"""A size is seen, the first time to warm up."""

Clock = Callable[[], float]


def batch_for(
    backbone: Backbone, tiling: Mapping[str, Any], open_source: Open, progress: Progress,
    *, clock: Clock = time.perf_counter, free: Callable[[], int | None] | None = None,
) -> int:  # fmt: skip
    """Tiles in a batch.

    Args:
        backbone: that will see them.
        tiling: arguments of `make_plan`; its `batch` is where the search begins, and the answer on a CPU.
        open_source: opens raster and tile source; called in another thread.
        progress: takes a sentence.
        clock: seconds.
        free: bytes that the processor has left; None where nobody can tell.

    Raises:
        MemoryError: (or the library's own) one tile alone does not fit.
    """
    start = int(tiling["batch"])
    if backbone.exact or backbone.device.startswith("CPU"):
        return start
    plan = make_plan(**tiling)
    count = sum(len(batch.tiles) for batch in plan.batches)
    some = _some_tiles(plan, open_source, progress)
    if some is None:
        return start
    search = _Search(backbone, some, count, clock, free or (lambda: free_bytes(backbone.device)))
    found = search.go(min(start, count), progress)
    progress.info(f"{found} tile{'s' if found > 1 else ''} at once: found on {search.seen} tiles.")
    return found


def _some_tiles(plan: Plan, open_source: Open, progress: Progress) -> Fed | None:
    """The first batch in the order of sampling that holds something."""
    order = [plan.batches[index] for index in spread(len(plan.batches))]
    with closing(read_ahead(open_source, order)) as feed:
        for fed in feed:
            progress.checkpoint()
            if fed.tiles:
                return fed
    return None


class _Search:
    """Doubles the batch while that pays.

    Attributes:
        seen: tiles so far.
    """

    def __init__(self, backbone: Backbone, some: Fed, count: int, clock: Clock, free: Callable[[], int | None]) -> None:
        self._backbone, self._some, self._count, self._clock, self._free = backbone, some, count, clock, free
        cells = some.cells[0].size * backbone.embed_dim * 4
        self._most: int = max(min(count, BATCH_BYTES // max(int(some.values[0].nbytes), cells)), 1)
        self._spent = 0.0
        self.seen = 0

    def go(self, start: int, progress: Progress) -> int:
        """The size: from that of the beginning up, or down where that does not fit or keeps a cancel waiting."""
        room = self._free()
        size = min(start, self._most)
        each = self._seconds(size)
        while size > 1 and size * each > HEARD_S:
            progress.checkpoint()
            size //= 2
            each = self._seconds(size)
        budget = float(np.clip(MOST_SHARE * self._count * each, LEAST_S, MOST_S))
        while self._may_double(size, each, budget, room):
            progress.checkpoint()
            faster = self._seconds(2 * size)
            if faster > each * (1 - GAIN):
                break
            size, each = 2 * size, faster
        return size

    def _may_double(self, size: int, each: float, budget: float, room: int | None) -> bool:
        """Whether time and memory will do for twice the size, judged by what this size took."""
        larger = 2 * size
        if larger > self._most or larger * each > HEARD_S or self._spent + TIMES * larger * each > budget:
            return False
        left = self._free()
        return room is None or left is None or 2 * (room - left) <= FREE_SHARE * room

    def _seconds(self, size: int) -> float:
        """For a tile in a batch of that size; infinite where the batch does not fit."""
        places = np.resize(np.arange(len(self._some.tiles)), size)
        values, valid = self._some.values[places], self._some.valid[places]
        best = math.inf
        for _ in range(TIMES):
            started = self._clock()
            try:
                self._backbone(values, valid)
            except Exception as error:
                if size == 1 or not starved(error):
                    raise
                break
            best = min(best, self._clock() - started)
            self._spent += self._clock() - started
            self.seen += size
        else:
            return best / size
        gc.collect()
        return math.inf
