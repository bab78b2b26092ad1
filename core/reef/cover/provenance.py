"""Which labels by a machine tell how it errs: what it learnt from does not, nor what another model said."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..survey import Survey

Bool = NDArray[np.bool_]


@dataclass(frozen=True)
class Provenance:
    """Labels by the machine, and of which of P photos they prove nothing."""

    robot: dict[int, str]
    """Label by point; what was said while a photo was held out in place of what was said of it when it was known."""
    learnt: Bool
    """(P,) photos that the machine learnt from, said nothing of, or that another model spoke of: people alone count."""
    models: tuple[str, ...]
    """Behind the suggestions."""
    strangers: tuple[str, ...]
    """Of these, models of which nobody noted what they learnt from; '' where labels of a machine bear no model."""
    outdated: int
    """Photos that people labelled whole, with suggestions by another model than the photos that they did not."""
    held_out: int
    """Photos that the machine learnt from, with what it said of them in training while they were held out."""


def provenance(
    survey: Survey, robot: Mapping[int, str], models: Mapping[int, str], home: Mapping[int, int],
    places: Mapping[int, int], whole: Bool, marked: Collection[int],
) -> Provenance:  # fmt: skip
    """Sort the photos by what stands behind their labels by machine.

    Args:
        survey: open.
        robot: label by machine of points.
        models: model behind it; points without are left out.
        home: place of the photo of each point.
        places: place of each photo, 0..P-1, by its number.
        whole: (P,) photos of which people labelled every point.
        marked: places of photos that a column says the machine learnt from.

    Source: held-out predictions as evidence: Zrnic and Candes 2024, doi:10.1073/pnas.2322083121
    """
    spoke: dict[str, set[int]] = {}
    for point in robot:
        spoke.setdefault(models.get(point, ""), set()).add(home[point])
    learners = survey.learners()
    taught = {
        model: {places[photo] for photo in survey.learnt(model) if photo in places} for model in learners & set(spoke)
    }
    learnt = np.zeros(len(whole), bool)
    learnt[list(marked)] = True
    for model, known in taught.items():
        learnt[list(known & spoke[model])] = True
    machine = _of_the_rest(spoke, whole)
    learnt[list(taught.get(machine, ()))] = True
    open_ = any(not whole[place] for place in spoke.get(machine, ()))
    others = set[int]().union(*(found for model, found in spoke.items() if model != machine)) if open_ else set()
    another = np.zeros(len(whole), bool)
    another[list(others)] = True
    another &= whole & ~learnt
    learnt |= another
    held = _held_out(survey, machine, home, whole)
    new = {point: label for place, labels in held.items() if place not in marked for point, label in labels.items()}
    learnt[[place for place in held if place not in marked]] = False
    labels = {**robot, **new}
    learnt |= whole & (np.bincount([home[point] for point in labels], minlength=len(whole)) == 0)
    kept, strangers = (tuple(sorted(set(spoke) - without)) for without in ({""}, learners))
    return Provenance(labels, learnt, kept, strangers, int(another.sum()), len(set(held) - set(marked)))


def _of_the_rest(spoke: Mapping[str, set[int]], whole: Bool) -> str:
    """The model that spoke of most photos that people did not label whole, or of most, where they labelled all."""
    counts = {model: (sum(not whole[at] for at in found), len(found)) for model, found in sorted(spoke.items())}
    return max(counts, key=lambda model: counts[model], default="")


def _held_out(survey: Survey, machine: str, home: Mapping[int, int], whole: Bool) -> dict[int, dict[int, str]]:
    """By photo, what the machine said of its points while it was held out: of photos where it spoke of all of them."""
    said: dict[int, dict[int, str]] = {}
    for point, label in survey.held_out(machine).items() if machine else ():
        if point in home:
            said.setdefault(home[point], {})[point] = label
    if not said:
        return {}
    sizes = np.bincount(list(home.values()), minlength=len(whole))
    return {place: labels for place, labels in said.items() if whole[place] and len(labels) == sizes[place]}
