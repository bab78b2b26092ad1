"""Methods compared: how cells are kept apart, numbers by hand, and traps that studies fell into."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from quadrat.core.errors import Cancelled
from quadrat.core.folds import Folds
from quadrat.core.progress import Progress
from quadrat.core.samples import Regions
from quadrat.core.separation import BlockChoice
from quadrat.core.settlement import comparison
from quadrat.core.settlement.apart import NotApart, Scheme, Split, schemes_for
from quadrat.core.settlement.celltable import CellTable, labels_of
from quadrat.core.settlement.comparescores import balanced_test, compare, paired, spread
from quadrat.core.settlement.comparewords import headline_sentences
from quadrat.core.settlement.comparison import Heard, Round, Trial, run_trial, share_right
from quadrat.core.settlement.methods import parts
from quadrat.core.settlement.methods.fitting import Plan
from quadrat.core.settlement.methods.stored import cells_of
from quadrat.core.settlement.taught import Taught
from quadrat.tests.core.cities import made_city

pytestmark = pytest.mark.same_without_torch

QUICK = ("forest-variables", "forest-features", "weighted")


@pytest.fixture(autouse=True)
def quick_parts(monkeypatch):
    monkeypatch.setattr(parts, "TREES", 5)
    monkeypatch.setattr(parts, "EPOCHS_AROUND", 10)


def taught_by(city):
    names = [name for name in city if name.startswith("emb_")]
    variables = ["p_vegeta", "len_roads", "slope"]
    xy = np.stack([city.centroid.x, city.centroid.y], axis=1)
    matrices = [city[some].to_numpy(np.float32) for some in (names, variables)]
    table = CellTable(city, *matrices, tuple(names), tuple(variables), xy, city.crs.to_wkt(), "space")
    y = labels_of(table, "label", "favela", "city")
    at = np.flatnonzero(y >= 0)
    return Taught(table, cells_of(table), at, y[at], xy[at])


@pytest.fixture(scope="module")
def taught():
    return taught_by(made_city(20, 24, zones=3))


def schemes(taught, repeats=2, side=600.0, folds=4):
    zone = taught.table.table["zone"].to_numpy()[taught.at]
    zones = Regions(zone - 1, ("a", "b", "c"))
    return schemes_for(taught, BlockChoice(side, "given", "Given."), zones, folds, repeats, 0)


def test_every_cell_is_tested_once_and_training_is_all_the_rest(taught):
    for scheme in schemes(taught):
        for split in scheme.splits:
            tested = []
            for training, test in split.folds.parts():
                assert not np.intersect1d(training, test).size
                assert len(training) + len(test) == len(taught.y), "the union of all other folds, not the last of them"
                tested.append(test)
            assert (np.sort(np.concatenate(tested)) == np.arange(len(taught.y))).all()


def test_blocks_stay_whole_and_move_with_the_repetition(taught):
    _, blocks, _ = schemes(taught)
    first, second = blocks.splits
    for split in (first, second):
        for block in np.unique(split.groups):
            assert len(np.unique(split.folds.fold[split.groups == block])) == 1
    assert (first.groups != second.groups).any()


def test_zones_are_left_out_whole_in_every_repetition(taught):
    zones = schemes(taught)[2]
    zone = taught.table.table["zone"].to_numpy()[taught.at]
    assert len(zones.splits) == 2
    for split in zones.splits:
        for k, (training, test) in enumerate(split.folds.parts()):
            assert set(zone[test]) == {k + 1} and k + 1 not in zone[training]


def test_what_cannot_be_kept_apart_is_said(taught):
    random, blocks, zones = schemes_for(taught, None, None, 4, 1, 0)
    assert isinstance(random, Scheme)
    assert isinstance(blocks, NotApart) and "one place" in blocks.reason
    assert isinstance(zones, NotApart) and "one zone" in zones.reason
    only = Regions(np.where(taught.y == 1, 0, 1), ("favela", "other"))
    assert "lack favela" in schemes_for(taught, None, only, 4, 1, 0)[2].reason


@settings(max_examples=30)
@given(st.lists(st.booleans(), min_size=2, max_size=40).filter(lambda one: len(set(one)) == 2), st.integers(0, 99))
def test_balanced_test_cells_are_balanced_and_all_of_the_rarer_kind(truth, seed):
    y = np.array(truth).astype(np.int64)
    test = np.arange(len(y))
    drawn = balanced_test(test, y, (seed, 0, 0))
    counts = np.bincount(y, minlength=2)
    assert np.bincount(y[drawn], minlength=2).tolist() == [counts.min()] * 2
    assert len(np.unique(drawn)) == len(drawn) and (drawn == balanced_test(test, y, (seed, 0, 0))).all()


def test_spread_is_of_the_population():
    assert spread([0.2, 0.4])["sd"] == pytest.approx(0.1), "not 0.1414, which divides by one less"
    assert spread([0.7])["sd"] == 0


def test_standard_error_of_a_difference_by_hand():
    found = paired(np.array([0.1, 0.3]), 0.25)
    # s = 0.1414; sqrt(1/2 + 1/4) of it
    assert found["mean"] == pytest.approx(0.2) and found["standard_error"] == pytest.approx(np.sqrt(0.02 * 0.75))
    assert paired(np.array([0.1]), 0.25)["standard_error"] is None


def by_hand(favela, learnt, y, folds=2, ranked=None, cut=True):
    """A trial of one repetition in which a method said so."""
    y = np.array(y)
    fold = np.arange(len(y)) * folds // len(y)
    split = Split(Folds(fold, folds), np.arange(len(y)))
    ranked = np.array(favela, float) if ranked is None else np.array(ranked)
    heard = {"forest-variables": Heard(ranked, np.array(favela, bool), np.array(learnt, bool))}
    one = Round(split, heard, frozenset(range(folds)) if cut else frozenset())
    return Trial(Scheme("blocks", "By hand.", (split,)), (one,)), y


def test_scores_by_hand():
    #        fold 0: 4 cells, 1 favela   fold 1: 4 cells, 2 favela
    y = [1, 0, 0, 0, 1, 1, 0, 0]
    favela = [1, 1, 0, 0, 1, 0, 0, 0]
    learnt = [1, 0, 0, 0, 0, 0, 0, 0]
    trial, y = by_hand(favela, learnt, y)
    numbers = compare([trial], [], y, 0)
    tests = numbers["schemes"][0]["tests"]
    natural, cut = tests["natural"]["forest-variables"], tests["learnt"]["forest-variables"]
    assert natural["precision"]["values"] == [0.5, 1.0] and natural["recall"]["values"] == [1.0, 0.5]
    assert natural["iou"]["values"] == [0.5, 0.5] and natural["f1"]["mean"] == pytest.approx(2 / 3)
    assert cut["iou"]["values"] == [1.0, 0.0] and cut["iou"]["sd"] == 0.5
    assert natural["auc"]["values"] == pytest.approx([(1 + 1 + 0.5) / 3, 0.75])
    assert numbers["cells"]["share"] == pytest.approx(3 / 8)


def test_trivial_answers_have_the_prevalence_as_iou():
    trial, y = by_hand([1, 0, 0, 0] * 2, [1, 0, 0, 0] * 2, [1, 0, 0, 0] * 2)
    tests = compare([trial], [], y, 0)["schemes"][0]["tests"]
    for test in ("natural", "learnt"):
        every = tests[test]["everything"]
        assert every["iou"]["mean"] == every["precision"]["mean"] == every["average_precision"]["mean"] == 0.25
        assert every["recall"]["mean"] == 1 and every["auc"]["mean"] == 0.5
        assert tests[test]["nothing"]["iou"]["mean"] == tests[test]["nothing"]["recall"]["mean"] == 0
    assert tests["balanced"]["everything"]["iou"]["mean"] == 0.5, "balanced test cells hide how rare favela is"


def test_balanced_cells_hide_false_alarms():
    y = ([1] * 5 + [0] * 45) * 2
    favela = ([1] * 5 + [1] * 9 + [0] * 36) * 2
    trial, y = by_hand(favela, favela, y)
    tests = compare([trial], [], y, 0)["schemes"][0]["tests"]
    assert tests["natural"]["forest-variables"]["precision"]["mean"] == pytest.approx(5 / 14)
    assert tests["balanced"]["forest-variables"]["precision"]["mean"] > 0.6
    numbers = compare([trial], [], y, 0)
    assert any("hide false alarms" in line and "36 of 100" in line for line in headline_sentences(numbers))


def test_folds_without_favela_are_counted_and_in_no_mean():
    trial, y = by_hand([1, 0, 1, 0], [1, 0, 1, 0], [1, 0, 0, 0])
    scheme = compare([trial], [], y, 0)["schemes"][0]
    assert scheme["runs"] == 1 and scheme["unscored"] == 1
    assert scheme["tests"]["natural"]["forest-variables"]["iou"]["values"] == [1.0]


def test_nothing_to_score_is_said():
    trial, y = by_hand([1, 0], [1, 0], [1, 0])
    numbers = compare([trial], [], y, 0)
    assert numbers["headline"] == {} and "nothing can be compared" in headline_sentences(numbers)[0]


def test_without_a_learnt_cut_the_published_rule_is_the_headline():
    trial, y = by_hand([1, 0, 0, 0] * 2, [0] * 8, [1, 0, 0, 0] * 2, cut=False)
    numbers = compare([trial], [], y, 0)
    assert "learnt" not in numbers["schemes"][0]["tests"] and numbers["headline"]["test"] == "natural"
    assert "by the published rule" in headline_sentences(numbers)[0]


def test_methods_see_the_same_draws_and_no_test_cell(taught, monkeypatch):
    seen, whole = [], comparison.fit_parts

    def spy(plan, cells, at, y, groups, progress):
        seen.append((plan.methods, plan.seed, at))
        return whole(plan, cells, at, y, groups, progress)

    monkeypatch.setattr(comparison, "fit_parts", spy)
    inner, asked = comparison.hold_out, []

    def spy_inner(plan, cells, at, *rest):
        asked.append(at)
        return inner(plan, cells, at, *rest)

    monkeypatch.setattr(comparison, "hold_out", spy_inner)
    _, blocks, _ = schemes(taught, repeats=2, folds=2)
    run_trial(blocks, taught, Plan(QUICK), 2, Progress())
    assert len(seen) == sum(split.folds.count for split in blocks.splits) == len(asked)
    assert all(methods == QUICK for methods, _, _ in seen), "one fit of all methods a fold: the same draws for each"
    assert len({seed for _, seed, _ in seen}) == 2, "another draw in each repetition"
    trainings = [training for split in blocks.splits for training, _ in split.folds.parts()]
    for (_, _, at), training, cut in zip(seen, trainings, asked, strict=True):
        assert (at == taught.at[training]).all() and (cut == at).all(), "the cut is learnt inside the training part"


def test_labels_of_the_test_part_change_nothing_that_is_said_of_it(taught):
    _, blocks, _ = schemes(taught, repeats=1)
    training, test = blocks.splits[0].folds.parts()[0]
    lying = taught.y.copy()
    lying[test] = 1 - lying[test]
    answers = [
        comparison._answer(
            Taught(taught.table, taught.cells, taught.at, y, taught.xy_m), Plan(QUICK), blocks.splits[0].groups,
            (training, test), 2, Progress(),
        )
        for y in (taught.y, lying)
    ]  # fmt: skip
    for name in QUICK:
        one, other = (answer.heard[name] for answer in answers)
        assert (one.ranked == other.ranked).all() and (one.learnt == other.learnt).all()


def test_what_is_said_of_a_cell_does_not_depend_on_its_companions(taught):
    _, blocks, _ = schemes(taught, repeats=1)
    training, test = blocks.splits[0].folds.parts()[0]
    names = ("weighted", "neighbours")
    whole, some = (
        comparison._answer(taught, Plan(names), blocks.splits[0].groups, (training, part), 0, Progress())
        for part in (test, test[::3])
    )
    for name in names:
        assert whole.heard[name].ranked[::3] == pytest.approx(some.heard[name].ranked, abs=1e-6)


def test_threads_and_other_methods_change_no_number(taught):
    _, blocks, _ = schemes(taught, repeats=1, folds=2)
    one = run_trial(blocks, taught, Plan(QUICK, threads=1), 2, Progress())
    other = run_trial(blocks, taught, Plan(("forest-variables",), threads=3), 2, Progress())
    first, second = (trial.rounds[0].heard["forest-variables"] for trial in (one, other))
    assert (first.ranked == second.ranked).all() and (first.learnt == second.learnt).all()


def test_favela_is_the_class_that_ranks_high(taught):
    trial = run_trial(schemes(taught, repeats=1, folds=3)[1], taught, Plan(("forest-features",)), 2, Progress())
    heard = trial.rounds[0].heard["forest-features"]
    assert heard.ranked[taught.y == 1].mean() > 0.6 > 0.4 > heard.ranked[taught.y == 0].mean()
    right = share_right(trial, taught.y)["forest-features"]
    assert right.mean() > 0.8 and set(np.unique(right)) <= {0.0, 1.0}
    numbers = compare([trial], [], taught.y, 0)
    natural = numbers["schemes"][0]["tests"]["natural"]["forest-features"]
    assert natural["auc"]["mean"] > 0.8


def test_random_folds_flatter_where_neighbours_are_alike():
    rng = np.random.default_rng(0)
    city = made_city(20, 24, features=4, zones=3)
    place = rng.permutation(24 * 20 // 4).reshape(10, 12).repeat(2, 0).repeat(2, 1).ravel()
    favela = rng.random(24 * 20 // 4)[place] < 0.25  # squares of four cells of one kind, and of one number
    city["label"] = np.where(favela, "favela", "residential")
    for name in ("emb_1", "emb_2", "emb_3", "emb_4"):
        city[name] = rng.normal(size=24 * 20 // 4)[place] + 0.01 * rng.normal(size=480)
    alike = taught_by(city)
    found = {}
    for scheme in schemes(alike, repeats=1)[:2]:
        trial = run_trial(scheme, alike, Plan(("forest-features",)), 0, Progress())
        found[scheme.name] = compare([trial], [], alike.y, 0)["schemes"][0]["tests"]["natural"]["forest-features"]
    assert found["random"]["auc"]["mean"] > found["blocks"]["auc"]["mean"] + 0.2


def test_a_cancel_is_heard(taught):
    progress = Progress()
    progress._cancelled.set()
    with pytest.raises(Cancelled):
        run_trial(schemes(taught)[0], taught, Plan(QUICK), 2, progress)
    with pytest.raises(Cancelled):
        progress.quiet().checkpoint()


def test_steps_side_by_side_make_one_progress():
    told = []
    one, other = Progress(lambda fraction, *_: told.append(fraction)).part(0.5, 1.0).side_by_side(2)
    one.checkpoint(1.0, "half")
    other.part(0.0, 0.5).checkpoint(1.0, "three quarters")
    other.checkpoint(1.0)
    assert told == [0.75, 0.875, 1.0]
