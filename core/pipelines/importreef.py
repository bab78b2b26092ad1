"""Import photo survey: photos, annotation files, labels and tables in, one survey out."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from ..atomic import check_apart
from ..errors import BadInput
from ..jobs.declare import Result
from ..jobs.reef.bringin import REPLACE, ImportReef
from ..layersource import parse_source
from ..progress import Progress
from ..reef import schema
from ..reef.build import changing
from ..reef.finish import finish
from ..reef.formats.recognising import opened, recognise
from ..reef.formats.shape import Read, coded_by_id, told
from ..reef.photofacts import Folder, match, named, read_facts, read_folder, sizes_of
from ..reef.photonames import read_names
from ..reef.photorows import PhotoRows, empty
from ..reef.pointrows import Brought, Source, bring_points
from ..reef.positions import apply_times
from ..reef.survey import Label, Survey, stored_path
from ..reef.tree import Label as TreeLabel
from ..reef.tree import faults
from ..vector import read_vector
from ..wording import counted

PROBLEMS_TOLD = 20
"""Of each file; the rest by number. All stand in the sidecar."""
CHOSEN = {"name": "name_field", "site": "site_field", "transect": "transect_field", "quadrat": "quadrat_field",
          "date": "date_field", "depth_m": "depth_field", "area_m2": "area_field"}  # fmt: skip


class Given(NamedTuple):
    """What was read, before the survey is touched."""

    folder: Folder
    labels: list[tuple[str, Read]]
    points: list[tuple[str, Read]]
    notes: list[str]
    problems: dict[str, list[str]]


def run(job: ImportReef, progress: Progress) -> Result:
    """Do the job.

    Raises:
        QuadratError: a source that cannot be read, labels that make no tree, or a survey that cannot be written.
    """
    output = job.output or parse_source(job.survey).path
    paths = {**_listed("annotations", job.annotations), **_listed("label_sets", job.label_sets),
             **_listed("tracks", job.tracks)}  # fmt: skip
    singles = {name: getattr(job, name) for name in ("table", "depth_log") if getattr(job, name)}
    check_apart({"output": output}, {**paths, **singles})
    given = _read(job, progress.part(0.0, 0.5))
    notes = list(given.notes)
    with changing(job.survey, job.output) as survey:
        rows = PhotoRows(survey)
        if job.survey:
            progress.info(f"The survey to add to has {rows.there:,} photos.")
        _put_labels(survey, given.labels)
        ahead = _take_files(rows, given.folder, job, output, notes)
        sources = _take_names(rows, given.points, bool(job.folder), notes)
        done = _take_facts(rows, given, job, ahead, sources, notes)
        progress.checkpoint(0.7, "Writing photos")
        notes += rows.write(job.conflicts == REPLACE)
        progress.checkpoint(0.75, "Writing points")
        numbers = np.array([row.number for row in rows.rows], dtype=np.int64)
        known = pd.DataFrame([label._asdict() for label in survey.labels()], columns=Label._fields)
        read = [Source(path, coded_by_id(one, known), numbers[places]) for path, one, places in sources]
        brought = bring_points(survey, read, job.annotator, job.conflicts == REPLACE)
        progress.checkpoint(0.95)
        facts = _facts(rows, brought, given, survey, notes, done)
    inputs = {**singles, **paths, **({"survey": job.survey} if job.survey and job.output else {})}
    finish(job, output, facts, inputs, progress)
    return Result(job.facts.id, {"output": output}, facts)


def _listed(name: str, paths: tuple[str, ...]) -> dict[str, str]:
    return {f"{name} {number}": path for number, path in enumerate(paths, 1)}


# Reading ----------------------------------------------------------------------------------------------------------


def _read(job: ImportReef, progress: Progress) -> Given:
    folder = read_folder(job.folder, job.subfolders, progress) if job.folder else Folder()
    notes, problems = list(folder.notes), {}
    sizes = sizes_of([*((one.inside, one.width, one.height) for one in folder.photos), *_known_sizes(job)])
    labels, points = [], []
    for path in (*job.label_sets, *job.annotations, *filter(None, [job.annotation_folder])):
        progress.checkpoint(text=f"Reading {Path(path).name}")
        read = _opened(path, sizes)
        if read.problems:
            problems[path] = [told(problem) for problem in read.problems]
            more = len(read.problems) - PROBLEMS_TOLD
            notes += [f"{path}: {sentence}" for sentence in problems[path][:PROBLEMS_TOLD]]
            notes += [f"{path}: {more:,} more such sentences stand in the sidecar."] if more > 0 else []
        if len(read.labels):
            labels.append((path, read))
        if len(read.rows):
            points.append((path, read))
        if path in job.label_sets and not len(read.labels):
            raise BadInput(f"{path} holds points and no labels: give it under 'Annotation files'.")
        if path not in job.label_sets and not len(read.rows):
            raise BadInput(f"{path} holds labels and no points: give it under 'Label sets and trees'.")
    return Given(folder, labels, points, notes, problems)


def _known_sizes(job: ImportReef) -> list[tuple[str, int, int]]:
    """Names and sizes of photos that the survey to add to knows."""
    if not job.survey:
        return []
    with Survey(parse_source(job.survey).path) as survey:
        return [(photo.name, photo.width, photo.height) for photo in survey.photos()]


def _opened(path: str, sizes: Callable[[str], tuple[int, int] | None]) -> Read:
    name = recognise(path)
    # CPCe counts in units of which a pixel has 12 or 15: the size of the stored photo tells which.
    return opened(path, name, **({"sizes": sizes} if name == "cpce" else {}))


def _put_labels(survey: Survey, sets: list[tuple[str, Read]]) -> None:
    for _, read in sets:
        columns = [read.labels[name] for name in ("code", "name", "parent", "colour", "label_id")]
        survey.put_labels(Label(*map(str, values)) for values in zip(*columns, strict=True))
    wrong = faults([TreeLabel(label.code, label.name, label.parent, label.colour) for label in survey.labels()])
    if wrong:
        given = "".join(f"{Path(path).name}, " for path, _ in sets)
        sentences = " ".join(sentence for _, sentence in wrong[:5])
        raise BadInput(f"The labels of {given}annotations and survey together make no tree. {sentences}")


# Photos -----------------------------------------------------------------------------------------------------------


def _take_files(rows: PhotoRows, folder: Folder, job: ImportReef, output: str, notes: list[str]) -> dict[int, int]:
    """Files of photos into rows, those that the survey has by name; clocks that cameras note, by place."""
    names = folder.names
    matches = match(names, rows.names, job.folder)
    notes += matches.notes
    fresh = iter(rows.add([name for name, place in zip(names, matches.photo, strict=True) if place < 0]))
    ahead = {}
    for one, place in zip(folder.photos, matches.photo, strict=True):
        place = next(fresh) if place < 0 else place
        exif = one.exif
        rows.tell(
            place,
            {
                "path": stored_path(one.path, output), "width": one.width, "height": one.height, "taken": exif.taken,
                "orientation": exif.orientation or None, "heading_deg": exif.heading_deg,
            },
        )  # fmt: skip
        if exif.ahead_s is not None:
            ahead[place] = exif.ahead_s
    return ahead


def _take_names(
    rows: PhotoRows, points: list[tuple[str, Read]], has_folder: bool, notes: list[str]
) -> "list[tuple[str, Read, Any]]":
    """The place of the photo of each row of each file; photos that nobody has seen are added."""
    sources = []
    for path, read in points:
        codes, names = pd.factorize(read.rows["name"])
        matches = match([str(name) for name in names], rows.names, path)
        notes += matches.notes
        places = np.array(matches.photo, dtype=np.int64)
        missing = [str(name) for name, place in zip(names, places, strict=True) if place < 0]
        places[places < 0] = rows.add(missing)
        if missing and (has_folder or rows.there):
            notes.append(f"{path}: photos that are neither in the folder nor in the survey: {named(missing)}. They are "
                         "listed without a file.")  # fmt: skip
        sources.append((path, read, places[codes]))
    return sources


def _take_facts(
    rows: PhotoRows, given: Given, job: ImportReef, ahead: dict[int, int], sources: "list[tuple[str, Read, Any]]",
    notes: list[str],
) -> list[str]:  # fmt: skip
    """Facts of photos, from the source that is believed first to the last; sentences on what was done."""
    done: list[str] = []
    if job.table:
        _take_table(rows, job, notes)
    for path, read, _ in sources:
        _take_columns(rows, path, read, notes)
    by_name = {row.name: place for place, row in enumerate(rows.rows)}
    found = dict(zip(given.folder.names, given.folder.photos, strict=True))
    files = {by_name[name]: one for name, one in found.items() if name in by_name}
    for place, one in files.items():
        if one.exif.position is not None:
            rows.place(place, *one.exif.position, "camera")
    notes += apply_times(rows, job, ahead, done)
    _take_parts(rows, {place: one.inside for place, one in files.items()}, job.names, notes)
    for place, row in enumerate(rows.rows):
        rows.tell(place, {"date": row.get("taken"), "area_m2": job.area_m2 or None}, weakly=True)
    return done


def _take_table(rows: PhotoRows, job: ImportReef, notes: list[str]) -> None:
    chosen = {role: getattr(job, name) for role, name in CHOSEN.items()}
    table = read_facts(read_vector(job.table), job.table, chosen, job.crs)
    matches = match(table.names, rows.names, job.table)
    notes += [*table.notes, *matches.notes]
    places = list(matches.photo)
    again = pd.Series(places).duplicated() & (pd.Series(places) >= 0)
    twice = [name for name, more in zip(table.names, again, strict=True) if more]
    without = [name for name, place in zip(table.names, places, strict=True) if place < 0]
    if all(place < 0 for place in places):
        raise BadInput(
            f"No photo is named in the column '{table.roles['name']}' of {job.table}: the first there is "
            f"'{table.names[0] if table.names else ''}', the first photo '{rows.rows[0].name if rows.rows else ''}'. "
            "Choose another column."
        )
    if without:
        notes.append(f"{job.table}: rows of photos that are not there: {named(without)}.")
    if twice:
        notes.append(f"{job.table}: photos with several rows, of which the first counts: {named(twice)}.")
    untold = [row.name for place, row in enumerate(rows.rows) if place not in set(places)]
    if untold:
        notes.append(f"{job.table}: photos that it does not name: {named(untold)}.")
    rows.tell_table(places, table.facts)
    for place, (longitude, latitude) in zip(places, table.position, strict=True):
        if place >= 0:
            rows.place(place, float(longitude), float(latitude), "table")


def _take_columns(rows: PhotoRows, path: str, read: Read, notes: list[str]) -> None:
    """What a file of annotations says of photos, CoralNet's date and other fields among it."""
    columns = [name for name in read.photos.columns if name not in ("name", "width", "height")]
    matches = match([str(name) for name in read.photos["name"]], rows.names, path)
    for place, number in zip(matches.photo, range(len(read.photos)), strict=True):
        size = {name: read.photos[name].iloc[number] for name in ("width", "height") if name in read.photos}
        held = rows.rows[place].get("width") if place >= 0 else None
        if size and place >= 0 and not held:
            rows.tell(place, {name: int(value) for name, value in size.items() if value == value and value})
    if columns:
        table = read_facts(read.photos[["name", *columns]], path, {}, "")
        notes += table.notes
        rows.tell_table(matches.photo, table.facts)
        for place, (longitude, latitude) in zip(matches.photo, table.position, strict=True):
            if place >= 0:
                rows.place(place, float(longitude), float(latitude), "annotations")


