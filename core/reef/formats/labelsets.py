"""Label sets as tables: CoralNet's, code-name-parent, and tables of labels with functional groups.

- CoralNet labelset: `Label ID`, `Short Code`; also `Name` and `Functional Group`, which lists of its site have.
- a tree: `code`, `name`, `parent`, `colour`, in any order and under the usual names; a parent by its code or its name.
- a table as quadcleanR's: `short_name`, `full_name`, `functional_group` among others: groups become the parents.
- a table of paths: `level 1`, `level 2`, … or ranks such as `family`, `genus`, with codes or without (`levels.py`).

A parent in a column called parent must be a label; a group need not be, and becomes one.
"""

import csv
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

import pandas as pd

from ...atomic import replacing
from ...errors import BadInput
from ..tree import Label, LabelTree, faults, key_of
from .columns import Table, table_of
from .levels import facts_of, is_numbered, level_columns
from .shape import LABELS, Problems, Read, no_points, plain_id, refuse_empty
from .text import Records, read_records

NAMES = {
    "code": ("short code", "code", "short name", "label code", "short label code", "cpc code", "species code", "label"),
    "name": ("name", "full name", "long name", "long label", "long label code", "label name", "code name",
             "catami display name", "description"),
    "parent": ("parent", "parent code", "catami parent id", "parent label"),
    "group": ("functional group", "group", "category", "major category"),
    "colour": ("colour", "color", "point colour"),
    "label_id": ("label id", "id"),
}  # fmt: skip
"""Our columns, and under which names files have them, the likeliest first."""
ROOTS = ("", "na", "none", "null")
"""What stands for no parent."""
HEX = re.compile(r"#?([0-9A-Fa-f]{6})$")
SHOWN = 5
Fact = tuple[int, str, str, str, str, str]
"""(line, code, name, parent, colour, label_id) of a label."""


def read(path: str | Path) -> Read:
    """Read a label set.

    Raises:
        BadInput: unreadable, no column of codes, or no tree; tells the lines.
    """
    return parse(read_records(path), path)


def parse(records: Records, path: object) -> Read:
    """The label set in a table. Raises as `read`."""
    problems = Problems()
    table = table_of(records, NAMES, problems)
    levels = _levels(table)
    if levels:
        return _parse_levels(table, levels, path)
    if "code" not in table.known:
        has = ", ".join(records.heading)
        raise BadInput(f"{path} is no label set: it has no column 'Short Code' or 'code'. Its columns: {has}.")
    size = len(table.lines)
    columns = {name: table.known.get(name, [""] * size) for name in NAMES}
    facts: list[Fact] = []
    for i, line in enumerate(table.lines.tolist()):
        code = columns["code"][i]
        if not code:
            problems.add(line, "The label has no code; left out. Give it one.")
            continue
        parent = columns["parent"][i] if "parent" in table.known else columns["group"][i]
        colour = _colour(columns["colour"][i], line, problems)
        facts.append((line, code, columns["name"][i], parent, colour, plain_id(columns["label_id"][i])))
    facts = [(*fact[:3], "" if fact[3].lower() in ROOTS else fact[3], *fact[4:]) for fact in facts]
    grouped = "parent" not in table.known and "group" in table.known
    return finished(_with_groups(facts) if grouped else _by_name(facts), path, problems)


def _levels(table: Table) -> list[str]:
    """Headings of levels, where these tell the tree: a column of parents goes before them, groups before ranks."""
    titles = [] if "parent" in table.known else level_columns(list(table.further))
    return [] if "group" in table.known and not any(map(is_numbered, titles)) else titles


def _parse_levels(table: Table, titles: Sequence[str], path: object) -> Read:
    lines = table.lines.tolist()
    columns = {name: table.known.get(name, [""] * len(lines)) for name in ("code", "name", "colour", "label_id")}
    told = zip(columns["colour"], lines, strict=True)
    columns["colour"] = [_colour(text, line, table.problems) for text, line in told]
    columns["label_id"] = [plain_id(text) for text in columns["label_id"]]
    levels = {title: table.further[title] for title in titles}
    return finished(facts_of(lines, levels, columns, table.problems), path, table.problems)


def _colour(text: str, line: int, problems: Problems) -> str:
    found = HEX.match(text)
    if found:
        return f"#{found[1].lower()}"
    if text and text.lower() not in ROOTS:
        problems.add(line, f"The colour '{text[:20]}' is none; write it as #rrggbb. Taken as none.")
    return ""


