"""The embedding job on small backbones, for the tests of this folder."""

import pytest
from quadrat.core.jobs.embed import EmbedRaster
from quadrat.core.pipelines.embedraster import run
from quadrat.core.progress import Progress
from quadrat.core.raster import open_raster
from quadrat.tests.core import nets


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


class Answer:
    def __init__(self, values, valid, facts, log, grid, path):
        self.values, self.valid, self.facts, self.log, self.grid, self.path = values, valid, facts, log, grid, path

    @property
    def text(self):
        return " ".join(text for _, text in self.log)
