"""Estimate area from end to end, on maps."""

import json
import os
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pyogrio
import pytest
import rasterio
from quadrat.core.errors import BadInput, BadJob
from quadrat.core.jobs.estimate import EstimateArea
from quadrat.core.jobs.fewshot import ApplyHead, TrainHead
from quadrat.core.pipelines.registry import run_job
from quadrat.core.progress import Progress
from quadrat.core.sidecar import read_sidecar
from quadrat.tests.core import fields
from quadrat.tests.core.samplework import NAMES, fill, name_classes, places, rewrite, scene
from rasterio.transform import Affine
from scipy.ndimage import gaussian_filter

pytestmark = pytest.mark.same_without_torch


class TestArea:
    def test_the_truth_lies_inside_and_counting_would_have_misled(self, world, draw, estimate):
        truth, path = world
        sample, *_ = draw(map=path, size=900, seed=1)
        fill(sample, truth)
        numbers, log, page = estimate(sample, of_class="WOOD")
        assert numbers["kind"] == "area"
        assert numbers["unit"] == "ha"
        assert numbers["estimator"] == "stratified"
        with rasterio.open(path) as file:
            shown = file.read(1)
        for row, (value, name) in zip(numbers["rows"], NAMES.items(), strict=True):
            assert row["name"] == name
            real, counted = 0.01 * (truth == value).sum(), 0.01 * (shown == value).sum()
            assert row["shown"]["low"] < real < row["shown"]["high"]
            assert row["counted"] == pytest.approx(counted)
            assert row["shown"]["value"] == pytest.approx(432 * row["share"]["value"])
        wood = numbers["rows"][numbers["headline"]]
        assert wood["name"] == "wood"
        assert re.match(
            r"wood covers \d+(\.\d)? ha \(95 % interval: \d+(\.\d)? to \d+(\.\d)?\)", numbers["sentences"][0]
        )
        assert "Counting pixels would have said" in numbers["sentences"][1]
        assert numbers["sentences"][0] in log
        overall = numbers["accuracy"]["overall"]
        assert overall["low"] < (truth == shown).mean() < overall["high"]
        assert "Reference (columns)" in page
        assert "Map (rows)" in page

    def test_rows_of_the_table_are_the_map(self, make_raster, draw, estimate):
        """All that the map shows as 1 is 2 in truth, and never the other way round."""
        shown = np.repeat([[1, 2]], 50, axis=0).repeat(40, axis=1)
        path = make_raster("a.tif", shown[None], nodata=0)
        sample, *_ = draw(map=path, size=60, minimum=20)
        fill(sample, np.full(shown.shape, 2), {2: "2"})
        numbers, *_ = estimate(sample)
        assert numbers["accuracy"]["counts"][0] == [0, 30]
        assert numbers["accuracy"]["counts"][1] == [0, 30]
        users, producers = ([row["value"] for row in numbers["accuracy"][name]] for name in ("users", "producers"))
        assert users == [0, 1]
        assert producers == [None, 0.5]

    def test_files_beside_the_report(self, world, draw, estimate, tmp_path):
        truth, path = world
        sample, *_ = draw(map=path, size=120)
        fill(sample, truth)
        _, _, page = estimate(sample, of_class="wood")
        table = pd.read_csv(tmp_path / "r.csv")
        assert table["name"].tolist() == list(NAMES.values())
        assert table["value (ha)"].sum() == pytest.approx(432)
        assert not re.search(r"<script|https?://(?!www\.w3)|src=", page)
        sidecar = read_sidecar(str(tmp_path / "r.html"))
        assert sidecar["facts"]["result"] == "report"
        before = (tmp_path / "r.html").read_bytes()
        estimate(sample, of_class="wood")
        assert (tmp_path / "r.html").read_bytes() == before

    def test_names_from_files_are_escaped(self, make_raster, draw, estimate):
        truth, shown = scene(40, 40)
        path = make_raster("a.tif", shown[None], nodata=0)
        evil = {value: f"<b>{name}&" for value, name in NAMES.items()}
        name_classes(path, evil)
        sample, *_ = draw(map=path, size=60, minimum=10)
        fill(sample, truth, evil)
        _, _, page = estimate(sample)
        assert "<b>w" not in page
        assert "&lt;b&gt;wood&amp;" in page

    def test_the_first_so_many_are_a_valid_sample_and_gaps_are_told(self, world, draw, estimate):
        truth, path = world
        sample, *_ = draw(map=path, size=300, minimum=60)
        fill(sample, truth, only=lambda order: order <= 150)
        numbers, _, _ = estimate(sample)
        assert numbers["labelled"] == 150
        assert any("valid smaller sample" in note for note in numbers["notes"])
        fill(sample, truth, only=lambda order: order % 3)
        numbers, log, _ = estimate(sample)
        assert numbers["labelled"] == 200
        assert any("in between" in note for note in numbers["notes"])
        assert any("in between" in line for line in log)

    def test_classes_that_the_map_lacks_and_slips_of_the_pen(self, world, draw, estimate):
        truth, path = world
        sample, *_ = draw(map=path, size=200)
        names = {1: "Water ", 2: "wood", 3: "reeds"}
        fill(sample, np.where(truth == 2, np.where(np.arange(240) % 9 == 0, 4, 2), truth), {**names, 4: "cloud"})
        numbers, *_ = estimate(sample)
        assert [row["name"] for row in numbers["rows"]][:3] == ["water", "wood", "reed"]
        assert {row["name"] for row in numbers["rows"][3:]} == {"cloud", "reeds"}
        assert any("If 'reed' is meant" in note for note in numbers["notes"])
        assert any("not on the map: " in note and "cloud" in note for note in numbers["notes"])
        assert sum(row["share"]["value"] for row in numbers["rows"]) == pytest.approx(1)
        assert len(numbers["accuracy"]["counts"]) == 3

    def test_codes_do_as_names(self, world, draw, estimate):
        truth, path = world
        sample, *_ = draw(map=path, size=200)
        by_name = fill(sample, truth) is not None and estimate(sample)[0]
        fill(sample, truth, {1: "1", 2: "2", 3: "3"})
        assert estimate(sample)[0]["rows"] == by_name["rows"]

    def test_moved_points_still_stand_for_their_cells(self, world, draw, estimate):
        truth, path = world
        sample, *_ = draw(map=path, size=200, design="simple")
        before = fill(sample, truth) is not None and estimate(sample)[0]
        frame = places(sample)
        frame.geometry = frame.geometry.translate(300)
        rewrite(sample, frame)
        after = estimate(sample)[0]
        assert after["rows"] == before["rows"]
        assert any("200 points were moved" in note for note in after["notes"])

    def test_a_simple_sample_with_the_map_is_surer_than_without(self, world, draw, estimate, tmp_path):
        truth, path = world
        sample, *_ = draw(map=path, size=400, design="simple")
        fill(sample, truth)
        helped, *_ = estimate(sample)
        assert helped["estimator"] == "prediction"
        plain, *_ = estimate(sample, estimator="stratified")
        for a, b, value in zip(helped["rows"], plain["rows"], NAMES, strict=True):
            assert a["half"] < b["half"] or a["share"]["method"] == "exact"
            assert a["share"]["low"] < (truth == value).mean() < a["share"]["high"]
        corrected, *_ = estimate(sample, estimator="matrix")
        assert any("Condition number" in note for note in corrected["notes"])
        os.remove(path)
        alone, *_ = estimate(sample)
        assert alone["estimator"] == "stratified"
        assert alone["rows"][0]["counted"] is None
        with pytest.raises(BadInput, match="needs a prediction"):
            estimate(sample, estimator="prediction")

    def test_another_map_is_judged_by_the_same_sample(self, world, draw, estimate, make_raster):
        truth, path = world
        sample, *_ = draw(map=path, size=500)
        fill(sample, truth)
        better = np.where(np.random.default_rng(0).random(truth.shape) < 0.03, 1, truth)
        other = make_raster("better.tif", better[None], nodata=0)
        name_classes(other)
        own, *_ = estimate(sample)
        new, *_ = estimate(sample, map=other)
        assert [r["share"]["value"] for r in new["rows"]] == pytest.approx([r["share"]["value"] for r in own["rows"]])
        found = new["accuracy"]["overall"]
        assert found["low"] < (better == truth).mean() < found["high"]
        assert found["value"] > own["accuracy"]["overall"]["value"]
        assert new["rows"][0]["counted"] == pytest.approx(0.01 * (better == 1).sum())

    def test_a_design_that_is_only_stated(self, world, draw, estimate, tmp_path):
        truth, path = world
        sample, *_ = draw(map=path, size=300)
        fill(sample, truth)
        recorded, *_ = estimate(sample)
        bare = str(tmp_path / "bare.gpkg")
        places(sample)[["reference", "geometry"]].to_crs(4326).to_file(bare)
        with pytest.raises(BadInput, match="how it was drawn"):
            estimate(bare)
        stated, *_ = estimate(bare, design="stratified", map=path)
        for a, b in zip(stated["rows"], recorded["rows"], strict=True):
            assert a["share"] == b["share"]
        assert "nothing beside the sample proves it" in " ".join(
            estimate(bare, design="stratified", map=path)[2].split()
        )

    def test_area_in_degrees_is_true_area(self, make_raster, draw, estimate):
        shown = np.repeat([[1], [2]], 80, axis=0).repeat(50, axis=1)
        path = make_raster("d.tif", shown[None], crs="EPSG:4326", nodata=0, transform=Affine(0.5, 0, 0, 0, -0.5, 80))
        name_classes(path)
        sample, *_ = draw(map=path, size=100, minimum=40)
        fill(sample, shown)
        numbers, *_ = estimate(sample)
        south = np.sin(np.radians(40)) / np.sin(np.radians(80))
        assert numbers["unit"] == "km²"
        assert numbers["rows"][1]["share"]["value"] == pytest.approx(south, abs=0.003)  # on a sphere; ours is not one
        sphere = 6371.0072**2 * np.radians(25) * np.sin(np.radians(80))
        assert numbers["area_m2"] / 1e6 == pytest.approx(sphere, rel=0.003)

    def test_without_crs_there_are_shares_and_no_areas(self, make_raster, draw, estimate):
        truth, shown = scene(60, 60)
        path = make_raster("p.tif", shown[None], crs=None, nodata=0)
        sample, *_ = draw(map=path, size=90, minimum=10)
        fill(sample, truth, {1: "1", 2: "2", 3: "3"})
        numbers, *_ = estimate(sample)
        assert numbers["kind"] == "share"
        assert re.match(r"1 makes up \d+(\.\d)? % of the map", numbers["sentences"][0])

    def test_enough_and_more(self, world, draw, estimate):
        truth, path = world
        sample, *_ = draw(map=path, size=200)
        fill(sample, truth)
        now = estimate(sample, half_width_percent=40)[0]
        assert "enough" in now["sentences"][-1]
        row = estimate(sample, half_width_percent=1)[0]["rows"][1]
        assert row["more"] == pytest.approx(200 * ((100 * row["half"]) ** 2 - 1), rel=0.15)


