import numpy as np
import pytest
from quadrat.core.errors import BadJob
from quadrat.core.folds import class_folds
from quadrat.core.heads import inner
from quadrat.core.heads.build import UNBALANCED, fit_head, head_card
from quadrat.core.heads.linear import LogisticFolds, RidgeFolds
from quadrat.core.heads.prototype import Prototype, PrototypeFolds
from quadrat.core.heads.recipe import Recipe
from quadrat.core.heads.registry import HEADS
from quadrat.core.heads.storage import load_head, save_head
from quadrat.tests.core import quickheads
from sklearn.utils.estimator_checks import parametrize_with_checks

pytestmark = pytest.mark.same_without_torch

KINDS = [(name, target) for name, card in HEADS.items() for target in card.targets]
SINGLE = [kind for kind in KINDS if not kind[0].startswith("auto")]
"""Without those that choose among the others."""


@pytest.fixture
def quick(monkeypatch):
    """Few trees, rounds and settings."""
    quickheads.few_trees(monkeypatch)
    quickheads.few_settings(monkeypatch)


@parametrize_with_checks([LogisticFolds(), RidgeFolds(), Prototype(), PrototypeFolds()])
def test_our_estimators_keep_scikit_learns_contract(estimator, check, monkeypatch):
    quickheads.few_settings(monkeypatch)
    check(estimator)


def blobs(n=60, d=8, k=3, seed=0, spread=1.0):
    rng = np.random.default_rng(seed)
    y = np.arange(n) % k + 1
    X = rng.normal(size=(n, d)) * spread + np.eye(k, d)[y - 1] * 4
    return X.astype(np.float32), y, np.arange(n) // 2


def fit(name, target, X, y, groups, *, balance=True, seed=0, threads=1, own_units=True):
    y = y if target == "class" else y * 1.5 + 0.25
    fitted = fit_head(Recipe(name, target, balance, seed, own_units), X, y, groups, threads)
    return fitted.estimator, y


@pytest.mark.parametrize(
    ("name", "target", "own_units"), [*((*kind, True) for kind in KINDS), *((*kind, False) for kind in SINGLE)]
)
@pytest.mark.usefixtures("quick")
def test_learns_what_is_easy(name, target, own_units):
    X, y, groups = blobs(n=66)
    Z, truth, _ = blobs(seed=9)
    estimator, _ = fit(name, target, X, y, groups, own_units=own_units)
    if target == "class":
        shares = estimator.predict_proba(Z)
        assert shares.shape == (len(Z), 3)
        np.testing.assert_allclose(shares.sum(axis=1), 1, atol=1e-5)
        np.testing.assert_array_equal(estimator.classes_, [1, 2, 3])
        assert (estimator.predict(Z) == truth).mean() > 0.9
    else:
        said = estimator.predict(Z)
        assert said.shape == (len(Z),)
        assert np.corrcoef(said, truth)[0, 1] > 0.85


@pytest.mark.parametrize(("name", "target"), KINDS)
@pytest.mark.usefixtures("quick")
def test_same_file_on_any_number_of_threads_and_the_same_to_the_bit_when_loaded(name, target, tmp_path):
    """Few enough that `auto` does not compare, which `test_auto.py` does on several threads."""
    X, y, groups = blobs(36)
    files = []
    for number, threads in enumerate((1, 2)):
        estimator, _ = fit(name, target, X, y, groups, threads=threads)
        path = tmp_path / f"{number}.qhead"
        save_head(str(path), {"task": target}, estimator)
        files.append(path.read_bytes())
    assert files[0] == files[1]
    facts, again = load_head(str(path))
    assert facts["task"] == target
    np.testing.assert_array_equal(again.predict(X), estimator.predict(X))
    if target == "class":
        np.testing.assert_array_equal(again.predict_proba(X), estimator.predict_proba(X))


