"""Do intervals of the cover of a photo survey keep their word?

    QUADRAT_DATA=… python tests/benchmarks/bench_reef_cover.py
    QUADRAT_DATA=… python tests/benchmarks/bench_reef_cover.py --samples 300 --only map

Two populations of which all is known. Kiritimati (`coral/kiritimati_coralnet`, 3,997 quadrats of 100 points, percent
cover of 131 labels, of which eleven occur, since all but soft corals is masked) and a benthic map at 1 cm
(`coral/benthic_map_1cm`), on which quadrats of 1 m are laid at random. On each photo points are drawn; people label
some photos, chosen at random, without error; a made machine labels all with errors: each class is confused by a row of
its own, and it errs more on some photos than on others, whole photos at a time. The interval of each class's cover is
asked whether it holds the truth: of the reef (`reef`), where photos are a sample of all, or of the listed photos
(`listed`), whose truth is the cover of their ground.

A share c of 1,000 samples has a standard error of sqrt(c (1 - c) / 1000), 0.007 at 0.95.
"""

import argparse
import importlib
import os
import pathlib
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))
importlib.import_module("conftest")  # makes `import quadrat` work in a checkout of any name

import numpy as np  # noqa: E402
import pandas as pd  # noqa: E402
import rasterio  # noqa: E402
from quadrat.core.errors import BadInput  # noqa: E402
from quadrat.core.reef.cover import corrected, diversity, estimates  # noqa: E402
from quadrat.core.reef.formats import covers  # noqa: E402
from scipy import sparse, stats  # noqa: E402

POINTS = 25
NODATA = 15
LEAST_COVER = 0.003
"""Classes rarer than this are left out of the figures of coverage, and told."""


def reef_data() -> pathlib.Path:
    """The folder of real surveys."""
    folder = os.environ.get("QUADRAT_DATA")
    if not folder:
        raise SystemExit("QUADRAT_DATA must name the folder of real data.")
    return pathlib.Path(folder) / "coral"


@dataclass
class Reef:
    """A population of photos."""

    name: str
    draw: Callable[[np.random.Generator, int], np.ndarray]
    """n photos at random: (n, K) true cover of the ground of each."""
    truth: np.ndarray
    """(K,) of the whole reef."""


def kiritimati(by_label: bool = False) -> Reef:
    """Quadrats of 100 points, each its own truth."""
    folder = reef_data() / "kiritimati_coralnet"
    found = covers.read(folder / "softcoral_large_quad.csv")
    table = pd.read_csv(folder / "coral_labelset.csv", encoding="utf-8-sig")
    group = {plain(code): name for code, name in zip(table.short_name, table.functional_group, strict=True)}
    groups = [label if by_label else group.get(plain(label), "other") for label in found.labels]
    names, number = np.unique(groups, return_inverse=True)
    cover = found.shares @ np.eye(len(names))[number]
    cover /= cover.sum(axis=1, keepdims=True)
    name = f"Kiritimati, {len(names)} {'labels' if by_label else 'functional groups'}"
    return Reef(name, lambda rng, n: cover[rng.choice(len(cover), n, replace=False)], cover.mean(axis=0))


def plain(code: str) -> str:
    """As R writes headings, without its X. before a code with a strange first letter."""
    return "".join(c for c in code.removeprefix("X.") if c.isalnum()).lower()


