"""The models on this computer: a list, and buttons that do what the toolbox does with them."""

import html
from typing import Any, Dict, List, Optional

from qgis.PyQt.QtCore import QModelIndex, QSize, Qt, QUrl, pyqtSignal
from qgis.PyQt.QtGui import QDesktopServices
from qgis.PyQt.QtWidgets import (
    QFileDialog,
    QGridLayout,
    QGroupBox,
    QLabel,
    QListWidget,
    QListWidgetItem,
    QMessageBox,
    QProgressBar,
    QStyleOptionViewItem,
    QVBoxLayout,
    QWidget,
)

from ...core.jobs.cards import short_licence
from ...core.jobs.weights import FetchWeights
from ...models.weights.place import size_text
from ...processing.forms.backbone import FITS, LINE, NAME, TwoLines
from ...processing.forms.sentences import sentence, wrap_freely
from ...processing.i18n import plural, tr
from ...processing.parameters import file_filter, key
from ..engine_state import EngineState
from ..weights_state import Model, Store, WeightsState, backbone_of
from .parts import described, lines, push_button, strip

FETCH = "quadrat:fetchweights"
MOST_ROWS = 5
"""Models that are seen at once; more are scrolled to."""
MODEL = NAME
"""Where an entry keeps its model."""


class Row(TwoLines):
    """As wide as the dock, whatever the texts."""

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex) -> QSize:  # noqa: N802 - Qt's name
        """Only the height asks for room."""
        return QSize(0, super().sizeHint(option, index).height())


class ModelList(QListWidget):
    """As high as what is in it, up to a limit."""

    def __init__(self) -> None:
        super().__init__()
        self.setItemDelegate(Row(self))
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """The rows."""
        high = sum(self.sizeHintForRow(row) for row in range(min(self.count(), MOST_ROWS)))
        return QSize(super().sizeHint().width(), high + 2 * self.frameWidth())

    def minimumSizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """No lower, and as narrow as the dock."""
        return QSize(lines(self, 8), self.sizeHint().height())


