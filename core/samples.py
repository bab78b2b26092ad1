"""Labelled samples: vectors with their class or value, group and place, and a report of what was left out."""

import dataclasses
import difflib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from .classes import ClassEntry, class_text, entries, sorted_names
from .errors import BadInput
from .published.registry import PRODUCTS

MOST_CLASSES = 1000
LARGEST = float(np.finfo(np.float32).max)
"""Value maps are float32."""


@dataclass
class LabelReport:
    """How many labels were read and what became of them. Every number has its sentence in `lines`."""

    features: int = 0
    """Labels in the layer."""
    without_class: int = 0
    without_geometry: int = 0
    repaired: int = 0
    outside: int = 0
    """Labels that lie beside the raster entirely."""
    cells_outside: int = 0
    cells_nodata: int = 0
    thinned: int = 0
    """Labels of which a draw of cells was taken."""
    small: int = 0
    """Polygons that hold no centre of a cell and gave the cell of a point inside."""
    same_cell: int = 0
    """Cells that several labels name alike."""
    outvoted: int = 0
    """Cells with conflicting labels that a majority decided."""
    tied: int = 0
    """Cells with conflicting labels and no majority, left out."""
    averaged: int = 0
    """Cells with several values, averaged."""
    missing_features: int = 0
    """Rows of a table with missing features, left out."""
    without_group: int = 0
    lost_classes: tuple[str, ...] = ()
    cells: int = 0
    """Samples in the end."""
    notes: list[str] = field(default_factory=list)

    _SENTENCES = (
        ("without_class", "{n} had no class or value and were ignored."),
        ("without_geometry", "{n} had no geometry and were ignored."),
        ("repaired", "{n} had an invalid geometry, which was repaired."),
        ("outside", "{n} lie outside the embedding and were ignored."),
        ("cells_outside", "{n} labelled cells lie outside the embedding and were ignored."),
        ("cells_nodata", "{n} labelled cells lie on nodata and were ignored."),
        ("thinned", "Of {n} large labels a random draw of cells was taken (see 'Most cells from one label')."),
        ("small", "{n} polygons hold no centre of a cell; the cell at a point inside was taken."),
        ("same_cell", "{n} cells carry the same class several times and count once."),
        ("outvoted", "{n} cells carry conflicting classes; the majority was taken."),
        ("tied", "{n} cells carry conflicting classes without a majority and were left out."),
        ("averaged", "{n} cells carry several values; their mean was taken."),
        ("missing_features", "{n} rows lack a feature and were left out."),
        ("without_group", "{n} labels have no group; each counts as a group of its own."),
    )  # fmt: skip

    def lines(self) -> list[str]:
        """Sentences for the log, the first with the totals."""
        text = [f"{self.features} labels read, {self.cells} samples made."]
        text += [sentence.format(n=getattr(self, name)) for name, sentence in self._SENTENCES if getattr(self, name)]
        if self.lost_classes:
            text.append(f"No sample is left of: {', '.join(self.lost_classes)}.")
        return text + self.notes

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {**dataclasses.asdict(self), "lost_classes": list(self.lost_classes)}


