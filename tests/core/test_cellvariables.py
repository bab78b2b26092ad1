"""The job: which columns come of which sources, what is said, and that nothing of the cells is lost."""

import threading

import geopandas as gpd
import numpy as np
import pytest
import shapely
from affine import Affine
from geopandas.testing import assert_geodataframe_equal
from quadrat.core.errors import BadInput, BadJob, Cancelled
from quadrat.core.jobs.settlement.variables import CellVariables
from quadrat.core.pipelines.registry import run_job
from quadrat.core.progress import Progress
from quadrat.core.settlement.names import NINE, SIX
from quadrat.core.sidecar import read_sidecar

pytestmark = pytest.mark.same_without_torch

WEST, NORTH = 600_000, 9_000_000
S2 = ("B02", "B03", "B04", "B08")


def place(*points):
    """A line by metres east and south of the corner of the rasters."""
    return shapely.LineString([(WEST + x, NORTH - y) for x, y in points])


@pytest.fixture
def city(tmp_path, make_raster):
    """Two by two cells of 100 m, and a fifth far away; sources of all kinds as paths."""
    corners = [(0, 0), (100, 0), (0, 100), (100, 100), (5000, 5000)]
    boxes = [shapely.box(WEST + x, NORTH - y - 100, WEST + x + 100, NORTH - y) for x, y in corners]
    cells = gpd.GeoDataFrame({"cell": [1, 2, 3, 4, 5], "label": ["favela", None, "residential", None, None]},
                             geometry=boxes, crs="EPSG:32722")  # fmt: skip
    cells.to_file(tmp_path / "cells.gpkg", layer="cells")
    lines = [place((-50, 50), (50, 50), (250, 50)), place((50, 50), (50, 150)), place((10, 10), (10, 90)),
             place((120, 20), (180, 20)), place((5, 150), (95, 150))]  # fmt: skip
    kinds = ["residential", "primary", "footway", None, "residential"]
    streets = gpd.GeoDataFrame({"highway": kinds, "osm_id": list("abcde")}, geometry=lines, crs="EPSG:32722")
    streets.to_file(tmp_path / "streets.gpkg", layer="streets")
    red, nir = np.full((20, 20), 800.0), np.full((20, 20), 800.0)
    nir[:10, :5] = 4000  # the western half of the first cell is green
    bands = np.stack([red, red, red, nir])
    optical = make_raster("s2.tif", bands, dtype="uint16", names=S2)
    columns = np.mgrid[:30, :30][1] - 5
    dtm = make_raster("dtm.tif", (columns * 10 * 0.5 + 100)[None], dtype="float32",
                      transform=Affine(10, 0, WEST - 50, 0, -10, NORTH + 50))  # fmt: skip
    ndvi = make_raster("ndvi.tif", ((nir - red) / (nir + red))[None], dtype="float32", names=("NDVI",))
    return {"cells": str(tmp_path / "cells.gpkg"), "streets": str(tmp_path / "streets.gpkg"), "optical": optical,
            "dtm": dtm, "ndvi": ndvi}  # fmt: skip


@pytest.fixture
def compute(tmp_path):
    """Run the job; gives the layer, the facts and the log."""

    def go(name="out.gpkg", progress=None, **values):
        log, path = [], str(tmp_path / name)
        job = CellVariables.from_dict({"job": "cellvariables", "values": "x10000", "output": path} | values)
        result = run_job(job, progress or Progress(log=lambda level, text: log.append(text)))
        return gpd.read_file(path), result.facts, " ".join(log)

    return go


def given(city, *names):
    return {name: city[name] for name in ("cells", *names)}


def test_six_variables_of_all_sources(city, compute):
    cells, facts, log = compute(**given(city, "optical", "streets", "dtm"))
    assert facts["variables"] == list(SIX) == [name for name in cells if name in NINE]
    assert cells["p_vegeta"].tolist()[:4] == pytest.approx([0.5, 0, 0, 0])
    assert cells["len_roads"].tolist() == pytest.approx([150, 100, 140, 0, 0], abs=1e-4)
    assert cells["nb_connect"].tolist() == [1, 0, 3, 0, 0]
    assert cells["min_connec"].tolist() == [3, 0, 1, 0, 0]
    assert cells["slope"].tolist()[:4] == pytest.approx([np.degrees(np.arctan(0.5))] * 4, rel=1e-3)
    assert cells["profile_co"].tolist()[:4] == pytest.approx([0] * 4, abs=1e-6)
    far = cells.loc[4, ["p_vegeta", "slope", "profile_co"]].to_numpy(float)
    assert np.isnan(far).all(), "beside the rasters"
    assert facts["empty_cells"] == {"p_vegeta": 1, "profile_co": 1, "slope": 1}
    assert log.count("has no value in 1 of 5 cells, which stay empty") == 2
    assert "Left out by the field 'highway': 2 lines (footway 1, none 1)" in log
    assert "© OpenStreetMap contributors" in facts["credit"] and "ODbL" in log
    assert not cells[["len_roads", "nb_connect", "min_connec"]].isna().any().any(), "nothing that breaks a forest"