class WeightsBox(QGroupBox):
    """Shows `WeightsState`; what needs a form opens that of the toolbox."""

    form_wanted = pyqtSignal(str, dict)
    """Algorithm whose form is to be opened, and values to begin with."""

    def __init__(self, engine: EngineState, parent: Optional[QWidget] = None) -> None:
        super().__init__(tr("Models on this computer"), parent)
        self.state = WeightsState()
        self.state.setParent(self)
        self._engine = engine
        described(self, "models")
        self.list = described(ModelList(), "models_list")
        self.list.itemSelectionChanged.connect(self._enable)
        self.summary = QLabel()
        self.summary.setTextFormat(Qt.TextFormat.RichText)
        wrap_freely(self.summary)
        self.summary.setTextInteractionFlags(Qt.TextInteractionFlag.TextBrowserInteraction)
        self.summary.linkActivated.connect(lambda link: QDesktopServices.openUrl(QUrl(link)))
        self.outcome = sentence()
        self.outcome.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.bar = QProgressBar()
        self.stop = push_button("models_stop", self.state.stop, tr("Cancel"))
        self.progress = strip(self.bar, self.stop, stretch=self.bar)
        layout = QVBoxLayout(self)
        for part in (self.list, self.summary, self.progress, self.outcome):
            layout.addWidget(part)
        layout.addLayout(self._buttons())
        self.state.changed.connect(self._show)
        self.state.progressed.connect(lambda percent: self.bar.setValue(int(percent)))
        engine.changed.connect(self._show)
        self._show()

    def _buttons(self) -> QGridLayout:
        self.get_button = push_button("models_get", lambda: self.form_wanted.emit(FETCH, {}))
        self.add_button = push_button("models_add", self._add)
        self.verify_button = push_button("models_verify", lambda: self.state.do(WHAT="verify"))
        self.delete_button = push_button("models_delete", self._delete)
        self.move_button = push_button("models_move", self._move)
        grid = QGridLayout()
        shown = (self.get_button, self.add_button, self.verify_button, self.delete_button, self.move_button)
        for number, button in enumerate(shown):
            grid.addWidget(button, number // 2, number % 2)
        return grid

    def showEvent(self, event: Any) -> None:  # noqa: N802 - Qt's name
        """Look, since what lies there may have changed while nobody was looking."""
        super().showEvent(event)
        self.state.refresh()

    # What is pressed -------------------------------------------------------------------------------------------

    def chosen(self) -> Optional[Model]:
        """The model that is selected."""
        items = self.list.selectedItems()
        return items[0].data(MODEL) if items else None

    def _add(self) -> None:
        """The form of 'Get weights' with the file in it, and the backbone where its name tells."""
        p = FetchWeights.params()["file"]
        path = QFileDialog.getOpenFileName(self, tr("File of weights that you have"), "", file_filter(p))[0]
        if not path:
            return
        values: Dict[str, Any] = {key("file"): path}
        backbone = backbone_of(path)
        if backbone:
            values[key("backbone")] = backbone
        self.form_wanted.emit(FETCH, values)

    def _delete(self) -> None:
        model = self.chosen()
        if model is None:
            return
        question = tr("Delete the weights of {title} from the disk? {size} become free. They can be got again.")
        buttons = QMessageBox.StandardButton
        text = question.format(title=model.title, size=size_text(model.bytes))
        if QMessageBox.question(self, self.title(), text, buttons.Yes | buttons.No) == buttons.Yes:
            self.state.do(WHAT="delete", NAME=model.name)

    def _move(self) -> None:
        folder = QFileDialog.getExistingDirectory(self, tr("New folder for the models"), "")
        if folder:
            self.state.do(WHAT="move", FOLDER=folder)

    # What is shown ---------------------------------------------------------------------------------------------

    def _show(self) -> None:
        store = self.state.store
        found = self._engine.facts is not None and self._engine.facts.found
        self.setVisible(found or bool(store and store.models))
        self._fill(store)
        self.summary.setText(_summary(store))
        self.summary.setVisible(bool(self.summary.text()))
        self.outcome.setText(self.state.outcome)
        self.outcome.setVisible(bool(self.state.outcome))
        if self.progress.isHidden() == self.state.busy:
            self.bar.setValue(0)
            self.progress.setVisible(self.state.busy)
        self._enable()

    def _fill(self, store: Optional[Store]) -> None:
        models = store.models if store else ()
        if [self.list.item(row).data(MODEL) for row in range(self.list.count())] != list(models):
            before = self.chosen()
            self.list.clear()
            for model in models:
                item = _item(model)
                self.list.addItem(item)
                item.setSelected(before is not None and before.name == model.name)
            self.list.updateGeometry()
        self.list.setVisible(bool(models))

    def _enable(self) -> None:
        found = self._engine.facts is not None and self._engine.facts.found
        free = found and not self.state.busy and not self._engine.busy
        some = bool(self.state.store and self.state.store.models)
        for button, ready in (
            (self.get_button, True),
            (self.add_button, True),
            (self.verify_button, some),
            (self.delete_button, self.chosen() is not None),
            (self.move_button, True),
        ):
            button.setEnabled(free and ready)


def _item(model: Model) -> QListWidgetItem:
    item = QListWidgetItem(model.title)
    facts = (size_text(model.bytes), short_licence(model.licence) or tr("licence not noted"), model.noted)
    item.setData(MODEL, model)
    item.setData(LINE, model.problem or " · ".join(fact for fact in facts if fact))
    item.setData(FITS, not model.problem)
    told = [model.problem, f"{model.title} ({model.name})", model.path]
    told += [tr("Licence: {text}").format(text=model.licence)] if model.licence else []
    told += [tr("From: {text}").format(text=model.origin)] if model.origin else []
    told += [f"SHA-256: {model.sha256}"] if model.sha256 else []
    item.setToolTip("\n".join(text for text in told if text))
    return item


def _summary(store: Optional[Store]) -> str:
    """Number, size and folder; downloads that were cut off."""
    if store is None:
        return ""
    if store.trouble:
        return html.escape(store.trouble)
    link = f'<a href="{QUrl.fromLocalFile(store.folder).toString()}">{html.escape(store.folder)}</a>'
    parts: List[str] = []
    if store.models:
        count = plural("%n model", "%n models", len(store.models))
        parts.append(tr("{models}, {size}, in {folder}").format(models=count, size=size_text(store.bytes), folder=link))
    else:
        parts.append(tr("None yet. Backbones that need no download work without."))
    for name, size in store.unfinished:
        text = tr("Of {name} {size} are downloaded; 'Get' goes on with it.")
        parts.append(html.escape(text.format(name=name, size=size_text(size))))
    return "<br>".join(parts)
