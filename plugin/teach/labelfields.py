"""Which field of a layer holds the class or value."""

from typing import List

from qgis.core import QgsVectorLayer
from qgis.PyQt.QtCore import QVariant

from ...core.errors import BadInput
from ...processing.i18n import tr
from .labelfile import CLASS, VALUE

USUAL = {CLASS: ("class", "classname", "class_name", "label", "category"), VALUE: ("value", "y", "z", "target")}
"""Names that fields for labels have, the likeliest first; compared without regard to capitals."""
NOT_LABELS = ("fid", "id", "ogc_fid", "objectid", "gid")


def field_for(layer: QgsVectorLayer, target: str, wanted: str = "") -> str:
    """The field named, or the one that fits best.

    Raises:
        BadInput: the layer has no geometry or no field that can hold the class or value.
    """
    if not layer.isValid() or not layer.isSpatial():
        text = tr("The layer '{layer}' has no places: labels need points or areas. Choose another layer.")
        raise BadInput(text.format(layer=layer.name()))
    fits = fitting(layer, target)
    if wanted:
        if wanted in fits:
            return wanted
        if wanted in layer.fields().names():
            text = tr("The field '{field}' of '{layer}' holds no numbers. Choose another one.")
        else:
            text = tr("'{layer}' has no field '{field}'. Choose another layer or another file of labels.")
        raise BadInput(text.format(layer=layer.name(), field=wanted))
    lower = {name.lower(): name for name in reversed(fits)}
    usual = [lower[name] for name in USUAL[target] if name in lower]
    found = usual or [name for name in fits if name.lower() not in NOT_LABELS]
    if not found:
        kind = tr("a number field") if target == VALUE else tr("a text or number field")
        text = tr("The layer '{layer}' has no field for labels. Add {kind}, or choose another layer.")
        raise BadInput(text.format(layer=layer.name(), kind=kind))
    return found[0]


def fitting(layer: QgsVectorLayer, target: str) -> List[str]:
    """Fields that can hold a class (texts first) or a value; those of other layers joined to it cannot be written."""
    fields = layer.fields()
    own = [
        fields.at(place) for place in range(fields.count())
        if fields.fieldOrigin(place) == fields.FieldOrigin.OriginProvider
    ]  # fmt: skip
    numbers = [field.name() for field in own if field.isNumeric()]
    if target == VALUE:
        return numbers
    return [field.name() for field in own if field.type() == QVariant.String] + numbers
