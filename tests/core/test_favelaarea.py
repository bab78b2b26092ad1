"""The area of favelas with an interval: from a map of 'Map favelas' over a sample to the report."""

import importlib.util
import sys
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import pytest
from quadrat.core.errors import BadInput
from quadrat.core.estimation import stratified
from quadrat.core.estimation.evidence import Evidence
from quadrat.core.estimation.unitarea import polygon_areas
from quadrat.core.jobs.estimate import DrawSample
from quadrat.core.jobs.settlement.methods import MapSettlement, TrainSettlement
from quadrat.core.pipelines.registry import run_job
from quadrat.core.progress import Progress
from quadrat.core.settlement.methods import parts
from quadrat.tests.core.cities import made_city
from quadrat.tests.core.samplework import designed, places, rewrite
from shapely import box

pytestmark = pytest.mark.same_without_torch

PAIR = {"unit_field": "cell", "stratum_field": "class"}


@pytest.fixture(scope="module")
def mapped(tmp_path_factory):
    """A map as 'Map favelas' writes it, with its sidecar, of a city that a slanted boundary cuts; and the truth."""
    folder = tmp_path_factory.mktemp("città")
    cells = made_city(30, 30, seed=2)
    west, south, east, north = cells.total_bounds
    cells["geometry"] = cells.rotate(9, origin=((west + east) / 2, (south + north) / 2)).intersection(
        box(west + 200, south + 200, east - 200, north - 200)
    )
    cells = cells[cells.area > 1].reset_index(drop=True)
    discarded = cells["row"] >= 27
    cells.loc[discarded, "status"], cells.loc[discarded, "label"] = "vegetation", None
    cells.to_file(folder / "cells.gpkg")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(parts, "TREES", 8)
        methods, path = str(folder / "m.qmethods"), str(folder / "map é.gpkg")
        train = {"cells": str(folder / "cells.gpkg"), "methods": ["forest-variables"], "output": methods, "test": False}
        run_job(TrainSettlement.from_dict(train), Progress())
        run_job(
            MapSettlement.from_dict({"methods": methods, "cells": str(folder / "cells.gpkg"), "output": path}),
            Progress(),
        )
    truth = pd.DataFrame({"favela": cells["status"] == "favela", "m2": cells.area, "gone": discarded.to_numpy()})
    rng = np.random.default_rng(1)
    truth["ground"] = np.where(truth["favela"], rng.beta(6, 2, len(truth)), rng.beta(0.3, 6, len(truth)))
    truth.index = cells["cell"].astype(str)
    gone = pyogrio.read_dataframe(path)["class"].fillna("") == ""
    truth["gone"] = gone.to_numpy()
    return path, truth


def fill(sample, truth, column="favela"):
    frame = places(sample)
    said = truth.loc[frame["place"].astype(str), column]
    frame["reference"] = (
        np.where(said, "favela", "other") if column == "favela" else said.round(3).astype(str).to_numpy()
    )
    rewrite(sample, frame)
    return frame


@pytest.fixture(scope="module")
def drawn(mapped, tmp_path_factory):
    """A labelled sample that no test changes; its path, the facts and the log."""
    path, truth = mapped
    log, sample = [], str(tmp_path_factory.mktemp("drawn") / "sample é.gpkg")
    job = DrawSample.from_dict({"units": path, "size": 200, "minimum": 60, "output": sample, **PAIR})
    facts = run_job(job, Progress(log=lambda level, text: log.append(text))).facts
    fill(sample, truth)
    return sample, facts, log


