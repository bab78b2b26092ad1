"""The photo window joined with the state: what it shows, what is clicked in it, and the keys pressed in it."""

from typing import Any, List, Optional

from qgis.PyQt.QtCore import QObject, Qt
from qgis.PyQt.QtWidgets import QDockWidget, QWidget

from ...processing.i18n import tr
from .keys import Keys
from .photo.shown import OPEN, SUGGESTED, PointShown
from .state import ReefState

BESIDE = "QuadratDock"


class PhotoWindow(QObject):
    """Made when a survey is first open; gone with the state."""

    def __init__(self, state: ReefState, iface: Any) -> None:
        super().__init__(state)
        self._state, self._iface = state, iface
        self.dock: Optional[Any] = None
        state.opened.connect(self._on_opened)
        state.photo_chosen.connect(self._on_photo)
        state.point_chosen.connect(self._on_point)
        state.annotated.connect(self._on_annotated)
        state.suggested.connect(self._show_points)
        state.labels_changed.connect(self._show_points)
        state.photo_wanted.connect(self.show)
        state.keyboard_wanted.connect(self._take_keyboard)
        state.search_wanted.connect(self._leave_full_screen)
        state.closing.connect(self.remove)

    def show(self) -> None:
        """Bring the window to the front, with the keyboard."""
        if self.dock is None:
            self._on_opened()
        if self.dock is not None:
            self.dock.setUserVisible(True)
            self.dock.view.setFocus(Qt.FocusReason.OtherFocusReason)

    def _take_keyboard(self) -> None:
        if self.dock is not None and self.dock.view.isVisible():
            self.dock.view.window().activateWindow()
            self.dock.view.setFocus(Qt.FocusReason.OtherFocusReason)

    def _leave_full_screen(self, *_: Any) -> None:
        """Labels are searched for in the dock, which the full screen covers."""
        if self.dock is not None and self.dock.view.window().isFullScreen() and not self.dock.window().isFullScreen():
            self.dock.toggle_full_screen()

    def remove(self) -> None:
        """Leave QGIS as it was."""
        dock, self.dock = self.dock, None
        if dock is not None:
            self._iface.mainWindow().removeDockWidget(dock)
            dock.dismiss()

    def _on_opened(self) -> None:
        if self._state.session is None:
            if self.dock is not None:
                self.dock.view.clear(tr("No survey is open."))
            return
        if self.dock is not None:
            return
        from .photo.dock import PhotoDock

        main = self._iface.mainWindow()
        self.dock = PhotoDock(main)
        self.dock.settle(self._iface, main.findChild(QDockWidget, BESIDE) if isinstance(main, QWidget) else None)
        self.dock.view.point_chosen.connect(self._on_clicked)
        Keys(self._state, self).serve(self.dock.view)

    def _on_photo(self, number: int) -> None:
        if self.dock is None:
            return
        state, survey, photo = self._state, self._state.survey, self._state.photo
        if survey is None or photo is None:
            self.dock.view.clear(tr("No photo is chosen."))
            self.dock.say("")
            return
        path = survey.photo_path(photo)
        if path:
            self.dock.view.show_photo(path, photo.window)
        else:
            self.dock.view.clear(
                tr("The file of photo {name} is not known. Import the folder of photos into this survey.").format(
                    name=photo.name
                )
            )
        self._show_points()
        coming = state.upcoming()
        ahead = survey.photo_path(coming) if coming is not None else ""
        if coming is not None and ahead:
            self.dock.view.prefetch(ahead, coming.window)

    def _on_point(self, number: int) -> None:
        if self.dock is not None:
            self.dock.view.set_current(number or None)
            self._tell()

    def _on_annotated(self, photo: int) -> None:
        if not photo or (self._state.photo is not None and self._state.photo.photo == photo):
            self._show_points()

    def _on_clicked(self, point: int) -> None:
        self._state.choose_point(point)

    def _show_points(self) -> None:
        if self.dock is not None and self._state.sheet is not None:
            self.dock.view.show_points(self.points())

    def points(self) -> List[PointShown]:
        """As the window wants them: what people said, else what is proposed, unless suggestions are hidden."""
        state, sheet = self._state, self._state.sheet
        shown: List[PointShown] = []
        for point in sheet.points if sheet is not None else []:
            said = sheet.said(point.point) if sheet is not None else None
            label, how = ("", OPEN) if said is None else (said.label, said.state)
            if said is None and not state.blind and sheet is not None:
                proposal = sheet.proposal(point.point)
                if proposal is not None:
                    label, how = proposal.label, SUGGESTED
            colour = state.palette.colour(label) if label else ""
            shown.append(PointShown(point.point, point.number, point.row, point.col, how, label, colour))
        return shown

    def _tell(self) -> None:
        state = self._state
        if self.dock is None or state.photo is None:
            return
        facts = [state.photo.name, state.photo.site, state.photo.date[:10]]
        if state.point is not None:
            facts.append(tr("point {number} of {every}").format(number=state.point.number, every=len(state.points)))
        offers = self._offers() if self.dock.view.window().isFullScreen() else []
        self.dock.say(" · ".join(fact for fact in [*offers, *facts] if fact))

    def _offers(self) -> List[str]:
        """What keys would take, for whom the full screen hides the dock."""
        state, found = self._state, self._state.proposal()
        if state.sheet is None or state.point is None or state.blind or state.sheet.done(state.point.point):
            return []
        offers = [] if found is None else [(tr("Enter"), found.label, found.confidence)]
        suggested = state.sheet.suggestions.get(state.point.point, [])
        offers += [(str(one.rank), one.label, one.confidence) for one in suggested]
        name = state.palette.name
        return [f"{key}: {name(label)}{'' if sure is None else f' {sure:.0%}'}" for key, label, sure in offers]
