"""Place points on photos: a survey in, the same with points to annotate out; or quadrats with points on a mosaic."""

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import shapely

from ..atomic import check_apart
from ..errors import BadInput
from ..jobs.declare import Result
from ..jobs.reef.placing import ADD, ANEW, RANDOM, SKIP, STRATIFIED, UNIFORM, PlacePoints
from ..layersource import parse_source
from ..progress import Progress
from ..reef import schema
from ..reef.build import DEGREES, changing, srs_of
from ..reef.finish import finish
from ..reef.orthoquadrats import Mosaic, Quadrats, names, read_mask, read_mosaic
from ..reef.photofacts import named, projected
from ..reef.photorows import Value, add_photo
from ..reef.placing import Area, Design, parse_margins, place
from ..reef.survey import Photo, Survey, stored_path


class Done(NamedTuple):
    """What came of it."""

    photos: int
    points: int
    sentences: list[str]
    warnings: list[str]
    facts: dict[str, Any]


def run(job: PlacePoints, progress: Progress) -> Result:
    """Do the job.

    Raises:
        QuadratError: no survey, no place for the points, or a survey that cannot be written.
    """
    output = job.output or parse_source(job.survey).path
    inputs = {name: getattr(job, name) for name in ("orthomosaic", "mask") if getattr(job, name)}
    check_apart({"output": output}, inputs)
    parse_margins(job.margins)
    mosaic = read_mosaic(job.orthomosaic, job.pixel_m) if job.orthomosaic else None
    areas, notes = _quadrats(job, mosaic, progress.part(0.0, 0.6)) if mosaic else ([], [])
    with changing(job.survey, job.output, mosaic.crs if mosaic else DEGREES) as survey:
        if mosaic:
            done = _on_mosaic(survey, mosaic, areas, job, output, progress.part(0.6, 1.0))
            done.warnings.extend(notes)
        else:
            done = _on_photos(survey, job, progress)
        facts = _facts(survey, done)
    if job.survey and job.output:
        inputs["survey"] = job.survey
    finish(job, output, facts, inputs, progress)
    return Result(job.facts.id, {"output": output}, facts)


def design_of(job: PlacePoints) -> Design:
    """What the parameters ask for."""
    return Design(job.design, job.points, job.rows, job.columns, job.per_cell)


# Photos -----------------------------------------------------------------------------------------------------------


def _on_photos(survey: Survey, job: PlacePoints, progress: Progress) -> Done:
    photos = survey.photos()
    if not photos:
        raise BadInput(f"The survey {survey.path} has no photos yet. Import some first.")
    chosen = [photo for photo in photos if job.with_points != SKIP or not photo.points]
    unsized = [photo.name for photo in chosen if not (photo.width and photo.height)]
    chosen = [photo for photo in chosen if photo.width and photo.height]
    design, margins = design_of(job), parse_margins(job.margins)
    taken_away, made, kept, narrow = 0, 0, 0, []
    for number, photo in enumerate(chosen):
        progress.checkpoint(number / len(chosen))
        area = margins.area(photo.height, photo.width)
        if area is None or not _fits(design, area):
            narrow.append(photo.name)
            continue
        if job.with_points == ANEW:
            taken_away += survey.remove_points(photo.photo)
        held = {(point.row, point.col) for point in survey.points(photo.photo)}
        kept += len(held)
        made += len(survey.add_points(photo.photo, _new_places(design, area, job, photo, held)))
    warnings = []
    if unsized:
        warnings.append(
            f"Photos whose size is not known, without points: {named(unsized)}. Add the folder of the photos to the "
            "survey with 'Import photo survey'."
        )
    if narrow:
        warnings.append(f"Photos too small for the design and the margins, without points: {named(narrow)}.")
    full = len(photos) - len(chosen) - len(unsized)
    count = len(chosen) - len(narrow)
    if not count and not full:
        raise BadInput(f"No photo got points. {' '.join(warnings)}")
    sentences = [f"{made:,} points on {count:,} photos: {design.words()} on each."]
    sentences += [f"{full:,} photos had points and were left as they are."] if full else []
    sentences += [f"{taken_away:,} points that nobody had annotated were taken away."] if taken_away else []
    sentences += [f"{kept:,} points stayed on these photos."] if kept else []
    return Done(count, made, sentences, warnings, {"left_photos": full, "taken_away": taken_away})


def _new_places(
    design: Design, area: Area, job: PlacePoints, photo: Photo, held: set[tuple[int, int]]
) -> list[tuple[int, int]]:
    """Places of a photo; those added to others are drawn anew, and none lies on another point."""
    turn = f"{photo.name}#{photo.points}" if job.with_points == ADD and photo.points else photo.name
    places = [(row, col) for row, col in place(design, area, job.seed, turn).tolist()]
    return [one for one in places if one not in held]


def _fits(design: Design, area: Area) -> bool:
    """Whether there are as many pixels as the design needs."""
    if design.kind not in (STRATIFIED, UNIFORM):
        return design.points <= area.height * area.width
    rows, columns = area.height // design.rows, area.width // design.columns
    return rows * columns >= (design.per_cell if design.kind == STRATIFIED else 1)


# Orthomosaic ------------------------------------------------------------------------------------------------------


