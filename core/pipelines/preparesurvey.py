"""Prepare survey points: clusters or households in, the areas where clusters may lie out."""

from pathlib import Path
from typing import Any, NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pyogrio.errors import DataSourceError
from pyproj import CRS

from ..atomic import check_apart, check_folder, replacing
from ..errors import BadInput, BadJob, Unwritable
from ..jobs.declare import Result
from ..jobs.poverty.survey import PrepareSurvey
from ..poverty.survey.areas import NONE, Areas, areas_of, holders
from ..poverty.survey.checks import Sieve, check_positions, check_values, check_years, urban_or_rural
from ..poverty.survey.clusters import gather
from ..poverty.survey.displacement import Displacement
from ..poverty.survey.fields import field_of, numbers_of
from ..poverty.survey.layer import LAYER, RESULT, displacement_facts, survey_table
from ..poverty.survey.plane import too_near_a_pole
from ..poverty.survey.recoding import MOST_NAMED, Recoding
from ..poverty.survey.table import Rows, read_rows
from ..poverty.survey.wealthindex import NAME, wealth_index
from ..progress import Progress
from ..settlement.polygons import Polygons, read_polygons
from ..sidecar import fingerprint, write_sidecar
from ..vector import write_geopackage

SUFFIX = ".gpkg"
CLASSES = 5
SIGNIFICANT = 3
EXCHANGED_BACK = 0.9
"""Share of clusters that lie in an area once longitude and latitude are exchanged, above which they are for all."""


class Indicator(NamedTuple):
    """What is known of each row, and how it came about."""

    value: NDArray[np.float64]
    name: str
    recoding: Recoding | None
    codes: pd.DataFrame | None


def run(job: PrepareSurvey, progress: Progress) -> Result:
    """Do the job.

    Raises:
        QuadratError: a source that cannot be read, nothing left of the survey, or a result that cannot be written.
    """
    if Path(job.output).suffix.lower() != SUFFIX:
        raise BadJob(f"The survey areas {job.output} must be a {SUFFIX} file.")
    inputs = {name: getattr(job, name) for name in ("survey", "coordinates", "areas", "recoding") if getattr(job, name)}
    check_apart(job.outputs(), inputs)
    for path in job.outputs().values():
        check_folder(path)
    rows = read_rows(job)
    progress.checkpoint(0.2, "Checking rows")
    indicator = _indicator(job, rows, progress)
    households = job.rows == "households" or (job.rows == "auto" and (indicator.recoding is not None or rows.numbered))
    sieve = _sieved(job, rows, indicator, progress)
    clusters = gather(sieve, households)
    progress.checkpoint(0.5, "Drawing areas")
    moved = Displacement(job.urban_m, job.rural_m, job.far_m, job.far_percent / 100.0)
    admin = read_polygons(job.areas, job.params()["areas"].label).to(CRS.from_epsg(4326)) if job.areas else None
    clusters, areas = _areas(clusters, moved, admin, sieve)
    progress.checkpoint(0.8, "Writing")
    for note in [*rows.notes, *sieve.notes]:
        progress.warning(note)
    facts = _facts(job, rows, indicator, households, clusters, areas, sieve, moved)
    _write(survey_table(clusters, areas.shapes, moved), facts, job, indicator.codes)
    write_sidecar(job.output, job, facts, inputs=inputs)
    for sentence in facts["sentences"]:
        progress.info(sentence)
    return Result(job.facts.id, job.outputs(), facts)


def _indicator(job: PrepareSurvey, rows: Rows, progress: Progress) -> Indicator:
    if job.value_field:
        field = field_of(rows.raw, "", job.value_field, job.survey)
        value = numbers_of(rows.raw, field, "Indicator", job.survey)
        return Indicator(value, job.indicator or field, None, None)
    recoding = Recoding(job.recoding)
    recoded = recoding.apply(rows.raw)
    if recoded.lacking:
        progress.warning(
            f"No field tells '{recoded.lacking[0]}': it counts as unknown for all households, so no other item of "
            "theirs may be, and the index rests on eleven items."
        )
    if recoded.unlisted:
        named = ", ".join(recoded.unlisted[:MOST_NAMED]) + (", …" if len(recoded.unlisted) > MOST_NAMED else "")
        progress.warning(f"Codes that {recoding.path.name} does not list count as unknown: {named} (households).")
    if not job.recoding:
        progress.warning(
            f"Assets were recoded by the table that comes with Quadrat, {recoding.path}. Codes differ between surveys: "
            "compare it with the questionnaire, with the help of 'Codes that occur'."
        )
    return Indicator(wealth_index(recoded.levels), job.indicator or NAME, recoding, recoded.codes)


