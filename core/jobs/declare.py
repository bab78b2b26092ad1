"""How a job declares its parameters, once, for form, command line, wire, sidecar and reference page.

A job is a class of fields made with `param`: `Job` makes a frozen dataclass of it.  Everything that shows, parses,
checks or documents a parameter reads it off the field; nothing repeats a default.  Standard library only, Python 3.9
and later (QGIS's own Python imports this file).
"""

import dataclasses
import difflib
import sys
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any, ClassVar, Dict, Iterable, Optional, Tuple, Type, TypeVar

from ..errors import BadJob

if TYPE_CHECKING:
    from typing import dataclass_transform
else:

    def dataclass_transform(**_: bool) -> Any:
        """Tells type checkers what `Job` does to its subclasses; Python 3.9 lacks it."""
        return lambda cls: cls


J = TypeVar("J", bound="Job")
LARGEST = sys.float_info.max
"""JSON may hold larger numbers, which no computer reckons with; infinity and NaN are no numbers either."""


class Kind(str, Enum):
    """What a parameter is; decides the control in the form and the option on the command line."""

    RASTER = "raster"
    VECTOR = "vector"
    """A vector layer or a table, as `path` or `path|layername=name`."""
    LAYERS = "layers"
    """Several of them, in the order in which they count."""
    RASTERS = "rasters"
    """Several raster layers or files."""
    FILE = "file"
    FILES = "files"
    """Several files."""
    FOLDER = "folder"
    BANDS = "bands"
    """Band numbers of `parent`, counted from 1; empty means all."""
    FIELD = "field"
    FIELDS = "fields"
    INTEGER = "integer"
    NUMBER = "number"
    CHOICE = "choice"
    SEVERAL = "several"
    """Any of `choices`, in their order, each once."""
    BACKBONE = "backbone"
    """A choice among the cards of `models/`, for the rasters in `parent`; the form tells which suit them and why
    others do not."""
    ROLES = "roles"
    """Which band of the raster `parent` is what, `blue=2 green=3`; the form proposes it. Empty: as recognised."""
    FLAG = "flag"
    TEXT = "text"
    EXTENT = "extent"
    """`xmin,xmax,ymin,ymax` in the CRS of `parent`, or with ` [EPSG:n]` behind it; empty means all. Without a `parent`
    the CRS must stand behind it, and empty means none."""
    CRS = "crs"
    """A coordinate system, as `EPSG:n` or WKT; empty lets the job choose."""
    RASTER_OUT = "raster_out"
    VECTOR_OUT = "vector_out"
    FILE_OUT = "file_out"
    FOLDER_OUT = "folder_out"
    """A folder that gets several files of one kind."""


LAYERS_OUT = (Kind.RASTER_OUT, Kind.VECTOR_OUT)
FILES_OUT = (*LAYERS_OUT, Kind.FILE_OUT)
OUTPUTS = (*LAYERS_OUT, Kind.FILE_OUT, Kind.FOLDER_OUT)
CHOICES = (Kind.CHOICE, Kind.SEVERAL, Kind.BACKBONE)
SEVERAL_PATHS = (Kind.LAYERS, Kind.RASTERS, Kind.FILES)
LISTS = (*SEVERAL_PATHS, Kind.BANDS, Kind.FIELDS, Kind.SEVERAL)
"""Kinds whose value is a tuple."""
EMPTY_AT_FIRST = (
    Kind.RASTER, Kind.VECTOR, *SEVERAL_PATHS, Kind.FILE, Kind.FOLDER, Kind.FIELD, *OUTPUTS
)  # fmt: skip
"""Kinds without a sensible default: empty until given, and an error when empty unless `optional`."""


@dataclass(frozen=True)
class Param:
    """Everything there is to know of one parameter except its name and default."""

    kind: Kind
    label: str
    help: str = ""
    unit: str = ""
    """px, m, s, ... shown behind the label."""
    minimum: Optional[float] = None
    maximum: Optional[float] = None
    choices: Tuple[str, ...] = ()
    optional: bool = False
    """May stay empty; outputs that may be left out are optional too."""
    advanced: bool = False
    parent: str = ""
    """Name of the field that a FIELD, FIELDS, BANDS, ROLES or EXTENT belongs to; several, separated by blanks, where a
    BACKBONE gets several rasters."""
    instead_of: str = ""
    """RASTER or VECTOR: name of the BACKBONE that is taken from this, whatever is chosen, when it is given."""
    geometry: str = ""
    """VECTOR and LAYERS: `polygon` or `line` where nothing else makes sense; empty takes any layer or table."""
    recorded: bool = False
    """VECTOR and LAYERS: the sidecar of the file counts too, so that a copy of the layer's features will not do."""
    extension: str = ""
    """Of a file, without dot: the first is the default for outputs, several separated by blanks. Of a RASTER: files of
    these kinds are taken although GDAL cannot open them."""
    result: str = ""
    """Outputs only: what lies in the file, so that it can be styled (see `processing/styles.py`)."""
    by_default: bool = True
    """Optional outputs only: written unless the user says otherwise."""

    @property
    def required(self) -> bool:
        """True when an empty value is an error."""
        return self.kind in EMPTY_AT_FIRST and not self.optional


