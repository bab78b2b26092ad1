"""Composition root: builds the parts, joins them, and takes them apart in reverse order. No logic lives here."""

from typing import Any, Callable, List, Optional

from qgis.core import QgsApplication

MENU = "&Quadrat"


class QuadratPlugin:
    """What QGIS loads. `iface` is None in qgis_process, where only `initProcessing` is called."""

    def __init__(self, iface: Any) -> None:
        self._iface = iface
        self._provider: Optional[Any] = None
        self._undo: List[Callable[[], None]] = []

    def initProcessing(self) -> None:  # noqa: N802 - QGIS's name
        """Add the algorithms to the toolbox."""
        from ..processing.provider import QuadratProvider

        provider = QuadratProvider()
        if QgsApplication.processingRegistry().addProvider(provider):  # else another copy of the plugin was faster
            self._provider = provider

    def initGui(self) -> None:  # noqa: N802 - QGIS's name
        """Add algorithms, menu and toolbar button; say once that the engine needs setting up."""
        from .docking import Docking
        from .learning.watch import LearningWatch
        from .menu import Menu
        from .notice import EngineNotice

        self.initProcessing()
        self._undo.append(self._remove_provider)
        docking = Docking(self._iface, self._new_state, self._new_reef)
        self._undo.append(docking.remove)
        learning = LearningWatch(self._iface, docking.show_engine)
        self._undo.append(learning.remove)
        menu = Menu(self._iface, MENU, docking, learning.show)
        self._undo.append(menu.remove)
        notice = EngineNotice(self._iface, docking.show_engine)
        self._undo.append(notice.remove)

    def _new_state(self) -> Any:
        """What is taught; made with the dock, not at the start of QGIS."""
        from .teach.onscreen import OnScreen
        from .teach.state import TeachState

        state = TeachState(self._iface.mapCanvas())
        OnScreen(state, self._iface.mapCanvas())  # a child of the state, and gone with it
        return state

    def _new_reef(self) -> Any:
        """A survey that is annotated; made when the Reef tab is first seen."""
        from .reef.onscreen import reef_on_screen
        from .reef.state import ReefState

        return reef_on_screen(ReefState(), self._iface)

    def unload(self) -> None:
        """Leave nothing behind: windows, runs and workers end, menu and algorithms go."""
        while self._undo:
            self._undo.pop()()

    def _remove_provider(self) -> None:
        from ..processing.background import forget_all
        from ..processing.runner import cancel_all

        cancel_all()
        forget_all()
        if self._provider is not None:
            QgsApplication.processingRegistry().removeProvider(self._provider)  # calls its `unload`, deletes it
            self._provider = None
