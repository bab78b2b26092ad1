"""How far the photo and the survey are."""

from typing import Any, Optional

from qgis.PyQt.QtWidgets import QProgressBar, QWidget

from ...processing.forms.sentences import sentence
from ...processing.i18n import plural, tr
from .parts import column, described, lines


def counted(number: int) -> str:
    """`75,000`."""
    return f"{number:,}"


class ReefProgress(QWidget):
    """Two bars, each with a sentence."""

    def __init__(self, state: Any, parent: Optional[QWidget] = None) -> None:
        super().__init__(parent)
        self._state = state
        self.survey, self.text = self._bar("reef_survey_progress"), sentence()
        self.photo, self.photo_text = self._bar("reef_photo_progress"), sentence()
        box = column(self, self.photo_text, self.photo, self.text, self.survey)
        box.setSpacing(0)
        state.annotated.connect(self._show)
        state.photo_chosen.connect(self._show)
        state.listed.connect(self._show)
        state.opened.connect(self._show)
        self._show()

    def _bar(self, name: str) -> QProgressBar:
        bar = described(QProgressBar(), name)
        bar.setTextVisible(False)
        bar.setMaximumHeight(lines(self, 0.45))
        return bar

    def _show(self, *_: Any) -> None:
        state = self._state
        points, of, photos, of_photos = state.photos.totals()
        self.survey.setRange(0, max(of, 1))
        self.survey.setValue(points)
        self.text.setText(
            tr("Survey: {done} / {points}, {whole} / {photos}").format(
                done=counted(points), points=plural("%n point", "%n points", of), whole=counted(photos),
                photos=plural("%n photo", "%n photos", of_photos),
            )
        )  # fmt: skip
        sheet = state.sheet
        self.photo.setVisible(sheet is not None)
        self.photo_text.setVisible(sheet is not None)
        if sheet is None:
            return
        every = len(sheet.points)
        done = every - len(sheet.left())
        self.photo.setRange(0, max(every, 1))
        self.photo.setValue(done)
        text = tr("Photo: {done} / {points}").format(done=done, points=plural("%n point", "%n points", every))
        if not every:
            text = tr("This photo has no points. 'Place points on photos' in the menu above gives it some.")
        self.photo_text.setText(text)
