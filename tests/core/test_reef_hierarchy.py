"""Heads on a label tree: against hiclass, by hand, and what must hold for any."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from quadrat.core.errors import BadInput
from quadrat.core.heads.storage import load_head, save_head
from quadrat.core.progress import Progress
from quadrat.core.reef.learning.descent import descend, suggestions
from quadrat.core.reef.learning.fitting import learn_tree, photo_folds
from quadrat.core.reef.learning.hierarchy import LocalPerParent, fit_flat, fit_tree, products, steps_down
from quadrat.core.reef.learning.local import PUBLISHED, fit_by
from quadrat.core.reef.learning.numbered import ROOT, NumberedTree
from quadrat.core.reef.tree import LabelTree
from quadrat.tests.core.reeftrees import nested, rio
from sklearn.linear_model import LogisticRegression

pytestmark = pytest.mark.same_without_torch

SMALL = NumberedTree.of(LabelTree(nested("Corals{Hard{FAV,POA},Soft},Sand,Single{Only},")))
CORALS, HARD, FAV, POA, SOFT, SAND, SINGLE, ONLY = range(8)


def logistic(X, y, photos):
    return LogisticRegression(max_iter=1000).fit(X, y)


def scene(tree, labels, n, noise, seed, photos=20):
    """Points whose features are the sum of directions of their label and all above it, and of their photo."""
    rng = np.random.default_rng(seed)
    directions = np.random.default_rng(99).normal(size=(len(tree), 12))
    photo = rng.integers(0, photos, n)
    y = rng.choice(labels, n)
    X = tree.above[y] @ directions + rng.normal(size=(photos, 12))[photo] * 0.3 + rng.normal(size=(n, 12)) * noise
    return X.astype(np.float32), y, photo


def test_as_hiclass_where_all_labels_are_leaves():
    # hiclass 5.0.8, LocalClassifierPerParentNode, scikit-learn 1.9.1; siblings in the order of the alphabet, as there.
    # With the published network both agreed on all of 600 points, too.
    tree = NumberedTree.of(LabelTree(sorted(rio().labels, key=lambda label: label.code)))
    leaves = tree.numbers(rio().leaves())
    X, y, _ = scene(tree, leaves[::3], 300, 1.0, 0)
    Z, _, _ = scene(tree, leaves[::3], 24, 1.0, 1)
    head = fit_tree(tree.parents, logistic, X, y, np.arange(300))
    assert [tree.codes[label] for label in head.predict(Z)] == HICLASS.split()
    shares = head.predict_proba(Z)
    np.testing.assert_array_equal(descend(tree, shares, head.classes_).labels, head.predict(Z))


HICLASS = """
B_HC VALV HYP FAV Sand HYP Sand DICPP D_coral PLACO Gespp. CAUC
MSP ANM DICTC HYP FISH PLG SHAD HYP DICTC DICTC FAV D_coral
"""


def test_stop_here_is_learnt_and_single_children_are_certain():
    labels = np.array([FAV, POA, HARD, SAND, ONLY])
    X, y, photos = scene(SMALL, labels, 400, 0.3, 0)
    head = fit_tree(SMALL.parents, logistic, X, y, photos)
    # Roots; Hard with "stop here". Corals leads to nothing but Hard, Single to nothing but Only.
    assert head.nodes_ == [ROOT, HARD]
    assert [list(one.classes_) for one in head.heads_] == [[CORALS, SAND, SINGLE], [HARD, FAV, POA]]
    Z, truth, _ = scene(SMALL, labels, 200, 0.3, 1)
    said = head.predict(Z)
    assert (said == truth).mean() > 0.95
    assert (said[truth == HARD] == HARD).mean() > 0.9
    nodes = SMALL.shares(head.predict_proba(Z), head.classes_)
    np.testing.assert_allclose(nodes[:, CORALS], nodes[:, HARD])
    np.testing.assert_allclose(nodes[:, SINGLE], nodes[:, ONLY])


def test_products_by_hand():
    classes = np.array([HARD, FAV, POA, SOFT, SAND])
    steps = {ROOT: np.array([CORALS, SAND]), CORALS: np.array([HARD, SOFT]), HARD: np.array([HARD, FAV, POA])}
    shares = {ROOT: np.array([[0.8, 0.2]]), CORALS: np.array([[0.75, 0.25]]), HARD: np.array([[0.5, 0.3, 0.2]])}
    found = products(SMALL.parents, classes, steps, shares, 1)
    np.testing.assert_allclose(found, [[0.3, 0.18, 0.12, 0.2, 0.2]])
    nodes = SMALL.shares(found, classes)[0]
    assert nodes[[CORALS, HARD, FAV]] == pytest.approx([0.8, 0.6, 0.18])
    way = descend(SMALL, found, classes)
    # Hard itself (0.3) is more probable than any of its children: the way stops there.
    assert way.nodes.tolist() == [[CORALS, HARD, ROOT]]
    assert way.confidence[0] == pytest.approx([0.8, 0.6, 0])
    assert way.labels.tolist() == [HARD]
    assert [way.until(t).tolist() for t in ([0.5] * 3, [0.7] * 3, [0.9] * 3)] == [[HARD], [CORALS], [ROOT]]
    order, confidence = suggestions(found, classes, 2)
    assert order.tolist() == [[HARD, SOFT]]
    assert confidence[0] == pytest.approx([0.3, 0.2])


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10**6))
def test_shares_of_any_labels_sum_to_one_and_never_rise_downwards(seed):
    rng = np.random.default_rng(seed)
    tree = NumberedTree.of(rio())
    classes = np.sort(rng.choice(len(tree), int(rng.integers(2, len(tree))), replace=False))
    steps, shares = {}, {}
    for node, ways in steps_down(tree.parents, classes).items():
        steps[node] = np.unique(list(ways.values()))
        shares[node] = rng.dirichlet(np.full(len(steps[node]), 0.3), 5)
    found = products(tree.parents, classes, steps, shares, 5)
    np.testing.assert_allclose(found.sum(axis=1), 1)
    way = descend(tree, found, classes)
    assert (np.diff(way.confidence, axis=1) <= 1e-12).all()
    assert np.isin(way.labels, classes).all()
    nodes = tree.shares(found, classes)
    for node, ways in steps.items():
        if node != ROOT:
            children = ways[ways != node]
            own = found[:, classes == node].sum(axis=1)
            np.testing.assert_allclose(nodes[:, node], nodes[:, children].sum(axis=1) + own, atol=1e-12)


@pytest.mark.parametrize("kind", ["tree", "flat"])
def test_learning_holds_photos_out_calibrates_and_is_stored(kind, tmp_path):
    labels = np.array([FAV, POA, HARD, SOFT, SAND])
    X, y, photos = scene(SMALL, labels, 600, 1.5, 0, photos=40)
    fit = fit_by("prototype", seed=1)
    found = learn_tree(SMALL, fit, X, y, photos, Progress(), kind=kind, calibration="platt")
    assert all(len(np.unique(found.fold[photos == photo])) == 1 for photo in np.unique(photos))
    assert {step["method"] for step in found.steps} <= {"platt", "none"}
    np.testing.assert_allclose(found.out_of_fold.sum(axis=1), 1)
    Z, truth, _ = scene(SMALL, labels, 600, 1.5, 5, photos=40)
    column = np.searchsorted(found.head.classes_, truth)
    fresh = found.head.predict_proba(Z)[np.arange(600), column]
    held = found.out_of_fold[np.arange(600), np.searchsorted(found.head.classes_, y)]
    # What is said of photos held out is as good as what is said of new ones.
    assert -np.log(held).mean() == pytest.approx(-np.log(fresh).mean(), abs=0.15)
    path = str(tmp_path / "head.qhead")
    save_head(path, {"codes": list(SMALL.codes)}, found.head)
    again = load_head(path)[1]
    assert isinstance(again, LocalPerParent)
    np.testing.assert_array_equal(again.predict_proba(Z), found.head.predict_proba(Z))
    again = learn_tree(SMALL, fit, X, y, photos, Progress(), kind=kind, calibration="platt", threads=2)
    np.testing.assert_array_equal(again.out_of_fold, found.out_of_fold)


def test_a_label_of_one_photo_is_unknown_where_that_is_held_out():
    X, y, photos = scene(SMALL, np.array([FAV, SAND]), 200, 0.2, 0)
    y[photos == 3] = POA
    found = learn_tree(SMALL, logistic, X, y, photos, Progress())
    rare = found.out_of_fold[:, np.searchsorted(found.head.classes_, POA)]
    assert found.head.classes_.tolist() == [FAV, POA, SAND]
    assert (rare[photos == 3] == 0).all()
    assert (rare[(photos != 3) & (y == FAV)] > 0).any()


def test_published_network_and_balance():
    X, y, photos = scene(SMALL, np.array([FAV, POA, SAND]), 300, 3.0, 0)
    rare = np.concatenate([np.flatnonzero(y != POA), np.flatnonzero(y == POA)[:8]])
    shares = {}
    for balance in (False, True):
        head = fit_tree(SMALL.parents, fit_by(PUBLISHED, balance=balance), X[rare], y[rare], photos[rare])
        assert head.heads_[0].hidden_layer_sizes == (200, 100)
        shares[balance] = head.predict_proba(scene(SMALL, np.array([POA]), 100, 3.0, 1)[0])[:, 1].mean()
    assert shares[True] > shares[False]
    flat = fit_flat(SMALL, fit_by("linear", balance=True), X, y, photos)
    assert flat.nodes_ == [ROOT]
    assert flat.predict_proba(X).shape == (300, 3)


def test_refusals_are_sentences():
    X = np.zeros((4, 2), np.float32)
    with pytest.raises(BadInput, match="same label"):
        learn_tree(SMALL, logistic, X, np.zeros(4, int), np.arange(4), Progress())
    with pytest.raises(BadInput, match="one photo"):
        learn_tree(SMALL, logistic, X, np.arange(4), np.zeros(4, int), Progress())
    with pytest.raises(BadInput, match="'ZOA', 'Zz'"):
        NumberedTree.of(rio()).numbers(["pac", "ZOA", "Zz", "ZOA"])
    assert len(np.unique(photo_folds(np.arange(3), 5, 0))) == 3
