"""Foreign documents for what QGIS itself reads: sidecars that dress layers, projects, pip's settings.

See `tests/core/test_fuzz.py`; here in QGIS's own Python.
"""

import json
import os

import pytest
from hypothesis import HealthCheck, given, settings
from qgis.core import QgsProject
from quadrat.core.jobs.registry import JOBS
from quadrat.processing import styles
from quadrat.processing.renderers import RENDERERS
from quadrat.processing.uv import parse_pip_config
from quadrat.processing.vectorstyles import DRESSERS
from quadrat.tests.core.fuzzing import Reader, documents, judge

EXAMPLES = 25
FACTS = {
    "classes": [{"value": 1, "name": "a", "colour": "#ff0000"}, {"value": 2, "name": "b?", "colour": "#00ff00"}],
    "picture": {"bands": [1, 2, 3], "ranges": [[0, 1], [0, 2], [0, 3]]}, "dates": ["2019", "2020"], "range": [0, 1],
    "low": 0.0, "high": 1.0, "min": 0, "max": 9, "credits": ["x"], "class_field": "class", "unsure": 0.1, "first": 1,
    "indicator": "light", "predicted": "proxy", "breaks": [0, 1, 2], "threshold": 0.5, "field": "value",
}  # fmt: skip


def sidecar(kind, **facts):
    job = {**JOBS["embedraster"].example().to_dict(), "map": "x.tif", "head": "x.qhead"}
    return json.dumps({"format": 1, "job": job, "facts": {**FACTS, "result": kind, **facts}}).encode()


def _dressed(path):
    """As a result is shown when it is loaded, in the main thread of QGIS."""
    source = path[: -len(styles.SUFFIX)]
    facts, job = styles.read_facts(source)
    kind = styles.kind_of(source, facts, job)
    styles.renderer_of(source)
    kind, told = styles.looks_of(source, facts, job)
    if kind in DRESSERS:
        styles.dress(styles.stand_in(kind, told), kind, told)
    styles.abstract(facts, job), styles.credits_of(facts), styles.layer_name("Map", job, facts)
    styles.save_style(source)


def _project(text):
    from quadrat.plugin.teach.project import ENTRY, SCOPE, TeachMemory

    QgsProject.instance().writeEntry(SCOPE, ENTRY, text)
    memory = TeachMemory()
    memory.values(), memory.layer("labels")
    memory.close()


def _intervals(path):
    """Shares from a report that lies beside a map."""
    from quadrat.plugin.teach.intervals import shares_beside

    folder = os.path.dirname(path)
    beside = os.path.join(folder, "m.tif")
    open(beside, "wb").close()
    return shares_beside(beside)


REPORT = json.dumps({"job": {"job": "estimatearea", "map": "m.tif"}, "facts": {
    "rows": [{"name": "a", "low": 0.1, "high": 0.2}, {"name": "b"}]}}).encode()  # fmt: skip
READERS = [
    Reader("sidecar of a raster", _dressed, lambda: [sidecar(kind) for kind in RENDERERS], "json",
           name_of_file="a.tif.quadrat.json"),
    Reader("sidecar of a layer", _dressed, lambda: [sidecar(kind) for kind in DRESSERS], "json",
           name_of_file="a.gpkg.quadrat.json"),
    Reader("report beside a map", _intervals, lambda: [REPORT], "json", name_of_file="r.html.quadrat.json"),
    Reader("project", _project, lambda: [b'{"version": 1, "raster_path": "a.tif", "labels": "x", "classes": [1]}'],
           "json", as_text=True),
    Reader("settings of pip", lambda text: parse_pip_config(text.splitlines()),
           lambda: [b"global.index-url='https://example.org'\ninstall.no-index='true'"], "line", as_text=True),
]  # fmt: skip


@pytest.fixture(autouse=True)
def _clean():
    yield
    QgsProject.instance().clear()


@pytest.mark.parametrize("reader", READERS, ids=lambda reader: reader.name)
def test_foreign_documents_are_read_or_refused_in_a_sentence(reader, tmp_path):
    @settings(max_examples=EXAMPLES, derandomize=True, database=None, deadline=None, suppress_health_check=HealthCheck)
    @given(documents(reader))
    def tried(document):
        finding = judge(reader, document, tmp_path)
        assert finding is None, f"{finding}\n{finding.detail}"

    tried()


DEEP = b"[" * 100_000 + b"]" * 100_000
FOUND = {
    "nested sidecar": (0, DEEP),
    "job that is a list": (0, json.dumps({"job": {"job": []}, "facts": {}}).encode()),
    "classes that are a number": (0, sidecar("classmap", classes=5)),
    "colours that are numbers": (0, sidecar("classmap", classes=[{"value": "x", "name": 1, "colour": []}])),
    "ranges of nothing": (0, sidecar("embedding", picture={"bands": [1], "ranges": [5]})),
    "band beyond all": (0, sidecar("embedding", picture={"bands": [1e400], "ranges": [[0, 1]]})),
    "credits that are a number": (0, sidecar("classmap", credits=7)),
    "places of no class": (1, sidecar("places", classes=5)),
    "rows of a report that are numbers": (2, REPORT.replace(b'{"name": "b"}', b"5")),
    "nested project": (3, DEEP),
    "deep project": (3, b'{"a": ' * 400 + b"1" + b"}" * 400),
    "nested setting": (4, b"global.index-url=" + b"(" * 5000),
}
"""What a reader stumbled over once."""


@pytest.mark.parametrize("what", FOUND)
def test_what_broke_a_reader_once_breaks_none(what, tmp_path):
    number, document = FOUND[what]
    finding = judge(READERS[number], document, tmp_path)
    assert finding is None, f"{finding}\n{finding.detail}"


@pytest.mark.parametrize("kind", RENDERERS)
def test_a_whole_sidecar_dresses(kind, tmp_path):
    """Else everything would be refused at the door."""
    (tmp_path / "a.tif.quadrat.json").write_bytes(sidecar(kind))
    assert styles.renderer_of(str(tmp_path / "a.tif")) is not None
