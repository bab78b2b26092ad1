"""Edits of a survey's labels that reach points, each handing back what undoes it; standard library, Python 3.9.

What this does not do: judge whether labels still make a tree (`tree.py`).
"""

from collections import Counter
from typing import Dict, List, Mapping, NamedTuple, Optional, Sequence, Tuple

from ..errors import BadInput
from .schema import HELD_OUT
from .survey import Label, Suggestion, Survey

LabelRows = Dict[int, Optional[Label]]
"""Labels by the number of their row in the file; None where there is none."""


class Relabelled(NamedTuple):
    """What a relabelling changed; `take_back` sets it as it was."""

    old: str
    new: str
    annotations: Tuple[Tuple[int, str, str], ...]
    """(point, annotator, label as it was spelt) of all that bore the old label."""
    suggestions: Tuple[Suggestion, ...]
    """As they were, of all points for which the old label was suggested."""
    held_out: Tuple[Tuple[str, int, str], ...]
    """(label as it was spelt, point, model) of what a model said in training of held-out photos, likewise."""


def label_rows(survey: Survey) -> Dict[int, Label]:
    """All labels, in the order in which they were added."""
    asked = 'SELECT fid, code, name, parent, colour, label_id, "key", origin FROM labels ORDER BY fid'
    return {row[0]: Label(*row[1:]) for row in survey.connection.execute(asked)}


def free_row(survey: Survey) -> int:
    """Number of a row that no label ever had."""
    return 1 + int(survey.connection.execute("SELECT COALESCE(MAX(fid), 0) FROM labels").fetchone()[0])


def set_rows(survey: Survey, rows: Mapping[int, Optional[Label]]) -> LabelRows:
    """Set labels exactly so, in one edit; None takes one away. Points are not touched.

    Returns:
        What stood there before: hand it to this function to undo.

    Raises:
        BadInput: a code would stand twice.
    """
    with survey.edit() as connection:
        there = label_rows(survey)
        before: LabelRows = {number: there.get(number) for number in rows}
        after = {**there, **rows}
        count = Counter(label.code.lower() for label in after.values() if label is not None)
        twice = next((code for code, times in count.items() if times > 1), None)
        if twice is not None:
            raise BadInput(f"There is a label '{twice}' already. Choose another code.")
        connection.executemany("DELETE FROM labels WHERE fid = ?", [(number,) for number in rows])
        put = (
            'INSERT INTO labels (fid, code, name, parent, colour, label_id, "key", origin) '
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
        )
        connection.executemany(put, [(number, *label) for number, label in rows.items() if label is not None])
    return before


def relabel(survey: Survey, old: str, new: str) -> Relabelled:
    """Give all points that bear one label another, whoever gave it; suggestions too. Who, when and state stay.

    What was said of held-out photos follows: it is the evidence of how the machine errs, and must be in labels of now.
    Where both were suggested for a point, the confidences are added, since one label now stands for both.
    """
    with survey.edit() as connection:
        asked = "SELECT point, annotator, label FROM annotations WHERE label = ? COLLATE NOCASE"
        annotations = tuple(connection.execute(asked, (old,)).fetchall())
        connection.execute("UPDATE annotations SET label = ? WHERE label = ? COLLATE NOCASE", (new, old))
        asked = (
            'SELECT point, "rank", label, confidence, model FROM suggestions WHERE point IN '
            "(SELECT point FROM suggestions WHERE label = ? COLLATE NOCASE)"
        )
        before = tuple(Suggestion(*row) for row in connection.execute(asked, (old,)))
        _put(survey, _joined(before, old, new), before)
        held_out = _held_out(survey, old)
        connection.executemany(
            "UPDATE heldout SET label = ? WHERE point = ? AND model = ?", [(new, *row[1:]) for row in held_out]
        )
    return Relabelled(old, new, annotations, before, held_out)


def _held_out(survey: Survey, label: str) -> Tuple[Tuple[str, int, str], ...]:
    if not survey.has(HELD_OUT):
        return ()
    asked = "SELECT label, point, model FROM heldout WHERE label = ? COLLATE NOCASE"
    return tuple(survey.connection.execute(asked, (label,)).fetchall())


def take_back(survey: Survey, done: Relabelled) -> None:
    """Undo a relabelling; what was said of a point or suggested for it since then stays."""
    with survey.edit() as connection:
        put = "UPDATE annotations SET label = ? WHERE point = ? AND annotator = ? AND label = ? COLLATE NOCASE"
        connection.executemany(put, [(was, point, who, done.new) for point, who, was in done.annotations])
        put = "UPDATE heldout SET label = ? WHERE point = ? AND model = ? AND label = ? COLLATE NOCASE"
        connection.executemany(put, [(*row, done.new) for row in done.held_out])
        now: Dict[int, str] = dict(connection.execute("SELECT point, MAX(model) FROM suggestions GROUP BY point"))
        stayed = [one for one in done.suggestions if now.get(one.point) == one.model]
        _put(survey, stayed, stayed)


def _joined(rows: Sequence[Suggestion], old: str, new: str) -> List[Suggestion]:
    """The same suggestions with one label in place of two; rank 0, the trusted one, is on its own."""
    by_point: Dict[int, List[Suggestion]] = {}
    for row in rows:
        one = row._replace(label=new) if row.label.lower() == old.lower() else row
        by_point.setdefault(one.point, []).append(one)
    made: List[Suggestion] = []
    for several in by_point.values():
        made += [one for one in several if one.rank == 0]
        kept: Dict[str, Suggestion] = {}
        for one in sorted((one for one in several if one.rank > 0), key=lambda one: one.rank):
            held = kept.get(one.label.lower())
            if held is None:
                kept[one.label.lower()] = one
            elif held.confidence is not None and one.confidence is not None:
                kept[one.label.lower()] = held._replace(confidence=min(held.confidence + one.confidence, 1.0))
        # Stable: the order of the model stays where confidences are equal or not known.
        ranked = sorted(kept.values(), key=lambda one: -(one.confidence if one.confidence is not None else 0.0))
        made += [one._replace(rank=rank) for rank, one in enumerate(ranked, 1)]
    return made


def _put(survey: Survey, rows: Sequence[Suggestion], before: Sequence[Suggestion]) -> None:
    with survey.edit() as connection:
        points = sorted({(one.point,) for one in before})
        connection.executemany("DELETE FROM suggestions WHERE point = ?", points)
        put = 'INSERT INTO suggestions (point, "rank", label, confidence, model) VALUES (?, ?, ?, ?, ?)'
        connection.executemany(put, rows)


def uses(survey: Survey) -> Dict[str, int]:
    """How many annotations bear each label, by code in small letters."""
    found: Dict[str, int] = {}
    for label, count in survey.connection.execute("SELECT label, COUNT(*) FROM annotations GROUP BY label"):
        found[label.lower()] = found.get(label.lower(), 0) + count
    return found
