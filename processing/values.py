"""Values of a Processing form, batch row, model or script as a job with absolute paths; undoes `parameters.py`."""

import os
import re
from dataclasses import dataclass, field
from typing import Any, Callable, Dict, List, Optional, Type

from qgis.core import (
    QgsCoordinateReferenceSystem,
    QgsMapLayer,
    QgsProcessing,
    QgsProcessingAlgorithm,
    QgsProcessingContext,
    QgsProcessingOutputLayerDefinition,
    QgsRectangle,
)

from ..core.errors import BadInput, BadJob
from ..core.jobs.addresses import is_remote
from ..core.jobs.declare import CHOICES, LAYERS_OUT, OUTPUTS, SEVERAL_PATHS, Job, Kind, Param
from .i18n import tr
from .parameters import key
from .sources import RasterSource, VectorSnapshot, absolute, evaluated, find_raster, raster_path, vector_source


@dataclass
class Request:
    """A job read from the values of a form, and what must be written before it can run."""

    job: Job
    """Complete but for its outputs; see `with_outputs`."""
    copies: List[VectorSnapshot] = field(default_factory=list)
    warnings: List[str] = field(default_factory=list)


class Reader:
    """Reads the values of one run. Touches layers, so it must be used in the thread of the context."""

    def __init__(
        self,
        algorithm: QgsProcessingAlgorithm,
        job: Type[Job],
        parameters: Dict[str, Any],
        context: QgsProcessingContext,
    ) -> None:
        self._algorithm = algorithm
        self._job = job
        self._parameters = parameters
        self._context = context
        self._rasters: Dict[str, Optional[RasterSource]] = {}
        self._copies: List[VectorSnapshot] = []
        self._warnings: List[str] = []

    def request(self) -> Request:
        """The job, checked; its outputs as they were asked for. Writes nothing and reserves no output.

        Raises:
            BadJob, BadInput: with a sentence.
        """
        self._refuse_missing()
        values = {}
        for name, p in self._job.params().items():
            values[name] = self._asked_output(name, p) if p.kind in OUTPUTS else self._value(name, p)
        return Request(self._job.from_dict(values), self._copies, self._warnings)

    def _refuse_missing(self) -> None:
        missing = [
            f"{tr(p.label)} ({key(name)})" for name, p in self._job.params().items() if p.required and self._empty(name)
        ]
        if missing:
            raise BadJob(
                tr("{title} needs a value for: {labels}.").format(
                    title=tr(self._job.facts.title), labels=", ".join(missing)
                )
            )

    def _empty(self, name: str) -> bool:
        value = evaluated(self._parameters.get(key(name)), self._context)
        none = value == [] and self._job.params()[name].kind in SEVERAL_PATHS
        return none or value is None or (isinstance(value, str) and not value.strip())

    def _asked_output(self, name: str, p: Param) -> str:
        """The output as it stands in the form, without a temporary name being made up for it."""
        value = evaluated(self._parameters.get(key(name)), self._context)
        if isinstance(value, QgsProcessingOutputLayerDefinition):
            value = value.sink.valueAsString(self._context.expressionContext(), "")[0]
        text = "" if value is None else str(value)
        if p.kind in LAYERS_OUT and text != QgsProcessing.TEMPORARY_OUTPUT:
            _refuse_format(p, text)
        return text

    def _value(self, name: str, p: Param) -> Any:
        if self._empty(name):
            return None  # `from_dict` takes the default of the declaration
        return _READERS[p.kind](self, name, p)

    def _raster(self, name: str) -> Optional[RasterSource]:
        """The raster of a parameter, or None; looked at once."""
        if name not in self._rasters:
            value = evaluated(self._parameters.get(key(name)), self._context)
            self._rasters[name] = find_raster(value, self._context)
        return self._rasters[name]

    def _read_raster(self, name: str, p: Param) -> str:
        source = self._raster(name)
        if source is None:
            value = evaluated(self._parameters.get(key(name)), self._context)
            if isinstance(value, str) and _has_extension(p, value) and os.path.isfile(value):
                return absolute(value)
            raise BadInput(_not_a_raster(p, value))
        return raster_path(source, tr(p.label), self._warnings.append)

    def _read_vector(self, name: str, p: Param) -> str:
        value = evaluated(self._parameters.get(key(name)), self._context)
        path, copy = vector_source(value, tr(p.label), self._context, p.recorded)
        if copy is not None:
            self._copies.append(copy)
        return path

    def _listed(self, name: str) -> List[Any]:
        """The values of a list, or of a text with semicolons between them."""
        value = evaluated(self._parameters.get(key(name)), self._context)
        if isinstance(value, str):
            return [part.strip() for part in value.split(";") if part.strip()]
        every = value if isinstance(value, (list, tuple)) else [value]
        return [evaluated(one, self._context) for one in every]

    def _read_layers(self, name: str, p: Param) -> List[str]:
        paths = []
        for one in self._listed(name):
            path, copy = vector_source(one, tr(p.label), self._context, p.recorded)
            paths.append(path)
            self._copies += [] if copy is None else [copy]
        return paths

    def _read_rasters(self, name: str, p: Param) -> List[str]:
        paths = []
        for one in self._listed(name):
            source = find_raster(one, self._context)
            if source is None:
                raise BadInput(_not_a_raster(p, one))
            paths.append(raster_path(source, tr(p.label), self._warnings.append))
        return paths

    def _read_files(self, name: str, p: Param) -> List[str]:
        return [_existing(absolute(str(one)), p) for one in self._listed(name)]

    def _read_file(self, name: str, p: Param) -> str:
        return _existing(absolute(self._algorithm.parameterAsFile(self._parameters, key(name), self._context)), p)

    def _read_bands(self, name: str, p: Param) -> List[int]:
        bands = self._algorithm.parameterAsInts(self._parameters, key(name), self._context)
        return [int(band) for band in bands]

    def _read_field(self, name: str, p: Param) -> str:
        names = self._read_fields(name, p)
        return names[0] if names else ""

    def _read_fields(self, name: str, p: Param) -> List[str]:
        value = evaluated(self._parameters.get(key(name)), self._context)
        if isinstance(value, str):
            return [value] if p.kind is Kind.FIELD else [part for part in value.split(";") if part]
        return [str(part) for part in value]

    def _read_number(self, name: str, p: Param) -> Any:
        # parameterAsInt and parameterAsDouble turn nonsense into the default without a word.
        value = evaluated(self._parameters.get(key(name)), self._context)
        try:
            number = float(value)
        except (TypeError, ValueError):
            return value
        return int(number) if p.kind is Kind.INTEGER and number.is_integer() else number

    def _read_choice(self, name: str, p: Param) -> str:
        value = evaluated(self._parameters.get(key(name)), self._context)
        if isinstance(value, int) and 0 <= value < len(p.choices):
            return p.choices[value]
        return str(value)

    def _read_several(self, name: str, p: Param) -> List[str]:
        value = evaluated(self._parameters.get(key(name)), self._context)
        items = [part.strip() for part in re.split("[,;]", value)] if isinstance(value, str) else list(value)
        numbers = [isinstance(item, int) and 0 <= item < len(p.choices) for item in items]
        return [p.choices[item] if number else str(item) for item, number in zip(items, numbers)]

    def _read_flag(self, name: str, p: Param) -> bool:
        return self._algorithm.parameterAsBool(self._parameters, key(name), self._context)

    def _read_text(self, name: str, p: Param) -> str:
        text = self._algorithm.parameterAsString(self._parameters, key(name), self._context).strip()
        return os.path.abspath(text) if os.path.isfile(text) else text

    def _read_crs(self, name: str, p: Param) -> str:
        value = evaluated(self._parameters.get(key(name)), self._context)
        crs = self._algorithm.parameterAsCrs(self._parameters, key(name), self._context)
        if crs.isValid():
            return _authority(crs) or crs.toWkt(QgsCoordinateReferenceSystem.WktVariant.WKT_PREFERRED)
        if isinstance(value, QgsCoordinateReferenceSystem):
            return ""  # an empty control
        raise BadInput(
            tr("{label}: '{value}' is no coordinate system. Write it as in EPSG:32723.").format(
                label=tr(p.label), value=value
            )
        )

    def _read_extent(self, name: str, p: Param) -> str:
        if not p.parent:
            return self._free_extent(name, p)
        if self._empty(p.parent):
            return ""
        parent = self._raster(p.parent)
        if parent is None:
            raise BadInput(
                tr("{label}: an extent can be given for rasters only, not for such a file. Leave it empty.").format(
                    label=tr(p.label)
                )
            )
        arguments = (self._parameters, key(name), self._context)
        if parent.crs.isValid():
            box = self._algorithm.parameterAsExtent(*arguments, parent.crs)
        else:
            box = self._algorithm.parameterAsExtent(*arguments)
        text = self._box_text(name, p, box)
        # A CRS set by hand only renames the file's coordinates: naming it would make the engine convert them.
        authority = "" if parent.crs_set_by_hand else _authority(parent.crs)
        if is_remote(parent.uri) and not parent.crs.isValid() and not _plain_box(self._parameters.get(key(name))):
            authority = _authority(self._algorithm.parameterAsExtentCrs(*arguments))  # the engine brings it over
        return f"{text} [{authority}]" if authority else text

    def _free_extent(self, name: str, p: Param) -> str:
        """An extent that belongs to no raster, with the coordinate system that it came in."""
        arguments = (self._parameters, key(name), self._context)
        text = self._box_text(name, p, self._algorithm.parameterAsExtent(*arguments))
        crs = self._algorithm.parameterAsExtentCrs(*arguments)
        if not crs.isValid():
            raise BadInput(
                tr("{label}: it is not said in which coordinate system {value} is. Add it, as in [EPSG:4326].").format(
                    label=tr(p.label), value=text
                )
            )
        return f"{text} [{_authority(crs) or crs.toWkt(QgsCoordinateReferenceSystem.WktVariant.WKT_PREFERRED)}]"

    def _box_text(self, name: str, p: Param, box: QgsRectangle) -> str:
        if box.isNull() or box.isEmpty():
            raise BadInput(
                tr("{label}: '{value}' is not an extent (xmin,xmax,ymin,ymax), or is empty.").format(
                    label=tr(p.label), value=self._parameters.get(key(name))
                )
            )
        return ",".join(repr(float(v)) for v in (box.xMinimum(), box.xMaximum(), box.yMinimum(), box.yMaximum()))


