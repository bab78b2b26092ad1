"""Calibration, unsure places, area of applicability and prevalence, from labels to map."""

import functools
import json
import shutil
import threading
import zipfile

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import rasterio
from quadrat.core.errors import BadInput, BadJob, Cancelled
from quadrat.core.heads.storage import load_arrays, load_head
from quadrat.core.jobs.fewshot import ApplyHead, TrainHead
from quadrat.core.pipelines import applyhead
from quadrat.core.pipelines.registry import run_job
from quadrat.core.progress import Progress
from quadrat.core.sidecar import read_sidecar
from quadrat.tests.core import fields

pytestmark = pytest.mark.same_without_torch

OUT = {name: f"{name}.tif" for name in ("output", "confidence", "probabilities", "applicability")}


@pytest.fixture(scope="module")
def raster(tmp_path_factory):
    """The scene, noisy enough for doubt, with a corner like nothing that is labelled."""
    path = str(tmp_path_factory.mktemp("scene") / "scene.tif")
    scene = fields.scene(noise=2.5)
    scene[:, 50:, 80:] = 60
    size = {"count": 4, "height": fields.HEIGHT, "width": fields.WIDTH, "dtype": "float32"}
    with rasterio.open(path, "w", driver="GTiff", crs="EPSG:32722", transform=fields.TRANSFORM, **size) as file:
        file.write(scene)
        file.descriptions = ("f", "l", "w", "n")
    return path


def trained(folder, raster, frame, values):
    """Train a quick head; gives its file, facts and log."""
    path = folder / "labels.gpkg"
    (fields.labels() if frame is None else frame).to_file(path)
    log = []
    head = "linear" if values.get("target") == "value" else "prototype"
    job = {"labels": str(path), "field": "kind", "embedding": raster, "output": str(folder / "a.qhead")}
    job = TrainHead.from_dict(job | {"head": head} | values)
    result = run_job(job, Progress(log=lambda level, text: log.append(text)))
    return job.output, result.facts, log


@pytest.fixture(scope="module")
def usual(tmp_path_factory, raster):
    """A head on the usual labels, trained once for each wish."""

    @functools.cache
    def go(**values):
        return trained(tmp_path_factory.mktemp("usual"), raster, None, values)

    return go


@pytest.fixture
def train(tmp_path, raster, usual):
    """Train on the scene; gives facts and log."""

    def go(frame=None, **values):
        if frame is None and set(values) <= {"coverage", "calibration"}:
            file, facts, log = usual(**values)
            shutil.copy(file, tmp_path / "a.qhead")
        else:
            _, facts, log = trained(tmp_path, raster, frame, values)
        return facts, log

    return go


@pytest.fixture
def apply(tmp_path, raster):
    """Apply the head, rasters named shortly; gives result and log."""

    def go(*rasters, progress=None, **values):
        job = {"head": str(tmp_path / "a.qhead"), "embedding": raster}
        job |= {name: str(tmp_path / OUT[name]) for name in rasters}
        log = []
        job = ApplyHead.from_dict(job | values)
        return run_job(job, progress or Progress(log=lambda level, text: log.append(text))), log

    return go


def read(path):
    with rasterio.open(path) as file:
        return file.read()


def test_a_head_tells_what_was_learnt_beside_it(train, tmp_path):
    facts, log = train()
    kept, _ = load_head(str(tmp_path / "a.qhead"))
    assert kept["calibration"] == facts["calibration"]
    assert facts["calibration"]["method"] in ("none", "temperature")
    assert {"error_before", "error_after", "groups", "folds"} <= set(facts["calibration"])
    assert facts["calibration"]["classes_as"] == "equal"
    assert facts["prevalence"] == pytest.approx(dict.fromkeys(fields.NAMES, 1 / 3))
    assert facts["conformal"]["n_groups"] == 15
    assert facts["conformal"]["coverage"] == 0.9
    assert facts["applicability"]["importance"] == "shuffled held-out samples"
    assert facts["applicability"]["vectors"] == 240
    assert "calibration_error" not in facts["tested"]["scores"]
    for start in ("Probabilities", "Unsure places", "Area of applicability", "First test"):
        assert any(line.startswith(start) for line in log)
    with zipfile.ZipFile(tmp_path / "a.qhead") as archive:
        names = archive.namelist()
    assert sorted(names[2:]) == [f"training/{n}.npy" for n in ("centre", "factor", "kept", "scale", "vectors")]
    json.dumps(facts, allow_nan=False)


