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
        (tr("Enter"), tr("Take the first line, then the next point; at the end the next photo")),
        ("1 - 5", tr("Take this suggestion")),
        (tr("Letter"), tr("Give the label of this key, or search for a label that begins so")),
        (tr("Space"), tr("Search for a label")),
        (tr("Arrows"), tr("Next and previous point")),
        (tr("Tab"), tr("Next point to do")),
        (tr("PgUp PgDn"), tr("Previous and next photo")),
        (tr("Ctrl+PgDn"), tr("Next photo to do")),
        (tr("Ctrl+Enter"), tr("Take all trusted labels of the photo")),
        (tr("Ctrl+Shift+Enter"), tr("Take the most probable labels, too")),
        (tr("Del"), tr("Take your label away")),
        (tr("Ctrl+Z Ctrl+Y"), tr("Undo, redo")),
        (tr("Ctrl+H"), tr("Hide suggestions")),
        (tr("Esc"), tr("From the photo to the list of photos")),
        ("F11", tr("Photo on the full screen, and back")),
    )


class KeysControl(QWidget):
    """A table of two columns that wraps with the dock."""

    def __init__(self, parent: Optional[QWidget] = None) -> None:
        super().__init__(parent)
        self.text = described(sentence(), "reef_keys")
        self.text.setTextFormat(Qt.TextFormat.RichText)
        rows = "".join(
            f"<tr><td style='padding-right: 8px'><b>{escape(key)}</b></td><td>{escape(deed)}</td></tr>"
            for key, deed in table()
        )
        self.text.setText(f"<table cellspacing='0' cellpadding='1'>{rows}</table>")
        column(self, self.text)
