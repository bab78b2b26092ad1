import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from quadrat.core.burning import Burner
from quadrat.core.errors import BadInput, BadJob
from quadrat.core.grid import Grid
from quadrat.core.jobs.fewshot import TrainHead
from quadrat.core.labels import load_samples
from quadrat.core.pipelines.registry import run_job
from quadrat.core.progress import Progress
from quadrat.core.raster import RasterReader, open_raster
from quadrat.core.samples import LabelReport, read_targets
from rasterio.transform import Affine

WEST, NORTH, CELL = 600_000, 9_000_000, 10
"""Of the rasters that `make_raster` makes: 50 columns, 40 rows."""


def at(row, col):
    """Middle of a cell."""
    return shapely.Point(WEST + CELL * (col + 0.5), NORTH - CELL * (row + 0.5))


def box(top, left, bottom, right):
    """Polygon over cells, edges on their borders."""
    return shapely.box(WEST + CELL * left, NORTH - CELL * bottom, WEST + CELL * right, NORTH - CELL * top)


@pytest.fixture
def raster(make_raster):
    """Band 1 holds the row, band 2 the column, so a sample tells where it was read."""
    rows, cols = np.mgrid[:40, :50]
    return make_raster("rc.tif", np.stack([rows, cols]), dtype="int16", crs="EPSG:32722")


@pytest.fixture
def sample(tmp_path, raster):
    """Samples of geometries and classes, and the log."""

    def go(shapes, classes, crs="EPSG:32722", embedding=None, columns=None, **fields):
        frame = gpd.GeoDataFrame({"kind": classes, **(columns or {})}, geometry=shapes, crs=crs)
        path = tmp_path / "labels é.gpkg"
        frame.to_file(path)
        values = {"labels": str(path), "field": "kind", "embedding": embedding or raster, "output": "x.qhead"}
        log = []
        progress = Progress(log=lambda level, text: log.append(text))
        return load_samples(TrainHead.from_dict(values | fields), progress), log

    return go


def found(samples, name):
    """Set of (row, column) of a class, as read from the raster itself."""
    value = next(entry.value for entry in samples.classes if entry.name == name)
    return {tuple(int(v) for v in row) for row in samples.X[samples.y == value]}


def test_points_take_the_cell_under_them_also_in_another_crs(sample):
    shapes = [at(3, 4), at(0, 0), at(39, 49)]
    samples, _ = sample(shapes, ["a", "b", "b"])
    assert found(samples, "a") == {(3, 4)}
    assert found(samples, "b") == {(0, 0), (39, 49)}
    moved = gpd.GeoSeries(shapes, crs="EPSG:32722").to_crs("EPSG:4326")
    again, _ = sample(list(moved), ["a", "b", "b"], crs="EPSG:4326")
    np.testing.assert_array_equal(again.X, samples.X)
    np.testing.assert_array_equal(samples.cells, samples.X)
    np.testing.assert_allclose(samples.xy[0], [WEST + 5, NORTH - 5])


def test_polygons_take_cells_whose_centre_is_inside(sample):
    small = at(20, 20).buffer(2)  # no centre but its own
    off_centre = shapely.Point(WEST + 301, NORTH - 301).buffer(0.5)  # corner of cell (30, 30), no centre
    shapes = [box(2, 3, 4, 6), small, off_centre]
    samples, log = sample(shapes, ["a", "b", "c"])
    assert found(samples, "a") == {(r, c) for r in (2, 3) for c in (3, 4, 5)}
    assert found(samples, "b") == {(20, 20)}
    assert found(samples, "c") == {(30, 30)}
    assert samples.report.small == 1
    assert any("no centre" in line for line in log)
    touched, _ = sample([box(2, 3, 4, 6).buffer(1), at(9, 9)], ["a", "b"], all_touched=True)
    assert found(touched, "a") == {(r, c) for r in range(1, 5) for c in range(2, 7)}


def test_lines_take_the_cells_they_touch(sample):
    line = shapely.LineString([at(5, 5), at(5, 9)])
    upright = shapely.LineString([at(7, 1), at(9, 1)])
    samples, _ = sample([line, upright], ["a", "b"])
    assert found(samples, "a") == {(5, c) for c in range(5, 10)}
    assert found(samples, "b") == {(r, 1) for r in (7, 8, 9)}


