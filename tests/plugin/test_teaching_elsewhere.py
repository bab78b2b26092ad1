"""Teaching values, on maps in other systems, with what other layers hold, and when things vanish."""

# Fixtures are imported, and found by their names.
# ruff: noqa: F401, F811

import os
import shutil

from .lesson import (
    CLICKS,
    LEAST_RIGHT,
    PATIENCE_MS,
    SAMPLE,
    begin,
    canvas,
    click,
    ground,
    painted,
    places,
    polygons,
    right_in_the_others,
    state,
    taught,
    teach,
)


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


def test_selected_features_of_another_layer_become_labels(taught, qtbot):
    from qgis.core import QgsVectorLayer

    areas = QgsVectorLayer(str(SAMPLE / "training_polygons.geojson"), "areas")
    areas.selectByExpression("\"class\" = 'water'")
    taught.set_current("water")
    taught.label_selected(areas)
    assert taught.label_counts() == {"water": 2}
    taught.undo()
    assert taught.label_counts() == {}
    areas.removeSelection()
    taught.label_selected(areas)
    assert taught.told[-1][1].startswith("Nothing is selected in 'areas'")


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


def test_teaching_begins_with_a_piece_and_goes_on_with_the_whole(state, ground, canvas, qtbot, monkeypatch):
    from qgis.core import QgsPointXY
    from quadrat.plugin.teach import choosing

    monkeypatch.setattr(choosing, "FIRST_CELLS", 100)
    begin, held = choosing.Making._begin, []

    def piece_first(making, values, output, doing):
        """So small a whole could be made before the piece is opened; then there is nothing to teach on before."""
        if "EXTENT" in values:
            begin(making, values, output, doing)
        else:
            held.append((making, values, output, doing))

    monkeypatch.setattr(choosing.Making, "_begin", piece_first)
    opened = []
    state.loop.opened.connect(lambda what: opened.append((what.height, what.width, state.whole)))
    state.choose_raster(ground)
    with qtbot.waitSignal(state.loop.opened, timeout=PATIENCE_MS):
        state.accept_proposal()
    assert opened == [(101, 101, False)]  # the middle of 247 by 237 pixels lies between them
    begin(*held.pop())
    assert state.busy == "Making the embedding of the whole raster"
    names = ("one", "two")
    for name in names:
        state.add_class(name)
    state.set_tool("click")
    box = ground.extent()
    for number, (x, y) in enumerate([(0.45, 0.45), (0.55, 0.55), (0.45, 0.55), (0.55, 0.45)]):
        state.set_current(names[number % 2])
        click(canvas, QgsPointXY(box.xMinimum() + x * box.width(), box.yMinimum() + y * box.height()))
    assert len(state.labels) == 4
    qtbot.waitUntil(lambda: opened[-1][2], timeout=PATIENCE_MS)  # until then what was opened first answers
    high = ground.height()
    qtbot.waitUntil(lambda: state.last is not None and state.last.height * state.last.step >= high, timeout=PATIENCE_MS)
    painted(state, qtbot)
    assert state.taught.labels == 4
    assert opened[-1] == (ground.height(), ground.width(), True)
    assert state.screen.item.byte_at(1.5, 1.5)[0] > 0, "the map reaches the corners now"
    assert state.embedding == state.proposal.path
    assert not [told for told in state.told if told[0] != "info"]
    while state.stack.canUndo() and len(state.labels):
        state.undo()
    assert len(state.labels) == 0, "undo reaches back over the change"
