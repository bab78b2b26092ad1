"""Learning curves of all heads against the head published for few labels, on groups or blocks that were kept apart.

    QUADRAT_DATA=… python tests/benchmarks/bench_curves.py run --cache curves.json --minutes 5
    QUADRAT_DATA=… python tests/benchmarks/bench_curves.py table --cache curves.json

`run` goes on where it stopped, so that it can be done in pieces. Sets are those of `curve_sets.py`: `reported`, on
which nothing was chosen, and `design`, on which `auto` was made. Each of 20 draws deals the groups (polygons, blocks
of a table, or squares where polygons must be cut) anew to at most five folds, holds one of them out, and labels
samples of the rest one by one; all heads see the same draws.

The published head is a random forest of 50 trees of depth 7, without class weights, measured by accuracy (Allen et al.
2023); all heads are fitted without class weights here.

What is asked, fixed before any curve of a reported set was seen: let s be the published head's mean accuracy with all
labels of the training part. n_pub is the smallest number of labels at which its mean curve (made monotone, straight
over log labels) reaches s - 0.01; n of another head is the smallest number at which its mean curve reaches the same
s - 0.01. Where a curve starts above, its smallest size counts; where it never gets there, twice the full number. The
figure is the geometric mean over sets of n / n_pub, and the same once more with 0.95 s in the place of s - 0.01. Its
interval comes from drawing the 20 draws again, in all sets at once.
"""

import argparse
import importlib
import json
import pathlib
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))
sys.path.insert(0, str(pathlib.Path(__file__).parent))
importlib.import_module("conftest")  # makes `import quadrat` work in a checkout of any name

import numpy as np  # noqa: E402
from curve_sets import DESIGN, REPORTED, LabelledSet  # noqa: E402
from quadrat.core.folds import TRAINING_ONLY, Folds, make_folds  # noqa: E402
from quadrat.core.heads.recipe import Recipe  # noqa: E402
from quadrat.core.heads.registry import HEADS  # noqa: E402
from quadrat.core.learningcurve import curve, labels_needed  # noqa: E402

PUBLISHED = "forest-small"
SIZES = (5, 10, 25, 50, 100, 250, 500)
DRAWS, FOLDS = 20, 5
TOLERANCE, SHARE = 0.01, 0.95
RESAMPLED = 1000
METRIC = {"class": "accuracy", "value": "r2"}


def one_draw(found: LabelledSet, head: str, draw: int, balance: bool) -> dict[str, object] | None:
    """Sizes and scores of one draw; None when nothing can be kept apart."""
    groups = found.groups(draw)

    def split(_: int) -> tuple[np.ndarray, Folds] | None:
        folds = make_folds(found.target, found.y, groups, FOLDS, draw)
        if folds is None:
            return None
        held = np.where(folds.fold == draw % folds.count, 0, TRAINING_ONLY)
        return groups, Folds(held, 1, folds.untested)

    started = time.monotonic()
    recipe = Recipe(head, found.target, balance, draw, found.own_units)
    result = curve(found.X, found.y, groups, split, recipe, 1, SIZES)
    if result is None:
        return None
    names = ("accuracy", "balanced_accuracy") if found.target == "class" else ("r2",)
    scores = {name: result.scores[name][0].tolist() for name in names}
    return {"sizes": result.sizes.tolist(), **scores, "seconds": time.monotonic() - started}


def run(cache: pathlib.Path, names: list[str], heads: list[str], minutes: float, balance: bool) -> bool:
    """Add what is missing to the cache until the time is over; True when nothing is missing."""
    known = json.loads(cache.read_text()) if cache.exists() else {}
    end = time.monotonic() + 60 * minutes
    for name in names:
        wanted = [(head, draw) for head in heads for draw in range(DRAWS)]
        wanted = [(head, draw) for head, draw in wanted if f"{name}|{head}|{int(balance)}|{draw}" not in known]
        if not wanted:
            continue
        found = _loaded(cache, name)
        for head, draw in wanted:
            if found.target in HEADS[head].targets:
                known[f"{name}|{head}|{int(balance)}|{draw}"] = one_draw(found, head, draw, balance)
            if time.monotonic() > end:
                cache.write_text(json.dumps(known))
                return False
        cache.write_text(json.dumps(known))
    return True


def _loaded(cache: pathlib.Path, name: str) -> LabelledSet:
    """A set, its arrays kept beside the cache: an embedding need not be made again for each piece."""
    path = cache.with_name(f"{cache.stem}-{name.replace('/', '-')}.npz")
    if not path.exists():
        made = (REPORTED | DESIGN)[name]()
        groups = np.stack([made.groups(draw) for draw in range(DRAWS)])
        np.savez(path, X=made.X, y=made.y, groups=groups, own_units=made.own_units, target=made.target)
    with np.load(path) as kept:
        groups = kept["groups"]
        return LabelledSet(
            kept["X"], kept["y"], lambda draw: groups[draw], bool(kept["own_units"]), str(kept["target"])
        )


