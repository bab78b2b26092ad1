"""What bands are: the roles that backbones ask for, and the light that each measures. Standard library only.

Ranges: nanometres in which the centre of a band of that role lies, after Sentinel-2 MSI, Landsat 4-9, MODIS,
PlanetScope and common drone cameras (ESA Sentinel-2 User Handbook; USGS Landsat handbooks).
"""

from dataclasses import dataclass
from typing import Dict, Tuple


@dataclass(frozen=True)
class Role:
    """One kind of band."""

    name: str
    """In cards and on the command line."""
    title: str
    """For people."""
    nm: Tuple[float, float] = (0.0, 0.0)
    """Where its centre lies; 0: not light but radar."""
    typical_nm: float = 0.0
    """Centre of the band of Sentinel-2 (thermal: of Landsat 8): of several bands, the nearest to it is the best."""


_ROLES = (
    Role("coastal", "coastal aerosol", (430, 455), 443),
    Role("blue", "blue", (455, 515), 492),
    Role("green", "green", (525, 600), 560),
    Role("red", "red", (625, 690), 665),
    Role("rededge1", "red edge 1", (694, 722), 704),
    Role("rededge2", "red edge 2", (730, 750), 741),
    Role("rededge3", "red edge 3", (770, 795), 783),
    Role("nir", "near infrared", (796, 860), 833),
    Role("nir_narrow", "narrow near infrared", (860, 885), 865),
    Role("water_vapour", "water vapour", (930, 960), 945),
    Role("cirrus", "cirrus", (1360, 1390), 1374),
    Role("swir1", "shortwave infrared 1", (1550, 1670), 1614),
    Role("swir2", "shortwave infrared 2", (2080, 2290), 2202),
    Role("thermal", "thermal infrared", (10_000, 12_500), 10_895),
    Role("vv", "radar VV"),
    Role("vh", "radar VH"),
)
ROLES: Dict[str, Role] = {role.name: role for role in _ROLES}
OPTICAL = (
    "coastal", "blue", "green", "red", "rededge1", "rededge2", "rededge3", "nir", "nir_narrow", "water_vapour",
    "swir1", "swir2",
)  # fmt: skip
"""Of Sentinel-2 L2A, in its order."""
RADAR = ("vv", "vh")
"""Of Sentinel-1."""
TOLERANCE_NM = 12.0
"""By which a stated wavelength may miss the range of a role before the two contradict each other."""
NIR = ("nir", "nir_narrow")
"""Each may stand in for the other where only one of them is asked for."""


def role_at(nm: float) -> str:
    """Name of the role whose range holds a wavelength; empty where there is none."""
    for role in _ROLES:
        if role.nm[0] <= nm <= role.nm[1] and nm > 0:
            return role.name
    return ""


def agrees(role: str, nm: float) -> bool:
    """Whether a band of that role may have its centre at `nm`; the two near infrareds are one here."""
    low, high = ROLES[role].nm
    if role in NIR:
        low, high = ROLES["nir"].nm[0], ROLES["nir_narrow"].nm[1]
    return low - TOLERANCE_NM <= nm <= high + TOLERANCE_NM
