"""The job from end to end on files like those that are published."""

import json
import shutil

import geopandas as gpd
import numpy as np
import pytest
import rasterio
import shapely
from affine import Affine
from quadrat.core.errors import BadInput, BadJob, Cancelled, Stale
from quadrat.core.jobs.embed import EmbedRaster, OpenEmbedding
from quadrat.core.jobs.fewshot import ApplyHead, TrainHead
from quadrat.core.pipelines.registry import run_job
from quadrat.core.progress import Progress
from quadrat.tests.core.published import (
    NAMES,
    NORTH,
    PIXEL,
    WEST,
    codes_of,
    unit_vectors,
    values_of,
    write,
    write_alphaearth,
)

CREDITED = ("first.tif", "h.qhead", "map.tif")
CREDIT = "The AlphaEarth Foundations Satellite Embedding dataset is produced by Google and Google DeepMind."


@pytest.fixture
def codes():
    return codes_of(unit_vectors(40, 56))


def test_alphaearth_is_recognised_and_gets_its_values(tmp_path, codes, opened):
    codes[:, 3, 7] = -128
    got = opened(write_alphaearth(tmp_path / "a.tif", codes), storage="float32")
    assert got.valid.sum() == 40 * 56 - 1 and not got.valid[3, 7]
    expected = values_of(codes)
    expected[:, 3, 7] = 0
    np.testing.assert_allclose(got.values, expected, atol=1e-6)
    assert got.names == NAMES and got.facts["backbone"] == "alphaearth"


@pytest.mark.parametrize("bottom_up", [True, False])
def test_result_begins_in_the_north_west(tmp_path, codes, opened, bottom_up):
    got = opened(write_alphaearth(tmp_path / "a.tif", codes, bottom_up), storage="float32")
    assert got.grid.transform == Affine(PIXEL, 0, WEST, 0, -PIXEL, NORTH)
    np.testing.assert_allclose(got.values, values_of(codes), atol=1e-6)
    assert ("begins in the south" in got.text) == bottom_up


def test_bytes_stay_near_the_values(tmp_path, codes, opened):
    path = write_alphaearth(tmp_path / "a.tif", codes)
    got = opened(path)
    with rasterio.open(got.path) as dataset:
        assert set(dataset.dtypes) == {"uint8"} and dataset.nodata == 0
    error = np.abs(got.values - values_of(codes))
    assert np.percentile(error, 99) < 0.003  # the codes themselves are 0.005 apart at the usual value of 0.12


@pytest.mark.parametrize("storage", ["bytes", "float32"])
def test_cells_are_means_of_values_of_length_one(tmp_path, codes, opened, storage):
    codes[:, :3, :4] = -128
    codes[:, 8, 8] = -128
    got = opened(write_alphaearth(tmp_path / "a.tif", codes), cell_size_px=4, storage=storage)
    values = values_of(codes) * (codes != -128)
    sums = values.reshape(64, 10, 4, 14, 4).sum(axis=(2, 4))
    expected = sums / np.linalg.norm(sums, axis=0)
    assert not got.valid[0, 0] and got.valid.sum() == 139
    np.testing.assert_allclose(
        got.values[:, got.valid], expected[:, got.valid], atol=1e-6 if storage == "float32" else 4e-3
    )
    assert got.grid.transform == Affine(4 * PIXEL, 0, WEST, 0, -4 * PIXEL, NORTH)


def test_cells_at_the_edge_count_pixels_inside_the_file_only(tmp_path, opened):
    codes = codes_of(unit_vectors(10, 11))
    got = opened(write_alphaearth(tmp_path / "a.tif", codes), cell_size_px=4, storage="float32")
    assert got.values.shape == (64, 3, 3) and got.valid.all()
    corner = values_of(codes)[:, 8:, 8:].mean(axis=(1, 2))
    np.testing.assert_allclose(got.values[:, 2, 2], corner / np.linalg.norm(corner), atol=1e-6)


