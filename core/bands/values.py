"""What stored numbers can mean, and how they become reflectance or decibels. Standard library only, for the forms."""

from dataclasses import dataclass
from typing import Dict, Tuple

AUTO = "auto"
PARAMETER = "Values of the bands"
"""Label of the parameter under which the user says it; sentences name it."""
REFLECTANCE, PICTURE, COUNTS, DECIBEL, POWER, AMPLITUDE = "reflectance", "picture", "counts", "dB", "power", "amplitude"
"""Units after scale and offset."""
AMPLITUDE_DB = -83.0
"""dB = 20 log10(number) - 83: how JAXA and WorldCereal code backscatter in 16 bits."""


@dataclass(frozen=True)
class Coding:
    """One way of storing: value = number * scale + offset, in `unit`."""

    name: str
    """In forms, on the command line and in sidecars; never changes once released."""
    title: str
    scale: float
    offset: float
    unit: str
    radar: bool = False


_CODINGS = (
    Coding("reflectance", "reflectance from 0 to 1", 1.0, 0.0, REFLECTANCE),
    Coding("reflectance+0.1", "reflectance from 0 to 1, + 0.1 (Sentinel-2 since 2022)", 1.0, -0.1, REFLECTANCE),
    Coding("x10000", "reflectance x 10000", 1e-4, 0.0, REFLECTANCE),
    Coding("x10000+1000", "reflectance x 10000 + 1000 (Sentinel-2 since 2022)", 1e-4, -0.1, REFLECTANCE),
    Coding("percent", "reflectance in per cent", 0.01, 0.0, REFLECTANCE),
    Coding("landsat-c2", "surface reflectance of Landsat's Collection 2", 2.75e-5, -0.2, REFLECTANCE),
    Coding("landsat-l1", "counts of Landsat 8-9 Level 1", 2e-5, -0.1, "reflectance before correction for the sun"),
    Coding("bytes", "bytes of a picture", 1 / 255, 0.0, PICTURE),
    Coding("counts", "counts of the sensor", 1.0, 0.0, COUNTS),
    Coding("db", "backscatter in decibels", 1.0, 0.0, DECIBEL, True),
    Coding("power", "backscatter as power", 1.0, 0.0, POWER, True),
    Coding("amplitude", "backscatter coded as amplitude (20 log10 - 83 is dB)", 1.0, 0.0, AMPLITUDE, True),
)
CODINGS: Dict[str, Coding] = {coding.name: coding for coding in _CODINGS}
CHOICES: Tuple[str, ...] = (AUTO, *CODINGS)
"""For the parameter of a job."""
