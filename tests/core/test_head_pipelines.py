"""Train and apply from end to end."""

import importlib.util
import json
import os
import threading
import time
import zipfile
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import rasterio
from quadrat.core.errors import BadInput, BadJob, Cancelled, EngineTooSmall, Stale, Unwritable
from quadrat.core.heads import forest
from quadrat.core.heads.registry import HEADS
from quadrat.core.heads.storage import load_head
from quadrat.core.jobs.fewshot import ApplyHead, TrainHead
from quadrat.core.pipelines import applyhead
from quadrat.core.pipelines.registry import run_job
from quadrat.core.progress import Progress
from quadrat.core.raster import open_raster
from quadrat.core.sidecar import read_sidecar
from quadrat.tests.core import fields
from sklearn.ensemble import RandomForestClassifier

pytestmark = pytest.mark.same_without_torch


@pytest.fixture
def raster(make_raster):
    return make_raster("scène 場.tif", fields.scene(), dtype="float32", names=("f", "l", "w", "n"))


@pytest.fixture(scope="module")
def once():
    """Trains a head the first time that its name is asked for, and copies it from then on."""
    kept = {}

    def put(name, path, teach, **values):
        if name not in kept:
            teach(**values)
            kept[name] = path.read_bytes()
        path.write_bytes(kept[name])

    return put


@pytest.fixture
def head(train, tmp_path, once):
    """A head taught by the labels, for tests that only use it."""
    once("labels", tmp_path / "a.qhead", train)


@pytest.fixture
def table_head(train, tmp_path, once, table):
    """A head taught by the table."""
    once("table", tmp_path / "a.qhead", train, labels=str(table[0]), embedding="", feature_fields=["b1", "b2"])


@pytest.fixture
def train(tmp_path, raster):
    """Train on the scene; gives the result and the log."""

    def go(frame=None, name="a.qhead", embedding=raster, progress=None, **values):
        path = tmp_path / "labels.gpkg"
        (fields.labels() if frame is None else frame).to_file(path)
        log = []
        job = {"job": "trainhead", "labels": str(path), "field": "kind", "embedding": embedding, "head": "prototype"}
        job = TrainHead.from_dict(job | {"output": str(tmp_path / name)} | values)
        return run_job(job, progress or Progress(log=lambda level, text: log.append(text))), log

    return go


@pytest.fixture
def apply(tmp_path, raster):
    """Apply a head; gives the result and the log."""

    def go(progress=None, **values):
        job = {"job": "applyhead", "head": str(tmp_path / "a.qhead"), "embedding": raster}
        log = []
        job = ApplyHead.from_dict(job | values)
        return run_job(job, progress or Progress(log=lambda level, text: log.append(text))), log

    return go


@pytest.fixture
def few_trees(monkeypatch):
    """Forests of 10 trees: more of them are read and written in the same way, and slowly."""
    for name in ("ExtraTreesClassifier", "RandomForestClassifier"):
        real = getattr(forest, name)
        monkeypatch.setattr(forest, name, lambda real=real, **values: real(**values | {"n_estimators": 10}))


def read(path):
    with rasterio.open(path) as file:
        return file.read(), file.profile, dict(file.tags(ns="QUADRAT"))


@pytest.mark.parametrize("head", [name for name, card in HEADS.items() if "class" in card.targets and name != "forest"])
def test_a_map_of_every_head_is_right(few_trees, train, apply, tmp_path, head):
    # The forest is the small one with more trees.
    result, _ = train(fields.labels(per_class=3), head=head)
    assert result.facts["counts"] == {"field": 48, "lake": 48, "wood": 48}
    assert result.facts["groups"] == {"field": 3, "lake": 3, "wood": 3}
    tested = result.facts["tested"]
    assert (tested["scheme"], tested["folds"]) == ("groups", 3) and tested["scores"]["accuracy"] > 0.9
    outputs = {name: str(tmp_path / f"{name}.tif") for name in ("output", "confidence", "probabilities")}
    result, _ = apply(**outputs)
    assert result.outputs == outputs
    shown, profile, _ = read(outputs["output"])
    assert (profile["dtype"], profile["nodata"]) == ("uint8", 0)
    assert (shown[0] == fields.truth()).mean() > 0.9
    assert sum(entry["cells"] for entry in result.facts["classes"]) == shown.size
    sure, *_ = read(outputs["confidence"])
    shares, *_ = read(outputs["probabilities"])
    assert shares.shape[0] == 3
    np.testing.assert_array_equal(sure[0], shares.max(axis=0))
    np.testing.assert_array_equal(shares.argmax(axis=0)[sure[0] > 200], shown[0][sure[0] > 200] - 1)