def _with_groups(facts: Sequence[Fact]) -> list[Fact]:
    """With a label for each group that is none, before the first of its kind; a group is not its own parent."""
    codes = {key_of(fact[1]) for fact in facts}
    made: dict[str, Fact] = {}
    for line, _, _, group, _, _ in facts:
        if group and key_of(group) not in codes:
            made.setdefault(key_of(group), (line, group, group.replace("_", " "), "", "", ""))
    own = [(*fact[:3], "" if key_of(fact[3]) == key_of(fact[1]) else fact[3], *fact[4:]) for fact in facts]
    return [*made.values(), *own]


def _by_name(facts: Sequence[Fact]) -> list[Fact]:
    """With parents by their codes, where the file gives them by a name that one label has."""
    codes = {key_of(fact[1]) for fact in facts}
    names: dict[str, set[str]] = {}
    for fact in facts:
        names.setdefault(key_of(fact[2]), set()).add(fact[1])
    done = []
    for fact in facts:
        named = names.get(key_of(fact[3]), set())
        by_name = fact[3] and key_of(fact[3]) not in codes and len(named) == 1
        done.append((*fact[:3], next(iter(named)), *fact[4:]) if by_name else fact)
    return done


def finished(facts: Sequence[Fact], path: object, problems: Problems) -> Read:
    """The labels of a file, checked to be a tree.

    Args:
        facts: of each label; the line stands in messages (0: none).
        path: of the file, for messages.
        problems: of the file so far.

    Raises:
        BadInput: no labels, or no tree: two parents, a circle, an unknown parent, a code for two labels, an ID for two.
    """
    if not facts:
        refuse_empty(path, problems.told(), "labels")
    labels = [Label(code, name, parent, colour) for _, code, name, parent, colour, _ in facts]
    wrong = [*faults(labels), *_shared_ids(facts)]
    if wrong:
        told = [f"Line {facts[place][0]}: {text}" if facts[place][0] else text for place, text in wrong[:SHOWN]]
        more = f" There are {len(wrong) - SHOWN} more faults." if len(wrong) > SHOWN else ""
        raise BadInput(f"{path} cannot be used as a label set. {' '.join(told)}{more}")
    ids = {key_of(fact[1]): fact[5] for fact in reversed(facts)}
    tree = LabelTree(labels)
    order = {key_of(label.code): place for place, label in reversed(list(enumerate(labels)))}
    kept = sorted(tree.labels, key=lambda label: order[key_of(label.code)])
    return Read(no_points(), pd.DataFrame({"name": []}), label_table(kept, ids), problems.told())


def _shared_ids(facts: Sequence[Fact]) -> list[tuple[int, str]]:
    """IDs of two labels."""
    first: dict[str, Fact] = {}
    found = []
    for place, fact in enumerate(facts):
        other = first.setdefault(fact[5], fact) if fact[5] else fact
        if key_of(other[1]) != key_of(fact[1]):
            found.append(
                (place, f"The label ID {fact[5]} stands at '{other[1]}' and at '{fact[1]}'. Correct one of them.")
            )
    return found


def label_table(labels: Iterable[Label], ids: dict[str, str] | None = None) -> pd.DataFrame:
    """Labels as `Read.labels`; `ids` by `key_of` the codes."""
    rows = [(label.code, label.name.strip(), label.parent, label.colour, (ids or {}).get(key_of(label.code), ""))
            for label in labels]  # fmt: skip
    return pd.DataFrame(rows, columns=list(LABELS), dtype=object)


def write(path: str | Path, labels: pd.DataFrame, *, coralnet: bool = False) -> list[str]:
    """Write a label set: all that is known, or as CoralNet exports it (ID and code alone, by code).

    Args:
        path: of the file.
        labels: as `Read.labels`.
        coralnet: whether as CoralNet does.

    Returns:
        What is left out, in sentences.

    Raises:
        Unwritable: the file cannot be written.
    """
    told = []
    if coralnet:
        nameless = labels[labels["label_id"] == ""]
        if len(nameless):
            told.append(f"{len(nameless)} labels have no ID of CoralNet and are left out, '{nameless['code'].iloc[0]}' "
                        "for one.")  # fmt: skip
        labels = labels[labels["label_id"] != ""].sort_values("code", kind="stable")
    columns = {"Label ID": "label_id", "Short Code": "code"} if coralnet else {name: name for name in LABELS}
    with replacing(path) as temporary, open(temporary, "w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\r\n")
        writer.writerow(columns)
        writer.writerows(zip(*(labels[name] for name in columns.values()), strict=True))
    return told
