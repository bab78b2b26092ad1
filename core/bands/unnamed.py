"""Bands without names: by the file's name, the product's order, the colours, or as a guess by number and pixel size."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from .facts import Facts
from .known import CONVENTION, GUESSED, STATED, UNKNOWN, KnownBand, listed
from .names import LIGHT, RADAR, Named, read_name
from .products import PRODUCTS, BandOf, Product
from .which import Which

CORRECT = "Check this, and correct it as in 'red=3 nir=4' if it is otherwise."
FINE_M = 6.0
"""Pixels of aerial photographs are finer."""
COLOURS = ("red", "green", "blue")


@dataclass(frozen=True)
class Guess:
    """Bands with roles, the product, and what must be said."""

    bands: tuple[KnownBand, ...]
    product: str = ""
    sure: str = UNKNOWN
    sentences: tuple[str, ...] = ()


def unnamed(facts: Facts, which: Which, bands: Sequence[KnownBand]) -> Guess:
    """What bands are whose names say nothing.

    Args:
        facts: of the raster; names without dates.
        which: the product that the file mentions, if any.
        bands: with kinds alone.
    """
    nothing = Guess(tuple(bands), which.product, which.sure)
    if facts.count == 1:
        return _single(facts, which, bands) or nothing
    if any(band.name and not read_name(band.name).plain for band in bands if not band.kind):
        return nothing  # names of which nothing is known speak against any guess
    product = PRODUCTS.get(which.product)
    if product and facts.count in product.orders:
        return _ordered(facts, product, bands, CONVENTION, "file name")
    coloured = _coloured(facts, bands)
    if coloured:
        return coloured
    if product:
        note = f"{facts.path} seems to be of {product.title}, but the order of its {facts.count} bands is not known."
        return replace(nothing, sentences=(note,))
    return _by_count(facts, bands) or nothing


def _single(facts: Facts, which: Which, bands: Sequence[KnownBand]) -> "Guess | None":
    """One band in a file of its own, as most products come: its file's name says which."""
    product = PRODUCTS.get(which.product)
    for token in reversed(re.split(r"[^a-z0-9]+", facts.file_name.split(" ")[0])):
        if token.isdigit():
            continue
        named = read_name(token)
        coded = product.band(named.code) if product and named.code else None
        if named.code and not coded:
            continue
        if not (named.role or coded or named.kind) or len(token) < 2:
            continue
        return Guess((_one(bands[0], named, coded, product),), which.product, STATED)
    return None


def _one(band: KnownBand, named: Named, coded: "BandOf | None", product: "Product | None") -> KnownBand:
    how = f"file name ({coded.code} of {product.title})" if coded and product else "file name"
    if named.kind not in (LIGHT, RADAR):
        return replace(band, kind=named.kind, title=named.title.upper(), how=how)
    role = named.role or (coded.role if coded else "")
    nm = named.nm or (coded.nm if coded else 0.0)
    title = "" if role else named.title or (coded.title if coded else "")
    sure = UNKNOWN if not role else STATED if product else CONVENTION
    return replace(band, role=role, nm=nm, how=how, sure=sure, kind=named.kind, title=title)


def _ordered(facts: Facts, product: Product, bands: Sequence[KnownBand], sure: str, why: str) -> Guess:
    """Bands in the order in which the product is usually stacked."""
    order = product.orders[facts.count]
    made = []
    for band in bands:
        meant = product.band(order[band.number - 1]) if band.number <= len(order) and not band.kind else None
        if meant is None:
            made.append(band)
            continue
        kind = RADAR if meant.role in ("vv", "vh") else LIGHT
        how = f"order of the bands of {product.title}"
        made.append(replace(band, role=meant.role, nm=meant.nm, how=how, sure=sure, kind=kind, title=meant.title))
    listing = f"{order[0]} to {order[-1]}" if len(order) > 6 else listed(order)
    if sure == GUESSED:
        lead = f"The bands have no names. That there are {facts.count}{_pixels(facts)} suggests {product.title}"
    else:
        lead = f"The bands have no names. By the {why} they are of {product.title}"
    return Guess(tuple(made), product.name, sure, (f"{lead}, so they are taken as {listing} in this order. {CORRECT}",))


def _pixels(facts: Facts) -> str:
    return f", with pixels of {facts.pixel_m:.3g} m," if facts.pixel_m else ""


def _coloured(facts: Facts, bands: Sequence[KnownBand]) -> "Guess | None":
    """Red, green and blue as the file marks them for display; a fourth that is no alpha may be near infrared."""
    shown = [colour for colour in facts.colours if colour in COLOURS]
    if sorted(shown) != sorted(COLOURS) or facts.count > 4:
        return None
    made, notes = [], []
    for band, colour in zip(bands, facts.colours, strict=True):
        if colour in COLOURS:
            made.append(replace(band, role=colour, how="colour in the file", sure=CONVENTION, kind=LIGHT))
        elif not band.kind:
            made.append(replace(band, role="nir", how="fourth beside three colours", sure=GUESSED, kind=LIGHT))
            notes.append(f"Band {band.number} is neither a colour nor alpha; it is taken as near infrared. {CORRECT}")
        else:
            made.append(band)
    return Guess(tuple(made), "", CONVENTION, tuple(notes))


def _by_count(facts: Facts, bands: Sequence[KnownBand]) -> "Guess | None":
    """A guess by number of bands, size of pixels and type; said to be one."""
    count, pixel, bytes_ = facts.count, facts.pixel_m, facts.dtype == "uint8"
    fine = 0 < pixel <= FINE_M
    if count in (10, 12, 13) and (not pixel or 7 <= pixel <= 65):
        return _ordered(facts, PRODUCTS["sentinel-2"], bands, GUESSED, "")
    if count in (6, 7) and 25 <= pixel <= 35:
        return _ordered(facts, PRODUCTS["landsat-tm" if bytes_ else "landsat-oli"], bands, GUESSED, "")
    if count in (4, 8) and 2.5 <= pixel <= 5.5 and not bytes_:
        return _ordered(facts, PRODUCTS["planetscope" if count == 4 else "planetscope-8"], bands, GUESSED, "")
    if count in (3, 4) and bytes_ and (fine or count == 3):
        return _picture(bands)
    return None


def _picture(bands: Sequence[KnownBand]) -> Guess:
    """Bytes in three or four bands are nearly always a photograph."""
    roles = (*COLOURS, "nir")
    made = [
        replace(band, role=roles[band.number - 1], how="order of a photograph", sure=GUESSED, kind=LIGHT)
        if not band.kind and band.number <= len(roles)
        else band
        for band in bands
    ]
    names = "red, green, blue" + (" and near infrared" if len(bands) == 4 else "")
    note = f"The bands have no names and no colours; as in most photographs they are taken as {names}. {CORRECT}"
    return Guess(tuple(made), "", GUESSED, (note,))