class TestRefusals:
    def test_chosen_places(self, world, draw, estimate, tmp_path):
        with pytest.raises(BadJob, match=r"no probability sample.*Draw sample"):
            EstimateArea.from_dict({"job": "estimatearea", "sample": "a", "output": "b", "design": "chosen"})
        sample, *_ = draw(map=world[1], size=60)
        fill(sample, world[0])
        sidecar = Path(f"{sample}.quadrat.json")
        content = json.loads(sidecar.read_text(encoding="utf-8"))
        content["job"]["job"] = "suggestlabels"
        sidecar.write_text(json.dumps(content), encoding="utf-8")
        for design in ("recorded", "simple", "stratified"):
            with pytest.raises(BadInput, match=r"suggestlabels.*no probability sample"):
                estimate(sample, design=design, map=world[1])

    def test_a_map_taught_with_the_same_sample(self, make_raster, draw, estimate, tmp_path):
        truth = fields.truth()
        embedding = make_raster("e.tif", fields.scene(), dtype="float32")
        first = make_raster("first.tif", np.where(truth > 0, truth, 0)[None], nodata=0)
        sample, *_ = draw("s.gpkg", map=first, size=90, minimum=10)
        fill(sample, truth, {k + 1: name for k, name in enumerate(fields.NAMES)})
        head, path = str(tmp_path / "h.qhead"), str(tmp_path / "m.tif")
        job = TrainHead(labels=sample, field="reference", embedding=embedding, head="prototype", output=head)
        run_job(job, Progress())
        run_job(ApplyHead(head=head, embedding=embedding, output=path), Progress())
        with pytest.raises(BadInput, match="trained on these very labels"):
            estimate(sample, map=path)
        later, *_ = draw("later.gpkg", map=path, size=90, minimum=10, seed=5)  # drawn from the map: no circle
        fill(later, truth, {k + 1: name for k, name in enumerate(fields.NAMES)})
        assert estimate(later)[0]["labelled"] == 90

    def test_bad_samples_are_sentences(self, world, draw, estimate, tmp_path):
        truth, path = world
        sample, *_ = draw(map=path, size=100)
        with pytest.raises(BadInput, match=r"None of the .* places"):
            estimate(sample)
        with pytest.raises(BadInput, match="Did you mean 'reference'"):
            estimate(sample, field="referense")
        fill(sample, truth)
        with pytest.raises(BadInput, match="says its sidecar"):
            estimate(sample, design="simple")
        with pytest.raises(BadInput, match="No place is labelled 'sand'"):
            estimate(sample, of_class="sand")
        with pytest.raises(BadInput, match="not a number"):
            estimate(sample, target="value")
        with pytest.raises(BadJob, match=r"must be a \.html"):
            estimate(sample, name="r.txt")
        fill(sample, truth, only=lambda order: order < 5)
        with pytest.raises(BadInput, match="fewer than two labels"):
            estimate(sample)
        assert not list(tmp_path.glob("r.*"))

    def test_a_lost_design_is_found_on_the_map_or_told(self, world, draw, estimate):
        truth, path = world
        sample, *_ = draw(map=path, size=150)
        frame = fill(sample, truth)
        before = estimate(sample)[0]["rows"]
        os.remove(sample)
        pyogrio.write_dataframe(frame, sample, layer="edited", driver="GPKG")
        assert estimate(sample)[0]["rows"] == before
        os.remove(path)
        with pytest.raises(BadInput, match="Give that map"):
            estimate(sample)

    def test_a_damaged_sidecar_is_a_sentence(self, world, draw, estimate):
        sample, *_ = draw(map=world[1], size=60)
        sidecar = Path(f"{sample}.quadrat.json")
        content = json.loads(sidecar.read_text(encoding="utf-8"))
        del content["facts"]["design"]["strata"][0]["count"]
        sidecar.write_text(json.dumps(content), encoding="utf-8")
        with pytest.raises(BadInput, match="not hold a whole design"):
            estimate(sample)


class TestValues:
    def test_the_mean_of_a_value_map(self, make_raster, draw, estimate):
        rng = np.random.default_rng(0)
        truth = 20 + 5 * gaussian_filter(rng.normal(size=(90, 110)), 4) * 8
        shown = truth + 3 + rng.normal(0, 2, truth.shape)
        path = make_raster("v.tif", shown[None], dtype="float32")
        sample, *_ = draw(map=path, size=150, design="simple")
        fill(sample, np.arange(truth.size).reshape(truth.shape), dict(enumerate(truth.ravel())))
        numbers, *_ = estimate(sample, target="value", value_unit="t/ha")
        row = numbers["rows"][0]
        assert numbers["kind"] == "mean"
        assert row["share"]["low"] < truth.mean() < row["share"]["high"]
        assert row["counted"] == pytest.approx(shown.mean(), rel=1e-5)
        assert not row["share"]["low"] < row["counted"] < row["share"]["high"]
        assert re.match(r"The mean of reference is \d+\.\d+ t/ha \(95 % interval", numbers["sentences"][0])
        assert "too much" in numbers["sentences"][1]
        plain = estimate(sample, target="value", estimator="stratified")[0]["rows"][0]
        assert row["half"] < plain["half"]
