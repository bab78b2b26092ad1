"""What is drawn from a table of units: who belongs to the population, in which stratum, and what of it is shown."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd

from ..classes import class_text
from ..errors import BadInput
from ..jobs.estimate import AUTO, LEAVE_OUT, OWN_STRATUM, DrawSample
from ..layersource import parse_source
from ..samples import check_field
from ..settlement.names import CHANGE, CLASS, FAVELA
from ..sidecar import fingerprint, read_sidecar
from ..vector import read_vector
from .design import Design, Stratum
from .filled import listed
from .places import OWN, PLACE, unit_keys
from .unitarea import Float, polygon_areas

FAVELA_MAPS = {"settlement": CLASS, "disagreement": CLASS, "settlementchange": CHANGE}
"""Results of 'Map favelas' and 'Follow favelas over dates', with the field that is empty where a cell is discarded."""
ALIKE = "Every unit counts alike."


@dataclass
class UnitLottery:
    """The units of a population, stratum by stratum in the order of the lottery."""

    design: Design
    members: list[list[str]]
    rows: Callable[[list[str]], pd.DataFrame]
    """Names of units -> their rows, in that order, with `place`."""
    areas: dict[str, float] | None
    """Square metres of each unit; None where units have none."""
    sentences: list[str]
    """What the user should know."""

    def areas_by_stratum(self) -> list[Float] | None:
        """(units,) of each stratum."""
        if self.areas is None:
            return None
        return [np.array([self.areas[name] for name in names]) for names in self.members]


def unit_lottery(job: DrawSample) -> UnitLottery:
    """All units in the order in which they are drawn.

    Raises:
        BadInput: no rows, rows without a unit, units without a stratum or in two.
    """
    table = read_vector(job.units)
    if not len(table):
        raise BadInput(f"{job.units} has no rows to draw from.")
    names = _names(table, job)
    areas, note = _areas(table, names)
    stratum_of, unnamed, left = _strata(table, names, job)
    drawn = list(stratum_of)
    labels = sorted(set(stratum_of.values()))
    keys = unit_keys(drawn, job.seed)
    members = [[u for _, u in sorted((k, u) for k, u in zip(keys, drawn, strict=True) if stratum_of[u] == label)]
               for label in labels]  # fmt: skip
    strata = tuple(
        Stratum(0, label or "all units", "", len(m), sum(areas[u] for u in m) if areas else float(len(m)))
        for label, m in zip(labels, members, strict=True)
    )
    design = Design(
        "stratified" if job.stratum_field else "simple", "unit", strata, job.units, fingerprint(job.units), job.seed,
        areas is not None, unit_field=job.unit_field, stratum_field=job.stratum_field, note=note, unnamed=unnamed,
        left_out=len(left), left_out_m2=sum(areas[u] for u in left) if areas else 0.0,
    )  # fmt: skip
    kept, told = _shown(table, job)
    taken = {name.lower() for name in OWN}
    renamed = {c: f"{c}_source" for c in kept.columns if str(c).lower() in taken}
    keyed = kept.drop(columns=["fid"], errors="ignore").rename(columns=renamed).assign(**{PLACE: names})

    def rows(chosen: list[str]) -> pd.DataFrame:
        turn = {name: number for number, name in enumerate(chosen)}
        found = keyed[keyed[PLACE].isin(turn)]
        return found.iloc[np.argsort(found[PLACE].map(turn).to_numpy(), kind="stable")]

    if _of_favelas(job) and job.stratum_field == CLASS:
        told.append(
            f"Write '{FAVELA}' or 'other' for the area of cells that are favela; or the share of each cell that is "
            "favela, from 0 to 1, for the ground that favelas cover."
        )
    return UnitLottery(design, members, rows, areas, [*_unnamed_told(job, design), *told])


def _names(table: pd.DataFrame, job: DrawSample) -> list[str]:
    """Name of the unit of each row."""
    if not job.unit_field:
        return [str(number + 1) for number in range(len(table))]
    check_field(table, job.unit_field, "Unit field", job.units)
    names = [class_text(value) for value in table[job.unit_field]]
    if "" in names:
        raise BadInput(
            f"{names.count('')} rows of {job.units} have no entry in '{job.unit_field}', so it is not known to which "
            "unit they belong. Fill it in, or take them out."
        )
    return names


def _areas(table: pd.DataFrame, names: list[str]) -> tuple[dict[str, float] | None, str]:
    """Of each unit, the sum over its rows, and how they were computed."""
    found = polygon_areas(table)
    if found is None:
        return None, ALIKE
    sums: dict[str, float] = {}
    for name, area in zip(names, found[0].tolist(), strict=True):
        sums[name] = sums.get(name, 0.0) + area
    return sums, found[1]


def _strata(table: pd.DataFrame, names: list[str], job: DrawSample) -> tuple[dict[str, str], str, list[str]]:
    """Stratum of each unit that is drawn from, the name of the stratum of those without an entry, and who is left."""
    if not job.stratum_field:
        return dict.fromkeys(names, ""), "", []
    check_field(table, job.stratum_field, "Stratum field", job.units)
    found: dict[str, str] = {}
    for name, value in zip(names, table[job.stratum_field], strict=True):
        text = class_text(value)
        if found.setdefault(name, text) != text:
            raise BadInput(
                f"Unit {name} of {job.units} lies in two strata, '{found[name]}' and '{text}'. A unit belongs to one."
            )
    empty = [name for name, text in found.items() if not text]
    if not empty:
        return found, "", []
    if len(empty) == len(found):
        raise BadInput(f"No unit of {job.units} has an entry in the stratum field '{job.stratum_field}'.")
    choice = job.without_stratum
    if choice == AUTO and _of_favelas(job):
        choice = LEAVE_OUT
    if choice == OWN_STRATUM:
        unnamed = f"no {job.stratum_field}"
        return {name: text or unnamed for name, text in found.items()}, unnamed, []
    if choice == LEAVE_OUT:
        return {name: text for name, text in found.items() if text}, "", empty
    raise BadInput(
        f"{len(empty)} units of {job.units} have no entry in the stratum field '{job.stratum_field}': "
        f"{listed(empty, 3)}. Under 'Units without a stratum' say whether to leave them out or to draw from them too."
    )


def _unnamed_told(job: DrawSample, design: Design) -> list[str]:
    if design.unnamed:
        return [f"Units without an entry in '{job.stratum_field}' are a stratum of their own, '{design.unnamed}'."]
    return [left_out_told(design)] if design.left_out else []


def left_out_told(design: Design) -> str:
    """A sentence on units that are not of the population."""
    much = f" ({design.left_out_m2 / 1e4:,.4g} ha)" if design.left_out_m2 else ""
    return (
        f"{design.left_out:,} units{much} without an entry in '{design.stratum_field}', such as discarded cells, are "
        "left out: the result says nothing of them."
    )


def _told(job: DrawSample) -> dict[str, Any]:
    """Facts beside the layer of units."""
    content = read_sidecar(parse_source(job.units).path)
    return content["facts"] if content else {}


def _of_favelas(job: DrawSample) -> bool:
    """Whether strata are what 'Map favelas' or 'Follow favelas over dates' says of cells."""
    return FAVELA_MAPS.get(str(_told(job).get("result"))) == job.stratum_field


def _shown(table: pd.DataFrame, job: DrawSample) -> tuple[pd.DataFrame, list[str]]:
    """The columns that who labels may see, and a sentence on those that are hidden or stay.

    Shapes say where a unit lies, so that all else can go. Rows of a table without shapes are told by their entries;
    there only what a map or head is known to say is hidden.
    """
    if not job.blind:
        return table, []
    if isinstance(table, gpd.GeoDataFrame):
        kept = [name for name in table.columns if name in (job.unit_field, table.geometry.name)]
        gone = [str(name) for name in table.columns if name not in (*kept, "fid")]
        return table[kept], [_hidden(gone)] if gone else []
    columns = _told(job).get("columns")
    says = {job.stratum_field, *(map(str, columns) if isinstance(columns, list) else ())}
    gone = [str(name) for name in table.columns if name in says and name != job.unit_field]
    left = [str(name) for name in table.columns if name not in gone and name not in (job.unit_field, "fid")]
    told = [_hidden(gone)] if gone else []
    if left:
        told.append(f"To be seen are still: {listed(left)}. Take out what tells the answer before labelling.")
    return table.drop(columns=gone), told


def _hidden(names: list[str]) -> str:
    return f"Hidden from who labels: {listed(names)}. 'Estimate area' finds them in the layer of units."


def with_drawn(design: Design, sizes: Any) -> Design:
    """The design with how many places were drawn from each stratum."""
    strata = tuple(replace(stratum, drawn=int(size)) for stratum, size in zip(design.strata, sizes, strict=True))
    return replace(design, strata=strata)