@dataclass(frozen=True)
class FeatureSpace:
    """What the D numbers of a sample mean."""

    identity: str
    """Equal identity, same space."""
    names: tuple[str, ...]
    backbone: str = ""
    source: str = "raster"
    """`raster` or `table`."""
    signed: bool = False
    """True when the identity is that of an embedding; False when only number and names of bands are known."""

    @property
    def own_units(self) -> bool:
        """True when the numbers are bands or columns with units of their own, not dimensions of an embedding."""
        published = PRODUCTS.get(self.backbone)
        return not self.signed or self.backbone == "raw" or (published is not None and published.own_units)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values, as in the facts of a head."""
        return {
            "identity": self.identity, "names": list(self.names), "D": len(self.names), "backbone": self.backbone,
            "source": self.source, "signed": self.signed,
        }  # fmt: skip


@dataclass(frozen=True)
class Regions:
    """Which region each sample lies in."""

    of: NDArray[np.int64]
    """(N,) place in `names`, or -1 where a label has none."""
    names: tuple[str, ...]

    def take(self, chosen: NDArray[Any]) -> "Regions":
        """Of those samples only; regions without samples are dropped."""
        of = self.of[chosen]
        present = np.unique(of[of >= 0])
        number = np.full(len(self.names) + 1, -1, dtype=np.int64)
        number[present] = np.arange(len(present))
        return Regions(number[of], tuple(self.names[k] for k in present))


@dataclass(frozen=True)
class Samples:
    """N labelled vectors."""

    X: NDArray[np.float32]
    """(N, D) float32, finite."""
    y: NDArray[Any]
    """(N,) int64 class values, or float64."""
    groups: NDArray[np.int64]
    """(N,) number of the group that each sample belongs to."""
    group_kind: str
    """What a group is, plural, in words for the user."""
    grouped: bool
    """True when some group holds more than one sample, so that groups differ from samples."""
    by_field: bool
    """True when a group field says what belongs together."""
    xy: NDArray[np.float64] | None
    """(N, 2) in `crs`, or None when unknown."""
    crs: str
    """WKT of `xy`; empty when unknown."""
    cells: NDArray[np.int64] | None
    """(N, 2) row and column in the embedding, or None for tables."""
    classes: tuple[ClassEntry, ...]
    """Empty for values."""
    space: FeatureSpace
    report: LabelReport
    regions: Regions | None = None
    """Where a field names them."""

    @property
    def counts(self) -> dict[str, int]:
        """Samples of each class by name."""
        return {entry.name: int((self.y == entry.value).sum()) for entry in self.classes}

    def group_counts(self) -> dict[str, int]:
        """Groups of each class by name."""
        return {entry.name: len(np.unique(self.groups[self.y == entry.value])) for entry in self.classes}


@dataclass(frozen=True)
class Targets:
    """Class or value of each label."""

    y: NDArray[np.float64]
    """(F,) place of the class in `names`, counted from 0, or the value; NaN where there is none."""
    names: tuple[str, ...]
    """Empty for values."""


def check_field(table: pd.DataFrame, name: str, what: str, source: str) -> None:
    """Raise unless the table has this field.

    Raises:
        BadInput: it has not; the nearest name is given.
    """
    if name in table.columns:
        return
    existing = [str(column) for column in table.columns if column != "geometry"]
    near = difflib.get_close_matches(name, existing, n=1, cutoff=0.5)
    hint = f"Did you mean '{near[0]}'?" if near else f"It has: {', '.join(existing) or 'no fields'}."
    raise BadInput(f"{what}: {source} has no field '{name}'. {hint}")


def read_targets(table: pd.DataFrame, name: str, target: str, source: str) -> Targets:
    """Classes or values of a field.

    Raises:
        BadInput: no such field, values that are not numbers, or far too many classes.
    """
    check_field(table, name, "Class or value field", source)
    column = table[name]
    if target == "value":
        return Targets(_numbers(column, name, source), ())
    texts = np.array([class_text(value) for value in column], dtype=object)
    names = sorted_names(text for text in texts if text)
    if len(names) > MOST_CLASSES:
        raise BadInput(
            f"The field '{name}' of {source} has {len(names)} different entries, more than the {MOST_CLASSES} classes "
            "that a map can hold. Is it a quantity? Then set 'What the field holds' to 'value'."
        )
    place = {text: float(number) for number, text in enumerate(names)}
    return Targets(np.array([place.get(text, np.nan) for text in texts], dtype=np.float64), tuple(names))


def _numbers(column: Any, name: str, source: str) -> NDArray[np.float64]:
    numbers = pd.to_numeric(column, errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan)
    wrong = np.flatnonzero(np.isnan(numbers) & np.array([class_text(value) != "" for value in column], dtype=bool))
    if len(wrong):
        raise BadInput(
            f"The field '{name}' of {source} holds '{column.iloc[wrong[0]]}', which is not a number. For names set "
            "'What the field holds' to 'class'."
        )
    numbers = np.where(np.isfinite(numbers), numbers, np.nan)
    if np.nanmax(np.abs(numbers), initial=0) > LARGEST:
        raise BadInput(
            f"The field '{name}' of {source} holds {numbers[np.nanargmax(np.abs(numbers))]:g}, more than a map can "
            "hold. If it stands for 'no value', empty it."
        )
    return numbers


def read_groups(table: pd.DataFrame, name: str, source: str, report: LabelReport) -> NDArray[np.int64]:
    """Group number of each label by a field; labels without an entry are groups of their own.

    Raises:
        BadInput: no such field.
    """
    check_field(table, name, "Group field", source)
    texts = np.array([class_text(value) for value in table[name]], dtype=object)
    empty = np.flatnonzero(texts == "")
    report.without_group = len(empty)
    _, numbers = np.unique(texts.astype(str), return_inverse=True)
    numbers = numbers.astype(np.int64)
    numbers[empty] = len(texts) + empty
    return numbers


def read_regions(table: pd.DataFrame, name: str, source: str) -> Regions:
    """Region of each label by a field.

    Raises:
        BadInput: no such field, or fewer than two regions.
    """
    check_field(table, name, "Region field", source)
    texts = np.array([class_text(value) for value in table[name]], dtype=object)
    names = sorted_names(text for text in texts if text)
    if len(names) < 2:
        only = f"only '{names[0]}'" if names else "nothing"
        raise BadInput(
            f"The region field '{name}' of {source} holds {only}. To test a region by the others there must be two."
        )
    place = {text: number for number, text in enumerate(names)}
    return Regions(np.array([place.get(text, -1) for text in texts], dtype=np.int64), tuple(names))


def finish_targets(
    y: NDArray[np.float64], names: Sequence[str], report: LabelReport, field_name: str
) -> tuple[NDArray[Any], tuple[ClassEntry, ...]]:
    """Final class values 1..K of the classes that have samples, or the values as they are.

    Raises:
        BadInput: nothing left, one class only, or values that do not vary.
    """
    what = " ".join(report.lines()[1:])
    if not len(y):
        advice = " Do the coordinate systems of labels and embedding say what they should?" if report.outside else ""
        raise BadInput(f"No label is left to learn from. {what or 'The layer of labels is empty.'}{advice}")
    if not names:
        if len(y) < 3 or np.ptp(y) == 0:
            problem = "fewer than three samples" if len(y) < 3 else f"only the value {y[0]:g}"
            raise BadInput(f"Nothing can be learnt from '{field_name}': {problem}. {what}")
        return y, ()
    present = np.unique(y).astype(np.int64)
    report.lost_classes = tuple(name for number, name in enumerate(names) if number not in present)
    kept = [names[number] for number in present]
    if len(kept) < 2:
        raise BadInput(
            f"All labels are of one class, '{kept[0]}'. Add labels of at least one other class. "
            f"{' '.join(report.lines()[1:])}".strip()
        )
    return np.searchsorted(present, y.astype(np.int64)).astype(np.int64) + 1, entries(kept)
