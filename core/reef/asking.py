"""What several jobs ask of a survey: its labels as a tree, who annotated, lists that users type; standard library.

Python 3.9: the dock comes here too.
"""

from typing import Collection, Iterable, Tuple

from ..errors import BadInput
from .survey import Survey
from .tree import Label, LabelTree, key_of


def names_in(text: str) -> Tuple[str, ...]:
    """Codes or names from a list with commas."""
    return tuple(part.strip() for part in text.split(",") if part.strip())


def tree_of(survey: Survey, used: Iterable[str] = ()) -> LabelTree:
    """Labels that the survey lists, and those of `used` that stand at points and nowhere else, as roots.

    Raises:
        BadInput: the labels make no tree.
    """
    labels = [Label(one.code, one.name, one.parent, one.colour) for one in survey.labels()]
    known = {key_of(label.code) for label in labels}
    loose = {key_of(code): code for code in used if key_of(code) not in known}
    return LabelTree([*labels, *(Label(code) for code in loose.values())])


def check_annotators(survey: Survey, names: Collection[str]) -> None:
    """Whether all of these annotated.

    Raises:
        BadInput: one did not; names those who did.
    """
    known = survey.annotators()
    strange = next((name for name in names if name not in known), None)
    if strange is not None:
        there = ", ".join(filter(None, known)) or "none by name"
        raise BadInput(f"Nobody named '{strange}' annotated in the survey {survey.path}. Annotators: {there}.")
