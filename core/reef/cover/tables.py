"""Cover of every group of photos, at every level, by every method; as rows of a table."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ...errors import BadInput
from ...estimation.evidence import Estimate
from ...jobs.reef import cover as asked
from ...jobs.reef.cover import CoverReef
from ...progress import Progress
from ..asking import names_in
from . import corrected, counts, diversity, estimates
from .material import Material

FIELD = "field"
PERIODS = {asked.DAY: 10, asked.MONTH: 7, asked.YEAR: 4}
"""Letters of an ISO date that tell it."""
KEYS = {
    asked.SURVEY: (),
    asked.SITE: ("site",),
    asked.DATE: ("date",),
    asked.SITE_DATE: ("site", "date"),
    asked.TRANSECT: ("site", "transect"),
    asked.PHOTO: ("site", "transect", "date", "name"),
    FIELD: ("field",),
}
COLUMNS = ("per", "site", "transect", "date", "photo", "value", "level", "label", "name", "path", "method", "cover",
           "se", "low", "high", "photos", "labelled", "interval")  # fmt: skip
Int = NDArray[np.int64]


@dataclass
class Group:
    """Photos that belong together."""

    per: str
    which: Int
    """Places in `Material.photos`."""
    facts: dict[str, str]
    """`site`, `transect`, `date`, `photo`, `value`, as far as they tell the group."""


@dataclass
class Found:
    """All that was told."""

    rows: list[dict[str, Any]] = field(default_factory=list)
    diversity: list[dict[str, Any]] = field(default_factory=list)
    notes: dict[str, int] = field(default_factory=dict)
    """Sentences, and of how many groups they hold."""

    def note(self, sentence: str) -> None:
        """Count a sentence."""
        self.notes[sentence] = self.notes.get(sentence, 0) + 1


def groups(photos: pd.DataFrame, job: CoverReef) -> list[Group]:
    """Groups asked for; photos whose site or date is not known are in none of these."""
    table = photos.assign(date=photos["date"].str[: PERIODS[job.period]])
    made = []
    for per in (*job.groups, *((FIELD,) if job.group_field else ())):
        keys = list(KEYS[per])
        if per == asked.PHOTO:
            for at, row in enumerate(table.to_dict("records")):
                facts = {key: row[key] for key in ("site", "transect", "date")} | {"photo": row["name"]}
                made.append(Group(per, np.array([at]), facts))
        elif not keys:
            made.append(Group(per, np.arange(len(table)), {}))
        else:
            told = table[(table[keys] != "").all(axis=1)]
            for values, part in told.groupby(keys, sort=True):
                facts = {("value" if key == "field" else key): str(v) for key, v in zip(keys, values, strict=True)}
                made.append(Group(per, part.index.to_numpy(np.int64), facts))
    return made


def tell(material: Material, job: CoverReef, progress: Progress) -> Found:
    """All rows.

    Raises:
        BadInput: a code of the job that is no label, or no photo that is labelled whole.
    """
    found, listed = Found(), groups(material.photos, job)
    left_out = names_in(job.left_out)
    for number, level in enumerate(range(1, material.tree.depth + 1)):
        classes = counts.classes_at(material.tree, material.data.labels, level, left_out)
        if not classes.codes:
            raise BadInput("No label is left that counts. Leave out fewer.")
        shares = counts.shares(material.data, classes)
        if not (shares.checked | shares.read).any():
            raise BadInput(
                "No photo has a label or a suggestion at every point yet. Finish photos before their cover is told."
            )
        table = _table(shares, material, job, found)
        for at, group in enumerate(listed):
            progress.checkpoint((number + at / len(listed)) / material.tree.depth, f"Level {level}")
            found.rows += _rows(group, shares, table, material, job, found)
        if level == material.tree.depth:
            found.diversity = _diversity(listed, shares, material, job)
    return found


def _table(shares: counts.Shares, material: Material, job: CoverReef, found: Found) -> corrected.Confusions | None:
    """What the machine confuses, on all photos that both labelled; None, and a note, where too few are."""
    if asked.CORRECTED not in job.methods or not shares.read.any():
        return None
    keep = (~material.photos["learnt"].to_numpy()).astype(np.float64)
    try:
        return corrected.confusions(shares.joint * keep[:, None], shares.classes.codes, job.seed)
    except BadInput as error:
        found.note(f"Not corrected: {error}")
        return None


def _rows(
    group: Group, shares: counts.Shares, table: corrected.Confusions | None, material: Material, job: CoverReef,
    found: Found,
) -> Iterator[dict[str, Any]]:  # fmt: skip
    which = group.which[(shares.checked | shares.read)[group.which]]
    if not len(which):
        return
    photos = estimates.Photos(
        shares.people[which], shares.machine[which], shares.counted[which],
        material.photos["learnt"].to_numpy()[which], shares.classes.codes, job.reach != asked.PHOTOS,
    )  # fmt: skip
    for method in job.methods:
        estimate = _estimate(method, photos, table, job, found, alone=group.per == asked.PHOTO)
        if estimate is None:
            continue
        for k, code in enumerate(shares.classes.codes):
            label = material.tree.label(code)
            yield {
                "per": group.per if group.per != FIELD else job.group_field, **group.facts,
                "level": shares.classes.level, "label": code, "name": label.name,
                "path": " > ".join(material.tree.path(code)), "method": method, "cover": estimate.value[k],
                "se": estimate.se[k], "low": estimate.low[k], "high": estimate.high[k], "photos": len(which),
                "labelled": int(photos.checked.sum()), "interval": estimate.method[k],
            }  # fmt: skip


def _estimate(
    method: str, photos: estimates.Photos, table: corrected.Confusions | None, job: CoverReef, found: Found, *,
    alone: bool,
) -> Estimate | None:  # fmt: skip
    """By one method; None where it has nothing to go by, without limits where nothing is known of them."""
    level = job.level / 100
    all_checked = bool(photos.checked.all())
    by_hand = job.checked != asked.RANDOM and not all_checked
    Y = {
        asked.PEOPLE: photos.people, asked.MACHINE: photos.machine,
        asked.MIXED: np.where(photos.checked[:, None], photos.people, photos.machine),
    }.get(method)  # fmt: skip
    if Y is not None:
        there = ~np.isnan(Y[:, 0])
        if not there.any():
            return None
        if alone or (method == asked.PEOPLE and by_hand):
            return _bare(Y[there].mean(axis=0))
        make: dict[str, Callable[[estimates.Photos, float], Estimate]] = {
            asked.PEOPLE: estimates.by_people, asked.MACHINE: estimates.by_machine, asked.MIXED: estimates.mixed,
        }  # fmt: skip
        try:
            return make[method](photos, level)
        except BadInput:
            found.note("Cover is told without an interval where one photo alone is labelled.")
            return _bare(Y[there].mean(axis=0))
    if alone or not photos.read.any():
        return None
    if method == asked.CORRECTED:
        if table is None:
            return None
        read = photos.only(photos.read)
        return corrected.by_confusion(read.machine, read.points, table, level, beyond=read.beyond)
    if by_hand:
        found.note("Not powered: the photos that people labelled were chosen, not drawn at random.")
        return None
    try:
        return estimates.powered(photos, level)
    except BadInput as error:
        found.note(f"Not powered: {error}")
        return None


def _bare(value: NDArray[np.float64]) -> Estimate:
    unknown = np.full(len(value), np.nan)
    return Estimate(value, unknown, unknown, unknown, ("",) * len(value))


def _diversity(
    listed: Sequence[Group], shares: counts.Shares, material: Material, job: CoverReef
) -> list[dict[str, Any]]:
    """By people where they labelled any photo of the group whole, else by the machine."""
    tree, wanted = material.tree, names_in(job.diverse)
    within = tree.grouped(wanted) if wanted else {code: code for code in tree.codes}
    kept = np.array([bool(within[code]) for code in shares.classes.codes])
    rows = []
    for group in listed:
        for method, Y in ((asked.PEOPLE, shares.people), (asked.MACHINE, shares.machine)):
            cover = Y[group.which]
            cover = cover[~np.isnan(cover[:, 0])][:, kept]
            if method not in job.methods or not len(cover):
                continue
            per = group.per if group.per != FIELD else job.group_field
            for name, one in diversity.diversity(cover, job.level / 100).items():
                rows.append(
                    {"per": per, **group.facts, "method": method, "index": name, "counted": one.value,
                     "jackknife": one.corrected, "se": one.se, "low": one.low, "high": one.high, "photos": len(cover)}
                )  # fmt: skip
    return rows
