"""The state of the Reef tab joined with QGIS: photo window, map, project."""

from typing import Any

from .onmap import OnMap
from .remembering import ReefRemembering
from .state import ReefState
from .window import PhotoWindow


def reef_on_screen(state: ReefState, iface: Any) -> ReefState:
    """The same state; what it shows and hears is a child of it, and gone with it."""
    PhotoWindow(state, iface)
    OnMap(state, iface.mapCanvas())
    ReefRemembering(state).take_up()
    return state
