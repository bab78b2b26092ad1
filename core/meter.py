"""What a run of embedding takes, step by step, told in units that hold for other rasters too; see `speeds.Speed`."""

import contextlib
import importlib
import threading
import time
from collections.abc import Sequence
from pathlib import Path

from rasterio.errors import RasterioError

from ..models.crew import thread_count
from ..models.torch_tools import import_timm
from .embedding import Runner, Sample
from .errors import Cancelled
from .jobs.addresses import is_remote
from .overviews import step_for
from .packing import Packer
from .progress import Progress
from .quantise import Quantiser
from .raster import open_dataset
from .speeds import Speed, unloaded
from .tiling import Plan
from .trialblock import packed

CLOCK = time.monotonic
"""Seconds of the wall; where neighbours disturb, measurements of the forecast itself take those of the processor."""
FEW_TILES = 3
"""Of fewer tiles after the sample nothing is told."""
LEAST_S = 1e-6
SAMPLE_PART = 0.5
"""Of the time for a measurement, at most."""


def seen_mpx(rows: Sequence[int], cols: Sequence[int], patch: int, halo: int) -> float:
    """Millions of pixels that a backbone gets to see, those counted several times that tiles share.

    Args:
        rows: heights of the rows of tiles in cells, see `tiling.tile_sides`.
        cols: widths of the tiles in a row.
        patch: pixels to a cell.
        halo: pixels of context on each side of a tile.
    """
    down, across = (sum(side * patch + 2 * halo for side in sides) for sides in (rows, cols))
    return float(down * across / 1e6)


def with_overviews(height: int, width: int, bands: int) -> float:
    """Bytes of a raster and its overviews, for each byte of the raster itself."""
    step = step_for(height, width, bands)
    return 1.0 + 1.0 / (step**2 - 1) if step else 1.0


def reading_of(path: str) -> str:
    """What decides how fast a raster can be read: driver, type, compression, layout, and whether it is far away."""
    far = "far" if is_remote(path) else ""
    facts: tuple[str, ...] = (Path(path).suffix,)
    with contextlib.suppress(RasterioError), open_dataset(path) as file:
        facts = (
            file.driver, file.dtypes[0], getattr(file.compression, "name", ""),
            getattr(file.interleaving, "name", ""), "x".join(map(str, file.block_shapes[0])), f"{file.count} bands",
        )  # fmt: skip
    return " ".join(part for part in (far, *facts) if part)


class Meter:
    """The clock of one run.

    Attributes:
        spans: seconds of each step that is over.
        whole: the run goes to its end, so that there must be room for all of it.
    """

    whole = True

    def __init__(self) -> None:
        self.spans: dict[str, float] = {}
        self._loading_s: float | None = None
        self._last = CLOCK()
        self._runner: Runner | None = None
        """From `begin` on."""
        self._tile_mpx = 0.0
        self._tiles = 0
        """Of the plan."""
        self._sampled = 0
        self._whole_sample = True
        self._stored_share: float | None = None

    def load(self, backbone: str) -> "Meter":
        """Load the libraries of a backbone now, so that building it is not charged with them."""
        started, names = CLOCK(), unloaded(backbone)
        for name in names:
            import_timm() if name == "timm" else importlib.import_module(name)
        self._last = CLOCK()
        self._loading_s = self._last - started if names else None
        return self

    def take(self, name: str) -> None:
        """Give the time since the last call to a step."""
        now = CLOCK()
        self.spans[name], self._last = round(now - self._last, 4), now
        if name == "sample" and self._runner is not None:
            self._sampled = self._runner.tiles

    def begin(self, runner: Runner, plan: Plan) -> None:
        """The backbone is built, and nothing is seen yet."""
        self.take("backbone")
        self._runner = runner
        patch, halo = runner.backbone.patch_size_px, 2 * runner.backbone.halo_px
        tiles = [tile for batch in plan.batches for tile in batch.tiles]
        self._tiles = len(tiles)
        mpx = sum((tile.height * patch + halo) * (tile.width * patch + halo) for tile in tiles) / 1e6
        self._tile_mpx = mpx / self._tiles

    def enough(self) -> bool:
        """Whether the sample may end early: never, in a run that is no measurement."""
        return False

    def settled(self, drawn: Sample, quantiser: Quantiser | None, packer: Packer) -> None:
        """What the sample told is fitted, and the file is open."""
        self.take("settle")

    def speed(self, stored: int = 0, vectors: float = 0.0) -> Speed:
        """What was measured.

        Args:
            stored: bytes in the file that was finished; 0: none was.
            vectors: bytes of the vectors in it, with overviews.
        """
        backbone, spans = self._run.backbone, self.spans
        start = spans["backbone"] + spans.get("checks", 0.0)
        sample, loop = self._rates()
        working = spans["sample"] + spans.get("embedding", 0.0)
        whole = self._whole_sample and self._sampled < self._tiles
        return Speed(
            backbone.device, backbone.embed_dim, backbone.patch_size_px, backbone.tile_size_px, backbone.halo_px,
            backbone.exact,
            build_s=start, cold_s=None if self._loading_s is None else self._loading_s + start,
            settle_s=spans.get("settle", 0.0) + self._start_s(),
            sample_s=sample, loop_s=loop,
            sample_mpx=self._sampled * self._tile_mpx if whole else None,
            forward_share=min(self._run.seconds / max(working, LEAST_S), 1.0),
            stored_share=stored / vectors if stored and vectors else self._stored_share,
            close_s=spans["file"] / stored * 1e9 if stored and "file" in spans else None,
        )  # fmt: skip

    @property
    def _run(self) -> Runner:
        if self._runner is None:
            raise RuntimeError("The clock of a run was read before the run began.")
        return self._runner

    def to_go_s(self, known: Speed | None) -> float:
        """Seconds that are left when the sample is there, from how long that took.

        Args:
            known: of earlier runs: what comes after the sample may be faster or slower than that.
        """
        left = max(self._tiles - self._run.tiles, 0)
        if not left or not self._run.tiles:
            return 0.0
        ratio = known.loop_s / known.sample_s if known and known.loop_s and known.sample_s else 1.0
        return self.spans["sample"] / self._run.tiles * left * ratio

    def _start_s(self) -> float:
        """Seconds that the first tiles took more than others."""
        return 0.0

    def _rates(self) -> tuple[float | None, float | None]:
        """Seconds for a million pixels, in the sample and after it."""
        after = self._run.tiles - self._sampled
        sample, loop = self.spans["sample"], self.spans.get("embedding", 0.0)
        if after < FEW_TILES:
            # What the loop does with tiles that were sampled is little, but belongs to them.
            return (sample + loop) / max(self._run.tiles * self._tile_mpx, LEAST_S), None
        return sample / max(self._sampled * self._tile_mpx, LEAST_S), loop / (after * self._tile_mpx)


