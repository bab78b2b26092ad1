"""No job writes over what it reads."""

from pathlib import Path

import geopandas as gpd
import pytest
from quadrat.core.errors import BadJob
from quadrat.core.jobs.fewshot import ApplyHead, TrainHead
from quadrat.core.pipelines.registry import run_job
from quadrat.core.progress import Progress
from quadrat.tests.core import fields


@pytest.fixture
def raster(make_raster):
    return make_raster("scene.tif", fields.scene(), dtype="float32")


@pytest.fixture
def labels(tmp_path):
    path = tmp_path / "labels.gpkg"
    fields.labels().to_file(path)
    return str(path)


@pytest.fixture
def train(labels, raster):
    def go(output):
        job = {"labels": labels, "field": "kind", "embedding": raster, "head": "prototype", "output": str(output)}
        run_job(TrainHead.from_dict(job), Progress())
        return str(output)

    return go


@pytest.mark.parametrize("victim", ["labels.gpkg", "scene.tif"])
def test_training_never_writes_over_what_it_reads(train, tmp_path, raster, labels, victim):
    before = Path(raster).read_bytes()
    with pytest.raises(BadJob, match="Choose another file"):
        train(tmp_path / victim)
    assert Path(raster).read_bytes() == before
    assert len(gpd.read_file(labels)) == len(fields.labels())


def test_a_map_never_replaces_the_embedding_behind_a_link(train, tmp_path, raster):
    head = train(tmp_path / "a.qhead")
    link = tmp_path / "link.tif"
    try:
        link.symlink_to(raster)
    except OSError:
        pytest.skip("This system makes no links.")
    job = ApplyHead.from_dict({"head": head, "embedding": str(link), "output": raster})
    with pytest.raises(BadJob, match="Choose another file"):
        run_job(job, Progress())


def test_a_map_is_a_geotiff_by_name_too(train, tmp_path, raster):
    head = train(tmp_path / "a.qhead")
    job = ApplyHead.from_dict({"head": head, "embedding": raster, "output": str(tmp_path / "map.png")})
    with pytest.raises(BadJob, match=r"must be a \.tif file"):
        run_job(job, Progress())