def test_nine_variables(city, compute):
    cells, facts, _ = compute(variables="nine", **given(city, "optical", "streets", "dtm"))
    assert facts["variables"] == list(NINE)
    assert cells["mean_conne"].tolist() == pytest.approx([3, 0, 5 / 3, 0, 0])
    assert cells["max_connec"].tolist() == [3, 0, 3, 0, 0]
    assert cells["entropy"].tolist()[:4] == pytest.approx([1 / 4, 0, 0, 0]), "one of four bands has two levels"


def test_what_the_cells_have_is_kept_and_sources_that_are_missing_are_said(city, compute):
    cells, facts, log = compute(variables="nine", **given(city, "streets"))
    assert cells["cell"].tolist() == [1, 2, 3, 4, 5] and cells["label"].tolist()[0] == "favela"
    assert facts["left_out"] == {
        "an optical raster": ["p_vegeta", "entropy"],
        "terrain heights": ["slope", "profile_co"],
    }
    assert "Without terrain heights there is no slope, profile_co: left out." in log
    assert "slope" not in cells and len(cells) == 5


def test_columns_of_ours_are_computed_anew_or_kept_and_others_are_not_written_over(city, compute, tmp_path):
    first = compute("a.gpkg", **given(city, "streets", "optical"))[0]
    first["len_roads"] = -1.0
    first.to_file(tmp_path / "again.gpkg", layer="cells")
    cells, _, log = compute("b.gpkg", cells=str(tmp_path / "again.gpkg"), streets=city["streets"])
    assert cells["len_roads"].tolist() == pytest.approx([150, 100, 140, 0, 0], abs=1e-4)
    assert cells["p_vegeta"].tolist()[:2] == pytest.approx([0.5, 0])
    assert "Computed anew: len_roads, nb_connect, min_connec." in log and "Kept as the cells had them: p_vegeta." in log
    first.assign(slope="steep").to_file(tmp_path / "mine.gpkg", layer="cells")
    with pytest.raises(BadInput, match=r"The field 'slope' of .* holds no numbers.*Rename it"):
        compute("c.gpkg", cells=str(tmp_path / "mine.gpkg"), dtm=city["dtm"])


def test_names_of_columns_have_no_case(city, compute, tmp_path):
    gpd.read_file(city["cells"]).assign(SLOPE=1.0).to_file(tmp_path / "upper.gpkg", layer="cells")
    cells, _, log = compute(cells=str(tmp_path / "upper.gpkg"), dtm=city["dtm"])
    assert "SLOPE" not in cells and cells["slope"][0] > 20 and "Computed anew: slope" in log


def test_an_ndvi_raster_is_taken_as_it_is_and_has_no_entropy(city, compute):
    cells, facts, log = compute(variables="nine", optical=city["ndvi"], **given(city))
    assert cells["p_vegeta"].tolist()[:4] == pytest.approx([0.5, 0, 0, 0])
    assert "entropy" not in cells and "entropy is left out" in log
    assert facts["left_out"]["an optical raster"] == ["entropy"]


def test_kinds_of_streets_are_the_users_choice(city, compute):
    alleys = compute(leave_out="none", **given(city, "streets"))[0]
    assert alleys["len_roads"].tolist() == pytest.approx([230, 100, 140, 0, 0], abs=1e-4)
    every, _, log = compute(leave_out="Footway; primary", street_field="highway", **given(city, "streets"))
    assert every["len_roads"].tolist() == pytest.approx([100, 100, 90, 0, 0], abs=1e-4)
    assert "footway 1" in log and "primary 1" in log
    with pytest.raises(BadInput, match=r"no field 'kind'\. It has: highway, osm_id"):
        compute(street_field="kind", **given(city, "streets"))


def test_layers_without_kinds_count_whole(city, compute, tmp_path):
    gpd.read_file(city["streets"]).drop(columns="highway").to_file(tmp_path / "plain.gpkg", layer="x")
    cells, _, log = compute(streets=str(tmp_path / "plain.gpkg"), **given(city))
    assert cells["len_roads"].tolist() == pytest.approx([230, 160, 140, 0, 0], abs=1e-4) and "Left out by" not in log


