"""Which band is what: by wavelengths, by names, by the product's order, by colours; and how sure each is.

Nothing is read from the pixels here. What the values mean is for `radiometry.py`.
"""

from collections.abc import Sequence
from dataclasses import replace

from ...models.spectrum import RADAR as RADAR_ROLES
from ...models.spectrum import ROLES, agrees, role_at
from ..raster import RasterReader
from .facts import Facts, facts_of
from .known import GUESSED, STATED, KnownBand, Recognised, listed, weakest
from .names import LIGHT, OTHER, QUALITY, RADAR, Named, read_name
from .products import PRODUCTS, BandOf
from .series import dates_of, in_order, taken_on
from .unnamed import unnamed
from .which import Which, which_product
from .wish import FIRST_DATE

SYNTAX = "give the bands as in 'red=3 nir=4'"
MOST_DOUBLES = 3
"""Roles that several bands share, named one by one up to here."""


def recognise(reader: RasterReader) -> Recognised:
    """What is known of the bands of an open raster; never refuses, says what it does not know.

    Args:
        reader: open, best with all bands. Of a reader with some bands, these alone are recognised.
    """
    return recognise_facts(facts_of(reader))


def recognise_facts(facts: Facts) -> Recognised:
    """What is known of bands by the facts alone; the order of bands with names of their own makes no difference."""
    bases, dates = dates_of(facts.names)
    named = [read_name(base) for base in bases]
    bare = replace(facts, names=tuple(bases))
    which = which_product(bare, named)
    waves = facts.wavelengths_nm or (0.0,) * len(named)
    sentences = list(which.sentences)
    bands = []
    for index, one in enumerate(named):
        band = KnownBand(facts.numbers[index], facts.names[index], date=dates[index])
        if facts.colours and facts.colours[index] == "alpha":
            band = replace(band, kind=QUALITY, title="alpha")
        else:
            band = _meant(band, one, waves[index], which)
        bands.append(band)
    sentences += _contradictions(bands, named, which)
    if not any(band.role or band.kind in (LIGHT, RADAR, OTHER) for band in bands):
        guess = unnamed(bare, which, bands)
        bands, which = list(guess.bands), Which(guess.product, guess.sure)
        sentences += guess.sentences
    bands = _one_infrared(bands)
    series = tuple(in_order(dates)) if any(dates) else ()
    found = Recognised(
        facts.path, tuple(bands), which.product, weakest(bands), (), facts.pixel_m, facts.dtype, series,
        "" if series else taken_on(facts.names, facts.file_name, facts.tags),
    )  # fmt: skip
    return replace(_settled(found), sentences=tuple(dict.fromkeys((*sentences, *_remarks(found)))))


def _meant(band: KnownBand, named: Named, wave: float, which: Which) -> KnownBand:
    """A band by its wavelength, else by the word in its name, else by its code in the product."""
    product = PRODUCTS.get(which.product)
    coded = product.band(named.code) if product and named.code else None
    nm = wave or named.nm
    spoken = _spoken(named, coded, nm)
    kind = named.kind or (LIGHT if nm else "")
    if kind == QUALITY or (kind == OTHER and not wave):
        return replace(band, kind=kind, title=named.title)
    if spoken in RADAR_ROLES:
        return replace(band, role=spoken, how=f"name {band.name}", sure=STATED, kind=RADAR)
    if nm:
        role = spoken if spoken and agrees(spoken, nm) else role_at(nm)
        title = named.title or (coded.title if coded else "") or f"light of {nm:.0f} nm"
        clash = bool(spoken and not agrees(spoken, nm))
        how = f"wavelength {nm:.0f} nm"
        return replace(
            band, role=role, nm=nm, how=how, sure=GUESSED if clash else STATED, kind=LIGHT, title="" if role else title
        )
    if named.role:
        nm = coded.nm if coded and coded.role == spoken else ROLES[spoken].typical_nm
        return replace(band, role=spoken, nm=nm, how=f"name {band.name}", sure=STATED, kind=LIGHT)
    if coded and product:
        how = f"name {named.code} of {product.title}"
        return replace(band, role=coded.role, nm=coded.nm, how=how, sure=which.sure, kind=LIGHT, title=coded.title)
    title = named.title or band.name
    return replace(band, kind=kind if named.title else "", title=title if named.title else "")


