"""Which format a file has, by its content; never by its name alone."""

import importlib
from pathlib import Path
from typing import Any

from ...errors import BadInput
from ..tree import key_of
from .columns import plain
from .jsontext import load
from .levels import level_columns
from .registry import FORMATS, LABELS, POINTS
from .shape import Read
from .text import Text, heading_of, read_text, records
from .toolboxjson import annotations

TOOLBOX_ONLY = ("patch size", "annotation type", "long label")
CODES = ("short code", "code", "short name", "label code", "short label code", "cpc code", "species code")
GROUPS = ("parent", "parent code", "functional group", "group", "category")
ABOVE = (*GROUPS, "name", "full name", "code name", "catami display name", "colour", "color", "label id")


def recognise(path: str | Path) -> str:
    """The name of the format of a file, or of a folder of files.

    Raises:
        BadInput: unreadable, or none of those known; says what was looked for.
    """
    path = Path(path)
    if path.is_dir():
        if any(file.suffix.lower() == ".cpc" for file in path.rglob("*")):
            return "cpce"
        raise BadInput(f"The folder {path} holds no .cpc files. Other formats are single files: give the file.")
    text = read_text(path)
    found = _json(path, text) or _cpce(text) or _table(path, text)
    if found:
        return found
    known = "; ".join(card.title for card in FORMATS.values())
    first = text.text.strip().splitlines()[0][:80]
    raise BadInput(f"{path} is in none of the formats known ({known}). It begins with '{first}'. Annotations need the "
                   "columns Name, Row and Column, label sets a column of codes.")  # fmt: skip


def _json(path: Path, text: Text) -> str:
    if not text.text.lstrip("\ufeff \t\r\n").startswith(("[", "{")):
        return ""
    found = load(path, "file of annotations or labels")
    if isinstance(found, dict) and _has_annotations(found, path):
        return "toolbox_json"
    first = found[0] if isinstance(found, list) and found else None
    if isinstance(first, dict) and "short_label_code" in first:
        return "toolbox_labels"
    if isinstance(first, dict) and isinstance(first.get("fields"), dict) and "cpc_code" in first["fields"]:
        return "catami"
    raise BadInput(f"{path} is JSON, but neither annotations (`label_short_code`) nor labels (`short_label_code`) of "
                   "CoralNet-Toolbox, nor a CATAMI tree (`fields` with `cpc_code`).")  # fmt: skip


def _has_annotations(found: dict[str, Any], path: Path) -> bool:
    """Whether the first annotation looks like one of the Toolbox."""
    try:
        lists = annotations(found, path).values()
    except BadInput:
        return False
    first = next((records[0] for records in lists if records), None)
    return isinstance(first, dict) and "label_short_code" in first


def _cpce(text: Text) -> str:
    """A .cpc file begins with two paths and four numbers; a code file with a number alone, perhaps behind colours."""
    lines = text.text.splitlines()
    head = next(line for line in lines if line.strip())
    parts = head.split(",")
    if len(parts) >= 6 and all(_is_number(part) for part in parts[-4:]) and head.lstrip().startswith('"'):
        return "cpce"
    filled = [line.strip().strip('"') for line in lines[:5] if line.strip()]
    count = next((i for i, line in enumerate(filled[:3]) if line.isdecimal() and len(line) < 5), None)
    colours = count is not None and all(len(line) == 6 for line in filled[:count])
    return "cpce_codes" if colours and count is not None and any("," in line for line in filled[count + 1 :]) else ""


def _is_number(text: str) -> bool:
    return text.strip().replace(".", "", 1).isdecimal()


def _table(path: Path, text: Text) -> str:
    titles = {plain(title) for title in records(heading_of(text.text), path).heading}
    if {"name", "row", "column"} <= titles or {"image name", "row", "column"} <= titles:
        return "toolbox" if titles & set(TOOLBOX_ONLY) else "coralnet"
    if "image name" in titles and titles & {"points", "annotation status", "image id"}:
        return "covers"
    coded = titles & set(CODES) and (titles & set(ABOVE) or len(titles) == 1)
    paths = bool(level_columns(list(titles)))
    return "labelset" if coded or paths or ("label" in titles and titles & set(GROUPS)) else ""


def opened(path: str | Path, name: str = "", **facts: Any) -> Read:
    """The points or labels of a file.

    Args:
        path: of the file or folder.
        name: of the format; empty recognises it.
        facts: further arguments of that reader (`sizes` and `notes` of `cpce`).

    Raises:
        BadInput: as `recognise` and the reader; a format that holds neither points nor labels; an unknown name.
    """
    name = key_of(name) or recognise(path)
    card = FORMATS.get(name)
    if card is None:
        raise BadInput(f"There is no format '{name}'. Known are {', '.join(FORMATS)}.")
    if card.holds not in (POINTS, LABELS):
        raise BadInput(f"{path} is {card.title}: it holds cover, and neither points nor labels.")
    read: Read = function(card.reader)(path, **facts)
    return read


def function(name: str) -> Any:
    """The function that a card names."""
    module, _, attribute = name.partition(":")
    return getattr(importlib.import_module(f"{__package__}.{module}"), attribute)
