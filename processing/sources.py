"""Layers of a QGIS project as files that another process can open.

Rasters must be files already (refused with the way out); vector layers that are no plain file - memory, filtered,
selected, joined, being edited - are copied to a temporary GeoPackage. Layers are only touched in `resolve_…`, which
runs in the thread of the project; `VectorSnapshot.write` may run in any thread.
"""

import os
import re
from dataclasses import dataclass
from typing import Any, Callable, List, Optional, Tuple

from qgis.core import (
    QgsCoordinateReferenceSystem,
    QgsDataProvider,
    QgsFeatureRequest,
    QgsFeatureSink,
    QgsProcessingContext,
    QgsProcessingFeatureSourceDefinition,
    QgsProcessingUtils,
    QgsProject,
    QgsProperty,
    QgsProviderRegistry,
    QgsRasterDataProvider,
    QgsRasterLayer,
    QgsVectorFileWriter,
    QgsVectorLayer,
    QgsVectorLayerFeatureSource,
)
from qgis.PyQt.QtCore import QVariant

from ..core.errors import BadInput, Unwritable
from ..core.jobs.addresses import is_remote
from .i18n import tr

SIDECAR = ".quadrat.json"
Warn = Callable[[str], None]


def evaluated(value: Any, context: QgsProcessingContext) -> Any:
    """The value itself where a form or model gave an expression; None for an empty control of a form."""
    if isinstance(value, QgsProperty):
        value = value.value(context.expressionContext(), None)[0]
    return None if isinstance(value, QVariant) and value.isNull() else value


def absolute(path: str) -> str:
    """The path, absolute where it is a plain path; `/vsizip/…`, `NETCDF:…` and the like stay as they are."""
    head, bar, tail = path.partition("|")
    if not head or head.startswith("/vsi"):
        return path
    if re.match(r"^[A-Za-z0-9_]{2,}:", head) and not os.path.exists(head):
        return path
    return os.path.abspath(os.path.expanduser(head)) + bar + tail


# Rasters -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class RasterSource:
    """What must be known of a raster layer or file to hand it to another process."""

    name: str
    provider: str
    uri: str
    crs: QgsCoordinateReferenceSystem
    """As QGIS shows the layer."""
    file_crs: QgsCoordinateReferenceSystem
    own_nodata: bool
    """The user has set a further no-data value in QGIS."""

    @property
    def crs_set_by_hand(self) -> bool:
        """True when QGIS shows the layer in another CRS than its file says."""
        return self.crs.isValid() and self.crs != self.file_crs


def find_raster(value: Any, context: QgsProcessingContext) -> Optional[RasterSource]:
    """The raster that a value names: a layer, its id or name, or whatever GDAL opens; None when there is none.

    An address on a server is taken as it is, without asking for it. Files are looked at without making a layer, for
    which QGIS would compute statistics and leave them beside the file.
    """
    hint = QgsProcessingUtils.LayerHint.Raster
    layer = value
    if isinstance(value, str):
        layer = QgsProcessingUtils.mapLayerFromString(value, context, False, hint)
    if isinstance(layer, QgsRasterLayer):
        return _of_layer(layer)
    if not isinstance(value, str) or not value:
        return None
    if is_remote(value):  # QGIS would wait for the server here, and fetch all of what a plain address names
        unknown = QgsCoordinateReferenceSystem()
        return RasterSource(os.path.basename(value), "gdal", value, unknown, unknown, False)
    options = QgsDataProvider.ProviderOptions()
    provider = QgsProviderRegistry.instance().createProvider("gdal", value, options)
    if provider is None or not provider.isValid():
        return None
    return RasterSource(os.path.basename(value), "gdal", value, provider.crs(), provider.crs(), False)


def _of_layer(layer: QgsRasterLayer) -> Optional[RasterSource]:
    provider = layer.dataProvider()
    if not layer.isValid() or provider is None:
        return None
    names = layer.name(), layer.providerType(), layer.source()
    return RasterSource(*names, layer.crs(), provider.crs(), _has_own_nodata(provider))


