"""What users hand to the favela jobs that is not as it should be: a sentence, or the right answer all the same."""

import json
import warnings
import zipfile

import geopandas as gpd
import numpy as np
import pytest
import shapely
from quadrat.core.errors import BadInput, BadJob
from quadrat.core.jobs.settlement.cells import MakeCells
from quadrat.core.jobs.settlement.methods import MapSettlement, TrainSettlement
from quadrat.core.jobs.settlement.variables import CellVariables
from quadrat.core.pipelines.registry import run_job
from quadrat.core.progress import Progress
from quadrat.core.settlement.celltable import read_cells
from quadrat.core.settlement.methods import parts
from quadrat.tests.core.cities import made_city
from rasterio.transform import Affine

pytestmark = pytest.mark.same_without_torch


@pytest.fixture(autouse=True, scope="module")
def quick_parts():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(parts, "TREES", 5)
        patch.setattr(parts, "EPOCHS_AROUND", 3)
        yield


@pytest.fixture
def written(tmp_path):
    def go(table, name):
        table.to_file(tmp_path / name)
        return str(tmp_path / name)

    return go


def run(kind, **values):
    """Gives the facts and the log."""
    log = []
    result = run_job(kind.from_dict(values), Progress(log=lambda level, text: log.append(text)))
    return result.facts, " ".join(log)


@pytest.fixture
def train(tmp_path):
    def go(cells, name="m.qmethods", **values):
        given = {"methods": ["forest-variables", "forest-features"], "block_size_m": 600.0, "test": False, **values}
        return (str(tmp_path / name), *run(TrainSettlement, cells=cells, output=str(tmp_path / name), **given))

    return go


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """Cells, and methods learnt from them; no test changes either."""
    folder = tmp_path_factory.mktemp("trained")
    cells, path = str(folder / "c.gpkg"), str(folder / "m.qmethods")
    made_city(12, 12).to_file(cells)
    methods = ["forest-variables", "forest-features", "neighbours"]
    run(TrainSettlement, cells=cells, output=path, methods=methods, block_size_m=600.0, test=False)
    return cells, path


@pytest.fixture
def map_of(tmp_path):
    def go(methods, cells, **values):
        path = str(tmp_path / "map.gpkg")
        facts, log = run(MapSettlement, methods=methods, cells=cells, output=path, **values)
        return gpd.read_file(path), facts, log

    return go


def _altered(path, target, **facts):
    """The same file, which says other things of itself."""
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(target, "w") as new:
        for name in old.namelist():
            body = old.read(name)
            new.writestr(name, json.dumps({**json.loads(body), **facts}) if name == "facts.json" else body)
    return str(target)


@pytest.mark.parametrize("field", ["cell", "unnumbered"])
def test_the_order_of_cells_in_a_layer_teaches_nothing(train, written, field):
    city = made_city(12, 12).rename(columns={"cell": field})
    one, _, _ = train(written(city, "one.gpkg"), "one.qmethods", methods=["forest-variables", "neighbours"])
    turned = city.iloc[np.random.default_rng(1).permutation(len(city))]
    other, _, _ = train(written(turned, "other.gpkg"), "other.qmethods", methods=["forest-variables", "neighbours"])
    first, second = (zipfile.ZipFile(path).read("head.skops") for path in (one, other))
    assert first == second


def test_the_label_is_no_feature_of_itself(train, written):
    city = made_city(8, 8)
    city["label"] = (city["label"] == "favela").astype(int)
    with pytest.raises(BadInput, match="'label' is to be learnt"):
        train(written(city, "c.gpkg"), positive="1", variable_fields=["label", "slope"])


def test_labels_in_a_column_with_gaps_are_the_numbers_that_were_written(train, written):
    city = made_city(16, 16)
    city["label"] = np.where(city["label"] == "favela", 1.0, 0.0)
    city.loc[0, "label"] = np.nan
    _, facts, _ = train(written(city, "c.gpkg"), positive="1")
    assert facts["counts"]["favela"] > 20


def test_few_labels_are_said_to_be_few(train, written):
    city = made_city(16, 16)
    favela = np.flatnonzero(city["label"] == "favela")
    city.loc[favela[3:], "label"] = None
    assert "Only 3 cells of one kind" in train(written(city, "c.gpkg"))[2]
    assert "of one kind" not in train(written(made_city(16, 16), "d.gpkg"))[2]


def test_points_are_no_cells(written):
    city = made_city(4, 4)
    with pytest.raises(BadInput, match="cells are polygons"):
        read_cells(written(city.set_geometry(city.centroid), "points.gpkg"))


def test_degrees_are_read_without_a_word_of_a_library(written):
    path = written(made_city(4, 4).to_crs(4326), "degrees.gpkg")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert len(read_cells(path)) == 16


@pytest.mark.parametrize("row", [np.inf, 1e300, 0.5])
def test_rows_that_are_no_numbers_of_rows_leave_it_to_who_touches_whom(written, row):
    city = made_city(4, 4)
    city["row"] = city["row"].astype(float)
    city.loc[5, "row"] = row
    table = read_cells(written(city, "c.gpkg"))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert sorted(table.neighbours()[5].tolist()) == [0, 1, 2, 4, 5, 6, 8, 9, 10]