def test_earth_engine_exports_are_values_already(tmp_path, opened):
    vectors = unit_vectors(20, 20).astype(np.float32)
    vectors[:, 5, 5] = 0  # what Earth Engine writes for masked pixels
    vectors[:, 6, 6] = np.nan
    got = opened(write(tmp_path / "e.tif", vectors, names=NAMES), storage="float32")
    assert got.facts["backbone"] == "alphaearth" and got.valid.sum() == 398
    np.testing.assert_allclose(got.values[:, got.valid], vectors[:, got.valid], atol=1e-7)


def test_codes_and_exports_are_one_space_and_years_too(tmp_path, codes, opened):
    one = opened(write_alphaearth(tmp_path / "2020.tif", codes), "one.tif")
    two = opened(write_alphaearth(tmp_path / "2021.tif", codes[:, ::-1]), "two.tif", cell_size_px=4)
    floats = opened(write(tmp_path / "e.tif", values_of(codes).astype(np.float32), names=NAMES), "three.tif")
    assert one.tags["identity"] == two.tags["identity"] == floats.tags["identity"]


@pytest.mark.parametrize("how", ["floats", "averaged"])
def test_codes_that_are_no_codes_any_more_are_refused(tmp_path, codes, opened, how):
    spoilt = codes.astype(np.float32)
    if how == "averaged":
        spoilt = spoilt.reshape(64, 10, 4, 14, 4).mean(axis=(2, 4)) / 127.5
    with pytest.raises(BadInput, match=r"have length .* not 1"):
        opened(write(tmp_path / "f.tif", spoilt, names=NAMES))
    assert not (tmp_path / "out.tif").exists()


def test_a_byte_raster_of_old_gdal_is_refused(tmp_path, codes, opened):
    path = write(tmp_path / "u.tif", codes.view(np.uint8), names=NAMES)
    with pytest.raises(BadInput, match="unsigned bytes"):
        opened(path)


def test_virtual_rasters_join_tiles(tmp_path, codes, opened):
    left, right = codes[:, :, :24], codes[:, :, 24:]
    paths = [write_alphaearth(tmp_path / "l.tif", left, False), str(tmp_path / "r.tif")]
    profile = {"driver": "GTiff", "count": 64, "height": 40, "width": 32, "dtype": "int8", "nodata": -128}
    moved = Affine(PIXEL, 0, WEST + 24 * PIXEL, 0, -PIXEL, NORTH)
    with rasterio.open(paths[1], "w", crs="EPSG:32722", transform=moved, **profile) as dataset:
        dataset.write(right)
        dataset.descriptions = NAMES
    got = opened(virtual(tmp_path / "both.vrt", paths), storage="float32")
    np.testing.assert_allclose(got.values, values_of(codes), atol=1e-6)


def virtual(path, paths):
    """A VRT of two rasters side by side, as gdalbuildvrt writes it."""
    bands = []
    for band in range(1, 65):
        sources = "".join(
            f"<ComplexSource><SourceFilename relativeToVRT='0'>{name}</SourceFilename><SourceBand>{band}</SourceBand>"
            f"<SrcRect xOff='0' yOff='0' xSize='{width}' ySize='40'/>"
            f"<DstRect xOff='{left}' yOff='0' xSize='{width}' ySize='40'/><NODATA>-128</NODATA></ComplexSource>"
            for name, left, width in ((paths[0], 0, 24), (paths[1], 24, 32))
        )
        bands.append(
            f"<VRTRasterBand dataType='Int8' band='{band}'><NoDataValue>-128</NoDataValue>{sources}</VRTRasterBand>"
        )
    path.write_text(
        "<VRTDataset rasterXSize='56' rasterYSize='40'><SRS>EPSG:32722</SRS>"
        f"<GeoTransform>{WEST}, {PIXEL}, 0, {NORTH}, 0, -{PIXEL}</GeoTransform>{''.join(bands)}</VRTDataset>"
    )
    return path


def test_extent_and_polygons_choose_cells(tmp_path, codes, opened):
    path = write_alphaearth(tmp_path / "a.tif", codes)
    extent = f"{WEST + 80},{WEST + 280},{NORTH - 300},{NORTH - 100}"
    square = shapely.box(WEST + 80, NORTH - 200, WEST + 180, NORTH - 100)
    gpd.GeoDataFrame(geometry=[square], crs="EPSG:32722").to_file(tmp_path / "m.gpkg")
    got = opened(path, extent=extent, mask=str(tmp_path / "m.gpkg"), storage="float32")
    assert got.values.shape == (64, 20, 20)
    assert got.valid[:10, :10].all() and got.valid.sum() == 100
    np.testing.assert_allclose(got.values[:, :10, :10], values_of(codes)[:, 10:20, 8:18], atol=1e-6)


