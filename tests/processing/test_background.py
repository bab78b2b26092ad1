"""Short work off the main thread."""

from qgis.PyQt import sip
from qgis.PyQt.QtCore import QObject
from quadrat.processing import background


def test_an_answer_is_given_unless_its_owner_is_gone(qgis_app, qtbot):
    told, there, gone = [], QObject(), QObject()
    background.in_background("a", lambda: 1, lambda answer, error: told.append(answer), there)
    background.in_background("b", lambda: 2, lambda answer, error: told.append(answer), gone)
    sip.delete(gone)
    qtbot.waitUntil(lambda: not background._alive)
    assert told == [1]
