"""The plugin is switched off in the middle of teaching: no thread, no process, nothing on the canvas, no file."""

import threading
import weakref
from pathlib import Path

import pytest
from qgis.core import QgsProject, QgsRasterLayer
from qgis.gui import QgsRubberBand
from qgis.PyQt.QtCore import QPoint, Qt
from qgis.PyQt.QtTest import QTest
from quadrat import classFactory
from quadrat.core.live.messages import Open, View
from quadrat.plugin.docking import Docking
from quadrat.plugin.teach.paint import LiveItem

from .watched import gone

SAMPLE = Path(__file__).resolve().parents[2] / "resources" / "sample" / "sen2_l2a_12band.tif"


def docking_of(plugin):
    """The part of the plugin that made the dock."""
    (docking,) = [undo.__self__ for undo in plugin._undo if isinstance(getattr(undo, "__self__", None), Docking)]
    return docking


@pytest.mark.parametrize("middle", ["of a view", "of nothing", "of a start"])
def test_switched_off_in_the_middle(
    middle, qgis_iface, qgis_processing, qgis_new_project, with_engine, tmp_path, qtbot
):
    canvas = qgis_iface.mapCanvas()
    layer = QgsRasterLayer(str(SAMPLE), "sample")
    QgsProject.instance().addMapLayer(layer)
    canvas.setDestinationCrs(layer.crs())
    canvas.setExtent(layer.extent())
    before, tool = set(canvas.scene().items()), canvas.mapTool()
    plugin = classFactory(qgis_iface)
    plugin.initGui()
    docking_of(plugin).show_teach()
    state = docking_of(plugin).state
    session = state.session
    session.open(Open(str(SAMPLE), str(tmp_path / "live")))
    state.set_tool("drag")
    pid = None
    if middle != "of a start":
        with qtbot.waitSignal(session.opened, timeout=60_000):
            pass
        pid = session.pid
        QTest.mousePress(canvas.viewport(), Qt.MouseButton.LeftButton, pos=QPoint(50, 50))
        assert [item for item in canvas.scene().items() if isinstance(item, QgsRubberBand)]
    if middle == "of a view":
        session.view(View(0, 0, 237, 247, settle=True))
    plugin.unload()
    assert [thread.name for thread in threading.enumerate() if thread.name.startswith("quadrat")] == []
    assert pid is None or gone(pid)
    left = set(canvas.scene().items()) - before
    assert not [item for item in left if isinstance(item, (QgsRubberBand, LiveItem))]
    assert canvas.mapTool() is tool or canvas.mapTool() is None
    assert list((tmp_path / "live").iterdir()) == []
    canvas.setExtent(layer.extent().buffered(0.01))  # nobody listens any more
    QTest.mouseClick(canvas.viewport(), Qt.MouseButton.LeftButton, pos=QPoint(60, 60))
    qtbot.wait(50)


def test_an_item_that_left_the_canvas_is_not_kept_alive(qgis_iface, qgis_new_project):
    canvas = qgis_iface.mapCanvas()
    item = LiveItem(canvas)
    gone_with_it = weakref.ref(item)
    item.remove()
    del item
    assert gone_with_it() is None
