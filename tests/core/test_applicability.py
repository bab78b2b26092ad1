import io
import zipfile

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from quadrat.core.applicability import MOST_NUMBERS, MOST_VECTORS, Applicability, distances, learn, upper_whisker
from quadrat.core.errors import BadInput
from quadrat.core.heads.build import fit_head, held_out
from quadrat.core.heads.heldout import HeldOut
from quadrat.core.heads.importance import importance
from quadrat.core.heads.recipe import Recipe
from quadrat.core.heads.storage import load_arrays, save_head
from sklearn.linear_model import LogisticRegression

pytestmark = pytest.mark.same_without_torch


def test_worked_by_hand():
    """One feature, four samples in two folds; the formulas of Meyer and Pebesma 2021 with pencil and paper."""
    X = np.array([[0.0], [1.0], [3.0], [7.0]], np.float32)
    fold = np.array([0, 0, 1, 1])
    found = learn(X, np.arange(4), fold, np.ones(1), 0)
    spread = np.std([0, 1, 3, 7], ddof=1)
    # All pairs: 1, 3, 7, 2, 6, 4; their mean is 23 / 6.
    assert found.mean_distance == pytest.approx(23 / 6 / spread, rel=1e-6)
    # Nearest of the other fold: 3, 2, 2, 6; over the mean distance.
    nearest = np.array([3, 2, 2, 6]) / (23 / 6)
    low, high = np.quantile(nearest, [0.25, 0.75])
    assert high + 1.5 * (high - low) > nearest.max()  # the whisker ends at the largest value
    assert found.threshold == pytest.approx(6 / (23 / 6), rel=1e-6)
    # A place at 10 lies 3 from the nearest sample, one at 16 lies 9 away, on a sample nothing.
    np.testing.assert_allclose(found.dissimilarity(np.array([[10], [16], [3]], np.float32)), [0.5, 1.5, 0], atol=1e-6)


def test_weights_by_hand():
    """Two features of the same spread; the second weighs half, so that its distances count half."""
    X = np.array([[0, 0], [0, 4], [4, 0], [4, 4]], np.float32)
    found = learn(X, np.arange(4), np.arange(4), np.array([2.0, 1.0]), 0)
    spread = np.std([0, 0, 4, 4], ddof=1)
    a, b = 4 / spread, 2 / spread
    assert found.mean_distance == pytest.approx((2 * a + 2 * b + 2 * np.hypot(a, b)) / 6, rel=1e-6)
    assert found.threshold == pytest.approx(b / found.mean_distance, rel=1e-6)
    np.testing.assert_allclose(found.dissimilarity(np.array([[0, 12]], np.float32)), 2, rtol=1e-5)


def test_whisker_is_below_the_largest_when_that_is_far_off():
    values = np.array([1.0, 2, 3, 4, 5, 60])
    low, high = np.quantile(values, [0.25, 0.75])
    assert upper_whisker(values) == high + 1.5 * (high - low) < 60
    assert upper_whisker(values[:5]) == 5


def test_samples_that_were_never_held_out_are_neighbours_but_set_no_threshold():
    vectors = np.array([[0.0], [1.0], [5.0]], np.float32)
    _, nearest = distances(vectors, np.array([0, 1, -1]))
    np.testing.assert_array_equal(nearest, [1, 1, 4])
    found = learn(vectors, np.arange(3), np.array([0, 1, -1]), np.ones(1), 0)
    assert found.threshold * found.mean_distance * np.std([0, 1, 5], ddof=1) == pytest.approx(1, rel=1e-5)


def cloud(n=200, d=6, seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, d)).astype(np.float32), np.arange(n) // 4


@settings(deadline=None, max_examples=30)
@given(seed=st.integers(0, 10**6), scale=st.floats(1e-3, 1e3), shift=st.floats(-100, 100))
def test_units_of_the_features_do_not_matter(seed, scale, shift):
    X, groups = cloud(60, 3, seed)
    Z, _ = cloud(20, 3, seed + 1)
    change = np.array([scale, 1, 1], np.float32), np.array([shift, 0, 0], np.float32)
    plain = learn(X, groups, None, np.ones(3), 0)
    other = learn(X * change[0] + change[1], groups, None, np.ones(3), 0)
    scores = other.dissimilarity(Z * change[0] + change[1])
    np.testing.assert_allclose(scores, plain.dissimilarity(Z), rtol=0.02, atol=0.02 + 1e-4 * abs(shift) / scale)


def test_far_places_are_outside_and_training_places_inside():
    X, groups = cloud()
    found = learn(X, groups, None, np.ones(6), 0)
    assert (found.dissimilarity(X) == 0).all()
    assert (found.dissimilarity(cloud(seed=1)[0]) <= 1).mean() > 0.9
    assert (found.dissimilarity(X + 20) > 1).all()
    assert found.dissimilarity(X[:0]).shape == (0,)
    assert found.dissimilarity(X).dtype == np.float32