def test_parts_collections_and_invalid_shapes(sample):
    bow = shapely.Polygon([(WEST, NORTH), (WEST + 40, NORTH - 40), (WEST + 40, NORTH), (WEST, NORTH - 40)])
    many = shapely.MultiPoint([at(10, 10), at(11, 11)])
    mixed = shapely.GeometryCollection([at(20, 1), box(22, 1, 23, 3)])
    samples, _ = sample([bow, many, mixed], ["a", "b", "c"])
    assert samples.report.repaired == 1
    assert {(0, 1), (0, 2)}.isdisjoint(found(samples, "a"))
    assert {(1, 0), (2, 0), (1, 3), (2, 3)} <= found(samples, "a")
    assert found(samples, "b") == {(10, 10), (11, 11)}
    assert found(samples, "c") == {(20, 1), (22, 1), (22, 2)}
    ten = samples.groups[(samples.X[:, 0] == 10) | (samples.X[:, 0] == 11)]
    assert len(np.unique(ten)) == 1


def test_what_cannot_be_used_is_counted_and_told(sample, make_raster):
    holes = np.zeros((40, 50), bool)
    holes[:, 40:] = True
    values = np.stack([*np.mgrid[:40, :50]]) + 1
    masked = make_raster("m.tif", values, dtype="int16", missing="nodata", holes=holes)
    shapes = [at(1, 1), at(2, 2), at(3, 45), at(500, 500), None, shapely.Point(), at(4, 4), at(6, 6), at(8, 8)]
    classes = ["a", "b", "c", "a", "a", "b", None, "  ", "b"]
    samples, log = sample(shapes, classes, embedding=masked)
    report = samples.report
    assert (report.cells_nodata, report.outside, report.without_geometry, report.without_class) == (1, 1, 2, 2)
    assert report.lost_classes == ("c",)
    assert [entry.name for entry in samples.classes] == ["a", "b"]
    assert len(samples.y) == report.cells == 3
    text = " ".join(log)
    for part in ("nodata", "outside the embedding", "no geometry", "no class", "No sample is left of: c"):
        assert part in text


def test_labels_partly_outside_give_the_cells_inside(sample):
    samples, _ = sample([box(-5, -5, 2, 2), box(38, 48, 60, 60)], ["a", "b"])
    assert found(samples, "a") == {(0, 0), (0, 1), (1, 0), (1, 1)}
    assert found(samples, "b") == {(38, 48), (38, 49), (39, 48), (39, 49)}


def test_several_labels_in_one_cell(sample):
    shapes = [at(1, 1)] * 2 + [at(2, 2)] * 3 + [at(3, 3)] * 2 + [at(4, 4), at(5, 5)]
    samples, log = sample(shapes, ["a", "a", "b", "a", "b", "a", "b", "a", "b"])
    assert found(samples, "a") == {(1, 1), (4, 4)}
    assert found(samples, "b") == {(2, 2), (5, 5)}
    report = samples.report
    assert (report.same_cell, report.outvoted, report.tied) == (1, 1, 1)
    assert sum("conflicting" in line for line in log) == 2


def test_several_values_in_one_cell_are_averaged(sample):
    samples, _ = sample([at(1, 1), at(1, 1), at(2, 2), at(3, 3)], [1.0, 2.0, 5.0, 7.5], target="value")
    np.testing.assert_allclose(samples.y, [1.5, 5.0, 7.5])
    assert samples.report.averaged == 1
    assert samples.classes == ()


def test_values_that_are_no_numbers_are_a_sentence(sample):
    with pytest.raises(BadInput, match="'much', which is not a number"):
        sample([at(1, 1), at(2, 2), at(3, 3)], ["1", "much", "2"], target="value")


def test_most_cells_from_one_label_by_a_seeded_draw(sample):
    shapes = [box(0, 0, 20, 20), box(30, 0, 31, 5)]
    samples, _ = sample(shapes, ["a", "b"], max_cells=30)
    assert samples.counts == {"a": 30, "b": 5}
    assert samples.report.thinned == 1
    again, _ = sample(shapes, ["a", "b"], max_cells=30)
    np.testing.assert_array_equal(samples.X, again.X)
    other, _ = sample(shapes, ["a", "b"], max_cells=30, seed=1)
    assert found(other, "a") != found(samples, "a")
    rows = samples.X[samples.y == 1, 0]
    assert rows.min() < 5
    assert rows.max() > 14
    everything, _ = sample(shapes, ["a", "b"], max_cells=0)
    assert everything.counts["a"] == 400


