"""How quick the networks of cards are and how much memory they take.

    python tests/benchmarks/bench_backbones.py [CARD ...]

Random weights in the official layout, one tile of the card's size at a time, as many threads as there are cores; cards
for series get all their bands at 12 dates. Each card in a process of its own: seconds to build it, milliseconds a tile
(median of 5, after one), megapixels an hour, and the peak memory of the process.
"""

import argparse
import importlib
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
importlib.import_module("conftest")  # makes `import quadrat` work in a checkout of any name

import numpy as np  # noqa: E402
from quadrat.models import registry  # noqa: E402
from quadrat.models.contract import BuildRequest  # noqa: E402

TIMES, DATES = 5, 12
FAMILIES = ("croma", "galileo", "timm_model")


def weights(card, path):
    """A file of random weights as the card's official one is laid out."""
    import torch
    from quadrat.models.torch_tools import import_timm

    torch.manual_seed(0)
    family = card.builder.split(":")[0]
    if family == "croma":
        from quadrat.models.definitions.croma import SIZES
        from quadrat.models.networks.croma import Croma

        size, groups = SIZES[card.model], {}
        for name, value in Croma(size.dim, size.depth, size.heads).state_dict().items():
            group, _, rest = name.partition(".")
            groups.setdefault(group, {})[rest] = value
        torch.save(groups, path)
    elif family == "galileo":
        from quadrat.models.definitions.galileo import SIZES
        from quadrat.models.networks.galileo import Galileo, Size

        torch.save(Galileo(Size(*SIZES[card.model])).state_dict(), path)
    elif family == "timm_model":
        torch.save(import_timm().create_model(card.model, pretrained=False, num_classes=0).state_dict(), path)
    else:
        raise SystemExit(f"{card.name}: its file is laid out in the tests only")
    return str(path)


def measure(name):
    """Of one card, in this process; peak memory without the making of the weights, which is another process's."""
    import resource

    card, folder = registry.get(name), Path(sys.argv[3])
    bands, months = card.inputs[0].roles, range(1, 2)
    if card.series:
        bands, months = card.inputs[-1].roles, range(1, DATES + 1)
    when = {"dates": tuple(f"{month:02}" for month in months for _ in bands),
            "months": tuple(month for month in months for _ in bands), "pixel_m": 10.0}  # fmt: skip
    bands *= len(months)
    rng = np.random.default_rng(0)
    scene = rng.uniform(0, 255, (len(bands), 128, 128)).astype(np.float32)
    request = BuildRequest(
        in_chans=len(bands), sample=lambda: iter([(scene, np.ones(scene.shape[1:], bool))]), roles=bands, card=card,
        model=card.model, weights=str(folder / "weights.pt"), patch_size_px=0, **when,
    )  # fmt: skip
    module, _, function = card.builder.partition(":")
    started = time.perf_counter()
    builder = getattr(importlib.import_module(f"quadrat.models.definitions.{module}"), function)
    backbone = builder(request)
    built = time.perf_counter() - started
    side = backbone.tile_size_px
    tile, valid = rng.uniform(0, 255, (1, len(bands), side, side)).astype(np.float32), np.ones((1, side, side), bool)
    times = []
    for _ in range(TIMES + 1):
        started = time.perf_counter()
        backbone(tile, valid)
        times.append(time.perf_counter() - started)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"built": built, "tile": side, "ms": 1000 * statistics.median(times[1:]), "peak": peak}))


def main():
    if len(sys.argv) > 2 and sys.argv[1] in ("--make", "--measure"):
        card = registry.get(sys.argv[2])
        if sys.argv[1] == "--make":
            weights(card, Path(sys.argv[3]) / "weights.pt")
        else:
            measure(card.name)
        return
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    able = [card.name for card in registry.BACKBONES.values() if card.builder.split(":")[0] in FAMILIES]
    parser.add_argument(
        "cards", nargs="*", default=[name for name in able if registry.get(name).weights], metavar="CARD"
    )
    print(f"{'card':26} {'tile':>5} {'built':>7} {'ms a tile':>10} {'Mpx/h':>8} {'peak MB':>8}")
    for name in parser.parse_args().cards:
        with tempfile.TemporaryDirectory() as folder:
            own = [sys.executable, __file__]
            subprocess.run([*own, "--make", name, folder], check=True, capture_output=True)
            done = subprocess.run([*own, "--measure", name, folder], check=True, capture_output=True, text=True)
        found = json.loads(done.stdout.splitlines()[-1])
        pixels = found["tile"] ** 2 / found["ms"] * 3.6
        row = f"{name:26} {found['tile']:5} {found['built']:6.1f}s {found['ms']:10.0f}"
        print(f"{row} {pixels:8.0f} {found['peak']:8.0f}", flush=True)


if __name__ == "__main__":
    main()
