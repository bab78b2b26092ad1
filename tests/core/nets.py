"""Small backbones in plain numpy: one that sees its tile, one that is exact, one that runs out of memory."""

import sys

import numpy as np
from quadrat.models import registry
from quadrat.models.card import Card
from quadrat.models.identity import identity_of

MODULE = "quadrat.models.definitions.nets_for_tests"


class _Net:
    ordered = False
    device = "CPU, 1 thread"

    def __init__(self, in_chans, dim, patch, tile, halo, exact, state):
        self.in_chans, self.embed_dim, self.patch_size_px, self.tile_size_px = in_chans, dim, patch, tile
        self.halo_px, self.exact, self._state = halo, exact, dict(state)
        self.band_names = tuple(f"net {i + 1}" for i in range(dim))
        self.identity = identity_of({"net": type(self).__name__, "patch": patch, "tile": tile}, self._state)
        self.calls = []

    def state(self):
        return self._state

    def pooled(self, values, valid):
        around = ((0, 0), (self.halo_px, self.halo_px), (self.halo_px, self.halo_px))
        return self(np.pad(values, ((0, 0), *around)), np.pad(valid, around)).mean(axis=(2, 3))


class TileNet(_Net):
    """Like a transformer: each vector knows its own patch, the whole tile, and where in the tile it lies."""

    def __init__(self, in_chans=3, patch=4, tile=32, state=None):
        super().__init__(in_chans, in_chans + 2, patch, tile, 0, False, state or {})

    def __call__(self, values, valid):
        self.calls.append(values.shape)
        batch, chans, height, width = values.shape
        values = np.where(valid[:, None], values, 0).astype(np.float64)
        p = self.patch_size_px
        cells = values.reshape(batch, chans, height // p, p, width // p, p).mean(axis=(3, 5))
        whole = np.broadcast_to(values.mean(axis=(1, 2, 3))[:, None, None, None], (batch, 1, *cells.shape[2:]))
        place = np.broadcast_to(np.arange(cells.shape[2])[:, None] + 0.5, cells.shape[2:])
        return np.concatenate([cells, whole, np.broadcast_to(place, (batch, 1, *cells.shape[2:]))], 1).astype("f4")


class LocalNet(_Net):
    """Exact: mean over the valid pixels of a cell grown by the halo, whatever the tile."""

    def __init__(self, in_chans=3, patch=2, tile=16, halo=3, state=None):
        super().__init__(in_chans, in_chans, patch, tile, halo, True, state or {})

    def __call__(self, values, valid):
        self.calls.append(values.shape)
        p, side = self.patch_size_px, self.patch_size_px + 2 * self.halo_px
        known = valid[:, None].astype(np.float64)
        view = lambda a: np.lib.stride_tricks.sliding_window_view(a, (side, side), (2, 3))[:, :, ::p, ::p]  # noqa: E731
        total, count = view(values * known).sum(axis=(4, 5)), view(known).sum(axis=(4, 5))
        return (total / np.maximum(count, 1)).astype(np.float32)


class GreedyNet(LocalNet):
    """Runs out of memory with more than two tiles at once."""

    def __call__(self, values, valid):
        if len(values) > 2:
            raise MemoryError("too much")
        return super().__call__(values, valid)


def _mean_of(request):
    if request.state is not None:
        return request.state
    total = np.zeros(request.in_chans)
    count = 0
    for values, valid in request.sample():
        total += values.sum(axis=(1, 2), dtype=np.float64)
        count += int(valid.sum())
    return {"mean": (total / count).astype(np.float32)}


def build_tile(request):
    return TileNet(request.in_chans, tile=request.tile_size_px or 32, state=_mean_of(request))


def build_local(request):
    return LocalNet(request.in_chans, patch=request.patch_size_px, state=_mean_of(request))


def build_greedy(request):
    return GreedyNet(request.in_chans, patch=request.patch_size_px, state=_mean_of(request))


def install(monkeypatch):
    """Make the three known as backbones `tilenet`, `localnet` and `greedynet` while a test runs."""
    monkeypatch.setitem(sys.modules, MODULE, sys.modules[__name__])
    for name in ("tile", "local", "greedy"):
        card = Card(
            name=f"{name}net", title=name, builder=f"nets_for_tests:build_{name}", summary="", needs_torch=False,
            needs_model=False, free_patch=name != "tile", default_dimensions=0, licence="", source="",
        )  # fmt: skip
        monkeypatch.setitem(registry.BACKBONES, card.name, card)
