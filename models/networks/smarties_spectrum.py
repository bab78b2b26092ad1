"""The spectrum as SMARTIES divides it: which of its 17 learnt projections reads which band. numpy and torch not needed.

Source: Sumbul et al. 2025, arXiv:2506.19585; table of ranges: https://github.com/gsumbul/SMARTIES (Apache-2.0).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

from ..errors import UnusableModel
from ..spectrum import ROLES

Known = TypeVar("Known", str, float)
PROJECTIONS = 17
"""Learnt ones; two more are mixed of two each."""


@dataclass(frozen=True)
class Range:
    """One range of wavelengths, and how its projection is made."""

    name: str
    low: float
    """In nanometres."""
    high: float
    """In nanometres."""
    mix: tuple[tuple[int, float], ...]
    """Learnt projections and their shares, which sum to 1."""
    broad: bool = False
    """Of colour cameras, whose bands are wide."""

    @property
    def title(self) -> str:
        """For people: `blue band from 452 to 512 nm`."""
        words = self.name.rstrip("0123456789_").replace("_", " ")
        return f"{words} band from {self.low:g} to {self.high:g} nm"

    @property
    def centre(self) -> float:
        """In nanometres."""
        return (self.low + self.high) / 2


def _learnt(index: int, name: str, low: float, high: float, *, broad: bool = False) -> Range:
    return Range(name, low, high, ((index, 1.0),), broad)


_LEARNT = (
    _learnt(0, "aerosol", 422, 463),
    _learnt(1, "blue_1", 427, 558),
    _learnt(2, "blue_3", 430, 545, broad=True),
    _learnt(3, "green_1", 466, 620, broad=True),
    _learnt(4, "green_2", 524, 595),
    _learnt(5, "red_1", 590, 710, broad=True),
    _learnt(6, "red_2", 634, 696),
    _learnt(7, "red_edge_1", 689, 719),
    _learnt(8, "red_edge_2", 726, 755),
    _learnt(9, "near_infrared_1", 728, 938),
    _learnt(10, "near_infrared_2", 761, 802),
    _learnt(11, "near_infrared_3", 843, 886),
    _learnt(12, "short_wave_infrared_1", 923, 964),
    _learnt(13, "short_wave_infrared_3", 1516, 1704),
    _learnt(14, "short_wave_infrared_4", 2002, 2376),
    _learnt(15, "microwave_1", 5.5e7, 5.6e7),
    _learnt(16, "microwave_2", 5.5e7, 5.6e7),
)


def _mixed(name: str, low: float, high: float, first: int, second: int) -> Range:
    """A projection made of two.

    As published, a share grows with the distance of the centres, so that the farther one counts more: thermal
    infrared is read almost wholly by the projection of radar VV. The official weights were evaluated like that.
    """
    distances = [abs((low + high) / 2 - _LEARNT[index].centre) for index in (first, second)]
    shares = (distance / sum(distances) for distance in distances)
    return Range(name, low, high, tuple(zip((first, second), shares, strict=True)))


RANGES = {
    each.name: each
    for each in (*_LEARNT, _mixed("thermal_infrared_1", 10600, 11190, 14, 15), _mixed("blue_2", 452, 512, 0, 1))
}
BY_ROLE = {
    "coastal": ("aerosol",),
    "blue": ("blue_1", "blue_2"),
    "green": ("green_2",),
    "red": ("red_2",),
    "rededge1": ("red_edge_1",),
    "rededge2": ("red_edge_2",),
    "rededge3": ("near_infrared_2",),
    "nir": ("near_infrared_1", "near_infrared_3"),
    "nir_narrow": ("near_infrared_3", "near_infrared_1"),
    "water_vapour": ("short_wave_infrared_1",),
    "swir1": ("short_wave_infrared_3",),
    "swir2": ("short_wave_infrared_4",),
    "thermal": ("thermal_infrared_1",),
    "vv": ("microwave_1",),
    "vh": ("microwave_2",),
}
"""Candidates for a band of that role: that whose centre is near the wavelength, else the first. Cirrus has none."""
NEAR_NM = 10.0
COLOUR = {"red": "red_1", "green": "green_1", "blue": "blue_3"}
"""For pictures of these three bands and no other."""


def ranges_of(
    in_chans: int,
    roles: Sequence[str],
    wavelengths_nm: Sequence[float],
    names: Sequence[str] = (),
    *,
    picture: bool = False,
) -> tuple[Range, ...]:
    """The range of each band.

    Red, green and blue alone are read by the broad projections if they are a picture, or if no wavelengths are known;
    else they are bands of a multispectral sensor. Blue beside thermal is Landsat's.

    Args:
        in_chans: number of bands.
        roles: of each band, see `spectrum.py`; empty texts, or nothing at all, where unknown.
        wavelengths_nm: centre of each band; 0, or nothing at all, where unknown.
        names: of the bands, for messages.
        picture: whether values are those of a picture, and not reflectance.

    Raises:
        UnusableModel: a band fits no range, or it is not known what it is.
    """
    roles = _filled(roles, in_chans, "", "roles")
    wavelengths_nm = _filled(wavelengths_nm, in_chans, 0.0, "wavelengths")
    if is_coloured(roles) and (picture or not any(wavelengths_nm)):
        return tuple(RANGES[COLOUR[role]] for role in roles)
    found = []
    for index, (role, nm) in enumerate(zip(roles, wavelengths_nm, strict=True)):
        title = f"Band {index + 1}" + (f" ('{names[index]}')" if index < len(names) and names[index] else "")
        if role == "blue" and not nm and "thermal" in roles:
            found.append(RANGES["blue_2"])
        else:
            found.append(_of_role(role, nm, title) if role else _of_wavelength(nm, title))
    return tuple(found)


def is_coloured(roles: Sequence[str]) -> bool:
    """Whether there are red, green, blue, and nothing else."""
    return sorted(roles) == sorted(COLOUR)


def _filled(given: Sequence[Known], count: int, unknown: Known, what: str) -> Sequence[Known]:
    if given and len(given) != count:
        raise UnusableModel(f"{len(given)} {what} are given for {count} bands. Give one for each band.")
    return given or [unknown] * count


def _of_role(role: str, nm: float, title: str) -> Range:
    if role not in BY_ROLE:
        what = ROLES[role].title if role in ROLES else f"'{role}'"
        raise UnusableModel(f"{title} is {what}, for which SMARTIES has no projection. Leave this band out.")
    candidates = [RANGES[name] for name in BY_ROLE[role]]
    nearest = min(candidates, key=lambda each: abs(each.centre - nm))
    return nearest if abs(nearest.centre - nm) <= NEAR_NM else candidates[0]


def _of_wavelength(nm: float, title: str) -> Range:
    if not nm:
        raise UnusableModel(
            f"{title} has neither a role nor a wavelength, so SMARTIES cannot tell how to read it. Say what it "
            "measures, or leave it out."
        )
    holding = [each for each in RANGES.values() if each.low <= nm <= each.high and nm < _LEARNT[15].low]
    if not holding:
        raise UnusableModel(
            f"{title}, of {nm:g} nm, lies in none of the ranges that SMARTIES reads (422-964, 1516-1704, 2002-2376, "
            "10600-11190 nm, and radar VV and VH by their role). Leave this band out."
        )
    return min(holding, key=lambda each: (each.broad, abs(each.centre - nm)))
