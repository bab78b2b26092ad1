"""Batches found on a processor that exists in the test only: its speed and memory depend on the size."""

import numpy as np
import pytest
from quadrat.core.batching import BATCH_BYTES, HEARD_S, LEAST_S, MOST_S, batch_for
from quadrat.core.feeding import TileSource
from quadrat.core.grid import Grid
from quadrat.core.progress import Progress
from quadrat.tests.core import nets
from rasterio.transform import Affine

pytestmark = pytest.mark.same_without_torch

SIDE = 32


class Pixels:
    """A raster without end that holds ones, but for its left half."""

    looks, grid = (), Grid(Affine.identity(), "", 32 * SIDE, 64 * SIDE)

    def read(self, window):
        valid = np.zeros(window[2:], bool)
        valid[:, max(32 * SIDE - window.col, 0) :] = True
        return np.broadcast_to(valid, (3, *valid.shape)).astype(np.float32), valid

    def __enter__(self):
        return self

    def __exit__(self, *error):
        pass


class Processor(nets.TileNet):
    """Takes `start_s` for a batch and `tile_s` for each tile up to `lanes` at once; the first time of a size longer."""

    device = "CUDA: made"

    def __init__(self, start_s=0.002, tile_s=0.01, lanes=16, holds=10**6, broken=False):
        super().__init__(tile=SIDE)
        self.start_s, self.tile_s, self.lanes, self.holds, self.broken = start_s, tile_s, lanes, holds, broken
        self.now, self.sizes, self.kept = 0.0, [], 0

    def __call__(self, values, valid):
        assert values.any()
        count = len(values)
        if count > self.holds:
            raise RuntimeError("CUDA out of memory. Tried to allocate 2 GiB.")
        if self.broken:
            raise ValueError("broken")
        self.now += self.start_s + self.tile_s * -(-count // self.lanes) + 0.05 * (count not in self.sizes)
        self.sizes.append(count)
        self.kept = max(self.kept, count)
        return super().__call__(values, valid)


def find(processor, batch=4, free=lambda: None, height=None, progress=None):
    def open_source():
        pixels = Pixels()
        return pixels, TileSource(pixels, pixels.grid.whole, 4, 0, True, None)

    tiling = {
        "height": height or Pixels.grid.height // 4, "width": Pixels.grid.width // 4, "tile": SIDE // 4, "overlap": 0,
        "exact": processor.exact, "batch": batch, "dimensions": 5, "itemsize": 1,
    }  # fmt: skip
    return batch_for(
        processor, tiling, open_source, progress or Progress(), clock=lambda: processor.now, free=free
    )  # fmt: skip


def test_it_grows_while_that_pays():
    processor, log = Processor(start_s=1e-4, lanes=16), []
    found = find(processor, progress=Progress(log=lambda level, text: log.append(text)))
    assert found == 16
    assert sorted(set(processor.sizes)) == [4, 8, 16, 32]
    assert log == ["16 tiles at once: found on 120 tiles."]


def test_it_stays_where_more_gains_nothing():
    assert find(Processor(start_s=0, lanes=1)) == 4


def test_it_shrinks_to_what_memory_holds():
    processor = Processor(holds=3)
    assert find(processor, batch=16) == 2
    assert find(Processor(holds=8, lanes=64), batch=4) == 8


def test_a_tile_that_does_not_fit_and_other_errors_come_through():
    with pytest.raises(RuntimeError, match="out of memory"):
        find(Processor(holds=0), batch=8)
    with pytest.raises(ValueError, match="broken"):
        find(Processor(broken=True))


def test_no_batch_keeps_a_cancel_waiting():
    assert find(Processor(tile_s=0.3, lanes=1), batch=16) == 1
    assert find(Processor(tile_s=0.06, lanes=1), batch=16) * 0.06 <= HEARD_S


def test_free_memory_is_not_used_up():
    processor = Processor(lanes=1000)
    assert find(processor, free=lambda: 100 - 4 * processor.kept) == 16
    assert max(processor.sizes) == 16


@pytest.mark.parametrize("tile_s", [0.0001, 0.003, 0.02, 0.1])
def test_the_search_is_short(tile_s):
    processor = Processor(start_s=10 * tile_s, tile_s=tile_s, lanes=1000)
    found = find(processor, batch=1)
    foreseen = 32 * 64 * 11 * tile_s
    warming = 0.05 * len(set(processor.sizes))
    assert processor.now - warming <= max(min(0.03 * foreseen, MOST_S), LEAST_S)
    assert found > 1 or tile_s > 0.02


def test_it_ends_with_the_raster_and_with_memory_of_the_machine():
    assert find(Processor(lanes=10**6, tile_s=1e-4, start_s=1e-3), height=8) <= 64
    big = Processor(lanes=10**6, tile_s=1e-6, start_s=1e-3)
    assert find(big) * SIDE * SIDE * 3 * 4 <= BATCH_BYTES


def test_processors_without_choice_are_not_asked():
    net = nets.TileNet()
    assert find(net, batch=3) == 3 and not net.calls
    local = nets.LocalNet(patch=4, tile=SIDE)
    local.device = "CUDA: made"
    assert find(local, batch=1) == 1 and not local.calls


def test_a_raster_without_pixels_keeps_the_rule(monkeypatch):
    monkeypatch.setattr(
        Pixels, "read", lambda self, window: (np.zeros((3, *window[2:]), "f4"), np.zeros(window[2:], bool))
    )
    processor = Processor()
    assert find(processor, batch=3) == 3 and not processor.sizes
