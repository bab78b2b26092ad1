"""Facts of rasters that need no file, for the tests of bands; and where the real ones lie."""

import os
from pathlib import Path

import pytest
from quadrat.core.bands.facts import Facts
from quadrat.core.bands.recognise import recognise_facts

SAMPLE = Path(__file__).parents[2] / "resources" / "sample" / "sen2_l2a_12band.tif"
S2_12 = [
    "coastal", "blue", "green", "red", "rededge1", "rededge2", "rededge3", "nir", "nir_narrow", "water_vapour", "swir1",
    "swir2",
]  # fmt: skip
S2_13 = [*S2_12[:10], "cirrus", *S2_12[10:]]


def facts(names, path="image.tif", **more):
    """Facts of a raster whose bands bear these names; a number stands for so many bands without names."""
    names = [""] * names if isinstance(names, int) else names
    more = {"dtype": "uint16", "pixel_m": 10.0, "count": len(names), **more}
    return Facts(path, tuple(range(1, len(names) + 1)), tuple(names), **more)


def known_of(names, path="image.tif", **more):
    """What is recognised of `facts`."""
    return recognise_facts(facts(names, path, **more))


def real(place):
    """Path of a real raster; the test is skipped where the folder is not there."""
    folder = os.environ.get("QUADRAT_DATA")
    if not folder:
        pytest.skip("QUADRAT_DATA does not name the folder with real data")
    return str(Path(folder) / "rasters" / place)