def _quadrats(job: PlacePoints, mosaic: Mosaic, progress: Progress) -> tuple[list[Area], list[str]]:
    """New quadrats, and what is to be told of them."""
    mask = read_mask(job.mask, mosaic) if job.mask else None
    taken = _taken(job, mosaic)
    quadrats = Quadrats(mosaic, job.quadrat_m, mask, job.seen_percent / 100, taken)
    if job.quadrat_design == RANDOM:
        areas = quadrats.random(job.quadrats, job.seed, progress)
    else:
        areas = quadrats.systematic(job.spacing_m, job.quadrats, job.seed, progress)
    if not areas:
        where = "the mask" if job.mask else "the orthomosaic"
        beside = f", beside the {len(taken):,} that the survey has there" if taken else ""
        raise BadInput(
            f"No quadrat of {job.quadrat_m:g} m fits into {where} where there is data{beside}. Choose a smaller one."
        )
    met = f"Quadrats of the grid left out, as they would lie on those that the survey has: {quadrats.met:,}."
    return areas, [met] if quadrats.met else []


def _taken(job: PlacePoints, mosaic: Mosaic) -> list[Area]:
    """Quadrats that the survey has on this orthomosaic already; on one of another time they are others."""
    if not job.survey:
        return []
    place = Path(mosaic.path).resolve()
    with Survey(parse_source(job.survey).path) as survey:
        return [Area(*photo.window) for photo in survey.photos()
                if photo.window and Path(survey.photo_path(photo)).resolve() == place]  # fmt: skip


def _on_mosaic(
    survey: Survey, mosaic: Mosaic, areas: list[Area], job: PlacePoints, output: str, progress: Progress
) -> Done:
    srs, crs = srs_of(survey)
    mosaic_crs = mosaic.crs or crs
    taken = (photo.name for photo in survey.photos())
    titles = names(Path(mosaic.path).stem, len(areas), taken)
    design, margins = design_of(job), parse_margins(job.margins)
    made = 0
    for number, (title, area) in enumerate(zip(titles, areas, strict=True)):
        progress.checkpoint(number / len(areas))
        inner = margins.area(area.height, area.width)
        if inner is None or not _fits(design, inner):
            raise BadInput(
                f"A quadrat of {area.height:,} x {area.width:,} pixels is too small for {design.words()} within these "
                "margins."
            )
        outline = projected(mosaic.outline(area), mosaic_crs, crs) if crs else mosaic.outline(area)
        photo = _add_quadrat(survey, title, area, outline, srs, mosaic, output)
        places = place(design, inner, job.seed, title)
        points = survey.add_points(photo, [(row, col) for row, col in places.tolist()])
        on_mosaic = mosaic.middles(places + np.array([area.top, area.left]))
        xy = projected(on_mosaic, mosaic_crs, crs) if crs else on_mosaic
        put = "UPDATE points SET geom = ? WHERE point = ?"
        blobs = [schema.point_blob(x, y, srs) for x, y in xy.tolist()]
        survey.connection.executemany(put, zip(blobs, (point.point for point in points), strict=True))
        made += len(points)
    warnings = []
    if job.quadrat_design == RANDOM and len(areas) < job.quadrats:
        warnings.append(
            f"Only {len(areas):,} of {job.quadrats:,} quadrats fit without lying on one another. Take fewer or smaller "
            "ones, or a grid."
        )
    side = f"{areas[0].height * mosaic.row_m:.4g} x {areas[0].width * mosaic.column_m:.4g} m"
    sentences = [
        f"{len(areas):,} quadrats of {side} ({areas[0].height:,} x {areas[0].width:,} pixels), "
        f"{'at random' if job.quadrat_design == RANDOM else 'in a grid with a random start'}.",
        f"{made:,} points: {design.words()} on each.",
    ]
    return Done(len(areas), made, sentences, warnings, {"quadrats": len(areas)})


def _add_quadrat(
    survey: Survey, title: str, area: Area, outline: "np.ndarray[Any, np.dtype[np.float64]]", srs: int, mosaic: Mosaic,
    output: str,
) -> int:  # fmt: skip
    """The quadrat as a photo with its outline; its number."""
    shape = shapely.Polygon(outline)
    middle = outline[:4].mean(axis=0)
    values: dict[str, Value | bytes] = {
        "name": title, "path": stored_path(mosaic.path, output), "width": area.width, "height": area.height,
        "quadrat": title.rpartition("_")[2],
        "area_m2": area.height * mosaic.row_m * area.width * mosaic.column_m,
        "window": f"{area.top},{area.left},{area.height},{area.width}", "placed_by": "orthomosaic",
        "geom": schema.point_blob(float(middle[0]), float(middle[1]), srs),
    }  # fmt: skip
    photo = add_photo(survey, values)
    put = "INSERT INTO quadrats (photo, geom) VALUES (?, ?)"
    survey.connection.execute(put, (photo, schema.shape_blob(shapely.to_wkb(shape), shape.bounds, srs)))
    return photo


def _facts(survey: Survey, done: Done) -> dict[str, Any]:
    counts = survey.counts()
    return {
        "result": schema.RESULT,
        **{name.replace(" ", "_"): count for name, count in counts.items()},
        "new_points": done.points,
        "photos_with_new_points": done.photos,
        **done.facts,
        "warnings": done.warnings,
        "sentences": done.sentences,
    }
