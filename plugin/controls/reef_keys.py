"""What each key does while photos are annotated, to be looked up."""

from html import escape
from typing import Optional, Tuple

from qgis.PyQt.QtCore import Qt
from qgis.PyQt.QtWidgets import QWidget

from ...processing.forms.sentences import sentence
from ...processing.i18n import tr
from .parts import column, described


def table() -> Tuple[Tuple[str, str], ...]:
    """Keys and deeds, as `reef/keys.py` joins them."""
    return (
        (tr("Enter"), tr("take the first line; at the end the next photo")),
        ("1 - 5", tr("take this suggestion")),
        (tr("Letter"), tr("give the label of this key, or search for a label that begins so")),
        (tr("Space"), tr("search for a label")),
        (tr("Arrows"), tr("next and previous point")),
        (tr("Tab"), tr("next point to do")),
        (tr("PgUp PgDn"), tr("previous and next photo")),
        (tr("Ctrl+PgDn"), tr("next photo to do")),
        (tr("Ctrl+Enter"), tr("take all trusted labels of the photo")),
        (tr("Ctrl+Shift+Enter"), tr("take the most probable labels, too")),
        (tr("Del"), tr("take your label away")),
        (tr("Ctrl+Z Ctrl+Y"), tr("undo, redo")),
        (tr("Ctrl+H"), tr("hide suggestions")),
        (tr("Esc"), tr("from the photo to the list of photos")),
        ("F11", tr("photo on the full screen, and back")),
    )


class KeysControl(QWidget):
    """A line or two for each key."""

    def __init__(self, parent: Optional[QWidget] = None) -> None:
        super().__init__(parent)
        self.text = described(sentence(), "reef_keys")
        self.text.setTextFormat(Qt.TextFormat.RichText)
        lines = (f"<p style='margin: 1px 0'><b>{escape(key)}</b>: {escape(deed)}</p>" for key, deed in table())
        self.text.setText("".join(lines))
        column(self, self.text)