def test_map_confidence_and_probabilities_agree(train, apply, tmp_path):
    train(calibration="temperature")
    apply("output", "confidence", "probabilities")
    shown, sure, shares = (read(tmp_path / OUT[name]) for name in ("output", "confidence", "probabilities"))
    np.testing.assert_array_equal(sure[0], shares.max(axis=0))
    clear = np.sort(shares, axis=0)[-1] > np.sort(shares, axis=0)[-2]
    np.testing.assert_array_equal(shares.argmax(axis=0)[clear] + 1, shown[0][clear])


def test_unsure_places_are_a_class_of_their_own(train, apply, tmp_path):
    facts, _ = train(coverage=0.93)
    threshold = facts["conformal"]["threshold"]
    assert threshold > 0.5
    plain, _ = apply("output", "probabilities")
    before, shares = read(tmp_path / OUT["output"])[0], read(tmp_path / OUT["probabilities"])
    _, log = apply("output", "confidence", unsure=True)
    after = read(tmp_path / OUT["output"])[0]
    unsure = after == 4
    assert 0.01 < unsure.mean() < 0.9
    np.testing.assert_array_equal(after[~unsure], before[~unsure])
    second = (np.sort(shares, axis=0)[-2] - 1) / 254
    assert second[unsure].min() > 1 - threshold - 0.005
    assert second[~unsure].max() < 1 - threshold + 0.005
    facts = read_sidecar(str(tmp_path / OUT["output"]))["facts"]
    assert facts["result"] == "classmap"
    assert facts["classes"][-1] == {"value": 4, "name": "unsure", "colour": "#9e9e9e", "cells": int(unsure.sum())}
    assert sum(entry["cells"] for entry in facts["classes"]) == after.size
    assert facts["unsure"]["threshold"] == threshold
    assert len(read_sidecar(str(tmp_path / OUT["confidence"]))["facts"]["classes"]) == 3
    assert any("of the map are unsure" in line for line in log)
    with rasterio.open(tmp_path / OUT["output"]) as file:
        assert file.colormap(1)[4] == (0x9E, 0x9E, 0x9E, 255)
        assert json.loads(file.tags(ns="QUADRAT")["category_names"])[-1] == "unsure"
    assert len(plain.facts["classes"]) == 3


def test_unsure_is_refused_where_nothing_was_learnt(train, apply, tmp_path):
    _, log = train(fields.labels(per_class=2))
    assert any("This head cannot tell unsure places: a coverage of 90 %" in line for line in log)
    with pytest.raises(BadInput, match=r"a coverage of 90 % takes 9 groups .* there are 6"):
        apply("output", unsure=True)
    train(fields.labels(per_class=1))
    with pytest.raises(BadInput, match="too few groups to hold any back"):
        apply("output", unsure=True)
    facts, _ = train(fields.labels(per_class=2), coverage=0.8)
    assert facts["conformal"]["n_groups"] == 6
    apply("output", unsure=True)
    with pytest.raises(BadJob, match="Leave out either"):
        apply("output", unsure=True, prevalence="lake=0.1")
    assert not list(tmp_path.glob("*.part*"))


def test_an_older_head_still_makes_maps_and_says_what_it_cannot(train, apply, tmp_path):
    train()
    path = tmp_path / "a.qhead"
    with zipfile.ZipFile(path) as archive:
        facts, body = json.loads(archive.read("facts.json")), archive.read("head.skops")
    for name in ("conformal", "applicability", "prevalence", "calibration"):
        facts.pop(name)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("facts.json", json.dumps(facts))
        archive.writestr("head.skops", body)
    assert load_arrays(str(path)) == {}
    apply("output")
    for values in ({"unsure": True}, {"prevalence": "lake=0.2"}, {"applicability": str(tmp_path / "d.tif")}):
        with pytest.raises(BadInput, match=r"older version\. Train it again"):
            apply("output", **values)


def test_applicability_shows_what_is_unlike_the_labels(train, apply, tmp_path):
    train()
    _, log = apply("output", "applicability")
    unlike = read(tmp_path / OUT["applicability"])[0]
    assert unlike.dtype == np.float32
    assert (unlike[50:, 80:] > 1).all()
    elsewhere = np.ones(unlike.shape, bool)
    elsewhere[50:, 80:] = False
    assert (unlike[elsewhere] <= 1).mean() > 0.8
    facts = read_sidecar(str(tmp_path / OUT["applicability"]))["facts"]
    assert facts["result"] == "applicability"
    assert facts["inside"] == pytest.approx((unlike <= 1).mean())
    assert any("inside the area of applicability" in line for line in log)
    alone, _ = apply("applicability", extent="600000,600300,8999800,9000000")
    assert 0 < alone.facts["inside"] <= 1
    assert alone.facts["cells_nodata"] == 0