def _sieved(job: PrepareSurvey, rows: Rows, indicator: Indicator, progress: Progress) -> Sieve:
    """The rows that are of use, with what was found, left out and assumed."""
    table = rows.table.reset_index(drop=True).assign(value=indicator.value)
    if job.year:
        table["year"] = float(job.year)  # whatever coordinates say
    elif "year" not in rows.found:
        raise BadInput(f"No field of {job.survey} tells the year. Give the year of the survey, or choose the field.")
    if "weight" not in rows.found:
        table["weight"] = 1.0
    told = {"position" if role == "longitude" else role: name for role, name in rows.found.items()}
    named = "; ".join(f"{role} {name}" for role, name in told.items())
    progress.info(f"{len(table):,} rows. Fields: {named}.")
    table["urban"], unknown = urban_or_rural(table["urban"], job.urban_codes, job.rural_codes)
    sieve = Sieve(table)
    check_values(sieve, job.value_field, indicator.recoding is not None)
    check_positions(sieve)
    check_years(sieve)
    pole = too_near_a_pole(sieve.table[["longitude", "latitude"]].to_numpy(dtype=np.float64))
    sieve.drop(pole, "pole", "at a pole")
    if not len(sieve.table):
        raise BadInput(f"Nothing is left of {job.survey}. {' '.join(sieve.notes)}")
    if "urban" not in rows.found:
        sieve.notes.append(
            "No field tells urban from rural clusters: all get the circle of rural ones, which is larger."
        )
    elif unknown:
        named = ", ".join(f"'{code}' ({count:,} rows)" for code, count in sorted(unknown.items())[:MOST_NAMED])
        sieve.notes.append(
            f"Neither urban nor rural by their code: {named}. They get the circle of rural clusters, which is larger."
        )
    return sieve


def _areas(
    clusters: pd.DataFrame, moved: Displacement, admin: Polygons | None, sieve: Sieve
) -> tuple[pd.DataFrame, Areas]:
    """Clusters, repaired where longitude and latitude were exchanged, and where they may lie."""
    if admin is not None:
        sieve.notes += admin.notes
        clusters = _exchanged(clusters, admin, sieve)
    urban = clusters["urban"].tolist()
    lonlat = clusters[["longitude", "latitude"]].to_numpy(dtype=np.float64)
    areas = areas_of(lonlat, moved.largest_m(urban), moved.likely_m(urban), admin)
    if areas.near.any():
        sieve.notes.append(
            f"Clusters in no administrative area but near one that is drawn coarsely: {areas.near.sum():,} "
            f"({_named(clusters, areas.near)}). They count to it."
        )
    if areas.outside.any():
        sieve.notes.append(
            f"Clusters in no administrative area nor near one: {areas.outside.sum():,} "
            f"({_named(clusters, areas.outside)}). Their circles are not cut. Check their coordinates."
        )
    if areas.several:
        sieve.notes.append(f"Clusters in several administrative areas: {areas.several:,}. The smallest counts.")
    return clusters, areas


def _exchanged(clusters: pd.DataFrame, admin: Polygons, sieve: Sieve) -> pd.DataFrame:
    """Longitude and latitude exchanged where only that leads into an administrative area."""
    lonlat = clusters[["longitude", "latitude"]].to_numpy(dtype=np.float64)
    inside = holders(lonlat, admin.shapes)[0] != NONE
    possible = np.abs(lonlat[:, 0]) <= 90
    turned = (holders(lonlat[:, ::-1], admin.shapes)[0] != NONE) & possible
    wrong = ~inside & turned
    if not wrong.any():
        return clusters
    if not inside.any() and turned.mean() >= EXCHANGED_BACK:
        wrong = possible
    sieve.notes.append(
        "Clusters that lie in an administrative area only with longitude and latitude exchanged, which was done: "
        f"{wrong.sum():,} ({_named(clusters, wrong)})."
    )
    made = clusters.copy()
    made.loc[wrong, ["longitude", "latitude"]] = lonlat[wrong][:, ::-1]
    return made