def param(kind: Kind, label: str, *, default: Any = None, **facts: Any) -> Any:
    """A dataclass field that carries a `Param`; `default` may be left out for `EMPTY_AT_FIRST` and lists."""
    if default is None:
        default = () if kind in LISTS else ""
    return dataclasses.field(default=default, metadata={"param": Param(kind, label, **facts)})


def shared(job: "Type[Job]", name: str) -> Any:
    """A field with the default and the `Param` that another job declares."""
    return dataclasses.field(default=job.defaults()[name], metadata={"param": job.params()[name]})


@dataclass(frozen=True)
class JobFacts:
    """What form, menu and reference page say of a job as a whole."""

    id: str
    """Algorithm id under `quadrat:` and command on the shell; never changes once released."""
    verb: str
    """Short alias on the command line."""
    title: str
    group: str
    summary: str
    """One sentence."""
    help: str = ""
    """Further paragraphs, plain text."""
    tags: Tuple[str, ...] = ()
    goes_on: bool = False
    """Keeps what is finished when it is stopped or killed, and goes on from there."""

    @property
    def when_stopped(self) -> str:
        """What became of the work, for who stopped it."""
        kept = "What was finished is kept; run the same job again to go on."
        return kept if self.goes_on else "Nothing half-finished was written."


@dataclass_transform(frozen_default=True, kw_only_default=True)
class Job:
    """One piece of work: paths, numbers and names only; no layers, widgets, models or arrays.

    Each subclass becomes a dataclass by being declared.  It is frozen, compared and shown by the methods below: those
    that `dataclass(frozen=True)` writes for each class are compiled one by one, and QGIS waits for them at its start.
    """

    facts: ClassVar[JobFacts]
    __dataclass_fields__: "ClassVar[Dict[str, dataclasses.Field[Any]]]"

    def __init_subclass__(cls, **facts: Any) -> None:
        super().__init_subclass__(**facts)
        dataclass(init=False, repr=False, eq=False)(cls)

    def __init__(self, **values: Any) -> None:
        fields = self.defaults()
        unknown = [name for name in values if name not in fields]
        if unknown:
            raise TypeError(f"{type(self).__name__} has no field '{unknown[0]}'")
        self.__dict__.update(fields, **values)

    def __setattr__(self, name: str, value: Any) -> None:
        raise dataclasses.FrozenInstanceError(f"cannot assign to field {name!r}")

    def __delattr__(self, name: str) -> None:
        raise dataclasses.FrozenInstanceError(f"cannot delete field {name!r}")

    def __eq__(self, other: object) -> bool:
        return self.__dict__ == other.__dict__ if type(other) is type(self) else NotImplemented

    def __hash__(self) -> int:
        return hash((type(self), *self.__dict__.values()))

    def __repr__(self) -> str:
        values = ", ".join(f"{name}={value!r}" for name, value in self.__dict__.items())
        return f"{type(self).__qualname__}({values})"

    @classmethod
    def params(cls) -> Dict[str, Param]:
        """Parameters by field name, in the order of declaration."""
        return {f.name: f.metadata["param"] for f in dataclasses.fields(cls)}

    @classmethod
    def defaults(cls) -> Dict[str, Any]:
        """Default by field name; empty for a parameter that must be given."""
        return {f.name: f.default for f in dataclasses.fields(cls)}

    def to_dict(self) -> Dict[str, Any]:
        """The job as plain JSON values, with its id under `job`."""
        values: Dict[str, Any] = {"job": self.facts.id}
        for name in self.params():
            value = getattr(self, name)
            values[name] = list(value) if isinstance(value, tuple) else value
        return values

    @classmethod
    def from_dict(cls: Type[J], values: Dict[str, Any]) -> J:
        """The job from plain JSON values, checked.

        Raises:
            BadJob: an unknown or missing parameter, a wrong type, or a value out of range; names it.
        """
        params, defaults = cls.params(), cls.defaults()
        checked: Dict[str, Any] = {}
        for name, value in values.items():
            if name == "job":
                continue
            if name not in params:
                advice = _meant(name, params) or f" It has: {', '.join(params)}."
                raise BadJob(f"{cls.facts.title} has no parameter '{name}'.{advice}")
            checked[name] = _check(cls.facts.title, name, params[name], value, defaults)
        missing = [name for name, p in params.items() if p.required and not checked.get(name)]
        if missing:
            raise BadJob(f"{cls.facts.title} needs a value for: {', '.join(missing)}.")
        job = cls(**checked)
        problem = job.problem()
        if problem:
            raise BadJob(problem)
        return job

    def problem(self) -> str:
        """What is wrong with the parameters taken together, as a sentence; empty when they fit."""
        return ""

    @classmethod
    def example(cls: Type[J]) -> J:
        """A job that passes its checks, for tests and pages; the paths in it name nothing."""
        paths = {name: f"/example/{name}" for name, p in cls.params().items() if p.required}
        several = {name: [f"{path}-1", f"{path}-2"] for name, path in paths.items() if cls.params()[name].kind in LISTS}
        return cls.from_dict({**paths, **several})

    def outputs(self) -> Dict[str, str]:
        """Paths that the job is to write, by field name; outputs left empty are absent."""
        return {n: getattr(self, n) for n, p in self.params().items() if p.kind in OUTPUTS and getattr(self, n)}


