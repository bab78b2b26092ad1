"""Estimators against worked examples, other implementations, and properties that any of them must have."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from quadrat.core.errors import BadInput
from quadrat.core.estimation import matrix, ppi, stratified
from quadrat.core.estimation.build import choose, estimator
from quadrat.core.estimation.evidence import Evidence
from quadrat.core.estimation.filled import one_hot
from quadrat.core.estimation.interval import (
    METHODS,
    binomial_limits,
    combine,
    jeffreys_limits,
    share_limits,
    sum_limits,
)
from quadrat.core.estimation.matrix import correct
from quadrat.core.estimation.registry import ESTIMATORS
from quadrat.core.estimation.samplesize import allocate, size_for_accuracy

pytestmark = pytest.mark.same_without_torch

DATA = Path(__file__).resolve().parents[1] / "data"

# Olofsson et al. 2014, 10.1016/j.rse.2014.02.015, section 5: deforestation, forest gain, stable forest and non-forest.
COUNTS = np.array([[66, 0, 5, 4], [0, 55, 8, 12], [1, 0, 153, 11], [2, 1, 9, 313]])
PIXELS = np.array([200_000, 150_000, 3_200_000, 6_450_000])
PIXEL_HA = 0.09


def from_counts(counts, pixels):
    """Evidence of a table of counts with strata in rows, and the map class of each place."""
    stratum = np.repeat(np.arange(len(counts)), counts.sum(axis=1))
    truth = np.concatenate([np.repeat(np.arange(counts.shape[1]), row) for row in counts])
    names = tuple("abcdefgh"[: counts.shape[1]])
    W = pixels / pixels.sum()
    evidence = Evidence(stratum, one_hot(truth, counts.shape[1]), W, pixels.astype(float), names, names[: len(counts)])
    return evidence, stratum


class TestOlofsson:
    """The paper's example: table 8, and the results printed in sections 5.2.1 and 5.2.2."""

    def test_areas_and_their_errors(self):
        share, se = stratified.area_shares(COUNTS, PIXELS / PIXELS.sum())
        hectares = PIXELS.sum() * PIXEL_HA
        np.testing.assert_allclose(share * hectares, [21158, 11686, 285770, 581386], atol=0.5)
        np.testing.assert_allclose(1.96 * se * hectares, [6158, 3756, 15510, 16282], atol=1)

    def test_the_estimator_gives_the_same(self):
        evidence, _ = from_counts(COUNTS, PIXELS)
        found = estimator("stratified")(evidence, 0.95)
        share, se = stratified.area_shares(COUNTS, PIXELS / PIXELS.sum())
        np.testing.assert_allclose(found.value, share)
        np.testing.assert_allclose(found.se, se, rtol=1e-3)  # but for the finite population
        assert (found.low < share).all()
        assert (found.high > share).all()

    def test_accuracies(self):
        found = stratified.accuracy(*from_counts(COUNTS, PIXELS), 4)
        assert found.overall[0] == pytest.approx(0.95, abs=0.005)
        assert 1.96 * found.overall[1] == pytest.approx(0.02, abs=0.005)
        np.testing.assert_allclose(found.users[:, 0], [0.88, 0.73, 0.93, 0.96], atol=0.005)
        np.testing.assert_allclose(1.96 * found.users[:, 1], [0.07, 0.10, 0.04, 0.02], atol=0.005)
        np.testing.assert_allclose(found.producers[:, 0], [0.75, 0.85, 0.93, 0.96], atol=0.005)
        # Printed: 0.21, 0.23, 0.03, 0.01. Equation 7 gives 0.254 and 0.018 for the second and the last; other
        # implementations of it (R packages mapaccuracy and mapac) agree with the equation.
        np.testing.assert_allclose(1.96 * found.producers[:, 1], [0.21, 0.254, 0.03, 0.018], atol=0.006)
        printed = [
            [0.0176, 0, 0.0013, 0.0011],
            [0, 0.0110, 0.0016, 0.0024],
            [0.0019, 0, 0.2967, 0.0213],
            [0.0040, 0.0020, 0.0179, 0.6212],
        ]
        np.testing.assert_allclose(found.matrix, printed, atol=6e-5)

    def test_producers_error_is_equation_7(self):
        n, W, N = COUNTS.sum(axis=1), PIXELS / PIXELS.sum(), PIXELS
        U = np.diag(COUNTS) / n
        share = COUNTS / n[:, None]
        found = stratified.accuracy(*from_counts(COUNTS, PIXELS), 4)
        for j in range(4):
            N_j = (N * share[:, j]).sum()
            P = N[j] * U[j] / N_j
            others = sum(N[i] ** 2 * share[i, j] * (1 - share[i, j]) / (n[i] - 1) for i in range(4) if i != j)
            variance = (N[j] ** 2 * (1 - P) ** 2 * U[j] * (1 - U[j]) / (n[j] - 1) + P**2 * others) / N_j**2
            assert found.producers[j, 0] == pytest.approx(P)
            assert found.producers[j, 1] == pytest.approx(np.sqrt(variance), rel=1e-3)
        assert W.sum() == pytest.approx(1)

    def test_size_and_allocation_of_the_example(self):
        W, users = np.array([0.02, 0.015, 0.32, 0.645]), np.array([0.7, 0.6, 0.9, 0.95])
        assert size_for_accuracy(W, users, 0.01) == 641
        proportional = allocate(641, W, np.full(4, 1e6), 2)
        np.testing.assert_allclose(proportional, [13, 10, 205, 413], atol=1)
        given = allocate(641, W, np.full(4, 1e6), 50)
        np.testing.assert_array_equal(given[:2], [50, 50])
        np.testing.assert_allclose(given[2:], [180, 361], atol=2)
        assert given.sum() == 641


