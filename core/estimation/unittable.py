"""Evidence from a table of units: photos, villages, polygons, with one row each or many."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..classes import class_text
from ..conformal import UNSURE
from ..errors import BadInput
from ..jobs.estimate import BY_ROWS, REFERENCE, EstimateArea
from ..progress import Progress
from ..samples import check_field
from ..vector import read_vector
from .design import Design, Stratum
from .evidence import Evidence
from .filled import (
    Classes,
    answered,
    check_independent,
    listed,
    none_filled,
    numbers_of,
    one_hot,
    texts_of,
)
from .material import Material
from .places import PLACE
from .unitarea import alike
from .unitdraw import ALIKE, left_out_told
from .unitrecord import RowAreas, by_count, drawn_from, is_share, labelled_areas, recorded_strata, whole_areas

Float = NDArray[np.float64]


def gather(job: EstimateArea, table: pd.DataFrame, recorded: Design | None, progress: Progress) -> Material:
    """Evidence of a sample of units; rows of one unit are averaged before anything else.

    Raises:
        BadInput: nothing labelled, units that are not in the table of all, areas that are not known, or a circle
            between prediction and sample.
    """
    name = job.field or REFERENCE
    check_field(table, name, "Reference field", job.sample)
    whole = read_vector(job.units) if job.units else (table if recorded is None else _all_units(job, recorded))
    predicting = job.units or (job.sample if recorded is None else recorded.source)
    if job.prediction_field and whole is not None:
        check_field(whole, job.prediction_field, "Prediction field", predicting)
        check_independent(job, predicting, recorded)
    progress.checkpoint(0.4)
    whole = drawn_from(whole, recorded)
    unit_of = _names(job, table, recorded, job.sample, drawn=True)
    areas = labelled_areas(job, table, whole, unit_of, recorded)
    classes = Classes()
    Y_rows = _rows(job, table, name, job.sample, classes)
    filled_rows = _whole(Y_rows)
    if not filled_rows.any():
        raise none_filled(job, len(set(unit_of)))
    population = _population(job, whole, recorded, predicting, classes, by_area=areas is not None)
    K = max(len(classes.entries), 1)
    Y_rows = _wider(Y_rows, K)
    labelled = _averaged(unit_of, Y_rows, filled_rows, areas)
    return _material(job, table, labelled, population, recorded, classes, unit_of, filled_rows, predicting)


@dataclass
class Units:
    """Units with their means over rows."""

    names: list[str]
    means: Float
    """(n, K)"""
    rows: Float
    """(n,) how many rows each has."""
    inner: Float
    """(n, K) variance of each mean, rows taken as a random look at the unit; 0 where a unit is one row."""
    areas: Float | None = None
    """(n,) square metres of each; None where units do not count by area."""


@dataclass
class Population:
    """All units there are."""

    units: Units | None
    """With their predictions; None when there is no prediction or no table of them."""
    stratum: dict[str, str]
    """By name of the unit; empty when not known."""
    note: str = ""
    """How areas were computed."""


def _all_units(job: EstimateArea, recorded: Design) -> pd.DataFrame | None:
    """The table that units were drawn from, when a prediction is asked of it."""
    return read_vector(recorded.source) if job.prediction_field else None


def _names(job: EstimateArea, table: pd.DataFrame, recorded: Design | None, source: str, *, drawn: bool) -> list[str]:
    """Unit of each row: as drawn, by the unit field, or each row for itself."""
    field = recorded.unit_field if recorded is not None else job.unit_field
    if recorded is not None and drawn and PLACE in table.columns:
        return [class_text(value) for value in table[PLACE]]
    if not field:
        return [str(number + 1) for number in range(len(table))]
    check_field(table, field, "Unit field", source)
    names = [class_text(value) for value in table[field]]
    if "" in names:
        raise BadInput(f"{names.count('')} rows of {source} have no entry in the unit field '{field}'.")
    return names


def _rows(job: EstimateArea, table: pd.DataFrame, name: str, source: str, classes: Classes) -> Float:
    """(rows, K) one-hot classes or values of a field; NaN where empty."""
    if job.target == "value":
        return numbers_of(table, name, source)[:, None]
    texts = texts_of(table, name)
    places = np.array([classes.place(text) if text else -1 for text in texts], dtype=np.int64)
    made = one_hot(places, max(len(classes.entries), 1))
    made[places < 0] = np.nan
    return made


def _predicted(job: EstimateArea, whole: pd.DataFrame, source: str, classes: Classes) -> Float:
    """(rows, K) of the prediction; zeros where it is 'unsure', which speaks for no class, unless labels know one."""
    name = job.prediction_field
    if job.target == "value" or UNSURE in (label.casefold() for label in classes.names):
        return _rows(job, whole, name, source, classes)
    doubtful = np.array([text.casefold() == UNSURE for text in texts_of(whole, name)], dtype=bool)
    rows = _rows(job, whole.assign(**{name: whole[name].mask(doubtful)}), name, source, classes)
    rows[doubtful] = 0.0
    return rows


def _whole(rows: Float) -> NDArray[np.bool_]:
    """(rows,) True where there is an answer."""
    return np.asarray(np.isfinite(rows).all(axis=1))


def _wider(rows: Float, K: int) -> Float:
    """Rows with columns of zeros for classes that were met later; NaN stays NaN."""
    if rows.shape[1] == K:
        return rows
    wide = np.zeros((len(rows), K))
    wide[:, : rows.shape[1]] = rows
    wide[np.isnan(rows).any(axis=1)] = np.nan
    return wide


def _averaged(names: list[str], rows: Float, used: NDArray[np.bool_], areas: RowAreas | None) -> Units:
    """Means over the used rows of each unit, by area where rows have one; units in the order in which they come."""
    kept = np.flatnonzero(used)
    texts = [names[i] for i in kept]
    numbers, unique = pd.factorize(np.array(texts, dtype=object))
    count = np.bincount(numbers, minlength=len(unique)).astype(np.float64)
    weight = np.ones(len(kept)) if areas is None else areas.rows[kept]
    total = np.bincount(numbers, weights=weight, minlength=len(unique))
    sums = np.zeros((len(unique), rows.shape[1]))
    np.add.at(sums, numbers, rows[kept] * weight[:, None])
    means = sums / total[:, None]
    pull = weight * (count / total)[numbers]
    squares = np.zeros_like(sums)
    np.add.at(squares, numbers, (pull[:, None] * (rows[kept] - means[numbers])) ** 2)
    inner = squares / np.maximum(count * (count - 1), 1)[:, None]
    found = [str(name) for name in unique]
    own = None if areas is None else np.array([areas.units[name] for name in found])
    return Units(found, means, count, inner, own)


def _population(
    job: EstimateArea, whole: pd.DataFrame | None, recorded: Design | None, source: str, classes: Classes, *,
    by_area: bool,
) -> Population:  # fmt: skip
    if whole is None:
        return Population(None, {})
    names = _names(job, whole, recorded, source, drawn=False)
    areas = whole_areas(whole, names, source) if by_area else None
    note = areas.note if areas is not None else ""
    field = recorded.stratum_field if recorded is not None else job.stratum_field
    stratum = dict.fromkeys(names, "")
    if field:
        check_field(whole, field, "Stratum field", source)
        empty = recorded.unnamed if recorded is not None else f"no {field}"
        stratum = dict(zip(names, (class_text(value) or empty for value in whole[field]), strict=True))
    elif recorded is None and job.design == "stratified":
        raise BadInput("A stratified sample of units needs the stratum field.")
    if not job.prediction_field:
        every = np.ones((len(names), 1))
        return Population(_averaged(names, every, np.ones(len(names), dtype=bool), areas), stratum, note)
    rows = _predicted(job, whole, source, classes)
    there = _whole(rows)
    lost = set(names) - {name for name, ok in zip(names, there, strict=True) if ok}
    if lost:
        raise BadInput(
            f"{len(lost)} units of {source} have no prediction in '{job.prediction_field}': {listed(sorted(lost), 3)}. "
            "All of them need one."
        )
    return Population(_averaged(names, rows, there, areas), stratum, note)


def _material(
    job: EstimateArea, table: pd.DataFrame, labelled: Units, population: Population, recorded: Design | None,
    classes: Classes, unit_of: list[str], filled_rows: NDArray[np.bool_], source: str,
) -> Material:  # fmt: skip
    design, stratum = _design(job, labelled, population, recorded, source)
    notes = []
    beyond = job.population == "beyond"
    if recorded is None and not job.units and len(labelled.names) == int(design.counts.sum()) and not beyond:
        beyond = True
        notes.append("Every unit of the table is labelled; they are taken as a random draw of a larger whole.")
    Y, areas = labelled.means, labelled.areas
    by_rows = job.unit_weight == BY_ROWS
    if by_rows:
        drawn_in = np.bincount(stratum, minlength=len(design.strata))
        Y = _by_rows(Y, labelled.rows, (design.weights / np.maximum(drawn_in, 1))[stratum])
    shares = job.target == "class" or (areas is not None and not job.value_unit and is_share(Y))
    predicted = Predicted(None, None, None, design.counts)
    if job.prediction_field and population.units is not None:
        predicted = _all_predicted(job, design, labelled, population.units, population.stratum, beyond, source)
    names = classes.names if job.target == "class" else (job.of_class or job.field or REFERENCE,)
    evidence = Evidence(
        stratum, Y, design.weights, predicted.counts, names, tuple(s.name for s in design.strata), predicted.F,
        predicted.mapped, predicted.spread, labelled.inner, beyond, shares and not by_rows, job.seed,
        None if areas is None or alike(areas) else areas,
    )  # fmt: skip
    drawn, gaps = _answers(table, unit_of, filled_rows, recorded, population)
    counted = design.weights @ predicted.mapped if predicted.mapped is not None else None
    left = [left_out_told(design)] if design.left_out else []
    return Material(
        evidence, design, classes, drawn, [*left, *notes, *gaps, *classes.notes], None, counted, places_word="units",
        ground=shares and job.target == "value",
    )  # fmt: skip


@dataclass
class Predicted:
    """What is predicted of the labelled units (n, K), and of all: mean and spread in each stratum (H, K)."""

    F: Float | None
    mapped: Float | None
    spread: Float | None
    counts: Float
    """(H,) units that these speak of."""


def _all_predicted(
    job: EstimateArea, design: Design, labelled: Units, everyone: Units, stratum: dict[str, str], beyond: bool,
    source: str,
) -> Predicted:  # fmt: skip
    H, K = len(design.strata), labelled.means.shape[1]
    means = _wider(everyone.means, K)
    at = {name: number for number, name in enumerate(everyone.names)}
    missing = [name for name in labelled.names if name not in at]
    if missing:
        raise BadInput(f"{len(missing)} labelled units are not in {source}: {listed(missing, 3)}.")
    own = np.array([at[name] for name in labelled.names])
    home = _homes(design, everyone.names, stratum)
    if job.unit_weight == BY_ROWS:
        means = _by_rows(means, everyone.rows, np.full(len(means), 1 / len(means)))
    rest = np.ones(len(means), dtype=bool)
    if beyond:
        rest[own] = False
    if not rest.any():
        raise BadInput("Every unit is labelled, so a prediction has nothing to add. Leave the prediction field empty.")
    mapped, spread = np.zeros((H, K)), np.zeros((H, K))
    for h in range(H):
        here = rest & (home == h)
        pull = (
            np.ones(int(here.sum())) if everyone.areas is None else everyone.areas[here] / everyone.areas[here].mean()
        )
        mapped[h] = (pull[:, None] * means[here]).mean(axis=0)
        spread[h] = (pull[:, None] * (means[here] - mapped[h])).std(axis=0)
    counts = np.bincount(home[rest], minlength=H).astype(np.float64) if beyond else design.counts
    return Predicted(means[own], mapped, spread, counts)


def _by_rows(means: Float, rows: Float, weight: Float) -> Float:
    """Pseudo-values whose mean is the mean over rows and whose variance is that of the ratio estimator.

    Source: linearised combined ratio estimator, Särndal, Swensson and Wretman 1992, section 5.6.

    Args:
        means: (n, K).
        rows: (n,) of each unit.
        weight: (n,) share of the population that each unit stands for.
    """
    usual = float((weight * rows).sum())
    ratio = (means * (weight * rows)[:, None]).sum(axis=0) / usual
    return np.asarray(ratio + rows[:, None] * (means - ratio) / usual)


def _design(
    job: EstimateArea, labelled: Units, population: Population, recorded: Design | None, source: str
) -> tuple[Design, NDArray[np.int64]]:
    by_area = labelled.areas is not None
    if recorded is not None:
        counting = recorded if by_area else by_count(recorded)
        if recorded.kind == "simple":
            return counting, np.zeros(len(labelled.names), np.int64)
        known = recorded_strata(job, recorded)
        other = [name for name in labelled.names if population.stratum.get(name, known[name]) != known[name]]
        if other:
            raise BadInput(
                f"{listed(other, 3)}: of another stratum in {source} than when the sample was drawn. Give the table "
                "that it was drawn from, or one with the same strata."
            )
        return counting, _homes(recorded, labelled.names, known)
    every = list(dict.fromkeys(population.stratum))
    if job.units and set(labelled.names) - set(every):
        raise BadInput(f"{listed(sorted(set(labelled.names) - set(every)), 3)}: labelled, but not in {job.units}.")
    sizes = dict.fromkeys(every, 1.0)
    if by_area and population.units is not None and population.units.areas is not None:
        sizes = dict(zip(population.units.names, population.units.areas.tolist(), strict=True))
    strata = []
    for label in sorted(set(population.stratum.values())):
        members = [name for name in every if population.stratum[name] == label]
        strata.append(Stratum(0, label or "all units", "", len(members), sum(sizes[name] for name in members)))
    kind = "stratified" if len(strata) > 1 else "simple"
    design = Design(kind, "unit", tuple(strata), source, "", area_known=by_area, unit_field=job.unit_field,
                    stratum_field=job.stratum_field, note=population.note or ALIKE, recorded=False)  # fmt: skip
    return design, _homes(design, labelled.names, population.stratum)


def _homes(design: Design, names: list[str], stratum: dict[str, str]) -> NDArray[np.int64]:
    """(n,) number of the stratum of each unit."""
    if len(design.strata) == 1:
        return np.zeros(len(names), np.int64)
    order = {s.name: h for h, s in enumerate(design.strata)}
    unknown = [name for name in names if stratum.get(name, "") not in order]
    if unknown:
        raise BadInput(f"The stratum of {listed(unknown, 3)} is not one that was drawn from.")
    return np.array([order[stratum[name]] for name in names], dtype=np.int64)


def _answers(
    table: pd.DataFrame, unit_of: list[str], filled_rows: NDArray[np.bool_], recorded: Design | None,
    population: Population,
) -> tuple[int, list[str]]:  # fmt: skip
    """How many units were drawn, and what became of those without an answer."""
    names = list(dict.fromkeys(unit_of))
    done = {name for name, ok in zip(unit_of, filled_rows, strict=True) if ok}
    notes = []
    halves = done & {name for name, ok in zip(unit_of, filled_rows, strict=True) if not ok}
    if halves:
        notes.append(f"{len(halves)} units are labelled in part; the labelled rows stand for the whole unit.")
    if recorded is None:
        return len(done), notes
    first = table.assign(**{PLACE: unit_of}).drop_duplicates(PLACE)
    filled = np.array([name in done for name in first[PLACE]], dtype=bool)
    return len(names), [*answered(first, filled, len(names))[0], *notes]
