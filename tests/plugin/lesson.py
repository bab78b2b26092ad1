"""A lesson on the sample: fixtures and gestures of the tests that teach in real QGIS with the real worker."""

import json
import shutil
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
def taught(state, ground, qtbot, shelf):
    """An embedding of the sample is open, and four classes are there."""
    raster = Path(ground.source())
    lay(shelf, raster)
    begin(state, ground, qtbot)
    if not any(shelf.iterdir()):
        for path in raster.parent.glob(f"{raster.stem}_embedding.tif*"):
            shutil.copy(path, shelf)
    for name in TAUGHT:
        state.add_class(name)
    return state


def lay(shelf, raster):
    """The embedding beside its raster, as if it had been made there."""
    for path in shelf.iterdir():
        there = raster.with_name(path.name)
        shutil.copyfile(path, there)
        if path.name.endswith(".quadrat.json"):
            told = json.loads(path.read_text(encoding="utf-8"))
            told["job"] |= {"input": str(raster), "output": str(there)[: -len(".quadrat.json")]}
            there.write_text(json.dumps(told), encoding="utf-8")


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
