"""The default backbone: its fast path against the long vectors, its groups against loops, and what it leaves out."""

import numpy as np
import pytest
from quadrat.models import pooling, scaling
from quadrat.models.crew import Crew
from quadrat.models.definitions.spectral_textural import Recipe, build
from quadrat.models.description import Description
from quadrat.models.pca import fit_components


def holes(height, width):
    valid = np.ones((height, width), bool)
    valid[5:12, 8:30] = valid[:, 0] = valid[-1, -1] = False
    return valid


def framed(backbone, scene, valid):
    """One window with its context."""
    patch, halo = backbone.patch_size_px, backbone.halo_px
    return pooling.pad_to_cells(np.where(valid, scene, 0).astype(np.float32), valid, patch, halo)


@pytest.mark.parametrize("patch", [1, 2, 4])
def test_projecting_first_equals_describing_first(tools, patch):
    scene = tools.scene(3, 48, 40)
    valid = holes(48, 40)
    backbone = build(tools.request_for(scene, valid, patch_size_px=patch, dimensions=20), Recipe(filters=16))
    values, known = framed(backbone, scene, valid)
    state = backbone.state()
    bands = backbone._standardise(values, known)
    long = backbone._description.long(bands, known, Crew(1))
    slow = np.tensordot(state["axes"].astype(np.float64), long - state["mean"][:, None, None].astype(np.float64), 1)
    np.testing.assert_allclose(backbone(values[None], known[None])[0], slow, rtol=1e-4, atol=2e-5)


@pytest.mark.parametrize("patch", [1, 3])
def test_means_and_spreads_are_of_valid_pixels_around(tools, patch):
    rng = np.random.default_rng(2)
    description = Description(2, patch, np.zeros((1, 18), np.float32), (0, 2), (1,), ())
    scene = rng.standard_normal((2, 15, 12)).astype(np.float32)
    valid = rng.random((15, 12)) > 0.3
    values, known = pooling.pad_to_cells(np.where(valid, scene, 0), valid, patch, description.halo_px)
    found = description.long(values, known, Crew(1))
    for row in range(15 // patch):
        for col in range(12 // patch):
            for group, radius in enumerate((0, 2, 1)):
                near = tuple(slice(max(0, (at - radius) * patch), (at + radius + 1) * patch) for at in (row, col))
                inside = scene[(slice(None), *near)][:, valid[near]]
                if inside.size:
                    expected = inside.std(axis=1) if group == 2 else inside.mean(axis=1)
                    got = found[2 * group : 2 * group + 2, row, col]
                    np.testing.assert_allclose(got, expected, rtol=1e-3, atol=2e-3)


def test_groups_stand_on_equal_footing(tools):
    scene = tools.scene(3, 60, 60)
    backbone = build(tools.request_for(scene, dimensions=0), Recipe(filters=8))
    values, known = framed(backbone, scene, np.ones((60, 60), bool))
    long = backbone._description.long(backbone._standardise(values, known), known, Crew(1))
    axes = backbone.state()["axes"].astype(np.float64)
    totals = []
    for group in backbone._description.groups():
        # Axes are orthonormal after weighting, so a group's factor is the length of its columns.
        factors = np.linalg.norm(axes[:, group], axis=0)
        assert np.ptp(factors) < 0.05 * factors.max()
        totals.append(float((long[group].reshape(factors.size, -1).var(axis=1) * factors**2).sum()))
    assert max(totals) < 1.4 * min(totals)


def test_components_fall_and_signs_are_fixed(tools):
    scene = tools.scene(4, 90, 90)
    backbone = build(tools.request_for(scene, dimensions=10))
    found = tools.embed(backbone, scene).reshape(10, -1)
    variance = found.var(axis=1)
    assert (np.diff(variance) < 0.15 * variance[:-1]).all()
    assert variance[0] > variance[5] > variance[9]
    rng = np.random.default_rng(0)
    sample = rng.standard_normal((50, 6)) * [3, 1, 1, 2, 1, 1]
    axes = fit_components(sample, 3).axes
    assert (np.take_along_axis(axes, np.abs(axes).argmax(axis=1)[:, None], 1) > 0).all()
    np.testing.assert_allclose(fit_components(-sample, 3).axes, axes, atol=1e-6)


def test_no_more_components_than_the_sample_tells_apart(tools):
    tiny = tools.scene(3, 3, 3)
    assert 1 <= build(tools.request_for(tiny, dimensions=64)).embed_dim <= 9
    assert build(tools.request_for(np.full((2, 30, 30), 5, np.float32), dimensions=64)).embed_dim == 1


def test_seed_decides_the_filters(tools):
    scene = tools.scene(3)
    first, again, other = (build(tools.request_for(scene, seed=seed, dimensions=8)) for seed in (1, 1, 2))
    assert first.identity == again.identity != other.identity
    for name, array in first.state().items():
        np.testing.assert_array_equal(array, again.state()[name])


def test_unit_of_the_bands_does_not_matter(tools):
    scene = tools.scene(3)
    factor, shift = np.array([0.001, 1, 500])[:, None, None], np.array([3, -7, 100])[:, None, None]
    other = (scene * factor + shift).astype(np.float32)
    found, same = (tools.embed(build(tools.request_for(each, dimensions=8)), each) for each in (scene, other))
    np.testing.assert_allclose(same, found, atol=0.02)


def test_textures_are_told_apart_where_means_are_equal(tools):
    rng = np.random.default_rng(0)
    scene = rng.standard_normal((1, 64, 128)).astype(np.float32)
    scene[:, :, 64:] = np.repeat(np.repeat(rng.standard_normal((1, 16, 16)), 4, axis=1), 4, axis=2)
    backbone = build(tools.request_for(scene, dimensions=8))
    found = tools.embed(backbone, scene)
    left, right = found[:, 10:54, 10:54].reshape(8, -1), found[:, 10:54, 74:118].reshape(8, -1)
    # Fisher's direction from one half of the rows tells the sides of the other half apart.
    rows = np.arange(left.shape[1]) < left.shape[1] // 2
    within = np.cov(left[:, rows]) + np.cov(right[:, rows])
    direction = np.linalg.solve(within, left[:, rows].mean(axis=1) - right[:, rows].mean(axis=1))
    border = direction @ (left[:, rows].mean(axis=1) + right[:, rows].mean(axis=1)) / 2
    assert (direction @ left[:, ~rows] > border).mean() > 0.95
    assert (direction @ right[:, ~rows] < border).mean() > 0.95


def test_arrays_lie_in_memory_as_they_come_back_from_a_file(tools):
    # Linear algebra rounds otherwise with another layout: a resumed run would differ by a code here and there.
    scene = tools.scene(4, 96, 96)
    made = build(tools.request_for(scene, np.ones((96, 96), bool), patch_size_px=1, dimensions=64), Recipe(filters=64))
    assert all(array.flags.c_contiguous for array in made.state().values())
    sample = np.random.default_rng(0).standard_normal((200, 30))
    assert fit_components(sample, 8, np.linspace(1, 2, 30)).axes.flags.c_contiguous


def test_own_arcsinh_is_that_of_numpy():
    ranges = [np.geomspace(1e-30, 1e17, 4000), np.geomspace(1e15, 1e38, 100), np.zeros(1)]
    for numbers in ranges:
        both = np.concatenate([numbers, -numbers]).astype(np.float32)
        np.testing.assert_allclose(scaling.arcsinh(both), np.arcsinh(both.astype(np.float64)), rtol=2e-7, atol=3e-7)
