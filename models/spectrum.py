"""What bands are: the roles that backbones ask for, and the light that each measures. Standard library only.

Ranges: nanometres in which the centre of a band of that role lies, after Sentinel-2 MSI, Landsat 4-9, MODIS and
PlanetScope (ESA Sentinel-2 User Handbook; USGS Landsat handbooks).
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


_ROLES = (
    Role("coastal", "coastal aerosol", (430, 455)),
    Role("blue", "blue", (455, 515)),
    Role("green", "green", (525, 600)),
    Role("red", "red", (625, 690)),
    Role("rededge1", "red edge 1", (694, 715)),
    Role("rededge2", "red edge 2", (730, 750)),
    Role("rededge3", "red edge 3", (770, 795)),
    Role("nir", "near infrared", (796, 860)),
    Role("nir_narrow", "near infrared, narrow", (860, 885)),
    Role("water_vapour", "water vapour", (930, 960)),
    Role("cirrus", "cirrus", (1360, 1390)),
    Role("swir1", "shortwave infrared 1", (1550, 1670)),
    Role("swir2", "shortwave infrared 2", (2080, 2290)),
    Role("thermal", "thermal infrared", (10_000, 12_500)),
    Role("vv", "radar VV"),
    Role("vh", "radar VH"),
)
ROLES: Dict[str, Role] = {role.name: role for role in _ROLES}
