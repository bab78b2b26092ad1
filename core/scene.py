"""What is embedded: one raster, or two read as one, with the bands that the backbone gets."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from ..models.card import Card
from ..models.spectrum import RADAR, ROLES
from .bands import wish
from .bands.eras import radiometry_of_dates
from .bands.fitting import Fit, fit
from .bands.known import UNKNOWN, Recognised
from .bands.radiometry import PLAIN, Radiometry, radiometry
from .bands.recognise import recognise
from .bands.values import AMPLITUDE, COUNTS, DECIBEL, PARAMETER, PICTURE, POWER
from .errors import BadInput
from .jobs.source import EmbedJob
from .measured import Looks, Measured
from .pair import open_pair
from .progress import Progress
from .raster import open_raster
from .seriesscene import Chosen, as_series, told_of
from .windows import Reader

WORDS = {PICTURE: "bytes of a picture", COUNTS: "counts of the sensor", DECIBEL: "decibels", "": "something else"}
"""For units, where they are not words."""


@dataclass(frozen=True)
class Scene:
    """Files and bands."""

    input: str
    bands: tuple[int, ...] = ()
    """Of the input; empty: all but alpha."""
    second: str = ""
    second_bands: tuple[int, ...] = ()
    order: tuple[int, ...] = ()
    """Places of the bands of both in the order of the network; empty: as they come."""
    roles: tuple[str, ...] = ()
    """Of all bands, in that order; empty where nobody asks."""
    wavelengths_nm: tuple[float, ...] = ()
    parts: tuple[Radiometry, ...] = ()
    """What the numbers of each band mean; empty where nobody asks."""
    dates: tuple[str, ...] = ()
    """Of each band, in order of time, for backbones that take several; empty for others."""
    months: tuple[int, ...] = ()
    """Of each band, 1 to 12, for such backbones."""
    pixel_m: float = 0.0
    """Side of a pixel in metres, for such backbones; 0: not known."""

    @property
    def looks(self) -> tuple[int, ...]:
        """The number of each band's look: one of the sensors at one of the dates, with gaps of its own."""
        looks = [(date, role in RADAR) for date, role in zip(self.dates, self.roles, strict=False)]
        order = list(dict.fromkeys(looks))
        return tuple(order.index(look) for look in looks)

    @property
    def units(self) -> tuple[str, ...]:
        """Of the numbers that the network gets, one a band; empty where nobody asks."""
        return tuple(_unit(part) for part in self.parts)

    def open(self) -> Reader:
        """The files, for the thread that calls.

        Raises:
            BadInput: they cannot be read, or not together.
        """
        reader: Reader
        if self.second:
            reader = open_pair(self.input, self.bands, self.second, self.second_bands, self.order)
        else:
            reader = open_raster(self.input, self.bands)
        if self.dates:
            return Looks(reader, self.parts or (PLAIN,) * len(self.looks), self.looks)
        return Measured(reader, self.parts) if self.parts else reader


def _unit(part: Radiometry) -> str:
    if part is PLAIN:
        return ""
    return DECIBEL if part.unit in (POWER, AMPLITUDE) else part.unit


def scene_of(job: EmbedJob, card: Card, like: Chosen, progress: Progress) -> Scene:
    """The scene that a job asks for, with the number of each band.

    Args:
        job: names the files, and the bands or an embedding to be like.
        card: of the backbone.
        like: what that embedding, or the ONNX twin that is the backbone, was made from.
        progress: takes warnings.

    Raises:
        BadInput: a raster cannot be read, or does not have the bands that the backbone, or the embedding to be like,
            wants; the sentence names them.
    """
    if card.inputs:
        return _by_roles(job, card, like, progress)
    if job.band_roles or job.second_band_roles:
        raise BadInput(f"{card.title} takes any bands: leave 'Which band is what' empty.")
    if job.like and bool(like.second_bands) != bool(job.second):
        count, what = (
            ("two rasters", "Give the second") if like.second_bands else ("one raster", "Leave the second out")
        )
        raise BadInput(f"{job.like} was made from {count}. {what}, or do not ask for the same space.")
    first = _bands(job.input, job.bands, like.bands, job.like, progress)
    second = _bands(job.second, job.second_bands, like.second_bands, job.like, progress) if job.second else ()
    return Scene(job.input, first, job.second, second)


