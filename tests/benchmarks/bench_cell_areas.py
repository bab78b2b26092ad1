"""Do intervals of a favela area keep their word, for cells of one size and for cells that a boundary cuts?

    python tests/benchmarks/bench_cell_areas.py
    python tests/benchmarks/bench_cell_areas.py --samples 500 --size 200

A made city (`tests/core/cities.py`, larger) of which every cell is known: whether it counts as favela, which share of
its ground is favela, and a map of it with errors. Its cells are all of one size; or cut by a round boundary, with
more favela along it than inside, so that small cells differ from large ones; or of sizes that differ tenfold, as
zones do. Samples of cells are drawn within the classes of the map, or at random; estimated are the share of the area
of cells that are favela, and the share of the ground, without and with the probability of the map. Hectares are these
shares times a known area, so that they are covered as often.

A share c of 2,000 samples has a standard error of sqrt(c (1 - c) / 2000), 0.005 at 0.95.
"""

import argparse
import importlib
import pathlib
import sys
import time
from dataclasses import dataclass

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))
importlib.import_module("conftest")  # makes `import quadrat` work in a checkout of any name

import numpy as np  # noqa: E402
from quadrat.core.estimation import ppi, stratified  # noqa: E402
from quadrat.core.estimation.evidence import Estimate, Evidence  # noqa: E402
from quadrat.core.estimation.samplesize import allocate  # noqa: E402
from quadrat.core.estimation.unitarea import alike, polygon_areas  # noqa: E402
from quadrat.tests.core.cities import made_city  # noqa: E402
from shapely import Point  # noqa: E402

SAMPLES = 2000
LEAST_M2 = 500.0
"""Slivers of cells below it are dropped, as 'Make cells' does with a least share."""


@dataclass
class City:
    """N cells of which all is known."""

    name: str
    areas: np.ndarray
    """(N,) square metres."""
    favela: np.ndarray
    """(N,) bool: what each cell counts as."""
    ground: np.ndarray
    """(N,) share of its ground that is favela."""
    probability: np.ndarray
    """(N,) what the map says."""

    @property
    def shown(self) -> np.ndarray:
        """(N,) class of the map."""
        return (self.probability >= 0.5).astype(np.int64)

    def truth(self, what: str) -> float:
        """Share of the area."""
        return float((self.areas * getattr(self, what)).sum() / self.areas.sum())


def city(name: str, rows: int = 60, columns: int = 80, seed: int = 3) -> City:
    """`equal`, `cut` or `zones`; the same at every run."""
    rng = np.random.default_rng([seed, 7])
    cells = made_city(rows, columns, seed=seed)
    whole = cells.geometry.iloc[0].area
    if name == "cut":
        middle = cells.union_all().centroid
        cells["geometry"] = cells.intersection(Point(middle).buffer(0.55 * rows * 150))
        cells = cells[cells.area > LEAST_M2].reset_index(drop=True)
    found = polygon_areas(cells)
    assert found is not None
    areas = found[0] if name != "zones" else whole * rng.lognormal(0, 0.8, len(cells))
    favela = (cells["status"] == "favela").to_numpy(copy=True)
    if name == "cut":  # at the boundary another half of the cells is favela
        favela |= (areas < 0.98 * whole) & (rng.random(len(areas)) < 0.5)
    elif name == "zones":  # the smaller, the more often favela
        favela |= rng.random(len(areas)) < 0.3 * (areas < np.median(areas))
    ground = np.where(favela, rng.beta(6, 2, len(areas)), rng.beta(0.3, 6, len(areas)))
    ground[~favela & (rng.random(len(areas)) < 0.6)] = 0.0
    score = 2.5 * (favela - 0.5) + 1.5 * (ground - 0.3) + rng.normal(0, 1.4, len(areas)) - 0.6
    return City(name, areas, favela, ground, 1 / (1 + np.exp(-2 * score)))


