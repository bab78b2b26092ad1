"""What is taught on: a raster, and the embedding of it that is there or will be made."""

import os
from typing import Any, Optional

from qgis.core import QgsMapLayer, QgsMapLayerProxyModel, QgsProject, QgsVectorLayer
from qgis.gui import QgsMapLayerComboBox
from qgis.PyQt.QtCore import QSignalBlocker
from qgis.PyQt.QtWidgets import QFileDialog, QMenu, QToolButton, QWidget

from ...core.heads.registry import HEADS
from ...processing.forms.sentences import sentence
from ...processing.i18n import plural, tr
from .parts import attempt, column, described, narrow, push_button, row, tool_button

BUTTONS = {"found": "Use it", "compute": "Make it"}


class SourceControl(QWidget):
    """Raster chooser, the proposal in a sentence, and one button."""

    def __init__(self, state: Any, parent: Optional[QWidget] = None) -> None:
        super().__init__(parent)
        self._state = state
        self.raster = described(QgsMapLayerComboBox(), "raster")
        self.raster.setFilters(QgsMapLayerProxyModel.Filter.RasterLayer)
        self.raster.setAllowEmptyLayer(True, tr("Choose a raster"))
        narrow(self.raster)
        self.more = tool_button("source_more")
        self.more.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.menu = QMenu(self.more)
        self.menu.aboutToShow.connect(self._fill_menu)
        self.more.setMenu(self.menu)
        self.said = described(sentence(), "embedding")
        self.button = push_button("begin", self._accept)
        column(self, row(self.raster, self.more, stretch=self.raster), self.said, self.button)
        with QSignalBlocker(self.raster):
            self.raster.setLayer(state.raster)
        self.raster.layerChanged.connect(self._on_layer_changed)
        state.changed.connect(self._show)
        state.busy_changed.connect(self._show)
        self._show()

    def _on_layer_changed(self, layer: Optional[QgsMapLayer]) -> None:
        attempt(self._state, self._state.choose_raster, layer)

    def _accept(self) -> None:
        attempt(self._state, self._state.accept_proposal)

    def _show(self, *_: Any) -> None:
        state = self._state
        if self.raster.currentLayer() is not state.raster:
            with QSignalBlocker(self.raster):
                self.raster.setLayer(state.raster)
        kind = state.proposal.kind
        waiting = not state.busy and (not state.embedding or not state.whole)  # the rest may have been cancelled
        self.said.setText(self._text())
        self.button.setVisible(waiting and kind in BUTTONS)
        self.button.setText(tr(BUTTONS.get(kind, "Use it")))

    def _text(self) -> str:
        state = self._state
        if not state.embedding:
            rasters = any(layer.type() == QgsMapLayer.LayerType.RasterLayer for layer in _layers())
            if state.raster is None and not rasters:
                return tr("Add a raster to the project, then choose it here.")
            return str(state.proposal.sentence)
        name = os.path.basename(state.embedding)
        if state.opened is None:
            return tr("Opening {name}…").format(name=name)
        dimensions = plural("%n number", "%n numbers", state.opened.dimensions)
        text = tr("Embedding: {name}, {numbers} for each cell.").format(name=name, numbers=dimensions)
        return text if state.whole else tr("{text} So far only what the map showed.").format(text=text)

    # The menu ---------------------------------------------------------------------------------------------------

    def _fill_menu(self) -> None:
        state, menu = self._state, self.menu
        menu.clear()
        menu.addAction(tr("Choose another embedding…"), self._choose_embedding)
        bands = menu.addAction(tr("Use the bands as they are"), self._use_bands)
        bands.setEnabled(state.raster is not None)
        labels = menu.addMenu(tr("Use labels of a layer"))
        for layer in _layers():
            if isinstance(layer, QgsVectorLayer) and layer.isSpatial():
                labels.addAction(layer.name(), lambda layer=layer: attempt(state, state.choose_labels, layer))
        labels.setEnabled(not labels.isEmpty() and state.raster is not None)
        heads = menu.addMenu(tr("How it learns"))
        for card in HEADS.values():
            if state.target in card.targets:
                action = heads.addAction(tr(card.title), lambda name=card.name: attempt(state, state.set_head, name))
                action.setCheckable(True)
                action.setChecked(card.name == state.head)
                action.setToolTip(tr(card.summary))
        heads.setToolTipsVisible(True)

    def _choose_embedding(self) -> None:
        folder = os.path.dirname(self._state.embedding or self._state.proposal.path)
        path, _ = QFileDialog.getOpenFileName(
            self, tr("Choose an embedding"), folder, tr("Rasters (*.tif *.tiff *.vrt);;All files (*)")
        )
        if path:
            attempt(self._state, self._state.choose_embedding, path)

    def _use_bands(self) -> None:
        attempt(self._state, self._state.choose_embedding, self._state.raster.source().partition("|")[0])


def _layers() -> Any:
    return QgsProject.instance().mapLayers().values()