def test_applicability_of_values_and_holes(make_raster, train, apply, tmp_path):
    holes = np.zeros((fields.HEIGHT, fields.WIDTH), bool)
    holes[5:15, 10:40] = True
    holed = make_raster("holed.tif", fields.scene(), dtype="float32", holes=holes, missing="nodata", nodata=-99)
    facts, _ = train(embedding=holed, field="amount", target="value")
    assert facts["applicability"]["threshold"] > 0
    assert "conformal" not in facts
    apply("output", "applicability", embedding=holed)
    np.testing.assert_array_equal(np.isnan(read(tmp_path / OUT["applicability"])[0]), holes)
    for values in ({"unsure": True}, {"prevalence": "estimate"}):
        with pytest.raises(BadJob, match="estimates values"):
            apply("output", **values)


def test_prevalence_moves_probabilities_before_class_and_confidence(train, apply, tmp_path):
    train()
    apply("output", "probabilities")
    before, plain = read(tmp_path / OUT["output"])[0], read(tmp_path / OUT["probabilities"]).astype(float)
    result, log = apply("output", "probabilities", "confidence", prevalence="lake=2%")
    after, shares = read(tmp_path / OUT["output"])[0], read(tmp_path / OUT["probabilities"]).astype(float)
    assert (after == 2).sum() < (before == 2).sum()
    odds = (plain - 1) / 254 * np.array([0.49, 0.02, 0.49])[:, None, None]
    gap = np.abs((shares - 1) / 254 - odds / odds.sum(axis=0))
    assert (gap < 0.05).mean() > 0.99  # bytes hold two and a half digits
    np.testing.assert_array_equal(read(tmp_path / OUT["confidence"])[0], shares.max(axis=0))
    assert result.facts["prevalence"]["how"] == "given"
    assert result.facts["prevalence"]["classes"] == pytest.approx({"field": 0.49, "lake": 0.02, "wood": 0.49})
    assert any("lake 2 %" in line for line in log)
    with pytest.raises(BadJob, match="Did you mean 'lake'"):
        apply("output", prevalence="lakes=0.1")


def test_prevalence_is_estimated_from_the_map(make_raster, train, apply, tmp_path):
    """Nine of ten columns are of one class in a scene whose labels are of all alike."""
    scene = fields.scene(noise=2.5)
    third = np.tile(scene[:, :, :30], (1, 1, 3))[:, :, :81]
    lopsided = np.concatenate([third, scene[:, :, 30:39]], axis=2)
    shape = (fields.HEIGHT, fields.WIDTH)
    path = make_raster("l.tif", lopsided, dtype="float32", names=("f", "l", "w", "n"))
    assert lopsided.shape[1:] == shape
    train()
    apply("output", embedding=path)
    counted = np.bincount(read(tmp_path / OUT["output"]).ravel(), minlength=4)[1:] / lopsided[0].size
    first, _ = apply("output", embedding=path, prevalence="estimate")
    found = list(first.facts["prevalence"]["classes"].values())
    truth = np.array([0.9, 0.1, 0])
    assert np.abs(found - truth).sum() < np.abs(counted - truth).sum()
    assert np.abs(found - truth).max() < 0.06
    assert first.facts["prevalence"]["how"].startswith("estimated from 5,400 places")
    again, _ = apply("output", embedding=path, prevalence="estimate")
    assert again.facts["prevalence"] == first.facts["prevalence"]


def test_a_stopped_run_goes_on_with_all_layers_and_ends_the_same(make_raster, train, apply, tmp_path, monkeypatch):
    big = make_raster("big.tif", np.tile(fields.scene(2.5), (1, 5, 3)), dtype="float32", names=("f", "l", "w", "n"))
    train(coverage=0.93)
    expected, _ = apply(*OUT, embedding=big, unsure=True)
    whole = {name: read(tmp_path / file) for name, file in OUT.items()}
    for file in OUT.values():
        (tmp_path / file).unlink()
    stop, seen, real = threading.Event(), [], applyhead.said_of

    def counted(*arguments):
        seen.append(1)
        if len(seen) == 4:
            stop.set()
        return real(*arguments)

    monkeypatch.setattr(applyhead, "said_of", counted)
    with pytest.raises(Cancelled):
        apply(*OUT, progress=Progress(cancelled=stop), embedding=big, unsure=True)
    seen.clear()
    stop.clear()
    result, log = apply(*OUT, embedding=big, unsure=True)
    assert any("Going on: 4 of 9" in line for line in log)
    assert len(seen) == 5
    for name, file in OUT.items():
        np.testing.assert_array_equal(read(tmp_path / file), whole[name])
    for name in ("classes", "inside", "cells_nodata"):
        assert result.facts[name] == expected.facts[name]


