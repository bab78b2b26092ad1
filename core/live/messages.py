"""What dock and worker say to one another while a map is taught: requests and answers of the live loop.

Cells are counted from 0 on the grid of the embedding, geometries are in its coordinate system; nothing here knows
layers or screens. Standard library only, Python 3.9 and later (QGIS's own Python imports this file).
"""

import dataclasses
from dataclasses import dataclass, field
from typing import Any, ClassVar, Dict, List, Optional, Tuple, Type, TypeVar

from ..errors import BadJob

M = TypeVar("M", bound="Message")

CELLS_SHOWN = 600_000
"""Most cells of one view; a view that shows more is thinned to every second, third, … cell."""
NO_CLASS, UNSURE = 0, 255
"""Class bytes that stand for no data, and for places that may be of several classes."""
MOST_CLASSES = 254


@dataclass(frozen=True)
class Message:
    """Plain JSON values only."""

    def to_dict(self) -> Dict[str, Any]:
        """For the wire."""
        return dataclasses.asdict(self)

    @classmethod
    def from_dict(cls: Type[M], values: Dict[str, Any]) -> M:
        """From the wire.

        Raises:
            BadJob: a value is missing or unknown.
        """
        names = {f.name for f in dataclasses.fields(cls)}
        unknown = sorted(set(values) - names)
        if unknown:
            raise BadJob(f"{cls.__name__} knows no '{unknown[0]}'.")
        lists = {name: tuple(v) if isinstance(v, list) else v for name, v in values.items()}
        try:
            return cls(**lists)
        except TypeError as error:
            raise BadJob(f"{cls.__name__} is not whole: {error}.") from error


@dataclass(frozen=True)
class Ask(Message):
    """A request; `METHOD` is its name on the wire."""

    METHOD: ClassVar[str] = ""


@dataclass(frozen=True)
class Open(Ask):
    """Begin with an embedding; whatever was taught before is forgotten. Answer: `Opened`."""

    METHOD: ClassVar[str] = "live/open"

    embedding: str
    """Path of an embedding, or of any multiband raster."""
    folder: str
    """Where the files of answers lie; made if it is not there."""
    target: str = "class"
    """class or value"""
    head: str = "linear"
    balance: bool = True
    seed: int = 0
    threads: int = 0


@dataclass(frozen=True)
class Opened(Message):
    """What was opened."""

    transform: Tuple[float, float, float, float, float, float]
    """a, b, c, d, e, f: x = a * column + b * row + c; y = d * column + e * row + f, at the corner of the cell."""
    crs: str
    """WKT; empty when the raster has none."""
    height: int
    width: int
    dimensions: int
    space: str
    """Identity of the feature space: labels taught in one cannot be mixed with heads of another."""
    signed: bool
    """True for an embedding that Quadrat made or knows."""
    coded: bool
    """True when cells are held as 8-bit codes, on which the quick kernel works."""
    notes: Tuple[str, ...] = ()


@dataclass(frozen=True)
class Label(Message):
    """One label of the layer."""

    id: int
    wkb: str
    """Geometry in the CRS of the embedding, hexadecimal."""
    y: Any
    """Name of the class (text), or the value (number)."""


@dataclass(frozen=True)
class Teach(Ask):
    """Change the labels. Answer: `Taught`."""

    METHOD: ClassVar[str] = "live/teach"

    changed: Tuple[Dict[str, Any], ...] = ()
    """Labels as dicts, new or changed, by id."""
    removed: Tuple[int, ...] = ()
    clear: bool = False
    """Forget all others first."""
    classes: Tuple[str, ...] = ()
    """All class names in the order of their class bytes 1, 2, …; labels of other names are ignored."""


@dataclass(frozen=True)
class Taught(Message):
    """What became of the labels."""

    labels: int
    cells: int
    of_class: Dict[str, int] = field(default_factory=dict)
    """Cells by class name."""
    conflicts: Tuple[Tuple[int, int], ...] = ()
    """(row, column) of cells that carry several classes."""
    outside: Tuple[int, ...] = ()
    """Ids of labels without a valid cell."""


@dataclass(frozen=True)
class View(Ask):
    """Fit what is new and predict these cells. Answer: `Painted`."""

    METHOD: ClassVar[str] = "live/view"

    row: int
    col: int
    height: int
    width: int
    """The window in cells; what lies beyond the raster is no data."""
    step: int = 1
    """Every step-th cell of it, beginning with the first of the grid whose number is a multiple of step."""
    settle: bool = False
    """Take the time for all choices that 'Train head' makes; else those made last are kept."""
    coverage: float = 0.0
    """Coverage of conformal sets of which several classes make a place unsure; 0: none."""


