"""What can be done to the labels of a survey, each one step that can be taken back. No widgets.

Whether the labels still make a tree is judged by `core/reef/tree.py`, and its sentences are what the user reads. Faults
that a file brought along do not stand in the way of an edit; those that the edit would add do.
"""

from dataclasses import dataclass
from typing import Any, Dict, Iterable, List, Optional, Sequence, Set, Tuple

from ...core.colours import colour_for
from ...core.errors import BadInput
from ...core.reef import relabel as files
from ...core.reef.survey import Label, Survey
from ...core.reef.tree import Label as Node
from ...core.reef.tree import faults, key_of
from ...processing.i18n import plural, tr


@dataclass
class LabelStep:
    """One edit of labels; `do` and `undo` raise `Unwritable` where the file cannot be changed."""

    text: str
    """What it is called in the list of steps."""
    seen: files.LabelRows
    """Labels as they stood when the step was made, by row of the file; None where there was none."""
    rows: files.LabelRows
    """The same as they are to stand."""
    relabel: Tuple[Tuple[str, str], ...] = ()
    """Codes whose points get another: (old, new)."""
    chosen: str = ""
    """Code that the user works on afterwards."""
    _moved: Tuple[files.Relabelled, ...] = ()

    def do(self, survey: Survey) -> None:
        """Change the file, in one transaction.

        Raises:
            BadInput: the labels were changed from elsewhere since.
        """
        with survey.edit():
            self._check(survey, self.seen)
            files.set_rows(survey, self.rows)
            self._moved = tuple(files.relabel(survey, old, new) for old, new in self.relabel)

    def undo(self, survey: Survey) -> None:
        """Set all back that `do` changed. Raises likewise, and where a label is borne that would go."""
        with survey.edit():
            self._check(survey, self.rows)
            for done in reversed(self._moved):
                files.take_back(survey, done)
            uses = files.uses(survey)
            for row, label in self.rows.items():
                if self.seen[row] is None and label is not None:
                    _refuse_borne(label.code, uses)
            files.set_rows(survey, self.seen)

    @staticmethod
    def _check(survey: Survey, wanted: files.LabelRows) -> None:
        now = files.label_rows(survey)
        if any(now.get(row) != label for row, label in wanted.items()):
            raise BadInput(tr("The labels were changed from elsewhere meanwhile, so that this step would undo that."))

    @property
    def points(self) -> int:
        """Annotations that the step gave another label."""
        return sum(len(done.annotations) for done in self._moved)


