"""The loop itself: parts equal the whole and cost no more than they need, memory is bounded, every way out is clean."""

import threading
import time

import numpy as np
import pytest
from quadrat.core import embedding, tiling
from quadrat.core.embedding import Runner, Sample, embed, sample_batches
from quadrat.core.errors import Cancelled
from quadrat.core.feeding import TileSource
from quadrat.core.grid import Grid, Window
from quadrat.core.progress import Progress
from quadrat.core.quantise import Quantiser
from quadrat.core.stitching import Behind, LaneStitcher
from quadrat.core.tiling import make_plan
from quadrat.tests.core import nets
from rasterio.transform import Affine

pytestmark = pytest.mark.same_without_torch

HEIGHT, WIDTH = 400, 380
CODES = Quantiser(np.full(5, 0.5, np.float32), np.full(5, -1, np.float32))


class Pixels:
    """A raster of three bands in memory, with a hole."""

    looks, closed = (), False

    def __init__(self):
        self.grid = Grid(Affine.identity(), "", HEIGHT, WIDTH)
        self.values = np.random.default_rng(0).uniform(0, 100, (3, HEIGHT, WIDTH)).astype(np.float32)
        self.valid = np.ones((HEIGHT, WIDTH), bool)
        self.valid[100:180, 40:300] = False
        self.seen = 0

    def read(self, window):
        values, valid = np.zeros((3, *window[2:]), np.float32), np.zeros(window[2:], bool)
        inside = window.intersection(self.grid.whole)
        place, there = inside.slices_in(window), inside.slices_in(self.grid.whole)
        values[(slice(None), *place)], valid[place] = self.values[(slice(None), *there)], self.valid[there]
        self.seen += 1
        return values * valid, valid

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.closed = True


