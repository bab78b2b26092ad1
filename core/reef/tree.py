"""Labels of a survey in a tree: a coral within hard corals within corals.

Trees may be ragged, have many roots, and labels at inner nodes, which people use too ("hard coral", when the species
cannot be told). A label set without parents is a tree of roots. Codes are told apart without regard to case, as
CoralNet does. Standard library only, Python 3.9 and later: the dock reads this file too. Knows nothing of files, photos
or points.
"""

import dataclasses
import difflib
from dataclasses import dataclass
from typing import Any, Dict, Iterable, Iterator, List, Mapping, Sequence, Set, Tuple

from ..errors import BadInput

SHOWN_FAULTS = 5
"""So many faults stand in one message."""


@dataclass(frozen=True)
class Label:
    """One label, at a leaf or at an inner node."""

    code: str
    """Short and unique without regard to case: what stands in annotation files."""
    name: str = ""
    parent: str = ""
    """Code of the label it is a kind of; empty at a root."""
    colour: str = ""
    """#rrggbb, or empty."""


def key_of(code: str) -> str:
    """What two spellings of one code have in common."""
    return code.strip().lower()


def faults(labels: Sequence[Label]) -> List[Tuple[int, str]]:
    """Why these labels make no tree: (place in `labels`, sentence), each fault once; empty when they do."""
    found: List[Tuple[int, str]] = []
    first: Dict[str, int] = {}
    for place, label in enumerate(labels):
        key = key_of(label.code)
        if not key:
            found.append((place, f"A label{f' named {label.name!r}' if label.name else ''} has no code. Give it one."))
        elif key not in first:
            first[key] = place
        else:
            found += [(place, sentence) for sentence in _clash(labels[first[key]], label)]
    known = {key: labels[place] for key, place in first.items()}
    for place in first.values():
        parent = key_of(labels[place].parent)
        if parent and parent not in known:
            found.append((place, _orphan(labels[place], [label.code for label in known.values()])))
    found += [(first[circle[0]], _circle([known[key].code for key in circle])) for circle in _circles(known)]
    return sorted(found)


def _clash(one: Label, other: Label) -> List[str]:
    """What tells two labels of one code apart."""
    if key_of(one.parent) != key_of(other.parent):
        parents = [f"'{label.parent.strip()}'" if label.parent.strip() else "none" for label in (one, other)]
        return [f"The label '{one.code}' has two parents, {parents[0]} and {parents[1]}. Keep one of them."]
    if one.name.strip() != other.name.strip() or one.code.strip() != other.code.strip():
        return [
            f"The code '{other.code}' stands for two labels, '{one.name or one.code}' and '{other.name or other.code}' "
            "(capital and small letters count as the same). Change one of the codes."
        ]
    return []  # the same label again


def _orphan(label: Label, codes: Sequence[str]) -> str:
    near = difflib.get_close_matches(label.parent, codes, n=1)
    hint = f"Did you mean '{near[0]}'?" if near else "Add that label, or leave the parent empty."
    return f"The label '{label.code}' has the parent '{label.parent.strip()}', which is no label. {hint}"


def _circle(codes: Sequence[str]) -> str:
    if len(codes) == 1:
        return f"The label '{codes[0]}' is its own parent. Give it another one, or none."
    return f"The labels {' < '.join(codes)} < {codes[0]} go round in a circle. Give one of them another parent."


def _circles(known: Mapping[str, Label]) -> List[List[str]]:
    """Keys of labels that are their own ancestors, each circle once, from the label that comes first."""
    order = {key: place for place, key in enumerate(known)}
    circles: List[List[str]] = []
    done: Set[str] = set()
    for start in known:
        trail: Dict[str, None] = {}
        key = start
        while key in known and key not in done and key not in trail:
            trail[key] = None
            key = key_of(known[key].parent)
        if key in trail:
            circle = list(trail)[list(trail).index(key) :]
            first = circle.index(min(circle, key=order.__getitem__))
            circles.append(circle[first:] + circle[:first])
        done.update(trail)
    return circles


