"""Evidence from a table of units: photos, villages, polygons, with one row each or many."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..classes import class_text
from ..conformal import UNSURE
from ..errors import BadInput
from ..jobs.estimate import REFERENCE, EstimateArea
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
    read_sample,
    texts_of,
)
from .material import Material
from .places import PLACE

Float = NDArray[np.float64]


def gather(job: EstimateArea, table: pd.DataFrame, recorded: Design | None, progress: Progress) -> Material:
    """Evidence of a sample of units; rows of one unit are averaged before anything else.

    Raises:
        BadInput: nothing labelled, units that are not in the table of all, or a circle between prediction and sample.
    """
    name = job.field or REFERENCE
    check_field(table, name, "Reference field", job.sample)
    whole = read_vector(job.units) if job.units else (table if recorded is None else _all_units(job, recorded))
    predicting = job.units or (job.sample if recorded is None else recorded.source)
    if job.prediction_field and whole is not None:
        check_field(whole, job.prediction_field, "Prediction field", predicting)
        check_independent(job, predicting, recorded)
    progress.checkpoint(0.4)
    unit_of = _names(job, table, recorded, job.sample, drawn=True)
    classes = Classes()
    Y_rows = _rows(job, table, name, job.sample, classes)
    filled_rows = _whole(Y_rows)
    if not filled_rows.any():
        raise none_filled(job, len(set(unit_of)))
    population = _population(job, whole, recorded, predicting, classes)
    K = max(len(classes.entries), 1)
    Y_rows = _wider(Y_rows, K)
    labelled = _averaged(unit_of, Y_rows, filled_rows)
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


@dataclass
class Population:
    """All units there are."""

    units: Units | None
    """With their predictions; None when there is no prediction or no table of them."""
    stratum: dict[str, str]
    """By name of the unit; empty when not known."""


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


def _averaged(names: list[str], rows: Float, used: NDArray[np.bool_]) -> Units:
    """Means over the used rows of each unit, units in the order in which they come first."""
    kept = np.flatnonzero(used)
    texts = [names[i] for i in kept]
    numbers, unique = pd.factorize(np.array(texts, dtype=object))
    count = np.bincount(numbers, minlength=len(unique)).astype(np.float64)
    sums = np.zeros((len(unique), rows.shape[1]))
    np.add.at(sums, numbers, rows[kept])
    means = sums / count[:, None]
    squares = np.zeros_like(sums)
    np.add.at(squares, numbers, (rows[kept] - means[numbers]) ** 2)
    inner = squares / np.maximum(count * (count - 1), 1)[:, None]
    return Units([str(name) for name in unique], means, count, inner)


def _population(
    job: EstimateArea, whole: pd.DataFrame | None, recorded: Design | None, source: str, classes: Classes
) -> Population:
    if whole is None:
        return Population(None, {})
    names = _names(job, whole, recorded, source, drawn=False)
    field = recorded.stratum_field if recorded is not None else job.stratum_field
    stratum = dict.fromkeys(names, "")
    if field:
        check_field(whole, field, "Stratum field", source)
        stratum = dict(zip(names, (class_text(value) for value in whole[field]), strict=True))
    elif recorded is None and job.design == "stratified":
        raise BadInput("A stratified sample of units needs the stratum field.")
    if not job.prediction_field:
        every = np.ones((len(names), 1))
        return Population(_averaged(names, every, np.ones(len(names), dtype=bool)), stratum)
    rows = _predicted(job, whole, source, classes)
    there = _whole(rows)
    lost = set(names) - {name for name, ok in zip(names, there, strict=True) if ok}
    if lost:
        raise BadInput(
            f"{len(lost)} units of {source} have no prediction in '{job.prediction_field}': {listed(sorted(lost), 3)}. "
            "All of them need one."
        )
    return Population(_averaged(names, rows, there), stratum)


def _material(
    job: EstimateArea, table: pd.DataFrame, labelled: Units, population: Population, recorded: Design | None,
    classes: Classes, unit_of: list[str], filled_rows: NDArray[np.bool_], source: str,
) -> Material:  # fmt: skip
    design, stratum = _design(job, labelled, population, recorded, source)
    K = labelled.means.shape[1]
    Y, F, mapped, spread, counts = labelled.means, None, None, None, design.counts
    beyond, notes = job.population == "beyond", []
    if recorded is None and not job.units and len(labelled.names) == int(design.counts.sum()) and not beyond:
        beyond = True
        notes.append("Every unit of the table is labelled; they are taken as a random draw of a larger whole.")
    everyone = population.units
    if job.prediction_field and everyone is not None:
        means = _wider(everyone.means, K)
        at = {name: number for number, name in enumerate(everyone.names)}
        missing = [name for name in labelled.names if name not in at]
        if missing:
            raise BadInput(f"{len(missing)} labelled units are not in {source}: {listed(missing, 3)}.")
        own = np.array([at[name] for name in labelled.names])
        home = _homes(design, everyone.names, population.stratum)
        if job.unit_weight == "by-rows":
            means = _by_rows(means, everyone.rows, everyone.rows.mean())
        F = means[own]
        rest = np.ones(len(means), dtype=bool)
        if beyond:
            rest[own] = False
        if not rest.any():
            raise BadInput(
                "Every unit is labelled, so a prediction has nothing to add. Leave the prediction field empty."
            )
        mapped = np.array([means[rest & (home == h)].mean(axis=0) for h in range(len(design.strata))])
        spread = np.array([means[rest & (home == h)].std(axis=0) for h in range(len(design.strata))])
        counts = np.bincount(home[rest], minlength=len(design.strata)).astype(np.float64) if beyond else counts
    if job.unit_weight == "by-rows":
        Y = _by_rows(Y, labelled.rows, labelled.rows.mean())
    names = classes.names if job.target == "class" else (job.field or REFERENCE,)
    evidence = Evidence(
        stratum, Y, design.weights, counts, names, tuple(s.name for s in design.strata), F, mapped, spread,
        labelled.inner, beyond, job.target == "class" and job.unit_weight == "alike", job.seed,
    )  # fmt: skip
    drawn, gaps = _answers(table, unit_of, filled_rows, recorded, population)
    counted = design.weights @ mapped if mapped is not None else None
    return Material(
        evidence, design, classes, drawn, [*notes, *gaps, *classes.notes], None, counted, places_word="units"
    )


def _by_rows(means: Float, rows: Float, usual: float) -> Float:
    """Pseudo-values whose mean is the mean over rows and whose variance is that of the ratio estimator.

    Source: linearised ratio estimator, Särndal, Swensson and Wretman 1992, section 5.6.
    """
    ratio = (means * rows[:, None]).sum(axis=0) / rows.sum()
    return np.asarray(ratio + rows[:, None] * (means - ratio) / usual)


def _design(
    job: EstimateArea, labelled: Units, population: Population, recorded: Design | None, source: str
) -> tuple[Design, NDArray[np.int64]]:
    if recorded is not None:
        if recorded.kind == "simple":
            return recorded, np.zeros(len(labelled.names), np.int64)
        known = population.stratum or _recorded_strata(job, recorded)
        return recorded, _homes(recorded, labelled.names, known)
    every = list(dict.fromkeys(population.stratum))
    if job.units and set(labelled.names) - set(every):
        raise BadInput(f"{listed(sorted(set(labelled.names) - set(every)), 3)}: labelled, but not in {job.units}.")
    labels = sorted(set(population.stratum.values()))
    sizes = [sum(1 for name in every if population.stratum[name] == label) for label in labels]
    strata = tuple(Stratum(0, label or "all units", "", n, float(n)) for label, n in zip(labels, sizes, strict=True))
    kind = "stratified" if len(strata) > 1 else "simple"
    design = Design(kind, "unit", strata, source, "", unit_field=job.unit_field, stratum_field=job.stratum_field,
                    note="Every unit counts alike.", recorded=False)  # fmt: skip
    return design, _homes(design, labelled.names, population.stratum)


def _recorded_strata(job: EstimateArea, recorded: Design) -> dict[str, str]:
    table = read_sample(job.sample)
    check_field(table, recorded.stratum_field, "Stratum field", job.sample)
    names = [class_text(value) for value in table[PLACE]]
    return dict(zip(names, (class_text(value) for value in table[recorded.stratum_field]), strict=True))


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