def test_probabilities_are_those_of_the_estimator(head, apply, tmp_path, raster):
    apply(probabilities=str(tmp_path / "p.tif"))
    _, estimator = load_head(str(tmp_path / "a.qhead"))
    with open_raster(raster) as reader, open_raster(str(tmp_path / "p.tif")) as shares:
        values, _ = reader.read(reader.grid.whole)
        found, _ = shares.read(shares.grid.whole)
        assert shares.band_names == fields.NAMES
        assert shares.grid == reader.grid
    expected = estimator.predict_proba(values.reshape(4, -1).T).T.reshape(found.shape)
    np.testing.assert_allclose(found, expected, atol=0.5 / 254 + 1e-6)


def test_class_map_carries_names_and_colours(head, apply, tmp_path):
    out = str(tmp_path / "m.tif")
    apply(output=out)
    facts = read_sidecar(out)["facts"]
    assert facts["result"] == "classmap"
    assert [(c["value"], c["name"]) for c in facts["classes"]] == [(1, "field"), (2, "lake"), (3, "wood")]
    with rasterio.open(out) as file:
        table = file.colormap(1)
        assert json.loads(file.tags(ns="QUADRAT")["category_names"]) == ["", *fields.NAMES]
    for entry in facts["classes"]:
        assert "#{:02x}{:02x}{:02x}".format(*table[entry["value"]][:3]) == entry["colour"]
    assert table[0][3] == 0


def test_values(train, apply, tmp_path):
    result, _ = train(field="amount", target="value", head="linear")
    assert result.facts["tested"]["scores"]["r2"] > 0.9
    out = str(tmp_path / "v.tif")
    result, _ = apply(output=out)
    values, profile, _ = read(out)
    assert profile["dtype"] == "float32" and np.isnan(profile["nodata"])
    assert np.corrcoef(values.ravel(), fields.truth().ravel())[0, 1] > 0.93
    facts = read_sidecar(out)["facts"]
    assert facts["result"] == "valuemap"
    np.testing.assert_allclose(facts["range"], [values.min(), values.max()], rtol=1e-5)
    with pytest.raises(BadJob, match="no probability"):
        apply(output=out, confidence=str(tmp_path / "c.tif"))


@pytest.mark.parametrize("missing", ["nodata", "nan", "alpha", "msk"])
def test_what_is_missing_in_the_embedding_is_missing_in_the_map(make_raster, head, apply, tmp_path, missing):
    holes = np.zeros((fields.HEIGHT, fields.WIDTH), bool)
    holes[10:20, 20:70] = True
    nodata = -99 if missing == "nodata" else None
    holed = make_raster("h.tif", fields.scene(), dtype="float32", holes=holes, missing=missing, nodata=nodata)
    out, sure = str(tmp_path / "m.tif"), str(tmp_path / "c.tif")
    result, _ = apply(embedding=holed, output=out, confidence=sure)
    np.testing.assert_array_equal(read(out)[0][0] == 0, holes)
    np.testing.assert_array_equal(read(sure)[0][0] == 0, holes)
    assert result.facts["cells_nodata"] == holes.sum()


def test_extent_gives_the_same_cells(head, apply, tmp_path):
    apply(output=str(tmp_path / "all.tif"))
    west, north = fields.WEST + 200, fields.NORTH - 100
    apply(output=str(tmp_path / "part.tif"), extent=f"{west},{west + 300},{north - 200},{north}")
    part, profile, _ = read(tmp_path / "part.tif")
    np.testing.assert_array_equal(part, read(tmp_path / "all.tif")[0][:, 10:30, 20:50])
    assert (profile["transform"].c, profile["transform"].f) == (west, north)


def test_same_job_same_bytes_on_one_and_two_threads(few_trees, train, apply, tmp_path):
    files = []
    for threads in (1, 2, 1):
        train(fields.labels(per_class=2), head="forest-small", threads=threads)
        apply(output=str(tmp_path / "m.tif"), threads=threads)
        body = zipfile.ZipFile(tmp_path / "a.qhead").read("head.skops")
        with rasterio.open(tmp_path / "m.tif") as file:
            files.append((body, file.read().tobytes(), threads, (tmp_path / "a.qhead").read_bytes()))
    assert files[0][:2] == files[1][:2]
    assert files[0] == files[2]


def test_a_head_of_another_space_is_refused(make_raster, train, apply, tmp_path):
    def signed(name, identity):
        path = make_raster(name, fields.scene(), dtype="float32")
        with rasterio.open(path, "r+") as file:
            file.update_tags(ns="QUADRAT", identity=identity, backbone="mosaiks")
        return path

    train(embedding=signed("a.tif", "space-one"))
    apply(embedding=signed("b.tif", "space-one"), output=str(tmp_path / "m.tif"))
    with pytest.raises(Stale, match=r"space-one.*space-two.*Same space as this embedding") as caught:
        apply(embedding=signed("c.tif", "space-two"), output=str(tmp_path / "n.tif"))
    assert "c.tif" in caught.value.message
    with pytest.raises(Stale, match="plain bands"):
        apply(output=str(tmp_path / "n.tif"))
    assert not (tmp_path / "n.tif").exists()


