"""One kernel from cells to predictions: exact, the same for a cell wherever it is met, and close to the estimator."""

import functools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from quadrat.core.classes import entries
from quadrat.core.heads.build import fit_head
from quadrat.core.heads.calibration import Calibrated
from quadrat.core.heads.linear import USUAL_STRENGTH
from quadrat.core.heads.maps import METHODS, fit_map
from quadrat.core.heads.recipe import Recipe
from quadrat.core.integers import MOST_DIGIT, product
from quadrat.core.kernel import LARGEST_ERROR, Kernel, Linear
from quadrat.core.prediction import PIECE_ROWS, best_of, codes
from quadrat.core.quantise import Quantiser, interleaved
from quadrat.models.crew import Crew
from quadrat.tests.core import quickheads

pytestmark = pytest.mark.same_without_torch

SHARE_ERROR = 1e-4


def coded(dimensions, seed=0):
    """Codes of 300 cells with their coding, in units that differ from one dimension to the next."""
    rng = np.random.default_rng(seed)
    scale = rng.uniform(0.001, 2, dimensions).astype(np.float32)
    coding = Quantiser(scale, rng.normal(0, 100, dimensions).astype(np.float32))
    return rng.integers(1, 256, (300, dimensions), dtype=np.uint8), coding


def head(cells, coding, kind="linear", classes=3, seed=0, **recipe):
    """A head fitted to decoded cells whose class hangs on a few of their dimensions."""
    X = coding.decode_rows(cells)
    rng = np.random.default_rng(seed)
    score = ((X - X.mean(axis=0)) / X.std(axis=0)) @ rng.normal(size=(X.shape[1], classes))
    y = score.argmax(axis=1) + 1 if recipe.get("target", "class") == "class" else score[:, 0].astype(np.float64)
    recipe = Recipe(kind, **{"target": "class", "strength": USUAL_STRENGTH, **recipe})
    fitted = fit_head(recipe, X, y, np.arange(len(y)) // 3)
    names = [f"class {value}" for value in np.unique(y)] if recipe.target == "class" else []
    return fitted.estimator, entries(names), X


@functools.cache
def linear(classes, own_units):
    """Codes of cells, their coding, and a linear head with its classes and what it was fitted to."""
    cells, coding = coded(40)
    return cells, coding, *head(cells, coding, classes=classes, own_units=own_units)


def test_products_are_those_of_whole_numbers():
    rng = np.random.default_rng(0)
    for rows, terms, columns in ((1, 1, 1), (7, 3, 2), (300, 768, 15), (33, 1000, 40)):
        left = rng.integers(0, 256, (rows, terms), dtype=np.uint8)
        right = rng.integers(-MOST_DIGIT, MOST_DIGIT + 1, (terms, columns)).astype(np.int8)
        np.testing.assert_array_equal(product(left, right), left.astype(np.int64) @ right.astype(np.int64))


def test_the_largest_sums_do_not_saturate():
    """Pairs of largest products pass 16 bits on processors without VNNI if a digit is one larger."""
    left = np.full((5, 4096), 255, np.uint8)
    for digit in (MOST_DIGIT, -MOST_DIGIT):
        found = product(left, np.full((4096, 3), digit, np.int8))
        assert (found == 255 * digit * 4096).all()


@given(
    terms=st.integers(1, 60), columns=st.integers(1, 6), size=st.floats(-6, 3), seed=st.integers(0, 999),
)  # fmt: skip
def test_logits_are_those_of_float64(terms, columns, size, seed):
    rng = np.random.default_rng(seed)
    weights, bias = rng.normal(0, 10**size, (columns, terms)), rng.normal(0, 10, columns)
    cells = rng.integers(0, 256, (50, terms), dtype=np.uint8)
    found = Linear.of(weights, bias)(cells)[:, :50].T
    exact = cells @ weights.T + bias
    # Weights in the thousands get no more digits than keep sums exact: an error of 1e-4 in logits of a million.
    atol = max(2 * LARGEST_ERROR, 1e-7 * np.abs(weights).max())
    np.testing.assert_allclose(found, exact, rtol=1e-9, atol=atol)


def test_several_parts_are_one_after_another():
    cells, coding = coded(12)
    for kind, recipe in (("linear", {}), ("linear", {"target": "value"}), ("forest-small", {})):
        estimator, classes, _ = head(cells, coding, kind, **recipe)
        kernel = Kernel(estimator, classes, coding)
        whole, parts = kernel.piece(cells), kernel.piece(cells[:7], cells[7:8], cells[8:])
        np.testing.assert_array_equal(parts.values, whole.values)
        if classes:
            np.testing.assert_array_equal(parts.probabilities, whole.probabilities)


def test_what_cannot_be_exact_is_left_alone():
    assert Linear.of(np.array([[np.nan, 1.0]]), np.zeros(1)) is None
    assert Linear.of(np.ones((1, 200_000)), np.zeros(1)) is None
    assert Linear.of(np.array([[1e12, 1.0]]), np.zeros(1)) is not None  # as many digits as are exact
    assert (Linear.of(np.zeros((2, 3)), np.ones(2))(np.ones((4, 3), np.uint8))[:, :4] == 1).all()


@pytest.mark.parametrize("classes", [2, 3, 5])
@pytest.mark.parametrize("calibration", ["none", *METHODS])
@pytest.mark.parametrize("own_units", [True, False])
def test_probabilities_are_those_of_the_estimator_in_float64(classes, calibration, own_units):
    cells, coding, estimator, entry, X = linear(classes, own_units)
    if calibration != "none":
        shares = estimator.predict_proba(X)
        # Classes as common as the head says, so that steps of the isotonic curves are no steeper than in practice.
        y = (shares.cumsum(axis=1) < np.random.default_rng(1).random((len(X), 1))).sum(axis=1)
        estimator = Calibrated.of(estimator, calibration, fit_map(calibration, shares, y, np.ones(len(X)), 30))
    kernel = Kernel(estimator, entry, coding)
    assert kernel.quick
    exact = estimator.predict_proba(cells * coding.scale.astype(np.float64) + coding.offset)
    assert np.abs(kernel.piece(cells).probabilities - exact).max() < SHARE_ERROR


@pytest.mark.parametrize("combine", ["mean", "vote"])
def test_an_ensemble_of_linear_heads_is_linear_too(combine, monkeypatch):
    quickheads.few_settings(monkeypatch)
    cells, coding = coded(6)
    estimator, entry, _ = head(cells, coding, ensemble="draws", members=3, combine=combine)
    kernel = Kernel(estimator, entry, coding)
    assert kernel.quick
    exact = estimator.predict_proba(cells * coding.scale.astype(np.float64) + coding.offset)
    assert np.abs(kernel.piece(cells).probabilities - exact).max() < SHARE_ERROR


def test_values_are_those_of_the_estimator():
    cells, coding = coded(20)
    estimator, *_ = head(cells, coding, target="value")
    kernel = Kernel(estimator, (), coding)
    assert kernel.quick
    exact = estimator.predict(cells * coding.scale.astype(np.float64) + coding.offset)
    np.testing.assert_allclose(kernel.piece(cells).values, exact, atol=1e-5 * np.ptp(exact))
    assert kernel.piece(cells).probabilities is None


@pytest.mark.parametrize("kind", ["knn", "prototype", "forest-small", "mlp"])
def test_what_is_not_linear_is_asked_itself(kind):
    cells, coding = coded(5)
    estimator, entry, X = head(cells, coding, kind)
    kernel = Kernel(estimator, entry, coding)
    assert not kernel.quick
    np.testing.assert_allclose(kernel.piece(cells).probabilities, estimator.predict_proba(X), atol=2e-4)


KINDS = ("linear", "knn", "prototype", "forest-small", "mlp")


@pytest.fixture(scope="module")
def ready():
    """Kernels of every kind with a few thousand cells and what they say of them in one go, codes and floats."""
    some, coding = coded(24, seed=4)
    cells = np.random.default_rng(5).integers(1, 256, (2 * PIECE_ROWS + 77, 24), dtype=np.uint8)
    made = {}
    for kind in KINDS:
        for classes in (2, 9):
            with pytest.MonkeyPatch.context() as quick:
                quickheads.few_trees(quick)
                estimator, entry, _ = head(some, coding, kind, classes=classes, seed=2)
            for held in (coding, None):
                kernel = Kernel(estimator, entry, held)
                given = cells if held else coding.decode_rows(cells)
                made[kind, classes, held is not None] = kernel, given, kernel(given, Crew(2))
    return made


@settings(max_examples=25, deadline=None)
@given(
    kind=st.sampled_from(KINDS), classes=st.sampled_from((2, 9)), held=st.booleans(), start=st.integers(0, 8000),
    count=st.integers(1, 300), threads=st.integers(1, 3),
)  # fmt: skip
def test_a_cell_gets_the_same_bits_whatever_is_predicted_with_it(ready, kind, classes, held, start, count, threads):
    kernel, cells, whole = ready[kind, classes, held]
    some = kernel(cells[start : start + count], Crew(threads))
    np.testing.assert_array_equal(some.probabilities, whole.probabilities[start : start + count])
    np.testing.assert_array_equal(some.values, whole.values[start : start + count])
    np.testing.assert_array_equal(codes(some.confidence), codes(whole.confidence[start : start + count]))


@given(bands=st.integers(1, 40), height=st.integers(1, 9), width=st.integers(1, 9), every=st.integers(1, 3))
def test_bands_become_cells(bands, height, width, every):
    values = np.random.default_rng(0).integers(0, 256, (bands, every * height, width), dtype=np.uint8)[:, ::every]
    cells = interleaved(values)
    assert cells.flags.c_contiguous
    np.testing.assert_array_equal(cells, values.transpose(1, 2, 0))


def test_no_cells_are_no_error():
    cells, coding = coded(4)
    estimator, entry, _ = head(cells, coding)
    for held in (coding, None):
        none = np.empty((0, 4), np.uint8 if held else np.float32)
        found = Kernel(estimator, entry, held)(none, Crew(2))
        assert found.probabilities.shape == (0, 3)
        assert len(found.values) == 0


def test_the_first_of_equal_classes_is_taken():
    shares = np.array([[0.2, 0.4, 0.4], [0.5, 0.5, 0.0], [0.1, 0.2, 0.7]], np.float32)
    for order in ("C", "F"):
        place, best = best_of(np.asarray(shares, order=order))
        assert place.tolist() == [1, 0, 2]
        np.testing.assert_array_equal(best, shares.max(axis=1))
