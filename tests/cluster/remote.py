"""What tests have done in the processes of workers: small backbones, small blocks, and slowness on demand."""

import operator
import os
import time
from pathlib import Path

from quadrat.core import tiling
from quadrat.core.cluster import work
from quadrat.tests.core import nets

BLOCK_BYTES = 1500
LANE_BYTES = 12_000


class Set:
    """Stands in for pytest's monkeypatch where nothing is put back."""

    setitem = staticmethod(operator.setitem)


def install():
    """Backbones and blocks as the tests at home have them; each tile waits as long as a file says."""
    if not hasattr(nets, "PACE"):
        nets.PACE = ""
        nets.install(Set)
        for net in (nets.TileNet, nets.LocalNet):
            net.__call__ = slowed(net.__call__)
    tiling.BLOCK_BYTES, tiling.LANE_BYTES = BLOCK_BYTES, LANE_BYTES
    return os.getpid()


def slowed(make):
    def call(self, values, valid):
        if nets.PACE and Path(nets.PACE).exists():
            text = Path(nets.PACE).read_text()
            if text == "fail":
                raise RuntimeError("the network fell over")
            time.sleep(float(text or 0))
        return make(self, values, valid)

    return call


def pace(path):
    """From now on look there how slow to be."""
    nets.PACE = path


def busy():
    """True while this process makes a piece."""
    return work._one_at_a_time.locked()


def held():
    """Pieces that this process holds."""
    return len(work._held), len(work._ready), len(work._errands)