def benthic_map(side_px: int = 100) -> Reef:
    """Quadrats of 1 m at random where the map is whole."""
    with rasterio.open(reef_data() / "benthic_map_1cm" / "map.tif") as source:
        values = source.read(1)
    classes = np.unique(values[values != NODATA])
    height, width = (np.array(values.shape) // side_px) * side_px

    def draw(rng: np.random.Generator, n: int) -> np.ndarray:
        kept = []
        while len(kept) < n:
            row, column = rng.integers(0, height - side_px), rng.integers(0, width - side_px)
            window = values[row : row + side_px, column : column + side_px]
            if (window != NODATA).all():
                kept.append([(window == k).mean() for k in classes])
        return np.array(kept)

    # Of all places where a quadrat fits, by sums over the map: cells at its edge are in fewer quadrats than others.
    fits = window_sums(values == NODATA, side_px)[: height - side_px, : width - side_px] == 0
    truth = np.array(
        [window_sums(values == k, side_px)[: height - side_px, : width - side_px][fits].mean() for k in classes]
    )
    return Reef(f"benthic map, {len(classes)} classes", draw, truth / side_px**2)


def window_sums(there: np.ndarray, side: int) -> np.ndarray:
    """Cells in the square that begins at each cell."""
    sums = np.zeros(np.add(there.shape, 1), np.int32)
    sums[1:, 1:] = there.cumsum(axis=0, dtype=np.int32).cumsum(axis=1, dtype=np.int32)
    return sums[side:, side:] - sums[:-side, side:] - sums[side:, :-side] + sums[:-side, :-side]


def machine_of(rng: np.random.Generator, K: int, right: float) -> np.ndarray:
    """(K, K) P(said | there), `right` of it on the diagonal."""
    rows = rng.dirichlet(np.full(K, 0.5), K)
    np.fill_diagonal(rows, 0.0)
    return right * np.eye(K) + (1 - right) * rows / rows.sum(axis=1, keepdims=True)


def survey(
    rng: np.random.Generator, cover: np.ndarray, table: np.ndarray, checked: int
) -> tuple[estimates.Photos, sparse.csr_array]:
    """Photos with points, of which people label the first few and the machine all; and the joint counts."""
    N, K = cover.shape
    truth = np.array([rng.multinomial(POINTS, p / p.sum()) for p in cover])
    # Photos differ: the machine's errors are between none and twice as many.
    worse = rng.beta(2, 2, N) * 2
    joint = np.zeros((N, K, K))
    for photo in range(N):
        rows = np.eye(K) + worse[photo] * (table - np.eye(K))
        rows = np.maximum(rows, 0) / np.maximum(rows, 0).sum(axis=1, keepdims=True)
        for k in np.flatnonzero(truth[photo]):
            joint[photo, k] = rng.multinomial(truth[photo, k], rows[k])
    people = np.where(np.arange(N)[:, None] < checked, truth / POINTS, np.nan)
    names = tuple(map(str, range(K)))
    made = estimates.Photos(people, joint.sum(axis=1) / POINTS, np.full(N, float(POINTS)), np.zeros(N, bool), names)
    seen = joint.reshape(N, -1).copy()
    seen[checked:] = 0.0
    return made, sparse.csr_array(seen)


def once(rng: np.random.Generator, reef: Reef, photos: int, checked: int, table: np.ndarray) -> list:
    """(method, reach, value, low, high, truth) of one survey."""
    cover = reef.draw(rng, photos)
    made, joint = survey(rng, cover, table, checked)
    rows = []
    for reach, truth in (("reef", reef.truth), ("listed", cover.mean(axis=0))):
        one = estimates.replace(made, beyond=reach == "reef")
        tries = {
            "people": lambda one=one: estimates.by_people(one),
            "machine": lambda one=one: estimates.by_machine(one),
            "powered": lambda one=one: estimates.powered(one),
            "corrected": lambda one=one: corrected.by_confusion(
                one.machine, one.points, corrected.confusions(joint, one.names), beyond=one.beyond
            ),
        }
        for method, run in tries.items():
            try:
                found = run()
            except BadInput:
                continue
            if np.isnan(found.low).all():
                continue  # so few photos that no interval is given
            rows.append((method, reach, found.value, found.low, found.high, truth))
    return rows


def coverage(reef: Reef, photos: int, checked: int, right: float, samples: int, seed: int) -> None:
    """Print how often the intervals hold the truth, how wide they are, and how far the estimates lie."""
    rng = np.random.default_rng(seed)
    table = machine_of(rng, len(reef.truth), right)
    kept: dict[tuple[str, str], list] = {}
    for _ in range(samples):
        for method, reach, *numbers in once(rng, reef, photos, checked, table):
            kept.setdefault((method, reach), []).append(np.stack(numbers))
    common = reef.truth >= LEAST_COVER
    for (method, reach), runs in kept.items():
        value, low, high, truth = np.moveaxis(np.array(runs), 1, 0)
        known = ~np.isnan(value)
        hit = np.where(known, (low <= truth + 1e-12) & (truth <= high + 1e-12), np.nan)
        rates = np.nanmean(hit, axis=0)[common]
        width = np.nanmean(high - low, axis=0)[common].mean() / 2
        error = np.sqrt(np.nanmean((value - truth) ** 2, axis=0))[common].mean()
        print(
            f"{reef.name:34s} {photos:4d} {checked:4d} {right:.2f} {method:9s} {reach:6s} "
            f"coverage {rates.mean():.3f} ({rates.min():.3f})  half {100 * width:5.2f} %  rmse {100 * error:5.2f} %",
            flush=True,
        )


def indices(reef: Reef, samples: int, seed: int) -> None:
    """The same of diversity, and of a plain bootstrap beside it."""
    true = diversity.indices(reef.truth)
    for photos in (10, 30, 100):
        rng = np.random.default_rng(seed)
        hits: dict[str, list] = {name: [] for name in diversity.INDICES}
        for _ in range(samples):
            cover = reef.draw(rng, photos)
            counts = np.array([rng.multinomial(POINTS, p / p.sum()) for p in cover]) / POINTS
            found = diversity.diversity(counts)
            times = rng.multinomial(photos, np.full(photos, 1 / photos), size=200)
            limits = np.quantile(diversity.indices(times @ counts), [0.025, 0.975], axis=0)
            for at, name in enumerate(diversity.INDICES):
                one = found[name]
                half = stats.t.ppf(0.975, photos - 1) * one.se  # also of labels met, to see why they have no interval
                hits[name].append(
                    (
                        abs(one.corrected - true[at]) <= half,
                        limits[0, at] <= true[at] <= limits[1, at],
                        one.value,
                        one.corrected,
                    )
                )
        for at, name in enumerate(diversity.INDICES):
            jack, boot, value, better = np.array(hits[name], float).mean(axis=0)
            print(
                f"{reef.name:34s} {photos:4d} {name:9s} truth {true[at]:6.2f}  counted {value:6.2f}  "
                f"jackknife {better:6.2f}  coverage {jack:.3f}  (bootstrap percentiles {boot:.3f})",
                flush=True,
            )


def main() -> None:
    """Ask for populations and sizes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--samples", type=int, default=1000)
    parser.add_argument("--right", type=float, default=0.8, help="share of points that the machine gets right")
    parser.add_argument("--checked", type=int, nargs="+", default=(10, 20, 40, 80), help="photos that people labelled")
    parser.add_argument("--only", choices=["kiritimati", "map", "diversity"])
    given = parser.parse_args()
    begun = time.monotonic()
    if given.only != "diversity":
        made = {"kiritimati": lambda: kiritimati(by_label=True), "map": benthic_map}
        for reef in [made[name]() for name in made if given.only in (None, name)]:
            for checked in given.checked:
                coverage(reef, 200, checked, given.right, given.samples, checked)
    if given.only in (None, "diversity"):
        for reef in (kiritimati(by_label=True), benthic_map()):
            indices(reef, given.samples, 0)
    print(f"{time.monotonic() - begun:.0f} s")


if __name__ == "__main__":
    main()
