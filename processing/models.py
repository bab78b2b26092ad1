"""Models that come with Quadrat: whole chains of steps, in the toolbox beside the steps.

Their files in `resources/models/` are written by `resources/tools/models.py` and open in Modeler like any other.
"""

import html
import pathlib
from typing import Any, Dict, List

from qgis.core import (
    QgsProcessingAlgorithm,
    QgsProcessingContext,
    QgsProcessingFeedback,
    QgsProcessingModelAlgorithm,
)
from qgis.PyQt.QtGui import QIcon

from .i18n import tr
from .icons import icon_path
from .pages import page_url
from .styles import Shelf, layer_name, new_styler, read_facts, save_style

FOLDER = pathlib.Path(__file__).resolve().parents[1] / "resources" / "models"
ENDING = ".model3"
PILE = ("cells", "disagreement", "map")
"""Results of shipped models from the undermost to the uppermost: Processing loads them in the order of their paths."""
SHOWN_AS = {"cells": "cells"}
"""Results with looks of their own: labelled cells tell more by why they are labelled than by their vectors."""


def model_files() -> List[pathlib.Path]:
    """The shipped models, by name."""
    return sorted(FOLDER.glob(f"*{ENDING}"))


class ShippedModel(QgsProcessingModelAlgorithm):
    """A shipped model as an algorithm of Quadrat.

    The file must be read when all steps are in the registry already: without them a model has no outputs.
    """

    def __init__(self, path: pathlib.Path) -> None:
        super().__init__()
        self._path = path
        self._readable = self.fromFile(str(path))

    @property
    def readable(self) -> bool:
        """False when this QGIS cannot read the file."""
        return self._readable

    def createInstance(self) -> QgsProcessingAlgorithm:  # noqa: N802
        """A fresh copy, from the file."""
        return ShippedModel(self._path)

    def name(self) -> str:
        """Id under `quadrat:`, the name of the file; never changes once released."""
        return self._path.stem

    def displayName(self) -> str:  # noqa: N802
        """Title in the toolbox."""
        return tr(super().displayName())

    def groupId(self) -> str:  # noqa: N802
        """That of the steps: QGIS takes the title of a model's group for its id."""
        return super().group().lower()

    def group(self) -> str:
        """Title of the group."""
        return tr(super().group())

    def tags(self) -> List[str]:
        """Words that find the model in the toolbox."""
        return ["model", "informal settlement", "slum", "chain", "city", "quadrat"]

    def icon(self) -> QIcon:
        """Icon in the toolbox."""
        return QIcon(icon_path("mapsettlement"))

    def processAlgorithm(  # noqa: N802
        self, parameters: Dict[str, Any], context: QgsProcessingContext, feedback: QgsProcessingFeedback
    ) -> Dict[str, Any]:
        """Run the steps; then name and pile up what QGIS is to load, which by itself takes the names of the results."""
        results = super().processAlgorithm(parameters, context, feedback)
        shelf: Shelf = {}
        for identifier, path in results.items():
            result = identifier.partition(":")[2]
            if result not in PILE or not isinstance(path, str):
                continue
            shown_as = SHOWN_AS.get(result, "")
            if shown_as:
                save_style(path, shown_as)
            if context.willLoadLayerOnCompletion(path):
                self._present(identifier, path, context, shelf)
        return dict(results)

    def _present(self, identifier: str, path: str, context: QgsProcessingContext, shelf: Shelf) -> None:
        result = identifier.partition(":")[2]
        place = PILE.index(result)
        details = context.layerToLoadOnCompletionDetails(path)
        details.name = layer_name(self.parameterDefinition(identifier).description(), read_facts(path)[1])
        details.setPostProcessor(new_styler(place, shelf, SHOWN_AS.get(result, "")))
        if hasattr(details, "layerSortKey"):  # QGIS 3.32 and later
            details.layerSortKey = place

    def shortHelpString(self) -> str:  # noqa: N802
        """Help beside the form, with where the model can be opened to be changed."""
        where = tr("To change the model, open {path} in Modeler and save it under another name.").format(
            path=self._path
        )
        return f"{super().shortHelpString()}<p>{html.escape(where)}</p>"

    def helpUrl(self) -> str:  # noqa: N802
        """The tutorial of the field."""
        return page_url(self.groupId())
