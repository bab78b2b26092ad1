"""The notice that the engine needs setting up: polite, once, and only when it is true."""

from qgis.PyQt.QtWidgets import QPushButton
from quadrat.core.version import VERSION
from quadrat.plugin.notice import EngineNotice
from quadrat.plugin.settings import NOTICE_SHOWN


def test_it_comes_once_and_its_button_opens_the_window(qgis_iface, bar, empty_home, qtbot):
    opened = []
    notice = EngineNotice(qgis_iface, lambda: opened.append(True))
    notice.look()
    assert len(bar.items()) == 1
    assert NOTICE_SHOWN.get() == VERSION
    (button,) = [b for b in bar.items()[0].findChildren(QPushButton) if b.text() == "Set up…"]
    button.click()
    assert opened == [True]
    qtbot.waitUntil(lambda: not bar.items(), timeout=3000)
    EngineNotice(qgis_iface, lambda: None).look()
    assert not bar.items()
    notice.remove()


def test_it_does_not_come_when_there_is_an_engine(qgis_iface, bar, with_engine):
    notice = EngineNotice(qgis_iface, lambda: None)
    notice.look()
    assert not bar.items()
    assert NOTICE_SHOWN.get() == ""
    notice.remove()


def test_it_goes_with_the_plugin(qgis_iface, bar, empty_home, qtbot):
    notice = EngineNotice(qgis_iface, lambda: None)
    notice.look()
    notice.remove()
    qtbot.waitUntil(lambda: not bar.items(), timeout=3000)
    notice.remove()  # twice does no harm
