"""One context for translated words, so that a sentence declared in a job is translated wherever it is shown."""

from qgis.PyQt.QtCore import QCoreApplication

CONTEXT = "Quadrat"


def tr(text: str) -> str:
    """`text` in the user's language; unchanged where there is no translation."""
    return QCoreApplication.translate(CONTEXT, text) if text else ""