class Loop:
    """All that `embed` takes, for one of the small networks, with narrow lanes and small blocks."""

    def __init__(self, monkeypatch, net, quantiser=CODES):
        monkeypatch.setattr(tiling, "BLOCK_BYTES", 150)
        monkeypatch.setattr(tiling, "LANE_BYTES", 2_500 if net.exact else 12_000)
        self.backbone, self.pixels, self.quantiser = net, Pixels(), quantiser
        patch = net.patch_size_px
        self.plan = make_plan(
            -(-HEIGHT // patch), -(-WIDTH // patch), tile=net.tile_size_px // patch, overlap=2, exact=net.exact,
            batch=2, dimensions=net.embed_dim, itemsize=1,
        )  # fmt: skip
        assert len(self.plan.lanes) > 1
        self.across = -(-self.plan.width // self.plan.block)
        self.blocks = frozenset(range(-(-self.plan.height // self.plan.block) * self.across))
        self.put = {}

    def open(self):
        source = TileSource(
            self.pixels, Window(0, 0, HEIGHT, WIDTH), self.backbone.patch_size_px, self.backbone.halo_px,
            not self.backbone.exact, None,
        )  # fmt: skip
        return self.pixels, source

    def take(self, index, values):
        assert values.flags.c_contiguous
        self.put[index] = values.copy()

    def go(self, done=frozenset(), sample=None, put=None, progress=None):
        self.put = {}
        cells = embed(
            self.plan, Runner(self.backbone, print), sample or Sample(), self.quantiser, self.open, done=done,
            put=put or self.take, progress=progress or Progress(),
        )  # fmt: skip
        return cells, self.put


@pytest.fixture(params=["tile", "local"])
def loop(monkeypatch, request):
    net = nets.TileNet() if request.param == "tile" else nets.LocalNet(in_chans=3, patch=4)
    quantiser = CODES if request.param == "tile" else Quantiser(CODES.scale[:3], CODES.offset[:3])
    return Loop(monkeypatch, net, quantiser)


def threads():
    return [thread for thread in threading.enumerate() if thread.name in ("read-ahead", "stitch")]


@pytest.mark.parametrize("stored", ["bytes", "float32"])
def test_parts_are_equal_to_the_whole_and_cost_what_they_need(loop, monkeypatch, stored):
    loop.quantiser = loop.quantiser if stored == "bytes" else None
    cells, whole = loop.go()
    tiles, coded = loop.pixels.seen, []
    assert set(whole) == loop.blocks
    monkeypatch.setattr(LaneStitcher, "_block", _noting(LaneStitcher._block, coded))
    counts = []
    for wanted in ({0}, {loop.across + 1, len(loop.blocks) - 1}, loop.blocks - {3, 4, 5}):
        loop.pixels.seen = 0
        count, parts = loop.go(done=loop.blocks - wanted)
        counts.append((count, wanted))
        assert list(parts) == [index for index in whole if index in wanted]
        assert all(np.array_equal(parts[index], whole[index], equal_nan=True) for index in wanted)
        assert set(coded) == set(wanted)
        assert len(wanted) > 2 or loop.pixels.seen < tiles / 6
        coded.clear()
    loop.pixels.seen = 0
    assert loop.go(done=loop.blocks) == (0, {})
    assert loop.pixels.seen == 0
    assert cells == sum(loop.go(done=loop.blocks - {index})[0] for index in loop.blocks)
    assert counts[2][0] + loop.go(done=loop.blocks - {3, 4, 5})[0] == cells


def _noting(of, log):
    def noted(self, index):
        log.append(index)
        return of(self, index)

    return noted


def test_what_was_sampled_is_taken_over(loop):
    whole = loop.go()[1]
    runner = Runner(loop.backbone, print)
    sample = sample_batches(loop.plan, runner, loop.open, Progress())
    assert len(sample.made) >= 24
    loop.pixels.seen = 0
    parts = loop.go(sample=sample)[1]
    assert loop.pixels.seen < sum(len(batch.tiles) for batch in loop.plan.batches)
    assert not sample.made
    assert all(np.array_equal(parts[index], whole[index]) for index in loop.blocks)


def test_a_sample_is_as_large_as_it_may_be_however_few_tiles_hold_something(loop, monkeypatch):
    def drawn():
        return sample_batches(loop.plan, Runner(loop.backbone, print), loop.open, Progress())

    whole = drawn()
    there = sum(int(one.cells.sum()) for one in whole.made.values())
    assert len(whole.vectors) == there < embedding.MOST_SAMPLE_CELLS
    monkeypatch.setattr(embedding, "FEWEST_SAMPLE_CELLS", 1)
    monkeypatch.setattr(embedding, "MOST_SAMPLE_CELLS", there - 7)
    part, tiles = drawn(), sum(len(one.tiles) for one in whole.made.values())
    assert there - 7 - tiles <= len(part.vectors) <= there - 7 + tiles


def test_a_disk_that_fills_up_is_told_at_once(loop):
    def full(index, values):
        raise OSError("No space left")

    made = len(loop.backbone.calls)
    with pytest.raises(OSError, match="No space"):
        loop.go(put=full)
    assert len(loop.backbone.calls) - made < len(loop.plan.batches) / 3
    assert loop.pixels.closed and not threads()


def test_a_cancel_and_an_error_of_the_backbone_end_all_threads(loop):
    stop = threading.Event()

    def slow(index, values):
        stop.set()
        time.sleep(0.05)

    started = time.monotonic()
    with pytest.raises(Cancelled):
        loop.go(put=slow, progress=Progress(cancelled=stop))
    assert time.monotonic() - started < 1
    assert loop.pixels.closed and not threads()
    loop.backbone.calls = _Few()
    with pytest.raises(ZeroDivisionError):
        loop.go()
    assert not threads()


class _Few(list):
    """Lets a network be called four times."""

    def append(self, item):
        super().append(item)
        1 / (5 - len(self))


def test_what_is_behind_keeps_order_and_bound():
    done, gate = [], threading.Semaphore(0)

    def work(item):
        gate.acquire()
        done.append(item)

    with Behind(work, depth=2) as behind:
        given = []
        giver = threading.Thread(target=lambda: [(behind.give(n), given.append(n)) for n in range(10)])
        giver.start()
        for finished in range(4):
            until = time.monotonic() + 5
            while len(given) < finished + 3 and time.monotonic() < until:
                time.sleep(0.001)
            time.sleep(0.005)
            # One is being worked at, two wait.
            assert len(given) == finished + 3
            gate.release()
        for _ in range(6):
            gate.release()
        giver.join()
    assert done == list(range(10)) and not threads()


def _give(behind, items, pause_s=0.0):
    for item in items:
        behind.give(item)
        time.sleep(pause_s)
    if items == FEW:
        raise KeyError


FEW = range(100)


def test_errors_behind_are_raised_in_front():
    log = []

    def work(item):
        log.append(item)
        if item == 1:
            raise OSError("full")

    with pytest.raises(OSError, match="full"), Behind(work) as behind:
        _give(behind, range(1000), 0.001)
    with pytest.raises(OSError, match="full"), Behind(work) as behind:
        behind.give(1)
    assert log == [0, 1, 1] and not threads()


def test_what_waits_is_dropped_after_an_error():
    done, started = [], time.monotonic()

    def work(item):
        time.sleep(0.05)
        done.append(item)

    with pytest.raises(KeyError), Behind(work, depth=100) as behind:
        _give(behind, FEW)
    assert len(done) < 10 and time.monotonic() - started < 1
    assert not threads()