def test_features_without_weight_or_spread_do_not_count():
    X, groups = cloud()
    X[:, 2] = 7
    found = learn(X, groups, None, np.array([1, 1, 1, 0, 1, 1.0]), 0)
    np.testing.assert_array_equal(found.kept, [0, 1, 4, 5])
    moved = X.copy()
    moved[:, 2:4] += 100
    np.testing.assert_array_equal(found.dissimilarity(moved), found.dissimilarity(X))
    assert learn(np.zeros((10, 2), np.float32), np.arange(10), None, np.ones(2), 0) is None
    assert learn(X, np.zeros(200, int), None, np.ones(6), 0) is None


def test_only_so_many_vectors_are_kept_and_no_group_is_lost():
    rng = np.random.default_rng(0)
    groups = np.arange(20_000) // 100
    narrow = learn(rng.normal(size=(20_000, 2)).astype(np.float32), groups, None, np.ones(2), 0)
    assert narrow.vectors.shape == (MOST_VECTORS, 2)
    wide = learn(rng.normal(size=(2000, 2048)).astype(np.float32), groups[:2000], None, np.ones(2048), 0)
    assert wide.vectors.shape == (MOST_NUMBERS // 2048, 2048)


def test_stays_in_the_file_of_the_head_without_places(tmp_path):
    X, groups = cloud()
    found = learn(X, groups, None, np.ones(6), 0)
    head = LogisticRegression().fit(X, groups % 2)
    paths = [tmp_path / name for name in ("a.qhead", "b.qhead", "old.qhead")]
    for path in paths[:2]:
        save_head(str(path), {}, head, found.arrays())
    save_head(str(paths[2]), {}, head)
    assert paths[0].read_bytes() == paths[1].read_bytes()
    again = Applicability.of(load_arrays(str(paths[0])), 6)
    Z, _ = cloud(seed=3)
    np.testing.assert_array_equal(again.dissimilarity(Z), found.dissimilarity(Z))
    assert set(load_arrays(str(paths[0]))) == {"kept", "centre", "factor", "vectors", "scale"}
    assert load_arrays(str(paths[2])) == {}


def npy(array, **named):
    packed = io.BytesIO()
    np.save(packed, array, **named)
    return packed.getvalue()


@pytest.mark.parametrize(
    "body",
    [
        b"nothing", npy(np.array([{}], object), allow_pickle=True), npy(np.arange(9.0))[:-8], npy(np.array(["a"])),
        npy(np.arange(3)).replace(b"(3,)", b"(9999999,)"),
    ],
)  # fmt: skip
def test_damaged_arrays_are_a_sentence(tmp_path, body):
    X, groups = cloud()
    path = tmp_path / "a.qhead"
    save_head(str(path), {}, LogisticRegression().fit(X, groups % 2))
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("training/vectors.npy", body)
    with pytest.raises(BadInput, match="damaged"):
        load_arrays(str(path))


@pytest.mark.parametrize(
    "change",
    [
        lambda a: a.pop("vectors"), lambda a: a.update(kept=np.array([0, 1, 2, 3, 4, 99])),
        lambda a: a.update(vectors=a["vectors"][:, :3]), lambda a: a.update(scale=np.array([1.0, 0.0])),
        lambda a: a["vectors"].fill(np.nan), lambda a: a.update(kept=a["kept"].astype(float)),
    ],
)  # fmt: skip
def test_arrays_that_do_not_belong_together_are_refused(change):
    X, groups = cloud()
    arrays = {name: array.copy() for name, array in learn(X, groups, None, np.ones(6), 0).arrays().items()}
    change(arrays)
    with pytest.raises(ValueError, match=r"lacks|not whole"):
        Applicability.of(arrays, 6)


@pytest.mark.parametrize("target", ["class", "value"])
@pytest.mark.parametrize("dimensions", [5, 80])
def test_importance_finds_the_features_that_tell(target, dimensions):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(300, dimensions)).astype(np.float32)
    truth = 2 * X[:, 1] + X[:, 3]
    y = (truth > 0) + 1 if target == "class" else truth.astype(np.float64)
    recipe = Recipe("linear", target)
    groups = np.arange(300) // 3
    held = held_out(recipe, fit_head(recipe, X, y, groups), X, y, groups)
    weight, by = importance(target, held, X, y, groups, 0)
    assert by == ("shuffled held-out samples" if dimensions == 5 else "ridge coefficients")
    assert weight.shape == (dimensions,)
    assert (weight >= 0).all()
    assert weight.argsort()[::-1][:2].tolist() == [1, 3]
    alone, by = importance(target, None, X, y, groups, 0)
    assert by == "ridge coefficients"
    assert alone.argmax() == 1


def test_shuffling_equals_scikit_learns_permutation_importance():
    from sklearn.inspection import permutation_importance

    rng = np.random.default_rng(0)
    X = rng.normal(size=(2000, 3)).astype(np.float32)
    y = (X[:, 0] + 0.5 * X[:, 1] + rng.normal(size=2000) > 0) + 1
    model = LogisticRegression().fit(X, y)
    fold = np.arange(2000) % 10
    weight, _ = importance("class", HeldOut(fold, [model] * 10, np.zeros((2000, 2))), X, y, np.arange(2000), 0)
    theirs = permutation_importance(model, X, y, scoring="neg_log_loss", n_repeats=10, random_state=0)
    np.testing.assert_allclose(weight, np.maximum(theirs.importances_mean, 0), atol=0.03)
