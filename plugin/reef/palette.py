"""Labels as a person reaches for them: by key, by search, in their tree, those used last; and their colours. No Qt."""

from itertools import count
from typing import Dict, Iterator, List, Optional, Sequence, Set

from ...core.colours import colour_of, customary
from ...core.errors import BadInput
from ...core.reef.survey import Label
from ...core.reef.tree import Label as Node
from ...core.reef.tree import LabelTree, key_of

MOST_RECENT = 4
TRIES = 32
LETTERS = "abcdefghijklmnopqrstuvwxyz"
DIGITS = "67890"
"""1 to 5 take suggestions."""
KEYS = (*LETTERS, *DIGITS, *LETTERS.upper())
"""Keys that a label can have, in the order in which they are given; a capital letter is Shift and the letter."""


class Palette:
    """The labels of a survey. `labels` in the order of the file; codes are told apart without regard to case."""

    def __init__(self, labels: Sequence[Label] = (), recent: Sequence[str] = ()) -> None:
        self.labels = list(labels)
        self.of: Dict[str, Label] = {key_of(label.code): label for label in self.labels}
        self.fault = ""
        """Why the labels make no tree; they are shown as a list then."""
        try:
            self.tree = LabelTree(Node(one.code, one.name, one.parent, one.colour) for one in self.labels)
        except BadInput as error:
            self.fault = str(error)
            self.tree = LabelTree(Node(label.code, label.name, "", label.colour) for label in self.of.values())
        self._colours: Dict[str, str] = {}
        self._colour_all()
        self._keys = {label.key: label.code for label in reversed(self.labels) if label.key}
        self.recent: List[str] = [self.of[key_of(code)].code for code in recent if key_of(code) in self.of]

    def label(self, code: str) -> Optional[Label]:
        """The label of this code; None when there is none."""
        return self.of.get(key_of(code))

    def name(self, code: str) -> str:
        """What people call it: its name, or its code where it has none."""
        label = self.label(code)
        return label.name or label.code if label is not None else code

    def colour(self, code: str) -> str:
        """`#rrggbb`, its own or one that is given to it for as long as the survey is open; empty for no label."""
        return self._colours.get(key_of(code), "")

    def by_key(self, key: str) -> str:
        """Code of the label with this key; where no label has the capital, the small letter counts, and turned."""
        return self._keys.get(key) or self._keys.get(key.swapcase(), "")

    def key(self, code: str) -> str:
        """Its key; empty for none."""
        label = self.label(code)
        return label.key if label is not None else ""

    def use(self, code: str) -> None:
        """Note that a label was given just now."""
        if key_of(code) in self.of:
            self.recent = [code, *(one for one in self.recent if one != code)][:MOST_RECENT]

    def find(self, text: str) -> List[Label]:
        """Labels that match what is typed, the likeliest first: codes, beginnings, words, anything inside."""
        wanted = text.strip().lower()
        if not wanted:
            return []
        found = []
        for place, label in enumerate(self.labels):
            rank = _match(wanted, label.code.lower(), label.name.lower())
            if rank is not None:
                found.append((rank, place, label))
        return [label for _, _, label in sorted(found, key=lambda one: one[:2])]

    def keys_for(self, used: Dict[str, int]) -> Dict[str, str]:
        """Keys for labels that have none, those used most first; a letter of the label where one is free."""
        free = [key for key in KEYS if key not in self._keys]
        waiting = [label for label in self.labels if not label.key]
        waiting.sort(key=lambda label: -used.get(label.code, 0))
        given: Dict[str, str] = {}
        for label in waiting:
            if not free:
                break
            wanted = [letter for letter in (label.name or label.code).lower() if letter in LETTERS]
            key = next((letter for letter in wanted[:1] + list(label.code.lower()) + wanted if letter in free), free[0])
            free.remove(key)
            given[label.code] = key
        return given

    def _colour_all(self) -> None:
        taken = {label.colour for label in self.labels if label.colour}
        numbers = count()
        for label in self.labels:
            expected = customary(label.name or label.code)
            colour = label.colour or (expected if expected not in taken else "") or _free(numbers, taken)
            taken.add(colour)
            self._colours[key_of(label.code)] = colour


def _free(numbers: Iterator[int], taken: Set[str]) -> str:
    """The next colour that no label has; after some tries any, as large trees have more labels than colours."""
    for _ in range(TRIES):
        colour = colour_of(next(numbers))
        if colour not in taken:
            break
    return colour


def _match(wanted: str, code: str, name: str) -> Optional[int]:
    """How well a label fits; 0 is best, None not at all."""
    words = name.replace("-", " ").replace("_", " ").split()
    tries = (
        code == wanted, name == wanted, code.startswith(wanted), name.startswith(wanted),
        any(word.startswith(wanted) for word in words), wanted in code or wanted in name,
        all(any(word.startswith(part) for word in words) for part in wanted.split()),
    )  # fmt: skip
    return next((rank for rank, fits in enumerate(tries) if fits), None)