class Probe(Meter):
    """A meter that ends the run when enough is known; see `watched`.

    Args of the constructor:
        budget_s: to spend on seeing tiles, once the backbone is built; the first batch is always seen.
    """

    whole = False

    def __init__(self, budget_s: float) -> None:
        super().__init__()
        self._budget_s = budget_s
        self._began = 0.0
        self._points: list[tuple[float, int]] = []
        """When how many tiles had been made."""
        self._loop_from = 0
        self._loop_began = 0.0
        self._pack_s = 0.0
        """To pack the vectors of a million pixels."""
        self._cell_bytes = 0.0
        self.ended = False
        self.spooled = 0
        """Bytes of packed vectors when the run was ended; the rest was still to be packed."""

    def begin(self, runner: Runner, plan: Plan) -> None:
        """The time counts from here."""
        super().begin(runner, plan)
        self._began = CLOCK()
        self._points = [(self._began, 0)]

    def tick(self) -> bool:
        """Look at the clock; True once the run has told enough."""
        if self._runner is None:
            return False
        now = CLOCK()
        if self._runner.tiles > self._points[-1][1]:
            self._points.append((now, self._runner.tiles))
        self.ended = self.ended or ("settle" in self.spans and now - self._began > self._budget_s)
        return self.ended

    @property
    def spent(self) -> float:
        """Share of the time that has gone."""
        return min((CLOCK() - self._began) / self._budget_s, 1.0) if self._runner else 0.0

    def enough(self) -> bool:
        """Half of the time has gone."""
        self.tick()
        over = CLOCK() - self._began > SAMPLE_PART * self._budget_s
        self._whole_sample = self._whole_sample and not over
        return over

    def take(self, name: str) -> None:
        """As `Meter`; the sample comes after the checks, and the loop after the sample."""
        self.tick()
        super().take(name)
        if name == "checks":
            self._began = CLOCK()
            self._points = [(self._began, 0)]
        if name == "sample":
            self._loop_from = len(self._points) - 1

    def settled(self, drawn: Sample, quantiser: Quantiser | None, packer: Packer) -> None:
        """Pack what was sampled, since no block may be finished when time is over."""
        super().settled(drawn, quantiser, packer)
        trial = packed(drawn, quantiser, packer, CLOCK)
        if trial is not None:
            self._stored_share, self._cell_bytes = trial.share, trial.cell_bytes
            self._pack_s = trial.seconds * 1e6 / self._run.backbone.patch_size_px**2
        self._last = self._loop_began = CLOCK()

    def _rates(self) -> tuple[float | None, float | None]:
        points = self._points[: self._loop_from + 1]
        sample = _slope(points[1:]) or _slope(points)
        after = [(self._loop_began, self._sampled), *self._points[self._loop_from + 1 :]]
        loop = _slope(after[1:]) if len(after) > FEW_TILES else _slope(after) if len(after) > 2 else None
        each = self._tile_mpx or LEAST_S
        later = self._pack_s / thread_count(0) if self.ended and self._run.backbone.device.startswith("CPU") else 0.0
        sample = None if sample is None else sample / each + later
        return sample, None if loop is None else loop / each + later * self._unpacked()

    def _unpacked(self) -> float:
        """Share of the vectors made so far that were not packed yet."""
        made = self._run.tiles * self._tile_mpx * 1e6 / self._run.backbone.patch_size_px**2
        return 1.0 - min(self.spooled / max(made * self._cell_bytes, LEAST_S), 1.0)

    def _start_s(self) -> float:
        points = self._points[: self._loop_from + 1]
        steady = _slope(points[1:])
        if steady is None:
            return 0.0
        (began, _), (first, tiles) = points[0], points[1]
        return max(first - began - steady * tiles, 0.0)


def _slope(points: list[tuple[float, int]]) -> float | None:
    """Seconds for a tile between the first and the last point; None where there is nothing between."""
    if len(points) < 2 or points[-1][1] == points[0][1]:
        return None
    return (points[-1][0] - points[0][0]) / (points[-1][1] - points[0][1])


def watched(probe: Probe, progress: Progress) -> Progress:
    """A progress that stops a run when its probe has enough, or when `progress` is stopped.

    Args:
        probe: of the run.
        progress: of who measures; told how much of the time is spent.
    """

    class Bell(threading.Event):
        """Rung by the clock."""

        def is_set(self) -> bool:
            try:
                progress.checkpoint()
            except Cancelled:
                return True
            return probe.tick()

    return Progress(lambda fraction, remaining_s, text: progress.checkpoint(probe.spent), cancelled=Bell())
