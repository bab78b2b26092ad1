"""Suggest labels, find similar places, explain places: from end to end."""

import threading
from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
import rasterio
import shapely
from quadrat.core.active.registry import STRATEGIES
from quadrat.core.errors import BadInput, BadJob, Cancelled, Stale
from quadrat.core.examples import nearest_examples, prototypes
from quadrat.core.jobs.choose import ExplainPlaces, FindSimilar, SuggestLabels
from quadrat.core.jobs.embed import EmbedRaster
from quadrat.core.jobs.fewshot import TrainHead
from quadrat.core.pipelines import findsimilar
from quadrat.core.pipelines.registry import run_job
from quadrat.core.progress import Progress
from quadrat.core.sidecar import read_sidecar
from quadrat.tests.core import fields, quickheads

pytestmark = pytest.mark.same_without_torch


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """Heads of few trees and settings."""
    quickheads.few_trees(monkeypatch)
    quickheads.few_settings(monkeypatch)


@pytest.fixture
def raster(make_raster):
    return make_raster("scène 場.tif", fields.scene(), dtype="float32", names=("f", "l", "w", "n"))


@pytest.fixture
def go(tmp_path, raster):
    """Run a job on the scene; gives the result, the layer and the log."""

    def run(job, output="out.gpkg", progress=None, **values):
        log = []
        values = {"embedding": raster, "output": str(tmp_path / output)} | values
        result = run_job(job.from_dict(values), progress or Progress(log=lambda level, text: log.append((level, text))))
        layer = gpd.read_file(values["output"]) if output.endswith("gpkg") else None
        return result, layer, " ".join(text for _, text in log)

    return run


@pytest.fixture
def write(tmp_path):
    def save(frame, name="given.gpkg"):
        frame.to_file(tmp_path / name)
        return str(tmp_path / name)

    return save


def at(row, column, **columns):
    """Points in the middle of cells."""
    x, y = (
        fields.WEST + fields.CELL * (np.atleast_1d(column) + 0.5),
        fields.NORTH - fields.CELL * (np.atleast_1d(row) + 0.5),
    )
    return gpd.GeoDataFrame(columns, geometry=gpd.points_from_xy(x, y), crs="EPSG:32722")


