"""Label trees as tables of paths: a row a label, a column a level, such as `level 1, level 2, level 3` or ranks.

Source: tables that labs keep of their labels; ranks as in Darwin Core (TDWG).
"""

import re
from collections.abc import Mapping, Sequence

from ..tree import key_of
from .columns import plain
from .shape import Problems

NUMBERED = re.compile(r"(?:level|lvl|l|tier|hierarchy(?: level)?)\s?(\d{1,2})(?: (?:name|label|code))?$")
TAXA = ("kingdom", "phylum", "subphylum", "class", "subclass", "order", "suborder", "family", "subfamily", "genus",
        "species")  # fmt: skip
FEWEST = 2
"""One such column alone is no tree."""
NONE = ("", "na", "n/a", "none", "null", "-")
Path = tuple[str, ...]
Fact = tuple[int, str, str, str, str, str]


def level_columns(titles: Sequence[str]) -> list[str]:
    """Which of these headings are levels, from the root down; empty when fewer than two are."""
    found = {title: NUMBERED.match(plain(title)) for title in titles}
    numbered = sorted((int(match[1]), title) for title, match in found.items() if match)
    if len(numbered) >= FEWEST and len({number for number, _ in numbered}) == len(numbered):
        return [title for _, title in numbered]
    ranks = sorted((TAXA.index(plain(title)), title) for title in titles if plain(title) in TAXA)
    return [title for _, title in ranks] if len(ranks) >= FEWEST else []


def is_numbered(title: str) -> bool:
    """Whether a heading says the number of a level."""
    return NUMBERED.match(plain(title)) is not None


def facts_of(
    lines: Sequence[int], levels: Mapping[str, Sequence[str]], columns: Mapping[str, Sequence[str]], problems: Problems
) -> list[Fact]:
    """Labels and their parents.

    Rows end at the label that they tell of. Where they have codes of their own, and several share one path, paths end
    above them; likewise where rows have other names. A label that only stands in paths is its own code; one name at two
    places gets the parent's in front.

    Args:
        lines: of the rows.
        levels: cells by heading, from the root down.
        columns: `code`, `name`, `colour`, `label_id` of the rows, empty where the file has none.
        problems: gets what could not be used.
    """
    paths = [_path(levels, row) for row in range(len(lines))]
    below = _codes_below(paths, columns)
    labels: dict[Path, Fact] = {}
    for row, (line, path) in enumerate(zip(lines, paths, strict=True)):
        code, name = columns["code"][row], columns["name"][row]
        if not path and not code:
            problems.add(line, "The row names no label; left out.")
            continue
        own = (*path, code) if below[row] else path
        for depth in range(1, len(own)):
            labels.setdefault(_keys(own[:depth]), (line, "", own[depth - 1], "", "", ""))
        fact = (line, code, name or own[-1], "", columns["colour"][row], columns["label_id"][row])
        held = labels.get(_keys(own))
        if held is None or not held[1]:
            labels[_keys(own)] = fact
        elif key_of(held[1]) != key_of(code):
            problems.add(line, f"'{' > '.join(own)}' has the code '{held[1]}' in line {held[0]} and '{code}' here; the "
                         "first counts.")  # fmt: skip
    return _coded(labels, problems)


def _path(levels: Mapping[str, Sequence[str]], row: int) -> Path:
    """Cells of a row from the root down: blanks left out, and repetitions, by which some fill levels up."""
    path: list[str] = []
    for title, cells in levels.items():
        cell = cells[row].strip()
        if plain(title) == "species" and path and cell and cell[0].islower() and " " not in cell:
            cell = f"{path[-1]} {cell}"  # the epithet alone
        if cell.lower() not in NONE and (not path or key_of(cell) != key_of(path[-1])):
            path.append(cell)
    return tuple(path)


def _codes_below(paths: Sequence[Path], columns: Mapping[str, Sequence[str]]) -> list[bool]:
    """Whether the code of each row lies below its path, rather than naming the end of it."""
    first: dict[Path, str] = {}
    shared = False
    for path, code in zip(paths, columns["code"], strict=True):
        shared |= bool(code) and key_of(first.setdefault(_keys(path), code)) != key_of(code)
    found = []
    for path, code, name in zip(paths, columns["code"], columns["name"], strict=True):
        named = path and key_of(path[-1]) in (key_of(code), key_of(name))
        found.append(bool(code) and not named and (shared or bool(name) or not path))
    return found


def _coded(labels: Mapping[Path, Fact], problems: Problems) -> list[Fact]:
    """With a code each, and the codes of parents."""
    given = {key_of(fact[1]) for fact in labels.values() if fact[1]}
    places: dict[str, int] = {}
    for path, fact in labels.items():
        if not fact[1]:
            places[path[-1]] = places.get(path[-1], 0) + 1
    codes: dict[Path, str] = {}
    twice: dict[str, str] = {}
    for path in sorted(labels, key=len):
        _, code, name, *_ = labels[path]
        if not code:
            code = name
            if places[path[-1]] > 1 or key_of(code) in given:
                code = f"{codes[path[:-1]]}/{name}" if path[:-1] else name
                twice.setdefault(path[-1], code)
        codes[path] = code
    for name, code in twice.items():
        problems.add(0, f"The name '{name}' stands at several places of the tree; its codes there are as '{code}'.")
    return [(fact[0], codes[path], fact[2], codes.get(path[:-1], ""), fact[4], fact[5])
            for path, fact in labels.items()]  # fmt: skip


def _keys(path: Path) -> Path:
    return tuple(map(key_of, path))
