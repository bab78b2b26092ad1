"""Which satellite or camera the bands are of: by what the file mentions, and by which codes occur together."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from .facts import Facts
from .known import CONVENTION, GUESSED, STATED, UNKNOWN, listed
from .names import Named
from .products import PRODUCTS, Product

FAR_SHARE = 0.06
"""Wavelengths of one band of two satellites of a family differ by less."""
LANDSAT = ("landsat-oli", "landsat-tm", "landsat-etm")


@dataclass(frozen=True)
class Which:
    """A product, how sure that is, and what must be said of it."""

    product: str = ""
    sure: str = UNKNOWN
    sentences: tuple[str, ...] = ()


def which_product(facts: Facts, named: Sequence[Named]) -> Which:
    """The product whose codes the names are, or that the file mentions."""
    codes = {one.code for one in named if one.code}
    mentioned = list(facts.mentioned)
    mentioned += sorted({name for one in named for name in one.products} - set(mentioned))
    if not codes:
        light = [name for name in mentioned if name != "sentinel-1"] or mentioned
        return Which(_most_special(light), STATED if light else UNKNOWN)
    agreeing = {p.name for p in PRODUCTS.values() if _has(p, codes) and _agrees(p, facts, named)}
    fitting = [name for name in mentioned if name in agreeing] or [n for n in mentioned if _has(PRODUCTS[n], codes)]
    if fitting:
        product = _most_special(fitting)
        odd = _counted(codes, named) and product in ("sentinel-2", "hls-s30") and "B9" in codes
        return Which(product, GUESSED, (_mere_numbers(codes),)) if odd else Which(product, STATED)
    notes = _unfit(facts, mentioned, codes)
    candidates = [p for p in PRODUCTS.values() if p.only_codes and p.name != "modis" and _has(p, codes)]
    agreed = [p for p in candidates if p.name in agreeing]
    candidates = agreed if agreed or _spelt(named) else candidates
    if not candidates:
        note = f"No satellite known here has all of the bands {_some(codes)}."
        return Which("", UNKNOWN, notes if _lit(facts, named) else (*notes, note))
    if _counted(codes, named) and 0 < facts.pixel_m < 25:
        found = _at_pixel(candidates, facts)
        notes = (*notes, _mere_numbers(codes)) if found else notes
        return Which(found[0].name if found else "", GUESSED if found else UNKNOWN, notes)
    if _alike(candidates, codes):
        at_pixel = _at_pixel(candidates, facts) or candidates
        return Which(at_pixel[0].name, STATED, notes)
    narrowed = _narrowed(candidates, facts, named, codes)
    if not narrowed:
        note = f"No satellite known here has bands {_some(codes)} in pixels of {facts.pixel_m:.3g} m."
        return Which("", UNKNOWN, (*notes, note))
    if _alike(narrowed, codes):
        return Which(narrowed[0].name, CONVENTION, notes)
    best = _likeliest(narrowed, facts, named)
    others = listed([p.title for p in narrowed if not _alike([p, best], codes)], "or")
    note = (
        f"The names of the bands ({_some(codes)}) are taken as those of {best.title}, but could be those of {others} "
        "as well, where they mean other bands. Check them."
    )
    return Which(best.name, GUESSED, (*notes, note))


def _mere_numbers(codes: set[str]) -> str:
    ninth = ", whose ninth band is B8A" if "B9" in codes else ""
    return (
        "The names of the bands, B1, B2 and so on without a gap, may be mere numbers. They are taken as the codes of "
        f"Sentinel-2{ninth}. Check them."
    )


def _counted(codes: set[str], named: Sequence[Named]) -> bool:
    """Whether the codes are B1 to Bn, as programs number bands of which they know nothing."""
    numbers = {f"B{number}" for number in range(1, len(codes) + 1)}
    return codes == numbers and len(codes) > 2 and not any(one.padded or one.landsat for one in named)


def _has(product: Product, codes: set[str]) -> bool:
    return all(product.band(code) for code in codes)


def _agrees(product: Product, facts: Facts, named: Sequence[Named]) -> bool:
    """Whether no wavelength that is known speaks against it."""
    for one, wave in zip(named, facts.wavelengths_nm or (0.0,) * len(named), strict=True):
        band, nm = product.band(one.code), wave or one.nm
        if band and nm and abs(band.nm - nm) > FAR_SHARE * nm:
            return False
    return True


def _spelt(named: Sequence[Named]) -> bool:
    """Whether every name with a code tells its wavelength too, so that the code may be a mere number."""
    return all(one.nm for one in named if one.code)


def _lit(facts: Facts, named: Sequence[Named]) -> bool:
    """Whether the wavelength of every band with a code is known, so that no code is needed."""
    waves = facts.wavelengths_nm or (0.0,) * len(named)
    return all(one.nm or wave for one, wave in zip(named, waves, strict=True) if one.code)


def _most_special(names: Sequence[str]) -> str:
    """HLS mentions the satellites that it is made of."""
    return min(names, key=lambda name: (not name.startswith("hls"), names.index(name)), default="")


def _unfit(facts: Facts, mentioned: Sequence[str], codes: set[str]) -> tuple[str, ...]:
    if not mentioned:
        return ()
    titles = listed([PRODUCTS[name].title for name in mentioned], "or")
    if all(not PRODUCTS[name].only_codes for name in mentioned):
        return ()  # radar beside light, say
    return (f"{facts.path} seems to be of {titles}, which has no bands {_some(codes)}; the names of the bands count.",)


def _some(codes: set[str]) -> str:
    ordered = sorted(codes, key=lambda code: (int(re.sub(r"\D", "", code)), code))
    return listed(ordered if len(ordered) <= 4 else [*ordered[:3], f"so on up to {ordered[-1]}"])


def _alike(products: Sequence[Product], codes: set[str]) -> bool:
    """Whether the codes stand for the same roles in all of them."""
    meant = {tuple(found.role for code in sorted(codes) if (found := p.band(code))) for p in products}
    return len(meant) == 1


def _at_pixel(products: Sequence[Product], facts: Facts) -> list[Product]:
    if not facts.pixel_m:
        return list(products)
    return [p for p in products if not p.pixel_m[0] or p.pixel_m[0] <= facts.pixel_m <= p.pixel_m[1]]


def _narrowed(candidates: list[Product], facts: Facts, named: Sequence[Named], codes: set[str]) -> list[Product]:
    """By the size of a pixel, and by the customs that tell satellites apart; empty where no product fits."""
    texts = " ".join(facts.names).lower()
    found = candidates
    if any(one.landsat for one in named):
        found = [p for p in found if p.name in LANDSAT] or found
    elif facts.pixel_m:
        found = _at_pixel(found, facts)
    if any(one.padded for one in named):
        found = [p for p in found if p.name not in LANDSAT] or found
    if "sr_b6" in texts:  # on TM and ETM+ band 6 is thermal, ST_B6
        found = [p for p in found if p.name not in ("landsat-tm", "landsat-etm")] or found
    no_sixth = {"B5", "B7"} <= codes and "B6" not in codes and not codes & {"B8A", "B9", "B10", "B11", "B12"}
    if "st_b6" in texts or (no_sixth and any(p.name == "landsat-tm" for p in found)):
        found = [p for p in found if p.name in ("landsat-tm", "landsat-etm")] or found
    return found


def _likeliest(products: Sequence[Product], facts: Facts, named: Sequence[Named]) -> Product:
    """Bytes come from the older sensors, and no one keeps the panchromatic band among the others."""
    by_name = {p.name: p for p in products}
    old = facts.dtype == "uint8" and any(p.name == "landsat-tm" for p in products)
    ten = ("sentinel-2", "hls-s30")
    thirty = ("landsat-tm",) if old else ("landsat-oli", "hls-l30")
    first = (*thirty, *ten) if facts.pixel_m > 25 else (*ten, *thirty)
    return next((by_name[name] for name in first if name in by_name), products[0])
