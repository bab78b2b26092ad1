"""Session, grid and picture with the engine itself: the sample is embedded, taught with its polygons, and painted."""

import os
import signal
import time
from pathlib import Path

import numpy as np
import pytest
from qgis.core import QgsCoordinateReferenceSystem, QgsGeometry, QgsRectangle, QgsVectorLayer
from quadrat.core.live.messages import At, Label, Next, Open, Scatter, View
from quadrat.plugin.teach.grid import CellGrid
from quadrat.plugin.teach.paint import LiveItem
from quadrat.processing.client import WorkerPool

from .pixels import COLOURS, assert_right, canvas
from .watched import Watched, gone

__all__ = ["canvas"]
"""A fixture, which pytest looks for here."""

SAMPLE = Path(__file__).resolve().parents[2] / "resources" / "sample"
CLASSES = ["village", "forest", "water", "dryout"]
WHOLE = View(0, 0, 237, 247)


@pytest.fixture(scope="module")
def embedding(tmp_path_factory):
    """The sample, embedded pixel by pixel."""
    path = str(tmp_path_factory.mktemp("embedded") / "sample.tif")
    pool = WorkerPool()
    pool.run({"job": "embedraster", "input": str(SAMPLE / "sen2_l2a_12band.tif"), "output": path})
    pool.close()
    return path


@pytest.fixture(scope="module")
def polygons(qgis_app):
    """(class, geometry) of the sample's training polygons, in degrees as the raster is."""
    layer = QgsVectorLayer(str(SAMPLE / "training_polygons.geojson"), "labels")
    return [(feature["class"], QgsGeometry(feature.geometry())) for feature in layer.getFeatures()]


@pytest.fixture
def watched(with_engine, tmp_path, qtbot):
    watched = Watched(tmp_path)
    yield watched
    watched.session.stop()


def labels_of(polygons, first=0):
    return [Label(first + i, bytes(shape.asWkb()).hex(), name) for i, (name, shape) in enumerate(polygons)]


def open_(watched, embedding):
    watched.session.open(Open(embedding, str(watched.folder / "answers")))


def classes_in(painted):
    data = Path(painted.path).read_bytes()[: painted.height * painted.width]
    return np.frombuffer(data, "uint8").reshape(painted.height, painted.width)


def inside(grid, shape):
    """(row, column) of cells whose middle lies in a polygon."""
    box = grid.window(shape.boundingBox())
    cells = [(r, c) for r in range(box[0], box[0] + box[2]) for c in range(box[1], box[1] + box[3])]
    return [cell for cell in cells if shape.contains(QgsGeometry.fromPointXY(grid.centre(*cell)))]


def test_polygons_become_a_map_that_lies_where_it_belongs(watched, embedding, polygons, canvas, qtbot):
    session = watched.session
    open_(watched, embedding)
    session.teach(labels_of(polygons), [], CLASSES)
    session.view(WHOLE)
    qtbot.waitUntil(lambda: "painted" in watched.names(), timeout=60_000)
    facts, painted = watched.values("opened")[0], watched.values("painted")[0]
    grid = CellGrid(facts)
    assert (grid.height, grid.width) == (237, 247)
    assert grid.crs == QgsCoordinateReferenceSystem("EPSG:4326")
    seen = classes_in(painted)
    right = [seen[cell] == CLASSES.index(name) + 1 for name, shape in polygons for cell in inside(grid, shape)]
    assert len(right) > 500 and np.mean(right) > 0.9
    item = LiveItem(canvas)
    item.look(by_confidence=False)
    assert item.take(painted, grid, COLOURS)
    for crs in ("EPSG:4326", "EPSG:3857", "EPSG:32721"):
        canvas.setDestinationCrs(QgsCoordinateReferenceSystem(crs))
        canvas.setExtent(grid.extent_in(canvas.mapSettings().destinationCrs()))
        assert_right(canvas, facts, painted, seen, exact=0.8)
    item.remove()


def test_a_window_in_another_system_is_painted_there(watched, embedding, polygons, canvas, qtbot):
    session = watched.session
    open_(watched, embedding)
    qtbot.waitUntil(lambda: "opened" in watched.names(), timeout=60_000)
    facts = watched.values("opened")[0]
    grid = CellGrid(facts)
    canvas.setDestinationCrs(QgsCoordinateReferenceSystem("EPSG:32721"))
    canvas.setRotation(20)
    extent = grid.extent_in(canvas.mapSettings().destinationCrs())
    extent.scale(0.3)
    canvas.setExtent(extent)
    crs = canvas.mapSettings().destinationCrs()
    window = grid.window(grid.extent_from(canvas.extent(), crs))
    session.teach(labels_of(polygons), [], CLASSES)
    session.view(View(*window))
    qtbot.waitUntil(lambda: "painted" in watched.names(), timeout=60_000)
    painted = watched.values("painted")[0]
    item = LiveItem(canvas)
    item.look(by_confidence=False)
    assert item.take(painted, grid, COLOURS)
    assert_right(canvas, facts, painted, classes_in(painted), exact=0.9)
    item.remove()


def test_every_third_cell_is_the_cell_of_the_whole_map(watched, embedding, polygons, qtbot):
    session = watched.session
    open_(watched, embedding)
    session.teach(labels_of(polygons), [], CLASSES)
    session.view(WHOLE)
    qtbot.waitUntil(lambda: "painted" in watched.names(), timeout=60_000)
    every = classes_in(watched.values("painted")[0])
    session.view(View(10, 20, 100, 110, 3))
    qtbot.waitUntil(lambda: len(watched.values("painted")) == 2, timeout=60_000)
    thin = watched.values("painted")[1]
    assert (thin.row, thin.col, thin.step) == (12, 21, 3)
    rows, cols = thin.row + 3 * np.arange(thin.height), thin.col + 3 * np.arange(thin.width)
    assert (classes_in(thin) == every[np.ix_(rows, cols)]).all()


