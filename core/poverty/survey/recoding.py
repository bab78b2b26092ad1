"""From the codes of a survey to the levels of the wealth index, by a table that the user can edit.

Columns `item`, `field`, `code`, `level`; `resources/iwi/README.md` explains them. No code of any survey stands here.
"""

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ...errors import BadInput
from ...vector import read_vector
from .fields import codes_of
from .wealthindex import ITEMS, MOST_UNKNOWN

SHIPPED = Path(__file__).resolve().parents[3] / "resources" / "iwi" / "recoding.csv"
COLUMNS = ("item", "field", "code", "level")
NOTHING, AT_MOST = "-", "at most "
UNKNOWN = -1
MOST_NAMED = 12
_RANGE = re.compile(r"(-?\d+(?:\.\d+)?)\s*-\s*(\d+(?:\.\d+)?)")

Ranks = NDArray[np.int8]
Level = tuple[int, bool]
"""Place of a level among those of its item, -1 for nothing; whether it only limits what other fields say."""


@dataclass
class Rules:
    """What the codes of one field say of one item."""

    exact: dict[str, Level] = field(default_factory=dict)
    ranges: list[tuple[float, float, Level]] = field(default_factory=list)

    def level(self, code: str) -> Level | None:
        """What a code stands for; None if the table does not tell."""
        if code in self.exact:
            return self.exact[code]
        try:
            number = float(code)
        except ValueError:
            return None
        return next((level for low, high, level in self.ranges if low <= number <= high), None)


@dataclass
class Recoded:
    """Levels of H households, and what is to be told of how they came about."""

    levels: Ranks
    """(H, 12) as `wealth_index` takes them."""
    lacking: list[str]
    """Items that no field of the survey tells."""
    unlisted: list[str]
    """`field code (households)` of codes that the table does not list."""
    codes: pd.DataFrame
    """Columns item, field, code, level, meaning, households: each code that occurs."""


