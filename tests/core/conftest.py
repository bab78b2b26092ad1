"""The embedding job on small backbones, and samples drawn and estimated from, for the tests of this folder."""

import json

import pytest
from quadrat.core.jobs.embed import EmbedRaster, OpenEmbedding
from quadrat.core.jobs.estimate import DrawSample, EstimateArea
from quadrat.core.pipelines.embedraster import run
from quadrat.core.pipelines.registry import run_job
from quadrat.core.progress import Progress
from quadrat.core.raster import open_raster
from quadrat.tests.core import nets, samplework


@pytest.fixture
def embed(tmp_path, monkeypatch):
    """Run the job with a path for the output; gives the embedding, its validity, the facts and the log."""

    nets.install(monkeypatch)

    def go(path, name="out.tif", progress=None, **fields):
        output = str(tmp_path / name)
        log = []
        job = EmbedRaster(**{"input": path, "output": output, "backbone": "localnet", "overlap_px": 8, **fields})
        result = run(job, progress or Progress(log=lambda level, text: log.append((level, text))))
        with open_raster(output) as reader:
            values, valid = reader.read(reader.grid.whole)
            return Answer(values, valid, result.facts, log, reader.grid, output)

    return go


@pytest.fixture
def opened(tmp_path):
    """Run the job; gives the embedding with its tags, the facts and the log."""

    def go(path, name="out.tif", progress=None, **fields):
        output = str(tmp_path / name)
        log = []
        progress = progress or Progress(log=lambda level, text: log.append((level, text)))
        result = run_job(OpenEmbedding(input=str(path), output=output, **fields), progress)
        with open_raster(output) as reader:
            values, valid = reader.read(reader.grid.whole)
            answer = Answer(values, valid, result.facts, log, reader.grid, output)
            answer.tags, answer.names = reader.tags, reader.band_names
            return answer

    return go


class Answer:
    def __init__(self, values, valid, facts, log, grid, path):
        self.values, self.valid, self.facts, self.log, self.grid, self.path = values, valid, facts, log, grid, path

    @property
    def text(self):
        return " ".join(text for _, text in self.log)


@pytest.fixture
def world(make_raster):
    """Truth as an array, and the path of its map, 10 m cells in UTM."""
    truth, shown = samplework.scene()
    path = make_raster("carte 場.tif", shown[None], nodata=0)
    samplework.name_classes(path)
    return truth, path


@pytest.fixture
def draw(tmp_path):
    """Draw a sample; gives its path, the facts and the log."""

    def go(name="sample é.gpkg", progress=None, **values):
        log, path = [], str(tmp_path / name)
        job = DrawSample.from_dict({"job": "drawsample", "output": path} | values)
        result = run_job(job, progress or Progress(log=lambda level, text: log.append(text)))
        return path, result.facts, log

    return go


@pytest.fixture
def estimate(tmp_path):
    """Estimate; gives the numbers, the log and the page."""

    def go(sample, name="r.html", **values):
        log, path = [], tmp_path / name
        job = EstimateArea.from_dict({"job": "estimatearea", "sample": sample, "output": str(path)} | values)
        run_job(job, Progress(log=lambda level, text: log.append(text)))
        return json.loads(path.with_suffix(".json").read_text(encoding="utf-8")), log, path.read_text(encoding="utf-8")

    return go
