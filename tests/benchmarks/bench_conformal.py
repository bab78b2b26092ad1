"""Do conformal sets hold the class as often as they promise? By many calibration draws, on made and on real data.

    python tests/benchmarks/bench_conformal.py made
    QUADRAT_DATA=… python tests/benchmarks/bench_conformal.py real [--sets village/bands …]

made   groups whose cells are right or wrong together, 2,000 draws of the calibration groups, each tested on cells of
       200 new groups: mean coverage, its spread over draws, and what the threshold of single cells (each cell counting
       as a sample of its own) would give. With one cell a group the coverage of a draw follows a beta distribution.
real   a head is fitted once by held-out folds; then its groups are split 2,000 times into halves, of which one sets the
       threshold and the other is tested: coverage and mean size of the sets. `job` is the road of the job itself, in
       which the threshold comes from held-out samples of the training part and the final head is tested on other
       groups, over 5 folds and the repetitions.
"""

import argparse
import importlib
import pathlib
import sys
from functools import partial

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))
sys.path.insert(0, str(ROOT / "tests" / "benchmarks"))
importlib.import_module("conftest")  # makes `import quadrat` work in a checkout of any name

import numpy as np  # noqa: E402
from curve_sets import DESIGN, REPORTED  # noqa: E402
from quadrat.core.conformal import calibrate, conformity, group_quantile, members_of  # noqa: E402
from quadrat.core.folds import class_folds  # noqa: E402
from quadrat.core.heads.build import fit_head  # noqa: E402
from quadrat.core.heads.fitting import run_all  # noqa: E402
from quadrat.core.heads.recipe import Recipe  # noqa: E402
from quadrat.core.progress import Progress  # noqa: E402
from scipy.stats import beta  # noqa: E402

DRAWS = 2000
SETS = ("village/bands", "para/bands", "matogrosso/bands", "freiburg/bands", "luebeck/bands")