def truth_of(layer):
    columns = ((layer.geometry.x - fields.WEST) // fields.CELL).astype(int)
    rows = ((fields.NORTH - layer.geometry.y) // fields.CELL).astype(int)
    return np.array(fields.NAMES)[fields.truth()[rows, columns] - 1], rows, columns


class TestSuggest:
    def test_cold_start_finds_every_class_ready_to_label(self, go):
        result, layer, log = go(SuggestLabels, count=6)
        assert list(layer.columns) == ["rank", "class", "suggested", "confidence", "reason", "geometry"]
        assert layer["rank"].tolist() == [1, 2, 3, 4, 5, 6]
        assert layer["class"].isna().all()
        assert layer["suggested"].isna().all()
        assert set(truth_of(layer)[0][:3]) == set(fields.NAMES)
        assert layer.crs.to_epsg() == 32722
        facts = read_sidecar(result.outputs["output"])["facts"]
        assert facts["result"] == "places"
        assert facts["design"] == "chosen"
        assert "not drawn at random" in facts["caution"] and facts["caution"] in log
        gaps = [a.distance(b) for a in layer.geometry for b in layer.geometry if a is not b]
        assert min(gaps) >= facts["spacing_m"] - 1e-6 >= 29

    def test_the_result_filled_in_trains_a_head(self, go, raster, tmp_path):
        _, layer, _ = go(SuggestLabels, count=12)
        layer["class"] = truth_of(layer)[0]
        layer.to_file(tmp_path / "done.gpkg")
        job = {"labels": str(tmp_path / "done.gpkg"), "field": "class", "embedding": raster}
        result = run_job(
            TrainHead.from_dict(job | {"head": "prototype", "output": str(tmp_path / "a.qhead")}), Progress()
        )
        assert set(result.facts["counts"]) == set(fields.NAMES)

    def test_the_next_round_uses_and_avoids_the_labels(self, go, write):
        labels = write(fields.labels(per_class=2))
        result, layer, _ = go(SuggestLabels, labels=labels, field="kind", count=20, spacing_m=40)
        assert list(layer.columns)[1] == "kind"
        truth, _, _ = truth_of(layer)
        assert (layer["suggested"] == truth).mean() > 0.7
        assert layer["confidence"].between(0, 1).all()
        taken = fields.labels(per_class=2).union_all()
        assert layer.geometry.distance(taken).min() > 20
        assert result.facts["labels"] == 6

    def test_places_suggested_before_are_not_suggested_again(self, go, write):
        _, first, _ = go(SuggestLabels, count=10, spacing_m=50)
        again = write(first)
        _, second, _ = go(SuggestLabels, "b.gpkg", labels=again, field="class", count=10, spacing_m=50)
        assert second.geometry.distance(first.union_all()).min() >= 50 - 1e-6

    def test_strategies_with_a_head(self, go, write, raster, tmp_path):
        labels = write(fields.labels(per_class=2))
        given = {"labels": labels, "field": "kind", "embedding": raster}
        run_job(TrainHead.from_dict(given | {"head": "prototype", "output": str(tmp_path / "a.qhead")}), Progress())
        for strategy in STRATEGIES:
            _, layer, _ = go(SuggestLabels, f"{strategy}.gpkg", strategy=strategy, head=str(tmp_path / "a.qhead"),
                             labels=labels, field="kind", count=9)  # fmt: skip
            assert len(layer) == 9, strategy
            assert set(layer["suggested"]) <= set(fields.NAMES), strategy

    def test_only_inside_polygons(self, go, make_polygons):
        mask = make_polygons([(600_100, 8_999_500, 600_250, 8_999_800)])
        _, layer, _ = go(SuggestLabels, mask=mask, count=5)
        assert layer.geometry.within(shapely.box(600_100, 8_999_500, 600_250, 8_999_800)).all()

    def test_labels_of_one_class_and_labels_elsewhere(self, go, write):
        one = write(fields.labels(per_class=2).query("kind == 'lake'"))
        _, layer, log = go(SuggestLabels, labels=one, field="kind", count=4)
        assert "fewer than two classes" in log
        assert truth_of(layer)[0][0] != "lake"
        away = write(fields.labels().translate(1e6).to_frame("geometry").assign(kind="a"), "away.gpkg")
        _, layer, log = go(SuggestLabels, labels=away, field="kind", count=4)
        assert "change nothing" in log
        assert len(layer) == 4
        with pytest.raises(BadJob, match="'margin' needs a head, or labels of at least two classes"):
            go(SuggestLabels, labels=one, field="kind", strategy="margin")

    def test_same_job_same_bytes(self, go, tmp_path):
        made = []
        for seed in (0, 0, 1):
            go(SuggestLabels, "a.gpkg", count=8, strategy="random", seed=seed)
            made.append((tmp_path / "a.gpkg").read_bytes())
        assert made[0] == made[1] != made[2]

    def test_fewer_cells_than_places_and_a_raster_of_one_cell(self, go, make_raster):
        tiny = make_raster("tiny.tif", np.ones((2, 1, 1)), dtype="uint8")
        _, layer, log = go(SuggestLabels, embedding=tiny, count=5)
        assert len(layer) == 1
        assert "only 1 places" in log

    def test_everything_labelled(self, go, write):
        whole = write(gpd.GeoDataFrame(geometry=[shapely.box(6e5, 8_999_000, 601_000, 9e6)], crs="EPSG:32722"))
        with pytest.raises(BadInput, match="labelled already"):
            go(SuggestLabels, labels=whole)

    def test_nodata_everywhere(self, go, make_raster):
        empty = make_raster("e.tif", dtype="float32", missing="nan", holes=np.ones((40, 50), bool))
        with pytest.raises(BadInput, match="no valid cell"):
            go(SuggestLabels, embedding=empty)

    @pytest.mark.parametrize(
        ("values", "match"),
        [
            ({"strategy": "margin"}, "needs a head"),
            ({"strategy": "disagreement", "head": "h.qhead"}, "needs labels"),
            ({"field": "kind"}, "without labels"),
            ({"class_field": "Rank"}, "cannot be called 'Rank'"),
            ({"output": "/tmp/x.shp"}, "can be written as"),
        ],
    )
    def test_refusals(self, go, values, match):
        with pytest.raises(BadJob, match=match):
            go(SuggestLabels, **values)

    def test_a_head_of_another_space_and_one_for_values(self, go, write, raster, make_raster, tmp_path):
        given = {"labels": write(fields.labels(per_class=2)), "embedding": raster}
        run_job(
            TrainHead.from_dict(given | {"field": "kind", "head": "prototype", "output": str(tmp_path / "a.qhead")}),
            Progress(),
        )
        with pytest.raises(Stale, match="4 bands"):
            go(SuggestLabels, embedding=make_raster("other.tif", count=3), head=str(tmp_path / "a.qhead"))
        values = {"field": "amount", "target": "value", "head": "knn", "output": str(tmp_path / "v.qhead")}
        run_job(TrainHead.from_dict(given | values), Progress())
        with pytest.raises(BadInput, match="estimates values"):
            go(SuggestLabels, head=str(tmp_path / "v.qhead"))

    def test_cancel(self, go, tmp_path):
        stop = threading.Event()
        stop.set()
        with pytest.raises(Cancelled):
            go(SuggestLabels, progress=Progress(cancelled=stop))
        assert not (tmp_path / "out.gpkg").exists()


class TestSimilar:
    def test_like_cells_are_alike_and_others_are_not(self, go, write, tmp_path):
        places = write(at([10, 20, 30], [40, 45, 50]))
        result, _, _ = go(FindSimilar, "s.tif", places=places, output_places=str(tmp_path / "b.gpkg"), count=8)
        with rasterio.open(tmp_path / "s.tif") as file:
            shown = file.read(1)
            assert file.dtypes == ("float32",)
            assert np.isnan(file.nodata)
        lake = fields.truth() == 2
        assert shown.min() >= -1 and shown.max() <= 1 + 1e-6
        assert np.quantile(shown[lake], 0.05) > np.quantile(shown[~lake], 0.95)
        assert np.median(shown[~lake]) < 0
        best = gpd.read_file(tmp_path / "b.gpkg")
        truth, rows, columns = truth_of(best)
        assert set(truth) == {"lake"}
        np.testing.assert_allclose(best["similarity"], shown[rows, columns], atol=1e-4)
        assert best["similarity"].is_monotonic_decreasing
        assert best["rank"].tolist() == list(range(1, 9))
        assert set(best["like"]) <= {1, 2, 3}
        gaps = [a.distance(b) for a in best.geometry for b in best.geometry if a is not b]
        assert min(gaps) >= 50 - 1e-6
        assert best.geometry.distance(gpd.read_file(places).union_all()).min() >= 50 - 1e-6
        facts = read_sidecar(str(tmp_path / "s.tif"))["facts"]
        assert facts["result"] == "similarity"
        assert -1 <= facts["range"][0] < facts["range"][1] <= 1
        assert read_sidecar(str(tmp_path / "b.gpkg"))["facts"]["result"] == "places"
        assert result.facts["places"] == 3

    def test_nearest_finds_two_things_where_the_mean_finds_neither_so_well(self, go, write, tmp_path):
        places = write(at([10, 10], [10, 40]))
        shown = {}
        for how in ("mean", "nearest"):
            go(FindSimilar, f"{how}.tif", places=places, how=how)
            with rasterio.open(tmp_path / f"{how}.tif") as file:
                shown[how] = file.read(1)
        both = fields.truth() < 3
        assert np.median(shown["nearest"][both]) > np.median(shown["mean"][both]) + 0.1
        assert (shown["nearest"] >= -1).all()

    def test_a_large_polygon_weighs_no_more_than_a_point(self, go, write, tmp_path):
        polygon = fields.polygon(3, 35, 20)
        frame = gpd.GeoDataFrame(geometry=[polygon, at(30, 10).geometry[0]], crs="EPSG:32722")
        go(FindSimilar, "s.tif", places=write(frame))
        with rasterio.open(tmp_path / "s.tif") as file:
            shown = file.read(1)
        field, lake = (np.median(shown[fields.truth() == value]) for value in (1, 2))
        assert abs(field - lake) < 0.25

    def test_bytes_of_an_embedding(self, go, write, raster, tmp_path):
        run_job(EmbedRaster(input=raster, output=str(tmp_path / "e.tif"), dimensions=8), Progress())
        go(FindSimilar, "s.tif", embedding=str(tmp_path / "e.tif"), places=write(at(30, 45)))
        with rasterio.open(tmp_path / "s.tif") as file:
            shown = file.read(1)
        inner = np.zeros_like(shown, bool)
        inner[8:-8, 38:52] = True
        assert np.median(shown[inner]) > 0.4 > 0 > np.median(shown[:, :20])

    def test_goes_on_after_a_stop(self, go, write, tmp_path, monkeypatch, make_raster):
        big = make_raster("big.tif", count=2, height=300, width=300, dtype="float32")
        places = write(gpd.GeoDataFrame(geometry=[shapely.Point(600_505, 8_999_495)], crs="EPSG:32722"))
        stop, calls, log = threading.Event(), [], []
        plain = findsimilar.similarity

        def slow(*arguments):
            calls.append(1)
            if len(calls) == 4:
                stop.set()
            return plain(*arguments)

        monkeypatch.setattr(findsimilar, "similarity", slow)
        with pytest.raises(Cancelled):
            go(FindSimilar, "s.tif", embedding=big, places=places, progress=Progress(cancelled=stop))
        stop.clear()
        outputs = {"output_places": str(tmp_path / "b.gpkg")}
        go(FindSimilar, "s.tif", embedding=big, places=places, **outputs,
           progress=Progress(log=lambda level, text: log.append(text)))  # fmt: skip
        assert any("Going on" in text for text in log)
        go(FindSimilar, "t.tif", embedding=big, places=places, output_places=str(tmp_path / "c.gpkg"))
        with rasterio.open(tmp_path / "s.tif") as a, rasterio.open(tmp_path / "t.tif") as b:
            np.testing.assert_array_equal(a.read(), b.read())
        assert gpd.read_file(tmp_path / "b.gpkg").equals(gpd.read_file(tmp_path / "c.gpkg"))

    def test_nodata_stays_and_places_outside_are_refused(self, go, write, make_raster, tmp_path):
        holes = np.zeros((40, 50), bool)
        holes[:10] = True
        path = make_raster("h.tif", dtype="float32", missing="nan", holes=holes)
        go(FindSimilar, "s.tif", embedding=path, places=write(at(20, 20)))
        with rasterio.open(tmp_path / "s.tif") as file:
            np.testing.assert_array_equal(np.isnan(file.read(1)), holes)
        with pytest.raises(BadInput, match="none of the places lies on a valid cell"):
            go(FindSimilar, "s.tif", embedding=path, places=write(at(2, 2), "hole.gpkg"))

    def test_constant_raster_and_one_cell(self, go, write, make_raster, tmp_path):
        for shape in ((1, 1), (20, 20)):
            path = make_raster("c.tif", np.full((2, *shape), 7), dtype="uint8")
            go(FindSimilar, "s.tif", embedding=path, places=write(at(0, 0)), output_places=str(tmp_path / "b.gpkg"))
            assert len(gpd.read_file(tmp_path / "b.gpkg")) == 0

    def test_output_must_be_a_tiff(self, go, write):
        with pytest.raises(BadJob, match=r"must be a \.tif"):
            go(FindSimilar, "s.png", places=write(at(0, 0)))


class TestExplain:
    def test_links_lead_to_labels_of_the_class_that_is_there(self, go, write, raster, tmp_path):
        labels = write(fields.labels())
        given = {"labels": labels, "field": "kind", "embedding": raster}
        run_job(TrainHead.from_dict(given | {"head": "prototype", "output": str(tmp_path / "a.qhead")}), Progress())
        places = write(at([50, 50, 50], [10, 45, 80], name=["a", "b", "c"]).to_crs(4326), "places.gpkg")
        result, links, log = go(
            ExplainPlaces, labels=labels, field="kind", places=places, head=str(tmp_path / "a.qhead"),
            output_prototypes=str(tmp_path / "p.gpkg"),
        )  # fmt: skip
        assert len(links) == 15
        assert (links.geometry.geom_type == "LineString").all()
        for place, name in ((1, "field"), (2, "lake"), (3, "wood")):
            mine = links[links["place"] == place]
            assert mine["rank"].tolist() == [1, 2, 3, 4, 5]
            assert mine["distance"].is_monotonic_increasing
            assert set(mine["class"]) == {name}
            assert set(mine["shown"]) == {name}
            assert mine["label"].is_unique
            polygons = fields.labels().geometry.iloc[mine["label"] - 1]
            ends = gpd.GeoSeries([shapely.Point(line.coords[-1]) for line in mine.geometry], crs=32722)
            assert polygons.reset_index(drop=True).contains(ends).all()
        assert "Place 2: most like label" in log and "the head shows 'lake'" in log
        assert "all 5 examples shown are of this class" in log
        assert result.facts["result"] == "links"
        prototypes = gpd.read_file(tmp_path / "p.gpkg")
        assert prototypes["class"].value_counts().to_dict() == dict.fromkeys(fields.NAMES, 3)
        assert prototypes.groupby("class")["share"].sum().round(3).eq(1).all()
        assert (truth_of(prototypes)[0] == prototypes["class"]).all()

    def test_so_many_of_every_class(self, go, write):
        _, links, log = go(ExplainPlaces, labels=write(fields.labels()), field="kind", count=2, each_class=True,
                         places=write(at(50, 10), "p.gpkg"))  # fmt: skip
        assert links["class"].value_counts().to_dict() == dict.fromkeys(fields.NAMES, 2)
        assert "the first of another class is label" in log and "times as far" in log

    def test_one_class_fewer_labels_than_wanted_and_a_place_on_a_label(self, go, write):
        one = fields.labels(per_class=2).query("kind == 'lake'").reset_index(drop=True)
        inside = gpd.GeoDataFrame(geometry=[one.geometry[1], shapely.Point(0, 0)], crs="EPSG:32722")
        _, links, log = go(ExplainPlaces, labels=write(one), field="kind", places=write(inside, "p.gpkg"))
        assert len(links) == 2
        assert links["label"].tolist()[0] == 2
        assert links["distance"][0] == pytest.approx(0, abs=1e-3)
        assert "1 lie outside" in log

    def test_refusals(self, go, write):
        labels = fields.labels()
        with pytest.raises(BadInput, match="none of the places"):
            go(ExplainPlaces, labels=write(labels), field="kind", places=write(at(-5, -5), "p.gpkg"))
        with pytest.raises(BadInput, match="no label has an entry"):
            go(ExplainPlaces, labels=write(labels.assign(kind=None)), field="kind", places=write(at(5, 5), "p.gpkg"))
        with pytest.raises(BadInput, match="Did you mean 'kind'"):
            go(ExplainPlaces, labels=write(labels), field="kinds", places=write(at(5, 5), "p.gpkg"))


def test_nearest_examples_are_those_of_a_plain_search():
    rng = np.random.default_rng(0)
    E, of = rng.normal(size=(40, 3)).astype(np.float32), np.sort(rng.integers(0, 12, 40))
    Z = rng.normal(size=(300, 3)).astype(np.float32)
    links = nearest_examples(Z, E, of, of % 3, 4, False, Progress())
    for place in (0, 255, 256, 299):
        distance = np.linalg.norm(E - Z[place], axis=1)
        best = sorted((distance[of == label].min(), label) for label in np.unique(of))[:4]
        mine = [link for link in links if link.place == place]
        np.testing.assert_allclose([link.distance for link in mine], [d for d, _ in best], rtol=1e-4)
        assert [of[link.example] for link in mine] == [label for _, label in best]


def test_prototypes_stand_in_the_middle():
    rng = np.random.default_rng(0)
    Z = np.concatenate([rng.normal(c, 0.1, (n, 2)) for c, n in ((0, 30), (5, 10))]).astype(np.float32)
    found = prototypes(Z, np.ones(40, np.int64), 2, 0)
    assert [one.share for one in found] == [0.75, 0.25]
    assert found[0].example < 30 <= found[1].example
    assert np.linalg.norm(Z[found[0].example]) < 0.1
    assert len(prototypes(np.ones((5, 2), np.float32), np.ones(5, np.int64), 3, 0)) == 1


def test_paths_of_results_are_never_those_of_inputs(go, write, raster):
    places = write(at(5, 5))
    with pytest.raises(BadJob, match="Choose another file"):
        go(FindSimilar, "s.tif", places=places, output_places=places)
    assert Path(places).exists()
