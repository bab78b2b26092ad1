import os
import sys

import pytest


@pytest.fixture(scope="session", autouse=True)
def engine_is_this_python():
    """These tests run in the engine's environment; the worker is started with the same interpreter."""
    before = os.environ.get("QUADRAT_PYTHON")
    os.environ["QUADRAT_PYTHON"] = sys.executable
    yield
    if before is None:
        del os.environ["QUADRAT_PYTHON"]
    else:
        os.environ["QUADRAT_PYTHON"] = before


@pytest.fixture(scope="session")
def pools():
    """The pool that all tests share, in a list: starting a worker and its libraries takes longer than what it does."""
    made = []
    yield made
    for pool in made:
        pool.close()


@pytest.fixture
def pool(pools):
    """A pool whose worker may be warm; one that a test closed is followed by another."""
    from quadrat.processing.client import WorkerPool

    if not pools or pools[-1]._closed:
        pools.append(WorkerPool())
    return pools[-1]


@pytest.fixture(scope="session")
def long_job(tmp_path_factory):
    """An embed job that takes ten seconds and more, so that it can be stopped or killed in the middle."""
    import numpy as np
    import rasterio

    folder = tmp_path_factory.mktemp("long job")
    generator = np.random.default_rng(0)
    path = folder / "große szene.tif"
    profile = {
        "driver": "GTiff", "width": 3072, "height": 3072, "count": 4, "dtype": "uint8", "tiled": True,
        "crs": "EPSG:32633", "transform": rasterio.Affine(10, 0, 500_000, 0, -10, 5_400_000),
    }  # fmt: skip
    with rasterio.open(path, "w", **profile) as dataset:
        dataset.write(generator.integers(1, 255, (4, 3072, 3072), dtype="uint8"))
    return {"job": "embedraster", "input": str(path), "patch_size_px": 1, "output": str(folder / "out.tif")}


@pytest.fixture
def short_job(tmp_path):
    """An embed job of a second."""
    import numpy as np
    import rasterio

    path = tmp_path / "small.tif"
    profile = {
        "driver": "GTiff", "width": 40, "height": 30, "count": 3, "dtype": "uint8",
        "crs": "EPSG:32633", "transform": rasterio.Affine(10, 0, 500_000, 0, -10, 5_400_000),
    }  # fmt: skip
    with rasterio.open(path, "w", **profile) as dataset:
        dataset.write(np.random.default_rng(0).integers(1, 255, (3, 30, 40), dtype="uint8"))
    return {"job": "embedraster", "input": str(path), "output": str(tmp_path / "embedding.tif")}
