"""Cells of real rasters through real architectures: weights are small and random, layout official."""

import importlib.util
import os
from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
import shapely
from quadrat.core.cellvectors import View, vectors_of
from quadrat.core.chips import Chips
from quadrat.core.errors import BadInput
from quadrat.core.jobs.embedcells import EmbedCells
from quadrat.core.pipelines.embedcells import run
from quadrat.core.progress import Progress
from quadrat.core.raster import open_raster
from quadrat.core.sidecar import read_sidecar
from quadrat.tests.models import conftest
from quadrat.tests.models.small import inputs_of

from .test_real_backbones import NAIP, S1, TOGO

pytestmark = pytest.mark.data
CONTEXTS = ("cell", "window", "centre")


@pytest.fixture
def go(tmp_path, request):
    """`go(card, raster, size, ...)`: vectors of squares of `size` pixels, at most `most` of them, and the facts."""
    folder = os.environ.get("QUADRAT_DATA")
    if not folder:
        pytest.skip("QUADRAT_DATA does not name the folder with real data")
    pytest.importorskip("torch")

    def run_on(card, place, size, name="out.gpkg", second="", most=4, **options):
        given = small_vit(tmp_path) if card == "timm" else inputs_of(card, request)[1]
        raster, second = (str(Path(folder) / "rasters" / path) if path else "" for path in (place, second))
        with open_raster(raster) as reader:
            grid = reader.grid
        corners = [
            (r, c) for r in range(0, grid.height - size + 1, size) for c in range(0, grid.width - size + 1, size)
        ]
        boxes = [shapely.box(c, r, c + size, r + size) for r, c in corners[:: -(-len(corners) // most)]]
        shapes = shapely.transform(boxes, lambda xy: np.stack(grid.transform @ tuple(xy.T), 1))
        layer, log = str(tmp_path / "cells.gpkg"), []
        gpd.GeoDataFrame(geometry=shapes, crs=grid.crs).to_file(layer)
        options = {"weights": given["weights"], "second": second, **options}
        model = given["model"] if card == "timm" else ""
        job = EmbedCells(
            input=raster, cells=layer, backbone=card, model=model, output=str(tmp_path / name), **options
        )  # fmt: skip
        facts = run(job, Progress(log=lambda level, text: log.append(text))).facts
        table = gpd.read_file(job.output)
        run_on.text, run_on.space = " ".join(log), read_sidecar(job.output)["facts"]["space"]
        return table[[column for column in table if column.startswith("emb_")]].to_numpy(), facts

    return run_on


def small_vit(folder):
    """timm's smallest transformer, with random weights."""
    if importlib.util.find_spec("timm") is None:
        pytest.skip("timm is not installed")
    return {"model": conftest.TINY, "weights": str(conftest.save_weights(conftest.TINY, folder / "tiny.pth"))}


def vary(found):
    """All are there, and differ from cell to cell."""
    return np.isfinite(found).all() and (len(found) == 1 or found.std(axis=0).max() > 1e-4)


@pytest.mark.parametrize("context", CONTEXTS)
def test_croma_sees_both_sensors_of_togo(go, context):
    found, facts = go("croma-base", TOGO, 15, context=context, months="", most=2)
    assert found.shape[1] == 16 and vary(found) and facts["context"] == context
    assert set(go.space["roles"]) >= {"vv", "vh", "coastal", "swir2"} and len(go.space["roles"]) == 14
    assert facts["window_px"] == (0 if context == "cell" else 120)


def test_croma_sees_radar_alone_and_as_published_scales_each_batch(go):
    one, _ = go("croma-base", S1, 15)
    assert vary(one) and go.space["roles"] == ["vv", "vh"]
    other, _ = go("croma-base", S1, 15, "b.gpkg", scaling="batch")
    again, _ = go("croma-base", S1, 15, "c.gpkg", scaling="batch")
    assert vary(other) and np.abs(one - other).max() > 1e-3 and (other == again).all()


@pytest.mark.parametrize(
    ("card", "context"),
    [*(("timm", context) for context in CONTEXTS), ("coralnet-efficientnet-b0", "cell")],
)
def test_networks_for_photographs_see_colours(go, card, context):
    found, facts = go(card, NAIP, 30, context=context, bands=(1, 2, 3), most=3)
    assert vary(found) and facts["cells_missing"] == 0
    assert found.shape[1] == (1280 if card.startswith("coralnet") else 64)


@pytest.mark.parametrize(("context", "tile"), [("cell", 0), ("window", 0), ("window", 16), ("centre", 16)])
def test_galileo_sees_a_year(go, context, tile):
    found, _ = go("galileo-nano", S1, 15, months="11-10", context=context, tile_size_px=tile, most=2)
    assert found.shape[1] == 16 and vary(found)
    assert len(set(go.space["dates"])) == 12 and go.space["patch_size_px"] == 5


@pytest.mark.parametrize(("context", "size"), [("cell", 1), ("cell", 3), ("cell", 16), ("window", 1), ("centre", 7)])
def test_galileo_sees_cells_of_all_sizes(go, context, size):
    assert vary(go("galileo-nano", S1, size, months="11-10", context=context, most=2)[0])


def test_a_series_without_months_is_a_sentence(go):
    with pytest.raises(BadInput, match="must know the month of each"):
        go("galileo-nano", TOGO, 15)


@pytest.mark.parametrize("bands", [2, 12, 14])
def test_the_published_form_is_bilinear_resizing_and_the_pooled_vector(bands, request):
    """Chips of 15 x 15 px brought to 120: torch's own interpolation, and the network's own vector of that."""
    torch, tools = pytest.importorskip("torch"), conftest
    from quadrat.models.spectrum import OPTICAL, RADAR

    _, given = inputs_of("croma-base", request)
    roles = {2: RADAR, 12: OPTICAL, 14: (*OPTICAL, *RADAR)}[bands]
    scene = tools.scene(bands)
    backbone = tools.build("croma-base", tools.request_for(scene, patch_size_px=0, **{**given, "roles": roles}))
    chips = np.stack([scene[:, r : r + 15, c : c + 15] for r, c in ((0, 0), (7, 20), (40, 33))])
    whole = np.ones((3, 15, 15), bool)
    view = View.of(backbone, "cell", 0, 15, any_size=False, on_lattice=True)
    found = vectors_of(backbone, view, Chips(np.arange(3), chips, whole, whole))
    large = torch.nn.functional.interpolate(torch.from_numpy(chips), (120, 120), mode="bilinear").numpy()
    np.testing.assert_allclose(found, backbone.pooled(large, np.ones((3, 120, 120), bool)), atol=1e-5)
