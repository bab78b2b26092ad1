"""The GeoPackage that labels lie in, and the layers of QGIS that show it.

One table `labels` of any geometry, shown by two layers of QGIS, points and areas. Tried in QGIS 3.22: a layer of mixed
geometry takes the type of its first feature, is not drawn while it is empty, and cannot be digitised in; two layers on
one table are drawn, digitised in and saved like any other, numbers are unique over both, and a job reads one table.
"""

import os
from contextlib import contextmanager
from typing import Any, Dict, Iterator, List

from qgis.core import (
    QgsCoordinateReferenceSystem,
    QgsDefaultValue,
    QgsField,
    QgsFields,
    QgsProject,
    QgsProviderRegistry,
    QgsVectorFileWriter,
    QgsVectorLayer,
    QgsWkbTypes,
)
from qgis.PyQt.QtCore import QVariant

from ...core.errors import BadInput, Unwritable
from ...processing.i18n import tr

TABLE = "labels"
CLASS, VALUE = "class", "value"
"""Targets, and the names of their fields."""
MADE, TIME = "made", "time"
VIEWS = ("Point", "Polygon")
OURS = "quadrat/labels"
"""Property of a layer that was made here."""


@contextmanager
def without_waiting() -> Iterator[None]:
    """GeoPackages opened within hand what is written to the system and do not wait until the disk has it.

    Waiting costs three times 5 ms a label on a slow disk. What the system has survives the end of QGIS however it
    comes; against a power cut `FileWatch` has the disk told right after, in a thread.
    """
    from osgeo import gdal

    gdal.SetThreadLocalConfigOption("OGR_SQLITE_SYNCHRONOUS", "NORMAL")
    try:
        yield
    finally:
        gdal.SetThreadLocalConfigOption("OGR_SQLITE_SYNCHRONOUS", None)


def create_file(path: str, crs: QgsCoordinateReferenceSystem, target: str) -> None:
    """Write an empty GeoPackage for labels; what was there is replaced.

    Raises:
        Unwritable: the folder is missing or read-only, or the disk is full.
    """
    fields = QgsFields()
    fields.append(QgsField(VALUE, QVariant.Double) if target == VALUE else QgsField(CLASS, QVariant.String))
    fields.append(QgsField(MADE, QVariant.String))
    fields.append(QgsField(TIME, QVariant.DateTime))
    options = QgsVectorFileWriter.SaveVectorOptions()
    options.driverName, options.layerName = "GPKG", TABLE
    context = QgsProject.instance().transformContext()
    kind = QgsWkbTypes.Type.Unknown
    writer = QgsVectorFileWriter.create(path, fields, kind, crs, context, options)
    failed = writer.hasError() != QgsVectorFileWriter.WriterError.NoError
    why = writer.errorMessage()
    del writer  # closes the file
    if failed or not os.path.exists(path):
        text = tr("The file of labels {path} cannot be written: {why}. Choose a folder where you may write.")
        raise Unwritable(text.format(path=path, why=why or tr("no reason was given")))


def open_views(path: str) -> List[QgsVectorLayer]:
    """The layers of points and of areas of a file of labels: those of the project, else new ones.

    Raises:
        BadInput: the file holds no labels.
    """
    name = os.path.splitext(os.path.basename(path))[0]
    titles = {VIEWS[0]: tr("{name}: points"), VIEWS[1]: tr("{name}: areas")}
    views = []
    for kind in VIEWS:
        layer = _in_project(path, kind)
        if layer is None:
            uri = f"{path}|layername={TABLE}|geometrytype={kind}"
            with without_waiting():
                layer = QgsVectorLayer(uri, titles[kind].format(name=name), "ogr")
            layer.setCustomProperty(OURS, True)
        elif not layer.isEditable():
            with without_waiting():
                layer.dataProvider().reloadData()  # another file may lie there since
        if not layer.isValid():
            text = tr("The file {path} is no file of labels: it has no table '{table}'. Choose another file.")
            raise BadInput(text.format(path=path, table=TABLE))
        _prepare(layer, kind)
        views.append(layer)
    return views


def partner_views(layer: QgsVectorLayer) -> List[QgsVectorLayer]:
    """Both layers of the file when this is one of them; else the layer alone."""
    uri = parts_of(layer)
    if layer.providerType() == "ogr" and uri.get("layerName") == TABLE and geometry_kind(layer) in VIEWS:
        return [layer if geometry_kind(layer) == geometry_kind(view) else view for view in open_views(uri["path"])]
    return [layer]


def parts_of(layer: QgsVectorLayer) -> Dict[str, Any]:
    """Path, name of the table and more of where a layer comes from."""
    return QgsProviderRegistry.instance().decodeUri(layer.providerType(), layer.source())


def geometry_kind(layer: QgsVectorLayer) -> str:
    """`Point` or `Polygon` where a layer shows only these of a table of several kinds, else empty."""
    for part in layer.source().split("|")[1:]:
        name, _, value = part.partition("=")
        if name.lower() == "geometrytype":
            return value
    return ""


def path_of(layer: QgsVectorLayer) -> str:
    """The file that a layer comes from; empty when it has none."""
    path = str(parts_of(layer).get("path") or "")
    return os.path.abspath(path) if path and not path.startswith("/vsi") else ""


def same_file(one: str, other: str) -> bool:
    """True for two ways to write the path of one file."""
    return os.path.normcase(os.path.realpath(one)) == os.path.normcase(os.path.realpath(other))


def _in_project(path: str, kind: str) -> Any:
    for layer in QgsProject.instance().mapLayers().values():
        if isinstance(layer, QgsVectorLayer) and layer.isValid() and geometry_kind(layer) == kind:
            uri = parts_of(layer)
            if uri.get("layerName") == TABLE and same_file(str(uri.get("path") or ""), path):
                return layer
    return None


def _prepare(layer: QgsVectorLayer, kind: str) -> None:
    """What QGIS's own tools write into the fields of a new label."""
    made = layer.fields().indexOf(MADE)
    if made >= 0 and not layer.defaultValueDefinition(made).isValid():
        layer.setDefaultValueDefinition(made, QgsDefaultValue("'polygon'" if kind == VIEWS[1] else "'click'"))
