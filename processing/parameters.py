"""Declared parameters of a job as parameters of a Processing algorithm; `values.py` is the way back.

Nothing about a single parameter is known here: label, help, range and default are read off the declaration.
"""

from typing import Any, Callable, Dict, List, Tuple, Type

from qgis.core import (
    QgsProcessing,
    QgsProcessingContext,
    QgsProcessingParameterBand,
    QgsProcessingParameterBoolean,
    QgsProcessingParameterCrs,
    QgsProcessingParameterDefinition,
    QgsProcessingParameterEnum,
    QgsProcessingParameterExtent,
    QgsProcessingParameterFeatureSource,
    QgsProcessingParameterField,
    QgsProcessingParameterFile,
    QgsProcessingParameterFileDestination,
    QgsProcessingParameterFolderDestination,
    QgsProcessingParameterMultipleLayers,
    QgsProcessingParameterNumber,
    QgsProcessingParameterRasterDestination,
    QgsProcessingParameterRasterLayer,
    QgsProcessingParameterString,
    QgsProcessingParameterVectorDestination,
)

from ..core.jobs.declare import Job, Kind, Param
from .i18n import tr

GEOMETRIES = {
    "": QgsProcessing.SourceType.TypeVector,
    "polygon": QgsProcessing.SourceType.TypeVectorPolygon,
    "line": QgsProcessing.SourceType.TypeVectorLine,
}


def key(name: str) -> str:
    """The name of a job's field as Processing spells it."""
    return name.upper()


def label_of(p: Param) -> str:
    """Label with unit, as in the form; within the bracket where the label ends with one."""
    if p.unit and p.label.endswith(")"):
        head, _, told = tr(p.label).rpartition(" (")
        return f"{head} ({p.unit}; {told}"
    return f"{tr(p.label)} ({p.unit})" if p.unit else tr(p.label)


def definitions(job: Type[Job]) -> List[QgsProcessingParameterDefinition]:
    """One Processing parameter for each parameter of the job, in the same order."""
    defaults = job.defaults()
    return [definition(name, p, defaults[name]) for name, p in job.params().items()]


def definition(name: str, p: Param, default: Any) -> QgsProcessingParameterDefinition:
    """The Processing parameter for one declared parameter."""
    parameter = _MAKERS[p.kind](key(name), label_of(p), p, default)
    parameter.setHelp(tr(p.help))
    if p.advanced:
        flag = QgsProcessingParameterDefinition.Flag.FlagAdvanced
        parameter.setFlags(parameter.flags() | flag)
    return parameter


def _raster(name: str, label: str, p: Param, default: Any) -> QgsProcessingParameterDefinition:
    return QgsProcessingParameterRasterLayer(name, label, None, p.optional)


def _vector(name: str, label: str, p: Param, default: Any) -> QgsProcessingParameterDefinition:
    return QgsProcessingParameterFeatureSource(name, label, [GEOMETRIES[p.geometry]], None, p.optional)


def _layers(name: str, label: str, p: Param, default: Any) -> QgsProcessingParameterDefinition:
    return QgsProcessingParameterMultipleLayers(name, label, GEOMETRIES[p.geometry], None, p.optional)


def _rasters(name: str, label: str, p: Param, default: Any) -> QgsProcessingParameterDefinition:
    return QgsProcessingParameterMultipleLayers(name, label, QgsProcessing.SourceType.TypeRaster, None, p.optional)


def _files(name: str, label: str, p: Param, default: Any) -> QgsProcessingParameterDefinition:
    return QgsProcessingParameterMultipleLayers(name, label, QgsProcessing.SourceType.TypeFile, None, p.optional)


def _file(name: str, label: str, p: Param, default: Any) -> QgsProcessingParameterDefinition:
    behaviour = QgsProcessingParameterFile.Behavior
    if p.kind is Kind.FOLDER:
        return QgsProcessingParameterFile(name, label, behaviour.Folder, "", None, p.optional)
    return QgsProcessingParameterFile(name, label, behaviour.File, "", None, p.optional, file_filter(p))


def file_filter(p: Param) -> str:
    """Filter of a file dialog; all files may be chosen where none is named."""
    patterns = " ".join(f"*.{extension}" for extension in p.extension.split())
    everything = tr("All files") + " (*)"
    return (
        f"{tr(p.label)} ({patterns})"
        if patterns and p.kind in (Kind.FILE_OUT, Kind.RASTER_OUT)
        else (f"{tr(p.label)} ({patterns});;{everything}" if patterns else everything)
    )


def _bands(name: str, label: str, p: Param, default: Any) -> QgsProcessingParameterDefinition:
    return QgsProcessingParameterBand(name, label, list(default) or None, key(p.parent), p.optional, True)


def _field(name: str, label: str, p: Param, default: Any) -> QgsProcessingParameterDefinition:
    several = p.kind is Kind.FIELDS
    start = (list(default) if several else default) or None
    any_type = QgsProcessingParameterField.DataType.Any
    return QgsProcessingParameterField(name, label, start, key(p.parent), any_type, several, p.optional)


