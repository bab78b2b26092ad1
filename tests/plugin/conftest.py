"""Fixtures of the plugin's windows: QGIS with pytest-qgis's interface, a home of its own, no user settings touched."""

from pathlib import Path

import pytest

SAMPLE = Path(__file__).resolve().parents[2] / "resources" / "sample" / "sen2_l2a_12band.tif"


@pytest.fixture
def empty_home(monkeypatch, tmp_path):
    """A machine on which nothing was set up."""
    monkeypatch.delenv("QUADRAT_PYTHON", raising=False)
    monkeypatch.setenv("QUADRAT_HOME", str(tmp_path / "quadrat home"))
    return tmp_path / "quadrat home"


@pytest.fixture
def with_engine():
    """An engine must be there; without one these tests say nothing."""
    from quadrat.core.errors import EngineMissing
    from quadrat.processing.environment import find_engine

    try:
        return find_engine()
    except EngineMissing as error:
        pytest.fail(f"These tests need an engine: run `make setup`, or name its Python in QUADRAT_PYTHON. {error}")


@pytest.fixture(autouse=True)
def fresh_settings(qgis_app):
    """Settings as in a new profile."""
    from qgis.core import QgsSettings

    QgsSettings().remove("quadrat")
    yield
    QgsSettings().remove("quadrat")


@pytest.fixture
def bar(qgis_iface):
    """The message bar, emptied afterwards."""
    bar = qgis_iface.messageBar()
    bar.clearWidgets()
    yield bar
    bar.clearWidgets()


@pytest.fixture
def plugin(qgis_iface, qgis_processing, qgis_new_project):
    """The plugin as QGIS loads it, unloaded at the end."""
    from quadrat import classFactory

    plugin = classFactory(qgis_iface)
    plugin.initGui()
    yield plugin
    plugin.unload()


@pytest.fixture
def state(qgis_app):
    """What panels show: nothing begun."""
    from quadrat.tests.plugin.stand import Stand

    return Stand()


@pytest.fixture
def panel(state, qtbot, qgis_new_project):
    """The Teach tab on that state."""
    from quadrat.plugin.panels.teach import TeachPanel

    panel = TeachPanel(state)
    qtbot.addWidget(panel)
    panel.resize(320, 900)
    panel.show()
    qtbot.waitExposed(panel)
    return panel


@pytest.fixture
def taught(panel, state):
    """The same with classes, labels and a map."""
    state.begin()
    state.teach()
    return panel


@pytest.fixture
def raster(qgis_new_project):
    """The sample in the project."""
    from qgis.core import QgsProject, QgsRasterLayer

    layer = QgsRasterLayer(str(SAMPLE), "sample")
    QgsProject.instance().addMapLayer(layer)
    return layer


@pytest.fixture(scope="session")
def shelf(tmp_path_factory):
    """Where the embedding lies that the first lesson made, for all that come after it."""
    return tmp_path_factory.mktemp("embedding")