def _spoken(named: Named, coded: "BandOf | None", nm: float) -> str:
    """What the name says: the word, made exact by code or wavelength where it is wide; else the code."""
    if named.among and coded and coded.role in named.among:
        return coded.role
    if named.among and role_at(nm) in named.among:
        return role_at(nm)
    return named.role or (coded.role if coded else "")


def _contradictions(bands: Sequence[KnownBand], named: Sequence[Named], which: Which) -> list[str]:
    """Bands whose name says another light than their wavelength, or whose word and code differ."""
    product, found = PRODUCTS.get(which.product), []
    for band, one in zip(bands, named, strict=True):
        coded = product.band(one.code) if product and one.code else None
        code_role = coded.role if coded else ""
        spoken = _spoken(one, coded, band.nm)
        if band.nm and spoken and spoken not in RADAR_ROLES and not agrees(spoken, band.nm):
            is_now = ROLES[band.role].title if band.role else "no band known here"
            found.append(
                f"Band {band.number} is named {band.name} ({ROLES[spoken].title}), but its wavelength is "
                f"{band.nm:.0f} nm ({is_now}). The wavelength counts; if it is wrong, {SYNTAX}."
            )
        elif one.role and code_role and coded and spoken != code_role and not agrees(spoken, coded.nm):
            found.append(
                f"Band {band.number} is named {band.name}, but {one.code} of {product.title if product else ''} is "
                f"{ROLES[code_role].title}. The word counts; if it is wrong, {SYNTAX}."
            )
    return found


def _one_infrared(bands: Sequence[KnownBand]) -> list[KnownBand]:
    """A lone near infrared at 860 nm or beyond that is known by its wavelength is *the* near infrared."""
    roles = [band.role for band in bands]
    if "nir" in roles or "nir_narrow" not in roles:
        return list(bands)
    return [
        replace(band, role="nir")
        if band.role == "nir_narrow" and band.how.startswith("wavelength") and not _says_narrow(band)
        else band
        for band in bands
    ]


def _says_narrow(band: KnownBand) -> bool:
    named = read_name(band.name)
    return named.role == "nir_narrow" or named.code == "B8A"


def _settled(found: Recognised) -> Recognised:
    """With the confidence of the bands that will be used, not of doubles behind them."""
    used = [best for role in found.roles() if (best := found.best(role))]
    return replace(found, confidence=weakest(used))


def _remarks(found: Recognised) -> list[str]:
    """What the user should know: series, doubles, bands that nobody knows."""
    remarks = []
    if found.dates:
        example = next(band.name for band in found.bands if band.date)
        first = found.dates[0] or "the one without a number"
        remarks.append(
            f"The raster is a series of {len(found.dates)} dates (names such as {example}). {FIRST_DATE} ({first}), "
            "unless another is asked for."
        )
    remarks += _doubles(found)
    unknown = [band for band in found.measured if not band.kind]
    if unknown and found.roles():
        names = listed([band.label for band in unknown[:6]]) + (" and others" if len(unknown) > 6 else "")
        remarks.append(f"It is not known what {names} measure{'s' if len(unknown) == 1 else ''}.")
    if not found.roles():
        remarks.append(_nothing(found))
    return remarks


def _nothing(found: Recognised) -> str:
    if not found.measured:
        return "The raster holds nothing but masks and flags."
    others = [band.title for band in found.measured if band.kind in (OTHER, LIGHT) and band.title]
    if others and len(others) == len(found.measured):
        what = listed(list(dict.fromkeys(others))[:4])
        return f"The raster holds {what}: no bands of a satellite or camera that a network was made for."
    return f"It is not known what the bands of this raster measure. If you know it, {SYNTAX}."


def _doubles(found: Recognised) -> list[str]:
    bands = found.of_date()
    doubles = {
        role: same
        for role in found.roles()
        if len(same := [band for band in bands if band.role == role]) > 1 and role != "thermal"
    }  # fmt: skip
    if not doubles:
        return []
    if len(doubles) > MOST_DOUBLES:
        return [
            f"In the ranges of {len(doubles)} roles (blue, red and so on) lie several bands each; of these the one "
            "nearest to the usual wavelength is used."
        ]
    texts = []
    for role, same in doubles.items():
        best = found.best(role)
        used = best.label if best else ""
        labels = [band.label for band in same]
        texts.append(f"Of the bands that are {ROLES[role].title} ({listed(labels)}), {used} is used.")
    return texts