class TestAgainstPpiPython:
    CASES = json.loads((DATA / "ppi_reference.json").read_text())["cases"]

    @pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
    def test_values_and_errors(self, case):
        Y, f, rest = (np.array(case[name]) for name in ("Y", "f", "f_unlabelled"))
        for name, trust in (("ppi", 1.0), ("classical", 0.0), ("ppi++", None)):
            value, se, _ = ppi.ppi_mean(Y, f, rest, trust)
            low, high = case[name]["interval"]
            assert value == pytest.approx(case[name]["value"], abs=1e-9), name
            assert se == pytest.approx((high - low) / (2 * 1.959964), rel=1e-6), name

    @pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
    def test_the_estimator_on_a_larger_whole(self, case):
        Y, f, rest = (np.array(case[name]) for name in ("Y", "f", "f_unlabelled"))
        evidence = Evidence(
            np.zeros(len(Y), int), Y[:, None], np.ones(1), np.array([float(len(rest))]), ("v",), ("all",), f[:, None],
            np.array([[rest.mean()]]), np.array([[rest.std()]]), beyond=True, shares=False,
        )  # fmt: skip
        found = ppi.estimate(evidence)
        value, se, trust = ppi.ppi_mean(Y, f, rest)
        assert found.value[0] == pytest.approx(value, abs=0.1 * se)
        assert found.se[0] == pytest.approx(se, rel=0.05)
        assert found.trust[0] == pytest.approx(trust, abs=0.1)
        low, high = case["ppi++"]["interval"]
        assert high - low < found.high[0] - found.low[0] < 1.15 * (high - low)  # t for few units, theirs is normal


# Any estimator --------------------------------------------------------------------------------------------------


