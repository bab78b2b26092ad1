"""Features brought to one footing."""

import numpy as np
import pytest
from quadrat.core.heads.build import fit_head
from quadrat.core.heads.recipe import Recipe
from quadrat.core.heads.scaling import FARTHEST, LogScaler

pytestmark = pytest.mark.same_without_torch


def test_logs_ask_for_no_unit_and_leave_signed_features_alone():
    rng = np.random.default_rng(0)
    X = np.stack([10 ** rng.normal(size=200), rng.normal(size=200)], axis=1)
    scaled = LogScaler().fit_transform(X)
    np.testing.assert_allclose(LogScaler().fit_transform(X * [1e4, 1.0]), scaled, atol=1e-9)
    np.testing.assert_allclose(scaled[:, 1], (X[:, 1] - X[:, 1].mean()) / X[:, 1].std(), atol=1e-9)
    middle = np.median(X[:, 0])
    logs = np.log1p(X[:, 0] / middle)
    np.testing.assert_allclose(scaled[:, 0], (logs - logs.mean()) / logs.std(), atol=1e-9)


def test_what_was_never_seen_counts_as_far_and_no_farther():
    X = np.zeros((50, 3))
    X[0, 0], X[:, 1] = 1e-9, np.arange(50)
    scaler = LogScaler().fit(X)
    found = scaler.transform(np.array([[1e38, 1e38, 5.0], [-1e38, -1e38, 0.0]]))
    assert np.abs(found).max() == FARTHEST
    np.testing.assert_array_equal(X[:, 1], np.arange(50))  # the caller's numbers are not touched


def test_a_line_through_logarithms_goes_on_where_one_through_numbers_runs_away():

    rng = np.random.default_rng(1)
    light = 10 ** rng.uniform(-1, 1, 80)
    y = np.log10(light)
    X, groups = light[:, None].astype(np.float32), np.arange(80)
    far = np.array([[300.0]], np.float32)
    said = {
        name: fit_head(Recipe(name, "value"), X, y, groups).estimator.predict(far)[0]
        for name in ("linear", "linear-log")
    }
    off = {name: abs(value - np.log10(300)) for name, value in said.items()}
    assert off["linear-log"] < 2 < 6 < off["linear"]
