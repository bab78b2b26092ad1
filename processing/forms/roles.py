"""The field that tells which band is what: proposes what was recognised, and never writes over what the user typed."""

from typing import Any, Dict, List

from qgis.PyQt.QtWidgets import QHBoxLayout, QLineEdit, QPushButton, QVBoxLayout, QWidget

from ...core.jobs.poverty.embedding import STATISTICS
from ...models.registry import BACKBONES
from ...models.spectrum import ROLES
from ..i18n import tr
from .fits import Answer
from .sentences import Note, quiet


class RolesField(QWidget):
    """QGIS's own text field with a proposal in it that is valid as long as nothing is typed."""

    def __init__(self, line: QLineEdit, layer: int) -> None:
        super().__init__()
        self.line, self._layer = line, layer
        self._proposal = self._filled = ""
        self.button = QPushButton(tr("Fill in"))
        self.button.setAutoDefault(False)
        self.button.setToolTip(tr("Write what was recognised into the field, to correct it there"))
        self.button.clicked.connect(lambda *_: self._on_pressed())
        self.note = quiet(Note())
        row = QHBoxLayout()
        row.addWidget(line, 1)
        row.addWidget(self.button)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addLayout(row)
        layout.addWidget(self.note)
        line.textChanged.connect(lambda *_: self._enable())
        self._enable()

    @property
    def value(self) -> str:
        """What is in the field."""
        return self.line.text().strip()

    @property
    def wish(self) -> str:
        """What the user typed himself: nothing as long as a proposal stands as it was filled in."""
        return "" if self._untouched else self.value

    @property
    def _untouched(self) -> bool:
        return bool(self._filled) and self.value == self._filled

    def show_answer(self, answer: Answer, backbone: str, problem: str) -> None:
        """Propose what was recognised.

        Args:
            answer: to the question of the form.
            backbone: for which the bands are; empty where the form has none.
            problem: what is wrong with what is typed.
        """
        known = answer.bands[self._layer] if self._layer < len(answer.bands) else None
        card = BACKBONES.get(backbone)
        any_bands = backbone == STATISTICS or (card is not None and not card.inputs)
        proposal = "" if known is None or any_bands else _proposal(answer, backbone, self._layer, known)
        self._propose(proposal, known is not None)
        if self.value:
            self.note.say(problem)
        elif known is None:
            self.note.say("")
        elif any_bands and card is None:
            self.note.say(tr("Not needed: statistics are of any bands."))
        elif any_bands:
            self.note.say(tr("Not needed: this backbone takes any bands."))
        else:
            self.note.say(_note(answer, backbone, self._layer, known, proposal))

    def _propose(self, proposal: str, settled: bool) -> None:
        """A text that was filled in and left as it was follows the proposal; one that was typed stays."""
        self._proposal = proposal
        self.line.setPlaceholderText(proposal)
        if settled and self._untouched and proposal != self.value:
            self._fill_in()
        self._enable()

    def _on_pressed(self) -> None:
        self._fill_in()
        self.line.setFocus()

    def _fill_in(self) -> None:
        self._filled = self._proposal
        self.line.setText(self._proposal)

    def _enable(self) -> None:
        self.button.setEnabled(bool(self._proposal) and not self.value)


def _proposal(answer: Answer, backbone: str, layer: int, known: Dict[str, Any]) -> str:
    """Bands that the backbone gets; where it lacks some, all that were recognised, to which they can be added."""
    told = answer.cards.get(backbone)
    if told is not None and told["fits"]:
        return str(told["proposals"][layer])
    return " ".join(f"{role}={number}" for role, number in _recognised(known).items())


def _recognised(known: Dict[str, Any]) -> Dict[str, int]:
    """The first band of each role, of the first date of a series."""
    first = known["dates"][0] if known["dates"] else ""
    found: Dict[str, int] = {}
    for band in known["bands"]:
        if band["role"] and band["date"] in ("", first):
            found.setdefault(band["role"], band["number"])
    return found


def _note(answer: Answer, backbone: str, layer: int, known: Dict[str, Any], proposal: str) -> str:
    told = answer.cards.get(backbone)
    if proposal:
        pairs = [pair.partition("=") for pair in proposal.split()]
        names = ", ".join(f"{number} {ROLES[role].title}" for role, _, number in pairs)
        text = tr("Recognised as {product}: {bands}.") if known["title"] else tr("Recognised: {bands}.")
        parts = [text.format(product=known["title"], bands=names)]
    elif told is not None and told["fits"]:
        parts = [tr("Of this raster no band is used.")]
    else:
        parts = [tr("No band was recognised. Type which is what, as in blue=2 green=3.")]
    return " ".join([*parts, *_sentences(known)])


def _sentences(known: Dict[str, Any]) -> List[str]:
    return [str(text) for text in known["sentences"]]