@dataclass(frozen=True)
class Painted(Message):
    """The answer to a view. The file holds `height * width` class bytes, then as many confidence bytes.

    Class bytes are 1, 2, … in the order of `Teach.classes`, or for values 1..255 from `low` to `high`. Confidence bytes
    are 1..255 for 0..1; 0 where there is no data, and everywhere for values.
    """

    path: str
    """Empty when there is nothing to show; `why` tells."""
    row: int
    col: int
    """First cell that is shown."""
    height: int
    width: int
    """Of the answer, in shown cells, each `step` cells apart."""
    step: int
    version: int
    """Changes when the head does."""
    settled: bool
    why: str = ""
    """A sentence when nothing could be taught yet."""
    low: float = 0.0
    high: float = 0.0
    shares: Tuple[float, ...] = ()
    """Of the view by class, in the order of the class bytes."""
    unsure: float = 0.0
    confidence: Tuple[int, ...] = ()
    """Cells by confidence in 20 steps from 0 to 1."""
    ms: Dict[str, float] = field(default_factory=dict)
    """What took how long: read, fit, predict, write."""
    head: str = ""
    """What was fitted, in words."""


@dataclass(frozen=True)
class At(Ask):
    """What is known of one cell. Answer: `Known`."""

    METHOD: ClassVar[str] = "live/at"

    row: int
    col: int
    nearest: int = 3


@dataclass(frozen=True)
class Known(Message):
    """Class or value of a cell, and the labelled cells most like it."""

    row: int
    col: int
    valid: bool
    probabilities: Tuple[float, ...] = ()
    """In the order of the class bytes."""
    value: Optional[float] = None
    nearest: Tuple[Dict[str, Any], ...] = ()
    """Each with id, row, col, y, likeness (cosine, 1 alike)."""


@dataclass(frozen=True)
class Next(Ask):
    """Where to label next. Answer: `Places`."""

    METHOD: ClassVar[str] = "live/next"

    count: int = 1
    strategy: str = "mix"
    skipped: Tuple[Tuple[int, int], ...] = ()
    """(row, column) of cells that the user passed over."""
    window: Tuple[int, ...] = ()
    """row, col, height, width to stay in; empty: the whole raster."""


@dataclass(frozen=True)
class Places(Message):
    """Cells to label, most useful first."""

    places: Tuple[Dict[str, Any], ...] = ()
    """Each with row, col, guess (class name or value), probability, reason."""
    why: str = ""
    """A sentence when there are none."""


@dataclass(frozen=True)
class Score(Ask):
    """Test the head on labels that are kept apart. Answer: `Scored`."""

    METHOD: ClassVar[str] = "live/score"


@dataclass(frozen=True)
class Scored(Message):
    """How good the head is on groups or blocks of labels that it did not see."""

    labels: int
    cells: int
    metric: str = ""
    """Name of the metric, as in core/metrics/registry.py; empty when nothing could be tested."""
    score: Optional[float] = None
    low: Optional[float] = None
    high: Optional[float] = None
    scheme: str = ""
    """What was kept apart, in words."""
    confusion: Tuple[Tuple[int, ...], ...] = ()
    """Rows: labelled as; columns: mapped as; in the order of `classes`."""
    classes: Tuple[str, ...] = ()
    why: str = ""


@dataclass(frozen=True)
class Scatter(Ask):
    """A picture of the embedding: cells of the view and all labelled ones in two dimensions. Answer: `Cloud`."""

    METHOD: ClassVar[str] = "live/scatter"

    window: Tuple[int, ...] = ()
    count: int = 2000


@dataclass(frozen=True)
class Cloud(Message):
    """Points of the scatter."""

    x: Tuple[float, ...] = ()
    y: Tuple[float, ...] = ()
    row: Tuple[int, ...] = ()
    col: Tuple[int, ...] = ()
    labelled: Tuple[str, ...] = ()
    """Class of a labelled cell, else empty; for values as text."""
    mapped: Tuple[str, ...] = ()
    """Class shown, empty before there is a head."""
    explained: float = 0.0
    """Share of the variance that the two dimensions hold."""
    why: str = ""


@dataclass(frozen=True)
class Close(Ask):
    """Forget everything and let go of the files. Answer: an empty object."""

    METHOD: ClassVar[str] = "live/close"


ASKS: List[Type[Ask]] = [Open, Teach, View, At, Next, Score, Scatter, Close]
"""All requests; the worker's table is made from it."""