def test_killed_in_the_middle_of_a_view_the_map_is_the_same_afterwards(watched, embedding, polygons, qtbot):
    session = watched.session
    open_(watched, embedding)
    session.teach(labels_of(polygons), [], CLASSES)
    session.view(WHOLE)
    qtbot.waitUntil(lambda: "painted" in watched.names(), timeout=60_000)
    before, pid = classes_in(watched.values("painted")[0]).copy(), session.pid
    session.teach(labels_of(polygons[:1], first=100), [], CLASSES)
    session.view(View(0, 0, 237, 247, settle=True))
    qtbot.waitUntil(lambda: len(watched.values("taught")) == 2, timeout=60_000)
    os.kill(pid, signal.SIGKILL)
    session.teach([], [100], CLASSES)
    session.view(WHOLE)
    qtbot.waitUntil(lambda: "restarted" in watched.names(), timeout=60_000)
    qtbot.waitUntil(lambda: watched.names()[-1] == "painted", timeout=60_000)
    assert session.pid != pid and gone(pid)
    assert watched.values("taught")[-1].labels == len(polygons)
    assert (classes_in(watched.values("painted")[-1]) == before).all()
    assert "failed" not in watched.names()


def test_outdated_views_are_left_and_the_last_is_answered(watched, embedding, polygons, qtbot):
    session = watched.session
    open_(watched, embedding)
    session.teach(labels_of(polygons), [], CLASSES)
    for row in range(40):
        session.view(View(row, 0, 190, 247))
        qtbot.wait(3)
    qtbot.waitUntil(lambda: [p.row for p in watched.values("painted")][-1:] == [39], timeout=60_000)
    rows = [painted.row for painted in watched.values("painted")]
    assert rows == sorted(set(rows)) and len(rows) < 40


def test_cell_places_score_and_scatter_are_answered(watched, embedding, polygons, qtbot):
    session = watched.session
    open_(watched, embedding)
    session.teach(labels_of(polygons), [], CLASSES)
    session.view(WHOLE)
    session.at(At(100, 100))
    session.next(Next(2))
    session.score()
    session.scatter(Scatter((0, 0, 237, 247), 300))
    wanted = {"painted", "known", "placed", "scored", "scattered"}
    qtbot.waitUntil(lambda: wanted <= set(watched.names()), timeout=120_000)
    known, places = watched.values("known")[0], watched.values("placed")[0]
    assert known.valid and sum(known.probabilities) == pytest.approx(1, abs=0.01) and known.nearest
    assert len(places.places) == 2 and places.places[0]["guess"] in CLASSES
    assert watched.values("scored")[0].score > 0.5
    cloud = watched.values("scattered")[0]
    assert len(cloud.x) == len(cloud.mapped) >= 300
    assert "failed" not in watched.names()


def test_one_class_is_a_sentence_and_a_second_makes_a_map(watched, embedding, polygons, qtbot):
    session = watched.session
    forest = [pair for pair in polygons if pair[0] == "forest"]
    open_(watched, embedding)
    session.teach(labels_of(forest), [], CLASSES)
    session.view(WHOLE)
    qtbot.waitUntil(lambda: "painted" in watched.names(), timeout=60_000)
    assert watched.values("painted")[0].path == "" and watched.values("painted")[0].why.endswith(".")
    water = [pair for pair in polygons if pair[0] == "water"]
    session.teach(labels_of(water, first=50), [], CLASSES)
    session.view(WHOLE)
    qtbot.waitUntil(lambda: len(watched.values("painted")) == 2, timeout=60_000)
    assert set(np.unique(classes_in(watched.values("painted")[1]))) == {2, 3}


def test_an_embedding_that_is_replaced_on_disk_is_taught_anew(watched, embedding, polygons, qtbot, tmp_path):
    copy = tmp_path / "copy.tif"
    copy.write_bytes(Path(embedding).read_bytes())
    session = watched.session
    open_(watched, str(copy))
    session.teach(labels_of(polygons), [], CLASSES)
    session.view(WHOLE)
    qtbot.waitUntil(lambda: "painted" in watched.names(), timeout=60_000)
    before = classes_in(watched.values("painted")[0]).copy()
    again = tmp_path / "again.tif"
    again.write_bytes(copy.read_bytes())
    os.utime(again, (time.time() + 5, time.time() + 5))
    os.replace(again, copy)
    session.view(View(0, 0, 237, 247, coverage=0.9))
    qtbot.waitUntil(lambda: len(watched.values("painted")) == 2, timeout=60_000)
    after = classes_in(watched.values("painted")[1])
    assert (after[after != 255] == before[after != 255]).all()
    assert "failed" not in watched.names()


def test_no_engine_is_a_sentence(empty_home, embedding, tmp_path, qtbot):
    watched = Watched(tmp_path)
    open_(watched, embedding)
    watched.session.view(WHOLE)
    qtbot.waitUntil(lambda: "failed" in watched.names(), timeout=10_000)
    assert "Set up the engine" in watched.values("failed")[0]
    watched.session.stop()


def test_a_world_sized_canvas_is_no_reason_to_ask_for_more_than_the_raster(embedding, watched, qtbot):
    open_(watched, embedding)
    qtbot.waitUntil(lambda: "opened" in watched.names(), timeout=60_000)
    grid = CellGrid(watched.values("opened")[0])
    world = QgsRectangle(-2e7, -2e7, 2e7, 2e7)
    assert grid.window(grid.extent_from(world, QgsCoordinateReferenceSystem("EPSG:3857"))) == (0, 0, 237, 247, 1)
