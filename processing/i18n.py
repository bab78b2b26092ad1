"""One context for translated words, so that a sentence declared in a job is translated wherever it is shown."""

from qgis.PyQt.QtCore import QCoreApplication

CONTEXT = "Quadrat"


def tr(text: str) -> str:
    """`text` in the user's language; unchanged where there is no translation."""
    return QCoreApplication.translate(CONTEXT, text) if text else ""


def plural(one: str, many: str, n: int) -> str:
    """A sentence with a number in it, in the form that the user's language has for that number.

    Args:
        one: English for 1, with `%n` where the number stands.
        many: English for all other numbers; the text that a catalogue translates, into as many forms as it needs.
        n: the number.
    """
    shown = str(QCoreApplication.translate(CONTEXT, many, None, n))
    if n == 1 and shown == many.replace("%n", str(n)):  # no catalogue: English has its own two forms
        return one.replace("%n", str(n))
    return shown
