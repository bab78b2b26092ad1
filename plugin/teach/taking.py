"""Labels taken from the features of any layer: its selection or all of it, with one class or that of a field.

The layer is touched where `Taking` is made, in the main thread; `read` may run in any.
"""

from collections import Counter
from dataclasses import dataclass
from typing import Any, Callable, List, Optional, Tuple

from qgis.core import (
    NULL,
    QgsCoordinateReferenceSystem,
    QgsFeature,
    QgsFeatureRequest,
    QgsGeometry,
    QgsVectorLayer,
    QgsVectorLayerFeatureSource,
    QgsWkbTypes,
)

from ...core.errors import BadInput, Cancelled
from ...processing.background import in_background
from ...processing.i18n import plural, tr
from .classes import class_text
from .labelfile import VALUE
from .labels import Item, LabelLayer
from .shapes import brought

AT_ONCE = 500
"""Up to so many features are read in the main thread: it takes a few hundredths of a second."""
HOW = "layer"


@dataclass(frozen=True)
class Taken:
    """What came of it."""

    items: List[Item]
    """For `AddLabels`."""
    sentence: str = ""
    """What was left out and why; empty when nothing was."""


class Taking:
    """Features of a layer on their way to labels."""

    def __init__(
        self, layer: QgsVectorLayer, labels: LabelLayer, y: Any = None, field: str = "", selected: bool = True
    ) -> None:
        """Look what there is to take.

        Args:
            layer: any vector layer.
            labels: where they will go; gives CRS, target and kinds of geometry.
            y: class name or value of all of them.
            field: the field that holds it, where `y` is None.
            selected: the selected features only.

        Raises:
            BadInput: nothing is selected, or there is no such field.
        """
        self._name = layer.name()
        if selected and not layer.selectedFeatureCount():
            text = tr("Nothing is selected in '{name}'. Select what is to be taken first.")
            raise BadInput(text.format(name=self._name))
        self._place = -1
        if y is None:
            self._place = layer.fields().indexOf(field)
            if self._place < 0:
                raise BadInput(tr("'{name}' has no field '{field}'.").format(name=self._name, field=field))
        self._y, self._target, self._kinds = y, labels.target, labels.kinds()
        self._crs = QgsCoordinateReferenceSystem(layer.crs())
        self._to = QgsCoordinateReferenceSystem(labels.crs)
        self._source = QgsVectorLayerFeatureSource(layer)
        self._request = QgsFeatureRequest()
        self._request.setSubsetOfAttributes([self._place] if self._place >= 0 else [])
        if selected:
            self._request.setFilterFids(layer.selectedFeatureIds())
        self.count = layer.selectedFeatureCount() if selected else int(layer.featureCount())

    def run(self, on_done: Callable[[Optional[Taken], Optional[BaseException]], None]) -> None:
        """Read, in the background when there are many; then `on_done(taken, error)` in the main thread."""
        if 0 <= self.count <= AT_ONCE:
            on_done(self.read(), None)
        else:
            in_background(tr("Read the features of '{name}'").format(name=self._name), self.read, on_done)

    def read(self, is_cancelled: Callable[[], bool] = lambda: False) -> Taken:
        """The labels, reprojected and repaired; what cannot be one is counted by its reason.

        Raises:
            Cancelled: the user stopped it.
        """
        items: List[Item] = []
        reasons: Counter[str] = Counter()
        for number, feature in enumerate(self._source.getFeatures(self._request)):
            if number % 100 == 0 and is_cancelled():
                raise Cancelled(tr("Stopped."))
            try:
                shape, y = self._label(feature)
            except BadInput as error:
                reasons[str(error)] += 1
            else:
                items.append((shape, y, HOW))
        left = [f"{plural('One was left out:', '%n were left out:', n)} {why}" for why, n in reasons.most_common(3)]
        return Taken(items, " ".join(left))

    def _label(self, feature: QgsFeature) -> Tuple[QgsGeometry, Any]:
        y = self._y if self._place < 0 else feature.attribute(self._place)
        if self._target == VALUE:
            try:
                y = None if y == NULL else float(y)
            except (TypeError, ValueError) as error:
                raise BadInput(tr("Its value is no number.")) from error
        else:
            y = class_text(y)
        if y is None or y == "" or y != y:
            raise BadInput(tr("Its field is empty."))
        shape = brought(feature.geometry(), self._crs, self._to)
        if shape.type() not in self._kinds:
            raise BadInput(refusal(shape))
        return shape, y


def refusal(shape: QgsGeometry) -> str:
    """Why a geometry cannot be a label of this layer, and what to do."""
    if shape.type() == QgsWkbTypes.GeometryType.LineGeometry:
        return tr("Lines are no labels; make areas of them with the tool 'Buffer' first.")
    return tr("The label layer does not take this kind of geometry.")
