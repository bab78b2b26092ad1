"""Do thresholds of trust and the stop sign keep their word? By simulation on the tree of Rio do Fogo.

    python tests/benchmarks/bench_reef.py trust
    python tests/benchmarks/bench_reef.py stop

trust  a made machine that is sure of itself more or less often than it is right, and right or wrong together in photos;
       thresholds and branches are learnt from some reference photos, 100 draws, and tested on 400 new photos: in how
       many draws the accuracy of the points given at a level is at least the wish, and what share of points is given;
       mean coverage of the branches.
stop   a made survey of photos of 25 points, checked in batches; between batches the machine is trained on them and its
       errors fall as a power law. 200 surveys each: how many photos until the sign, and whether the mean cover error of
       all target groups over the whole survey was then below the tolerance; and how far "about n more" was off.
"""

import argparse
import importlib
import pathlib
import sys

ROOT_FOLDER = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT_FOLDER))
sys.path.insert(0, str(ROOT_FOLDER / "tests" / "benchmarks"))
importlib.import_module("conftest")  # makes `import quadrat` work in a checkout of any name

import numpy as np  # noqa: E402
from quadrat.core.reef.learning.descent import descend  # noqa: E402
from quadrat.core.reef.learning.numbered import NumberedTree  # noqa: E402
from quadrat.core.reef.learning.stopping import check_batch, next_size, sign  # noqa: E402
from quadrat.core.reef.learning.trust import choose_thresholds, is_right, tree_sets  # noqa: E402
from quadrat.tests.core.reeftrees import rio  # noqa: E402

TREE = NumberedTree.of(rio())
LABELS = np.sort(TREE.numbers(rio().leaves()))[::2]
NEAR = TREE.above[LABELS].astype(float) @ TREE.above[LABELS].T
FREQUENT = 1 / np.arange(1, len(LABELS) + 1) ** 1.2
DRAWS, SURVEYS = 100, 200
WISH, COVERAGE = 0.9, 0.9


def machine(photos: int, points: int, together: float, sharp: float, seed: int):
    """Photo, true label and claimed probabilities of each point."""
    rng = np.random.default_rng(seed)
    photo = np.repeat(np.arange(photos), points)
    common = rng.permutation(np.random.default_rng(1).permutation(FREQUENT / FREQUENT.sum())[None], axis=0)[0]
    shares = rng.dirichlet(common * 8 + 1e-3, photos)
    column = (shares.cumsum(1)[photo] < rng.random((len(photo), 1))).sum(1).clip(max=len(LABELS) - 1)
    # Some photos are hard (murky, shaded): there the machine knows less, and does not know that.
    clear = 1.6 + together * rng.normal(size=photos)[photo, None]
    score = NEAR[column] * clear + rng.normal(size=(len(photo), len(LABELS))) * 1.3
    claimed = np.exp(sharp * (score - score.max(axis=1, keepdims=True)))
    return photo, LABELS[column], claimed / claimed.sum(axis=1, keepdims=True)


def trust() -> None:
    """Print how often thresholds hold."""
    print("| photos x points | together | sure of itself | level 1: held, given | 2 | 3 | branches |")
    print("|---|---|---|---|---|---|---|")
    for photos, points in ((20, 25), (60, 25), (200, 25), (60, 100)):
        for together, sharp in ((0.0, 1.0), (0.6, 1.0), (0.6, 2.0)):
            fresh = machine(400, points, together, sharp, 10**6)
            new = descend(TREE, fresh[2], LABELS)
            right = is_right(TREE, fresh[1], new.nodes)
            held, given, covered = [], [], []
            for draw in range(DRAWS):
                photo, truth, claimed = machine(photos, points, together, sharp, draw)
                known = descend(TREE, claimed, LABELS)
                at = new.trusted(choose_thresholds(TREE, known, truth, photo, WISH).thresholds)
                count = at.sum(axis=0)
                held.append(np.where(count > 0, (at & right).sum(axis=0) / np.maximum(count, 1), 1.0) >= WISH)
                given.append(count / len(at))
                sets = tree_sets(TREE, known, truth, photo, COVERAGE)
                branch = sets.branch(new)
                covered.append(np.where(branch < 0, True, TREE.above[fresh[1], branch]).mean())
            levels = [f"{np.mean(held, axis=0)[k]:.2f}, {np.mean(given, axis=0)[k]:.2f}" for k in range(3)]
            print(
                f"| {photos} x {points} | {together} | {sharp} | {' | '.join(levels)} | {np.mean(covered):.3f} |",
                flush=True,
            )