class LabelTree:
    """A tree that is known to be one; never changes. `added`, `moved`, `changed` and `removed` give new trees.

    Everything takes codes in any case and gives them as the labels spell them.
    """

    def __init__(self, labels: Iterable[Label] = ()) -> None:
        """Take the labels, in the order in which siblings are to be shown.

        Raises:
            BadInput: no code, a code twice, two parents, an unknown parent, a circle; the sentences name the codes.
        """
        labels = list(labels)
        wrong = faults(labels)
        if wrong:
            more = f" There are {len(wrong) - SHOWN_FAULTS} more faults." if len(wrong) > SHOWN_FAULTS else ""
            raise BadInput(" ".join(sentence for _, sentence in wrong[:SHOWN_FAULTS]) + more)
        self._labels: Dict[str, Label] = {}
        for label in labels:
            self._labels.setdefault(key_of(label.code), dataclasses.replace(label, code=label.code.strip()))
        for key, label in self._labels.items():
            parent = self._labels[key_of(label.parent)].code if label.parent.strip() else ""
            self._labels[key] = dataclasses.replace(label, parent=parent)
        self._children: Dict[str, List[str]] = {}
        for label in self._labels.values():
            self._children.setdefault(label.parent, []).append(label.code)
        self._paths: Dict[str, Tuple[str, ...]] = {}
        self._walk()

    def _walk(self) -> None:
        """Paths of all, depth first: their order is the order of display."""
        stack = [(code, ()) for code in reversed(self._children.get("", ()))]  # type: List[Tuple[str, Tuple[str, ...]]]
        while stack:
            code, above = stack.pop()
            path = self._paths[code] = (*above, code)
            stack.extend((child, path) for child in reversed(self._children.get(code, ())))

    @classmethod
    def of_parents(cls, parents: Mapping[str, str]) -> "LabelTree":
        """From codes and their parents; parents that have none of their own are roots.

        Raises:
            BadInput: a circle, or codes that differ by nothing but case.
        """
        named = {key_of(code) for code in parents}
        above = {
            key_of(parent): parent for parent in parents.values() if key_of(parent) and key_of(parent) not in named
        }
        return cls([*map(Label, above.values()), *(Label(code, parent=parent) for code, parent in parents.items())])

    @property
    def labels(self) -> Tuple[Label, ...]:
        """All, in order of display: parents before children, depth first."""
        return tuple(self._labels[key_of(code)] for code in self._paths)

    @property
    def codes(self) -> Tuple[str, ...]:
        """Codes of all, in order of display."""
        return tuple(self._paths)

    @property
    def roots(self) -> Tuple[str, ...]:
        """Labels without a parent."""
        return tuple(self._children.get("", ()))

    @property
    def depth(self) -> int:
        """Labels from a root to the deepest leaf; 0 for no labels, 1 for a list without parents."""
        return max(map(len, self._paths.values()), default=0)

    def __len__(self) -> int:
        return len(self._labels)

    def __iter__(self) -> Iterator[str]:
        return iter(self._paths)

    def __contains__(self, code: object) -> bool:
        return isinstance(code, str) and key_of(code) in self._labels

    def __eq__(self, other: object) -> bool:
        return isinstance(other, LabelTree) and self.labels == other.labels

    def __hash__(self) -> int:
        return hash(self.labels)

    def __repr__(self) -> str:
        return f"LabelTree({len(self)} labels, {len(self.roots)} roots, depth {self.depth})"

    def label(self, code: str) -> Label:
        """The label of this code.

        Raises:
            BadInput: there is none; names the nearest.
        """
        label = self._labels.get(key_of(code))
        if label is None:
            near = difflib.get_close_matches(code, self._paths, n=1)
            hint = f"Did you mean '{near[0]}'?" if near else "Add it to the label set, or correct the code."
            raise BadInput(f"There is no label '{code}' in the tree of {len(self)} labels. {hint}")
        return label

    def code(self, code: str) -> str:
        """The code as the label set spells it. Raises as `label`."""
        return self.label(code).code

    def parent(self, code: str) -> str:
        """Code of the parent; empty at a root."""
        return self.label(code).parent

    def path(self, code: str) -> Tuple[str, ...]:
        """From the root down to the label itself."""
        return self._paths[self.code(code)]

    def ancestors(self, code: str) -> Tuple[str, ...]:
        """What the label is a kind of, the nearest first, without itself."""
        return self.path(code)[-2::-1]

    def level(self, code: str) -> int:
        """How deep it lies: 1 for roots."""
        return len(self.path(code))

    def children(self, code: str) -> Tuple[str, ...]:
        """Labels right below."""
        return tuple(self._children.get(self.code(code), ()))

    def is_leaf(self, code: str) -> bool:
        """Whether nothing lies below."""
        return not self.children(code)

    def descendants(self, code: str) -> Tuple[str, ...]:
        """All that lies below, in order of display."""
        place, code = self.level(code) - 1, self.code(code)
        return tuple(c for c, path in self._paths.items() if len(path) > place + 1 and path[place] == code)

    def leaves(self, code: str = "") -> Tuple[str, ...]:
        """Labels with nothing below, of the whole tree or of one branch (a leaf is its own)."""
        below = self.codes if not code else (self.code(code), *self.descendants(code))
        return tuple(c for c in below if self.is_leaf(c))

    def at_level(self, level: int) -> Tuple[str, ...]:
        """What points are counted as at a level: labels that lie there, and leaves above it."""
        return tuple(dict.fromkeys(self.rolled_up(level).values()))

    def rolled_up(self, level: int) -> Dict[str, str]:
        """What each label counts as at a level: its ancestor there, or itself where it lies above.

        A label at an inner node above the level stays what it is: nobody knows which of its children was meant.

        Raises:
            BadInput: the level is less than 1.
        """
        if level < 1:
            raise BadInput(f"Levels of the label tree count from 1, the roots; {level} is none.")
        return {code: path[min(level, len(path)) - 1] for code, path in self._paths.items()}

    def grouped(self, groups: Iterable[str]) -> Dict[str, str]:
        """What each label counts as among groups: the nearest of them at or above it; empty where there is none.

        Raises:
            BadInput: a group is no label.
        """
        wanted = {self.code(group) for group in groups}
        return {c: next((a for a in reversed(path) if a in wanted), "") for c, path in self._paths.items()}

    def common(self, codes: Iterable[str]) -> str:
        """The deepest label that all of these are or lie below; empty when they have none."""
        shared: Sequence[str] = ()
        for number, path in enumerate(map(self.path, codes)):
            shared = path if number == 0 else [a for a, b in zip(shared, path) if a == b]  # noqa: B905
        return shared[-1] if shared else ""

    def unknown(self, codes: Iterable[str]) -> Tuple[str, ...]:
        """Codes that are no labels, each once, as first spelt."""
        strangers: Dict[str, str] = {}
        for code in codes:
            if code not in self:
                strangers.setdefault(key_of(code), code)
        return tuple(strangers.values())

    def added(self, label: Label) -> "LabelTree":
        """With one more label, the last of its siblings. Raises as the constructor."""
        if label.code in self:
            raise BadInput(f"There is a label '{self.code(label.code)}' already. Choose another code.")
        return LabelTree([*self.labels, label])

    def changed(self, code: str, /, **facts: Any) -> "LabelTree":
        """With another name, parent, colour or code of one label; its children follow. Raises as the constructor."""
        old = self.label(code)
        new = dataclasses.replace(old, **facts)
        if key_of(new.code) != key_of(old.code) and new.code in self:
            raise BadInput(f"There is a label '{self.code(new.code)}' already. Choose another code.")
        return LabelTree(
            new if label is old else dataclasses.replace(label, parent=new.code) if label.parent == old.code else label
            for label in self.labels
        )

    def moved(self, code: str, parent: str) -> "LabelTree":
        """With a label, and all below it, under another parent; empty makes it a root. Raises as the constructor."""
        return self.changed(code, parent=parent)

    def removed(self, code: str) -> "LabelTree":
        """Without a label; its children go to its parent."""
        old = self.label(code)
        rest = (label for label in self.labels if label is not old)
        return LabelTree(dataclasses.replace(a, parent=old.parent) if a.parent == old.code else a for a in rest)