_READERS: Dict[Kind, Callable[[Reader, str, Param], Any]] = {
    Kind.RASTER: Reader._read_raster,
    Kind.VECTOR: Reader._read_vector,
    Kind.LAYERS: Reader._read_layers,
    Kind.RASTERS: Reader._read_rasters,
    Kind.FILE: Reader._read_file,
    Kind.FILES: Reader._read_files,
    Kind.FOLDER: Reader._read_file,
    Kind.BANDS: Reader._read_bands,
    Kind.FIELD: Reader._read_field,
    Kind.FIELDS: Reader._read_fields,
    Kind.INTEGER: Reader._read_number,
    Kind.NUMBER: Reader._read_number,
    Kind.CHOICE: Reader._read_choice,
    Kind.SEVERAL: Reader._read_several,
    Kind.BACKBONE: Reader._read_choice,
    Kind.FLAG: Reader._read_flag,
    Kind.TEXT: Reader._read_text,
    Kind.ROLES: Reader._read_text,
    Kind.EXTENT: Reader._read_extent,
    Kind.CRS: Reader._read_crs,
}


def _existing(path: str, p: Param) -> str:
    exists = os.path.isdir if p.kind is Kind.FOLDER else os.path.isfile
    if not path.startswith("/vsi") and not exists(path):
        kind = tr("folder") if p.kind is Kind.FOLDER else tr("file")
        raise BadInput(tr("{label}: there is no {kind} {path}.").format(label=tr(p.label), kind=kind, path=path))
    return path