def path_unseen(value: Any, label: str, context: QgsProcessingContext) -> str:
    """What `raster_path` gives for the value of a form, without opening a file that is no layer; empty for no raster.

    Raises:
        BadInput: the layer has no file.
    """
    layer = value
    if isinstance(value, str):
        hint = QgsProcessingUtils.LayerHint.Raster
        layer = QgsProcessingUtils.mapLayerFromString(value, context, False, hint)
    if isinstance(layer, QgsRasterLayer):
        source = _of_layer(layer)
        return raster_path(source, label, lambda text: None) if source else ""
    return absolute(value) if isinstance(value, str) else ""


def _has_own_nodata(provider: QgsRasterDataProvider) -> bool:
    return any(provider.userNoDataValues(band) for band in range(1, provider.bandCount() + 1))


def raster_path(source: RasterSource, label: str, warn: Warn) -> str:
    """What GDAL in another process opens to get the same raster.

    Raises:
        BadInput: the layer has no file, or lives in the memory of QGIS.
    """
    if source.provider != "gdal":
        raise BadInput(
            tr(
                "{label}: the layer '{name}' is not a file (it comes from the provider '{provider}'). Right-click it, "
                "choose Export > Save as…, save it as a raw GeoTIFF, and take that."
            ).format(label=label, name=source.name, provider=source.provider)
        )
    uri = source.uri
    options = QgsProviderRegistry.instance().decodeUri("gdal", uri).get("openOptions")
    if options:
        uri = uri.partition("|")[0]
        text = tr("{label}: the opening options of the layer ({options}) are left out.")
        warn(text.format(label=label, options=", ".join(options)))
    if "/vsimem/" in uri or uri.startswith("MEM:"):
        raise BadInput(
            tr(
                "{label}: the layer '{name}' lives in the memory of QGIS only. Right-click it, choose Export > Save "
                "as…, save it as a GeoTIFF, and take that."
            ).format(label=label, name=source.name)
        )
    if source.crs_set_by_hand:
        text = tr(
            "{label}: the layer is shown in {layer}, but its file says {file}. The file is used as it is. Use 'Assign "
            "projection' to write the right one into it."
        )
        theirs = source.file_crs.userFriendlyIdentifier() if source.file_crs.isValid() else tr("no CRS at all")
        warn(text.format(label=label, layer=source.crs.userFriendlyIdentifier(), file=theirs))
    if source.own_nodata:
        text = tr("{label}: the additional no-data value of the layer's properties is not in the file and not used.")
        warn(text.format(label=label))
    return absolute(uri)


# Vectors -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Wanted:
    """Which features of a layer the user wants."""

    ids: Optional[List[int]] = None
    """Those selected; None takes all."""
    limit: int = -1
    expression: str = ""
    """Filter of the form, from QGIS 3.32."""

    @property
    def everything(self) -> bool:
        """True when no feature is left out."""
        return self.ids is None and self.limit <= 0 and not self.expression

    def request(self) -> QgsFeatureRequest:
        """What to ask of the layer."""
        request = QgsFeatureRequest()
        if self.expression and self.ids is not None:  # a request knows one filter
            request.setFilterExpression(f"({self.expression}) AND $id IN ({','.join(map(str, self.ids))})")
        elif self.expression:
            request.setFilterExpression(self.expression)
        elif self.ids is not None:
            request.setFilterFids(self.ids)
        if self.limit > 0:
            request.setLimit(self.limit)
        return request


class VectorSnapshot:
    """The features of a layer as they were when the algorithm was started; written to a file in any thread."""

    def __init__(self, layer: QgsVectorLayer, wanted: "Wanted", path: str) -> None:
        self.path = path
        self.name = layer.name()
        self.count = layer.featureCount() if wanted.ids is None else len(wanted.ids)
        self._source = QgsVectorLayerFeatureSource(layer)
        self._fields = layer.fields()
        self._geometry = layer.wkbType()
        self._crs = QgsCoordinateReferenceSystem(layer.crs())
        self._transforms = QgsProject.instance().transformContext()
        self._wanted = wanted

    def write(self, is_cancelled: Callable[[], bool]) -> None:
        """Write the GeoPackage.

        Raises:
            Unwritable: the temporary folder is full or read-only.
        """
        options = QgsVectorFileWriter.SaveVectorOptions()
        options.driverName = "GPKG"
        options.layerName = "layer"
        # The layer may have a column `fid` of its own, with repeated values: it stays an ordinary column.
        options.layerOptions = ["FID=quadrat_row"]
        request = self._wanted.request()
        writer = QgsVectorFileWriter.create(
            self.path, self._fields, self._geometry, self._crs, self._transforms, options
        )
        try:
            for number, feature in enumerate(self._source.getFeatures(request)):
                if number % 1000 == 0 and is_cancelled():
                    return
                if not writer.addFeature(feature, QgsFeatureSink.Flag.FastInsert):
                    break
            writer.flushBuffer() if hasattr(writer, "flushBuffer") else None
            if writer.hasError() != QgsVectorFileWriter.WriterError.NoError:
                raise Unwritable(
                    tr("A copy of the layer '{name}' cannot be written to the temporary folder: {why}").format(
                        name=self.name, why=writer.errorMessage()
                    )
                )
        finally:
            del writer  # closes the file


