"""Teaching from the first click to the map, in real QGIS: real canvas, mouse and keys, real worker, real files."""

# Fixtures are imported, and found by their names.
# ruff: noqa: F401, F811

import json
import os
import signal
from pathlib import Path

import pytest

from .lesson import (
    CLICKS,
    LEAST_RIGHT,
    PATIENCE_MS,
    canvas,
    click,
    ground,
    painted,
    places,
    polygons,
    press,
    right_in_the_others,
    spread,
    state,
    taught,
    teach,
)


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


def sources():
    from qgis.core import QgsProject

    return [layer.source() for layer in QgsProject.instance().mapLayers().values()]


def test_the_map_of_everything_is_the_live_map(taught, canvas, qtbot):
    teach(taught, canvas, qtbot)
    with qtbot.waitSignal(taught.finishing.finished, timeout=2 * PATIENCE_MS):
        taught.map_everything()
    assert taught.files()["map"] in sources()
    assert cells_unlike_the_live_map(taught) == 0


def cells_unlike_the_live_map(state):
    """How many of every third cell have another class in the file than on the canvas."""
    from qgis.core import QgsRasterLayer

    path = state.files()["map"]
    made = QgsRasterLayer(path, "map")
    assert made.isValid()
    block = made.dataProvider().block(1, made.extent(), made.width(), made.height())
    classes = json.loads(Path(path + ".quadrat.json").read_text(encoding="utf-8"))["facts"]["classes"]
    names, order = {entry["value"]: entry["name"] for entry in classes}, state.classes.names()
    return sum(
        order[state.screen.item.byte_at(col + 0.5, row + 0.5)[0] - 1] != names[int(block.value(row, col))]
        for row in range(0, made.height(), 3)
        for col in range(0, made.width(), 3)
    )


def test_a_copied_call_makes_the_same_map(taught, canvas, qtbot, tmp_path):
    import shlex
    import subprocess

    from quadrat.processing.calls import program

    teach(taught, canvas, qtbot)
    for kind in ("python", "shell", "json"):
        text, made = taught.copy_call(kind), Path(taught.files()["map"])
        made.unlink(missing_ok=True)
        if kind == "python":
            exec(text, {})  # as the console does
        elif kind == "shell":
            for line in text.splitlines():
                subprocess.run(shlex.split(line), check=True, capture_output=True, cwd=tmp_path, timeout=120)
        else:
            (tmp_path / "jobs.json").write_text(text, encoding="utf-8")
            command = [*program(), "run", str(tmp_path / "jobs.json")]
            subprocess.run(command, check=True, capture_output=True, cwd=tmp_path, timeout=120)
        assert cells_unlike_the_live_map(taught) == 0, kind
