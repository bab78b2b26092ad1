"""Changes against their noise: stable cells, bridges, p, false discovery rates, names of dates, cells that are one."""

import geopandas as gpd
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from quadrat.core.errors import BadInput, BadJob
from quadrat.core.settlement.celltable import read_cells
from quadrat.core.settlement.change import Noise, false_discovery, log_odds, name_changes
from quadrat.core.settlement.dates import column, dates_of, in_time
from quadrat.core.settlement.names import BECAME, FAVELA_STAYS, NO_LONGER, OTHER_STAYS, UNDETECTED
from quadrat.core.settlement.samecells import same_cells
from quadrat.core.settlement.steadying import CHANGED_BELOW, STABLE_FROM, Bridge, unchanged
from quadrat.tests.core.cities import drifted_city, made_city

pytestmark = pytest.mark.same_without_torch


def seen_twice(seed=0, cells=800, columns=6, changed=0.1):
    """Numbers of cells on two dates, the second in other units, and which cells changed."""
    rng = np.random.default_rng(seed)
    itself = rng.normal(size=(cells, columns))
    moved = rng.random(cells) < changed
    one = itself + 0.3 * rng.normal(size=itself.shape)
    other = itself + 0.3 * rng.normal(size=itself.shape) + moved[:, None] * rng.choice([-2, 2], size=itself.shape)
    return one, other * rng.uniform(0.5, 2, columns) + rng.normal(size=columns), moved


class TestStableCells:
    @pytest.mark.parametrize("changed", [0.0, 0.1, 0.35])
    def test_changed_cells_are_found_and_others_are_as_chance_has_them(self, changed):
        one, other, moved = seen_twice(changed=changed)
        chance = unchanged(one, other)
        assert not (chance[moved] >= CHANGED_BELOW).any()
        assert (chance[~moved] < CHANGED_BELOW).mean() < 0.03
        assert (chance[~moved] >= STABLE_FROM).mean() > 0.45

    def test_gains_offsets_and_mixing_change_nothing(self):
        one, other, _ = seen_twice()
        mixing = np.linalg.qr(np.random.default_rng(1).normal(size=(6, 6)))[0]
        assert np.corrcoef(unchanged(one, other), unchanged(one, 3 * other - 7))[0, 1] > 0.999
        assert np.corrcoef(unchanged(one, other), unchanged(one, other @ mixing))[0, 1] > 0.9

    def test_the_same_numbers_twice_are_all_unchanged(self):
        one, _, _ = seen_twice()
        assert (unchanged(one, one) == 1).all()

    def test_constant_columns_do_not_matter(self):
        one, other, moved = seen_twice()
        constant = np.full((len(one), 1), 3.0)
        chance = unchanged(np.hstack([one, constant]), np.hstack([other, constant]))
        assert np.isfinite(chance).all() and not (chance[moved] >= CHANGED_BELOW).any()


class TestBridge:
    def test_gain_and_offset_of_stable_cells_come_back(self):
        rng = np.random.default_rng(0)
        reference = rng.normal(size=(300, 3))
        bridge = Bridge.fit(reference * [2.0, 0.5, 1.0] + [1.0, -3.0, 0.0], reference)
        assert bridge.gain == pytest.approx([0.5, 2.0, 1.0]) and bridge.offset == pytest.approx([-0.5, 6.0, 0.0])
        assert bridge.agreement == pytest.approx([1, 1, 1])

    def test_noise_does_not_pull_gains_to_nothing(self):
        rng = np.random.default_rng(0)
        itself = rng.normal(size=(5000, 1))
        one, other = (itself + rng.normal(size=itself.shape) for _ in range(2))
        assert Bridge.fit(3 * one, other).gain[0] == pytest.approx(1 / 3, rel=0.05), "least squares would say 1/6"

    def test_streets_that_stay_are_left_as_they_are(self):
        numbers = np.array([[1.0, 5.0], [2.0, 5.0], [4.0, 5.0]])
        bridge = Bridge.fit(numbers, numbers)
        assert (bridge.gain == 1).all() and (bridge.offset == 0).all()
        assert (bridge(numbers) == numbers).all()

    def test_a_column_that_is_constant_on_one_date_is_only_shifted(self):
        bridge = Bridge.fit(np.array([[2.0], [2.0]]), np.array([[1.0], [5.0]]))
        assert bridge.gain[0] == 1 and bridge(np.array([[2.0]]))[0, 0] == 3 and np.isnan(bridge.agreement[0])