class TestFavelaArea:
    def test_hectares_of_cells_that_are_favela(self, mapped, drawn, estimate):
        _, truth = mapped
        sample, facts, log = drawn
        assert [s["name"] for s in facts["design"]["strata"]] == ["favela", "other"], "discarded cells are left out"
        kept = truth[~truth["gone"]]
        assert facts["design"]["left_out"] == truth["gone"].sum() > 20
        assert any("left out" in line and "ha" in line for line in log)
        assert sum(s["area_m2"] for s in facts["design"]["strata"]) == pytest.approx(kept["m2"].sum())
        numbers, _, page = estimate(sample, of_class="favela")
        row, real = numbers["rows"][numbers["headline"]], kept["m2"][kept["favela"]].sum() / 1e4
        assert (numbers["kind"], numbers["unit"], numbers["by_area"]) == ("area", "ha", True)
        assert row["shown"]["low"] < real < row["shown"]["high"]
        assert row["share"]["value"] * kept["m2"].sum() / 1e4 == pytest.approx(row["shown"]["value"])
        assert row["share"]["method"] in ("exact", "jeffreys"), "cells are of one class, however large"
        assert numbers["sentences"][0].startswith("All units that are favela together cover")
        assert any("area of whole units" in line for line in numbers["sentences"])
        assert "ratio estimator" in page and "left out" in page and " ha</td>" in page

    def test_hectares_of_ground_and_the_map_as_prediction(self, mapped, draw, estimate):
        path, truth = mapped
        sample, *_ = draw(units=path, size=150, minimum=60, seed=3, **PAIR)
        fill(sample, truth, "ground")
        values = {"target": "value", "of_class": "favela"}
        kept = truth[~truth["gone"]]
        real = (kept["ground"] * kept["m2"]).sum() / 1e4
        plain, *_ = estimate(sample, **values)
        helped, *_ = estimate(sample, **values, prediction_field="probability")
        for numbers in (plain, helped):
            row = numbers["rows"][0]
            assert (numbers["kind"], numbers["unit"], row["name"]) == ("ground", "ha", "favela")
            assert row["shown"]["low"] < real < row["shown"]["high"]
            assert any("ground that is covered" in line for line in numbers["sentences"])
        assert helped["estimator"] == "prediction"
        assert helped["rows"][0]["share"]["se"] < plain["rows"][0]["share"]["se"]
        table = pyogrio.read_dataframe(path).assign(m2=truth["m2"].to_numpy())[~truth["gone"].to_numpy()]
        said = (table["probability"] * table["m2"]).sum() / 1e4
        assert helped["rows"][0]["counted"] == pytest.approx(said)

    def test_the_class_as_prediction_tells_what_counting_would_have_said(self, mapped, drawn, estimate):
        path, truth = mapped
        sample, *_ = drawn
        numbers, *_ = estimate(sample, prediction_field="class", units=path)
        shares = [row["share"]["value"] for row in numbers["rows"]]
        assert numbers["rows"][numbers["headline"]]["name"] == "favela" and min(shares) == shares[numbers["headline"]]
        called = (pyogrio.read_dataframe(path)["class"] == "favela").to_numpy()
        assert numbers["rows"][numbers["headline"]]["counted"] == pytest.approx(truth["m2"][called].sum() / 1e4)
        assert numbers["estimator"] == "stratified", "strata are the classes already"

    def test_who_labels_sees_nothing_of_the_map(self, mapped, drawn, draw):
        path, _ = mapped
        sample, *_ = drawn
        assert list(places(sample).columns) == ["place", "order", "reference", "cell", "geometry"]
        assert {"stratum_name", "area_m2", "stands_for_ha"} <= set(designed(sample).columns)
        seen, *_ = draw("seen.gpkg", units=path, size=60, minimum=20, blind=False, **PAIR)
        assert {"class", "probability", "status"} <= set(places(seen).columns)

    def test_each_place_stands_for_area(self, mapped, drawn):
        _, truth = mapped
        sample, facts, _ = drawn
        table = designed(sample)
        np.testing.assert_allclose(table["area_m2"], truth.loc[table["place"].astype(str), "m2"])
        for stratum in facts["design"]["strata"]:
            rows = table[table["stratum_name"] == stratum["name"]]
            assert rows["stands_for_ha"].sum() == pytest.approx(stratum["area_m2"] / 1e4)
            assert np.ptp(rows["stands_for_ha"] / rows["area_m2"]) < 1e-9

    def test_discarded_cells_can_be_drawn_too_or_refused(self, mapped, draw, estimate):
        path, truth = mapped
        sample, facts, _ = draw(units=path, size=200, minimum=40, without_stratum="own-stratum", **PAIR)
        strata = {s["name"]: s for s in facts["design"]["strata"]}
        assert set(strata) == {"favela", "other", "no class"}
        assert strata["no class"]["count"] == truth["gone"].sum()
        fill(sample, truth)
        numbers, *_ = estimate(sample, of_class="favela")
        row, real = numbers["rows"][numbers["headline"]], truth["m2"][truth["favela"]].sum() / 1e4
        assert row["shown"]["low"] < real < row["shown"]["high"]
        assert numbers["area_m2"] == pytest.approx(truth["m2"].sum())
        with pytest.raises(BadInput, match="Units without a stratum"):
            draw("x.gpkg", units=path, without_stratum="refuse", **PAIR)

    def test_other_layers_with_gaps_are_refused_unless_said(self, make_polygons, draw):
        path = make_polygons([(i, 0, i + 1, 1) for i in range(30)], zone=["a"] * 10 + ["b"] * 10 + [None] * 10)
        with pytest.raises(BadInput, match=r"10 units .* no entry"):
            draw(units=path, stratum_field="zone", size=10)
        _, facts, _ = draw(units=path, stratum_field="zone", size=10, without_stratum="leave-out")
        assert facts["design"]["left_out"] == 10

    def test_cells_may_count_alike(self, mapped, drawn, estimate):
        _, truth = mapped
        sample, *_ = drawn
        numbers, *_ = estimate(sample, of_class="favela", unit_weight="alike")
        row = numbers["rows"][numbers["headline"]]
        assert (numbers["kind"], numbers["by_area"]) == ("share", False)
        assert row["share"]["low"] < truth["favela"][~truth["gone"]].mean() < row["share"]["high"]

    def test_lost_and_changed_records(self, mapped, draw, estimate, tmp_path):
        path, truth = mapped
        sample, *_ = draw(units=path, size=120, minimum=40, **PAIR)
        frame = fill(sample, truth)
        before = estimate(sample)[0]["rows"]
        alone = gpd.GeoDataFrame(frame)
        Path(sample).unlink()
        alone.to_file(sample, layer="edited")  # without the table of the design
        after = estimate(sample)[0]["rows"]
        assert [row["share"]["value"] for row in after] == pytest.approx([row["share"]["value"] for row in before])
        other = pyogrio.read_dataframe(path)
        other["class"] = other["class"].replace({"favela": "other", "other": "favela"})
        other.to_file(tmp_path / "other.gpkg")
        with pytest.raises(BadInput, match="another stratum"):
            estimate(sample, units=str(tmp_path / "other.gpkg"), prediction_field="class")