def test_cells_and_streets_in_degrees_are_measured_in_metres(city, compute, tmp_path):
    plain = compute("a.gpkg", **given(city, "streets", "optical", "dtm"))[0]
    for name in ("cells", "streets"):
        gpd.read_file(city[name]).to_crs(4326).to_file(tmp_path / f"{name}_deg.gpkg", layer=name)
    degrees = compute("b.gpkg", cells=str(tmp_path / "cells_deg.gpkg"), streets=str(tmp_path / "streets_deg.gpkg"),
                      optical=city["optical"], dtm=city["dtm"])[0]  # fmt: skip
    assert degrees.crs.to_epsg() == 4326
    for name in SIX:
        np.testing.assert_allclose(degrees[name], plain[name], rtol=1e-3, atol=1e-4)


def test_refusals_say_what_to_do(city, compute, tmp_path, make_raster):
    with pytest.raises(BadJob, match="at least one source"):
        compute(**given(city))
    with pytest.raises(BadJob, match=r"must be a \.gpkg file"):
        compute("out.csv", **given(city, "dtm"))
    with pytest.raises(BadInput, match="holds no lines"):
        compute(streets=city["cells"], **given(city))
    with pytest.raises(BadInput, match="has 4 bands; terrain heights have one"):
        compute(dtm=city["optical"], **given(city))
    elsewhere = make_raster("far.tif", np.zeros((1, 5, 5)), dtype="float32", transform=Affine(10, 0, 0, 0, -10, 1e6))
    with pytest.raises(BadInput, match="has no value in any cell"):
        compute(dtm=elsewhere, **given(city))
    assert not list(tmp_path.glob("out*"))


def test_streets_of_another_place_are_a_warning_and_zeros(city, compute, tmp_path):
    gpd.read_file(city["streets"]).translate(9e4).to_frame("geometry").to_file(tmp_path / "far.gpkg", layer="x")
    cells, _, log = compute(streets=str(tmp_path / "far.gpkg"), **given(city))
    assert (cells[["len_roads", "nb_connect", "min_connec"]] == 0).all().all()
    assert "No street of" in log and "No streets meet" not in log


def test_lines_that_only_cross_are_pointed_out(city, compute, tmp_path):
    """Two in the first cell without a vertex where they cross, as layers that were drawn by hand have them."""
    lines = [place((10, 10), (90, 80)), place((10, 90), (80, 10))]
    gpd.GeoDataFrame(geometry=lines, crs=gpd.read_file(city["cells"]).crs).to_file(tmp_path / "x.gpkg", layer="x")
    apart, _, log = compute("a.gpkg", streets=str(tmp_path / "x.gpkg"), **given(city))
    assert "'Streets meet wherever lines cross'" in log and apart["nb_connect"][0] == 4
    met, _, log = compute("b.gpkg", streets=str(tmp_path / "x.gpkg"), at_crossings=True, **given(city))
    assert "No streets meet" not in log and met["nb_connect"][0] == 5


def test_the_sidecar_says_how_it_was_made_and_how_to_show_it(city, compute, tmp_path):
    _, facts, _ = compute(**given(city, "streets"))
    sidecar = read_sidecar(str(tmp_path / "out.gpkg"))
    assert sidecar["job"]["job"] == "cellvariables" and set(sidecar["inputs"]) == {"cells", "streets"}
    assert facts["shown"] == "len_roads" and facts["shown_zeros"]
    bounds = facts["shown_breaks"]
    assert bounds == sorted(set(bounds)) and bounds[0] <= 100 and bounds[-1] >= 150
    assert facts["streets"]["lines"] == 3 and facts["streets"]["nodes"] == 6
    assert any("OpenStreetMap" in text for text in sidecar["facts"]["credits"])


def test_a_stopped_job_leaves_nothing(city, compute, tmp_path):
    stop = threading.Event()
    progress = Progress(log=lambda level, text: stop.set(), cancelled=stop)  # at the first thing that it says
    with pytest.raises(Cancelled):
        compute(progress=progress, **given(city, "optical", "streets", "dtm"))
    assert not list(tmp_path.glob("out*"))


def test_equal_jobs_write_equal_files(city, compute, tmp_path):
    for name in ("a.gpkg", "b.gpkg"):
        compute(name, variables="nine", **given(city, "optical", "streets", "dtm"))
    a, b = (gpd.read_file(tmp_path / name) for name in ("a.gpkg", "b.gpkg"))
    assert_geodataframe_equal(a, b)
