"""Do intervals of cover hold where photos that the machine learnt from count by what it said of them held out?

    python tests/benchmarks/bench_reef_heldout.py --samples 60

Surveys of 200 photos of 25 points and six labels in two branches; vectors of points that differ from photo to photo.
Some photos are labelled and learnt from, no others are checked. `held out`: as the job does it. `known`: what the
learnt model says of the same photos, which is what must not be done.
"""

import argparse
import importlib
import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))
importlib.import_module("conftest")  # makes `import quadrat` work in a checkout of any name

import numpy as np  # noqa: E402
from quadrat.core.progress import Progress  # noqa: E402
from quadrat.core.reef.cover import estimates  # noqa: E402
from quadrat.core.reef.learning.fitting import learn_tree  # noqa: E402
from quadrat.core.reef.learning.local import fit_by  # noqa: E402
from quadrat.core.reef.learning.numbered import NumberedTree  # noqa: E402
from quadrat.core.reef.tree import Label, LabelTree  # noqa: E402

TREE = NumberedTree.of(LabelTree([Label("A"), Label("B"), *(Label(f"L{k}", parent="AB"[k % 2]) for k in range(6))]))
LEAVES = TREE.numbers(f"L{k}" for k in range(6))
COMMON = np.array([0.4, 0.25, 0.15, 0.1, 0.06, 0.04]) * 4 + 0.01
TRUE = COMMON / COMMON.sum()
PHOTOS, POINTS, WIDE = 200, 25, 24


def survey(rng, apart: float):
    """(P, n) leaf of each point and (P, n, D) its vector; labels lie `apart` from one another."""
    middles = rng.normal(size=(6, WIDE)) * apart
    cover = rng.dirichlet(COMMON, PHOTOS)
    leaf = (cover.cumsum(1)[:, None] < rng.random((PHOTOS, POINTS, 1))).sum(2).clip(max=5)
    noise = rng.normal(size=(PHOTOS, 1, WIDE)) * 0.9 + rng.normal(size=(PHOTOS, POINTS, WIDE)) * 1.6
    return leaf, (middles[leaf] + noise).astype(np.float32)


def cover_of(leaf):
    """(P, 6) share of the points of each photo."""
    return (leaf[..., None] == np.arange(6)).mean(axis=1)


def one(labelled: int, apart: float, head: str, seed: int):
    """Estimate by each method, and how often the machine was right on the photos that nobody labelled."""
    leaf, X = survey(np.random.default_rng([seed, labelled]), apart)
    known = np.repeat(np.arange(labelled), POINTS)
    y = LEAVES[leaf[:labelled].ravel()]
    learnt = learn_tree(TREE, fit_by(head), X[:labelled].reshape(-1, WIDE), y, known, Progress())
    back = np.array([LEAVES.tolist().index(label) for label in learnt.head.classes_])
    held = back[learnt.out_of_fold.argmax(axis=1)].reshape(labelled, POINTS)
    said = back[learnt.head.predict_proba(X.reshape(-1, WIDE)).argmax(axis=1)].reshape(PHOTOS, POINTS)
    people = np.where(np.arange(PHOTOS)[:, None] < labelled, cover_of(leaf), np.nan)
    plain = estimates.Photos(people, cover_of(said), np.full(PHOTOS, POINTS), np.zeros(PHOTOS, bool), tuple("abcdef"))
    machine = np.concatenate([cover_of(held), cover_of(said[labelled:])])
    crossed = estimates.Photos(people, machine, plain.points, plain.learnt, plain.names)
    found = {
        "people": estimates.by_people(plain), "held out": estimates.powered(crossed), "known": estimates.powered(plain)
    }  # fmt: skip
    return found, (said[labelled:] == leaf[labelled:]).mean()


def main() -> None:
    """Print coverage (lowest), half width and bias, both in points of per cent."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--samples", type=int, default=60)
    parser.add_argument("--head", default="prototype")
    given = parser.parse_args()
    print("| labelled | machine right | people | held out | known |\n|---|---|---|---|---|")
    for labelled in (20, 40, 80):
        for apart in (0.55, 1.0):
            runs = [one(labelled, apart, given.head, seed) for seed in range(given.samples)]
            cells = []
            for method in ("people", "held out", "known"):
                low, high, value = (np.array([getattr(found[method], name) for found, _ in runs])
                                    for name in ("low", "high", "value"))  # fmt: skip
                inside = ((low <= TRUE) & (high >= TRUE)).mean(axis=0)
                bias = 100 * np.abs((value - TRUE).mean(axis=0)).max()
                cells.append(f"{inside.mean():.3f} ({inside.min():.2f}) ±{50 * (high - low).mean():.1f}, {bias:.1f}")
            right = np.mean([right for _, right in runs])
            print(f"| {labelled} | {right:.2f} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
