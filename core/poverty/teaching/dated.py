"""A series as a backbone that takes one date sees it: the same bands at each date, measured alike."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ....models.card import Card
from ....models.spectrum import RADAR
from ...bands.eras import radiometry_of_dates
from ...bands.fitting import Fit, fit
from ...bands.known import Recognised
from ...bands.radiometry import Radiometry
from ...bands.recognise import recognise
from ...bands.values import AUTO, CODINGS
from ...bands.wish import parse_wish
from ...errors import BadInput
from ...jobs.poverty.embedding import several_dates
from ...jobs.source import EmbedJob
from ...progress import Progress
from ...raster import open_raster
from ...scene import Scene, check_units
from ...seriesscene import Chosen
from ..series.stack import Series

Int = NDArray[np.int64]


@dataclass(frozen=True)
class Dated:
    """What a backbone gets of each date.

    Attributes:
        scenes: [T]; None where a date lacks a band, or holds nothing.
        bands: names without dates, in the order of the backbone.
        roles: of these; empty where nobody asked.
        units: of their numbers; empty where nobody asked.
        wavelengths_nm: of these; empty where nobody asked.
    """

    scenes: tuple[Scene | None, ...]
    bands: tuple[str, ...]
    roles: tuple[str, ...] = ()
    units: tuple[str, ...] = ()
    wavelengths_nm: tuple[float, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """For a model, so that another series is seen in the same way."""
        return {
            "bands": list(self.bands), "roles": list(self.roles), "units": list(self.units),
            "wavelengths_nm": list(self.wavelengths_nm),
        }  # fmt: skip

    @property
    def first(self) -> Scene:
        """Of the earliest date that is seen."""
        return next(scene for scene in self.scenes if scene is not None)


def dated(series: Series, card: Card, twin: Chosen, job: EmbedJob, progress: Progress) -> Dated:
    """The bands that a backbone gets, by the names that tell them at all dates.

    Args:
        series: all bands that it may learn from.
        card: of the backbone.
        twin: what the bands of an ONNX file must be; all empty for others.
        job: for what the user says of bands and values.
        progress: takes sentences.

    Raises:
        BadInput: the backbone takes several dates, or needs bands that are not there, or it is not known what their
            numbers mean.
    """
    if card.series:
        raise BadInput(several_dates(card))
    if not card.inputs:
        if job.band_roles:
            raise BadInput(f"{card.title} takes any bands: leave 'Which band is what' empty.")
        return Dated(_scenes(series, range(len(series.bands))), series.bands)
    with open_raster(series.path) as reader:
        known = recognise(reader)
    found, columns = _fitted(series, card, twin, known, job.band_roles)
    for text in found.warnings:
        progress.warning(text)
    names = tuple(series.bands[column] for column in columns)
    told = ", ".join(f"{role} = {name}" for role, name in zip(found.roles, names, strict=True))
    progress.info(f"{card.title} gets at each date: {told}.")
    made = Dated(
        _scenes(series, columns, found.roles, found.wavelengths_nm), names, found.roles, (), found.wavelengths_nm
    )
    return _measured(series, known, made, job.values, twin, progress) if card.measured else made


def dated_as(
    series: Series, card: Card, stored: Mapping[str, Any], job: EmbedJob, name: str, progress: Progress
) -> Dated:
    """The bands of a model, by name, and numbers of the same meaning.

    Args:
        series: with the bands of the model.
        card: of the backbone.
        stored: what `Dated.to_json` gave.
        job: for what the numbers are.
        name: of the model's file, for sentences.
        progress: takes sentences.

    Raises:
        BadInput: the numbers mean something else here, or it cannot be told.
    """
    columns = [series.bands.index(band) for band in stored["bands"]]
    roles, waves = tuple(stored["roles"]), tuple(stored["wavelengths_nm"])
    made = Dated(_scenes(series, columns, roles, waves), tuple(stored["bands"]), roles, (), waves)
    if not (card.inputs and card.measured and stored["units"]):
        return made
    with open_raster(series.path) as reader:
        known = recognise(reader)
    return _measured(series, known, made, job.values, Chosen(name, roles=roles, units=tuple(stored["units"])), progress)


def _scenes(
    series: Series, columns: Sequence[int], roles: tuple[str, ...] = (), waves: tuple[float, ...] = ()
) -> tuple[Scene | None, ...]:
    table = series.table[:, list(columns)]
    if not (table > 0).all(axis=1).any():
        raise BadInput(f"No date of {series.path} has all bands that the backbone takes. Choose fewer bands.")
    return tuple(
        Scene(series.path, tuple(row), roles=roles, wavelengths_nm=waves) if all(row) else None
        for row in table.tolist()
    )


def _fitted(series: Series, card: Card, twin: Chosen, known: Recognised, wish: str) -> tuple[Fit, list[int]]:
    """What fits of one date, and the places of these bands in the series.

    The date is that with most bands; names tell the same bands at the others.
    """
    row = int(np.argmax((series.table > 0).sum(axis=1)))
    numbers = [number for number in series.table[row].tolist() if number]
    bands = tuple(replace(band, date="") for number in numbers if (band := known.band(number)) is not None)
    one = replace(known, bands=bands, dates=())
    inputs = next((some.name for some in card.inputs if some.roles == twin.roles), "")
    found = fit(card, one, _of_row(series, row, wish), inputs=inputs)
    if not found.fits:
        raise BadInput(found.why)
    place = {number: column for column, number in enumerate(series.table[row].tolist())}
    return found, [place[number] for number in found.bands]


def _of_row(series: Series, row: int, text: str) -> str:
    """What the user says of bands of any date, said of those of one date.

    Raises:
        BadInput: a date is asked for, or a band is none of the series.
    """
    wish = parse_wish(text)
    if wish.dates:
        raise BadInput("All dates are told, so none can be asked for under 'Which band is what'.")
    column = {int(number): at for (_, at), number in np.ndenumerate(series.table) if number}
    absent = [number for number in (*wish.roles.values(), *wish.numbers) if number not in column]
    if absent:
        raise BadInput(f"Band {absent[0]} of {series.path} is none that the backbone may take at a date.")
    here = {number: int(series.table[row, at]) for number, at in column.items()}
    parts = [f"{role}={here[number]}" for role, number in wish.roles.items()]
    return " ".join(parts or [str(here[number]) for number in wish.numbers])


def _measured(series: Series, known: Recognised, made: Dated, values: str, like: Chosen, progress: Progress) -> Dated:
    """With what the numbers of each band mean, settled among all dates.

    Raises:
        BadInput: it is not known, or not the same as elsewhere.
    """
    there = {at: scene.bands for at, scene in enumerate(made.scenes) if scene is not None}
    parts: dict[tuple[int, int], Radiometry] = {}
    for radar in (False, True):
        places = [place for place, role in enumerate(made.roles) if (role in RADAR) == radar]
        if not places:
            continue
        keys = [(at, place) for at in there for place in places]
        numbers = [there[at][place] for at, place in keys]
        asked = _stated(series, [made.bands[place] for place in places]) if values == AUTO else values
        told = radiometry_of_dates(known, numbers, asked, [made.roles[place] for _, place in keys])
        if told.undecided:
            raise BadInput(" ".join(told.sentences))
        for text in told.sentences:
            progress.warning(text)
        parts |= dict(zip(keys, told.parts, strict=True))
    scenes = tuple(
        None if scene is None else replace(scene, parts=tuple(parts[at, place] for place in range(len(made.roles))))
        for at, scene in enumerate(made.scenes)
    )
    found = replace(made, scenes=scenes)
    found = replace(found, units=found.first.units)
    for date, scene in zip(series.dates, scenes, strict=True):
        if scene is None:
            continue
        check_units(like.name, like.units, scene)
        if scene.units != found.units:
            raise BadInput(
                f"The numbers of {series.path} do not mean the same at {date} as at the first date. Make the series "
                "again with 'convert' under 'Where the numbers change their meaning'."
            )
    return found


def _stated(series: Series, bands: Sequence[str]) -> str:
    """What 'Prepare series' found the numbers of some bands to be, where that is one thing; else `auto`."""
    if not series.scale:
        return AUTO
    found = {series.scale[series.bands.index(band)] for band in bands}
    name = found.pop() if len(found) == 1 else ""
    return name if name in CODINGS else AUTO