def _take_parts(rows: PhotoRows, inside: dict[int, str], template: str, notes: list[str]) -> None:
    """Parts of names; and where the date of the name is not the camera's."""
    places = [place for place, row in enumerate(rows.rows) if not row.number or place in inside]
    read = read_names([inside.get(place, rows.rows[place].name) for place in places], template)
    if read.proposed:
        notes.append(f"Names of photos are read as {read.template}. Give another template, or a hyphen, if that is "
                     "not what they tell.")  # fmt: skip
    if read.unmatched:
        notes.append(f"Names that do not fit {read.template}: {named(read.unmatched)}.")
    own = ("site", "transect", "quadrat", "date")
    further = sorted({key for facts in read.facts for key in facts} - {*own, "depth"})
    kept = rows.own_names(pd.DataFrame({name: [""] for name in further}))
    other = []
    for place, facts in zip(places, read.facts, strict=True):
        parts: dict[str, Any] = {name: facts.get(name) for name in own}
        parts |= {kept[name]: facts.get(name) for name in further}
        depth = facts.get("depth")
        parts["depth_m"] = float(depth.lower().rstrip(" m").replace(",", ".")) if depth else None
        taken = str(rows.rows[place].get("taken") or "")
        if facts.get("date") and taken and not taken.startswith(facts["date"][:10]):
            other.append(f"{rows.rows[place].name}: {facts['date'][:10]}, camera {taken[:10]}")
        rows.tell(place, parts, weakly=True)
    if other:
        notes.append(f"Photos whose name has another date than the camera noted; the name counts: {named(other)}.")


