import numpy as np
import pytest
import rasterio
from quadrat.core.errors import BadInput
from quadrat.core.jobs.embed import EmbedRaster
from quadrat.core.pipelines.registry import run_job
from quadrat.core.progress import Progress


@pytest.fixture
def embed(tmp_path):
    """Embeds an array; gives the lines of the log that are warnings."""

    def run(array, name="a", **fields):
        path = tmp_path / f"{name}.tif"
        count, height, width = array.shape
        profile = {"driver": "GTiff", "count": count, "height": height, "width": width, "dtype": array.dtype.name}
        with rasterio.open(
            path, "w", crs="EPSG:32633", transform=rasterio.Affine(10, 0, 0, 0, -10, 0), **profile
        ) as out:
            out.write(array)
        lines = []
        job = EmbedRaster(input=str(path), output=str(tmp_path / f"{name}_embedding.tif"), **fields)
        result = run_job(job, Progress(log=lambda level, text: lines.append(text) if level == "warning" else None))
        return result.outputs["output"], lines

    return run


def noise(count, seed=0):
    return np.random.default_rng(seed).normal(0.2, 0.05, (count, 60, 60)).astype("float32")


def test_a_nodata_value_that_is_not_declared_is_suspected(embed):
    array = noise(3)
    array[1, 5:9, 5:9] = -3.4e38
    _, warnings = embed(array)
    assert any("'band 2'" in line and "nodata" in line for line in warnings)


@pytest.mark.parametrize("kind", ["gauss", "lognormal", "bytes", "constant", "rare flag"])
def test_ordinary_bands_are_not_suspected(embed, kind):
    array = noise(3)
    if kind == "lognormal":
        array = np.exp(array * 60).astype("float32")
    elif kind == "bytes":
        array = (array * 500).clip(0, 255).astype("uint8")
    elif kind == "constant":
        array[1] = 7
    elif kind == "rare flag":
        array[1] = 0
        array[1, 3, 3] = 1
    _, warnings = embed(array)
    assert not [line for line in warnings if "far beyond" in line]


def test_a_device_without_use_is_said(embed):
    _, warnings = embed(noise(3), device="cuda")
    assert any("runs on CPU" in line for line in warnings)


def test_like_with_other_bands(embed):
    first, _ = embed(noise(4))
    with pytest.raises(BadInput, match="was made from 4 bands"):
        embed(noise(2), "two", like=first)
    with pytest.raises(BadInput, match="was made from 4 bands"):
        embed(noise(6), "six", like=first, bands=(1, 2))
    _, warnings = embed(noise(6), "more", like=first)
    assert any("1, 2, 3, 4 are taken" in line for line in warnings)
    _, warnings = embed(noise(6, 1), "chosen", like=first, bands=(6, 5, 4, 3))
    assert not warnings or not any("are taken" in line for line in warnings)