def vector_source(
    value: Any, label: str, context: QgsProcessingContext, recorded: bool = False
) -> Tuple[str, Optional[VectorSnapshot]]:
    """`path` or `path|layername=x` of a layer or table, and the snapshot to write there if it is no plain file.

    Raises:
        BadInput: there is no such layer or file; or it is `recorded`, and a snapshot would lose its record.
    """
    asked = value if isinstance(value, QgsProcessingFeatureSourceDefinition) else None
    if asked is not None:
        value = asked.source.valueAsString(context.expressionContext(), "")[0]
    if isinstance(value, QgsVectorLayer):
        layer = value
    else:
        layer = QgsProcessingUtils.mapLayerFromString(str(value), context, True, QgsProcessingUtils.LayerHint.Vector)
    if not isinstance(layer, QgsVectorLayer) or not layer.isValid():
        # The engine reads formats that this QGIS may not (GeoParquet, compressed tables).
        if isinstance(value, str) and os.path.isfile(value.partition("|")[0]):
            return absolute(value), None
        raise BadInput(
            tr("{label}: there is no vector layer or table '{value}'. Choose another file or layer.").format(
                label=label, value=value
            )
        )
    wanted = Wanted()
    if asked is not None:
        ids = list(layer.selectedFeatureIds()) if asked.selectedFeaturesOnly else None
        wanted = Wanted(ids, int(asked.featureLimit), getattr(asked, "filterExpression", ""))
    if wanted.ids == []:
        raise BadInput(
            tr("{label}: no feature of the layer '{name}' is selected.").format(label=label, name=layer.name())
        )
    plain = _plain_path(layer) if wanted.everything else ""
    if plain:
        return plain, None
    if recorded and _has_sidecar(layer):
        raise BadInput(
            tr(
                "{label}: the layer '{name}' counts as a whole and as it is saved. Save its edits, and take away the "
                "selection or filter."
            ).format(label=label, name=layer.name())
        )
    stem = re.sub(r"[^\w-]+", "_", layer.name()).strip("_")[:40] or "layer"
    path = QgsProcessingUtils.generateTempFilename(f"{stem}.gpkg")
    return f"{path}|layername=layer", VectorSnapshot(layer, wanted, path)


def _has_sidecar(layer: QgsVectorLayer) -> bool:
    path = QgsProviderRegistry.instance().decodeUri(layer.providerType(), layer.source()).get("path")
    return bool(path) and os.path.isfile(f"{path}{SIDECAR}")


def _plain_path(layer: QgsVectorLayer) -> str:
    """`path|layername=x` when the file alone gives the same features, else an empty text."""
    if layer.providerType() != "ogr" or layer.subsetString() or layer.isModified():
        return ""
    if layer.vectorJoins() or layer.dataProvider().crs() != layer.crs():
        return ""
    fields = layer.fields()
    if any(fields.fieldOrigin(i) != fields.FieldOrigin.OriginProvider for i in range(fields.count())):
        return ""
    parts = QgsProviderRegistry.instance().decodeUri("ogr", layer.source())
    path = parts.get("path") or ""
    if parts.get("openOptions") or parts.get("geometryType") or parts.get("authcfg") or "/vsimem/" in path:
        return ""
    if not path.startswith("/vsi") and not os.path.exists(path):
        return ""
    path = absolute(path)
    if parts.get("layerName"):
        return f"{path}|layername={parts['layerName']}"
    if parts.get("layerId") not in (None, "", 0, "0", -1):
        return f"{path}|layerid={parts['layerId']}"
    return path