def _number(name: str, label: str, p: Param, default: Any) -> QgsProcessingParameterDefinition:
    kinds = QgsProcessingParameterNumber.Type
    kind = kinds.Integer if p.kind is Kind.INTEGER else kinds.Double
    limits = {}
    if p.minimum is not None:
        limits["minValue"] = p.minimum
    if p.maximum is not None:
        limits["maxValue"] = p.maximum
    return QgsProcessingParameterNumber(name, label, kind, default, p.optional, **limits)


def _choice(name: str, label: str, p: Param, default: Any) -> QgsProcessingParameterDefinition:
    # Static strings: form, scripts, qgis_process and shell use the same words, and a new choice in the middle of
    # the list does not change what older models mean.
    return QgsProcessingParameterEnum(name, label, list(p.choices), False, default, p.optional, True)


def _several(name: str, label: str, p: Param, default: Any) -> QgsProcessingParameterDefinition:
    return QgsProcessingParameterEnum(name, label, list(p.choices), True, list(default), p.optional, True)


def _flag(name: str, label: str, p: Param, default: Any) -> QgsProcessingParameterDefinition:
    return QgsProcessingParameterBoolean(name, label, default, p.optional)


def _text(name: str, label: str, p: Param, default: Any) -> QgsProcessingParameterDefinition:
    return QgsProcessingParameterString(name, label, default or None, False, p.optional)


def _extent(name: str, label: str, p: Param, default: Any) -> QgsProcessingParameterDefinition:
    return QgsProcessingParameterExtent(name, label, default or None, p.optional)


def _crs(name: str, label: str, p: Param, default: Any) -> QgsProcessingParameterDefinition:
    return QgsProcessingParameterCrs(name, label, default or None, p.optional)


class OwnFormat(QgsProcessingParameterRasterDestination):
    """A raster to write that is no GeoTIFF: temporary files and file dialogs must know its ending."""

    def __init__(self, p: Param, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._p = p

    def clone(self) -> QgsProcessingParameterDefinition:
        """A copy, as Modeler makes of the results of a model."""
        copy = OwnFormat(
            self._p, self.name(), self.description(), self.defaultValue(),
            bool(self.flags() & QgsProcessingParameterDefinition.Flag.FlagOptional), self.createByDefault(),
        )  # fmt: skip
        copy.setHelp(self.help())
        copy.setFlags(self.flags())
        return copy

    def defaultFileExtension(self) -> str:  # noqa: N802
        """Of temporary files too."""
        return self._p.extension.split()[0]

    def createFileFilter(self) -> str:  # noqa: N802
        """Of the file dialog."""
        return file_filter(self._p)

    def isSupportedOutputValue(self, value: Any, context: QgsProcessingContext) -> Tuple[bool, str]:  # noqa: N802
        """Whatever the form holds: QGIS asks the provider for endings; the job says what is wrong with one."""
        return True, ""


def _raster_out(name: str, label: str, p: Param, default: Any) -> QgsProcessingParameterDefinition:
    if p.extension.split()[:1] not in ([], ["tif"]):
        return OwnFormat(p, name, label, None, p.optional, p.by_default)
    return QgsProcessingParameterRasterDestination(name, label, None, p.optional, p.by_default)


def _vector_out(name: str, label: str, p: Param, default: Any) -> QgsProcessingParameterDefinition:
    kind = QgsProcessing.SourceType.TypeVector
    return QgsProcessingParameterVectorDestination(name, label, kind, None, p.optional, p.by_default)


def _file_out(name: str, label: str, p: Param, default: Any) -> QgsProcessingParameterDefinition:
    return QgsProcessingParameterFileDestination(name, label, file_filter(p), None, p.optional, p.by_default)


def _folder_out(name: str, label: str, p: Param, default: Any) -> QgsProcessingParameterDefinition:
    return QgsProcessingParameterFolderDestination(name, label, None, p.optional, p.by_default)


_MAKERS: Dict[Kind, Callable[..., QgsProcessingParameterDefinition]] = {
    Kind.RASTER: _raster,
    Kind.VECTOR: _vector,
    Kind.LAYERS: _layers,
    Kind.RASTERS: _rasters,
    Kind.FILE: _file,
    Kind.FILES: _files,
    Kind.FOLDER: _file,
    Kind.BANDS: _bands,
    Kind.FIELD: _field,
    Kind.FIELDS: _field,
    Kind.INTEGER: _number,
    Kind.NUMBER: _number,
    Kind.CHOICE: _choice,
    Kind.SEVERAL: _several,
    Kind.BACKBONE: _choice,
    Kind.FLAG: _flag,
    Kind.TEXT: _text,
    Kind.ROLES: _text,
    Kind.EXTENT: _extent,
    Kind.CRS: _crs,
    Kind.RASTER_OUT: _raster_out,
    Kind.VECTOR_OUT: _vector_out,
    Kind.FILE_OUT: _file_out,
    Kind.FOLDER_OUT: _folder_out,
}
