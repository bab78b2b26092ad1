"""The forward pass alone: precision, layout of the bands, compilation, tiles in a batch; on the device of your choice.

    python tests/benchmarks/bench_forward.py [CARD ...] [--device cuda] [--batch 1 16] [--variants float32 half]

Random weights in the official layout, tiles of the card's size, from pixels in memory to vectors in memory, so with
scaling and both copies. Variants take turns; the best of the repeats is shown: milliseconds a tile by the clock and of
the processor, tiles a second, seconds for the first batch (of `compile`: with compiling), and how far the vectors lie
from those of float32 (length of the difference over length). `half` on a CPU is shown too, where jobs refuse it.
"""

import argparse
import dataclasses
import importlib
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
importlib.import_module("conftest")  # makes `import quadrat` work in a checkout of any name

import bench_backbones  # noqa: E402
import numpy as np  # noqa: E402
import torch  # noqa: E402
from quadrat.models import registry, running  # noqa: E402
from quadrat.models.contract import BuildRequest  # noqa: E402

CARDS = ("timm:vit_small_patch16_224.augreg_in1k", "croma-base", "resnet18", "efficientnet-b0")
VARIANTS = ("float32", "half", "bands-last", "bands-apart", "compile")
NETWORKS = ("_model", "_network", "_encoder")


def request_of(name, folder, device, threads):
    """A request for a card, or for `timm:` and the name of a model."""
    card, _, model = name.partition(":")
    card = registry.get(card)
    if model:
        card = dataclasses.replace(card, model=model)
    path = bench_backbones.weights(card, folder / f"{card.name}.pt")
    roles = card.inputs[0].roles if card.inputs else ("red", "green", "blue")
    scene = np.random.default_rng(0).uniform(0, 255, (len(roles), 128, 128)).astype(np.float32)
    return card, BuildRequest(
        in_chans=len(roles), sample=lambda: iter([(scene, np.ones(scene.shape[1:], bool))]), roles=roles, card=card,
        model=card.model, weights=path, patch_size_px=0, device=device, threads=threads, months=(6,) * len(roles),
        dates=("06",) * len(roles), pixel_m=10.0,
    )  # fmt: skip


def variant_of(card, request, variant):
    """The backbone in one of the variants."""
    if variant == "half":
        request = dataclasses.replace(request, precision="half")
    module, _, function = card.builder.partition(":")
    backbone = getattr(importlib.import_module(f"quadrat.models.definitions.{module}"), function)(request)
    place = next(place for place in NETWORKS if hasattr(backbone, place))
    if variant in ("bands-last", "bands-apart"):
        layout = torch.channels_last if variant == "bands-last" else torch.contiguous_format
        getattr(backbone, place).to(memory_format=layout)
        backbone._layout = layout
    elif variant == "compile":
        # Of a model of timm methods are called, which a compiled module would pass on as they are.
        place = "_features" if place == "_model" else place
        setattr(backbone, place, torch.compile(getattr(backbone, place)))
    return backbone


def measure(name, args, folder):
    """Rows of one card."""
    card, request = request_of(name, folder, args.device, args.threads)
    made = {variant: variant_of(card, request, variant) for variant in args.variants}
    side = next(iter(made.values())).tile_size_px
    for count in args.batch:
        tiles = np.random.default_rng(1).uniform(0, 255, (count, request.in_chans, side, side)).astype(np.float32)
        valid, first, best, expected = np.ones((count, side, side), bool), {}, {}, None
        for repeat in range(args.repeats + 1):
            for variant, backbone in made.items():
                wall, cpu = time.perf_counter(), time.process_time()
                found = backbone(tiles, valid)
                spent = time.perf_counter() - wall, time.process_time() - cpu
                if repeat:
                    best[variant] = tuple(map(min, best.get(variant, spent), spent))
                    continue
                expected = found if expected is None else expected
                first[variant] = spent[0], np.linalg.norm(found - expected) / np.linalg.norm(expected)
        for variant, (wall, cpu) in best.items():
            shown = (
                f"{name[-26:]:26} {side:5} {count:5} {variant:12} {1e3 * wall / count:8.1f} {1e3 * cpu / count:8.1f}"
            )
            print(f"{shown} {count / wall:9.1f} {first[variant][0]:8.1f} {first[variant][1]:9.1e}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cards", nargs="*", default=CARDS, metavar="CARD")
    parser.add_argument("--device", default="auto", choices=("auto", "cpu", "cuda", "mps"))
    parser.add_argument("--threads", type=int, default=0)
    parser.add_argument("--batch", type=int, nargs="+", default=[1, 16])
    parser.add_argument("--variants", nargs="+", default=VARIANTS[:3], choices=VARIANTS)
    parser.add_argument("--repeats", type=int, default=3)
    args = parser.parse_args()
    refused = running.half_type
    running.half_type = lambda place: torch.bfloat16 if place.type == "cpu" else refused(place)
    print(f"{'card':26} {'tile':>5} {'batch':>5} {'variant':12} {'ms':>8} {'CPU ms':>8} {'tiles/s':>9} {'first s':>8} "
          f"{'far':>9}")  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        for name in args.cards:
            measure(name, args, Path(folder))


if __name__ == "__main__":
    main()
