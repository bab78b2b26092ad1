"""The rasters that a head can write: what stands in each, how it looks, and what is counted of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .classes import ClassEntry
from .conformal import UNSURE, UNSURE_COLOUR
from .errors import BadJob
from .jobs.fewshot import ApplyHead
from .prediction import CODE_OFFSET, CODE_SCALE, Predicted, codes
from .raster import open_raster
from .writing import Band

COUNTED_CELLS = 2048
"""Side of the windows in which a finished map is counted."""


@dataclass(frozen=True)
class Layer:
    """One raster to write, and how a prediction becomes its numbers."""

    field: str
    """Name of the job's parameter."""
    bands: tuple[Band, ...]
    dtype: str
    nodata: float
    classes: tuple[ClassEntry, ...] = ()
    """Of a class map, `unsure` included."""

    @property
    def kind(self) -> str:
        """What lies in it, for the one who styles it."""
        return {"output": "classmap" if self.classes else "valuemap"}.get(self.field, self.field)

    def numbers(self, predicted: Predicted) -> NDArray[Any]:
        """(bands, n) of the dtype."""
        if self.field == "output":
            return predicted.shown(len(self.classes)).astype(self.dtype)[None]
        if self.field == "confidence":
            return codes(predicted.confidence)[None]
        if self.field == "applicability":
            return predicted.dissimilarity.astype(self.dtype)[None]
        return codes(predicted.probabilities.T) if predicted.probabilities is not None else np.empty((0, 0), np.uint8)

    def look(self) -> dict[str, Any]:
        """Colours and names of a class map, for the writer."""
        if self.field != "output" or not self.classes:
            return {}
        names = ["", *(entry.name for entry in self.classes)]
        if self.dtype != "uint8":
            return {"category_names": names, "categorical": True}
        return {
            "colours": {0: (0, 0, 0, 0)} | {entry.value: entry.rgba for entry in self.classes},
            "category_names": names,
        }


def shown_classes(classes: tuple[ClassEntry, ...], unsure: bool) -> tuple[ClassEntry, ...]:
    """Classes of the map: those of the head, and behind them the one for unsure places."""
    if not unsure:
        return classes
    name, taken = UNSURE, {entry.name for entry in classes}
    while name in taken:
        name += "?"
    return (*classes, ClassEntry(len(classes) + 1, name, UNSURE_COLOUR))


def layers_for(job: ApplyHead, classes: tuple[ClassEntry, ...]) -> list[Layer]:
    """Rasters that the job asks for.

    Raises:
        BadJob: something of probabilities, from a head for values.
    """
    if not classes and (job.confidence or job.probabilities):
        raise BadJob("This head estimates values, which have no probability. Leave out confidence and probabilities.")
    share = {"scale": CODE_SCALE, "offset": CODE_OFFSET}
    shown = shown_classes(classes, job.unsure)
    wide = "uint8" if len(shown) <= 255 else "uint16"
    layers = {
        "output": Layer("output", (Band("class"),), wide, 0, shown) if classes
        else Layer("output", (Band("value"),), "float32", float("nan")),
        "confidence": Layer("confidence", (Band("confidence", **share),), "uint8", 0),
        "probabilities": Layer("probabilities", tuple(Band(c.name, **share) for c in classes), "uint8", 0),
        "applicability": Layer("applicability", (Band("dissimilarity"),), "float32", float("nan")),
    }  # fmt: skip
    return [layer for field, layer in layers.items() if getattr(job, field)]


class Tally:
    """Cells of each class, range of values, cells inside the area of applicability, and cells without anything."""

    def __init__(self, classes: tuple[ClassEntry, ...]) -> None:
        self.classes = classes
        self.cells = np.zeros(len(classes) + 1, np.int64)
        self.low, self.high, self.empty = np.inf, -np.inf, 0
        self.inside = self.judged = 0

    def add(self, values: NDArray[Any], empty: int) -> None:
        """Count (n,) numbers of the map, and cells that have none."""
        self.empty += empty
        if self.classes:
            self.cells += np.bincount(values.astype(np.int64), minlength=len(self.cells))
        elif len(values):
            self.low, self.high = min(self.low, float(values.min())), max(self.high, float(values.max()))

    def judge(self, dissimilarity: NDArray[np.float32]) -> None:
        """Count (n,) dissimilarities; at most 1 is inside."""
        self.inside += int((dissimilarity <= 1).sum())
        self.judged += len(dissimilarity)

    @classmethod
    def of_files(cls, output: str, applicability: str, classes: tuple[ClassEntry, ...]) -> "Tally":
        """Counted in finished rasters (empty: there is none), for runs of which a part was done earlier."""
        tally = cls(classes)
        for values, empty in _pieces(output):
            tally.add(values, empty)
        for values, empty in _pieces(applicability):
            tally.judge(values)
            tally.empty += 0 if output else empty
        return tally

    def facts(self, classes: Sequence[ClassEntry], limits: Any) -> dict[str, Any]:
        """What is told of the map: classes with their cells, range, cells without anything, share inside."""
        told: dict[str, Any] = {
            "classes": [{**entry.to_dict(), "cells": int(self.cells[entry.value])} for entry in classes],
            "range": [self.low, self.high] if self.low <= self.high else limits,
            "cells_nodata": self.empty,
        }
        if self.judged:
            told["inside"] = self.inside / self.judged
        return told


def _pieces(path: str) -> Any:
    """(values, cells without one) of each window of a raster of one band; nothing for an empty path."""
    if not path:
        return
    with open_raster(path) as reader:
        for window in reader.grid.blocks(COUNTED_CELLS):
            values, valid = reader.read(window)
            yield values[0][valid], int((~valid).sum())
