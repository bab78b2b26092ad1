"""One embedding made by many workers: who makes which piece, what comes back, and what happens when one is lost.

The driver, which is the process that was asked, hears of each piece only how long its blocks are and what the overviews
need; it reserves room in the file of blocks, and the worker that holds the piece writes it there.
"""

import contextlib
import functools
import os
import pickle  # nosec B403 - written here, read by workers as all that Dask sends
import queue
import threading
import time
import uuid
from collections import deque
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..errors import QuadratError, Unwritable, WorkerDied
from ..grid import Grid, Window
from ..jobs.embed import EmbedRaster
from ..progress import Progress
from ..scene import Scene
from ..space import Space
from ..tiling import Plan, make_plan
from ..wording import counted
from ..writing import BlockWriter
from .errand import Errand, Made, libraries, sign_path
from .luggage import PREFIX, caller, luggage
from .pieces import pieces_of, size_of_pieces
from .store import Objects, write_blocks

WORK = "quadrat.core.cluster.work"
AHEAD = 2
"""Pieces that a worker has at once: one under work, one waiting or being written."""
TRIES = 3
LOOK_S = 0.1
WORKERS_S = 1.0
CANCEL_S, LEAVE_S = 0.3, 10.0
"""For telling workers that the run is over: after a cancel or an error, and when all is done."""
REPORTS_A_SECOND = 10
WAIT_S = 600.0
"""Without any worker, for so long; Dask's setting `quadrat.wait` changes it."""
ROOT = Path(__file__).resolve().parents[2]


@dataclass
class Hand:
    """A worker as the driver knows it."""

    name: str
    ready: bool = False
    pieces: dict[int, Any] = field(default_factory=dict)
    """Future of what is being done for each piece that it has."""


@dataclass
class Spent:
    """What came of it."""

    cells: int = 0
    forward_s: float = 0.0
    devices: list[str] = field(default_factory=list)


def spread(
    client: Any, job: EmbedRaster, space: Space, scene: Scene, region: Window, grid: Grid, tiling: Mapping[str, Any],
    writer: BlockWriter, progress: Progress,
) -> int:  # fmt: skip
    """Have the workers of a scheduler make all blocks that are not done.

    Args:
        client: of the scheduler.
        job: that was asked for.
        space: settled.
        scene: files and bands.
        region: the pixels that the output covers.
        grid: of the output.
        tiling: arguments of `make_plan`.
        writer: that takes the blocks.
        progress: heard for a cancel several times a second.

    Returns:
        Number of cells that got a vector in this run.

    Raises:
        Cancelled: the user stopped the job.
        QuadratError: no worker can help, or the work itself fails.
    """
    plan, workers = make_plan(**tiling), max(len(client.nthreads()), 1)
    errand = Errand(
        uuid.uuid4().hex, job, space, scene, region, grid, tiling, size_of_pieces(plan, workers, tiling["itemsize"]),
        writer.done, writer.packer, job.store, libraries(("numpy", "rasterio", *space.card.requirements)),
        max(workers / REPORTS_A_SECOND, 0.5),
    )  # fmt: skip
    return Spread(client, errand, plan, writer, progress).run().cells


