"""Teaching from the first click to the map, in real QGIS: real canvas, mouse and keys, real worker, real files."""

import json
import os
import shutil
import signal
from pathlib import Path

import pytest

SAMPLE = Path(__file__).resolve().parents[2] / "resources" / "sample"
RASTER = "sen2_l2a_12band.tif"
TAUGHT = {"forest": (0, 2), "village": (4, 5, 7), "water": (8,), "dryout": (10,)}
"""Polygons of the sample in which a person clicks; what lies in the others is the test."""
CLICKS = 12
LEAST_RIGHT = 0.90
"""Share of cells in the other polygons; see resources/sample. 12 clicks of three places a class."""
PATIENCE_MS = 60_000


@pytest.fixture
def canvas(qgis_app, qtbot):
    """A map of its own, large enough to point at cells."""
    from qgis.gui import QgsMapCanvas

    canvas = QgsMapCanvas()
    canvas.resize(900, 700)
    canvas.show()
    qtbot.waitUntil(lambda: canvas.viewport().width() > 850)
    yield canvas
    canvas.deleteLater()


@pytest.fixture
def ground(tmp_path, monkeypatch, with_engine, plugin, canvas):
    """A raster in the project, shown whole."""
    from qgis.core import QgsProject, QgsRasterLayer

    monkeypatch.setenv("QUADRAT_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("QUADRAT_PYTHON", str(with_engine.python))
    path = tmp_path / "données à moi" / RASTER
    path.parent.mkdir()
    shutil.copy(SAMPLE / RASTER, path)
    layer = QgsRasterLayer(str(path), "sample")
    QgsProject.instance().addMapLayer(layer)
    canvas.setDestinationCrs(layer.crs())
    canvas.setLayers([layer])
    canvas.setExtent(layer.extent())
    return layer


@pytest.fixture
def state(ground, canvas):
    """State and canvas joined, as the plugin does it."""
    from quadrat.plugin.teach.onscreen import OnScreen
    from quadrat.plugin.teach.state import TeachState

    state = TeachState(canvas)
    state.screen = OnScreen(state, canvas)
    state.told = []
    state.said.connect(lambda level, text: state.told.append((level, text)))
    yield state
    state.close()


@pytest.fixture
def taught(state, ground, qtbot):
    """An embedding of the sample is open, and four classes are there."""
    begin(state, ground, qtbot)
    for name in TAUGHT:
        state.add_class(name)
    return state


def begin(state, layer, qtbot):
    state.choose_raster(layer)
    with qtbot.waitSignal(state.loop.opened, timeout=PATIENCE_MS):
        state.accept_proposal()
    qtbot.waitUntil(lambda: state.whole and not state.busy, timeout=PATIENCE_MS)
    qtbot.waitUntil(lambda: state.opened is not None, timeout=PATIENCE_MS)


def polygons():
    """Class and geometry of each polygon of the sample."""
    from qgis.core import QgsJsonUtils

    text = (SAMPLE / "training_polygons.geojson").read_text(encoding="utf-8")
    features = json.loads(text)["features"]
    shapes = QgsJsonUtils.stringToFeatureList(text)
    return [(f["properties"]["class"], shape.geometry()) for f, shape in zip(features, shapes)]


def places(count):
    """(class, point) where a person would click: inside the polygons that are taught, classes in turn."""
    import itertools

    shapes = polygons()
    of_class = {}
    for name, numbers in TAUGHT.items():
        of_class[name] = itertools.cycle([shapes[n][1] for n in numbers])
    found, names = [], itertools.cycle(TAUGHT)
    for turn in range(count):
        name = next(names)
        box = next(of_class[name])
        spots = spread(box, 9)
        found.append((name, spots[(turn // len(TAUGHT)) * (len(spots) - 1) // 2]))
    return found


def spread(shape, count):
    """Points of a lattice that lie inside a shape, the inner ones first."""
    from qgis.core import QgsGeometry, QgsPointXY

    box, middle = shape.boundingBox(), shape.pointOnSurface().asPoint()
    inside = [middle]
    for i in range(1, count):
        for j in range(1, count):
            point = QgsPointXY(box.xMinimum() + box.width() * i / count, box.yMinimum() + box.height() * j / count)
            if shape.contains(QgsGeometry.fromPointXY(point)):
                inside.append(point)
    return sorted(inside, key=lambda p: p.distance(middle))


def click(canvas, point, button=None):
    """Press the mouse where a point of the map is shown."""
    from qgis.PyQt.QtCore import QPoint, Qt
    from qgis.PyQt.QtTest import QTest

    at = canvas.getCoordinateTransform().transform(point)
    where = QPoint(int(at.x()), int(at.y()))
    QTest.mouseMove(canvas.viewport(), where)
    QTest.mouseClick(canvas.viewport(), button or Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, where)


def press(canvas, key):
    from qgis.PyQt.QtTest import QTest

    QTest.keyClick(canvas, key)


def painted(state, qtbot):
    """Wait until the map answers to all that was done."""
    qtbot.waitUntil(
        lambda: state.last is not None and bool(state.last.path) and state.last.settled, timeout=PATIENCE_MS
    )
    return state.last


def teach(state, canvas, qtbot, count=CLICKS):
    state.set_tool("click")
    for name, point in places(count):
        state.set_current(name)
        before = len(state.labels)
        click(canvas, point)
        assert len(state.labels) == before + 1
    return painted(state, qtbot)


def right_in_the_others(state):
    """Share of cells of the polygons nobody clicked in whose colour is right, as the canvas shows them."""
    from qgis.core import QgsGeometry, QgsPointXY

    names, clicked = state.classes.names(), {n for numbers in TAUGHT.values() for n in numbers}
    grid, right, cells = state.loop.grid, 0, 0
    for number, (name, shape) in enumerate(polygons()):
        if number in clicked:
            continue
        row, col, height, width, _ = grid.window(shape.boundingBox())
        for r in range(row, row + height):
            for c in range(col, col + width):
                if shape.contains(QgsGeometry.fromPointXY(QgsPointXY(grid.centre(r, c)))):
                    byte = state.screen.item.byte_at(c + 0.5, r + 0.5)[0]
                    cells += 1
                    right += byte > 0 and names[byte - 1] == name
    assert cells > 300
    return right / cells


def test_twelve_clicks_make_a_map(taught, canvas, qtbot):
    teach(taught, canvas, qtbot)
    assert len(taught.labels) == CLICKS
    share = right_in_the_others(taught)
    assert share >= LEAST_RIGHT
    assert not [told for told in taught.told if told[0] == "error"]


def test_everything_can_be_undone_and_done_again(taught, canvas, qtbot):
    last = teach(taught, canvas, qtbot)
    for _ in range(CLICKS):
        taught.undo()
    assert len(taught.labels) == 0
    qtbot.waitUntil(lambda: taught.last.version != last.version or not taught.last.path, timeout=PATIENCE_MS)
    for _ in range(CLICKS):
        taught.redo()
    assert len(taught.labels) == CLICKS
    painted(taught, qtbot)
    assert right_in_the_others(taught) >= LEAST_RIGHT


def test_another_class_in_a_cell_takes_its_place_and_the_right_button_erases(taught, canvas, qtbot):
    from qgis.PyQt.QtCore import Qt

    taught.set_tool("click")
    point = places(1)[0][1]
    taught.set_current("forest")
    click(canvas, point)
    taught.set_current("water")
    click(canvas, point)
    assert taught.label_counts() == {"water": 1}
    click(canvas, point, Qt.MouseButton.RightButton)
    assert taught.label_counts() == {}
    taught.undo()
    assert taught.label_counts() == {"water": 1}


def test_conflicting_labels_of_a_cell_are_told(taught, canvas, qtbot):
    from qgis.core import QgsGeometry

    _, point = places(1)[0]
    taught.labels.add(
        [(QgsGeometry.fromPointXY(point), "forest", "layer"), (QgsGeometry.fromPointXY(point), "water", "layer")]
    )
    qtbot.waitUntil(lambda: taught.taught is not None and len(taught.taught.conflicts) == 1, timeout=PATIENCE_MS)


def test_the_project_brings_everything_back(taught, ground, canvas, qtbot, tmp_path):
    from qgis.core import QgsProject
    from quadrat.plugin.teach.onscreen import OnScreen
    from quadrat.plugin.teach.state import TeachState

    teach(taught, canvas, qtbot)
    colours, share = taught.classes.colours(), right_in_the_others(taught)
    file = tmp_path / "project.qgz"
    assert QgsProject.instance().write(str(file))
    taught.close()
    QgsProject.instance().clear()
    assert QgsProject.instance().read(str(file))
    again = TeachState(canvas)
    again.screen = OnScreen(again, canvas)
    try:
        assert again.raster is not None and again.classes.colours() == colours
        assert len(again.labels) == CLICKS
        canvas.setExtent(again.raster.extent())
        painted(again, qtbot)
        assert right_in_the_others(again) == pytest.approx(share)
    finally:
        again.close()


def test_a_killed_worker_loses_no_label(taught, canvas, qtbot):
    teach(taught, canvas, qtbot)
    share, first = right_in_the_others(taught), taught.session.pid
    os.kill(first, signal.SIGKILL if hasattr(signal, "SIGKILL") else signal.SIGTERM)
    taught.set_current("water")
    click(canvas, spread(polygons()[8][1], 7)[-1])
    assert len(taught.labels) == CLICKS + 1
    qtbot.waitUntil(lambda: taught.session.pid not in (None, first), timeout=PATIENCE_MS)
    taught.undo()
    qtbot.waitUntil(lambda: taught.taught is not None and taught.taught.labels == CLICKS, timeout=PATIENCE_MS)
    qtbot.waitUntil(lambda: taught.last.settled and taught.last.path != "", timeout=PATIENCE_MS)
    assert right_in_the_others(taught) == pytest.approx(share, abs=0.02)


def test_what_next_is_answered_from_the_keyboard(taught, canvas, qtbot):
    from qgis.PyQt.QtCore import Qt

    teach(taught, canvas, qtbot)
    with qtbot.waitSignal(taught.placed, timeout=PATIENCE_MS):
        taught.next()
    guess = taught.place["guess"]
    assert guess in taught.classes.names()
    first = (taught.place["row"], taught.place["col"])
    with qtbot.waitSignal(taught.placed, timeout=PATIENCE_MS):
        press(canvas, Qt.Key.Key_Return)
    assert len(taught.labels) == CLICKS + 1
    assert (taught.place["row"], taught.place["col"]) != first
    with qtbot.waitSignal(taught.placed, timeout=PATIENCE_MS):
        press(canvas, Qt.Key.Key_3)
    assert taught.label_counts()[taught.classes.names()[2]] == CLICKS // 4 + 1 + (guess == taught.classes.names()[2])
    count = len(taught.labels)
    press(canvas, Qt.Key.Key_Escape)
    assert taught.place is None and len(taught.labels) == count


def test_values_are_taught_with_the_same_gestures(state, ground, canvas, qtbot):
    state.set_target("value")
    begin(state, ground, qtbot)
    state.set_tool("click")
    for name, point in places(CLICKS):
        state.set_value({"village": 10.0}.get(name, 0.0))
        click(canvas, point)
    last = painted(state, qtbot)
    assert len(state.labels) == CLICKS and last.low < last.high
    grid, item = state.loop.grid, state.screen.item

    def byte_in(number):
        point = polygons()[number][1].pointOnSurface().asPoint()
        row, col = grid.cell_at(point.x(), point.y())
        return item.byte_at(col + 0.5, row + 0.5)[0]

    assert byte_in(6) > byte_in(3) + 50  # a village and a forest that nobody clicked in


def test_a_map_in_another_system_is_taught_alike(taught, ground, canvas, qtbot):
    from qgis.core import QgsCoordinateReferenceSystem, QgsCoordinateTransform, QgsPointXY, QgsProject

    web = QgsCoordinateReferenceSystem("EPSG:3857")
    there = QgsCoordinateTransform(ground.crs(), web, QgsProject.instance())
    canvas.setDestinationCrs(web)
    canvas.setExtent(there.transformBoundingBox(ground.extent()))
    canvas.setRotation(30)
    taught.set_tool("click")
    for name, point in places(CLICKS):
        taught.set_current(name)
        cell = taught.loop.grid.cell_at(point.x(), point.y())
        click(canvas, QgsPointXY(there.transform(point)))
        at = taught.labels.labels()[-1][1].asPoint()
        row, col = taught.loop.grid.cell_at(at.x(), at.y())
        assert abs(row - cell[0]) <= 1 and abs(col - cell[1]) <= 1  # the mouse points at whole pixels of the screen
    painted(taught, qtbot)
    assert right_in_the_others(taught) >= LEAST_RIGHT


def test_labels_selected_on_the_map_are_shown_in_the_plots(taught, canvas, qtbot):
    teach(taught, canvas, qtbot, 4)
    _, geometry, _ = taught.labels.labels()[1]
    with qtbot.waitSignal(taught.selected, timeout=PATIENCE_MS) as heard:
        taught.labels.layer.selectAll()
    point = geometry.asPoint()
    assert len(heard.args[0]) == 4 and taught.loop.grid.cell_at(point.x(), point.y()) in heard.args[0]


def test_choosing_a_class_takes_the_tool(taught, canvas):
    taught.set_tool("none")
    taught.set_current("water")
    assert taught.tool == "click" and canvas.mapTool() is taught.screen.tool


def test_a_raster_that_is_removed_leaves_its_labels(taught, ground, canvas, qtbot):
    from qgis.core import QgsProject, QgsVectorLayer

    teach(taught, canvas, qtbot, 4)
    path = taught.labels.path
    QgsProject.instance().removeMapLayer(ground.id())
    assert taught.raster is None and taught.opened is None
    assert QgsVectorLayer(f"{path}|layername=labels", "again").featureCount() == 4
    taught.set_tool("click")
    click(canvas, places(1)[0][1])
    assert taught.told[-1] == ("warning", "Choose a raster first.")


def test_an_embedding_replaced_on_disk_is_opened_anew_with_all_labels(taught, canvas, qtbot):
    teach(taught, canvas, qtbot, 8)
    other = taught.embedding + ".new"
    shutil.copy(taught.embedding, other)
    with open(other, "ab") as file:
        file.write(b"\0")
    os.replace(other, taught.embedding)
    taught.set_current("forest")
    click(canvas, polygons()[3][1].pointOnSurface().asPoint())
    qtbot.waitUntil(lambda: taught.taught.labels == 9, timeout=PATIENCE_MS)
    painted(taught, qtbot)
    assert len(taught.labels) == 9 and not [text for level, text in taught.told if level == "error"]


def sources():
    from qgis.core import QgsProject

    return [layer.source() for layer in QgsProject.instance().mapLayers().values()]


def test_the_map_of_everything_is_the_live_map(taught, canvas, qtbot):
    from qgis.core import QgsRasterLayer

    teach(taught, canvas, qtbot)
    with qtbot.waitSignal(taught.finishing.finished, timeout=2 * PATIENCE_MS):
        taught.map_everything()
    made = QgsRasterLayer(taught.files()["map"], "map")
    assert made.isValid() and made.source() in sources()
    block = made.dataProvider().block(1, made.extent(), made.width(), made.height())
    classes = json.loads(Path(taught.files()["map"] + ".quadrat.json").read_text(encoding="utf-8"))["facts"]["classes"]
    names = {entry["value"]: entry["name"] for entry in classes}
    order = taught.classes.names()
    different = 0
    for row in range(0, made.height(), 3):
        for col in range(0, made.width(), 3):
            live = taught.screen.item.byte_at(col + 0.5, row + 0.5)[0]
            different += order[live - 1] != names[int(block.value(row, col))]
    assert different == 0