@pytest.mark.parametrize(("name", "target"), KINDS)
@pytest.mark.usefixtures("quick")
def test_one_sample_of_each_class_is_enough(name, target):
    X, y, groups = blobs(n=3)
    estimator, truth = fit(name, target, X, y, groups)
    said = estimator.predict(X)
    assert said.shape == (3,)
    assert np.isfinite(said).all()
    if target == "class":
        np.testing.assert_array_equal(said, truth)
        assert np.isfinite(estimator.predict_proba(X)).all()


@pytest.mark.parametrize("name", [name for name, target in KINDS if target == "class"])
@pytest.mark.usefixtures("quick")
def test_balance_raises_the_rare_class(name):
    rng = np.random.default_rng(1)
    y = np.repeat([1, 2], [95, 5])
    X = (rng.normal(size=(100, 3)) + y[:, None] * 0.9).astype(np.float32)
    groups = np.arange(100)
    found = {}
    for balance in (True, False):
        estimator, _ = fit(name, "class", X, y, groups, balance=balance)
        found[balance] = (estimator.predict_proba(X)[:, 1]).mean()
    if name in UNBALANCED:
        note = fit_head(Recipe(name, "class"), X, y, groups).notes
        assert "takes no class weights" in note[0]
    else:
        assert found[True] > found[False] * 1.2


@pytest.mark.parametrize("name", ["linear", "prototype"])
def test_constant_and_far_features_do_no_harm(name):
    X, y, groups = blobs()
    X = np.concatenate([X, np.full((len(X), 1), 7, np.float32), X[:, :1] * 1e4 + 1e5], axis=1)
    for own_units in (True, False):
        estimator, _ = fit(name, "class", X, y, groups, own_units=own_units)
        assert np.isfinite(estimator.predict_proba(X)).all()


def test_linear_is_not_drowned_by_weak_dimensions():
    """Principal components: a strong one that tells the classes apart, sixty weak ones of noise."""
    rng = np.random.default_rng(0)

    def draw(n):
        y = rng.integers(1, 3, n)
        strong = (y[:, None] - 1.5) * 2 + rng.normal(size=(n, 1)) * 0.8
        return np.concatenate([strong, rng.normal(size=(n, 60)) * 0.03], 1).astype(np.float32), y

    (X, y), (Z, truth) = draw(12), draw(500)
    shared, _ = fit("linear", "class", X, y, np.arange(12), own_units=False)
    each, _ = fit("linear", "class", X, y, np.arange(12), own_units=True)
    assert (shared.predict(Z) == truth).mean() > 0.85
    assert (shared.predict(Z) == truth).mean() > (each.predict(Z) == truth).mean() + 0.05


def test_regularisation_is_chosen_with_whole_groups():
    """Each group has its own fingerprint: only folds that keep groups whole see that it does not help."""
    rng = np.random.default_rng(0)
    groups = np.repeat(np.arange(24), 10)
    y = np.where(np.arange(24) % 2, 1, 2)[groups]
    prints = rng.normal(size=(24, 40))[groups]
    X = np.concatenate([(y[:, None] - 1.5) * 0.8 + rng.normal(size=(240, 1)), prints], axis=1).astype(np.float32)
    by_group = LogisticFolds().fit(X, y, groups).choice_["strength"]
    by_cell = LogisticFolds().fit(X, y, np.arange(240)).choice_["strength"]
    assert by_group > by_cell


def test_ridge_equals_scikit_learns_at_the_chosen_strength():
    from sklearn.linear_model import Ridge
    from sklearn.preprocessing import StandardScaler

    rng = np.random.default_rng(0)
    X = rng.normal(size=(80, 5))
    y = X @ [1, -2, 0, 0, 3] + rng.normal(size=80)
    ours = RidgeFolds().fit(X, y)
    Z = StandardScaler().fit_transform(X)
    theirs = Ridge(alpha=ours.choice_["strength"] * 80).fit(Z, y)
    np.testing.assert_allclose(ours.predict(X), theirs.predict(Z), rtol=1e-10)