def evidence(
    place: City, chosen: np.ndarray, strata: np.ndarray, what: str, predicted: np.ndarray | None = None
) -> Evidence:
    """Of the cells that were drawn.

    Args:
        place: the city.
        chosen: (n,) numbers of cells.
        strata: (N,) stratum of each cell.
        what: `favela` or `ground`.
        predicted: (N,) or None.
    """
    H = int(strata.max()) + 1
    totals = np.bincount(strata, weights=place.areas, minlength=H)
    truth = getattr(place, what).astype(float)[chosen, None]
    Y = np.hstack([truth, 1 - truth]) if what == "favela" else truth
    own = place.areas[chosen]
    F = mapped = spread = None
    if predicted is not None:
        F, mapped, spread = predicted[chosen, None], np.zeros((H, 1)), np.zeros((H, 1))
        for h in range(H):
            here = strata == h
            pull = place.areas[here] / place.areas[here].mean()
            mapped[h] = (pull * predicted[here]).mean()
            spread[h] = (pull * (predicted[here] - mapped[h])).std()
    return Evidence(
        strata[chosen], Y, totals / totals.sum(), np.bincount(strata, minlength=H).astype(float),
        ("favela", "other") if what == "favela" else ("ground",), tuple(map(str, range(H))), F, mapped, spread,
        measure=None if alike(own) else own,
    )  # fmt: skip


@dataclass
class Outcome:
    """What became of one estimate under one design."""

    city: str
    design: str
    what: str
    n: int
    truth: float
    ha: float
    covered: float
    half: float
    bias: float
    """Mean estimate minus truth, in standard errors of that mean."""
    too_low: float
    """Share of intervals that lie below the truth."""
    methods: dict[str, float]


KINDS = {"share of cells": ("favela", False), "ground": ("ground", False), "ground + map": ("ground", True)}


def simulate(place: City, design: str, n: int, samples: int, seed: int) -> list[Outcome]:
    """Draw again and again; one outcome for each kind of estimate."""
    rng = np.random.default_rng([seed, n, len(place.name)])
    strata = place.shown if design == "within classes" else np.zeros(len(place.areas), np.int64)
    totals = np.bincount(strata, weights=place.areas)
    members = [np.flatnonzero(strata == h) for h in range(len(totals))]
    counts = np.array([len(part) for part in members], dtype=float)
    sizes = allocate(n, totals / totals.sum(), counts, min(50, n // 4)) if len(totals) > 1 else np.array([n])
    found: dict[str, list[Estimate]] = {kind: [] for kind in KINDS}
    for _ in range(samples):
        chosen = np.concatenate([rng.choice(part, k, replace=False) for part, k in zip(members, sizes, strict=True)])
        for kind, (what, helped) in KINDS.items():
            made = evidence(place, chosen, strata, what, place.probability if helped else None)
            found[kind].append(ppi.estimate(made) if helped else stratified.estimate(made))
    return [_judged(place, design, n, kind, KINDS[kind][0], found[kind]) for kind in KINDS]


def _judged(place: City, design: str, n: int, kind: str, what: str, found: list[Estimate]) -> Outcome:
    value, low, high = (np.array([getattr(e, name)[0] for e in found]) for name in ("value", "low", "high"))
    truth, names = place.truth(what), [e.method[0] for e in found]
    return Outcome(
        place.name, design, kind, n, truth, truth * float(place.areas.sum()) / 1e4,
        float(((low <= truth) & (truth <= high)).mean()), float((high - low).mean() / 2),
        float((value.mean() - truth) / (value.std() / np.sqrt(len(value)))), float((high < truth).mean()),
        {name: names.count(name) / len(names) for name in sorted(set(names))},
    )  # fmt: skip


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--samples", type=int, default=SAMPLES)
    parser.add_argument("--size", type=int, help="one size of sample instead of several")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    started = time.monotonic()
    print("city   design          n    what            truth            covered  half width  bias/se  below  intervals")
    for name in ("equal", "cut", "zones"):
        place = city(name)
        for design in ("within classes", "at random"):
            for n in (options.size,) if options.size else (60, 150, 400):
                for o in simulate(place, design, n, options.samples, options.seed):
                    methods = ", ".join(f"{key} {100 * share:.0f} %" for key, share in o.methods.items())
                    print(
                        f"{o.city:6s} {o.design:15s} {o.n:3d}  {o.what:14s}  {100 * o.truth:5.2f} % {o.ha:6.0f} ha  "
                        f"{o.covered:.3f}  ± {100 * o.half:5.2f} %   {o.bias:+5.1f}   {o.too_low:.3f}  {methods}",
                        flush=True,
                    )
    print(f"{options.samples} samples of each in {time.monotonic() - started:.0f} s")


if __name__ == "__main__":
    main()