def tables(caches: list[pathlib.Path], names: list[str], balance: bool, metric: str) -> dict[str, dict[str, tuple]]:
    """By set and head: sizes (S,) and scores (draws, S), of the sizes that all draws have."""
    known = {key: row for cache in caches for key, row in json.loads(cache.read_text()).items()}
    out: dict[str, dict[str, tuple]] = {}
    for name in names:
        for head in HEADS:
            rows = [known.get(f"{name}|{head}|{int(balance)}|{draw}") for draw in range(DRAWS)]
            rows = [row for row in rows if row and (metric in row or "r2" in row)]
            if len(rows) < DRAWS:
                continue
            key = metric if metric in rows[0] else "r2"
            common = sorted(set.intersection(*(set(row["sizes"][:-1]) for row in rows)))
            scores = [[row[key][row["sizes"].index(n)] for n in common] + [row[key][-1]] for row in rows]
            whole = np.mean([row["sizes"][-1] for row in rows])
            out.setdefault(name, {})[head] = np.array([*common, whole]), np.array(scores)
    return out


def labels_for(sizes: np.ndarray, scores: np.ndarray, goal: float) -> float:
    """Labels at which the mean over draws reaches a goal; twice the full number when it never does."""
    needed = labels_needed(sizes, np.nanmean(scores, axis=0), goal)
    return float(min(needed, 2 * sizes[-1]))


def goals(scores: np.ndarray) -> tuple[float, float]:
    """The two scores to be reached, from the published head's curve."""
    full = float(np.nanmean(scores[:, -1]))
    return full - TOLERANCE, SHARE * full


def figure(found: dict[str, dict[str, tuple]], head: str, which: int, draws: np.ndarray | None = None) -> float:
    """Geometric mean over sets of labels needed by a head over labels needed by the published one."""
    logs = []
    for heads in found.values():
        at = np.arange(DRAWS) if draws is None else draws
        (sizes, published), (_, scores) = heads[PUBLISHED], heads[head]
        goal = goals(published[at])[which]
        logs.append(np.log(labels_for(sizes, scores[at], goal) / labels_for(sizes, published[at], goal)))
    return float(np.exp(np.mean(logs)))


def show(found: dict[str, dict[str, tuple]]) -> None:
    """Print curves, labels needed, and the figure of each head."""
    for name, heads in found.items():
        if PUBLISHED not in heads:
            continue
        sizes, published = heads[PUBLISHED]
        print(f"\n{name}: mean and standard deviation over {DRAWS} draws")
        print(f"{'labels':14}" + "".join(f"{n:12.0f}" for n in sizes) + "   n for s-0.01, 0.95 s; seconds")
        for head, (_, scores) in heads.items():
            needed = [labels_for(sizes, scores, goal) for goal in goals(published)]
            cells = zip(np.nanmean(scores, axis=0), np.nanstd(scores, axis=0, ddof=1), strict=True)
            line = "".join(f"{100 * mean:7.1f} ±{100 * spread:3.0f}" for mean, spread in cells)
            print(f"{head:14}{line}   {needed[0]:7.0f} {needed[1]:7.0f}")
    whole = {name: heads for name, heads in found.items() if PUBLISHED in heads}
    rng = np.random.default_rng(0)
    draws = rng.integers(0, DRAWS, (RESAMPLED, DRAWS))
    print(f"\nlabels needed / labels needed by {PUBLISHED}, geometric mean over {len(whole)} sets [95 % over draws]")
    for head in HEADS:
        if not all(head in heads for heads in whole.values()):
            continue
        parts = []
        for which, title in enumerate(("s - 0.01", "0.95 s")):
            again = [figure(whole, head, which, row) for row in draws]
            low, high = np.quantile(again, (0.025, 0.975))
            parts.append(f"{title}: {figure(whole, head, which):.2f} [{low:.2f}, {high:.2f}]")
        print(f"{head:14}{'   '.join(parts)}")


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("run", "table"))
    parser.add_argument(
        "--cache",
        type=pathlib.Path,
        nargs="+",
        default=[pathlib.Path("curves.json")],
        help="several: of runs side by side, for the table",
    )
    parser.add_argument("--sets", default="reported", help="reported, design, or names joined by commas")
    parser.add_argument("--heads", default=",".join(HEADS))
    parser.add_argument("--minutes", type=float, default=5)
    parser.add_argument("--balance", action="store_true", help="with class weights")
    parser.add_argument("--metric", default="accuracy", choices=("accuracy", "balanced_accuracy"))
    given = parser.parse_args()
    names = list({"reported": REPORTED, "design": DESIGN}.get(given.sets, given.sets.split(",")))
    if given.what == "run":
        done = run(given.cache[0], names, given.heads.split(","), given.minutes, given.balance)
        raise SystemExit(0 if done else 3)
    show(tables(given.cache, names, given.balance, given.metric))


if __name__ == "__main__":
    main()