@dataclass(frozen=True)
class Result:
    """What came of a job: files by output name, and facts worth telling."""

    job: str
    outputs: Dict[str, str]
    facts: Dict[str, Any] = dataclasses.field(default_factory=dict)
    """Plain JSON values: counts, scores, names of the device and of the classes."""
    seconds: float = 0.0

    def to_dict(self) -> Dict[str, Any]:
        """Plain JSON values."""
        return dataclasses.asdict(self)

    @classmethod
    def from_dict(cls, values: Dict[str, Any]) -> "Result":
        """The result that `to_dict` wrote."""
        return cls(**values)


def _meant(name: str, names: Iterable[str]) -> str:
    near = difflib.get_close_matches(name, list(names), n=1)
    return f" Did you mean '{near[0]}'?" if near else ""


def _check(title: str, name: str, p: Param, value: Any, defaults: Dict[str, Any]) -> Any:
    where = f"{title}: {p.label} ({name})"
    if value is None:
        return defaults[name]
    if p.kind is Kind.FLAG:
        if not isinstance(value, bool):
            raise BadJob(f"{where} must be true or false, not {value!r}.")
        return value
    if p.kind in (Kind.INTEGER, Kind.NUMBER):
        return _check_number(where, p, value)
    if p.kind in LISTS:
        return _check_list(where, p, value)
    if not isinstance(value, str):
        raise BadJob(f"{where} must be a text, not {value!r}.")
    if p.kind in CHOICES and value not in p.choices:
        raise BadJob(f"{where} must be one of: {', '.join(p.choices)}; not '{value}'.{_meant(value, p.choices)}")
    return value


def _check_number(where: str, p: Param, value: Any) -> Any:
    integer = p.kind is Kind.INTEGER
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not abs(value) <= LARGEST:
        raise BadJob(f"{where} must be a number, not {value!r}.")
    if integer and value != int(value):
        raise BadJob(f"{where} must be a whole number, not {value!r}.")
    unit = f" {p.unit}" if p.unit else ""
    if p.minimum is not None and value < p.minimum:
        raise BadJob(f"{where} must be at least {_exact(p.minimum)}{unit}, not {_exact(value)}.")
    if p.maximum is not None and value > p.maximum:
        raise BadJob(f"{where} must be at most {_exact(p.maximum)}{unit}, not {_exact(value)}.")
    return int(value) if integer else float(value)


def _exact(value: float) -> str:
    """Short where that is the number itself: never 'at most 1e+08, not 1e+08'."""
    return f"{value:g}" if float(f"{value:g}") == value else repr(value)


def _check_list(where: str, p: Param, value: Any) -> Any:
    if not isinstance(value, (list, tuple)):
        raise BadJob(f"{where} must be a list, not {value!r}.")
    if p.kind is not Kind.BANDS:
        if not all(isinstance(item, str) for item in value):
            what = "files" if p.kind is Kind.FILES else "layers" if p.kind in SEVERAL_PATHS else "names"
            raise BadJob(f"{where} must be a list of {what}, not {value!r}.")
        unknown = [item for item in value if p.choices and item not in p.choices]
        if unknown:
            known = f"{where} must be of: {', '.join(p.choices)}; not '{unknown[0]}'."
            raise BadJob(f"{known}{_meant(unknown[0], p.choices)}")
        return tuple(item for item in p.choices if item in value) if p.choices else tuple(value)
    if not all(isinstance(item, int) and not isinstance(item, bool) and item >= 1 for item in value):
        raise BadJob(f"{where} must be a list of band numbers counted from 1, not {value!r}.")
    return tuple(value)
