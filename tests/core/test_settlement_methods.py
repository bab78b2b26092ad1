"""Methods that tell favela cells from others: formulas, neighbours, fitting, the file."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from quadrat.core.progress import Progress
from quadrat.core.settlement.celltable import CellTable, labels_of, read_cells
from quadrat.core.settlement.methods import parts as parts_module
from quadrat.core.settlement.methods.around import (
    NodeInputs,
    around,
    neighbours_by_place,
    neighbours_by_touch,
)
from quadrat.core.settlement.methods.combine import RULES, hybrid, vote, weighted
from quadrat.core.settlement.methods.fitting import Cells, Plan, balanced_draws, fit_parts
from quadrat.core.settlement.methods.footing import BlockScaler
from quadrat.core.settlement.methods.graph import adjacency
from quadrat.core.settlement.methods.heldout import Reading, Said, best_cut, hold_out, read, scores
from quadrat.core.settlement.methods.registry import METHODS, PARTS, columns_of
from quadrat.core.settlement.methods.stored import Methods, cells_of, save_methods
from quadrat.tests.core.cities import made_city

pytestmark = pytest.mark.same_without_torch

SHARES = arrays.arrays(np.float64, 40, elements=st.floats(0, 1, width=32))


def score(certain, other):
    """The weighted combination as it was published; 0 where both stand at one half."""
    weights = np.abs(np.stack([certain, other]) - 0.5)
    votes = np.where(np.stack([certain, other]) >= 0.5, 1.0, -1.0)
    total = weights.sum(axis=0)
    return np.divide((weights * votes).sum(axis=0), total, out=np.zeros(len(total)), where=total > 0)


@given(SHARES, SHARES)
def test_weighted_combination_is_the_sign_of_the_sum(certain, other):
    found = score(certain, other)
    sums = certain + other - 1
    assert (np.abs(found) <= 1 + 1e-12).all()
    clear = np.abs(sums) > 1e-6
    assert (np.sign(found[clear]) == np.sign(sums[clear])).all()
    ranked, favela = weighted([certain[None], other[None]])
    assert (favela == (certain + other >= 1)).all() and (favela == (ranked >= 0.5)).all()


def test_weighted_combination_of_two_halves_divides_by_nothing():
    half = np.array([0.5])
    assert score(half, half) == 0
    assert weighted([half[None], half[None]])[1].all()


def test_weighted_combination_by_hand():
    # (|0.9 - 0.5| * 1 + |0.3 - 0.5| * -1) / (0.4 + 0.2)
    assert score(np.array([0.9]), np.array([0.3])) == pytest.approx([1 / 3])


def test_vote_takes_the_majority_and_ties_are_favela():
    said = np.array([[0.9, 0.6, 0.4], [0.6, 0.4, 0.4], [0.1, 0.1, 0.9], [0.2, 0.9, 0.1]])
    ranked, favela = vote([said])
    assert favela.tolist() == [True, True, False]
    assert ranked == pytest.approx([0.5, 0.5, 0.25], abs=1e-5)
    assert (favela == (ranked >= 0.5)).all()


def test_hybrid_by_hand():
    # 3 of 4 draws of the first part say favela: the deviation of (1, 1, 1, -1) is sqrt(3)/2. The second agrees on no.
    first, second = np.array([[0.9], [0.8], [0.7], [0.1]]), np.array([[0.2]] * 4)
    trust = 1 - np.sqrt(3) / 2
    expected = (trust * 1 + 1 * -1) / (trust + 1)
    ranked, favela = hybrid([first, second])
    assert not favela[0]
    assert ranked == pytest.approx([(1 + expected) / 2], abs=1e-5)


def test_hybrid_without_any_trust_divides_by_nothing():
    split = np.array([[0.9], [0.1]])
    ranked, favela = hybrid([split, split])  # both deviations are 1, both medians a tie, which is favela
    assert np.isfinite(ranked).all() and favela.all()


@given(arrays.arrays(np.float64, (2, 5, 12), elements=st.floats(0, 1, width=32)))
def test_every_rule_ranks_on_the_side_of_its_decision(said):
    for name, rule in RULES.items():
        ranked, favela = rule(list(said))
        assert ((ranked >= 0) & (ranked <= 1)).all(), name
        assert (favela == (ranked >= 0.5)).all(), name


def test_cards_name_parts_rules_and_builders_that_exist():
    for card in METHODS.values():
        assert card.rule in RULES and set(card.parts) <= set(PARTS)
        assert columns_of(card.name)
    for part in PARTS.values():
        assert part.builder in (*parts_module.BUILDERS, parts_module.AUTOMATIC)


def test_the_network_is_as_wide_as_published():
    request = parts_module.PartRequest(features=8, own_units=False, seed=0)
    assert parts_module.network(request)[-1].hidden_layer_sizes == (1000, 1000)


def test_neighbours_by_place_and_by_touch_agree():
    city = made_city(4, 5, zones=1)
    keep = [i for i in range(20) if i not in (7, 11)]  # holes
    city = city.iloc[np.random.default_rng(3).permutation(keep)].reset_index(drop=True)
    row, col = city["row"].to_numpy(np.int64), city["col"].to_numpy(np.int64)
    by_place = neighbours_by_place(row, col, np.zeros(len(city), np.int64))
    middle = np.stack([city.centroid.x, city.centroid.y], axis=1)
    assert (by_place == neighbours_by_touch(city.geometry.to_numpy(), middle)).all()
    corner = int(np.flatnonzero((row == 0) & (col == 0))[0])
    assert (by_place[corner] >= 0).sum() == 3


def test_zones_are_no_neighbours():
    nothing = neighbours_by_place(np.array([0, 0]), np.array([0, 1]), np.array([1, 2]))
    assert (nothing == -1).all()


def test_around_marks_absent_cells_and_cells_with_gaps():
    nodes = np.array([[1.0, 2.0], [np.nan, 3.0]], np.float32)
    found = around(nodes, np.array([[0, 1, -1]]))
    assert found.tolist() == [[[1, 2, 1], [0, 0, 0], [0, 0, 0]]]


def test_node_inputs_have_unit_spread_and_ordered_components():
    rng = np.random.default_rng(0)
    variables = rng.normal(5, [3, 0], (50, 2)).astype(np.float32)
    features = (rng.normal(size=(50, 6)) * [5, 2, 1, 1, 1, 1]).astype(np.float32)
    found = NodeInputs.fit(variables, features)(variables, features)
    assert found.shape == (50, 8) and found.dtype == np.float32
    assert found[:, 0].std() == pytest.approx(1, abs=1e-4) and (found[:, 1] == 0).all()
    spreads = found[:, 2:].std(axis=0)
    assert (np.diff(spreads) <= 1e-5).all() and np.square(spreads).mean() == pytest.approx(1, abs=1e-3)


def test_adjacency_of_a_corner_cell():
    present = np.zeros((1, 9), bool)
    present[0, [0, 5, 7, 8]] = True  # itself, east, south, south-east: all touch one another
    found = adjacency(present)[0]
    assert found[np.ix_([0, 5, 7, 8], [0, 5, 7, 8])] == pytest.approx(np.full((4, 4), 0.25))
    assert found.sum() == pytest.approx(4)


def test_block_scaler_keeps_the_order_of_components():
    rng = np.random.default_rng(1)
    X = rng.normal(size=(200, 3)) * [10, 1, 7] + 3
    found = BlockScaler(2).fit_transform(X)
    assert found[:, 0].std() / found[:, 1].std() == pytest.approx(X[:, 0].std() / X[:, 1].std(), rel=1e-4)
    assert found[:, 2].std() == pytest.approx(1, rel=1e-4)


@pytest.fixture
def quick_parts(monkeypatch):
    """Fewer trees and passes, narrower networks: the arithmetic is the same."""
    layers = parts_module._layers
    monkeypatch.setattr(parts_module, "TREES", 10)
    monkeypatch.setattr(parts_module, "EPOCHS", 15)
    monkeypatch.setattr(parts_module, "EPOCHS_AROUND", 15)
    monkeypatch.setattr(parts_module, "_layers", lambda hidden, *rest: layers(tuple(min(s, 64) for s in hidden), *rest))


def _table(city):
    names = [name for name in city if name.startswith("emb_")]
    variables = [name for name in ("p_vegeta", "len_roads", "slope") if name in city]
    xy = np.stack([city.centroid.x, city.centroid.y], axis=1)
    matrices = [city[some].to_numpy(np.float32) for some in (names, variables)]
    return CellTable(city, *matrices, tuple(names), tuple(variables), xy, city.crs.to_wkt(), "space")


def _learn(city):
    table = _table(city)
    y = labels_of(table, "label", "favela", "city")
    at = np.flatnonzero(y >= 0)
    return cells_of(table), at, y[at]


def check_method(method, tmp_path):
    """Fits a method to a made city, writes it, reads it, and compares what both say."""
    cells, at, y = _learn(made_city(12, 14))
    plan = Plan((method,), members=3)
    fitted = fit_parts(plan, cells, at, y, np.arange(len(at)), Progress())
    ranked, favela = fitted.say((method,), cells, at)[method]
    assert scores(y == 1, favela)["f1"] > 0.5
    assert ((ranked >= 0) & (ranked <= 1)).all()
    path = str(tmp_path / "city.qmethods")
    facts = {"methods": [method], "prevalence": 0.2, "space": "space"}
    facts |= {name: [f"{name}_{k}" for k in range(getattr(cells, name).shape[1])] for name in ("features", "variables")}
    reading = Reading({"power": np.array(1.5), "floor": np.array(1e-4)}, 0.3, {"best": {"f1": 0.5}})
    save_methods(path, facts, fitted, {method: reading})
    again = Methods.read(path, 1)
    assert (again.fitted.say((method,), cells, at)[method][0] == ranked).all()
    assert again.readings[method].probability(ranked) == pytest.approx(reading.probability(ranked))
    save_methods(str(tmp_path / "b.qmethods"), facts, fitted, {method: reading})
    assert (tmp_path / "b.qmethods").read_bytes() == (tmp_path / "city.qmethods").read_bytes()


def test_draws_are_balanced_and_shared(quick_parts):
    y = np.array([1] * 5 + [0] * 40)
    draws = balanced_draws(Plan(("balanced-vote", "forest-features"), members=4), y)
    assert len(draws) == 4 and all(np.bincount(y[draw]).tolist() == [5, 5] for draw in draws)
    split = balanced_draws(Plan(("balanced-vote",), members=20, balance="split"), y)
    others = np.concatenate([draw[y[draw] == 0] for draw in split])
    assert len(split) == 8 and len(np.unique(others)) == 40
    assert len(balanced_draws(Plan(("balanced-vote",), balance="none"), y)) == 1


@pytest.mark.parametrize("method", [name for name in METHODS if name != "graph"])
def test_methods_learn_store_and_say_the_same(method, tmp_path, quick_parts):
    check_method(method, tmp_path)


def test_a_cell_with_gaps_gets_no_number_where_they_matter(quick_parts):
    city = made_city()
    city.loc[30, "slope"] = np.nan
    cells, at, y = _learn(city)
    keep = at != 30
    names = ("forest-variables", "forest-features", "weighted")
    fitted = fit_parts(Plan(names), cells, at[keep], y[keep], at[keep], Progress())
    said = fitted.say(names, cells, np.array([30, 31]))
    assert np.isnan(said["forest-variables"][0]).tolist() == [True, False]
    assert np.isnan(said["weighted"][0]).tolist() == [True, False] and not said["weighted"][1][0]
    assert np.isfinite(said["forest-features"][0]).all()


def test_held_out_cells_teach_probabilities_at_their_own_prevalence(quick_parts):
    from quadrat.core.folds import class_folds, spatial_blocks

    cells, at, y = _learn(made_city(24, 24))
    row, col = np.divmod(at, 24)
    groups = spatial_blocks(np.stack([col, row], 1) * 150.0, np.arange(len(at)), 600, 0)
    folds = class_folds(y, groups, 5, 0)
    said = hold_out(Plan(("concatenation",)), cells, at, y, groups, folds, Progress())["concatenation"]
    reading = read(said, y, groups, folds.fold)
    published, natural = said.ranked.mean(), reading.probability(said.ranked).mean()
    assert published > 0.3 and natural == pytest.approx(y.mean(), abs=0.03)
    facts = reading.facts
    assert facts["best"]["f1"] >= facts["published"]["f1"] - 1e-9
    assert Reading.from_dict(reading.to_dict()).cut == reading.cut


@settings(max_examples=30)
@given(SHARES, arrays.arrays(np.bool_, 40))
def test_best_cut_is_best(probability, truth):
    cut = best_cut(probability, truth)
    if not truth.any():
        assert cut == 0.5
        return
    everywhere = [scores(truth, probability >= edge)["f1"] for edge in np.unique(probability)]
    assert scores(truth, probability >= cut)["f1"] == pytest.approx(max(everywhere))


def test_scores_by_hand_and_without_anything():
    truth, said = np.array([1, 1, 1, 0, 0], bool), np.array([1, 1, 0, 1, 0], bool)
    assert scores(truth, said) == pytest.approx({"precision": 2 / 3, "recall": 2 / 3, "f1": 2 / 3, "iou": 0.5})
    assert set(scores(truth & False, said & False).values()) == {0.0}


def test_reading_without_folds_leaves_numbers_alone():
    said = Said(np.full(4, np.nan), np.zeros(4, bool))
    ranked = np.array([0.2, np.nan])
    assert Reading().probability(ranked)[0] == pytest.approx(0.2) and np.isnan(Reading().probability(ranked)[1])
    assert np.isnan(said.ranked).all()


def test_cells_are_read_with_their_columns(tmp_path):
    path = str(tmp_path / "city.gpkg")
    made_city(features=12).to_file(path)
    table = read_cells(path)
    assert table.feature_names == tuple(f"emb_{k}" for k in range(1, 13)) and len(table.variable_names) == 6
    assert table.features.shape == (320, 12) and (table.neighbours()[:, 0] == np.arange(320)).all()


def test_methods_without_their_columns_are_named():
    cells = Cells(np.zeros((3, 0), np.float32), np.ones((3, 2), np.float32), np.full((3, 9), -1))
    assert "Embed cells" in cells.lacks("forest-features") and "Embed cells" in cells.lacks("concatenation")
    assert not cells.lacks("forest-variables") and not cells.lacks("auto") and not cells.lacks("neighbours")
