"""What a file of points, labels or photos holds, whatever program wrote it."""

import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

import pandas as pd

from ...errors import BadInput
from ..tree import Label, LabelTree, key_of

RANKS = 5
"""Suggestions of a point that files hold at most."""
POINTS = ("name", "row", "column")
"""Columns that every table of points has."""
LABELS = ("code", "name", "parent", "colour", "label_id")
"""Columns of every table of labels."""
CONFIRMED, IMPORTED, MACHINE = "confirmed", "imported", "machine"
"""Who stands for a label: a person; nobody knows; a machine, nobody having looked."""
KEPT_PROBLEMS = 1000
"""More are counted, not told one by one."""

Problem = tuple[int, str]
"""(line counted from 1, or 0 for the whole file; a sentence)."""


def no_labels() -> pd.DataFrame:
    """An empty table of labels."""
    return pd.DataFrame({name: pd.Series(dtype=str) for name in LABELS})


@dataclass
class Read:
    """What came of reading a file. Nothing is dropped in silence: what could not be used stands in `problems`."""

    rows: pd.DataFrame
    """A row a point, in the order of the file: `name` (of the photo, as written), `row` and `column` (int64 pixels from
    the upper left of the stored image, from 0), `label` (code; empty: not annotated), and those of these that the file
    has: `label_id`, `annotator`, `date`, `state` (`CONFIRMED`, `IMPORTED` or `MACHINE`), `notes`, `suggestion_1` to
    `_5` (codes; empty: none), `confidence_1` to `_5` (0..1, NaN: none). Further columns bear the file's names."""
    photos: pd.DataFrame
    """A row a photo, in the order of the file: `name`, and what the file says of photos under the file's names."""
    labels: pd.DataFrame = field(default_factory=no_labels)
    """The label set, where the file has one: `code`, `name`, `parent` (code or empty), `colour` (#rrggbb or empty),
    `label_id`; all text."""
    problems: list[Problem] = field(default_factory=list)

    @property
    def ranks(self) -> int:
        """How many suggestions a point may have."""
        return sum(f"suggestion_{rank}" in self.rows for rank in range(1, RANKS + 1))


class Problems:
    """Gathers problems: the first ones in full, the others by number."""

    def __init__(self) -> None:
        self._kept: list[Problem] = []
        self.count = 0

    def add(self, line: int, sentence: str) -> None:
        """Note one more."""
        self.count += 1
        if self.count <= KEPT_PROBLEMS:
            self._kept.append((line, sentence))

    def told(self) -> list[Problem]:
        """All, the last one telling how many more there were."""
        more = self.count - len(self._kept)
        return self._kept + ([(0, f"There are {more:,} more problems of this kind in the file.")] if more else [])


def told(problem: Problem) -> str:
    """The problem in one sentence with its line."""
    line, sentence = problem
    return f"Line {line}: {sentence}" if line else sentence


def refuse_empty(path: object, problems: Sequence[Problem], what: str = "points") -> None:
    """Raise when nothing at all could be used, naming the first problems."""
    first = " ".join(map(told, problems[:3]))
    raise BadInput(f"{path} holds no {what} that can be used. {first or 'It has a heading and nothing below.'}")


def columns_of(records: Sequence[Sequence[str]], width: int) -> list[list[str]]:
    """Columns of records of text, each stripped; what a record lacks is empty."""
    if not records:
        return [[] for _ in range(width)]
    if all(len(record) >= width for record in records):
        return [[*map(str.strip, column)] for column in list(zip(*records, strict=False))[:width]]
    return [[record[i].strip() if i < len(record) else "" for record in records] for i in range(width)]


def interned(texts: Iterable[str]) -> pd.Series:
    """Text that repeats, each different one held once."""
    return pd.Series([sys.intern(text) for text in texts], dtype=object)


def used_codes(read: Read) -> tuple[str, ...]:
    """Label codes that stand at points or among suggestions, each once as first spelt, in the order of the file."""
    columns = ["label", *(f"suggestion_{rank}" for rank in range(1, RANKS + 1))]
    first: dict[str, str] = {}
    for column in columns:
        if column in read.rows:
            for code in pd.unique(read.rows[column]):
                if code:
                    first.setdefault(key_of(str(code)), str(code))
    return tuple(first.values())


def photos_of(names: "pd.Series[str]", extra: pd.DataFrame | None = None) -> pd.DataFrame:
    """A row a photo: its name, and what its first point says in further columns."""
    first = ~names.duplicated().to_numpy()
    photos = pd.DataFrame({"name": names[first]})
    if extra is not None:
        photos = pd.concat([photos, extra[first]], axis=1)
    return photos.reset_index(drop=True)


def tree_of(labels: pd.DataFrame) -> LabelTree:
    """The tree of a table of labels.

    Raises:
        BadInput: it is none.
    """
    columns = [labels[name] for name in ("code", "name", "parent", "colour")]
    return LabelTree(Label(*map(str, facts)) for facts in zip(*columns, strict=True))


def plain_id(text: str) -> str:
    """A label ID without the `.0` that spreadsheets and R put behind numbers."""
    return text[:-2] if text.endswith(".0") and text[:-2].isdecimal() else text


def coded_by_id(read: Read, labels: pd.DataFrame) -> Read:
    """The points with the codes of a label set where they bear its IDs: between sources one code may mean two things.

    Args:
        read: points, with `label_id` or without (then nothing changes).
        labels: the label set, a table as `Read.labels`.
    """
    if "label_id" not in read.rows:
        return read
    codes = dict(zip(labels["label_id"], labels["code"], strict=True))
    codes.pop("", None)
    told = read.rows["label_id"].map(codes)
    return replace(read, rows=read.rows.assign(label=told.where(told.notna(), read.rows["label"])))


def no_points() -> pd.DataFrame:
    """An empty table of points, for files of labels alone."""
    whole = {"row": pd.Series(dtype="int64"), "column": pd.Series(dtype="int64")}
    return pd.DataFrame({"name": pd.Series(dtype=object), **whole, "label": pd.Series(dtype=object)})