def groups_of(count: int, most_cells: int, together: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Scores of cells and the number of their group; `together` is the share of the spread that is of the group."""
    rng = np.random.default_rng(seed)
    sizes = rng.integers(1, most_cells + 1, count)
    members = np.repeat(np.arange(count), sizes)
    level, own = rng.normal(size=count)[members], rng.normal(size=len(members))
    # Large groups are easier than small ones, so that cells and groups do not tell the same.
    easy = np.log(sizes / sizes.mean())[members] * 0.5
    return np.sqrt(together) * level + np.sqrt(1 - together) * own - easy, members


def made() -> None:
    """Print the coverage over draws for several numbers and kinds of groups."""
    for coverage in (0.8, 0.9, 0.95):
        for count, most_cells, together in ((19, 1, 0.0), (19, 60, 0.7), (50, 60, 0.7), (200, 60, 0.7), (50, 60, 1.0)):
            found, single = [], []
            for draw in range(DRAWS):
                scores, members = groups_of(count, most_cells, together, draw)
                fresh, others = groups_of(200, most_cells, together, 10**6 + draw)
                weight = 1 / np.bincount(others)[others]
                limit = group_quantile(scores, members, coverage)
                found.append(np.average(fresh <= limit, weights=weight))
                alone = group_quantile(scores, np.arange(len(scores)), coverage)
                single.append(np.average(fresh <= alone, weights=weight))
            rank = int(np.ceil((count + 1) * coverage - 1e-9))
            law = beta(rank, count + 1 - rank)
            print(
                f"asked {coverage:.2f}  {count:3} groups of up to {most_cells:2} cells, together {together:.1f}:  "
                f"found {np.mean(found):.3f} ± {np.std(found) / np.sqrt(DRAWS):.4f}, over draws {np.std(found):.3f} "
                f"(beta {law.mean():.3f}, {law.std():.3f}); single cells {np.mean(single):.3f}",
                flush=True,
            )


def real(names: list[str], heads: list[str], repeats: int) -> None:
    """Print the coverage of each head on each set."""
    for name in names:
        data = {**REPORTED, **DESIGN}[name]()
        for head in heads:
            recipe = Recipe(head, "class", own_units=data.own_units, calibration="auto")
            halves(name, head, recipe, data)
            road(name, head, recipe, data, repeats)


def halves(name: str, head: str, recipe: Recipe, data: object) -> None:
    """Threshold from one half of the groups, tested on the other."""
    groups = data.groups(0)
    fitted = run_all([lambda: fit_head(recipe, data.X, data.y, groups)], 1, Progress())[0]
    if fitted.held_out is None:
        print(f"{name:18} {head:13} too few groups", flush=True)
        return
    at = fitted.held_out.at
    shares, codes = fitted.out_of_fold[at], np.unique(data.y, return_inverse=True)[1][at]
    members = np.unique(groups[at], return_inverse=True)[1]
    sizes, scores = np.bincount(members), conformity(shares, codes)
    for coverage in (0.8, 0.9):
        covered, size = [], []
        for draw in range(DRAWS):
            order = np.random.default_rng(draw).permutation(len(sizes))
            mine = np.isin(members, order[: len(sizes) // 2])
            limit = group_quantile(scores[mine], np.unique(members[mine], return_inverse=True)[1], coverage)
            if limit is None:
                continue
            sets = members_of(shares[~mine], limit)
            weight = 1 / sizes[members[~mine]]
            covered.append(np.average(sets[np.arange(len(sets)), codes[~mine]], weights=weight))
            size.append(np.average(sets.sum(axis=1), weights=weight))
        if not covered:
            print(f"{name:18} {head:13} halves asked {coverage}: too few groups ({len(sizes)})", flush=True)
            continue
        error = np.std(covered) / np.sqrt(len(covered))
        print(
            f"{name:18} {head:13} halves asked {coverage:.2f} found {np.mean(covered):.3f} ± {error:.4f}, over draws "
            f"{np.std(covered):.3f}; classes in a set {np.mean(size):.2f}; {len(sizes)} groups",
            flush=True,
        )


def road(name: str, head: str, recipe: Recipe, data: object, repeats: int) -> None:
    """The road of the job: head, calibration and threshold from one part, tested on the groups of the other."""
    rows = []

    def one(training: np.ndarray, test: np.ndarray, groups: np.ndarray) -> None:
        fitted = fit_head(recipe, data.X[training], data.y[training], groups[training])
        if fitted.held_out is None:
            return
        at, classes = fitted.held_out.at, np.unique(data.y[training])
        known = np.searchsorted(classes, data.y[training])
        limit = calibrate(fitted.out_of_fold[at], known[at], groups[training][at], 0.9)
        test = test[np.isin(data.y[test], classes)]
        if limit is None or not len(test):
            return
        sets = members_of(fitted.estimator.predict_proba(data.X[test]), limit.threshold)
        held = sets[np.arange(len(test)), np.searchsorted(classes, data.y[test])]
        sizes = np.bincount(np.unique(groups[test], return_inverse=True)[1])
        weight = 1 / sizes[np.unique(groups[test], return_inverse=True)[1]]
        rows.append([np.average(held, weights=weight), np.average(sets.sum(1) > 1, weights=weight), len(sizes)])

    for repeat in range(repeats):
        groups = data.groups(repeat)
        folds = class_folds(data.y, groups, 5, repeat, every_class=False)
        if folds is not None:
            run_all([partial(one, *part, groups) for part in folds.parts()], 1, Progress())
    if not rows:
        print(f"{name:18} {head:13} job: too few groups", flush=True)
        return
    table = np.array(rows)
    mean = np.average(table[:, :2], axis=0, weights=table[:, 2])
    print(
        f"{name:18} {head:13} job asked 0.90 found {mean[0]:.3f}, unsure {100 * mean[1]:.0f} % ({len(rows)} fits)",
        flush=True,
    )


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", nargs="?", choices=("made", "real", "all"), default="all")
    parser.add_argument("--sets", nargs="*", default=SETS)
    parser.add_argument("--heads", nargs="*", default=("linear", "forest-small"))
    parser.add_argument("--repeats", type=int, default=3)
    given = parser.parse_args()
    if given.what in ("made", "all"):
        made()
    if given.what in ("real", "all"):
        real(given.sets, given.heads, given.repeats)


if __name__ == "__main__":
    main()