def test_credit_is_kept(tmp_path, codes, opened):
    got = opened(write_alphaearth(tmp_path / "a.tif", codes))
    facts = json.loads((tmp_path / "out.tif.quadrat.json").read_text())["facts"]
    assert facts["credit"] == CREDIT == got.tags["credit"] and facts["licence"] == "CC-BY-4.0"
    assert CREDIT in got.text
    assert len(facts["picture"]["bands"]) == 3 and facts["result"] == "embedding"


def test_any_raster_of_vectors(tmp_path, opened):
    numbers = np.random.default_rng(3).integers(0, 200, (5, 12, 12)).astype(np.int16)
    numbers[:, 0, 0] = 255
    path = write(tmp_path / "n.tif", numbers)
    with pytest.raises(BadInput, match="no published embedding"):
        opened(path)
    fields = {"product": "other", "scale": 0.01, "offset": -1.0, "nodata": "255", "storage": "float32"}
    got = opened(path, space="mine", **fields)
    assert got.valid.sum() == 143
    np.testing.assert_allclose(got.values[:, got.valid], numbers[:, got.valid] * 0.01 - 1, atol=1e-6)
    other = opened(path, "two.tif", space="yours", **fields)
    assert got.tags["identity"] != other.tags["identity"]
    unit = opened(path, "three.tif", space="mine", unit_length=True, **fields)
    np.testing.assert_allclose(np.linalg.norm(unit.values[:, unit.valid], axis=0), 1, atol=1e-5)
    chosen = opened(path, "four.tif", space="mine", bands=(2, 4), **fields)
    np.testing.assert_allclose(chosen.values[1, 5, 5], numbers[3, 5, 5] * 0.01 - 1, atol=1e-6)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"product": "other"}, "needs a name"),
        ({"scale": 2.0}, "for the product 'other' only"),
        ({"product": "other", "space": "a", "nodata": "none"}, "is no number"),
        ({"product": "other", "space": "a", "scale": 0.0}, "all values alike"),
    ],
)
def test_parameters_that_do_not_go_together(fields, words):
    with pytest.raises(BadJob, match=words):
        OpenEmbedding.from_dict({"input": "a.tif", "output": "b.tif", **fields})


def test_the_wrong_product_is_refused(tmp_path, codes, opened):
    path = write_alphaearth(tmp_path / "a.tif", codes)
    with pytest.raises(BadInput, match="holds alphaearth, not TESSERA"):
        opened(path, product="tessera-v1")
    with pytest.raises(BadInput, match="64 bands"):
        opened(path, product="alphaearth", bands=(1, 2, 3))
    got = opened(path)
    with pytest.raises(BadInput, match="made by Quadrat"):
        opened(got.path, "again.tif")
    with pytest.raises(BadJob, match="Choose another file"):
        opened(path, "a.tif")


def test_a_file_of_nothing_is_refused(tmp_path, opened):
    with pytest.raises(BadInput, match="holds no vector"):
        opened(write_alphaearth(tmp_path / "a.tif", np.full((64, 20, 20), -128, np.int8)))


def test_a_stopped_run_goes_on_and_makes_the_same_bytes(tmp_path, opened):
    codes = codes_of(unit_vectors(200, 290))
    path = write_alphaearth(tmp_path / "a.tif", codes, tiled=True)
    whole = opened(path, "whole.tif")
    count = 0

    class Stopping(Progress):
        def checkpoint(self, fraction=None, text=""):
            nonlocal count
            count += not text and fraction is not None
            if count == 4:
                raise Cancelled("stop")

        def part(self, low, high):
            return self

    with pytest.raises(Cancelled):
        opened(path, "half.tif", Stopping())
    assert (tmp_path / "half.tif.part").exists()
    again = opened(path, "half.tif")
    assert "Going on" in again.text
    assert (tmp_path / "half.tif").read_bytes() == (tmp_path / "whole.tif").read_bytes()
    np.testing.assert_array_equal(again.values, whole.values)
    assert "up to date" in opened(path, "half.tif").text


