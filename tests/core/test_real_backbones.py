"""Backbones made for certain bands, on real rasters of many makers; weights are small and random, layout official."""

import os
from pathlib import Path

import numpy as np
import pytest
import rasterio
from quadrat.core.errors import BadInput
from quadrat.core.sidecar import read_sidecar
from quadrat.models import registry
from quadrat.tests.models.small import inputs_of
from rasterio.windows import Window

pytestmark = pytest.mark.data
BELGIUM = "s1s2_belgium_monthly"
S2 = f"{BELGIUM}/s2_l2a_2021-06.tif"
S1 = f"{BELGIUM}/s1_vv_vh_12months.tif"
TOGO = "presto_chip_togo/98-togo_2019-02-06_2020-02-01.tif"
LAHINCH = "s2_lahinch_series/s2_l1c_2017-09-18.tif"
VILLAGE = "s2_amazon_village/sen2_l2a_12band.tif"
NAIP = "naip_wetland/m_4709963_se_14_1_20100629.tif"
DRONE = "drone_ortho/pix4d_alpha_nodata.tif"
SIDE_PX = 256
"""Of the middle of a raster, which is what is embedded."""
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
        path = Path(folder) / "rasters" / place
        return embed(str(path), backbone=card, extent=middle_of(path), **options)

    return run


def middle_of(path):
    """The extent of a square about the middle; empty where the raster is smaller."""
    with rasterio.open(path) as dataset:
        if max(dataset.shape) <= SIDE_PX:
            return ""
        row, col = ((side - SIDE_PX) // 2 for side in dataset.shape)
        west, south, east, north = dataset.window_bounds(Window(col, row, SIDE_PX, SIDE_PX))
        return f"{west},{east},{south},{north}"


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


@pytest.fixture
def belgium(tmp_path):
    """All months of Sentinel-2 as one raster with names such as B02_2020-11; two of them are nodata throughout."""
    folder = os.environ.get("QUADRAT_DATA")
    if not folder:
        pytest.skip("QUADRAT_DATA does not name the folder with real data")
    values, names = [], []
    for path in sorted((Path(folder) / "rasters" / BELGIUM).glob("s2_l2a_*.tif")):
        with rasterio.open(path) as dataset:
            values.append(dataset.read()[:, :24, :24])
            names += [f"{name}_{path.stem[-7:]}" for name in dataset.descriptions]
            profile = dataset.profile
    stack = np.concatenate(values)
    profile.update(count=len(stack), height=24, width=24)
    with rasterio.open(tmp_path / "s2.tif", "w", **profile) as dataset:
        dataset.write(stack)
        dataset.descriptions = names
    return str(tmp_path / "s2.tif"), str(Path(folder) / "rasters" / S1)


def test_a_year_of_both_sensors_with_months_that_nobody_saw(go, belgium):
    made = go("galileo-nano", belgium[0], belgium[1])
    space = read_sidecar(made.path)["facts"]["space"]
    assert made.values.shape == (16, 6, 6) and made.valid.all() and np.isfinite(made.values).all()
    assert len(set(space["dates"])) == 12 and space["months"][0] == 11
    assert "nir_narrow" not in space["roles"] and space["roles"].count("vv") == 12
    assert "2020-12 and 2021-01 mean is taken as told by the other dates" in made.text
    assert "Left out, as bands are missing: narrow near infrared." in made.text


def test_a_series_with_counters_is_asked_for_its_months(go):
    with pytest.raises(BadInput, match=r"must know the month of each of the 12 dates, which is not told for the first"):
        go("galileo-nano", TOGO)
    made = go("galileo-nano", TOGO, months="2-1")
    space = read_sidecar(made.path)["facts"]["space"]
    assert made.values.shape == (16, 5, 5) and space["months"][::12] == [2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 1]
    assert space["bands"][12] == 21  # B2_1: the second date has bands of its own


def test_one_scene_gets_the_month_of_its_name(go):
    made = go("galileo-nano", LAHINCH)
    space = read_sidecar(made.path)["facts"]["space"]
    assert set(space["months"]) == {9} and len(space["bands"]) == 10
    assert 0.9 < made.valid.mean() < 1
    with pytest.raises(BadInput, match="must know the month in which it was taken"):
        go("galileo-nano", VILLAGE)
    assert go("galileo-nano", VILLAGE, months="8").valid.all()
