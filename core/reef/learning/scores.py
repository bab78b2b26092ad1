"""How well labels in a tree were told: at each level, for each label, and as cover. Plain JSON values come out."""

import math
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
from sklearn.metrics import f1_score

from ...metrics.calibration import reliability
from ...metrics.classes import calibration_error, per_class
from ...metrics.hierarchical import agreement
from .numbered import ROOT, Float, Int, NumberedTree
from .stopping import FEWEST_PHOTOS, check_batch

MOST_MISTAKES = 12
Row = dict[str, Any]


def at_level(tree: NumberedTree, nodes: Int, level: int) -> Int:
    """(N,) the node of each label at a level, 1 for roots; labels above it stand for themselves, `ROOT` for itself."""
    home = np.array([path[:level][-1] for path in tree.paths] + [ROOT], np.int64)
    return np.asarray(home[nodes])


def top_labels(shares: Float, classes: Int) -> Int:
    """(N,) the most probable label of each point: what stands first among suggestions."""
    return np.asarray(classes[shares.argmax(axis=1)])


def exact_scores(tree: NumberedTree, truth: Int, said: Int, photo: Int, seed: int = 0) -> Row:
    """Scores of labels as they stand, with limits of hF over photos like these where there are some.

    Args:
        tree: of the labels.
        truth: (N,) numbers of labels.
        said: (N,) likewise.
        photo: (N,) int64.
        seed: of the limits.
    """
    found = check_batch(tree, photo, truth, said, [], 0, seed)
    few = found.n_photos < FEWEST_PHOTOS
    return {
        **_shares(truth, said), "hp": _plain(found.agreement.precision), "hr": _plain(found.agreement.recall),
        "hf": _plain(found.agreement.f), "hf_low": None if few else _plain(found.f_low),
        "hf_high": None if few else _plain(found.f_high), "points": len(truth), "photos": found.n_photos,
    }  # fmt: skip


def level_scores(tree: NumberedTree, truth: Int, said: Int, photo: Int) -> list[Row]:
    """The same at each level of the tree, with the cover error of each group there.

    Args:
        tree: of the labels.
        truth: (N,) numbers of labels.
        said: (N,) likewise.
        photo: (N,) int64.
    """
    rows = []
    for level in range(1, int(tree.levels[np.unique(np.concatenate([truth, said]))].max()) + 1):
        true, told = at_level(tree, truth, level), at_level(tree, said, level)
        scores = agreement(true, told, tree.above)
        rows.append({
            "level": level, **_shares(true, told), "hp": _plain(scores.precision), "hr": _plain(scores.recall),
            "hf": _plain(scores.f), "classes": len(np.unique(true)), "groups": cover_errors(tree, photo, true, told),
        })  # fmt: skip
    return rows


def _shares(truth: Int, said: Int) -> Row:
    """Share right, and F1 in two means: weighted by how common labels are, and each label alike."""
    known = np.unique(truth)
    means = {
        f"f1_{mean}": float(f1_score(truth, said, labels=known, average=mean, zero_division=0))
        for mean in ("weighted", "macro")
    }
    return {"accuracy": float((truth == said).mean()), **means}


def cover_errors(tree: NumberedTree, photo: Int, truth: Int, said: Int) -> list[Row]:
    """Mean over photos of the difference in cover, for each label that is there or was said, the largest first.

    Args:
        tree: of the labels.
        photo: (N,) int64.
        truth: (N,) nodes of one level.
        said: (N,) likewise.
    """
    met = np.unique(np.concatenate([truth, said]))
    codes = tuple(tree.codes[node] for node in met)
    # A list without parents: at one level each label stands for all that lies below it.
    alone = NumberedTree(codes, (ROOT,) * len(codes))
    batch = check_batch(alone, photo, np.searchsorted(met, truth), np.searchsorted(met, said), codes, 0)
    rows = [
        {
            "label": group.code, "people": group.human, "machine": group.machine, "error": group.error,
            "low": _plain(group.low), "high": _plain(group.high), "bias": group.bias,
        }
        for group in batch.groups
    ]  # fmt: skip
    return sorted(rows, key=lambda row: -row["people"])


def label_rows(tree: NumberedTree, truth: Int, said: Int, photo: Int) -> list[Row]:
    """Each label that points carry: how often it is found, and right where it is said; the most common first."""
    met = np.unique(truth)
    rows = []
    for label, scores in zip(met, per_class(truth, said, met.tolist()), strict=True):
        photos = len(np.unique(photo[truth == label]))
        rows.append({"label": tree.codes[label], **scores, "said": int((said == label).sum()), "photos": photos})
    return sorted(rows, key=lambda row: -row["support"])


def mistakes(tree: NumberedTree, truth: Int, said: Int) -> list[Row]:
    """What is taken for what most often, and the group that both are of."""
    wrong = truth != said
    pairs, counts = np.unique(np.stack([truth[wrong], said[wrong]], axis=1), axis=0, return_counts=True)
    rows = []
    for place in np.argsort(-counts, kind="stable")[:MOST_MISTAKES]:
        true, told = (int(node) for node in pairs[place])
        shared = [node for node in tree.paths[true] if node in tree.paths[told]]
        rows.append({
            "label": tree.codes[true], "said": tree.codes[told], "points": int(counts[place]),
            "of": int((truth == true).sum()), "both": tree.codes[shared[-1]] if shared else "",
        })  # fmt: skip
    return rows


def confidence(tree: NumberedTree, classes: Int, truth: Int, shares: Float, before: Float) -> Row:
    """Whether the confidence of the best label keeps its word, before calibration and after.

    Args:
        tree: of the labels.
        classes: (C,) numbers of labels.
        truth: (N,) numbers of labels.
        shares: (N, C) as given.
        before: (N, C) before calibration.
    """
    column = np.full(len(tree), -1, np.int64)
    column[classes] = np.arange(len(classes))
    codes = column[truth]
    return {
        "error": calibration_error(codes, shares), "error_before": calibration_error(codes, before),
        "bins": [asdict(one) for one in reliability(codes, shares)],
        "bins_before": [asdict(one) for one in reliability(codes, before)],
    }  # fmt: skip


def matrix_at(tree: NumberedTree, truth: Int, said: Int, level: int) -> Row:
    """Codes of the nodes met at a level, and their table of truth (rows) and what was said, the most common first."""
    true, told = at_level(tree, truth, level), at_level(tree, said, level)
    met, counts = np.unique(np.concatenate([true, told]), return_counts=True)
    order = np.argsort(-counts, kind="stable")
    place = np.empty(len(met), np.int64)
    place[order] = np.arange(len(met))
    table = np.zeros((len(met), len(met)), np.int64)
    np.add.at(table, (place[np.searchsorted(met, true)], place[np.searchsorted(met, told)]), 1)
    return {"level": level, "codes": [tree.codes[met[at]] for at in order], "points": table.tolist()}


def level_shown(levels: Sequence[Row], most: int) -> int:
    """The deepest level with no more classes than fit, 1 when none does."""
    return max((int(row["level"]) for row in levels if len(row["groups"]) <= most), default=1)


def _plain(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None
