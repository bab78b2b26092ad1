"""What fitting goes by: a raster with the user's corrections, and the answer."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from ...models.card import Card, Inputs
from ...models.spectrum import RADAR, ROLES, agrees
from ..errors import BadJob
from .known import STATED, KnownBand, Recognised, listed
from .names import LIGHT, QUALITY
from .names import RADAR as RADAR_KIND
from .wish import Wish, parse_wish

Found = tuple[int, KnownBand]
"""Layer and band."""


@dataclass(frozen=True)
class Fit:
    """What a backbone gets of a raster, or why it cannot be used."""

    card: str
    """Name of the card."""
    fits: bool
    bands: tuple[int, ...] = ()
    """Band numbers, counted from 1, in the order of the network."""
    roles: tuple[str, ...] = ()
    """Of these bands; empty texts where they are not known."""
    wavelengths_nm: tuple[float, ...] = ()
    """Of these bands; 0 where it is not known, and for radar."""
    inputs: str = ""
    """Name of the set of bands that fits, see `Card.inputs`; empty for backbones that take any bands at all."""
    layers: tuple[int, ...] = ()
    """Of each band: 0 for the first raster, 1 for the second."""
    missing: tuple[str, ...] = ()
    """Roles that the nearest set lacks."""
    left_out: tuple[int, ...] = ()
    """Bands of the first raster that the backbone does not get."""
    why: str = ""
    """Sentence, when it does not fit."""
    warnings: tuple[str, ...] = ()
    dates: tuple[str, ...] = ()
    """Of each band, in order of time, for backbones that take several; equal text is one date."""
    months: tuple[int, ...] = ()
    """Of each band, for such backbones; 0 where it must be asked for."""
    pixels_differ: bool = False
    """Pixels are larger or smaller than those that the backbone was made for; `warnings` says so."""

    @property
    def proposal(self) -> str:
        """What a form may show for the user to correct, as `wish.py` reads it; empty where any bands will do.

        Of several dates those of the first, as it leaves the bands of others as they are.
        """
        return self.proposed(0)

    def proposed(self, layer: int) -> str:
        """The same for one of two rasters."""
        pairs = list(zip(self.roles, self.bands, self.layers, self.dates or self.roles, strict=True))
        first = next((date for *_, one, date in pairs if one == layer), "") if self.dates else ""
        used = (pair for pair in pairs if self.inputs and pair[2] == layer and (not self.dates or pair[3] == first))
        return " ".join(f"{role}={band}" for role, band, *_ in used)

    def of_layer(self, layer: int) -> tuple[int, ...]:
        """Band numbers of one of two rasters, in the order of the network."""
        return tuple(band for band, one in zip(self.bands, self.layers, strict=True) if one == layer)


@dataclass(frozen=True)
class Layer:
    """One raster with the user's correction applied."""

    known: Recognised
    wish: Wish
    dates: tuple[str, ...]
    """That were picked, by name or by one of their bands; none: no wish."""

    @property
    def date(self) -> str:
        """For backbones that take one."""
        return self.dates[0] if self.dates else ""


def layer_of(card: Card, known: Recognised, text: str) -> Layer:
    """Roles as the user gave them override those recognised: of all dates, or of theirs for cards that take several.

    Raises:
        BadJob: the wish cannot be read, or names a band or date that is not there.
    """
    wish = parse_wish(text)
    there = {band.number for band in known.bands}
    absent = [n for n in (*wish.roles.values(), *wish.numbers) if n not in there]
    if absent:
        raise BadJob(f"There is no band {absent[0]} in {known.path}, which has {len(there)}.")
    if len(wish.dates) > 1 and not card.series:
        raise BadJob(f"{card.title} takes one date. Give one, as in 'date={wish.dates[0]}'.")
    other = next((date for date in wish.dates if date not in known.dates), "")
    if other:
        dates = ", ".join(date or "(none)" for date in known.dates[:12])
        raise BadJob(
            f"There is no date '{other}' among the bands of {known.path}. "
            + (f"Its dates are: {dates}." if known.dates else "Its bands bear no dates.")
        )
    given = {band.date for band in known.bands if band.number in wish.roles.values()}
    picked = wish.dates or (() if card.series or len(given) != 1 else tuple(given))
    bands = []
    for band in known.bands:
        role = next((role for role, number in wish.roles.items() if number == band.number), "")
        if role:
            band = as_given(band, role)
        elif band.role in wish.roles and (not card.series or band.date in given):
            band = replace(band, role="", how="", title="")
        bands.append(band)
    return Layer(replace(known, bands=tuple(bands)), wish, picked)


def as_given(band: KnownBand, role: str) -> KnownBand:
    """A band in the role that the user says."""
    radar = role in RADAR
    nm = 0.0 if radar else band.nm if band.nm and agrees(role, band.nm) else ROLES[role].typical_nm
    kind = RADAR_KIND if radar else LIGHT
    return replace(band, role=role, nm=nm, how="as given", sure=STATED, kind=kind, title="")


def made_of(card: Card, inputs: str, found: Sequence[Found], layer: Layer) -> Fit:
    """What a backbone gets: these bands, in this order; `layer` is the first raster."""
    used = {band.number for number, band in found if number == 0}
    return Fit(
        card.name, True, tuple(band.number for _, band in found), tuple(band.role for _, band in found),
        tuple(band.nm for _, band in found), inputs, tuple(number for number, _ in found),
        left_out=tuple(band.number for band in layer.known.bands if band.number not in used),
    )  # fmt: skip


def holds(layers: Sequence[Layer], missing: Sequence[str]) -> str:
    """What there is; and where some bands are not known, how the user can name them."""
    bands = [band for layer in layers for band in layer.known.of_date(layer.date) if band.kind != QUALITY]
    there = [ROLES[role].title for layer in layers for role in layer.known.roles(layer.date)]
    there += [band.title for band in bands if not band.role and band.title]
    it, its = ("It has", "its") if len(layers) == 1 else ("They have", "their")
    has = f"{it} {listed(list(dict.fromkeys(there)))}." if there else f"It is not known what {its} bands are."
    example = " ".join(f"{role}={number}" for number, role in enumerate(missing[:3], 1))
    unknown = any(not band.role and not band.title for band in bands)
    return f"{has} If you know {'more' if there else 'it'}, give the bands as in '{example}'." if unknown else has


def some_of(bands: Sequence[KnownBand]) -> str:
    """Names of six bands at most, for sentences."""
    labels = [band.label for band in bands]
    return listed(labels if len(labels) <= 6 else [*labels[:5], f"{len(labels) - 5} others"])


def band_of(known: Recognised, number: int) -> KnownBand:
    """The band of that number.

    Raises:
        BadJob: there is none.
    """
    band = known.band(number)
    if band is None:
        raise BadJob(f"There is no band {number} in {known.path}.")
    return band


def check_known(card: Card, sets: Sequence[Inputs], bands: Sequence[KnownBand]) -> None:
    """Refuses numbered bands that a backbone of any bands does not know.

    Raises:
        BadJob: naming them.
    """
    taken = {role for one in sets for role in one.roles}
    unknown = [band for band in bands if band.role not in taken]
    if unknown:
        raise BadJob(
            f"{card.title} must know what each band is, and {some_of(unknown)} "
            f"{'is' if len(unknown) == 1 else 'are'} not known to it. Give roles, as in 'red=3 nir=4'."
        )
