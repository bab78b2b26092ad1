"""What the record of a sample of units says once the sample comes back: strata, areas, and who belongs to the whole."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from ..classes import class_text
from ..errors import BadInput
from ..jobs.estimate import AUTO, BY_AREA, EstimateArea
from ..layersource import parse_source
from ..samples import check_field
from ..vector import read_vector
from .design import TABLE, Design
from .filled import read_sample
from .places import AREA, PLACE
from .unitarea import Float, polygon_areas
from .unitdraw import ALIKE


@dataclass(frozen=True)
class RowAreas:
    """Areas in square metres: (rows,) of each row, and of each unit by its name."""

    rows: Float
    units: dict[str, float]
    note: str


def by_count(design: Design) -> Design:
    """The same design with units that count alike, whatever their area."""
    if not design.area_known:
        return design
    strata = tuple(replace(stratum, area_m2=float(stratum.count)) for stratum in design.strata)
    return replace(design, strata=strata, area_known=False, note=ALIKE, left_out_m2=0.0)


def drawn_from(whole: pd.DataFrame | None, recorded: Design | None) -> pd.DataFrame | None:
    """The rows of the units that were drawn from, without those that were left out for want of a stratum."""
    if whole is None or recorded is None or not recorded.left_out or recorded.stratum_field not in whole.columns:
        return whole
    return whole[[bool(class_text(value)) for value in whole[recorded.stratum_field]]]


def labelled_areas(
    job: EstimateArea, table: pd.DataFrame, whole: pd.DataFrame | None, names: list[str], recorded: Design | None
) -> RowAreas | None:
    """Areas of the rows of a sample and of their units; None where units do not count by area.

    A unit has the area that was recorded when it was drawn, whatever became of its shape while it was labelled.

    Raises:
        BadInput: units are to count by area, which is not known of them.
    """
    known = recorded.area_known if recorded is not None else whole is not None and polygon_areas(whole) is not None
    if job.unit_weight not in (AUTO, BY_AREA) or (job.unit_weight == AUTO and not known):
        return None
    own, designed = polygon_areas(table), _designed(job, names) if recorded is not None else None
    if not known or (own is None and (designed is None or AREA not in designed)):
        raise BadInput(
            f"The areas of the units of {job.sample} are not known: each must be a polygon, in a layer with a "
            "coordinate system, when it is drawn and when it is labelled. Or let units count alike."
        )
    rows = np.ones(len(table)) if own is None else own[0]
    sums = _sums(names, rows)
    if designed is not None and AREA in designed:
        sums = dict(zip(designed.index, designed[AREA].astype(float), strict=True))
    return RowAreas(rows, sums, "" if own is None else own[1])


def whole_areas(whole: pd.DataFrame, names: list[str], source: str) -> RowAreas:
    """Areas of all units.

    Raises:
        BadInput: they are not known.
    """
    found = polygon_areas(whole)
    if found is None:
        raise BadInput(
            f"{source} holds rows that are no polygons, so their areas are not known. Let units count alike."
        )
    return RowAreas(found[0], _sums(names, found[0]), found[1])


def recorded_strata(job: EstimateArea, recorded: Design) -> dict[str, str]:
    """Stratum of each drawn unit: from the table of the design, the layer itself, or the units it was drawn from.

    Raises:
        BadInput: none of them knows.
    """
    table = read_sample(job.sample)
    names = [class_text(value) for value in table[PLACE]]
    designed = _designed(job, names)
    if designed is not None and "stratum_name" in designed:
        return dict(zip(designed.index, designed["stratum_name"].astype(str), strict=True))
    keys, source = names, job.sample
    if recorded.stratum_field not in table.columns:
        source = recorded.source
        if not Path(parse_source(source).path).exists():
            raise BadInput(
                f"The table '{TABLE}' of {job.sample} is missing, and {source}, which it was drawn from, is not there: "
                "the stratum of each unit is not known. Bring one of them back."
            )
        table = read_vector(source)
        check_field(table, recorded.stratum_field, "Stratum field", source)
        field = recorded.unit_field
        keys = [class_text(v) for v in table[field]] if field else [str(n + 1) for n in range(len(table))]
    texts = (class_text(value) or recorded.unnamed for value in table[recorded.stratum_field])
    return dict(zip(keys, texts, strict=True))


def is_share(values: Float) -> bool:
    """Whether all lie from 0 to 1."""
    return bool((values >= 0).all() and (values <= 1).all())


def _designed(job: EstimateArea, names: list[str]) -> pd.DataFrame | None:
    """The table of the design by name of the unit, where it is there and knows all units."""
    path = parse_source(job.sample).path
    if Path(path).suffix.lower() != ".gpkg":
        return None
    try:
        designed = read_vector(f"{path}|layername={TABLE}")
    except BadInput:
        return None
    if PLACE not in designed.columns:
        return None
    designed = pd.DataFrame(designed).assign(**{PLACE: [class_text(value) for value in designed[PLACE]]})
    return designed.set_index(PLACE) if set(names) <= set(designed[PLACE]) else None


def _sums(names: list[str], areas: Float) -> dict[str, float]:
    sums: dict[str, float] = {}
    for name, area in zip(names, areas.tolist(), strict=True):
        sums[name] = sums.get(name, 0.0) + area
    return sums