def test_another_wish_does_not_go_on_from_where_a_run_was_stopped(make_raster, train, apply, tmp_path, monkeypatch):
    big = make_raster("big.tif", np.tile(fields.scene(2.5), (1, 3, 2)), dtype="float32", names=("f", "l", "w", "n"))
    train(coverage=0.93)
    stop, real = threading.Event(), applyhead.said_of
    monkeypatch.setattr(applyhead, "said_of", lambda *arguments: stop.set() or real(*arguments))
    with pytest.raises(Cancelled):
        apply("output", progress=Progress(cancelled=stop), embedding=big)
    for values in ({"unsure": True}, {"prevalence": "lake=0.1"}):
        _, log = apply("output", embedding=big, **values)
        assert not any("Going on" in line for line in log)


def test_same_files_on_one_and_two_threads(train, apply, tmp_path):
    found = []
    for threads in (1, 2):
        train(threads=threads, calibration="temperature")
        apply(*OUT, threads=threads)
        with zipfile.ZipFile(tmp_path / "a.qhead") as archive:
            members = {name: archive.read(name) for name in archive.namelist() if name != "facts.json"}
        found.append((members, [read(tmp_path / file).tobytes() for file in OUT.values()]))
    assert found[0] == found[1]


@pytest.fixture
def table(tmp_path):
    rng = np.random.default_rng(0)
    kind = np.repeat(["ash", "birch"], 40)
    frame = pd.DataFrame({"kind": kind, "b1": rng.normal(size=80) + 1.5 * (kind == "ash"), "b2": rng.normal(size=80)})
    frame.to_csv(tmp_path / "t.csv", index=False)
    far = frame.assign(b1=frame.b1.where(frame.index != 3, 50.0))
    far.loc[5, "b2"] = np.nan
    gpd.GeoDataFrame(far, geometry=gpd.points_from_xy(range(80), range(80)), crs="EPSG:32722").to_file(
        tmp_path / "far.gpkg"
    )
    return {"labels": str(tmp_path / "t.csv"), "embedding": "", "feature_fields": ["b1", "b2"]}


def test_tables_get_unsure_sets_and_dissimilarity(train, apply, table, tmp_path):
    train(**table, coverage=0.95)
    out = str(tmp_path / "o.gpkg")
    result, _ = apply(embedding="", table=str(tmp_path / "far.gpkg"), output_table=out, unsure=True)
    rows = gpd.read_file(out)
    assert set(rows["predicted"].dropna()) == {"ash", "birch", "unsure"}
    unsure = rows["predicted"] == "unsure"
    assert (rows["predicted_set"][unsure] == "ash, birch").all()
    assert (rows["predicted_set"][~unsure & rows["predicted"].notna()] == rows["predicted"].dropna()[~unsure]).all()
    assert rows["predicted_inside"][3] == "no"
    assert rows["predicted_dissimilarity"][3] > 1
    assert rows["predicted_inside"].drop([3, 5]).eq("yes").mean() > 0.9
    assert rows["predicted_inside"].isna()[5]
    assert "predicted_set" in result.facts["columns"]


def test_tables_take_a_prevalence(train, apply, table, tmp_path):
    train(**table)
    source, out = str(tmp_path / "far.gpkg"), str(tmp_path / "o.csv")
    apply(embedding="", table=source, output_table=out)
    plain = pd.read_csv(out)
    _, log = apply(embedding="", table=source, output_table=out, prevalence="ash=0.05, birch=0.95")
    assert (pd.read_csv(out)["predicted"] == "ash").sum() < (plain["predicted"] == "ash").sum()
    assert any("ash 5 %" in line for line in log)
    _, log = apply(embedding="", table=source, output_table=out, prevalence="estimate")
    assert any("estimated from 79 places" in line for line in log)


@pytest.mark.parametrize("values", [{"ensemble": "draws", "members": 3, "combine": "vote"}, {"balance": False}])
def test_ensembles_and_unbalanced_heads_are_calibrated_as_they_weigh_classes(train, apply, tmp_path, values):
    frame = fields.labels()
    frame = frame.drop(index=frame.index[frame.kind == "lake"][:2])
    facts, _ = train(frame, coverage=0.8, **values)
    balanced = facts["calibration"]["classes_as"] == "equal"
    assert balanced == ("ensemble" in values)
    assert facts["prevalence"]["lake"] == pytest.approx(1 / 3 if balanced else 3 / 13)
    result, _ = apply("output", "confidence", "applicability", unsure=True)
    assert sum(entry["cells"] for entry in result.facts["classes"]) == fields.truth().size
    shown = read(tmp_path / OUT["output"])[0]
    sure = shown != 4
    assert (shown == fields.truth())[sure].mean() > 0.8