class TestRatio:
    @pytest.fixture
    def unequal(self):
        rng = np.random.default_rng(5)
        size = rng.lognormal(0, 0.6, 90)
        return size, (rng.random(90) < 0.3).astype(float)

    def of(self, Y, measure, N=500):
        Y = np.stack([Y, 1 - Y], axis=1)
        return Evidence(np.zeros(len(Y), int), Y, np.ones(1), np.array([N]), ("a", "b"), ("all",), measure=measure)

    def test_equal_sizes_change_nothing(self, unequal):
        _, Y = unequal
        one, other = (stratified.estimate(self.of(Y, measure)) for measure in (None, np.full(90, 7.0)))
        for name in ("value", "se", "low", "high"):
            np.testing.assert_allclose(getattr(one, name), getattr(other, name), rtol=1e-12)

    def test_the_ratio_and_its_jackknife(self, unequal):
        size, Y = unequal
        found = stratified.estimate(self.of(Y, size))
        assert found.value[0] == pytest.approx((size * Y).sum() / size.sum())
        without = np.array([np.average(np.delete(Y, i), weights=np.delete(size, i)) for i in range(90)])
        jackknife = 89 / 90 * ((without - found.value[0]) ** 2).sum()
        assert found.se[0] == pytest.approx(np.sqrt(jackknife * (1 - 90 / 500)))
        assert found.low[0] < found.value[0] < found.high[0]

    def test_the_unit_of_size_does_not_matter(self, unequal):
        size, Y = unequal
        one, other = stratified.estimate(self.of(Y, size)), stratified.estimate(self.of(Y, size / 1e4))
        np.testing.assert_allclose([one.low, one.high], [other.low, other.high])

    def test_large_units_tell_less_than_as_many_equal_ones(self, unequal):
        size, Y = unequal
        assert self.of(Y, size).worth[0] == pytest.approx(size.sum() ** 2 / (size**2).sum())
        assert self.of(Y, size).worth[0] < 90
        wide, narrow = (stratified.estimate(self.of(np.zeros(90), measure)) for measure in (size, None))
        assert wide.high[0] > narrow.high[0] > 0, "a class that was never met may still be there"


