"""What a worker does: makes pieces of an embedding one after the other, holds their bytes, writes them where told.

Runs in a process of Dask, several tasks at once in threads; one embedding at a time. What was built for a run is kept
until the run ends.
"""

import os
import pickle  # nosec B403 - of what the scheduler sends, as Dask itself does
import threading
import time
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from distributed import get_worker, secede
from distributed.worker import thread_state
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from ..embedding import Open, Runner, Sample, embed
from ..opening import opener
from ..packing import Packed
from ..progress import Progress
from ..quantise import NODATA_CODE
from ..raster import environment
from ..space import build
from ..tiling import Plan, make_plan
from .errand import Errand, Made
from .luggage import PREFIX
from .pieces import Piece, pieces_of
from .store import Objects, write_blocks

RUNNING = ("executing", "long-running")
"""States of a task that somebody still waits for."""


@dataclass
class _Ready:
    """What was built for one run."""

    errand: Errand
    runner: Runner
    plan: Plan
    pieces: list[Piece]
    open_source: Open


_one_at_a_time = threading.Lock()
_errands: dict[str, Errand] = {}
_ready: dict[str, _Ready] = {}
"""Of one run only: a backbone can be most of what the memory holds."""
_held: dict[tuple[str, int], list[bytes]] = {}


def look(run: str) -> dict[str, Any]:
    """See folder and raster, build the backbone; facts about this worker.

    Raises:
        QuadratError: why this worker cannot help.
    """
    secede()
    worker = get_worker()
    with _one_at_a_time, environment(), threadpool_limits(worker.state.nthreads):
        ready = _prepared(run, worker)
    return {"device": ready.runner.backbone.device, "pid": os.getpid()}


def make(run: str, number: int) -> Made:
    """Make a piece and hold its bytes, or put them into the store.

    Raises:
        QuadratError: as at home.
    """
    worker, key = get_worker(), thread_state.key
    # Other tasks of this worker, which write what is finished, must not wait for this one.
    secede()
    with _one_at_a_time, environment(), threadpool_limits(worker.state.nthreads):
        ready = _prepared(run, worker)
        progress = _progress(worker, key, ready.errand, number)
        progress.checkpoint()
        made, bodies = _make(ready, ready.pieces[number], progress)
    if ready.errand.store:
        Objects(ready.errand.store, run).put(str(number), bodies)
    else:
        _held[run, number] = bodies
    return made


def write(run: str, number: int, offsets: list[int]) -> None:
    """Write a piece that this worker holds, and let go of it.

    Raises:
        Unwritable: as at home.
        BadInput: another run has taken over.
        KeyError: this process never made it.
    """
    errand = _errands[run]
    errand.check_folder()
    write_blocks(errand.part, _held[run, number], offsets)
    del _held[run, number]


def forget(run: str) -> None:
    """The run has ended: let go of everything."""
    _ready.pop(run, None)
    _errands.pop(run, None)
    for key in [key for key in _held if key[0] == run]:
        _held.pop(key, None)


def _prepared(run: str, worker: Any) -> _Ready:
    if run not in _ready:
        # It comes from the scheduler, whose every task is unpickled, and never out of a file.
        errand: Errand = pickle.loads(worker.plugins[PREFIX + run].payload)  # noqa: S301 # nosec B301
        errand.check_libraries()
        if errand.store:
            Objects(errand.store, run).check()
        else:
            errand.check_folder()
        _ready.clear()
        _errands[run] = errand
        _ready[run] = _built(errand, worker.state.nthreads)
    return _ready[run]


def _built(errand: Errand, threads: int) -> _Ready:
    # A hundred workers that fetch the same weights into one store would be in each other's way.
    job = replace(errand.job, threads=threads, download=False)
    pixels = errand.region.height * errand.region.width
    with errand.scene.open() as reader:
        backbone = build(errand.space, errand.scene, reader, lambda: iter(()), job, pixels, Progress())
    plan = make_plan(**errand.plan)
    source = opener(errand.scene, errand.region, errand.grid, job.mask, backbone)
    return _Ready(errand, Runner(backbone, lambda text: None), plan, pieces_of(plan, errand.size), source)


def _make(ready: _Ready, piece: Piece, progress: Progress) -> tuple[Made, list[bytes]]:
    errand, plan, runner = ready.errand, ready.plan, ready.runner
    own = piece.blocks(plan) - errand.done
    others = frozenset(range(len(errand.grid.blocks(plan.block)))) - own
    packed: dict[int, Packed] = {}
    cells: list[int] = []

    def put(index: int, values: NDArray[Any]) -> None:
        cells.append(_cells_with_vector(values))
        packed[index] = errand.packer.pack(values)

    quantiser = errand.space.quantiser if errand.job.storage == "bytes" else None
    runner.log, before = progress.warning, runner.seconds
    embed(plan, runner, Sample(), quantiser, ready.open_source, done=others, put=put, progress=progress)
    order = sorted(packed)
    made = Made(
        np.array(order, np.int64),
        np.array([packed[index].lengths for index in order], np.uint32).reshape(len(order), -1),
        np.array([packed[index].checksum for index in order], np.uint32),
        [packed[index].reduced for index in order],
        sum(cells),
        runner.seconds - before,
    )
    return made, [b"".join(packed[index].segments) for index in order]


def _cells_with_vector(values: NDArray[Any]) -> int:
    first = values[0]
    return int((first != NODATA_CODE).sum() if first.dtype == np.uint8 else (~np.isnan(first)).sum())


class _Abandoned(threading.Event):
    """Set as soon as nobody waits for a task any more: it was cancelled, or who asked for it is gone."""

    def __init__(self, worker: Any, key: Any) -> None:
        super().__init__()
        self._tasks, self._key = worker.state.tasks, key

    def is_set(self) -> bool:
        task = self._tasks.get(self._key)
        return task is None or task.state not in RUNNING


def _progress(worker: Any, key: Any, errand: Errand, number: int) -> Progress:
    """Tells the driver how far a piece is, now and then, and what should be read."""
    last = [time.monotonic()]

    def report(fraction: float, remaining_s: float | None, text: str) -> None:
        if time.monotonic() - last[0] >= errand.every_s:
            last[0] = time.monotonic()
            worker.log_event(PREFIX + errand.run, {"piece": number, "share": fraction})

    def log(level: str, text: str) -> None:
        worker.log_event(PREFIX + errand.run, {"level": level, "text": f"Worker {worker.name}: {text}"})

    return Progress(report, log, _Abandoned(worker, key))