TARGETS = ("Corals", "Algae", "Substrates")
POINTS, BATCH = 25, 15


def survey(photos: int, first: float, power: float, floor: float, seed: int):
    """True labels of all points, and a function that gives those of the machine after training on so many photos."""
    rng = np.random.default_rng(seed)
    roots = TREE.numbers(TARGETS)
    shares = rng.dirichlet((3.0, 4.0, 2.0), photos)
    human = roots[(shares.cumsum(1)[:, None, :] < rng.random((photos, POINTS, 1))).sum(2).clip(max=2)]
    hard, luck = rng.gamma(2.0, 0.5, photos), rng.random((photos, POINTS))
    other = rng.choice(roots, (photos, POINTS), p=(0.2, 0.5, 0.3))

    def says(trained: int):
        wrong = luck < np.minimum((first * (trained / BATCH) ** -power + floor) * hard, 0.9)[:, None]
        return np.where(wrong, other, human)

    return human, says


def stop() -> None:
    """Print when the sign comes, and whether it was right."""
    print("| tolerance | errors | stopped | photos until then, median | right | told on the way: off by, median |")
    print("|---|---|---|---|---|---|")
    for tolerance in (0.03, 0.05, 0.08):
        for name, first, power, floor in (
            ("fall fast", 0.4, 1.0, 0.02),
            ("fall slowly", 0.3, 0.35, 0.02),
            ("stay", 0.12, 0.0, 0.0),
        ):
            found = [_one(tolerance, first, power, floor, seed) for seed in range(SURVEYS)]
            stopped = [one for one in found if one[0]]
            photos = np.median([one[0] for one in stopped]) if stopped else np.nan
            right = np.mean([one[1] for one in stopped]) if stopped else np.nan
            off = [ratio for one in found for ratio in one[2]]
            told = f"{np.median(off):.2f} times" if off else "-"
            stops = len(stopped) / len(found)
            row = f"{100 * tolerance:g} % | {name} | {stops:.2f} | {photos:.0f} | {right:.3f} | {told}"
            print(f"| {row} |", flush=True)


def _one(tolerance: float, first: float, power: float, floor: float, seed: int, most: int = 40):
    """Photos at which the sign came (0: never), whether it was right, and told over true photos to go."""
    human, says = survey((most + 2) * BATCH, first, power, floor, seed)
    history, told = [], []
    trained, size = BATCH, BATCH
    while trained + size <= most * BATCH:
        rows = slice(trained, trained + size)
        said = says(trained)
        photos = np.repeat(np.arange(size), POINTS)
        history.append(check_batch(TREE, photos, human[rows].ravel(), said[rows].ravel(), TARGETS, trained))
        trained, size = rows.stop, next_size(history[-1], tolerance, BATCH)
        found = sign(history, tolerance, 0, size)
        if found.stop:
            rest = slice(rows.stop, None)
            cover = [
                np.abs((said[rest] == t).mean(1) - (human[rest] == t).mean(1)).mean() for t in TREE.numbers(TARGETS)
            ]
            return rows.stop, max(cover) < tolerance, [more / (rows.stop - at) for at, more in told]
        if found.more is not None:
            told.append((rows.stop, found.more))
    return 0, False, []


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("trust", "stop"))
    {"trust": trust, "stop": stop}[parser.parse_args().what]()