def _not_a_raster(p: Param, value: Any) -> str:
    return tr("{label}: '{value}' cannot be opened as a raster. Choose another file or layer.").format(
        label=tr(p.label), value=value.name() if isinstance(value, QgsMapLayer) else value
    )


def _plain_box(value: Any) -> bool:
    """True for four numbers, which mean the raster's own coordinates."""
    return isinstance(value, str) and "[" not in value and bool(re.match(r"[-+.\d]", value))


def _authority(crs: QgsCoordinateReferenceSystem) -> str:
    """`EPSG:n`, or empty for other coordinate systems."""
    return crs.authid() if crs.authid().startswith("EPSG:") else ""


def with_outputs(
    job: Job, algorithm: QgsProcessingAlgorithm, parameters: Dict[str, Any], context: QgsProcessingContext
) -> Job:
    """The job with the paths of its outputs, temporary ones included; these layers are noted in the context.

    Must be given the context of `processAlgorithm`: in a background thread that is another one than the one of
    `prepareAlgorithm`, and what is noted there is lost, so that no result would be loaded.

    Raises:
        BadJob: an output cannot be written as asked for, or would overwrite an input.
    """
    paths = {}
    for name, p in job.params().items():
        if p.kind in LAYERS_OUT:
            paths[name] = absolute(algorithm.parameterAsOutputLayer(parameters, key(name), context))
            _refuse_format(p, paths[name])
        elif p.kind in OUTPUTS:
            paths[name] = absolute(algorithm.parameterAsFileOutput(parameters, key(name), context))
    complete = type(job).from_dict({**job.to_dict(), **paths})
    _refuse_overwriting(complete)
    return complete