# Telling ----------------------------------------------------------------------------------------------------------


def _facts(
    rows: PhotoRows, brought: Brought, given: Given, survey: Survey, notes: list[str], done: list[str]
) -> dict[str, Any]:
    counts = survey.counts()
    if brought.unknown:
        notes.append(f"Codes that stand in no label set: {named(brought.unknown)}. They are listed as unknown.")
    notes += brought.notes
    fresh = len(rows.rows) - rows.there
    placed = sum(row.position is not None or row.placed for row in rows.rows)
    lost = [row.name for row in rows.rows if empty(row.get("path"))]
    sentences = [
        f"{counted(counts[schema.PHOTOS], 'photo')}, {fresh:,} of them new; {placed:,} with a position, "
        f"{len(lost):,} without a file.",
        f"{counted(counts[schema.POINTS], 'point')}, {brought.points:,} of them new; "
        f"{counted(counts[schema.ANNOTATIONS], 'annotation')} of {counted(len(survey.annotators()), 'annotator')}, "
        f"{brought.annotations:,} of them new.",
        f"{counted(counts[schema.LABELS], 'label')}, {counts['unknown labels']:,} of them in no label set.",
        *done,
    ]
    return {
        "result": schema.RESULT,
        **{name.replace(" ", "_"): count for name, count in counts.items()},
        "new_photos": fresh,
        "new_points": brought.points,
        "known_points": brought.known,
        "new_annotations": brought.annotations,
        "unlabelled_rows": brought.unlabelled,
        "new_suggestions": brought.suggestions,
        "with_position": placed,
        "without_file": len(lost),
        "problems": given.problems,
        "warnings": notes,
        "sentences": sentences,
    }