def test_class_values_follow_numbers_then_alphabet(sample):
    shapes = [at(r, r) for r in range(4)]
    for classes, names in [
        ([10, 2, 10, 1], ["1", "2", "10"]),
        (["10", "2", "10", "1"], ["1", "2", "10"]),
        ([1.0, 2.5, 1.0, -3.0], ["-3", "1", "2.5"]),
        ([" wood", "Water", "wood", "ähre"], ["Water", "wood", "ähre"]),
    ]:
        samples, _ = sample(shapes, classes)
        assert [entry.name for entry in samples.classes] == names
        assert [entry.value for entry in samples.classes] == list(range(1, len(names) + 1))


def test_groups_are_features_or_the_group_field(sample):
    shapes = [box(0, 0, 2, 2), box(5, 5, 7, 7), at(9, 9), at(11, 11)]
    samples, _ = sample(shapes, ["a", "b", "a", "b"])
    assert len(np.unique(samples.groups)) == 4
    assert samples.grouped
    assert samples.group_kind == "polygons"
    columns = {"village": ["x", "x", None, "y"]}
    samples, log = sample(shapes, ["a", "b", "a", "b"], columns=columns, group_field="village")
    assert len(np.unique(samples.groups)) == 3
    assert samples.by_field
    assert any("no group" in line for line in log)
    points, _ = sample([at(1, 1), at(2, 2)], ["a", "b"])
    assert not points.grouped
    assert points.group_kind == "points"


@pytest.mark.parametrize(
    ("classes", "fields", "sentence"),
    [
        (["a", "a"], {}, "All labels are of one class, 'a'"),
        ([None, None], {}, "No label is left"),
        (["a", "b"], {"field": "kin"}, "Did you mean 'kind'"),
        (["a", "b"], {"group_field": "zzz"}, "Group field: .* It has: kind"),
        ([1.0, 1.0], {"target": "value"}, "fewer than three samples"),
    ],
)
def test_hopeless_labels_are_sentences(sample, classes, fields, sentence):
    with pytest.raises(BadInput, match=sentence):
        sample([at(1, 1), at(2, 2)], classes, **fields)


def test_missing_crs_is_a_sentence_unless_neither_has_one(sample, make_raster):
    with pytest.raises(BadInput, match="no coordinate system"):
        sample([at(1, 1), at(2, 2)], ["a", "b"], crs=None)
    bare = make_raster("bare.tif", crs=None)
    samples, _ = sample([at(1, 1), at(2, 2)], ["a", "b"], crs=None, embedding=bare)
    assert len(samples.y) == 2


def test_labels_that_cannot_be_transformed_lie_outside(sample):
    with pytest.raises(BadInput, match="2 lie outside"):
        sample([shapely.Point(0, 89.9), shapely.Point(170, -89)], ["a", "b"], crs="EPSG:4326")


def test_table_with_coordinates_gives_points(tmp_path, raster):
    lonlat = gpd.GeoSeries([at(3, 4), at(7, 8)], crs="EPSG:32722").to_crs("EPSG:4326")
    path = tmp_path / "t.csv"
    pd.DataFrame({"Lon": lonlat.x, "Lat": lonlat.y, "kind": ["a", "b"]}).to_csv(path, index=False)
    job = {"labels": str(path), "field": "kind", "embedding": raster, "output": "x"}
    samples = load_samples(TrainHead.from_dict(job), Progress())
    np.testing.assert_array_equal(samples.X, [[3, 4], [7, 8]])
    pd.DataFrame({"kind": ["a", "b"]}).to_csv(path, index=False)
    with pytest.raises(BadInput, match="neither geometry nor columns"):
        load_samples(TrainHead.from_dict(job), Progress())


def test_either_embedding_or_feature_fields(sample):
    with pytest.raises(BadInput, match="not both"):
        sample([at(1, 1), at(2, 2)], ["a", "b"], feature_fields=["kind"])


def test_only_windows_with_labels_are_read(sample, make_raster, monkeypatch):
    big = make_raster("big.tif", height=1200, width=1200, count=1)
    shapes = [at(3, 4), at(1100, 1100), at(1101, 1102)]
    read = []
    real = RasterReader.read
    monkeypatch.setattr(RasterReader, "read", lambda self, window: read.append(window) or real(self, window))
    sample(shapes, ["a", "b", "b"], embedding=big)
    assert sum(window.height * window.width for window in read) == 1 + 2 * 3


