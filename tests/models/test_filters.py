"""Random convolutional features against other people's numbers and against slow, plain loops."""

import importlib.util
import pathlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from quadrat.models import filters, torch_tools
from quadrat.models.crew import Crew
from quadrat.models.scaling import Standardiser, standardiser_of

TORCHGEO = pathlib.Path(__file__).parents[1] / "data" / "torchgeo_rcf" / "rcf.npz"


def plain(scale=1):
    """A standardiser that changes nothing."""
    return Standardiser(np.zeros(scale, np.float32), np.ones(scale, np.float32))


def features_of(values, weights):
    """Mean of both maps over a whole window without context: valid convolution, then average pooling; (2 K,)."""
    inner = tuple(side - filters.SIDE + 1 for side in values.shape[1:])
    padded = np.pad(values, ((0, 0), (1, 1), (1, 1)))
    return np.concatenate([found.mean(axis=(1, 2)) for found in both_maps(padded, weights, 1, inner)])


def both_maps(values, weights, patch, shape, valid=None):
    """Sums of relu(W x) and of relu(-W x) over the valid pixels of cells: (2, K, h, w)."""
    found = np.zeros((2, len(weights), *shape))
    valid = np.ones(values.shape[1:], bool) if valid is None else valid

    def use(rows, group, sizes, patches):
        sums = np.tensordot(weights[group], patches, 1)
        found[:, group, rows] = (sizes + sums) / 2, (sizes - sums) / 2

    filters.Bank(weights).sums(values, valid, patch, Crew(2), use)
    return found


def test_same_features_as_torchgeo():
    with np.load(TORCHGEO) as stored:
        weights = stored["weights"].reshape(len(stored["weights"]), -1)
        for pixels, expected in zip(stored["pixels"], stored["zero"], strict=True):
            np.testing.assert_allclose(features_of(pixels, weights), expected, rtol=1e-5, atol=1e-5)


def test_same_whitening_as_torchgeo():
    with np.load(TORCHGEO) as stored:
        found = filters.whitened(stored["patches"].reshape(60, -1))
        # 60 patches of 45 numbers: the smallest eigenvalues are near the floor, so single precision shows.
        np.testing.assert_allclose(found, stored["whitened"].reshape(60, -1), rtol=1e-3, atol=1e-3)


@pytest.mark.slow
def test_same_features_as_installed_torchgeo():
    torch = pytest.importorskip("torch")
    if importlib.util.find_spec("timm"):
        torch_tools.import_timm()  # torchgeo imports torchvision, which a torch for CPU needs help with
    network = pytest.importorskip("torchgeo.models").RCF(in_channels=6, features=32, bias=0.0, seed=3)
    pixels = np.random.default_rng(1).standard_normal((6, 40, 33)).astype(np.float32)
    expected = network(torch.from_numpy(pixels[None])).numpy()[0]
    found = features_of(pixels, network.weights.numpy().reshape(16, -1))
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)


def loops(values, weights, valid, patch):
    """Sums of both maps over valid pixels of cells, pixel by pixel; gaps are filled by the mean of their neighbours."""
    margin = filters.MARGIN_PX
    _, height, width = values.shape
    filled = values.copy()
    for row in range(height):
        for col in range(width):
            if not valid[row, col]:
                near = (slice(max(row - 1, 0), row + 2), slice(max(col - 1, 0), col + 2))
                known = valid[near]
                filled[:, row, col] = values[(slice(None), *near)][:, known].mean(axis=1) if known.any() else 0
    shape = (height - 2 * margin) // patch, (width - 2 * margin) // patch
    sums = np.zeros((2, len(weights), *shape))
    for row in range(shape[0] * patch):
        for col in range(shape[1] * patch):
            if valid[row + margin, col + margin]:
                around = filled[:, row + margin - 1 : row + margin + 2, col + margin - 1 : col + margin + 2].reshape(-1)
                response = weights @ around
                cell = row // patch, col // patch
                sums[(0, slice(None), *cell)] += np.maximum(response, 0)
                sums[(1, slice(None), *cell)] += np.maximum(-response, 0)
    return sums


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 999),
    bands=st.integers(1, 3),
    patch=st.integers(1, 3),
    shape=st.tuples(st.integers(1, 4), st.integers(1, 5)),
    at_once=st.sampled_from([2, 512]),
    share=st.sampled_from([0.0, 0.2, 0.7]),
)
def test_blocked_convolution_equals_loops(seed, bands, patch, shape, at_once, share):
    rng = np.random.default_rng(seed)
    height, width = (side * patch + 2 * filters.MARGIN_PX for side in shape)
    valid = rng.random((height, width)) >= share
    values = (rng.standard_normal((bands, height, width)) * valid).astype(np.float32)
    weights = rng.standard_normal((5, bands * 9)).astype(np.float32)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(filters, "FILTERS_AT_ONCE", at_once)
        found = both_maps(values, weights, patch, shape, valid)
    np.testing.assert_allclose(found, loops(values, weights, valid, patch), rtol=1e-4, atol=1e-4)


def test_patches_avoid_gaps_and_follow_the_seed(tools):
    scene = tools.scene(2, 30, 30)
    valid = np.ones((30, 30), bool)
    valid[:, 15:] = False
    marked = np.where(valid, scene, np.float32(-1e6))
    sample = tools.request_for(marked, valid).sample
    first, again, other = (
        filters.draw_patches(sample, plain(2), 10, 50, np.random.default_rng(seed)) for seed in (1, 1, 2)
    )
    assert first.shape == (50, 18)
    assert first.min() > -1e5
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_filters_of_the_published_number(tools):
    scene = tools.scene(3, 80, 80)
    request = tools.request_for(scene)
    found = filters.draw_filters(request.sample, standardiser_of(request.sample, 3), 64, 0)
    assert found.shape == (64, 27)
    assert len(np.unique(found, axis=0)) == 64
    # Whitened patches, drawn from a mean of zero.
    assert abs(found.mean()) < 0.1 * found.std()
