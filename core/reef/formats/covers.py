"""Cover of photos as CoralNet gives it: CSV, a row a photo, a column a label, in percent of its points.

`Image ID`, `Image name`, `Annotation status`, `Points`, then labels (codes or names); the last row, "ALL IMAGES", is
the mean over photos, each counting alike. Percents have three decimals. R writes the headings with dots and prefixes.

Source: CoralNet 1.31 (github coralnet/coralnet ced146e), project/export.
"""

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ...atomic import replacing
from ...errors import BadInput
from ..tree import key_of
from .columns import plain, whole_numbers
from .shape import Problem, Problems, interned, refuse_empty
from .text import Records, read_records

FACTS = {"image_id": "image id", "name": "image name", "status": "annotation status", "points": "points"}
HEADINGS = ("Image ID", "Image name", "Annotation status", "Points")
ALL = "ALL IMAGES"
LINE_END = "\r\n"
WHOLE_PERCENT = 100.0
SLACK_PERCENT = 0.1
"""Rounded percents of a photo may miss 100 by as much for each ten labels."""


@dataclass
class Covers:
    """Cover of photos."""

    photos: pd.DataFrame
    """`name`, `image_id`, `status` (text), `points` (int64; 0 unknown), a row a photo."""
    labels: tuple[str, ...]
    """As the file's headings spell them."""
    shares: NDArray[np.float64]
    """(photos, labels), 0..1."""
    mean: NDArray[np.float64] | None = None
    """(labels,) of all photos as the file says, 0..1; None when it does not."""
    problems: list[Problem] = field(default_factory=list)


def read(path: str | Path) -> Covers:
    """Read a table of cover.

    Raises:
        BadInput: unreadable, no such table, or no row that can be used.
    """
    records, problems = read_records(path), Problems()
    places, labels = _columns(records, path)
    ids, kept, lines, mean = [], [], [], None
    for row, line in zip(records.rows, records.lines, strict=True):
        if len(row) < len(records.heading):
            problems.add(line, f"The row has {len(row)} values, the heading {len(records.heading)}; left out.")
            continue
        numbers = _numbers([row[place] for place in labels.values()], line, problems, records.separator == ";")
        if numbers is None:
            continue
        if row[places.get("image_id", 0)].strip().upper() == ALL:
            mean = numbers
            continue
        _check_sum(numbers, line, problems)
        lines.append(line)
        ids.append({name: row[place].strip() for name, place in places.items()})
        kept.append(numbers)
    if not kept:
        refuse_empty(path, problems.told(), "photos")
    photos = pd.DataFrame({name: interned(facts.get(name, "") for facts in ids) for name in FACTS})
    texts = photos["points"].tolist()
    photos["points"], whole = whole_numbers(texts)
    for line, text, good in zip(lines, texts, whole, strict=True):
        if text and not good:
            problems.add(line, f"The number of points '{text[:40]}' is no whole number; taken as unknown.")
    return Covers(photos, tuple(labels), np.stack(kept), mean, problems.told())


def _columns(records: Records, path: object) -> tuple[dict[str, int], dict[str, int]]:
    """Places of the facts of photos, and of labels by their headings."""
    titles = [plain(title) for title in records.heading]
    places = {name: titles.index(theirs) for name, theirs in FACTS.items() if theirs in titles}
    if "name" not in places:
        raise BadInput(f"{path} is no table of cover from CoralNet: it has no column 'Image name'.")
    labels: dict[str, int] = {}
    for place, title in enumerate(records.heading):
        if place in places.values() or not title:
            continue
        if title in labels:
            raise BadInput(f"{path} has two columns '{title}'. Name one of them otherwise.")
        labels[title] = place
    if not labels:
        raise BadInput(f"{path} has no columns of labels behind 'Points'.")
    return places, labels


def _numbers(texts: Sequence[str], line: int, problems: Problems, comma: bool) -> NDArray[np.float64] | None:
    """Shares of a row; None, and a problem, where one is no percentage."""
    try:
        values = np.array([float(text.replace(",", ".") if comma else text) for text in texts]) / WHOLE_PERCENT
    except ValueError as error:
        problems.add(line, f"The row holds what is no number ({error}); left out.")
        return None
    if not np.isfinite(values).all() or values.min() < 0 or values.max() > 1:
        problems.add(line, "The row holds a cover that is no percentage from 0 to 100; left out.")
        return None
    return values


def _check_sum(shares: NDArray[np.float64], line: int, problems: Problems) -> None:
    total = float(shares.sum()) * WHOLE_PERCENT
    if abs(total - WHOLE_PERCENT) > SLACK_PERCENT * (1 + len(shares) / 10):
        problems.add(line, f"The cover of the labels comes to {total:.2f} %, not 100; read as it stands.")


def counted(rows: pd.DataFrame, labels: Sequence[str] = ()) -> Covers:
    """Cover counted from points: of each photo, the share of its annotated points that bear a label.

    Args:
        rows: `name` and `label` (empty: not annotated, which does not count), as `Read.rows`.
        labels: the columns wanted; codes without regard to case. Codes of `rows` that are not there follow behind.

    Returns:
        Photos in the order of `rows`, without those that have no annotated point. `points` counts the annotated ones.
    """
    rows = rows[rows["label"] != ""]
    spelt: dict[str, str] = {}
    for code in [*labels, *pd.unique(rows["label"])]:
        spelt.setdefault(key_of(code), code)
    order = {key: place for place, key in enumerate(spelt)}
    photo, names = pd.factorize(rows["name"])
    label = rows["label"].map({code: order[key_of(code)] for code in rows["label"].unique()}).to_numpy(np.int64)
    counts = np.bincount(photo * len(order) + label, minlength=len(names) * len(order)).reshape(len(names), len(order))
    points = counts.sum(axis=1)
    photos = pd.DataFrame({"name": interned(names), "image_id": "", "status": "", "points": points})
    shares = counts / np.maximum(points, 1)[:, None]
    return Covers(photos, tuple(spelt.values()), shares, shares.mean(axis=0) if len(names) else None)


def write(
    path: str | Path, covers: Covers, titles: Mapping[str, str] | None = None, *, line_end: str = LINE_END
) -> None:
    """Write cover as CoralNet exports it. The last row is left out for one photo alone, as there.

    Args:
        path: of the file.
        covers: to write.
        titles: of columns by label, where they are not the codes.
        line_end: CoralNet's, or another.

    Raises:
        Unwritable: the file cannot be written.
    """
    facts = covers.photos[["image_id", "name", "status", "points"]].to_numpy(object).tolist()
    with replacing(path) as temporary, open(temporary, "w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator=line_end)
        writer.writerow([*HEADINGS, *((titles or {}).get(label, label) for label in covers.labels)])
        for row, shares in zip(facts, covers.shares, strict=True):
            writer.writerow([*row, *map(_percent, shares)])
        if len(covers.shares) > 1:
            writer.writerow([ALL, "", "", "", *map(_percent, covers.shares.mean(axis=0))])


def _percent(share: float) -> str:
    return f"{abs(share) * WHOLE_PERCENT:.3f}"
