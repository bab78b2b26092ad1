"""A sample as it comes back from labelling: what was answered, in which order, and whether it may be used at all."""

import difflib
import json
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..arrays import BAD_ARCHIVE
from ..classes import ClassEntry, class_text
from ..colours import colour_of
from ..errors import BadInput
from ..jobs.estimate import CHOSEN, EstimateArea
from ..layersource import parse_source
from ..sidecar import fingerprint, read_sidecar
from ..vector import read_vector
from .design import Design, design_from
from .places import ORDER

SUGGESTING = ("suggestlabels", "findsimilar", "explainplaces")
"""Jobs whose places were chosen for a reason."""
NEAR = 0.8
"""Likeness above which a class that the map does not have is probably a slip of the pen."""


@dataclass
class Classes:
    """Names of classes, those of the map first; a class met only in the reference is added to the end."""

    entries: list[ClassEntry] = field(default_factory=list)
    mapped: int = 0
    """How many of them the map has."""
    notes: list[str] = field(default_factory=list)

    def place(self, text: str) -> int:
        """Number of a class: by its name, whatever the case, else by its value; added when new."""
        names = [entry.name for entry in self.entries]
        if text in names:
            return names.index(text)
        folded = [name.casefold() for name in names]
        if text.casefold() in folded:
            return folded.index(text.casefold())
        values = [str(entry.value) for entry in self.entries[: self.mapped]]
        if text in values:
            return values.index(text)
        near = difflib.get_close_matches(text.casefold(), folded[: self.mapped], n=1, cutoff=NEAR)
        if near:
            known = names[folded.index(near[0])]
            self.notes.append(f"'{text}' is taken as a class of its own. If '{known}' is meant, correct the sample.")
        self.entries.append(ClassEntry(0, text, colour_of(len(self.entries))))
        return len(self.entries) - 1

    @property
    def names(self) -> tuple[str, ...]:
        """In order."""
        return tuple(entry.name for entry in self.entries)


def recorded_design(job: EstimateArea) -> Design | None:
    """The design beside the sample; None when the user says how it was drawn and nothing beside it says otherwise.

    Raises:
        BadInput: chosen places, another design than stated, or nothing known.
    """
    path = parse_source(job.sample).path
    content = read_sidecar(path)
    made_by = str(content["job"].get("job", "")) if content and isinstance(content.get("job"), dict) else ""
    if made_by in SUGGESTING:
        raise BadInput(f"{path} was made by '{made_by}'. {CHOSEN}")
    if content is not None and "design" in content["facts"]:
        design = design_from(content["facts"], path)
        if job.design not in ("recorded", design.kind):
            raise BadInput(
                f"{path} was drawn as a {design.kind} sample, says its sidecar; the job says {job.design}. Set 'How "
                "the sample was drawn' to 'recorded'."
            )
        return design
    if job.design == "recorded":
        raise BadInput(
            f"Nothing beside {path} says how it was drawn: its .quadrat.json is missing, or 'Draw sample' did not make "
            "it. If places were drawn at random, say how in 'How the sample was drawn'. If they were chosen, no "
            "interval can be given: run 'Draw sample' and label what it draws."
        )
    return None


def read_sample(source: str) -> pd.DataFrame:
    """The layer of places: the first of its file, which 'Draw sample' writes before the table of the design."""
    parsed = parse_source(source)
    several = Path(parsed.path).suffix.lower() == ".gpkg" and parsed.layer is None
    return read_vector(f"{source}|layerid=0" if several else source)