def _named(clusters: pd.DataFrame, which: NDArray[np.bool_]) -> str:
    names = clusters.loc[which, "cluster"].astype(str).tolist()
    return ", ".join(names[:MOST_NAMED]) + (", …" if len(names) > MOST_NAMED else "")


def _facts(
    job: PrepareSurvey, rows: Rows, indicator: Indicator, households: bool, clusters: pd.DataFrame, areas: Areas,
    sieve: Sieve, moved: Displacement,
) -> dict[str, Any]:  # fmt: skip
    years = {str(int(year)): int(count) for year, count in clusters["year"].value_counts().sort_index().items()}
    urban = {name or "unknown": int(count) for name, count in clusters["urban"].value_counts().items()}
    value = clusters["value"].to_numpy(dtype=np.float64)
    asked = f" of {int(clusters['households'].sum()):,} households" if households else ""
    mean = np.average(value, weights=clusters["weight"])
    sentences = [
        f"{len(clusters):,} clusters{asked}: {_counted(urban)}; {_counted(years)}.",
        f"{indicator.name}: {value.min():.4g} to {value.max():.4g}, mean {mean:.4g} by weight.",
    ]
    if job.areas:
        sentences.append(f"{areas.clipped:,} circles were cut to their administrative area.")
    else:
        sentences.append("Circles are whole: without administrative areas they may reach across borders.")
    recoded = {"recoding": fingerprint(str(indicator.recoding.path))} if indicator.recoding else {}
    return {
        "result": RESULT,
        "clusters": len(clusters),
        "households": int(clusters["households"].sum()) if clusters["households"].notna().all() else None,
        "indicator": indicator.name,
        "wealth_index": indicator.recoding is not None,
        "years": years,
        "urban": urban,
        "left_out": sieve.left_out,
        "warnings": [*rows.notes, *sieve.notes],
        "displacement": displacement_facts(moved, bool(job.areas)),
        "breaks": _breaks(value),
        "sentences": sentences,
        **recoded,
    }


def _counted(counts: dict[str, int]) -> str:
    return ", ".join(f"{name}: {count:,}" for name, count in counts.items())


def _breaks(values: NDArray[np.float64]) -> list[float]:
    """Bounds of classes of equal count, rounded; outwards at both ends, so that no cluster falls beside them."""
    bounds = np.quantile(values, np.linspace(0, 1, CLASSES + 1))
    unit = 10.0 ** np.floor(np.log10(max(np.ptp(values), np.abs(values).max() * 1e-9, 1e-12)) - SIGNIFICANT + 1)
    steps = np.concatenate([[np.floor(bounds[0] / unit)], np.round(bounds[1:-1] / unit), [np.ceil(bounds[-1] / unit)]])
    found = np.unique(steps * unit)
    return [float(f"{bound:.12g}") for bound in (found if len(found) > 1 else [found[0], found[0] + unit])]


def _write(table: gpd.GeoDataFrame, facts: dict[str, Any], job: PrepareSurvey, codes: pd.DataFrame | None) -> None:
    """Write the layer, and the codes if they are asked for."""
    described = " ".join(
        [
            "Survey clusters prepared by Quadrat. Polygons are where a cluster may lie, not where it is.",
            *facts["sentences"],
        ]
    )
    try:
        with replacing(job.output) as temporary:
            write_geopackage({LAYER: table}, temporary, {LAYER: described})
    except (DataSourceError, ValueError) as error:
        raise Unwritable(f"{job.output} cannot be written: {error}.") from error
    if job.codes and codes is not None:
        with replacing(job.codes) as temporary:
            codes.to_csv(temporary, index=False)