def random_evidence(seed, *, strata=1, n=120, classes=4, with_map=True):
    """A sample of a made-up population with a map that is right four times in five."""
    rng = np.random.default_rng(seed)
    population = rng.choice(classes, 5000, p=rng.dirichlet(np.full(classes, 3.0)))
    wrong = rng.random(5000) < 0.2
    shown = np.where(wrong, rng.integers(0, classes, 5000), population)
    home = rng.integers(0, strata, 5000)
    chosen = np.concatenate([rng.choice(np.flatnonzero(home == h), n // strata, replace=False) for h in range(strata)])
    sizes = np.bincount(home, minlength=strata).astype(float)
    F = one_hot(shown, classes)
    mapped = np.stack([F[home == h].mean(axis=0) for h in range(strata)])
    return Evidence(
        home[chosen], one_hot(population[chosen], classes), sizes / sizes.sum(), sizes,
        tuple("abcdefgh"[:classes]), tuple(map(str, range(strata))), F[chosen] if with_map else None,
        mapped if with_map else None, np.sqrt(mapped * (1 - mapped)) if with_map else None,
    ), np.bincount(population, minlength=classes) / 5000  # fmt: skip


def same(a, b):
    for name in ("value", "se", "low", "high"):
        np.testing.assert_allclose(getattr(a, name), getattr(b, name), atol=1e-9)


@pytest.mark.parametrize("name", ESTIMATORS)
class TestEveryEstimator:
    @pytest.fixture(autouse=True)
    def few_draws(self, monkeypatch):
        monkeypatch.setattr(matrix, "DRAWS", 200)

    def test_is_near_the_truth_and_in_order(self, name):
        inside = []
        for seed in range(20):
            evidence, truth = random_evidence(seed)
            found = estimator(name)(evidence, 0.95)
            assert (found.low <= found.value + 1e-12).all()
            assert (found.value <= found.high + 1e-12).all()
            assert (found.low >= 0).all()
            assert (found.high <= 1).all()
            assert set(found.method) <= set(METHODS)
            inside.append((found.low <= truth) & (truth <= found.high))
        assert 0.85 < np.mean(inside) <= 1.0

    @settings(max_examples=15, deadline=None)
    @given(st.integers(0, 10_000))
    def test_order_of_the_sample_does_not_matter(self, name, seed):
        evidence, _ = random_evidence(seed)
        if name == "matrix":
            return  # draws units again in their order; equal in the limit only, see the next test for its value
        turn = np.random.default_rng(seed).permutation(len(evidence.Y))
        turned = replace(evidence, stratum=evidence.stratum[turn], Y=evidence.Y[turn], F=evidence.F[turn])
        same(estimator(name)(evidence, 0.95), estimator(name)(turned, 0.95))

    @settings(max_examples=15, deadline=None)
    @given(st.integers(0, 10_000))
    def test_names_of_classes_do_not_matter(self, name, seed):
        evidence, _ = random_evidence(seed)
        assume(evidence.Y.any(axis=0).all())  # a class that nobody met is a sentence of its own
        turn = np.random.default_rng(seed).permutation(evidence.Y.shape[1])
        renamed = replace(
            evidence, Y=evidence.Y[:, turn], F=evidence.F[:, turn], mapped=evidence.mapped[:, turn],
            mapped_sd=evidence.mapped_sd[:, turn],
        )  # fmt: skip
        a, b = estimator(name)(evidence, 0.95), estimator(name)(renamed, 0.95)
        np.testing.assert_allclose(a.value[turn], b.value, atol=1e-6)
        np.testing.assert_allclose(a.low[turn], b.low, atol=1e-4 if name == "matrix" else 1e-6)

    def test_shares_sum_to_one_for_a_perfect_map(self, name):
        evidence, _ = random_evidence(3)
        perfect = replace(evidence, Y=evidence.F)
        found = estimator(name)(perfect, 0.95)
        assert found.value.sum() == pytest.approx(1)
        if ESTIMATORS[name].needs == "prediction":
            np.testing.assert_allclose(found.value, perfect.mapped[0], atol=1e-6)
            plain = estimator("stratified")(perfect, 0.95)
            assert (found.high - found.low).mean() < (plain.high - plain.low).mean()

    def test_a_stratum_with_one_label_is_a_sentence(self, name):
        evidence, _ = random_evidence(1, strata=2)
        first = np.flatnonzero(evidence.stratum == 0)[:1]
        kept = np.concatenate([first, np.flatnonzero(evidence.stratum == 1)])
        few = replace(evidence, stratum=evidence.stratum[kept], Y=evidence.Y[kept], F=evidence.F[kept])
        with pytest.raises(BadInput, match="fewer than two"):
            estimator(name)(few, 0.95)

    def test_more_labels_narrow_the_interval(self, name):
        wide = estimator(name)(random_evidence(5, n=60)[0], 0.95)
        narrow = estimator(name)(random_evidence(5, n=1200)[0], 0.95)
        assert (narrow.half < wide.half).all()


@settings(max_examples=40, deadline=None)
@given(st.integers(2, 5), st.integers(0, 10_000))
def test_a_perfect_map_gives_the_counts_and_an_interval_that_admits_unseen_errors(strata, seed):
    rng = np.random.default_rng(seed)
    sizes, counts = rng.integers(5, 60, strata), rng.integers(1000, 100_000, strata)
    evidence, shown = from_counts(np.diag(sizes), counts)
    found = stratified.estimate(evidence)
    np.testing.assert_allclose(found.value, counts / counts.sum())
    np.testing.assert_allclose(found.se, 0)
    assert (found.high - found.low > 0).all()
    accuracy = stratified.accuracy(evidence, shown, strata)
    assert accuracy.overall[0] == pytest.approx(1)
    assert accuracy.overall[2] < 1
    np.testing.assert_allclose(accuracy.users[:, 0], 1)
    np.testing.assert_allclose(accuracy.producers[:, 0], 1)
    assert (accuracy.producers[:, 2] < 1).all()


def test_a_census_leaves_no_doubt():
    evidence, _ = from_counts(np.array([[20, 5], [3, 12]]), np.array([25, 15]))
    found = stratified.estimate(evidence)
    np.testing.assert_allclose(found.low, found.high)
    np.testing.assert_allclose(found.value, [23 / 40, 17 / 40])


def test_points_in_units_leave_doubt_in_a_census_of_units():
    Y = np.array([[0.2, 0.8], [0.5, 0.5], [0.0, 1.0]])
    evidence = Evidence(np.zeros(3, int), Y, np.ones(1), np.array([3.0]), ("a", "b"), ("all",), inner=Y * (1 - Y) / 24)
    assert (stratified.estimate(evidence).se > 0).all()
    np.testing.assert_allclose(stratified.estimate(replace(evidence, inner=None)).se, 0)


def test_lambda_zero_is_the_classical_mean():
    evidence, _ = random_evidence(2)
    blind = replace(evidence, F=np.zeros_like(evidence.F), mapped=np.zeros_like(evidence.mapped),
                    mapped_sd=np.zeros_like(evidence.mapped))  # fmt: skip
    same(ppi.estimate(blind), stratified.estimate(evidence))
    assert (ppi.estimate(blind).trust == 0).all()
    rng = np.random.default_rng(0)
    Y, f = rng.normal(size=30), rng.normal(size=30)
    value, se, _ = ppi.ppi_mean(Y, f, rng.normal(size=50), 0.0)
    assert (value, se) == (pytest.approx(Y.mean()), pytest.approx(Y.std() / np.sqrt(30)))


def test_tuned_lambda_of_classes_is_the_post_stratified_estimate():
    evidence, _ = random_evidence(8)
    found = ppi.estimate(evidence)
    for k in range(4):
        says, is_ = evidence.F[:, k] == 1, evidence.Y[:, k]
        share = evidence.mapped[0, k]
        assert found.value[k] == pytest.approx(share * is_[says].mean() + (1 - share) * is_[~says].mean())
        assert found.trust[k] == pytest.approx(is_[says].mean() - is_[~says].mean())


def test_a_prediction_helps_and_a_bad_one_hardly_hurts():
    rng = np.random.default_rng(4)
    truth = rng.normal(10, 3, 4000)
    for noise, least, most in ((0.5, 0.1, 0.35), (100.0, 0.9, 1.15)):
        f = truth + 5 + noise * rng.normal(size=4000)
        chosen = rng.choice(4000, 100, replace=False)
        evidence = Evidence(
            np.zeros(100, int), truth[chosen, None], np.ones(1), np.array([4000.0]), ("v",), ("all",), f[chosen, None],
            np.array([[f.mean()]]), np.array([[f.std()]]), shares=False,
        )  # fmt: skip
        helped, plain = ppi.estimate(evidence), stratified.estimate(evidence)
        assert least < helped.half[0] / plain.half[0] < most
        assert helped.low[0] < truth.mean() < helped.high[0]
        assert choose(evidence) == "prediction"
        assert choose(replace(evidence, F=None)) == "stratified"


def test_strata_of_a_map_say_all_that_the_map_says():
    evidence, shown = from_counts(COUNTS, PIXELS)
    told = replace(evidence, F=one_hot(shown, 4), mapped=np.eye(4), mapped_sd=np.zeros((4, 4)))
    assert choose(told) == "stratified"
    same(ppi.estimate(told), stratified.estimate(evidence))


class TestIntervals:
    def test_exact_and_jeffreys_limits(self):
        low, high = binomial_limits(4, 50, 0.95)  # scipy.stats.binomtest(4, 50).proportion_ci()
        assert (low, high) == (pytest.approx(0.0222, abs=1e-4), pytest.approx(0.1923, abs=1e-4))
        assert binomial_limits(0, 30, 0.95)[1] == pytest.approx(1 - 0.025 ** (1 / 30))
        low, high = jeffreys_limits(10, 100, 0.95)  # Brown, Cai and DasGupta 2001: beta quantiles of 10.5 and 90.5
        assert (low, high) == (pytest.approx(0.0527, abs=5e-4), pytest.approx(0.1701, abs=5e-4))

    @given(st.integers(0, 400), st.integers(2, 400))
    def test_one_stratum_gives_the_limits_of_its_share(self, x, n):
        x = min(x, n)
        low, high, name = combine(np.ones(1), np.array([float(x)]), np.array([n]), np.ones(1), 0.95)
        assert name == ("jeffreys" if min(x, n - x) >= 40 else "exact")
        limits = jeffreys_limits(x, n, 0.95) if name == "jeffreys" else binomial_limits(x, n, 0.95)
        assert [low, high] == pytest.approx([float(v) for v in limits])
        assert low <= x / n <= high

    def test_many_labels_give_the_published_interval(self):
        share, se = stratified.area_shares(100 * COUNTS, PIXELS / PIXELS.sum())
        found = stratified.estimate(from_counts(100 * COUNTS, 1e4 * PIXELS)[0])
        np.testing.assert_allclose(found.low, share - 1.96 * se, rtol=4e-3)
        np.testing.assert_allclose(found.high, share + 1.96 * se, rtol=4e-3)

    def test_a_stratum_without_finds_keeps_its_doubt(self):
        W, n = np.array([0.1, 0.9]), np.array([50, 50])
        low, high = sum_limits(W, np.array([45.0, 0.0]), n, np.ones(2), 0.95)
        assert high > 0.09 + 0.9 * 0.07
        assert low > 0.07

    @pytest.mark.parametrize(
        ("units", "name", "widest"), [(3, "capped", 0.1), (8, "touched", 0.02), (35, "effective", 0.015)]
    )
    def test_units_that_have_the_class_decide(self, units, name, widest):
        column = np.zeros(200)
        column[:units] = np.resize([0.04, 0.08, 0.04], units)
        parts = np.array([column.var(ddof=1) / 200])
        low, high, said = share_limits(column, column.mean(), parts, np.array([200]), 0.95)
        assert said == name
        assert 0 <= low < column.mean() < high < widest
        turned = share_limits(1 - column, 1 - column.mean(), parts, np.array([200]), 0.95)
        assert turned == (pytest.approx(1 - high), pytest.approx(1 - low), name)


class TestMatrix:
    def test_shares_come_back(self):
        C, p = np.array([[0.8, 0.1, 0.1], [0.2, 0.7, 0.1], [0.0, 0.3, 0.7]]), np.array([0.5, 0.1, 0.4])
        np.testing.assert_allclose(correct(C, C.T @ p), p, atol=1e-6)

    def test_what_is_impossible_becomes_the_nearest_possible(self):
        found = correct(np.array([[0.9, 0.1], [0.1, 0.9]]), np.array([0.02, 0.98]))
        assert (found >= 0).all()
        assert found.sum() == pytest.approx(1)
        assert found[1] == pytest.approx(1)

    def test_a_nearly_singular_matrix_is_told(self):
        rng = np.random.default_rng(0)
        truth, said = np.repeat([0, 1], 100), rng.integers(0, 2, 200)
        evidence = Evidence(
            np.zeros(200, int), one_hot(truth, 2), np.ones(1), np.array([1e6]), ("a", "b"), ("all",), one_hot(said, 2),
            np.array([[0.5, 0.5]]), np.array([[0.5, 0.5]]),
        )  # fmt: skip
        found = estimator("matrix")(replace(evidence, F=one_hot(np.tile([0, 1], 100), 2)), 0.95)
        assert any("close to singular" in note for note in found.notes)

    def test_a_class_without_labels_is_a_sentence(self):
        evidence, _ = random_evidence(0)
        lacking = replace(evidence, Y=one_hot(np.zeros(len(evidence.Y), int), 4))
        with pytest.raises(BadInput, match="row of the confusion matrix is unknown"):
            estimator("matrix")(lacking, 0.95)