class TestNoise:
    @pytest.mark.parametrize("tails", ["normal", "heavy"])
    @pytest.mark.parametrize("level", [0.2, 0.05, 0.01])
    def test_p_of_unchanged_cells_is_what_it_says(self, tails, level):
        rng = np.random.default_rng(0)
        rates = []
        for _ in range(20):
            itself = rng.normal(size=2000) * 2
            draw = rng.normal if tails == "normal" else (lambda size: rng.standard_t(4, size))
            # Twice as loud where a cell could be either.
            before, after = (itself + draw(size=2000) * np.where(np.abs(itself) < 1, 0.6, 0.3) for _ in range(2))
            learnt = Noise.learn(before[:1000], after[:1000])
            rates.append((learnt.chance(before[1000:], after[1000:]) <= level).mean())
        assert np.mean(rates) == pytest.approx(level, rel=0.3)

    def test_a_shift_of_all_stable_cells_is_no_change(self):
        rng = np.random.default_rng(0)
        before = rng.normal(size=500)
        after = before + 0.8 + 0.2 * rng.normal(size=500)
        noise = Noise.learn(before, after)
        assert np.median(noise.chance(before, after)) > 0.3
        assert noise.chance(np.zeros(1), np.full(1, 3.0))[0] < 1e-6 < noise.chance(np.zeros(1), np.full(1, 0.8))[0]

    def test_the_noise_on_the_way_counts(self):
        rng = np.random.default_rng(0)
        itself = rng.uniform(-4, 4, 4000)
        before, after = (itself + rng.normal(size=4000) * np.where(np.abs(itself) < 1, 1.0, 0.05) for _ in range(2))
        noise = Noise.learn(before, after)
        quiet = noise.chance(np.array([-4.0]), np.array([-3.0]))[0]
        assert quiet < 0.01 < noise.chance(np.array([-0.5]), np.array([0.5]))[0]
        through = np.abs(noise.deviation(np.array([-3.0]), np.array([3.0])))[0]
        assert through == pytest.approx(6 / np.sqrt(2), rel=0.35), "not 6 / 0.07, as at the ends"

    def test_cells_that_never_move_are_refused(self):
        still = np.zeros(200)
        with pytest.raises(BadInput, match="Only 0 of 200 stable cells read at all differently"):
            Noise.learn(still, still)
        with pytest.raises(BadInput, match="by the same amount"):
            Noise.learn(np.arange(200.0), np.arange(200.0) + 1)

    def test_half_of_the_cells_at_the_floor_say_nothing_of_the_rest(self):
        rng = np.random.default_rng(0)
        itself = rng.normal(size=1000)
        before, after = (itself + 0.3 * rng.normal(size=1000) for _ in range(2))
        floor = np.full(4000, log_odds(np.zeros(1))[0])
        with_floor = Noise.learn(np.concatenate([before, floor]), np.concatenate([after, floor]))
        alone = Noise.learn(before, after)
        assert with_floor.deviation(before, after) == pytest.approx(alone.deviation(before, after))
        assert (with_floor.chance(floor, floor) == 1).all()

    def test_votes_of_few_draws_have_a_noise(self):
        rng = np.random.default_rng(0)
        before, after = (log_odds(rng.binomial(10, 0.3, 600) / 10) for _ in range(2))
        chance = Noise.learn(before, after).chance(before, after)
        assert np.isfinite(chance).all() and (chance <= 0.05).mean() < 0.08

    def test_absent_numbers_stay_absent(self):
        noise = Noise.learn(*np.random.default_rng(0).normal(size=(2, 200)))
        assert np.isnan(noise.chance(np.array([np.nan, 0.0]), np.array([1.0, np.nan]))).all()


class TestNames:
    def test_every_case(self):
        before = np.array([False, True, True, False, False, True])
        after = np.array([True, False, True, False, True, False])
        detected = np.array([True, True, True, True, False, False])
        assert name_changes(before, after, detected).tolist() == [
            BECAME, NO_LONGER, FAVELA_STAYS, OTHER_STAYS, UNDETECTED, UNDETECTED,
        ]  # fmt: skip

    def test_log_odds_have_an_end(self):
        found = log_odds(np.array([0.0, 0.5, 1.0, np.nan]))
        assert found[0] == pytest.approx(-found[2]) and found[1] == 0 and np.isnan(found[3])


class TestFalseDiscovery:
    def test_by_hand(self):
        found = false_discovery(np.array([0.01, np.nan, 0.5, 0.02, 1.0]))
        assert found[[0, 2, 3, 4]] == pytest.approx([0.04, 0.5 * 4 / 3, 0.04, 1.0]) and np.isnan(found[1])

    @given(arrays(np.float64, st.integers(1, 30), elements=st.floats(1e-6, 1)))
    def test_it_is_never_below_p_and_keeps_the_order(self, chance):
        found = false_discovery(chance)
        assert (found >= chance - 1e-12).all() and (found <= 1).all()
        assert (np.diff(found[np.argsort(chance)]) >= -1e-12).all()

    def test_the_share_of_false_discoveries_is_held(self):
        rng = np.random.default_rng(0)
        shares = []
        for _ in range(300):
            true = np.arange(400) < 40
            chance = np.where(true, rng.beta(0.05, 5, 400), rng.random(400))
            said = false_discovery(chance) <= 0.1
            shares.append((said & ~true).sum() / max(said.sum(), 1))
        assert 0.06 < np.mean(shares) < 0.11