def test_ridge_losses_are_those_of_fits_one_by_one():
    from quadrat.core.heads.linear import STRENGTHS, _ridge_losses
    from sklearn.linear_model import Ridge
    from sklearn.preprocessing import StandardScaler

    rng = np.random.default_rng(0)
    X, Z = rng.normal(size=(30, 40)), rng.normal(size=(11, 40))
    y, truth = X[:, 0] + 5, Z[:, 0] + 5
    losses = _ridge_losses(StandardScaler(), X, y, Z, truth, STRENGTHS)
    mean, spread = X.mean(0), X.std(0)
    for strength, loss in zip(STRENGTHS, losses, strict=True):
        model = Ridge(alpha=strength * 30).fit((X - mean) / spread, y)
        assert loss == pytest.approx(((model.predict((Z - mean) / spread) - truth) ** 2).mean() / y.var(), rel=1e-6)


@pytest.mark.parametrize("scale", [0.01, 0.05, 1.0])
def test_settings_that_cannot_be_taken_are_not_tried(scale):
    """Where next to nothing is lost, the others are left out, and the choice is that of the whole table."""
    folds, rng, short = class_folds(np.repeat([0, 1], 10), np.arange(20), 5, 0), np.random.default_rng(0), 0
    for _ in range(50):
        table, asked = rng.random((5, 3)) * scale, []

        def losses(training, test, settings, table=table, asked=asked):
            asked.append(len(settings))
            row = [tuple(part[1]) for part in folds.parts()].index(tuple(test))
            return table[row, [(1.0, 2.0, 3.0).index(one) for one in settings]]

        setting, _ = inner.settle(folds, (1.0, 2.0, 3.0), 2.0, "loss", losses)
        assert setting == (1.0, 2.0, 3.0)[inner.choose(table, 1)]
        short += 3 not in asked
    assert short == {0.01: 50, 0.05: short, 1.0: 0}[scale]
    assert scale != 0.05 or 0 < short < 50


def test_log_loss_is_scikit_learns():
    from sklearn.metrics import log_loss

    rng = np.random.default_rng(0)
    for dtype in (np.float32, np.float64):
        shares = rng.dirichlet([0.05, 0.05, 0.05], 200).astype(dtype)
        y, weight = rng.choice([2, 5, 9], 200), rng.random(200)
        expected = log_loss(y, shares, sample_weight=weight, labels=[2, 5, 9])
        assert inner.log_loss_of(y, shares, np.array([2, 5, 9]), weight) == pytest.approx(expected, rel=1e-5)


def test_choice_stays_with_the_usual_unless_clearly_beaten():
    noise = np.array([[0.5, 0.4, 0.6], [0.4, 0.5, 0.3], [0.5, 0.5, 0.6]])
    assert inner.choose(noise, usual=0) == 0
    clear = np.array([[0.9, 0.4, 0.6], [0.8, 0.3, 0.5], [0.9, 0.4, 0.6]])
    assert inner.choose(clear, usual=0) == 1
    tiny = np.array([[0.01, 0.001], [0.01, 0.001], [0.01, 0.001]])
    assert inner.choose(tiny, usual=0) == 0


def test_thinning_draws_evenly_from_groups():
    groups = np.repeat([0, 1, 2], [1000, 100, 10])
    at = inner.thinned(np.zeros(1110), groups, seed=0, most=210)
    assert len(at) == len(np.unique(at)) == 210
    assert np.bincount(groups[at]).tolist() == [100, 100, 10]
    assert len(inner.thinned(np.zeros(5), np.arange(5), 0, most=10)) == 5


def test_prototype_is_the_nearest_mean():
    X = np.array([[0.0, 0], [2, 0], [10, 0], [12, 0]])
    head = Prototype().fit(X, [1, 1, 5, 5])
    np.testing.assert_array_equal(head.prototypes_, [[1, 0], [11, 0]])
    np.testing.assert_array_equal(head.predict([[5.9, 3], [6.1, 3]]), [1, 5])
    half = head.predict_proba([[6.0, 9.0]])[0]
    np.testing.assert_allclose(half, [0.5, 0.5])


def test_unknown_head_and_wrong_target_are_sentences():
    with pytest.raises(BadJob, match="Did you mean linear"):
        head_card("linaer", "class")
    with pytest.raises(BadJob, match="cannot estimate a value"):
        head_card("prototype", "value")
