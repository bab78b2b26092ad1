"""Whether the bands of a raster suit a backbone, which of them it gets in which order, and if not, what is missing."""

from collections.abc import Sequence
from dataclasses import replace

from ...models.card import Card, Inputs
from ...models.spectrum import NIR, ROLES
from ..errors import BadJob
from .dated import fit_by_dates
from .known import GUESSED, Recognised, listed
from .matching import Fit, Found, Layer, as_given, band_of, check_known, holds, layer_of, made_of, some_of
from .names import QUALITY
from .products import code_of

__all__ = ["Fit", "fit"]

PIXEL_TOLERANCE = 1.15
"""A pixel may be larger or smaller than what the network was made for by this factor before a warning is due."""


def fit(
    card: Card, recognised: Recognised, wish: str = "", *, also: "Recognised | None" = None, also_wish: str = "",
    inputs: str = "", months: Sequence[int] = (),
) -> Fit:  # fmt: skip
    """Whether and how a raster, or two together, suit a backbone. Never raises: a wrong wish is a sentence in `why`.

    Args:
        card: of the backbone.
        recognised: bands of the raster, all of them.
        wish: the user's correction, see `wish.py`.
        also: bands of a second raster of the same place, for backbones that take two sensors.
        also_wish: the correction for that.
        inputs: name of the set of bands to use; empty takes the largest that fits.
        months: of each date, for backbones that take several; none: as names and files tell.
    """
    try:
        layers = [layer_of(card, recognised, wish)]
        if also is not None:
            layers.append(layer_of(card, also, also_wish))
        sets = _sets(card, inputs)
        numbers = layers[0].wish.numbers
        if len(layers) > 1 and any(layer.wish.numbers for layer in layers):
            raise BadJob("Bands given as numbers go with one raster only; give roles, as in 'vv=1 vh=2'.")
        if not sets:
            found = _anything(card, layers[0])
        elif card.series:
            found = fit_by_dates(card, sets, layers, months)
        elif numbers:
            found = _as_numbered(card, sets, layers[0])
        else:
            found = _by_roles(card, sets, layers)
    except BadJob as error:
        return Fit(card.name, False, why=str(error))
    if not found.fits:
        return found
    idle = "" if inputs else _idle(card, found, layers)
    if idle:
        return Fit(card.name, False, inputs=found.inputs, why=idle)
    pixels, differ = _pixel_warnings(card, layers)
    return replace(found, warnings=(*found.warnings, *_unsure(layers, found), *pixels), pixels_differ=differ)


def _sets(card: Card, name: str) -> tuple[Inputs, ...]:
    if not name:
        return card.inputs
    chosen = tuple(one for one in card.inputs if one.name == name)
    if not chosen:
        names = listed([one.name for one in card.inputs], "or") or "any bands"
        raise BadJob(f"{card.title} has no set of bands '{name}'; it takes {names}.")
    return chosen


def _anything(card: Card, layer: Layer) -> Fit:
    """All bands but masks and flags, or those that the user numbered."""
    known = layer.known
    if layer.wish.numbers:
        return made_of(card, "", [(0, band_of(known, number)) for number in layer.wish.numbers], layer)
    used = [band for band in known.measured if not layer.date or band.date in ("", layer.date)]
    flags = [band for band in known.bands if band.kind == QUALITY]
    if not used:
        return Fit(card.name, False, why=f"{known.path} holds nothing but masks and flags.")
    notes = (f"Left out as masks or flags: {some_of(flags)}.",) if flags else ()
    return replace(made_of(card, "", [(0, band) for band in used], layer), warnings=notes)


def _as_numbered(card: Card, sets: Sequence[Inputs], layer: Layer) -> Fit:
    """Bands in the order of the network, as the user numbered them."""
    bands = [band_of(layer.known, number) for number in layer.wish.numbers]
    if card.any_bands:
        check_known(card, sets, bands)
        return made_of(card, sets[0].name, [(0, band) for band in bands], layer)
    alike = [one for one in sets if len(one.roles) == len(bands)]
    if not alike:
        wanted = listed([f"{len(one.roles)} ({one.name})" for one in sets], "or")
        raise BadJob(f"{card.title} takes {wanted} bands, not {len(bands)}.")
    best = max(alike, key=lambda one: sum(a.role == b for a, b in zip(bands, one.roles, strict=True)))
    notes = [
        f"B{band.label[1:]} is given as {ROLES[role].title}, but seems to be {ROLES[band.role].title}."
        for band, role in zip(bands, best.roles, strict=True)
        if band.role and band.role != role and not {band.role, role} <= set(NIR)
    ]
    given = [(0, as_given(band, role)) for band, role in zip(bands, best.roles, strict=True)]
    return replace(made_of(card, best.name, given, layer), warnings=tuple(notes))