class TestDates:
    @pytest.mark.parametrize(
        ("names", "found"),
        [
            (["rio_2016.gpkg", "rio_2020.gpkg"], ["2016", "2020"]),
            (["S2_20160504_T23.gpkg", "S2_20200811_T23.gpkg"], ["2016-05-04", "2020-08-11"]),
            (["a-2016-05.gpkg", "a-2016-11.gpkg"], ["2016-05", "2016-11"]),
            (["all.gpkg|layername=rio 2016", "all.gpkg|layername=rio 2020"], ["2016", "2020"]),
            (["2016/cells.gpkg", "2020/cells.gpkg"], ["1", "2"]),
            (["rio_2016.gpkg", "olinda_2016.gpkg"], ["1", "2"]),
            (["rio_2016_2020.gpkg", "rio_2020.gpkg"], ["1", "2"]),
            (["cells150m.gpkg", "cells_12016.gpkg"], ["1", "2"]),
        ],
    )
    def test_names_of_files(self, names, found):
        assert dates_of("", names)[0] == found

    def test_what_the_layers_were_made_from(self, tmp_path):
        for name, year in (("a", 2016), ("b", 2020)):
            text = f'{{"facts": {{}}, "inputs": {{"input": {{"path": "/2024/sentinel_{year}.tif"}}}}}}'
            (tmp_path / f"{name}.gpkg.quadrat.json").write_text(text)
        assert dates_of("", [str(tmp_path / f"{name}.gpkg") for name in "ab"])[0] == ["2016", "2020"]

    def test_as_given(self):
        assert dates_of("before; after", ["a", "b"])[0] == ["before", "after"]
        with pytest.raises(BadJob, match="3 are given for 2 layers"):
            dates_of("1,2,3", ["a", "b"])
        with pytest.raises(BadJob, match="'2016' is given twice"):
            dates_of("2016,2016", ["a", "b"])

    def test_order_in_time(self):
        assert in_time(["2020", "2016-11", "2016-05-04", "2016"]) == [3, 2, 1, 0]
        assert in_time(["2020", "before"]) == [0, 1] and column("2016-05-04") == "2016_05_04"


class TestSameCells:
    @pytest.fixture
    def layers(self, tmp_path):
        def go(*tables):
            paths = [str(tmp_path / f"{number}.gpkg") for number in range(len(tables))]
            for table, path in zip(tables, paths, strict=True):
                table.to_file(path)
            return [read_cells(path) for path in paths], paths

        return go

    def test_by_number_whatever_the_order(self, layers):
        city = made_city(8, 8)
        same = same_cells(*layers(city.iloc[:60], city.iloc[::-1]))
        assert same.rows.shape == (2, 60) and same.how == "by their numbers" and same.left == (0, 4)
        assert (same.rows[0] == np.arange(60)).all() and (same.rows[1] == 63 - np.arange(60)).all()

    def test_by_place_where_there_are_no_numbers(self, layers):
        city = made_city(8, 8)
        moved = city.drop(columns="cell").set_geometry(city.translate(10, -10)).iloc[::-1]
        same = same_cells(*layers(city, moved))
        assert (same.rows[1] == 63 - np.arange(64)).all() and "by where they lie" in same.how

    def test_by_place_in_another_system(self, layers):
        city = made_city(8, 8)
        same = same_cells(*layers(city, city.drop(columns="cell").to_crs("EPSG:4326")))
        assert (same.rows[1] == np.arange(64)).all()

    def test_the_same_numbers_in_other_places_are_other_cells(self, layers):
        city = made_city(8, 8)
        with pytest.raises(BadInput, match="Only 0 of 64 cells"):
            same_cells(*layers(city, city.set_geometry(city.translate(50_000, 0))))
        half = city.set_geometry(city.translate(75, 75))
        with pytest.raises(BadInput, match="Make the cells once"):
            same_cells(*layers(city, half))

    def test_numbers_in_zones(self, layers):
        city = made_city(8, 8)
        city["cell"] = np.tile(np.arange(8) % 4 + 10 * np.arange(8)[:, None], 1).ravel()
        assert city.duplicated("cell").any() and not city.duplicated(["zone", "cell"]).any()
        assert same_cells(*layers(city, city)).how == "by their numbers"


def test_the_made_city_drifts_and_changes_as_told():
    city = drifted_city(dates=3, changed=0.1)
    first, middle, last = (layer["emb_1"].to_numpy() for layer in city.layers)
    assert np.corrcoef(first, middle)[0, 1] > 0.9 and abs(first.mean() - middle.mean()) > 0.05
    stays = np.corrcoef(first[city.unchanged], last[city.unchanged])[0, 1]
    assert stays > 0.9 and city.became.sum() > 20 and city.ceased.sum() > 0
    assert isinstance(city.layers[0], gpd.GeoDataFrame)