def test_raw_codes_are_warned_of_and_other_heads_refused(tmp_path, codes, opened):
    raw = write_alphaearth(tmp_path / "a.tif", codes, False)
    labels = tmp_path / "labels.gpkg"
    boxes = [
        shapely.box(WEST + 100 * i, NORTH - 400, WEST + 100 * i + 60, NORTH - 100 * (i % 2) - 10) for i in range(5)
    ]
    gpd.GeoDataFrame({"kind": list("abaab")}, geometry=boxes, crs="EPSG:32722").to_file(labels)
    log = []
    progress = Progress(log=lambda level, text: log.append((level, text)))
    job = {"labels": str(labels), "field": "kind", "head": "prototype"}
    run_job(TrainHead(embedding=raw, output=str(tmp_path / "raw.qhead"), **job), progress)
    assert [text for level, text in log if level == "warning" and "codes of AlphaEarth" in text]
    got = opened(raw)
    log.clear()
    run_job(TrainHead(embedding=got.path, output=str(tmp_path / "h.qhead"), **job), progress)
    assert "codes of AlphaEarth" not in str(log)
    with pytest.raises(Stale):
        run_job(ApplyHead(head=str(tmp_path / "h.qhead"), embedding=raw, output=str(tmp_path / "m.tif")), progress)
    with pytest.raises(BadInput, match="published embedding"):
        run_job(EmbedRaster(input=raw, like=got.path, output=str(tmp_path / "l.tif")), progress)


def test_from_the_bucket_to_a_map_of_another_year(tmp_path, opened):
    """Two classes of vectors, a head trained on one year, applied to the next: the classes come out where they are."""
    truth = np.zeros((60, 60), int)
    truth[:, 30:] = 1
    rng = np.random.default_rng(5)
    middles = rng.normal(size=(64, 2))

    def year(number, classes):
        noisy = middles[:, classes] + 0.6 * np.random.default_rng(number).normal(size=(64, 60, 60))
        return write_alphaearth(tmp_path / f"{number}.tif", codes_of(noisy / np.linalg.norm(noisy, axis=0)))

    first = opened(year(2023, truth), "first.tif")
    second = opened(year(2024, truth.T), "second.tif", cell_size_px=3)
    points = [(WEST + 10 * (3 + 9 * i) + 5, NORTH - 10 * (5 + 7 * j) - 5) for i in range(6) for j in range(6)]
    kinds = ["wood" if x >= WEST + 300 else "field" for x, _ in points]
    labels = gpd.GeoDataFrame(
        {"kind": kinds}, geometry=gpd.points_from_xy(*zip(*points, strict=True)), crs="EPSG:32722"
    )
    labels.to_file(tmp_path / "labels.gpkg")
    head, output = str(tmp_path / "h.qhead"), str(tmp_path / "map.tif")
    job = {"labels": str(tmp_path / "labels.gpkg"), "field": "kind"}
    run_job(TrainHead(embedding=first.path, output=head, **job), Progress())
    run_job(ApplyHead(head=head, embedding=second.path, output=output), Progress())
    owed = [f"{CREDIT} (CC-BY-4.0)"]
    assert [json.loads((tmp_path / f"{name}.quadrat.json").read_text())["facts"]["credits"] for name in CREDITED] == [
        owed, owed, owed,
    ]  # fmt: skip
    with rasterio.open(output) as dataset:
        made = dataset.read(1)
        assert dataset.transform.e == -3 * PIXEL and dataset.transform.f == NORTH
    expected = truth.T[1::3, 1::3] + 1  # classes in order of their names
    assert (made == expected).mean() == 1.0


def test_moved_files_are_up_to_date(tmp_path, codes, opened):
    path = write_alphaearth(tmp_path / "a.tif", codes)
    opened(path)
    moved = tmp_path / "elsewhere"
    moved.mkdir()
    shutil.move(path, moved / "b.tif")
    assert "up to date" in opened(moved / "b.tif").text
