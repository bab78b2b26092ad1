"""Backbones made for certain bands, on real rasters of many makers; weights are small and random, layout official."""

import os
from pathlib import Path

import numpy as np
import pytest
from quadrat.core.errors import BadInput
from quadrat.core.sidecar import read_sidecar
from quadrat.models import registry
from quadrat.tests.models.small import inputs_of

pytestmark = pytest.mark.data
BELGIUM = "s1s2_belgium_monthly"
S2 = f"{BELGIUM}/s2_l2a_2021-06.tif"
S1 = f"{BELGIUM}/s1_vv_vh_12months.tif"
TOGO = "presto_chip_togo/98-togo_2019-02-06_2020-02-01.tif"
LAHINCH = "s2_lahinch_series/s2_l1c_2017-09-18.tif"
NAIP = "naip_wetland/m_4709963_se_14_1_20100629.tif"
DRONE = "drone_ortho/pix4d_alpha_nodata.tif"
S2_WITHOUT_CIRRUS = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 13]


@pytest.fixture
def go(embed, request):
    """Embed a raster of the folder with a small stand-in for a card's network."""
    folder = os.environ.get("QUADRAT_DATA")
    if not folder:
        pytest.skip("QUADRAT_DATA does not name the folder with real data")

    def run(card, place, second="", **options):
        _, given = inputs_of(card, request)
        if registry.get(card).builder == "timm_model:build":
            pytest.skip("the card's own model is too large here")
        second = str(Path(folder) / "rasters" / second) if second else ""
        options = {"weights": given["weights"], "second": second, "storage": "float32", **options}
        return embed(str(Path(folder) / "rasters" / place), backbone=card, **options)

    return run


@pytest.mark.parametrize(
    ("card", "place", "bands", "roles"),
    [
        ("croma-base", TOGO, [3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 14, 15, 1, 2], "coastal swir2 vv vh"),
        ("croma-base", S1, [1, 2], "vv vh"),
        ("croma-base", LAHINCH, S2_WITHOUT_CIRRUS, "coastal swir2"),
        ("smarties-base", LAHINCH, S2_WITHOUT_CIRRUS, "coastal swir2"),
        ("smarties-base", S2, None, "blue red nir swir1"),
        ("smarties-base", NAIP, None, "red green blue nir"),
        ("coralnet-efficientnet-b0", DRONE, [1, 2, 3], "red green blue"),
        ("coralnet-efficientnet-b0", NAIP, [1, 2, 3], "red green blue"),
    ],
)
def test_the_bands_are_found(card, place, bands, roles, go):
    made = go(card, place)
    space = read_sidecar(made.path)["facts"]["space"]
    assert bands is None or space["bands"] == bands
    assert set(roles.split()) <= set(space["roles"])
    assert made.valid.any() and np.isfinite(made.values[:, made.valid]).all()
    assert made.values[:, made.valid].std(axis=1).max() > 0


def test_sentinel_2_without_three_bands_is_told_so(go):
    words = (
        r"coastal aerosol \(B1\), narrow near infrared \(B8A\) and water vapour \(B9\) bands, which this raster lacks"
    )
    with pytest.raises(BadInput, match=words):
        go("croma-base", S2)
    with pytest.raises(BadInput, match=r"which these rasters lack.*To embed Sentinel-1 GRD alone, leave"):
        go("croma-base", S2, second=S1)


def test_two_rasters_of_one_place_for_any_bands(go):
    made = go("smarties-base", S2, second=S1)
    assert {"blue", "vv", "vh"} <= set(read_sidecar(made.path)["facts"]["space"]["roles"])
