import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from quadrat.core.errors import BadJob
from quadrat.core.prevalence import correct, estimate, parse, trained_shares

NAMES = ["favela", "other", "Wasser, tief"]


def test_parse():
    np.testing.assert_allclose(parse("favela=0.03, other=0.9", NAMES), [0.03, 0.9, 0.07])
    np.testing.assert_allclose(parse("favela = 3%", NAMES), [0.03, 0.485, 0.485])
    np.testing.assert_allclose(parse("OTHER=0.5,", NAMES), [0.25, 0.5, 0.25])
    np.testing.assert_allclose(parse("favela=0.1;Wasser, tief=0.3;other=0.6", NAMES), [0.1, 0.6, 0.3])
    np.testing.assert_allclose(parse("a=b=0.2,c=0.8", ["a=b", "c"]), [0.2, 0.8])
    np.testing.assert_allclose(parse("x=0.333,y=0.333,z=0.333", ["x", "y", "z"]), 1 / 3)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("favela", "'favela' is no pair"),
        ("=0.3", "is no pair"),
        ("favella=0.1", "Did you mean 'favela'"),
        ("zzz=0.1", "There are: favela"),
        ("favela=0.1,FAVELA=0.2", "given twice"),
        ("favela=x", "must lie between 0 and 1, not 'x'"),
        ("favela=0", "must lie between 0 and 1"),
        ("favela=3", "must lie between 0 and 1"),
        ("favela=nan", "must lie between 0 and 1"),
        ("favela=0.4,other=0.6", "leaves nothing for Wasser, tief"),
        ("favela=0.1;other=0.1;Wasser, tief=0.1", "sum to 0.3, not to 1"),
        (" , ", "no share is given"),
    ],
)
def test_bad_input_is_a_sentence(text, sentence):
    with pytest.raises(BadJob, match=sentence):
        parse(text, NAMES)


def test_correction_is_bayes_rule():
    """Two classes; the feature has odds 4:1 for the first. Equally common: 0.8; one in ten: 4/13."""
    found = correct(np.array([[0.8, 0.2]]), np.array([0.5, 0.5]), np.array([0.1, 0.9]))
    np.testing.assert_allclose(found, [[4 / 13, 9 / 13]])
    np.testing.assert_allclose(correct(np.array([[0.0, 0.0]]), np.array([0.5, 0.5]), np.array([0.1, 0.9])), 0.5)


@given(seed=st.integers(0, 10**6))
def test_correction_there_and_back(seed):
    rng = np.random.default_rng(seed)
    shares, old, new = rng.dirichlet(np.ones(4), 20), *rng.dirichlet(np.ones(4) * 3, 2)
    there = correct(shares, old, new)
    np.testing.assert_allclose(there.sum(1), 1)
    np.testing.assert_allclose(correct(there, new, old), shares, atol=1e-9)
    np.testing.assert_allclose(correct(shares, old, old), shares)


@pytest.mark.parametrize("share", [0.02, 0.1, 0.5, 0.9])
def test_estimate_finds_the_prevalence_of_a_map(share):
    """Two normal classes, two standard deviations apart; probabilities refer to equal classes."""
    rng = np.random.default_rng(int(1000 * share))
    second = rng.random(40_000) < share
    x = rng.normal(size=40_000) + 2 * second
    p = 1 / (1 + np.exp(-(2 * x - 2)))
    shares, even = np.stack([1 - p, p], 1), np.array([0.5, 0.5])
    found = estimate(shares, even)
    assert found[1] == pytest.approx(share, abs=0.012)
    counted = (p > 0.5).mean()
    assert abs(found[1] - share) < abs(counted - share) or share == 0.5
    # and the corrected map is right more often than the one that takes classes to be equally common
    after = (correct(shares, even, found)[:, 1] > 0.5) == second
    assert after.mean() >= ((p > 0.5) == second).mean() - 1e-3


def test_estimate_stays_where_nothing_changed_and_can_be_stopped():
    rng = np.random.default_rng(0)
    shares = rng.dirichlet(np.ones(3), 40_000)
    old = np.full(3, 1 / 3)
    np.testing.assert_allclose(estimate(shares, old), old, atol=0.03)

    class Stop(Exception):
        pass

    def stop():
        raise Stop

    with pytest.raises(Stop):
        estimate(shares, old, stop)


def test_trained_shares():
    assert trained_shares(True, {"a": 90, "b": 10}) == {"a": 0.5, "b": 0.5}
    assert trained_shares(False, {"a": 90, "b": 10}) == {"a": 0.9, "b": 0.1}