class Spread:
    """One run.

    Args of the constructor:
        client: of the scheduler.
        errand: what workers are told.
        plan: of the whole output.
        writer: that takes the blocks.
        progress: of the loop.
    """

    def __init__(self, client: Any, errand: Errand, plan: Plan, writer: BlockWriter, progress: Progress) -> None:
        self._client, self._errand, self._writer, self._progress = client, errand, writer, progress
        blocks = [piece.blocks(plan) - errand.done for piece in pieces_of(plan, errand.size)]
        self._todo = deque(number for number, own in enumerate(blocks) if own)
        self._weights = {number: len(blocks[number]) for number in self._todo}
        self._left = set(self._todo)
        self._shares: dict[int, float] = {}
        self._tries = dict.fromkeys(self._todo, 0)
        self._hands: dict[str, Hand] = {}
        self._made: dict[int, Made] = {}
        self._news: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._objects = Objects(errand.store, errand.run) if errand.store else None
        self._call, self._spent = caller(), Spent()
        self._looked_s = self._alone_since = time.monotonic()
        self._refusals: dict[str, QuadratError] = {}
        self._fetch = ThreadPoolExecutor(2, "fetch")

    def run(self) -> Spent:
        """Have all pieces made and written.

        Raises:
            Cancelled: the user stopped the job.
            QuadratError: no worker can help, or the work itself fails.
        """
        topic, sign = PREFIX + self._errand.run, sign_path(self._errand.job.output)
        try:
            sign.write_text(self._errand.run, encoding="ascii")
        except OSError as error:
            raise Unwritable(f"{sign} cannot be written: {error.strerror or error}.") from error
        left_s = CANCEL_S
        try:
            self._client.subscribe_topic(topic, lambda event: self._news.put(lambda: self._heard(event[1])))
            payload = pickle.dumps(self._errand)
            self._client.register_plugin(
                luggage(self._errand.run, str(ROOT), os.environ.get("QUADRAT_HOME", ""), payload)
            )
            self._loop()
            left_s = LEAVE_S
        finally:
            sign.unlink(missing_ok=True)
            self._leave(topic, left_s)
        return self._spent

    def _loop(self) -> None:
        self._look_round()
        while self._left:
            self._progress.checkpoint(self._share())
            with contextlib.suppress(queue.Empty):
                self._news.get(timeout=LOOK_S)()
            if time.monotonic() - self._looked_s >= WORKERS_S:
                self._look_round()
            self._hand_out()

    def _share(self) -> float:
        total = sum(self._weights.values())
        return sum(self._shares.get(number, 0.0) * weight for number, weight in self._weights.items()) / max(total, 1)

    # ---- workers that come and go

    def _look_round(self) -> None:
        """See which workers there are; what a lost one had is given to others."""
        self._looked_s = time.monotonic()
        try:
            there = self._client.scheduler_info(n_workers=-1)["workers"]
        except (OSError, TimeoutError, AttributeError) as error:
            raise self._gone() from error
        if self._client.status != "running":
            raise self._gone()
        for address in [address for address in self._hands if address not in there]:
            self._lost(address)
        for address, facts in there.items():
            if address not in self._hands and address not in self._refusals:
                self._hands[address] = Hand(str(facts.get("name", address)))
                future = self._submit(address, "look", f"look-{len(self._hands)}-{time.time_ns()}")
                self._hands[address].pieces[-1] = future
                self._when_done(future, functools.partial(self._looked, address))
        self._check_alone()

    def _check_alone(self) -> None:
        if self._hands:
            self._alone_since = time.monotonic()
            return
        if self._refusals:
            raise next(iter(self._refusals.values()))
        waited = time.monotonic() - self._alone_since
        if waited < WORKERS_S:
            self._progress.warning("The scheduler has no workers; waiting for some to join.")
            self._alone_since -= WORKERS_S
        if waited > _patience_s():
            raise WorkerDied(
                f"No worker has joined for {_patience_s() / 60:.0f} minutes. What was finished is kept: start workers, "
                "or leave 'Scheduler' empty, and run the same job again."
            )

    def _looked(self, address: str, future: Any) -> None:
        hand = self._hands.get(address)
        if hand is None:
            return
        hand.pieces.pop(-1, None)
        try:
            facts = future.result()
        except Exception as error:  # noqa: BLE001 - whatever keeps a worker from helping is told, and others go on
            self._refuse(address, error)
            return
        hand.ready = True
        if facts["device"] not in self._spent.devices:
            self._spent.devices.append(facts["device"])
            if len(self._spent.devices) > 1:
                self._progress.warning(
                    f"The workers run on different devices ({'; '.join(self._spent.devices)}), whose last digits may "
                    "differ."
                )

    def _refuse(self, address: str, error: BaseException) -> None:
        """Leave a worker out."""
        hand = self._hands.pop(address)
        why = _plain(error).rstrip(".")
        kind = type(error) if isinstance(error, QuadratError) else QuadratError
        self._refusals[address] = kind(f"Worker {hand.name} cannot help: {why}.")
        self._progress.warning(f"{self._refusals[address]} It is left out.")
        self._check_alone()

    def _lost(self, address: str) -> None:
        hand = self._hands.pop(address)
        numbers = [number for number in hand.pieces if number >= 0]
        self._progress.warning(f"Worker {hand.name} is gone; {counted(len(numbers), 'piece')} of its work to do again.")
        for number in numbers:
            self._again(number, WorkerDied(f"Worker {hand.name} ended."))

    def _again(self, number: int, error: BaseException) -> None:
        """Give a piece out anew, unless it failed too often."""
        self._tries[number] += 1
        self._shares.pop(number, None)
        self._made.pop(number, None)
        if self._tries[number] >= TRIES:
            if isinstance(error, QuadratError) and not isinstance(error, WorkerDied):
                raise error
            raise WorkerDied(
                f"One piece of the work failed {TRIES} times on different workers, the last time so: {_plain(error)} "
                "If workers ended, they most likely lacked memory: give fewer tiles in a batch, or workers more. What "
                "was finished is kept."
            ) from error
        self._todo.appendleft(number)

    # ---- pieces

    def _hand_out(self) -> None:
        """Give each worker what it can have at once, the next piece to who has least.

        The last pieces are kept for who is free first: also for those that are still loading their libraries.
        """
        for ahead in range(AHEAD):
            for address, hand in self._hands.items():
                if ahead and len(self._todo) < len(self._hands):
                    return
                if hand.ready and self._todo and len(hand.pieces) == ahead:
                    number = self._todo.popleft()
                    hand.pieces[number] = future = self._submit(address, "make", self._key(number, "make"), number)
                    self._when_done(future, functools.partial(self._piece_made, address, number))

    def _piece_made(self, address: str, number: int, future: Any) -> None:
        made: Made | None = self._answer(address, number, future)
        if made is None:
            return
        self._made[number] = made
        blocks = zip(made.blocks.tolist(), made.lengths.tolist(), made.checksums.tolist(), strict=True)
        offsets = [self._writer.reserve(*block) for block in blocks]
        if self._objects is None:
            future = self._submit(address, "write", self._key(number, "write"), number, offsets)
        else:
            future = self._fetch.submit(self._bring, self._objects, number, made, offsets)
        self._hands[address].pieces[number] = future
        self._when_done(future, functools.partial(self._piece_written, address, number))

    def _bring(self, objects: Objects, number: int, made: Made, offsets: list[int]) -> None:
        """Take a piece from the store and write it."""
        bodies = objects.take(str(number), made.lengths.sum(axis=1, dtype=int).tolist(), made.checksums.tolist())
        write_blocks(self._errand.part, bodies, offsets)

    def _piece_written(self, address: str, number: int, future: Any) -> None:
        if self._answer(address, number, future, gives=False) is None:
            return
        self._hands[address].pieces.pop(number)
        made = self._made.pop(number)
        for index, reduced in zip(made.blocks.tolist(), made.reduced, strict=True):
            self._writer.written(index, reduced)
        self._spent.cells += made.cells
        self._spent.forward_s += made.seconds
        self._shares[number] = 1.0
        self._left.remove(number)

    def _answer(self, address: str, number: int, future: Any, gives: bool = True) -> Any:
        """Result of a task, or None when it is not the one that is waited for, or must be done again."""
        hand = self._hands.get(address)
        if hand is None or hand.pieces.get(number) is not future or future is None:
            return None
        try:
            result = future.result()
        except Unwritable:
            raise
        except Exception as error:
            if self._client.status != "running":
                raise self._gone() from error
            hand.pieces.pop(number)
            self._progress.warning(f"Worker {hand.name} failed with a piece of the work: {_plain(error)}")
            self._again(number, error)
            return None
        return result if gives else True

    def _heard(self, message: dict[str, Any]) -> None:
        """A worker's report."""
        if "share" in message:
            number = int(message["piece"])
            if number in self._left:
                self._shares[number] = min(float(message["share"]), 0.99)
        else:
            (self._progress.warning if message["level"] == "warning" else self._progress.info)(str(message["text"]))

    # ---- messages

    def _submit(self, address: str, what: str, key: str, *args: Any) -> Any:
        return self._client.submit(
            self._call, f"{WORK}:{what}", self._errand.run, *args,
            key=f"{PREFIX}{self._errand.run}-{key}", workers=[address], pure=False,
        )  # fmt: skip

    def _key(self, number: int, what: str) -> str:
        return f"{what}-{number}-{self._tries[number]}"

    def _when_done(self, future: Any, then: Callable[[Any], None]) -> None:
        future.add_done_callback(lambda done: self._news.put(functools.partial(then, done)))

    def _gone(self) -> WorkerDied:
        return WorkerDied(
            f"The scheduler at {self._errand.job.scheduler} does not answer any more. What was finished is kept: run "
            "the same job again, with the scheduler when it is back, or without one."
        )

    def _leave(self, topic: str, wait_s: float) -> None:
        """Tell workers that nobody waits any more; those that do not listen are not waited for long."""
        self._fetch.shutdown(wait=False, cancel_futures=True)
        thread = threading.Thread(target=self._take_leave, args=[topic], name="leave", daemon=True)
        thread.start()
        thread.join(wait_s)

    def _take_leave(self, topic: str) -> None:
        # The run is over: what it raised counts, not how it was left.
        with contextlib.suppress(Exception):
            futures = [future for hand in self._hands.values() for future in hand.pieces.values()]
            self._client.cancel([future for future in futures if hasattr(future, "key")])
            self._client.unsubscribe_topic(topic)
            self._client.unregister_worker_plugin(topic)
        with contextlib.suppress(QuadratError):
            if self._objects is not None:
                self._objects.clear()


def _patience_s() -> float:
    import dask

    return float(dask.utils.parse_timedelta(dask.config.get("quadrat.wait", WAIT_S)))


def _plain(error: BaseException) -> str:
    """What an error says, as a sentence."""
    if isinstance(error, ModuleNotFoundError) and (error.name or "").startswith("quadrat"):
        return (
            "it does not know Quadrat. Install Quadrat there, or let its machine see Quadrat's folder "
            f"({ROOT}) at the same path."
        )
    text = str(error) if isinstance(error, QuadratError) else f"{type(error).__name__}: {error}"
    return text if text.endswith(".") else f"{text}."
