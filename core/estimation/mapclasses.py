"""Names of the classes of a map, and what the map shows at places."""

import json
from collections.abc import Iterable, Mapping

import numpy as np
from numpy.typing import NDArray

from ..classes import ClassEntry, entries
from ..colours import colour_of
from ..conformal import UNSURE
from ..grid import Window
from ..progress import Progress
from ..raster import RasterReader
from ..sidecar import read_sidecar

BLOCK = 256
"""Cells a side of the windows in which places are read."""


def class_entries(reader: RasterReader, values: Iterable[int]) -> dict[int, ClassEntry]:
    """Name and colour of each class value: from the sidecar, else from names in the file, else the value itself."""
    wanted = list(values)
    known = _from_sidecar(reader.path) | {}
    names = _category_names(reader.tags)
    found = {}
    spare = {entry.name: entry.colour for entry in entries([names.get(value, str(value)) for value in wanted])}
    for place, value in enumerate(wanted):
        name = names.get(value, str(value))
        found[value] = known.get(value) or ClassEntry(value, name, spare.get(name) or colour_of(place))
    return found


def unsure_value(reader: RasterReader) -> int | None:
    """Value of the places that the map leaves open, which is no class; None where it names all."""
    content = read_sidecar(reader.path)
    classes = content["facts"].get("classes") if content else None
    if content and isinstance(classes, list) and classes:
        last = classes[-1]
        told = "unsure" in content["facts"] and str(last["name"]).rstrip("?") == UNSURE
        return int(last["value"]) if told else None
    names = _category_names(reader.tags)
    return next((value for value, name in names.items() if name.casefold() == UNSURE), None)


def _from_sidecar(path: str) -> dict[int, ClassEntry]:
    content = read_sidecar(path)
    classes = content["facts"].get("classes") if content else None
    try:
        listed = [ClassEntry(int(c["value"]), str(c["name"]), str(c["colour"])) for c in classes or []]
        return {entry.value: entry for entry in listed if entry.rgba}
    except (KeyError, TypeError, ValueError):
        return {}


def _category_names(tags: Mapping[str, str]) -> dict[int, str]:
    try:
        names = json.loads(tags.get("category_names", "[]"))
        return {value: str(name) for value, name in enumerate(names) if name}
    except (ValueError, TypeError):
        return {}


def read_at(
    reader: RasterReader, cells: NDArray[np.int64], progress: Progress
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Values (n,) of the first band at cells (n, 2), which may lie outside, and whether each is valid."""
    values, valid = np.zeros(len(cells)), np.zeros(len(cells), dtype=bool)
    tiles, place = np.unique(cells // BLOCK, axis=0, return_inverse=True)
    for number in range(len(tiles)):
        progress.checkpoint(number / len(tiles))
        members = np.flatnonzero(place.reshape(-1) == number)
        (top, left), (bottom, right) = cells[members].min(axis=0), cells[members].max(axis=0) + 1
        block, mask = reader.read(Window(int(top), int(left), int(bottom - top), int(right - left)))
        rows, cols = cells[members, 0] - top, cells[members, 1] - left
        values[members], valid[members] = block[0, rows, cols], mask[rows, cols]
    return values, valid