def _by_roles(card: Card, sets: Sequence[Inputs], layers: Sequence[Layer]) -> Fit:
    """The largest set that is there as a whole; for backbones of any bands, the set with most bands there."""
    tried = [(one, [_find(role, one.roles, layers) for role in one.roles]) for one in sets]
    if card.any_bands:
        one, found = max(tried, key=lambda pair: sum(band is not None for band in pair[1]))
        present = _asked(one, found)
        if present:
            made = made_of(card, one.name, present, layers[0])
            return replace(made, warnings=_stand_ins(one, found) + _unused(card, made, layers[0]))
        few = listed([ROLES[role].title for role in one.roles[:4]])
        why = f"{card.title} takes bands such as {few}. {holds(layers, one.roles[:1])}"
        return Fit(card.name, False, missing=one.roles, why=why)
    whole = [(one, found) for one, found in tried if None not in found]
    if whole:
        one, found = max(whole, key=lambda pair: len(pair[1]))
        return replace(made_of(card, one.name, _asked(one, found), layers[0]), warnings=_stand_ins(one, found))
    one, found = max(tried, key=lambda pair: (_share(pair[1]), -pair[1].count(None)))
    missing = tuple(role for role, band in zip(one.roles, found, strict=True) if band is None)
    return Fit(card.name, False, inputs=one.name, missing=missing, why=_lacks(card, one, missing, layers))


def _find(role: str, wanted: Sequence[str], layers: Sequence[Layer]) -> "Found | None":
    """The band of a role, or of the other near infrared where that is not wanted itself."""
    other = {"nir": "nir_narrow", "nir_narrow": "nir"}.get(role, "")
    for name in (role, other if other and other not in wanted else ""):
        for number, layer in enumerate(layers):
            band = layer.known.best(name, layer.date) if name else None
            if band:
                return number, band
    return None


def _share(found: Sequence["Found | None"]) -> float:
    return sum(band is not None for band in found) / len(found)


def _asked(one: Inputs, found: Sequence["Found | None"]) -> list[Found]:
    """Bands that are there, under the roles that the network knows them by."""
    pairs = zip(one.roles, found, strict=True)
    return [(pair[0], replace(pair[1], role=role)) for role, pair in pairs if pair is not None]


def _stand_ins(one: Inputs, found: Sequence["Found | None"]) -> tuple[str, ...]:
    return tuple(
        f"B{pair[1].label[1:]}, {ROLES[pair[1].role].title}, stands in for {ROLES[role].title}."
        for role, pair in zip(one.roles, found, strict=True)
        if pair is not None and pair[1].role != role
    )


def _unused(card: Card, made: Fit, layer: Layer) -> tuple[str, ...]:
    """Bands of the same date that hold light or something unknown and are not used."""
    left = [
        band for band in layer.known.of_date(layer.date) if band.number in made.left_out and band.kind != QUALITY
    ]  # fmt: skip
    return (f"{card.title} does not use {some_of(left)}.",) if left else ()


def _lacks(card: Card, one: Inputs, missing: Sequence[str], layers: Sequence[Layer]) -> str:
    """Which bands are missing, and what is there."""
    coded = "rededge2" in one.roles
    names = [ROLES[role].title + (f" ({code_of(role)})" if coded and code_of(role) else "") for role in missing]
    if len(names) == 1:
        word = f"the {ROLES[missing[0]].title} band" + (f" ({code_of(missing[0])})" if coded else "")
    else:
        word = f"the {listed(names)} bands"
    where = "this raster lacks" if len(layers) == 1 else "these rasters lack"
    if not any(layer.known.roles(layer.date) for layer in layers):
        return f"{card.title} needs {word}. {holds(layers, missing)}"
    return f"{card.title} needs {word}, which {where}. {holds(layers, missing)}"


def _idle(card: Card, made: Fit, layers: Sequence[Layer]) -> str:
    """Why one of two rasters gives nothing, and what to do; empty where each gives something."""
    used = set(made.layers)
    if not card.inputs or len(used) == len(layers):
        return ""
    whole, idle = (layers[place].known.path for place in ((0, 1) if 0 in used else (1, 0)))
    most = card.inputs[0]
    missing = () if card.any_bands else tuple(role for role in most.roles if not _find(role, most.roles, layers))
    why = _lacks(card, most, missing, layers) if missing else f"All that {card.title} takes is in {whole}."
    return f"{why} To embed {made.inputs} alone, leave {idle} out."


def _unsure(layers: Sequence[Layer], made: Fit) -> tuple[str, ...]:
    """A sentence where bands in use are but guessed."""
    guessed = [
        band
        for number, layer in zip(made.bands, made.layers, strict=True)
        if (band := layers[layer].known.band(number)) and band.sure == GUESSED and band.role
        and number not in layers[layer].wish.numbers
    ]  # fmt: skip
    if not guessed or not made.inputs:
        return ()
    told = ", ".join(f"{band.role}={band.number}" for band in guessed[:13])
    return (f"Which band is what is a guess: {told}. If it is otherwise, give the bands in this way.",)


def _pixel_warnings(card: Card, layers: Sequence[Layer]) -> tuple[tuple[str, ...], bool]:
    low, high = card.resolution_m
    if not high:
        return (), False
    made_for = f"{low:g} m" if low == high else f"{low:g} to {high:g} m"
    notes, differ = [], False
    for layer in layers:
        pixel = layer.known.pixel_m
        if not pixel:
            notes.append(f"{layer.known.path} has no coordinate system, so it is not known how large a pixel is; "
                         f"{card.title} was made for pixels of {made_for}.")  # fmt: skip
        elif not low / PIXEL_TOLERANCE <= pixel <= high * PIXEL_TOLERANCE:
            differ = True
            notes.append(f"{card.title} was made for pixels of {made_for}; those of {layer.known.path} measure "
                         f"{pixel:.3g} m, so its vectors may say less. Resample the raster if they do.")  # fmt: skip
    return tuple(notes), differ