def test_plain_bands_must_be_as_many_and_are_compared_by_name(make_raster, head, apply, tmp_path):
    out = str(tmp_path / "m.tif")
    with pytest.raises(Stale, match=r"4 bands; .* has 3"):
        apply(embedding=make_raster("three.tif", fields.scene()[:3], dtype="float32"), output=out)
    other = make_raster("other.tif", fields.scene(), dtype="float32", names=("f", "l", "w", "x"))
    _, log = apply(embedding=other, output=out)
    assert any("n there, x here" in line for line in log)


def test_nothing_asked_and_both_inputs_are_sentences(head, apply, tmp_path, raster):
    with pytest.raises(BadJob, match="asked for nothing"):
        apply()
    with pytest.raises(BadJob, match="either an embedding or a table"):
        apply(embedding="")
    with pytest.raises(BadJob, match="either an embedding or a table"):
        apply(table="x.csv", output=str(tmp_path / "m.tif"))
    with pytest.raises(BadJob, match="as embedding and as output"):
        apply(output=raster)
    with pytest.raises(BadJob, match="as output and as confidence"):
        apply(output=str(tmp_path / "m.tif"), confidence=str(tmp_path / "m.tif"))


def test_a_cancelled_run_goes_on_and_ends_the_same(make_raster, head, apply, tmp_path, monkeypatch):
    big = make_raster("big.tif", np.tile(fields.scene(), (1, 8, 5)), dtype="float32", names=("f", "l", "w", "n"))
    whole, out = str(tmp_path / "whole.tif"), str(tmp_path / "m.tif")
    expected, _ = apply(embedding=big, output=whole)
    stop, seen = threading.Event(), []
    real = applyhead.said_of

    def counted(*arguments):
        seen.append(1)
        if len(seen) == 5:
            stop.set()
        return real(*arguments)

    monkeypatch.setattr(applyhead, "said_of", counted)
    with pytest.raises(Cancelled):
        apply(progress=Progress(cancelled=stop), embedding=big, output=out)
    assert not os.path.exists(out)
    seen.clear()
    stop.clear()
    result, log = apply(embedding=big, output=out)
    assert any("Going on: 5 of 16" in line for line in log)
    assert result.facts["classes"] == expected.facts["classes"] and result.facts["cells_nodata"] == 0
    assert len(seen) == 11
    np.testing.assert_array_equal(read(out)[0], read(whole)[0])
    assert sorted(p.name for p in tmp_path.glob("m.tif*")) == ["m.tif", "m.tif.quadrat.json"]


def test_cancel_is_heard_while_a_forest_grows(train, monkeypatch):
    stop, started = threading.Event(), threading.Event()
    real = RandomForestClassifier.fit

    def slow(self, *arguments, **named):
        started.set()
        stop.wait(20)
        time.sleep(0.5)
        return real(self, *arguments, **named)

    monkeypatch.setattr(RandomForestClassifier, "fit", slow)
    waiter = threading.Thread(target=lambda: started.wait(20) and stop.set())
    waiter.start()
    with pytest.raises(Cancelled):
        train(head="forest", progress=Progress(cancelled=stop))
    waiter.join()
    assert started.is_set()


def test_a_head_in_a_missing_folder_is_a_sentence(train):
    with pytest.raises(Unwritable, match="cannot be written"):
        train(name="none/a.qhead")


def test_facts_of_a_head(train, tmp_path):
    train(fields.labels(size=1), head="linear", seed=3)
    facts, _ = load_head(str(tmp_path / "a.qhead"))
    assert facts["features"]["D"] == 4 and facts["features"]["names"] == ["f", "l", "w", "n"]
    assert facts["job"]["seed"] == 3
    assert facts["choice"]["chosen_by"].startswith("log-loss on 3 inner folds")
    assert set(read_sidecar(str(tmp_path / "a.qhead"))["inputs"]) == {"labels", "embedding"}


def test_too_few_labels_to_test_still_train(train):
    result, log = train(fields.labels(per_class=1, size=1))
    assert result.facts["tested"]["scheme"] == ""
    assert any("too few to test" in line for line in log)


