"""Cover of a photo survey: a survey in; tables, a map of sites and a page out."""

import csv
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
from pyogrio.errors import DataSourceError

from ..atomic import check_apart, check_folder, replacing
from ..colours import colour_of
from ..errors import BadInput, Unwritable
from ..jobs.declare import Result
from ..jobs.reef.cover import REEF, SITE, SITE_DATE, CoverReef
from ..layersource import parse_source
from ..progress import Progress
from ..reef.asking import names_in
from ..reef.build import srs_of
from ..reef.cover import counts
from ..reef.cover.material import Material, positions, read
from ..reef.cover.page import best_of, group_key, level_shown, page
from ..reef.cover.tables import COLUMNS, Found, groups, tell
from ..reef.formats import covers
from ..reef.survey import Survey
from ..sidecar import write_sidecar
from ..vector import write_geopackage

DIVERSITY = ("per", "site", "transect", "date", "photo", "value", "method", "index", "counted", "jackknife", "se",
             "low", "high", "photos")  # fmt: skip
DIGITS = 6


def run(job: CoverReef, progress: Progress) -> Result:
    """Do the job.

    Raises:
        QuadratError: no survey, no photo labelled whole, or a file that cannot be written.
    """
    inputs = {"survey": job.survey}
    check_apart(job.outputs(), inputs)
    for path in job.outputs().values():
        check_folder(path)
    with Survey(parse_source(job.survey).path) as survey:
        material = read(survey, names_in(job.annotators), job.group_field, job.learnt_field)
        crs = srs_of(survey)[1]
    found = tell(material, job, progress.part(0.0, 0.9))
    if not found.rows:
        raise BadInput("The survey has no labels for any of the estimates that were asked for. Choose others.")
    facts = _facts(material, found, job)
    _write_rows(job.output, COLUMNS, found.rows)
    if job.diversity:
        _write_rows(job.diversity, DIVERSITY, found.diversity)
    if job.wide:
        _write_wide(job, material)
    if job.sites:
        facts["classes"] = _write_sites(job, material, found, crs)
    if job.report:
        subtitle = f"{Path(parse_source(job.survey).path).name}; {len(material.photos):,} photos with points."
        html = page(found.rows, found.diversity, facts["warnings"] + facts["sentences"], job.to_dict(), subtitle)
        with replacing(job.report) as temporary:
            temporary.write_text(html, encoding="utf-8", newline="\n")
    for note in facts["warnings"]:
        progress.warning(note)
    for sentence in facts["sentences"]:
        progress.info(sentence)
    for path in job.outputs().values():
        result = {job.sites: "reefcover", job.report: "report"}.get(path, "table")
        write_sidecar(path, job, {"result": result, **facts}, inputs=inputs)
    return Result(job.facts.id, job.outputs(), facts)


def _facts(material: Material, found: Found, job: CoverReef) -> dict[str, Any]:
    """What is told of the survey, and with what care it is to be read."""
    classes = counts.classes_at(material.tree, material.data.labels, material.tree.depth, names_in(job.left_out))
    shares = counts.shares(material.data, classes)
    whole, read_ = int(shares.checked.sum()), int(shares.read.sum())
    learnt = material.photos["learnt"].to_numpy()
    both = int((shares.checked & shares.read & ~learnt).sum())
    n = len(material.photos)
    sentences = [
        f"{n:,} photos with points: {whole:,} labelled whole by people, {read_:,} by the machine, {both:,} by both and "
        "not learnt from, or held out when it learnt.",
        "The photo is the unit of every interval.",
    ]
    if job.reach == REEF:
        sentences.append("The intervals speak of the reef: that photos lie at random there is taken on trust.")
    else:
        sentences.append("The intervals speak of these photos alone.")
    warnings = []
    begun = np.unique(material.data.photo[material.data.point])
    partly = int((~shares.checked[begun]).sum())
    if partly:
        warnings.append(
            f"{partly:,} photos that people labelled in part, or in points that do not count, are not taken."
        )
    if read_ and 0 < whole < n:
        warnings += _on_trust(material, job)
    if len(material.came.models) > 1:
        warnings.append(f"Suggestions are from several models: {', '.join(material.came.models)}.")
    for column, title in (("site", "site"), ("date", "date")):
        unknown = int((material.photos[column] == "").sum())
        if 0 < unknown < n:
            warnings.append(f"{unknown:,} photos have no {title}, and are in none of the groups by {title}.")
    warnings += [f"{text} (in {count:,} cases)" if count > 1 else text for text, count in found.notes.items()]
    return {
        "photos": n, "labelled_photos": whole, "machine_photos": read_, "both": both, "levels": material.tree.depth,
        "annotators": list(material.people), "models": list(material.came.models), "rows": len(found.rows),
        "sentences": sentences, "warnings": warnings,
    }  # fmt: skip


