"""Heads on real labels. The bounds are wide enough to be stable and narrow enough to fail when folds leak."""

import json
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from quadrat.core.jobs.embed import EmbedRaster
from quadrat.core.jobs.fewshot import ApplyHead, AssessHead, TrainHead
from quadrat.core.pipelines.registry import run_job
from quadrat.core.progress import Progress
from quadrat.core.raster import open_raster

pytestmark = pytest.mark.same_without_torch

DATA = Path(os.environ.get("QUADRAT_DATA", "/nonexistent"))
SAMPLE = Path(__file__).resolve().parents[2] / "resources" / "sample"
BANDS = ["B02", "B03", "B04", "B08", "B05", "B06", "B07", "B8A", "B11", "B12"]


def data(path):
    """A file of the real data, or a visible skip."""
    file = DATA / path.split("|")[0]
    if not file.exists():
        pytest.skip(f"{path} is not in the folder that QUADRAT_DATA names")
    return str(DATA / path)


@pytest.fixture
def assess(tmp_path):
    """Run an assessment; gives scheme -> scores and the page."""

    def go(**fields):
        quick = {"repeats": 1, "curve_draws": 0, "calibration": "none"}
        job = {"job": "assesshead", "output": str(tmp_path / "r.html")} | quick | fields
        result = run_job(AssessHead.from_dict(job), Progress())
        numbers = json.loads((tmp_path / "r.json").read_text())
        assert numbers["headline"] == result.facts["headline"]
        return {name: row["scores"] for name, row in result.facts["schemes"].items()}, numbers

    return go


@pytest.mark.data
def test_germany_falls_from_random_to_polygons_to_the_other_region(assess, tmp_path):
    """20 pixels of each polygon: about 0.91 on random folds, 0.77 on polygons, 0.74 and 0.55 from region to region."""
    whole = pd.read_csv(data("labelled/s2_pixels_germany/s2_pixels_freiburg_luebeck.csv.gz"))
    table = str(tmp_path / "pixels.csv")
    whole.groupby("PolygonID").sample(20, random_state=0).to_csv(table, index=False)
    scores, numbers = assess(
        labels=table, field="Label", feature_fields=BANDS, group_field="PolygonID", region_field="Region",
        head="knn",
    )  # fmt: skip
    assert 0.88 < scores["random"]["accuracy"] < 0.94
    assert 0.71 < scores["groups"]["accuracy"] < 0.82
    assert 0.10 < numbers["headline"]["leakage"] < 0.20
    groups = numbers["schemes"][0]
    assert groups["folds"] == 4
    assert groups["groups"] == 108
    low, high = groups["metrics"]["accuracy"]["low"], groups["metrics"]["accuracy"]["high"]
    assert low < scores["groups"]["accuracy"] < high
    assert 0.06 < high - low < 0.25
    found = next(one for one in numbers["schemes"] if one["name"] == "regions")["regions"]
    by_region = {row["region"]: row for row in found["rows"]}
    assert 0.45 < by_region["Freiburg"]["scores"]["accuracy"] < 0.65
    assert 0.65 < by_region["Luebeck"]["scores"]["accuracy"] < 0.82
    assert len(found["only_in"]) == 2
    alone = {row["class"] for row in found["only_in"]}
    lacking = next(row for row in found["rows"] if row["unseen"])
    assert set(lacking["unseen"]) == alone
    assert lacking["scores_seen"]["accuracy"] > lacking["scores"]["accuracy"] + 0.05
    page = (tmp_path / "r.html").read_text()
    assert [step["name"] for step in numbers["fall"]] == ["random", "groups", "blocks", "regions", "regions"]
    assert "where the head has not been" in page
    for name in alone:
        assert name in page
    assert "2 classes occur in" in page


def test_the_shipped_village(assess, tmp_path):
    """Bands of the shipped sample: polygons kept apart are honest, random cells claim perfection."""
    scores, numbers = assess(
        labels=str(SAMPLE / "training_polygons.geojson"), field="class", embedding=str(SAMPLE / "sen2_l2a_12band.tif"),
        head="knn",
    )  # fmt: skip
    assert 0.80 < scores["groups"]["accuracy"] < 0.98
    assert scores["random"]["accuracy"] > 0.985
    assert numbers["schemes"][0]["folds"] == 2


@pytest.mark.data
def test_landsat_from_bands_to_map(assess, tmp_path):
    raster = data("rasters/landsat5_para_1988/lt5_1988227_7band_dn.tif")
    labels = data("rasters/landsat5_para_1988/training_polygons.gpkg")
    embedding, head, out = (str(tmp_path / name) for name in ("e.tif", "h.qhead", "m.tif"))
    run_job(EmbedRaster(input=raster, output=embedding), Progress())
    scores, _ = assess(labels=labels, field="class", embedding=embedding, head="linear")
    assert scores["groups"]["balanced_accuracy"] > 0.93
    trained = run_job(TrainHead(labels=labels, field="class", embedding=embedding, output=head), Progress())
    assert trained.facts["groups"] == {"cleared": 5, "fallen_dry": 4, "forest": 5, "water": 5}
    result = run_job(ApplyHead(head=head, embedding=embedding, output=out), Progress())
    cells = {entry["name"]: entry["cells"] for entry in result.facts["classes"]}
    assert cells["forest"] > cells["cleared"] > cells["fallen_dry"]
    with open_raster(raster) as source, open_raster(out) as shown:
        assert shown.grid == source.grid


@pytest.mark.data
def test_points_and_polygons_of_a_peer(assess):
    """27 points, of which 4 lie outside; 3 large polygons, on which only random or cut folds are possible."""
    raster = data("rasters/iamap_demo/test.tif")
    layers = data("rasters/iamap_demo/ml_points_polygons.gpkg")
    scores, numbers = assess(labels=f"{layers}|layername=ml_points", field="Type", embedding=raster, head="knn")
    assert numbers["labels"]["outside"] == 4
    assert list(scores) == ["blocks", "random"]
    assert scores["blocks"]["accuracy"] > 0.85
    scores, numbers = assess(labels=f"{layers}|layername=ml_polygons", field="Type", embedding=raster, head="prototype")
    assert numbers["labels"]["repaired"] == 1
    assert numbers["headline"]["scheme"] == "blocks"
    assert "cut" in numbers["schemes"][0]["sentence"]


@pytest.mark.data
def test_points_in_degrees_on_a_sinusoidal_grid(tmp_path):
    raster = data("rasters/modis_sinop_series/TERRA_MODIS_012010_NDVI_2013-09-14.jp2")
    table = data("rasters/modis_sinop_series/samples_sinop_crop.csv")
    job = TrainHead(labels=table, field="label", embedding=raster, output=str(tmp_path / "h.qhead"))
    result = run_job(job, Progress())
    assert sum(result.facts["counts"].values()) == 18
    assert result.facts["tested"]["scheme"] == "blocks"


@pytest.mark.data
def test_values_are_found_where_bands_tell_them(assess, tmp_path):
    """NDVI is a function of two of the bands, so a forest must find it, also in polygons that it has not seen."""
    whole = pd.read_csv(data("labelled/s2_pixels_germany/s2_pixels_freiburg_luebeck.csv.gz"))
    table = str(tmp_path / "pixels.csv")
    whole.groupby("PolygonID").sample(10, random_state=0).to_csv(table, index=False)
    scores, _ = assess(
        labels=table, field="NDVI", feature_fields=BANDS, group_field="PolygonID", head="forest-small", target="value"
    )
    assert scores["groups"]["r2"] > 0.9
    assert np.isfinite(scores["groups"]["rmse"])