def _has_extension(p: Param, path: str) -> bool:
    return os.path.splitext(path)[1].lower().lstrip(".") in p.extension.split()


def _refuse_format(p: Param, path: str) -> None:
    """A layer must be written to a file of a format that the engine writes."""
    if not path:
        return
    if path.startswith(("ogr:", "postgis:", "memory:")) or "|" in path:
        raise BadJob(
            tr("{label} is written as a file; '{path}' is not one. Choose 'Save to file…'.").format(
                label=tr(p.label), path=path
            )
        )
    known = p.extension.split()
    ending = os.path.splitext(path)[1].lower().lstrip(".").replace("tiff", "tif")
    if known and ending not in known:
        raise BadJob(
            tr("{label} is written as .{known}; '{path}' ends otherwise. Choose another name.").format(
                label=tr(p.label), known=tr(" or .").join(known), path=path
            )
        )


def _refuse_overwriting(job: Job) -> None:
    """An output must not be an input, nor another output."""
    taken: Dict[str, str] = {}
    for name, p in job.params().items():
        if p.kind in (*CHOICES, Kind.TEXT, Kind.ROLES, Kind.FIELD, Kind.FIELDS, Kind.CRS):
            continue
        value = getattr(job, name)
        for source in value if isinstance(value, tuple) else (value,):
            if not source or not isinstance(source, str):
                continue
            path = os.path.normcase(os.path.abspath(source.partition("|")[0]))
            if p.kind in OUTPUTS and path in taken:
                raise BadJob(
                    tr("{label} would overwrite {other}: {path}. Choose another name.").format(
                        label=tr(p.label), other=taken[path], path=source
                    )
                )
            taken[path] = tr(p.label)