def test_rotated_grid(make_raster, sample):
    turned = Affine(10, 0, WEST, 0, -10, NORTH) * Affine.rotation(30)
    path = make_raster("turned.tif", np.stack([*np.mgrid[:40, :50]]), dtype="int16", transform=turned)
    x, y = turned * (12.5, 7.5)
    ring = [turned * corner for corner in ((20, 10), (23, 10), (23, 12), (20, 12))]
    samples, _ = sample([shapely.Point(x, y), shapely.Polygon(ring)], ["a", "b"], embedding=path)
    assert found(samples, "a") == {(7, 12)}
    assert found(samples, "b") == {(r, c) for r in (10, 11) for c in (20, 21, 22)}


def test_huge_polygon_is_drawn_from_strip_by_strip(monkeypatch):
    import quadrat.core.burning as burning

    monkeypatch.setattr(burning, "STRIP_CELLS", 1000)
    grid = Grid(Affine(1, 0, 0, 0, -1, 400), "", 400, 300)
    whole = shapely.box(-10, -10, 500, 500)
    cells, _, thinned, _ = Burner(grid, False, 60, 0).cells(whole, 5)
    assert thinned
    assert len(cells) == len(np.unique(cells, axis=0)) == 60
    assert cells.min(axis=0).max() < 60
    assert cells[:, 0].max() > 340
    everything, *_ = Burner(grid, False, 0, 0).cells(whole, 5)
    assert len(everything) == 400 * 300


def test_embedding_signature_is_the_space(make_raster, tmp_path, sample):
    import rasterio

    path = make_raster("e.tif", dtype="float32")
    with rasterio.open(path, "r+") as file:
        file.update_tags(ns="QUADRAT", identity="abc", backbone="spectral-textural")
    samples, _ = sample([at(1, 1), at(2, 2)], ["a", "b"], embedding=path)
    assert samples.space.identity == "abc"
    assert samples.space.signed
    assert not samples.space.own_units
    with open_raster(path) as reader:
        assert samples.space.names == reader.band_names


def test_too_many_classes_are_taken_for_a_quantity():
    table = pd.DataFrame({"v": np.arange(1500) / 7})
    with pytest.raises(BadInput, match="Is it a quantity"):
        read_targets(table, "v", "class", "t.csv")
    assert len(read_targets(table, "v", "value", "t.csv").y) == 1500


def test_every_count_of_the_report_has_a_sentence():
    report = LabelReport()
    for name, _ in LabelReport._SENTENCES:
        setattr(report, name, 7)
    assert len(report.lines()) == 1 + len(LabelReport._SENTENCES)
    numbers = {name for name, value in vars(LabelReport()).items() if value == 0}
    assert numbers - {"features", "cells"} == {name for name, _ in LabelReport._SENTENCES}


def test_bad_head_is_refused_before_reading(tmp_path):
    job = TrainHead(labels="no.gpkg", field="f", embedding="no.tif", head="prototype", target="value", output="x")
    with pytest.raises(BadJob, match="does not estimate a value"):
        run_job(job, Progress())


@pytest.mark.parametrize("turn", [-360, 0, 360])
def test_longitudes_of_either_count_across_180_degrees(sample, make_raster, turn):
    grid = Affine(0.1, 0, 177.5, 0, -0.1, 10)
    path = make_raster("am.tif", np.stack(np.mgrid[:40, :50]), dtype="int16", crs="EPSG:4326", transform=grid)
    lon = np.array([177.55, 178.05, 180.55, 182.45])
    points = [shapely.Point(x + (turn if x + turn >= -180 else 0), 8.05) for x in lon]
    samples, log = sample(points, ["a", "b", "a", "b"], crs="EPSG:4326", embedding=path)
    assert found(samples, "a") == {(19, 0), (19, 30)}
    assert found(samples, "b") == {(19, 5), (19, 49)}
    assert not any("outside" in line for line in log)


def test_an_embedding_without_crs_is_told_when_labels_have_one(sample, make_raster):
    path = make_raster("no.tif", np.stack(np.mgrid[:40, :50]), dtype="int16", crs=None)
    _, log = sample([at(1, 1), at(2, 2)], ["a", "b"], embedding=path)
    assert any("embedding has no coordinate system" in line for line in log)


def test_labels_all_outside_ask_for_the_crs(sample):
    with pytest.raises(BadInput, match="coordinate systems of labels and embedding"):
        sample([at(900, 1), at(902, 2)], ["a", "b"])


def test_values_beyond_what_a_map_holds_are_a_sentence(sample):
    with pytest.raises(BadInput, match=r"holds -1e\+300, more than a map can hold"):
        sample([at(n, n) for n in range(4)], [1.0, 2.0, -1e300, 3.0], target="value")