def _on_trust(material: Material, job: CoverReef) -> list[str]:
    """What the corrected estimates rest on."""
    warnings = [
        "That people labelled photos drawn at random is taken on trust."
        if job.checked == "at random"
        else "People chose the photos that they labelled, so that these speak for no others."
    ]
    came = material.came
    if came.strangers and not job.learnt_field:
        warnings.append(
            "That the machine learnt from none of the photos that people labelled is taken on trust. Where it did, "
            "name the column that tells which."
        )
    if came.outdated:
        warnings.append(
            f"{came.outdated:,} photos that people labelled bear suggestions of another model than the others, "
            "which does not tell how the machine errs on these; they count as photos that it learnt from. What it "
            "did not learn from can be used when it has suggested labels there too: 'Suggest labels of points', all "
            "photos."
        )
    if came.held_out:
        warnings.append(
            f"{came.held_out:,} photos that the machine learnt from count by what it said of them in training, "
            "while they were held out: by heads that had learnt from four fifths of the photos (cross-prediction)."
        )
    return warnings


def _write_rows(path: str, columns: tuple[str, ...], rows: list[dict[str, Any]]) -> None:
    with replacing(path) as temporary, open(temporary, "w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows([_cell(one.get(column, "")) for column in columns] for one in rows)


def _cell(value: Any) -> Any:
    """Numbers with few digits; what is not known stays empty."""
    if isinstance(value, float):
        return "" if np.isnan(value) else f"{value:.{DIGITS}g}"
    return value


def _write_wide(job: CoverReef, material: Material) -> None:
    """Photos by labels, in percent: by people where they labelled the photo whole, else by the machine."""
    classes = counts.classes_at(material.tree, material.data.labels, material.tree.depth, names_in(job.left_out))
    shares = counts.shares(material.data, classes)
    there = shares.checked | shares.read
    cover = np.where(shares.checked[:, None], shares.people, shares.machine)[there]
    photos = material.photos.loc[there, ["photo", "name"]].rename(columns={"photo": "image_id"})
    photos["status"] = np.where(shares.checked[there], "Confirmed", "Unconfirmed")
    photos["points"] = shares.counted[there].astype(np.int64)
    covers.write(job.wide, covers.Covers(photos, classes.codes, cover))


def _write_sites(job: CoverReef, material: Material, found: Found, crs: str) -> list[dict[str, str]]:
    """A point for each site (else site and date) with cover at one level of the tree; its labels and their colours."""
    level = level_shown(found.rows)
    best = best_of(found.rows)
    rows = [r for r in found.rows if r["level"] == level and r["method"] == best[group_key(r)]]
    labels = list(dict.fromkeys(r["label"] for r in rows))
    table, places = [], []
    wanted = SITE if SITE in job.groups else SITE_DATE
    for group in (one for one in groups(material.photos, job) if one.per == wanted):
        key = group_key({"per": group.per, **group.facts})
        own = {r["label"]: r for r in rows if group_key(r) == key}
        xy = positions(material.photos, group.which)
        if not own or xy is None:
            continue
        first = next(iter(own.values()))
        facts = {"per": group.per, "site": group.facts["site"], "date": group.facts.get("date", ""),
                 "photos": first["photos"], "labelled": first["labelled"], "method": first["method"]}  # fmt: skip
        for number, label in enumerate(labels, 1):
            one = own.get(label, {})
            for name in ("cover", "low", "high"):
                facts[f"{name}_{number}"] = float(one.get(name, np.nan))
        table.append(facts)
        places.append(xy)
    if not table:
        raise BadInput(
            "No site has photos with a position, so there is no map of sites. Import the survey with positions, or "
            "leave the map out."
        )
    x, y = np.array(places).T
    layer = gpd.GeoDataFrame(table, geometry=gpd.points_from_xy(x, y), crs=crs or None)
    try:
        with replacing(job.sites) as temporary:
            temporary.unlink(missing_ok=True)
            write_geopackage({"sites": layer}, temporary)
    except DataSourceError as error:
        raise Unwritable(f"{job.sites} cannot be written: {error}.") from error
    made = []
    for number, code in enumerate(labels, 1):
        label = material.tree.label(code)
        made.append(
            {"field": f"cover_{number}", "label": label.name or code, "colour": label.colour or colour_of(number - 1)}
        )
    return made
