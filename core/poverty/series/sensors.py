"""Which satellite a composite is of, by names and tags: night lights of DMSP and VIIRS above all.

DMSP's Operational Linescan System gives whole numbers from 0 to 63 without calibration, at about 1 km, 1992 to 2013;
VIIRS' Day/Night Band gives radiance in nW/cm2/sr, at about 500 m, since 2012. Series that join them are harmonised
first (Li et al. 2020, Scientific Data 7, 168, DOI 10.1038/s41597-020-0510-y; Chen et al. 2021, ESSD 13, 889).
"""

import re
from collections.abc import Mapping
from pathlib import PurePath

from ...bands.facts import Facts
from ...bands.products import PRODUCTS

DMSP, VIIRS = "DMSP-OLS", "VIIRS-DNB"
LIGHTS = (DMSP, VIIRS)
_START, _END = r"(?<![a-z0-9])", r"(?![a-z0-9])"
_DMSP = re.compile(rf"dmsp|{_START}ols{_END}|{_START}f1[0-8](?:19|20)\d{{2}}|stable_lights|avg_vis")
_VIIRS = re.compile(rf"viirs|{_START}vnl|svdnb|{_START}dnb{_END}|vcmcfg|vcmslcfg|vnp46|blackmarble|black_marble")
_LIKE = re.compile(r"harmoni[sz]ed|viirs[-_ ]?like|dmsp[-_ ]?like|simviirs|caldmsp|ccnl")


def sensor_of(path: str, name: str, tags: Mapping[str, str]) -> str:
    """Title of the satellite that file name, band name or tags mention; empty where they mention none."""
    stem = PurePath(path.replace("\\", "/")).stem
    text = f"{stem} {name}".lower()
    if _DMSP.search(text) and not _VIIRS.search(text.replace("simviirs", "")):
        return DMSP
    if _VIIRS.search(text):
        return VIIRS
    told = Facts(path, (), (), tags=tags).mentioned
    return PRODUCTS[told[0]].title if told else ""


def is_harmonised(path: str) -> bool:
    """Whether the name of a file says that one sensor was made to look like the other."""
    return bool(_LIKE.search(PurePath(path.replace("\\", "/")).stem.lower()))


def names_lights(path: str) -> bool:
    """Whether a file holds night lights, by its name."""
    stem = PurePath(path.replace("\\", "/")).stem.lower()
    return bool(_DMSP.search(stem) or _VIIRS.search(stem) or re.search(r"ntl|night_?-?lights?", stem))