@pytest.mark.parametrize(
    "facts",
    [
        {"features": ["emb_1"]},
        {"features": [1, 2]},
        {"variables": None},
        {"variables": []},
        {"methods": []},
        {"smooth_m": "a"},
        {"smooth_m": -5},
    ],
)
def test_facts_that_do_not_fit_the_classifiers_are_damage(trained, map_of, tmp_path, facts):
    cells, path = trained
    with pytest.raises(BadInput, match=r"is damaged.*Train them again"):
        map_of(_altered(path, tmp_path / "altered.qmethods", **facts), cells)


def test_a_map_without_any_class_is_refused(trained, map_of, written, tmp_path):
    _, path = trained
    bare = written(made_city(12, 12).assign(emb_2=np.nan, slope=np.nan), "bare.gpkg")
    with pytest.raises(BadInput, match=r"nothing to map\. Empty are: emb_2, slope\."):
        map_of(path, bare)
    assert not (tmp_path / "map.gpkg").exists()


def test_fields_with_names_of_the_map_give_way_whatever_their_case(trained, map_of, written):
    city = made_city(12, 12).assign(**{"Probability": 5.0, "VOTES": "a", "class": "mine", "kept": 1})
    table, facts, log = map_of(trained[1], written(city, "c.gpkg"))
    assert set(facts["columns"]) <= set(table), "the style looks for these very names"
    assert table["probability"].max() <= 1 and (table["kept"] == 1).all()
    assert "replaced: Probability, VOTES, class." in log


def test_a_share_may_have_a_decimal_comma(trained, map_of):
    cells, path = trained
    assert map_of(path, cells, prevalence="0,03")[1]["share"] == pytest.approx(0.03)
    with pytest.raises(BadJob, match="Prevalence"):
        map_of(path, cells, prevalence="0,03,1")


def test_cells_of_upper_case_names_keep_their_meaning(written, tmp_path):
    city = made_city(4, 4)[["cell", "zone", "label", "status", "geometry"]]
    city.columns = [name.upper() if name != "geometry" else name for name in city]
    excluded = gpd.GeoDataFrame(geometry=city.geometry[:1], crs=city.crs)
    path = str(tmp_path / "out.gpkg")
    _, log = run(MakeCells, cells=written(city, "c.gpkg"), excluded=written(excluded, "e.gpkg"), output=path)
    made = gpd.read_file(path)
    assert set(made) == {"cell", "zone", "zi", "label", "status", "geometry"}
    assert made["status"][0] == "excluded" and made["label"][5] == city["LABEL"][5]
    assert "STATUS to status" in log


def test_coordinates_beyond_the_earth_take_no_memory(written, tmp_path):
    path = str(tmp_path / "out.gpkg")
    with pytest.raises(BadInput, match="extent reaches to coordinates that lie nowhere on Earth"):
        run(MakeCells, extent="0,1e9,0,1e9 [EPSG:4326]", output=path)
    state = gpd.GeoDataFrame(geometry=[shapely.box(0, 0, 700_000, 700_000)], crs=4326)
    with pytest.raises(BadInput, match="boundary reaches to coordinates that lie nowhere on Earth"):
        run(MakeCells, boundary=written(state, "state.gpkg"), output=path)
    assert not (tmp_path / "out.gpkg").exists()


def test_a_built_up_raster_of_another_place_is_named(written, make_raster, tmp_path):
    cells = written(made_city(4, 4)[["cell", "geometry"]], "c.gpkg")
    raster = make_raster("built.tif", np.ones((1, 5, 5), np.float32), crs="EPSG:32723")
    with pytest.raises(BadInput, match=r"^[^\[\]]*built\.tif has no value in any cell[^\[\]]*$"):
        run(MakeCells, cells=cells, built_up=raster, output=str(tmp_path / "out.gpkg"))


def test_a_layer_of_missing_lines_holds_no_streets(written, tmp_path):
    cells = written(made_city(4, 4)[["cell", "geometry"]], "c.gpkg")
    empty = gpd.GeoDataFrame(geometry=[None, shapely.LineString()], crs="EPSG:32723")
    with pytest.raises(BadInput, match="holds no lines"):
        run(CellVariables, cells=cells, streets=written(empty, "s.gpkg"), output=str(tmp_path / "out.gpkg"))


def test_a_source_that_was_given_is_not_called_missing(written, make_raster, tmp_path):
    cells = written(made_city(4, 4)[["cell", "geometry"]], "c.gpkg")
    ndvi = np.full((1, 60, 60), 0.5, np.float32)
    raster = make_raster("ndvi.tif", ndvi, crs="EPSG:32723", transform=Affine(10, 0, 600_000, 0, -10, 7_460_000))
    _, log = run(CellVariables, cells=cells, optical=raster, variables="nine", output=str(tmp_path / "out.gpkg"))
    assert "entropy is left out" in log and "Without an optical raster" not in log and "Without streets" in log


def test_a_limit_and_what_exceeds_it_do_not_read_the_same():
    with pytest.raises(BadJob, match="at most 1e\\+08, not 100000001"):
        MakeCells.from_dict({"boundary": "b", "output": "o", "most_cells": 100_000_001})
