"""The list of photos: how far each is; found by name, site and state; one chosen to be annotated."""

from typing import Any, Dict, List, Optional

from qgis.PyQt.QtCore import QAbstractTableModel, QModelIndex, QRectF, QSignalBlocker, Qt
from qgis.PyQt.QtGui import QColor, QIcon, QPainter, QPalette, QPixmap
from qgis.PyQt.QtWidgets import QComboBox, QHeaderView, QLineEdit, QTreeView, QWidget

from ...core.reef.survey import Photo
from ...processing.forms.sentences import Sentence, quiet, sentence
from ...processing.i18n import plural, tr
from ..reef.photolist import ALL, BEGUN, DONE, LEFT, Wish
from .parts import column, described, icon_size, lines, narrow, number_of, row, tool_button

NAME, POINTS = range(2)
Role = Qt.ItemDataRole
ROWS = 5
PIE_PX = 64
EIGHTHS = 8
DONE_COLOUR, BEGUN_COLOUR = "#228833", "#4477aa"


class PhotoModel(QAbstractTableModel):
    """One row for each listed photo."""

    def __init__(self, state: Any, parent: Optional[Any] = None) -> None:
        super().__init__(parent)
        self._state = state
        self.photos: List[Photo] = []
        self._pies: Dict[int, QIcon] = {}
        self.ink, self.chosen_ink = QColor("#888888"), QColor("#ffffff")
        self.refresh()

    def refresh(self) -> None:
        """Read the list again."""
        self.beginResetModel()
        self.photos = self._state.photos.listed
        self.endResetModel()

    def tell(self, number: int) -> None:
        """One photo is further; 0: all may be."""
        last = len(self.photos) - 1
        place = self._state.photos.row(number) if number else -1
        first, last = (place, place) if number else (0, last)
        if first >= 0 and last >= 0:
            self.dataChanged.emit(self.index(first, NAME), self.index(last, POINTS))

    # Qt's names -------------------------------------------------------------------------------------------------------

    def rowCount(self, parent: Optional[QModelIndex] = None) -> int:  # noqa: N802
        """Photos."""
        return 0 if parent is not None and parent.isValid() else len(self.photos)

    def columnCount(self, parent: Optional[QModelIndex] = None) -> int:  # noqa: N802
        """Name, points."""
        return 0 if parent is not None and parent.isValid() else 2

    def headerData(self, section: int, orientation: Any, role: int = Role.DisplayRole) -> Any:  # noqa: N802
        """Titles of the columns."""
        if orientation != Qt.Orientation.Horizontal or role != Role.DisplayRole:
            return None
        return (tr("Photo"), tr("Points"))[section]

    def data(self, index: QModelIndex, role: int = Role.DisplayRole) -> Any:
        """What a cell shows."""
        photo, place = self.photos[index.row()], index.column()
        done = self._state.photos.done(photo)
        if role == Role.DisplayRole:
            return photo.name if place == NAME else f"{done} / {photo.points}" if photo.points else "-"
        if role == Role.DecorationRole and place == NAME:
            return self._pie(EIGHTHS * done // photo.points if photo.points else 0)
        if role == Role.TextAlignmentRole and place == POINTS:
            return number_of(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        if role == Role.ToolTipRole:
            facts = [photo.site, photo.transect, photo.quadrat, photo.date[:10]]
            return "\n".join([photo.name, " · ".join(fact for fact in facts if fact)]).strip()
        if role == Role.AccessibleTextRole:
            points = plural("%n point", "%n points", photo.points)
            return tr("{name}, {done} of {points} done").format(name=photo.name, done=done, points=points)
        return None

    def _pie(self, eighths: int) -> QIcon:
        """A circle, as full as the photo is done."""
        if eighths not in self._pies:
            colour = QColor(DONE_COLOUR if eighths == EIGHTHS else BEGUN_COLOUR if eighths else self.ink)
            icon = QIcon(_circle(eighths, colour))
            icon.addPixmap(_circle(eighths, self.chosen_ink), QIcon.Mode.Selected)
            self._pies[eighths] = icon
        return self._pies[eighths]


def _circle(eighths: int, colour: QColor) -> QPixmap:
    pixmap = QPixmap(PIE_PX, PIE_PX)
    pixmap.fill(QColor(0, 0, 0, 0))
    painter = QPainter(pixmap)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    whole = QRectF(8, 8, PIE_PX - 16, PIE_PX - 16)
    pen = painter.pen()
    pen.setWidth(5)
    pen.setColor(colour)
    painter.setPen(pen)
    painter.drawEllipse(whole)
    painter.setBrush(colour)
    if eighths:
        painter.drawPie(whole, 90 * 16, -round(360 * 16 * eighths / EIGHTHS))
    painter.end()
    return pixmap


class PhotosControl(QWidget):
    """Filter, list, and the way from photo to photo."""

    def __init__(self, state: Any, parent: Optional[QWidget] = None) -> None:
        super().__init__(parent)
        self._state = state
        self.find = described(QLineEdit(), "reef_photo_find")
        self.find.setPlaceholderText(tr("Find photos"))
        self.find.setClearButtonEnabled(True)
        self.shown = narrow(described(QComboBox(), "reef_photo_shown"))
        for text, kind in ((tr("All photos"), ALL), (tr("To do"), LEFT), (tr("Begun"), BEGUN), (tr("Done"), DONE)):
            self.shown.addItem(text, kind)
        self.site = narrow(described(QComboBox(), "reef_photo_site"))
        self.model = PhotoModel(state, self)
        self.view = self._list()
        self.empty = quiet(sentence())
        self.count = quiet(Sentence())
        self.previous = self._way("reef_previous_photo", "mActionArrowLeft", lambda: state.step_photo(-1))
        self.next = self._way("reef_next_photo", "mActionArrowRight", lambda: state.step_photo(1))
        self.left = self._way("reef_left_photo", "mActionDoubleArrowRight", state.next_photo)
        column(
            self,
            row(self.find, self.shown, stretch=self.find), self.view, self.empty,
            row(self.site, self.count, self.previous, self.next, self.left, stretch=self.count),
        )  # fmt: skip
        self.find.textChanged.connect(self._ask)
        self.shown.activated.connect(self._ask)
        self.site.activated.connect(self._ask)
        self.view.selectionModel().currentRowChanged.connect(self._on_row_chosen)
        self.view.activated.connect(lambda *_: state.photo_wanted.emit())
        state.opened.connect(self._on_opened)
        state.listed.connect(self._on_listed)
        state.annotated.connect(self.model.tell)
        state.photo_chosen.connect(self._show_current)
        self._on_opened()

    def _list(self) -> QTreeView:
        view = described(QTreeView(), "reef_photos")
        view.setModel(self.model)
        view.setRootIsDecorated(False)
        view.setUniformRowHeights(True)
        view.setHeaderHidden(True)
        view.setTabKeyNavigation(False)
        view.setIconSize(icon_size(view))
        view.setTextElideMode(Qt.TextElideMode.ElideMiddle)  # names of photos differ at both ends
        view.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        view.header().setStretchLastSection(False)
        view.header().setMinimumSectionSize(lines(view, 1))
        view.header().setSectionResizeMode(NAME, QHeaderView.ResizeMode.Stretch)
        view.header().setSectionResizeMode(POINTS, QHeaderView.ResizeMode.Fixed)
        view.setFixedHeight(lines(view, 1.25) * ROWS + 2 * view.frameWidth())
        self.model.ink = view.palette().color(QPalette.ColorRole.Mid)
        self.model.chosen_ink = view.palette().color(QPalette.ColorRole.HighlightedText)
        return view

    def _way(self, name: str, icon: str, does: Any) -> Any:
        button = tool_button(name, icon)
        button.clicked.connect(lambda *_: does())
        return button

    def _ask(self, *_: Any) -> None:
        self._state.list_photos(Wish(self.shown.currentData(), self.site.currentData() or "", self.find.text()))

    def _on_opened(self) -> None:
        sites = self._state.photos.sites()
        with QSignalBlocker(self.site):
            self.site.clear()
            self.site.addItem(tr("All sites"), "")
            for site in sites:
                self.site.addItem(site, site)
        self.site.setVisible(len(sites) > 1)
        wish = self._state.photos.wish
        with QSignalBlocker(self.find), QSignalBlocker(self.shown):
            self.find.setText(wish.text)
            self.shown.setCurrentIndex(max(self.shown.findData(wish.shown), 0))
        self._on_listed()

    def _on_listed(self) -> None:
        with QSignalBlocker(self.view.selectionModel()):
            self.model.refresh()
        listed, every = len(self.model.photos), len(self._state.photos.photos)
        widest = max((photo.points for photo in self.model.photos), default=0)
        width = self.view.fontMetrics().horizontalAdvance(f"{widest} / {widest}") + lines(self.view, 0.8)
        self.view.header().resizeSection(POINTS, width)
        self.view.setVisible(bool(listed))
        self.empty.setVisible(not listed)
        self.empty.setText(tr("No photo fits. Change what is typed or chosen above.") if every else "")
        photos = plural("%n photo", "%n photos", every)
        self.count.setText(photos if listed == every else tr("{some} of {every}").format(some=listed, every=every))
        self._show_current()

    def _show_current(self, *_: Any) -> None:
        photo = self._state.photo
        place = self._state.photos.row(photo.photo) if photo is not None else -1
        index = self.model.index(place, NAME) if place >= 0 else QModelIndex()
        if index.row() != self.view.currentIndex().row() or place < 0:
            with QSignalBlocker(self.view.selectionModel()):
                self.view.setCurrentIndex(index)
            self.view.viewport().update()
        if place >= 0:
            self.view.scrollTo(index)

    def _on_row_chosen(self, index: QModelIndex, before: QModelIndex) -> None:
        if index.isValid():
            self._state.choose_photo(self.model.photos[index.row()].photo)
