"""Geometries of any layer as labels: reprojected, repaired, or refused with a sentence."""

from qgis.core import (
    QgsCoordinateReferenceSystem,
    QgsCoordinateTransform,
    QgsCsException,
    QgsGeometry,
    QgsProject,
)

from ...core.errors import BadInput
from ...processing.i18n import tr


def brought(geometry: QgsGeometry, crs: QgsCoordinateReferenceSystem, to: QgsCoordinateReferenceSystem) -> QgsGeometry:
    """A geometry in another CRS, straightened out where it was invalid.

    Curves become lines, heights are left out, the geometry that is handed over stays as it is.

    Raises:
        BadInput: it is empty, cannot be repaired, or lies where the other CRS ends.
    """
    if geometry.isNull() or geometry.isEmpty():
        raise BadInput(tr("There is no shape: it is empty."))
    curved = geometry.constGet().hasCurvedSegments()
    shape = QgsGeometry(geometry.constGet().segmentize() if curved else geometry.constGet().clone())
    if shape.get().is3D():
        shape.get().dropZValue()
    if shape.get().isMeasure():
        shape.get().dropMValue()
    shape = _repaired(shape)
    if crs.isValid() and to.isValid() and crs != to:
        try:
            shape.transform(QgsCoordinateTransform(crs, to, QgsProject.instance()))
        except QgsCsException as error:
            text = tr("A shape lies where {crs} does not reach. Draw it nearer to the raster.")
            raise BadInput(text.format(crs=to.userFriendlyIdentifier())) from error
    return shape


def _repaired(shape: QgsGeometry) -> QgsGeometry:
    """The same shape without rings that cross themselves; parts of lower dimension (slivers) are left out."""
    if shape.isGeosValid():
        return shape
    whole = shape.makeValid()
    parts = [part for part in whole.asGeometryCollection() if part.type() == shape.type()]
    if whole.isNull() or not parts:
        raise BadInput(tr("A shape crosses itself in a way that cannot be repaired. Draw it anew."))
    return parts[0] if len(parts) == 1 else QgsGeometry.collectGeometry(parts)