def check_independent(job: EstimateArea, predicted: str, design: Design | None) -> None:
    """Refuse a map or prediction whose head was trained on the labels that are to correct it.

    Args:
        job: with the sample.
        predicted: path of the map, or of the table with the prediction.
        design: of the sample, if recorded; a sample drawn from the very map is later than the map, and fine.

    Raises:
        BadInput: the head saw these labels.
    """
    if design is not None and design.unit == "cell" and design.print and design.print == fingerprint(predicted):
        return
    content = read_sidecar(parse_source(predicted).path)
    inputs = (content or {}).get("inputs", {})
    head = inputs.get("head") or inputs.get("methods") or {}
    if not isinstance(head, dict) or not head.get("path"):
        return
    labels = _labels_of(str(head["path"]))
    if not labels.get("path"):
        return
    own = {parse_source(source).path: fingerprint(source) for source in {job.sample, job.units, predicted} - {""}
           if not _is_raster(source)}  # fmt: skip
    same_file = Path(parse_source(labels["path"]).path).resolve() in {Path(path).resolve() for path in own}
    if same_file or labels.get("fingerprint") in own.values():
        raise BadInput(
            f"The prediction in {predicted} comes from a head that was trained on these very labels, so it agrees with "
            "them by construction and the interval would be far too narrow. Use a map whose head has not seen the "
            "sample; or predict each part of the units by a head trained on the other parts."
        )


def _is_raster(path: str) -> bool:
    return Path(path).suffix.lower() in (".tif", ".tiff", ".vrt", ".img", ".jp2")


def _labels_of(head: str) -> dict[str, str]:
    """Path and fingerprint of the labels that a head was trained on, as far as they are still known."""
    content = read_sidecar(head)
    inputs = (content or {}).get("inputs", {})
    labels = inputs.get("labels") or inputs.get("cells") or {}
    if isinstance(labels, dict) and labels.get("path"):
        return {key: str(value) for key, value in labels.items()}
    try:
        with zipfile.ZipFile(head) as archive:
            facts: Any = json.loads(archive.read("facts.json"))
        return {"path": str(facts["job"]["labels"])}
    except (*BAD_ARCHIVE, TypeError):
        return {}


def answered(table: pd.DataFrame, filled: NDArray[np.bool_], of: int) -> tuple[list[str], bool]:
    """Sentences on places without an answer, and whether those that have one are a valid sample by themselves.

    Args:
        table: one row for each place.
        filled: (n,) whether it was labelled.
        of: places in words: how many were drawn.
    """
    missing = int((~filled).sum())
    if not missing:
        return [], True
    if ORDER in table.columns:
        order = pd.to_numeric(table[ORDER], errors="coerce").to_numpy(np.float64)
        last, first = order[filled].max(initial=-np.inf), order[~filled].min(initial=np.inf)
        if last < first:
            return [f"The first {int(filled.sum())} of {of} places are labelled: a valid smaller sample."], True
    return [
        f"{missing} of {of} places have no answer, in between others that have. They are left out as if the gap were "
        "chance. If they were left because they are hard to tell, the result leans towards what is easy."
    ], False


def texts_of(table: pd.DataFrame, name: str) -> list[str]:
    """What a field says, as class names."""
    return [class_text(value) for value in table[name]]


def none_filled(job: EstimateArea, count: int) -> BadInput:
    """The error for a sample that nobody has labelled."""
    name = job.field or "reference"
    return BadInput(f"None of the {count} places of {job.sample} has an entry in '{name}'. Label them first.")


def numbers_of(table: pd.DataFrame, name: str, source: str) -> NDArray[np.float64]:
    """What a field says, as numbers; NaN where empty.

    Raises:
        BadInput: text that is no number.
    """
    numbers = pd.to_numeric(table[name], errors="coerce").to_numpy(np.float64, na_value=np.nan)
    wrong = [text for text, number in zip(texts_of(table, name), numbers, strict=True) if text and np.isnan(number)]
    if wrong:
        raise BadInput(
            f"The field '{name}' of {source} holds '{wrong[0]}', which is not a number. If these are classes, choose "
            "'class' for what the field holds; or another field, such as a probability, for the prediction of a value."
        )
    return np.where(np.isfinite(numbers), numbers, np.nan)


def one_hot(places: NDArray[np.int64], count: int) -> NDArray[np.float64]:
    """(n, count) 0 and 1; a row of zeros where the place is negative."""
    made = np.zeros((len(places), count))
    there = places >= 0
    made[np.flatnonzero(there), places[there]] = 1.0
    return made


def listed(names: Sequence[str], most: int = 6) -> str:
    """Names in a sentence."""
    return ", ".join(names[:most]) + (f" and {len(names) - most} others" if len(names) > most else "")
