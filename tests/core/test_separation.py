"""Size of blocks from the data, guard distance, whole regions."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from quadrat.core.folds import TRAINING_ONLY, class_folds, make_folds, spatial_blocks
from quadrat.core.samples import Regions
from quadrat.core.separation import choose_block, guarded, region_folds
from quadrat.core.variogram import variogram
from scipy.ndimage import gaussian_filter

pytestmark = pytest.mark.same_without_torch


def field(reach, noise=0.2, seed=0, count=600):
    """Places in 3 by 3 km and six features that are alike up to about `reach` metres."""
    rng = np.random.default_rng(seed)
    bands = np.stack([gaussian_filter(rng.normal(size=(300, 300)), reach / 35, mode="wrap") for _ in range(6)], -1)
    bands = bands / bands.std(axis=(0, 1)) + noise * rng.normal(size=bands.shape)
    at = rng.integers(0, 300, (count, 2))
    return at * 10.0, bands[at[:, 0], at[:, 1]]


@pytest.mark.parametrize("reach", [125, 250, 500])
def test_variogram_finds_how_far_likeness_reaches(reach):
    """White noise smoothed by a Gaussian is correlated by 5 % at 3.5 times its sigma, which is `reach`."""
    found = variogram(*field(reach), 0)
    assert found.usable
    assert 0.6 * reach < found.range_m < 1.6 * reach
    assert found.at(np.array([1e9]))[0] == pytest.approx(found.nugget + found.sill)


def test_variogram_without_likeness_or_without_end_is_no_use():
    xy, _ = field(100)
    rng = np.random.default_rng(0)
    assert "does not depend on their distance" in variogram(xy, rng.normal(size=(len(xy), 4)), 0).problem
    assert "does not level off" in variogram(xy, xy + rng.normal(size=xy.shape), 0).problem
    assert variogram(xy[:10], rng.normal(size=(10, 4)), 0) is None
    assert variogram(np.zeros((500, 2)), rng.normal(size=(500, 4)), 0) is None


def choice(xy, X, groups=None, y=None, target="class"):
    groups = np.arange(len(xy)) if groups is None else groups
    y = np.arange(len(xy)) % 2 + 1 if y is None else y
    return choose_block(target, xy, groups, X, y, "m", 5, 0)


def test_blocks_follow_the_range_where_there_is_one():
    found = choice(*field(250))
    assert found.by == "variogram"
    assert 170 < found.side_m < 400
    assert "are alike (variogram)" in found.sentence


def test_blocks_follow_the_spacing_where_there_is_none():
    xy = np.stack(np.meshgrid(np.arange(20), np.arange(20)), -1).reshape(-1, 2) * 100.0
    found = choice(xy, np.random.default_rng(0).normal(size=(400, 3)))
    assert found.by == "spacing"
    assert found.side_m == pytest.approx(300)
    assert "three times the usual distance between neighbours (100 m)" in found.sentence
    few = choice(xy[:12], np.random.default_rng(0).normal(size=(12, 3)))
    assert "too few samples for a variogram" in few.sentence
    assert choice(np.ones((30, 2)), np.ones((30, 2))) is None


def test_blocks_are_made_smaller_until_there_are_folds_and_it_is_said():
    """Likeness over a quarter of the area asks for blocks of which one would hold all of a class."""
    xy, X = field(700)
    y = np.where((xy < 400).all(axis=1), 2, 1)
    found = choice(xy, X, y=y)
    assert "would leave too few to test on" in found.sentence
    assert found.side_m < 0.9 * choice(xy, X).side_m
    for draw in range(3):
        blocks = spatial_blocks(xy, np.arange(len(xy)), found.side_m, draw)
        assert make_folds("class", y, blocks, 5, draw).count >= 3


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 50), st.floats(1, 80))
def test_training_keeps_its_distance(seed, guard_m):
    rng = np.random.default_rng(seed)
    xy, y = rng.random((80, 2)) * 100, rng.integers(1, 3, 80)
    folds = class_folds(y, np.arange(80) // 4, 4, seed)
    kept = guarded(folds, y, xy, guard_m, classes=True) if folds else None
    if kept is None:
        return
    assert kept.count + kept.dropped == folds.count
    for number, (training, test) in enumerate(kept.parts()):
        gaps = np.linalg.norm(xy[training][:, None] - xy[test][None], axis=-1)
        assert gaps.min() > guard_m - 1e-9
        left_out = kept.without(number)
        near = np.linalg.norm(xy[left_out][:, None] - xy[test][None], axis=-1).min(axis=1)
        assert (near <= guard_m + 1e-9).all()
        assert len(training) + len(test) + len(left_out) == 80
        assert len(np.unique(y[training])) == 2


def test_a_guard_that_takes_everything_leaves_no_folds():
    rng = np.random.default_rng(0)
    xy, y = rng.random((40, 2)), np.arange(40) % 2 + 1
    folds = class_folds(y, np.arange(40), 4, 0)
    assert guarded(folds, y, xy, 10.0, classes=True) is None


def test_a_class_lost_by_the_guard_is_a_gap():
    """All of class 2 lies beside the test of one fold, class 3 far off."""
    xy = np.array([[0, 0], [1, 0], [50, 0], [51, 0], [100.0, 0], [101, 0]])
    y = np.array([1, 2, 1, 2, 3, 3])
    folds = class_folds(y, np.array([0, 1, 2, 3, 4, 5]), 2, 0)
    kept = guarded(folds, y, xy, 5.0, classes=True)
    lost = sum(len(np.setdiff1d([1, 2, 3], y[training])) for training, _ in kept.parts())
    assert kept.gaps == lost > 0


def test_regions_are_tested_by_the_others_and_share_no_group():
    of = np.array([0, 0, 0, 1, 1, 1, -1, 2, 2])
    groups = np.array([0, 0, 1, 1, 2, 2, 3, 4, 5])
    y = np.array([1, 2, 1, 1, 2, 2, 1, 1, 2])
    folds = region_folds(Regions(of, ("a", "b", "c")), groups, y, classes=True)
    assert folds.names == ("a", "b", "c")
    for number, (training, test) in enumerate(folds.parts()):
        assert (of[test] == number).all()
        assert not set(groups[training]) & set(groups[test])
        assert 6 not in training
        assert len(test) == (of == number).sum()
    assert folds.fold[6] == TRAINING_ONLY


def test_a_region_whose_others_teach_one_class_is_not_tested():
    of, y = np.array([0, 0, 1, 1, 1]), np.array([1, 2, 1, 1, 1])
    folds = region_folds(Regions(of, ("a", "b")), np.arange(5), y, classes=True)
    assert folds.names == ("b",)
    assert (folds.count, folds.dropped) == (1, 1)
    assert folds.parts()[0][1].tolist() == [2, 3, 4]


def test_regions_keep_their_names_when_samples_are_taken():
    regions = Regions(np.array([0, 2, -1, 2]), ("a", "b", "c")).take(np.array([1, 2, 3]))
    assert regions.names == ("c",)
    assert regions.of.tolist() == [0, -1, 0]