class Recoding:
    """A recoding table."""

    def __init__(self, path: str | Path = "") -> None:
        """Read the table.

        Args:
            path: of a CSV; empty takes the one that comes with Quadrat.

        Raises:
            BadInput: not such a table, or a word in it that is not known.
        """
        self.path = Path(path) if path else SHIPPED
        table = read_vector(str(self.path)).rename(columns=lambda name: str(name).strip().lower())
        missing = [name for name in COLUMNS if name not in table.columns]
        if missing:
            raise BadInput(
                f"{self.path} is no recoding table: it lacks the columns {', '.join(missing)}. Copy {SHIPPED} and edit "
                "the copy."
            )
        self.rules: dict[str, dict[str, Rules]] = {item: defaultdict(Rules) for item in ITEMS}
        self.meanings: dict[tuple[str, str, str], str] = {}
        told = table["meaning"] if "meaning" in table else pd.Series("", index=table.index)
        for row, item, name, code, level, meaning in zip(
            range(2, len(table) + 2), *(_texts(table[column]) for column in COLUMNS), _texts(told), strict=True
        ):
            if item or name:
                self._add(row, item.lower(), name.lower(), code, level.lower(), meaning)

    def _add(self, row: int, item: str, name: str, code: str, level: str, meaning: str) -> None:
        where = f"{self.path}, row {row}"
        if item not in ITEMS:
            raise BadInput(f"{where}: there is no item '{item}'. Items are: {', '.join(ITEMS)}.")
        limits = level.startswith(AT_MOST)
        word = level[len(AT_MOST) :].strip() if limits else codes_of(pd.Series([level]))[0]
        if word not in ITEMS[item] and (limits or word not in ("", NOTHING)):
            raise BadInput(
                f"{where}: '{level}' is no level of {item}. Write one of: {', '.join(ITEMS[item])}, or {NOTHING}."
            )
        rank = list(ITEMS[item]).index(word) if word in ITEMS[item] else UNKNOWN
        found, rules = _RANGE.fullmatch(code), self.rules[item][name]
        if found:
            rules.ranges.append((float(found[1]), float(found[2]), (rank, limits)))
        else:
            rules.exact[code.lower()] = (rank, limits)
        self.meanings[item, name, code.lower()] = meaning

    def fields(self) -> list[str]:
        """Names of fields that the table speaks of, in lower case."""
        return list(dict.fromkeys(name for of_item in self.rules.values() for name in of_item))

    def apply(self, table: pd.DataFrame) -> Recoded:
        """Levels of the households of a table.

        Raises:
            BadInput: more items than may be unknown have no field in the table.
        """
        columns = {str(name).lower(): str(name) for name in table.columns}
        of_item = {item: [name for name in rules if name in columns] for item, rules in self.rules.items()}
        lacking = [item for item, names in of_item.items() if not any(self._tells(item, name) for name in names)]
        if len(lacking) > MOST_UNKNOWN:
            sought = "; ".join(f"{item} ({', '.join(self.rules[item]) or 'no field'})" for item in lacking[:MOST_NAMED])
            raise BadInput(
                f"The wealth index cannot be computed: the survey has no field for {sought}; one item may be unknown. "
                "Choose an indicator, or give a recoding table that names the fields of this survey."
            )
        known = {name: codes_of(table[columns[name]]) for names in of_item.values() for name in names}
        levels = np.full((len(table), len(ITEMS)), UNKNOWN, np.int8)
        rows: list[tuple[str, str, str, str, str, int]] = []
        for number, (item, names) in enumerate(of_item.items()):
            if names:
                levels[:, number] = self._item(item, {name: known[name] for name in names}, rows)
        codes = pd.DataFrame(rows, columns=[*COLUMNS, "meaning", "households"])
        open_ = codes[codes["level"] == ""].sort_values("households", ascending=False, kind="stable")
        unlisted = [f"{one.field} {one.code} ({one.households:,})" for one in open_.itertuples()]
        return Recoded(levels, lacking, list(dict.fromkeys(unlisted)), codes)

    def _tells(self, item: str, name: str) -> bool:
        """Whether a field can say more than one thing of an item, so that it does not merely imply or limit it."""
        rules = self.rules[item][name]
        said = {rank for rank, limits in [*rules.exact.values(), *(one[2] for one in rules.ranges)] if not limits}
        return len(said - {UNKNOWN}) > 1

    def _item(self, item: str, known: dict[str, NDArray[np.object_]], rows: list) -> Ranks:  # type: ignore[type-arg]
        """(H,) best level that the fields of an item tell, lowered where one of them limits it."""
        count = len(next(iter(known.values())))
        best, limit = np.full(count, UNKNOWN, np.int8), np.full(count, len(ITEMS[item]), np.int8)
        for name, codes in known.items():
            different, which, counts = np.unique(codes.astype(str), return_inverse=True, return_counts=True)
            found = [self._level(item, name, code) for code in different]
            ranks = np.array([UNKNOWN if one is None or one[1] else one[0] for one in found], np.int8)
            limits = np.array([one[0] if one and one[1] else len(ITEMS[item]) for one in found], np.int8)
            best, limit = np.maximum(best, ranks[which]), np.minimum(limit, limits[which])
            for code, one, households in zip(different, found, counts, strict=True):
                if code:
                    meaning = self.meanings.get((item, name, code), "")
                    rows.append((item, name, code, _word(item, one), meaning, int(households)))
        return np.minimum(best, limit)

    def _level(self, item: str, name: str, code: str) -> Level | None:
        if not code:
            return UNKNOWN, False
        found = self.rules[item][name].level(code)
        if found is None and code in ITEMS[item] and not code.isdigit():
            return list(ITEMS[item]).index(code), False
        return found


def _word(item: str, level: Level | None) -> str:
    if level is None:
        return ""
    rank, limits = level
    return NOTHING if rank == UNKNOWN else (AT_MOST if limits else "") + list(ITEMS[item])[rank]


def _texts(column: Iterable[object]) -> list[str]:
    return ["" if pd.isna(value) else codes_of(pd.Series([value], dtype=object), lower=False)[0] for value in column]  # type: ignore[call-overload]