class LabelEdits:
    """Makes the steps; sees the labels as they are now. Codes are taken in any case."""

    def __init__(self, survey: Survey) -> None:
        self._survey = survey
        self._rows = files.label_rows(survey)

    # Steps; each raises BadInput with a sentence ---------------------------------------------------------------------

    def add(self, code: str, name: str = "", parent: str = "", colour: str = "") -> LabelStep:
        """A further label; without a colour it gets one that no other has."""
        code = self._free(code)
        above = self._rows[self._row(parent)] if parent else None
        taken = {label.colour for label in self._rows.values()}
        colour = colour or colour_for(name or code, taken)
        label = Label(code, name.strip(), above.code if above else "", colour)
        text = tr("Add label {code}").format(code=code)
        return self._step(text, {files.free_row(self._survey): label}, chosen=code)

    def rename(self, code: str, name: str) -> LabelStep:
        """Another name."""
        return self._change(tr("Rename label {code}"), code, name=name.strip())

    def recode(self, code: str, new: str) -> LabelStep:
        """Another code, for its points as well."""
        row = self._row(code)
        old, new = self._rows[row].code, self._free(new, row)
        changed: files.LabelRows = {row: self._rows[row]._replace(code=new)}
        changed.update(self._children_to(old, new))
        text = tr("Change code {code} to {new}").format(code=old, new=new)
        return self._step(text, changed, ((old, new),), chosen=new)

    def recolour(self, code: str, colour: str, below: bool = False) -> LabelStep:
        """Another colour, `#rrggbb`; also for all labels below where that is wished."""
        rows = [self._row(code), *(self._below(code) if below else ())]
        text = tr("Recolour label {code}").format(code=self._rows[rows[0]].code)
        return self._step(text, {row: self._rows[row]._replace(colour=colour) for row in rows}, chosen=code)

    def set_key(self, code: str, key: str) -> LabelStep:
        """Another key, or none; a label that had it goes without."""
        row, wanted = self._row(code), key.strip()
        changed: files.LabelRows = {
            other: label._replace(key="") for other, label in self._rows.items() if wanted and label.key == wanted
        }
        changed[row] = self._rows[row]._replace(key=wanted)
        return self._step(tr("Change key of label {code}").format(code=self._rows[row].code), changed, chosen=code)

    def move(self, codes: Iterable[str], parent: str) -> LabelStep:
        """Labels, and all below them, under another parent; empty makes them roots."""
        above = self._rows[self._row(parent)].code if parent else ""
        rows = [self._row(code) for code in codes]
        names = ", ".join(self._rows[row].code for row in rows)
        text = tr("Move {codes} below {parent}") if above else tr("Move {codes} to the top")
        changed: files.LabelRows = {row: self._rows[row]._replace(parent=above) for row in rows}
        return self._step(text.format(codes=names, parent=above), changed, chosen=self._rows[rows[0]].code)

    def merge(self, codes: Iterable[str], into: str) -> LabelStep:
        """Labels go; their points and what lies below them go to another one."""
        target = self._row(into)
        kept = self._rows[target]
        gone = [row for row in dict.fromkeys(map(self._row, codes)) if row != target]
        if not gone:
            raise BadInput(tr("Choose the labels that are to become '{into}'.").format(into=kept.code))
        changed: files.LabelRows = {}
        for row in gone:
            changed.update(self._children_to(self._rows[row].code, kept.code))
        changed[target] = kept._replace(parent=self._first_kept(kept, {key_of(self._rows[row].code) for row in gone}))
        changed.update(dict.fromkeys(gone))
        names = [self._rows[row].code for row in gone]
        text = tr("Merge {codes} into {into}").format(codes=", ".join(names), into=kept.code)
        return self._step(text, changed, tuple((name, kept.code) for name in names), chosen=kept.code)

    def remove(self, codes: Sequence[str]) -> LabelStep:
        """Labels that no point bears go; what lies below goes to their parent."""
        uses, rows = files.uses(self._survey), [self._row(code) for code in codes]
        for row in rows:
            _refuse_borne(self._rows[row].code, uses)
        text = tr("Remove {codes}").format(codes=", ".join(self._rows[row].code for row in rows))
        return self._step(text, self._without(rows))

    def unused(self) -> List[str]:
        """Codes that no point bears, nor any label below them."""
        uses = files.uses(self._survey)
        needed: Set[str] = set()
        parents = {key_of(label.code): key_of(label.parent) for label in self._rows.values()}
        for key in (key_of(code) for code in uses):
            while key and key not in needed:
                needed.add(key)
                key = parents.get(key, "")
        return [label.code for label in self._rows.values() if key_of(label.code) not in needed]

    def remove_unused(self) -> LabelStep:
        """All of these go."""
        codes = self.unused()
        if not codes:
            raise BadInput(tr("Every label is borne by points, or has labels below that are."))
        text = plural("Remove %n unused label", "Remove %n unused labels", len(codes))
        return self._step(text, self._without([self._row(code) for code in codes]))

    # Helpers ---------------------------------------------------------------------------------------------------------

    def _row(self, code: str) -> int:
        wanted = key_of(code)
        for row, label in self._rows.items():
            if key_of(label.code) == wanted:
                return row
        raise BadInput(tr("There is no label '{code}'.").format(code=code))

    def _free(self, code: str, own: Optional[int] = None) -> str:
        wanted = code.strip()
        if not wanted:
            raise BadInput(tr("A label needs a code."))
        for row, label in self._rows.items():
            if row != own and key_of(label.code) == key_of(wanted):
                text = tr("There is a label '{code}' already. Choose another code.")
                raise BadInput(text.format(code=label.code))
        return wanted

    def _below(self, code: str) -> List[int]:
        """Rows of all labels below one, however deep."""
        found: List[int] = []
        keys = {key_of(code)}
        while keys:
            rows = [r for r, label in self._rows.items() if key_of(label.parent) in keys and r not in found]
            found += rows
            keys = {key_of(self._rows[row].code) for row in rows}
        return found

    def _children_to(self, code: str, parent: str) -> Dict[int, Optional[Label]]:
        return {
            row: label._replace(parent=parent)
            for row, label in self._rows.items()
            if key_of(label.parent) == key_of(code)
        }

    def _first_kept(self, label: Label, gone: Set[str]) -> str:
        """Code of the nearest ancestor that stays."""
        parents = {key_of(one.code): one.parent for one in self._rows.values()}
        parent, seen = label.parent, set()
        while key_of(parent) in gone and key_of(parent) not in seen:
            seen.add(key_of(parent))
            parent = parents.get(key_of(parent), "")
        return "" if key_of(parent) in gone else parent

    def _without(self, rows: Sequence[int]) -> files.LabelRows:
        gone = {key_of(self._rows[row].code) for row in rows}
        changed: files.LabelRows = {
            row: label._replace(parent=self._first_kept(label, gone))
            for row, label in self._rows.items()
            if key_of(label.parent) in gone
        }
        changed.update(dict.fromkeys(rows))
        return changed

    def _change(self, text: str, code: str, **facts: Any) -> LabelStep:
        row = self._row(code)
        label = self._rows[row]
        return self._step(text.format(code=label.code), {row: label._replace(**facts)}, chosen=label.code)

    def _step(
        self, text: str, rows: files.LabelRows, relabel: Tuple[Tuple[str, str], ...] = (), chosen: str = ""
    ) -> LabelStep:
        """The step, once it is known to leave the tree no worse."""
        after = {**self._rows, **rows}
        known = {sentence for _, sentence in faults(_nodes(self._rows.values()))}
        new = [sentence for _, sentence in faults(_nodes(after.values())) if sentence not in known]
        if new:
            raise BadInput(new[0])
        return LabelStep(text, {row: self._rows.get(row) for row in rows}, rows, relabel, chosen)


def _refuse_borne(code: str, uses: Dict[str, int]) -> None:
    count = uses.get(code.lower(), 0)
    if count:
        bear = plural("%n annotation bears", "%n annotations bear", count)
        text = tr("{bear} the label '{code}'. Merge it into another one instead.")
        raise BadInput(text.format(bear=bear, code=code))


def _nodes(labels: Iterable[Optional[Label]]) -> List[Node]:
    return [Node(one.code, one.name, one.parent, one.colour) for one in labels if one is not None]