def _by_roles(job: EmbedJob, card: Card, like: Chosen, progress: Progress) -> Scene:
    """Bands by what they are."""
    known = _known(job.input)
    also = _known(job.second) if job.second else None
    numbers, second_numbers = (" ".join(map(str, some)) for some in (job.bands, job.second_bands))
    inputs = next((one.name for one in card.inputs if one.roles == like.roles), "")
    found = fit(
        card, known, job.band_roles or numbers, also=also, also_wish=job.second_band_roles or second_numbers,
        inputs=inputs, months=wish.parse_months(job.months),
    )  # fmt: skip
    if not found.fits:
        raise BadInput(found.why)
    if card.series:
        found = as_series(card, found, like)
    elif like.roles and set(like.roles) <= set(found.roles):
        found = _only(found, like.roles)
    if like.roles and found.roles != like.roles:
        raise BadInput(
            f"{like.name} was made from the bands {', '.join(like.roles)}; here are {', '.join(found.roles)}. Choose a "
            "raster with the same bands."
        )
    for text in found.warnings:
        progress.warning(text)
    first, second = found.of_layer(0), found.of_layer(1)
    if not first or (also is not None and not second):
        raise BadInput(_unused(job, like, found))
    for number, (one, text) in enumerate(((known, job.band_roles), (also, job.second_band_roles))):
        if one is not None and one.dates and "date=" not in text and not card.series:
            progress.warning(_dates(one, found.of_layer(number)))
    places = {0: iter(range(len(first))), 1: iter(range(len(first), len(found.bands)))}
    order = tuple(next(places[layer]) for layer in found.layers)
    progress.info(f"{card.title} gets: {told_of(found) if card.series else _listed(found)}.")
    scene = Scene(
        job.input, first, job.second, second, () if order == tuple(range(len(order))) else order, found.roles,
        found.wavelengths_nm, _parts(job, like, found, (known, also), progress) if card.measured else (),
        found.dates, found.months, known.pixel_m if card.series else 0.0,
    )  # fmt: skip
    check_units(like.name, like.units, scene)
    return scene


def _dates(known: Recognised, numbers: Sequence[int]) -> str:
    """Which dates of a series are taken, and how to have another."""
    used = [band.date for number in numbers if (band := known.band(number)) and band.date]
    other = next((date for date in reversed(known.dates) if date not in used), "")
    return (
        f"{known.path} is a series of {len(known.dates)} dates; of {' and '.join(dict.fromkeys(used)) or 'the first'} "
        f"are the bands that are taken. For others say which band is what, as in 'date={other}'."
    )


def _unused(job: EmbedJob, like: Chosen, found: Fit) -> str:
    """Why one of two rasters gives nothing to an embedding that is to be like another, and what to do."""
    unused, whole = (job.second, job.input) if found.of_layer(0) else (job.input, job.second)
    return f"{like.name} was made from bands that are all in {whole}. Leave {unused} out."


def _only(found: Fit, roles: tuple[str, ...]) -> Fit:
    """The bands of some of the roles, in their order."""
    places = [found.roles.index(role) for role in roles]
    return replace(
        found,
        bands=tuple(found.bands[place] for place in places),
        roles=roles,
        wavelengths_nm=tuple(found.wavelengths_nm[place] for place in places),
        layers=tuple(found.layers[place] for place in places),
    )


def check_units(like: str, units: tuple[str, ...], scene: Scene) -> None:
    """Numbers of other meaning must not share a space.

    Raises:
        BadInput: they differ from those that the embedding was made from, or those were not known.
    """
    for role, there, here in zip(scene.roles, units, scene.units, strict=False):
        if there == UNKNOWN:
            raise BadInput(
                f"What the numbers of the {ROLES[role].title} band mean was not known when {like} was made, so no "
                f"other raster can share its space. Make it again and say under '{PARAMETER}' what they are."
            )
        if there != here:
            raise BadInput(
                f"The {ROLES[role].title} band of {like} held {WORDS.get(there, there)}, but here it holds "
                f"{WORDS.get(here, here)}. Bring both to the same, or say under '{PARAMETER}' what the numbers are."
            )


def _known(path: str) -> Recognised:
    with open_raster(path) as reader:
        return recognise(reader)


def _listed(found: Fit) -> str:
    both = len(set(found.layers)) > 1
    names = zip(found.roles, found.bands, found.layers, strict=True)
    return ", ".join(f"{role} = band {band}{' of the second' if layer and both else ''}" for role, band, layer in names)


def _parts(
    job: EmbedJob, like: Chosen, found: Fit, known: tuple[Recognised, Recognised | None], progress: Progress
) -> tuple[Radiometry, ...]:
    """What the numbers of each band mean, in the order of the network.

    Raises:
        BadInput: it is not known, and the embedding is to share a space with others.
    """
    made: dict[tuple[int, int], Radiometry] = {}
    for layer, one in enumerate(known):
        if one is None:
            continue
        roles = tuple(role for role, number in zip(found.roles, found.layers, strict=True) if number == layer)
        tell = radiometry_of_dates if found.dates else radiometry
        values = tell(one, found.of_layer(layer), job.values, roles)
        if values.undecided and (like.units or job.like or job.scaling == "published"):
            raise BadInput(" ".join(values.sentences))
        for text in values.sentences:
            progress.warning(text)
        made |= {(layer, band): part for band, part in zip(values.bands, values.parts, strict=True)}
    return tuple(made[key] for key in zip(found.layers, found.bands, strict=True))


def _bands(
    path: str, asked: tuple[int, ...], stored: tuple[int, ...], like: str, progress: Progress
) -> tuple[int, ...]:
    """Bands that are asked for, or all; with an embedding to be like as many as that has, or the very same numbers."""
    with open_raster(path, asked) as reader:
        there = reader.bands
    if not like or not stored:
        return there
    if len(there) != len(stored) if asked else len(there) < max(stored):
        raise BadInput(
            f"{like} was made from {len(stored)} bands, but {len(there)} of {path} are chosen. Choose as many, in the "
            "same order."
        )
    if len(there) != len(stored):
        numbers = ", ".join(map(str, stored))
        progress.warning(f"Of the {len(there)} bands of {path}, {numbers} are taken, as for {like}.")
    return asked or stored
