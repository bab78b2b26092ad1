"""What is known of the place under the cursor: class, probabilities, and the labelled places most like it."""

from typing import Any, Dict, List, Optional, Tuple

from qgis.PyQt.QtCore import Qt
from qgis.PyQt.QtGui import QPixmap
from qgis.PyQt.QtWidgets import QLabel, QSizePolicy, QVBoxLayout, QWidget

from ...processing.forms.sentences import Sentence, quiet, sentence
from ...processing.i18n import tr
from .bars import Bars
from .parts import column, described, evenly, icon_size, lines, percent, row, swatch
from .thumbnails import Thumbnails

CLASSES_SHOWN = 4
NEAREST_SHOWN = 3
THUMBNAIL_LINES = 3.8


class Example(QWidget):
    """One labelled place: its picture, its class, how alike it is."""

    def __init__(self, parent: Optional[QWidget] = None) -> None:
        super().__init__(parent)
        self.picture, self.name, self.likeness = QLabel(), QLabel(), quiet(Sentence())
        self.cell: Tuple[int, int] = (-1, -1)
        side = lines(self, THUMBNAIL_LINES)
        self.picture.setFixedSize(side, side)
        self.picture.setScaledContents(True)
        self.picture.setAlignment(Qt.AlignmentFlag.AlignCenter)
        for label in (self.name, self.likeness):
            label.setTextFormat(Qt.TextFormat.PlainText)
            label.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
            label.setAlignment(Qt.AlignmentFlag.AlignHCenter)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self.picture, 0, Qt.AlignmentFlag.AlignHCenter)
        layout.addWidget(self.name)
        layout.addWidget(self.likeness)

    def show_example(self, example: Optional[Dict[str, Any]]) -> None:
        """Show a labelled place, or nothing."""
        if example is None:
            self.cell = (-1, -1)
            self.picture.clear()
            self.name.clear()
            self.likeness.clear()
            return
        cell = (int(example["row"]), int(example["col"]))
        if cell != self.cell:
            self.picture.clear()
        self.cell = cell
        name = str(example.get("y", ""))
        room = max(self.width(), self.picture.width())
        self.name.setText(self.name.fontMetrics().elidedText(name, Qt.TextElideMode.ElideRight, room))
        self.name.setToolTip(name)
        self.likeness.setText(tr("{share} alike").format(share=percent(max(float(example.get("likeness", 0)), 0))))


class HoverControl(QWidget):
    """The box under the cursor. Keeps its height whatever it shows."""

    def __init__(self, state: Any, parent: Optional[QWidget] = None) -> None:
        super().__init__(parent)
        self._state = state
        described(self, "hover")
        self.mark, self.title = QLabel(), sentence()
        font = self.title.font()
        font.setBold(True)
        self.title.setFont(font)
        self.bars = Bars(CLASSES_SHOWN)
        self.nearest_title = quiet(sentence(tr("Labelled places most like it:")))
        self.examples = [Example() for _ in range(NEAREST_SHOWN)]
        self.hint = quiet(sentence())
        pictures = evenly(*self.examples)
        self._details = QWidget()
        column(
            self._details,
            row(self.mark, self.title, stretch=self.title), self.bars, self.nearest_title, pictures,
        )  # fmt: skip
        column(self, self.hint, self._details)
        self._thumbnails = Thumbnails(self)
        self._thumbnails.made.connect(self._on_thumbnail)
        state.known.connect(self.show_known)
        state.changed.connect(self._on_changed)
        self._raster = state.raster
        self.show_known(None)

    def show_known(self, known: Any) -> None:
        """Show an answer of the live map, or a hint when there is none."""
        there = known is not None and known.valid and bool(known.probabilities or known.value is not None)
        self._details.setVisible(there)
        self.hint.setVisible(not there)
        if not there:
            self.hint.setText(self._hint(known))
            return
        if known.value is not None:
            self._show_value(known.value)
        else:
            self._show_classes(list(known.probabilities))
        nearest: List[Any] = [dict(example) for example in known.nearest[:NEAREST_SHOWN]]
        self.nearest_title.setVisible(bool(nearest))
        for number, example in enumerate(self.examples):
            example.setVisible(number < len(nearest) or not number)
            example.show_example(nearest[number] if number < len(nearest) else None)
        self._want_pictures()

    def _hint(self, known: Any) -> str:
        if self._state.last is None or not self._state.last.path:
            return tr("When there is a map, point at a place to see what it is taken for, and why.")
        if known is not None and not known.valid:
            return tr("There is no data here.")
        return tr("Point at a place on the map to see what it is taken for, and why.")

    def _show_value(self, value: float) -> None:
        self.mark.hide()
        self.bars.hide()
        self.title.setText(tr("Value: {value}").format(value=f"{value:.4g}"))

    def _show_classes(self, probabilities: List[float]) -> None:
        classes = self._state.classes.to_dicts()
        bars = [(c["name"], c["colour"], share) for c, share in zip(classes, probabilities)]
        if not bars:
            return
        name, colour, share = max(bars, key=lambda bar: bar[2])
        size = icon_size(self)
        self.mark.setPixmap(swatch(colour, size.width()).pixmap(size))
        self.mark.show()
        self.title.setText(tr("{name}, {share} sure").format(name=name, share=percent(share)))
        self.bars.show()
        self.bars.set_bars(bars)

    # Pictures ---------------------------------------------------------------------------------------------------

    def _want_pictures(self) -> None:
        state = self._state
        if state.raster is None or state.opened is None:
            return
        cells = [example.cell for example in self.examples if example.cell[0] >= 0]
        side = self.examples[0].picture.width()
        self._thumbnails.want(state.raster, state.opened, cells, side, self.devicePixelRatioF())

    def _on_thumbnail(self, cell: Tuple[int, int], picture: QPixmap) -> None:
        for example in self.examples:
            if example.cell == cell:
                example.picture.setPixmap(picture)

    def _on_changed(self) -> None:
        if self._state.raster is not self._raster:
            self._raster = self._state.raster
            self._thumbnails.forget()
            self.show_known(None)
        elif not self.hint.isHidden():
            self.hint.setText(self._hint(None))