class TestPolygonAreas:
    def squares(self, west, south, side, crs, count=4):
        shapes = [box(west + i * side, south, west + (i + 1) * side, south + side) for i in range(count)]
        return gpd.GeoDataFrame(geometry=shapes, crs=crs)

    def test_metres_are_taken_at_their_word(self):
        areas, note = polygon_areas(self.squares(600_000, 7_460_000, 150, 32723))
        np.testing.assert_allclose(areas, 22_500, rtol=1e-12)
        assert "own projection" in note

    @pytest.mark.parametrize("crs", [3857, 4326])
    def test_false_areas_are_set_right(self, crs):
        true = self.squares(600_000, 7_460_000, 150, 32723).to_crs(crs)
        areas, note = polygon_areas(true)
        np.testing.assert_allclose(areas, 22_500, rtol=0.003)  # UTM errs by 0.1 % itself
        assert "ellipsoid" in note

    def test_feet(self):
        areas, _ = polygon_areas(self.squares(980_000, 200_000, 100, 2263))
        np.testing.assert_allclose(areas, (100 * 0.3048006096) ** 2, rtol=1e-6)

    def test_no_areas_without_polygons_or_place(self):
        squares = self.squares(600_000, 7_460_000, 150, 32723)
        assert polygon_areas(squares.assign(geometry=squares.centroid)) is None
        assert polygon_areas(squares.set_crs(None, allow_override=True)) is None
        assert polygon_areas(pd.DataFrame({"a": [1]})) is None
        squares.loc[2, "geometry"] = None
        assert polygon_areas(squares) is None


def test_rows_of_one_unit_count_by_area(draw, estimate, tmp_path):
    """Each zone has a large cell without and a small one with favela: by area it is the small one's share."""
    shapes = [
        box(x, 0, x + 300, 300) if i % 2 else box(x, 0, x + 100, 100)
        for i, x in enumerate(range(500_000, 516_000, 400))
    ]
    zones = [i // 2 for i in range(len(shapes))]
    gpd.GeoDataFrame({"zone": zones}, geometry=shapes, crs=32723).set_geometry("geometry").to_file(tmp_path / "z.gpkg")
    sample, facts, _ = draw(units=str(tmp_path / "z.gpkg"), unit_field="zone", size=12)
    assert facts["design"]["strata"][0]["area_m2"] == pytest.approx(20 * 100_000)
    frame = places(sample)
    frame["reference"] = np.where(frame.area < 50_000, "favela", "other")
    rewrite(sample, frame)
    numbers, *_ = estimate(sample, of_class="favela")
    assert numbers["rows"][numbers["headline"]]["share"]["value"] == pytest.approx(0.1)


def test_rows_count_in_strata_drawn_unevenly(draw, estimate, tmp_path):
    """A tenth of the villages is in the valley, and half of the sample: it must not weigh half."""
    rng = np.random.default_rng(0)
    valley = np.arange(600) < 60
    sizes = np.where(valley, 30, rng.integers(1, 9, 600))
    village = np.repeat(np.arange(600), sizes)
    frame = pd.DataFrame({"village": village, "zone": np.where(valley, "valley", "hill")[village]})
    frame["value"] = np.where(frame["zone"] == "valley", 30.0, 10.0) + rng.normal(0, 1, len(frame))
    frame.drop(columns="value").to_csv(tmp_path / "v.csv", index=False)
    sample, *_ = draw(units=str(tmp_path / "v.csv"), unit_field="village", stratum_field="zone", size=80, minimum=40)
    table = pyogrio.read_dataframe(sample, layer=0)
    values = frame.groupby("village")["value"].apply(list)
    table["reference"] = [
        values[int(place)][k] for place, k in zip(table["place"], table.groupby("place").cumcount(), strict=True)
    ]
    rewrite(sample, table)
    found = estimate(sample, target="value", unit_weight="by-rows")[0]["rows"][0]["share"]
    assert found["low"] < frame["value"].mean() < found["high"]


def test_intervals_hold_for_cells_that_a_boundary_cuts():
    """A short version of `benchmarks/bench_cell_areas.py`."""
    path = Path(__file__).resolve().parents[1] / "benchmarks" / "bench_cell_areas.py"
    spec = importlib.util.spec_from_file_location("bench_cell_areas", path)
    bench = importlib.util.module_from_spec(spec)
    sys.modules["bench_cell_areas"] = bench
    spec.loader.exec_module(bench)
    place, samples = bench.city("cut", 40, 50), 100
    outcomes = bench.simulate(place, "within classes", 120, samples, 1)
    outcomes += bench.simulate(place, "at random", 120, samples, 1)
    error = np.sqrt(0.94 * 0.06 / samples)
    assert len(outcomes) == 6
    for o in outcomes:
        assert o.covered >= 0.94 - 3 * error, o
        assert abs(o.bias) < 4, o
    plain, helped = (next(o.half for o in outcomes[3:] if o.what == what) for what in ("ground", "ground + map"))
    assert helped < 0.8 * plain