@pytest.fixture
def table(tmp_path):
    rng = np.random.default_rng(0)
    kind = np.repeat(["ash", "bïrch"], 30)
    frame = pd.DataFrame({"kind": kind, "b1": rng.random(60) + (kind == "ash"), "b2": rng.random(60)})
    frame.loc[7, "b2"] = np.nan
    path = tmp_path / "t.csv"
    frame.to_csv(path, index=False)
    return path, frame


@pytest.mark.parametrize("suffix", [".gpkg", ".csv", ".parquet"])
def test_table_gets_new_columns(table_head, apply, table, tmp_path, suffix):
    if suffix == ".parquet":
        pytest.importorskip("pyarrow", reason="parquet needs pyarrow, which the light engine lacks")
    path, frame = table
    out = str(tmp_path / f"o{suffix}")
    result, log = apply(embedding="", table=str(path), output_table=out)
    assert result.facts["rows_missing"] == 1
    assert any("1 rows lack" in line for line in log)
    names = ("", "_confidence", "_p_ash", "_p_bïrch", "_dissimilarity", "_inside")
    assert result.facts["columns"] == [f"predicted{name}" for name in names]
    reader = {".gpkg": gpd.read_file, ".csv": pd.read_csv, ".parquet": pd.read_parquet}[suffix]
    again = reader(out)
    assert len(again) == len(frame)
    whole = again.drop(index=7)
    assert (whole["predicted"] == whole["kind"]).mean() > 0.9
    np.testing.assert_allclose(whole["predicted_p_ash"] + whole["predicted_p_bïrch"], 1, atol=1e-5)
    assert again["predicted"].isna()[7] and np.isnan(again["predicted_confidence"][7])
    first = Path(out).read_bytes()
    apply(embedding="", table=str(path), output_table=out)
    assert Path(out).read_bytes() == first


def test_table_keeps_geometry_and_columns_of_the_same_name(table_head, apply, table, tmp_path):
    _, frame = table
    places = gpd.GeoDataFrame(
        frame.assign(predicted="mine"), geometry=gpd.points_from_xy(range(60), range(60)), crs="EPSG:32722"
    )
    places.to_file(tmp_path / "p.gpkg")
    out = str(tmp_path / "o.gpkg")
    apply(embedding="", table=str(tmp_path / "p.gpkg"), output_table=out)
    again = gpd.read_file(out)
    assert again.crs == places.crs and (again["predicted"] == "mine").all()
    assert again.geometry.geom_equals(places.geometry).all()
    assert again["predicted_2"].notna().sum() == 59


def test_tables_and_embeddings_are_not_mixed_up(train, table_head, apply, table, tmp_path):
    path, _ = table
    with pytest.raises(BadInput, match="columns of a table"):
        apply(output=str(tmp_path / "m.tif"))
    with pytest.raises(BadJob, match="asked for nothing"):
        apply(embedding="", table=str(path))
    with pytest.raises(BadJob, match=r"\.gpkg, \.csv"):
        apply(embedding="", table=str(path), output_table=str(tmp_path / "o.xyz"))
    path.write_text("b1,kind\n1,ash\n")
    with pytest.raises(BadInput, match="no field 'b2'"):
        apply(embedding="", table=str(path), output_table=str(tmp_path / "o.csv"))
    train()
    with pytest.raises(BadInput, match="trained on an embedding"):
        apply(embedding="", table=str(path), output_table=str(tmp_path / "o.csv"))


@pytest.mark.skipif(importlib.util.find_spec("pyarrow") is not None, reason="pyarrow is installed")
def test_parquet_without_its_library_is_a_sentence(table_head, apply, table, tmp_path):
    with pytest.raises(EngineTooSmall, match=r"Choose \.gpkg or \.csv"):
        apply(embedding="", table=str(table[0]), output_table=str(tmp_path / "o.parquet"))
    assert not list(tmp_path.glob("o*"))


@pytest.mark.parametrize("harm", [
    lambda facts: facts.pop("features"), lambda facts: facts["features"].pop("identity"),
    lambda facts: facts["classes"].pop(), lambda facts: facts["classes"][0].update(colour="#zz"),
])  # fmt: skip
def test_a_head_with_facts_that_are_not_whole_is_a_sentence(head, apply, tmp_path, harm):
    path = tmp_path / "a.qhead"
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    facts = json.loads(members["facts.json"])
    harm(facts)
    members["facts.json"] = json.dumps(facts).encode()
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    with pytest.raises(BadInput, match="is damaged"):
        apply(output=str(tmp_path / "map.tif"))
    assert not list(tmp_path.glob("map*"))


def test_many_classes_bring_no_talk_of_libraries(train, recwarn):
    frame = fields.labels(size=1)
    frame["kind"] = [f"class {number // 2}" for number in range(len(frame))]
    train(frame, head="linear")
    assert not [str(w.message) for w in recwarn if "unique classes" in str(w.message)]
