"""The road itself, in real QGIS with a real worker: results, cancel, crash, threads, and what is left behind."""

import json
import os
import re
import signal
import threading
import time
from pathlib import Path

import pytest
from osgeo import gdal
from qgis.core import (
    QgsApplication,
    QgsProcessingAlgRunnerTask,
    QgsProcessingContext,
    QgsProcessingException,
    QgsProcessingFeedback,
    QgsProject,
    QgsRasterLayer,
)
from quadrat.processing.workers import close_pool, shared_pool


@pytest.fixture
def embedding(run, make_raster, tmp_path):
    """A small embedding, made here."""
    output = str(tmp_path / "embedding.tif")
    run("embedraster", INPUT=make_raster(), BACKBONE="raw", OUTPUT=output)
    return output


@pytest.fixture
def head(run, embedding, label_layer, tmp_path):
    output = str(tmp_path / "sides.qhead")
    run("trainhead", LABELS=label_layer, FIELD="kind", EMBEDDING=embedding, HEAD="prototype", OUTPUT=output)
    return output


@pytest.fixture
def loading(qgis_processing, monkeypatch):
    """A value for an output that is to be loaded into the project, as the toolbox gives it."""
    from processing.gui import Postprocessing
    from qgis.core import QgsProcessing, QgsProcessingOutputLayerDefinition

    # pytest-qgis' window has no real layer tree, and newer QGIS wants one or none.
    monkeypatch.setattr(Postprocessing, "iface", None, raising=False)
    return QgsProcessingOutputLayerDefinition(QgsProcessing.TEMPORARY_OUTPUT, QgsProject.instance())


def jobs_in(feedback):
    return [json.loads(line) for line in re.findall(r'^\{"job".*\}$', feedback.textLog(), re.MULTILINE)]


# Results -------------------------------------------------------------------------------------------------------------


def test_the_whole_road_on_the_sample(run, sample_raster, sample_labels, tmp_path):
    folder = tmp_path / "Ergebnisse mit Ümlaut"
    folder.mkdir()
    files = {name: str(folder / name) for name in ("e.tif", "a.qhead", "map.tif", "confidence.tif", "report.html")}
    run("embedraster", INPUT=sample_raster, OUTPUT=files["e.tif"])
    labels = {"LABELS": sample_labels, "FIELD": "class", "EMBEDDING": files["e.tif"]}
    run("trainhead", **labels, OUTPUT=files["a.qhead"])
    mapped = run(
        "applyhead", HEAD=files["a.qhead"], EMBEDDING=files["e.tif"], OUTPUT=files["map.tif"],
        CONFIDENCE=files["confidence.tif"],
    )  # fmt: skip
    assert mapped == {"OUTPUT": files["map.tif"], "CONFIDENCE": files["confidence.tif"]}
    report = run("assesshead", **labels, FOLDS=2, REPEATS=1, OUTPUT=files["report.html"])
    assert "<html" in Path(report["OUTPUT"]).read_text(encoding="utf-8")[:200].lower()

    source, result = gdal.Open(sample_raster), gdal.Open(files["map.tif"])
    assert result.GetGeoTransform() == source.GetGeoTransform()
    assert (result.RasterXSize, result.RasterYSize) == (source.RasterXSize, source.RasterYSize)
    values = result.ReadAsArray()
    facts = json.loads(Path(files["map.tif"] + ".quadrat.json").read_text(encoding="utf-8"))["facts"]
    assert {c["name"] for c in facts["classes"]} == {"village", "forest", "water", "dryout"}
    share = {c["name"]: (values == c["value"]).mean() for c in facts["classes"]}
    assert share["forest"] > share["village"] > 0.01, "a village in the forest"
    leftovers = {path.name for path in folder.iterdir() if path.name.endswith(".aux.xml") or ".part" in path.name}
    assert leftovers == set()


def test_memory_labels_in_another_crs_teach_a_map(run, head, embedding, tmp_path):
    out = run("applyhead", HEAD=head, EMBEDDING=embedding, OUTPUT=str(tmp_path / "map.tif"))["OUTPUT"]
    values = gdal.Open(out).ReadAsArray()
    facts = json.loads(Path(out + ".quadrat.json").read_text(encoding="utf-8"))["facts"]
    value = {c["name"]: c["value"] for c in facts["classes"]}
    assert (values[:, :28] == value["left"]).mean() > 0.95
    assert (values[:, 36:] == value["right"]).mean() > 0.95


def test_tables_without_geometry_and_outputs_that_are_not_written(provider, run, loading, qgis_new_project, tmp_path):
    from processing.gui.AlgorithmExecutor import execute
    from processing.gui.Postprocessing import handleAlgorithmResults

    rows = [f"{'wet' if n % 2 else 'dry'},{n % 2 + 0.01 * n},{-(n % 2)},{n // 3}" for n in range(30)]
    table, head = tmp_path / "table.csv", str(tmp_path / "a.qhead")
    table.write_text("\n".join(["kind,b1,b2,site", *rows]))
    run("trainhead", LABELS=str(table), FIELD="kind", FEATURE_FIELDS=["b1", "b2"], GROUP_FIELD="site", OUTPUT=head)
    out = run("applyhead", HEAD=head, TABLE=str(table), OUTPUT_TABLE=str(tmp_path / "predicted.csv"))
    assert out == {"OUTPUT_TABLE": str(tmp_path / "predicted.csv")}
    assert len((tmp_path / "predicted.csv").read_text().splitlines()) == 31

    context, feedback = QgsProcessingContext(), QgsProcessingFeedback(False)
    context.setProject(QgsProject.instance())
    algorithm = provider.algorithm("applyhead").create()
    values = {"HEAD": head, "TABLE": str(table), "OUTPUT": loading, "OUTPUT_TABLE": loading}
    ok, results = execute(algorithm, values, context, feedback)
    assert ok, feedback.textLog()
    assert list(results) == ["OUTPUT_TABLE"]
    assert handleAlgorithmResults(algorithm, context, feedback), "no map was made, so none is missed"
    (layer,) = QgsProject.instance().mapLayers().values()
    assert layer.featureCount() == 30
    assert layer.name() == "Predicted table of table"


def test_job_in_the_log_replays_the_run(run, feedback, make_raster, engine, tmp_path):
    import subprocess

    first = run("embedraster", feedback=feedback, INPUT=make_raster(), BACKBONE="raw", OUTPUT=str(tmp_path / "a.tif"))
    (job,) = jobs_in(feedback)
    job["output"] = str(tmp_path / "b.tif")
    (tmp_path / "job.json").write_text(json.dumps(job))
    root = Path(__file__).resolve().parents[2]
    command = [str(engine.python), str(root / "__main__.py"), "run", str(tmp_path / "job.json")]
    subprocess.run(command, check=True, capture_output=True, cwd=tmp_path)
    again, before = gdal.Open(job["output"]).ReadAsArray(), gdal.Open(first["OUTPUT"]).ReadAsArray()
    assert (again == before).all()


def test_extent_and_bands_arrive(run, make_raster, tmp_path):
    out = run(
        "embedraster", INPUT=make_raster(bands=4), BANDS=[4, 2], EXTENT="500100,500300,5399700,5399900 [EPSG:32633]",
        BACKBONE="raw", STORAGE="float32", OUTPUT=str(tmp_path / "part.tif"),
    )["OUTPUT"]  # fmt: skip
    result = gdal.Open(out)
    assert (result.RasterCount, result.RasterXSize, result.RasterYSize) == (2, 20, 20)
    assert result.GetGeoTransform()[0] == 500_100


def test_batch(run, make_raster, tmp_path):
    """What the batch form does: one algorithm, row after row, on one warm worker."""
    workers = set()
    for number in range(3):
        out = run(
            "embedraster",
            INPUT=make_raster(f"{number}.tif", seed=number),
            BACKBONE="raw",
            OUTPUT=str(tmp_path / f"o{number}.tif"),
        )
        assert os.path.isfile(out["OUTPUT"])
        workers.update(worker.pid for worker in shared_pool()._idle)
    assert len(workers) == 1


def test_errors_of_the_engine_are_sentences(run, feedback, embedding, label_layer, tmp_path):
    with pytest.raises(QgsProcessingException, match="kindd") as caught:
        run(
            "trainhead",
            feedback=feedback,
            LABELS=label_layer,
            FIELD="kindd",
            EMBEDDING=embedding,
            OUTPUT=str(tmp_path / "a.qhead"),
        )
    assert "Traceback" not in str(caught.value)
    assert not (tmp_path / "a.qhead").exists()


def test_progress_comes_through(run, make_raster, tmp_path):
    seen = []
    feedback = QgsProcessingFeedback(False)
    feedback.progressChanged.connect(seen.append)
    run("embedraster", feedback=feedback, INPUT=make_raster(), OUTPUT=str(tmp_path / "a.tif"))
    assert seen == sorted(seen)
    assert seen[-1] == 100


# Stopping and crashing -----------------------------------------------------------------------------------------------


class Watcher(QgsProcessingFeedback):
    """Calls back once, when the job has been running for a while."""

    def __init__(self, act):
        super().__init__(False)
        self.act, self.seen = act, 0
        self.acted_at = None

    def setProgressText(self, text):
        super().setProgressText(text)
        self.seen += 1
        if self.seen == 1:
            threading.Timer(0.5, self._do).start()

    def _do(self):
        self.acted_at = time.monotonic()
        self.act(self)


def test_cancel_answers_soon(run, long_raster, tmp_path):
    feedback = Watcher(lambda own: own.cancel())
    with pytest.raises(QgsProcessingException, match="Stopped"):
        run("embedraster", feedback=feedback, INPUT=long_raster, OUTPUT=str(tmp_path / "a.tif"))
    assert time.monotonic() - feedback.acted_at < 5, "a second on a machine with nothing else to do; the job takes 30"
    assert not (tmp_path / "a.tif").exists()


def test_killed_worker_is_named_and_the_next_run_works(run, long_raster, make_raster, workers, tmp_path):
    feedback = Watcher(lambda own: [os.kill(pid, signal.SIGKILL) for pid in workers()])
    with pytest.raises(QgsProcessingException, match="engine's process ended in the middle"):
        run("embedraster", feedback=feedback, INPUT=long_raster, OUTPUT=str(tmp_path / "a.tif"))
    assert not (tmp_path / "a.tif").exists()
    out = run("embedraster", INPUT=make_raster(), BACKBONE="raw", OUTPUT=str(tmp_path / "b.tif"))
    assert os.path.isfile(out["OUTPUT"])


# Threads -------------------------------------------------------------------------------------------------------------


class Task:
    """One algorithm in a background thread, as the toolbox runs it."""

    def __init__(self, provider, algorithm, **values):
        self.algorithm = provider.algorithm(algorithm).create()
        self.context, self.feedback, self.done = QgsProcessingContext(), QgsProcessingFeedback(False), []
        self.context.setProject(QgsProject.instance())
        self.task = QgsProcessingAlgRunnerTask(self.algorithm, values, self.context, self.feedback)
        self.task.executed.connect(lambda ok, results: self.done.append((ok, results)))
        QgsApplication.taskManager().addTask(self.task)


def test_two_at_once_in_background_threads(provider, make_raster, qtbot, tmp_path):
    tasks = [
        Task(
            provider,
            "embedraster",
            INPUT=make_raster(f"{n}.tif", seed=n),
            BACKBONE="raw",
            OUTPUT=str(tmp_path / f"o{n}.tif"),
        )
        for n in range(2)
    ]
    qtbot.waitUntil(lambda: all(t.done for t in tasks), timeout=30_000)
    for number, task in enumerate(tasks):
        assert task.done == [(True, {"OUTPUT": str(tmp_path / f"o{number}.tif")})], task.feedback.textLog()
    first, second = (gdal.Open(str(tmp_path / f"o{n}.tif")).ReadAsArray() for n in range(2))
    assert (first != second).any()


def test_memory_layer_in_a_background_thread(provider, embedding, label_layer, qtbot, tmp_path):
    output = str(tmp_path / "a.qhead")
    task = Task(
        provider,
        "trainhead",
        LABELS=label_layer.id(),
        FIELD="kind",
        EMBEDDING=embedding,
        HEAD="prototype",
        OUTPUT=output,
    )
    label_layer.dataProvider().truncate()  # the run works on the layer as it was when it was started
    qtbot.waitUntil(lambda: bool(task.done), timeout=30_000)
    assert task.done == [(True, {"OUTPUT": output})], task.feedback.textLog()
    assert "24 features" in task.feedback.textLog()


def test_main_thread_stays_free_during_a_background_run(provider, long_raster, qtbot, tmp_path):
    from qgis.PyQt.QtCore import QTimer

    ticks = []
    timer = QTimer()
    timer.timeout.connect(lambda: ticks.append(time.monotonic()))
    timer.start(10)
    task = Task(provider, "embedraster", INPUT=long_raster, OUTPUT=str(tmp_path / "a.tif"))
    qtbot.waitUntil(lambda: len(ticks) > 50, timeout=10_000)
    task.feedback.cancel()
    task.task.cancel()
    qtbot.waitUntil(lambda: bool(task.done), timeout=10_000)
    timer.stop()
    assert not task.done[0][0]


# What is left behind -------------------------------------------------------------------------------------------------


def test_closing_ends_the_workers(run, make_raster, workers, tmp_path):
    run("embedraster", INPUT=make_raster(), BACKBONE="raw", OUTPUT=str(tmp_path / "a.tif"))
    assert len(workers()) == 1
    close_pool()
    assert workers() == []


def check_loaded(algorithm, context, feedback):
    from processing.gui.Postprocessing import handleAlgorithmResults

    assert handleAlgorithmResults(algorithm, context, feedback)
    (layer,) = QgsProject.instance().mapLayers().values()
    assert isinstance(layer, QgsRasterLayer)
    assert layer.name() == "Embedding of olinda"
    facts = json.loads(Path(layer.source() + ".quadrat.json").read_text(encoding="utf-8"))["facts"]
    low, high = facts["picture"]["ranges"][0]
    stretch = layer.renderer().redContrastEnhancement()
    assert (stretch.minimumValue(), stretch.maximumValue()) == pytest.approx((low, high))
    assert "Embed raster" in layer.metadata().abstract()
    assert "raw" in layer.metadata().abstract()


def test_results_load_with_a_speaking_name_and_a_story(provider, make_raster, loading, qgis_new_project):
    from processing.gui.AlgorithmExecutor import execute

    context, feedback = QgsProcessingContext(), QgsProcessingFeedback(False)
    context.setProject(QgsProject.instance())
    algorithm = provider.algorithm("embedraster").create()
    values = {"INPUT": make_raster("olinda.tif"), "BACKBONE": "raw", "OUTPUT": loading}
    ok, _ = execute(algorithm, values, context, feedback)
    assert ok, feedback.textLog()
    check_loaded(algorithm, context, feedback)


def test_results_of_a_background_run_load_too(provider, make_raster, loading, qgis_new_project, qtbot):
    task = Task(provider, "embedraster", INPUT=make_raster("olinda.tif"), BACKBONE="raw", OUTPUT=loading)
    qtbot.waitUntil(lambda: bool(task.done), timeout=30_000)
    assert task.done[0][0], task.feedback.textLog()
    check_loaded(task.algorithm, task.context, task.feedback)


def test_the_command_in_the_log_repeats_the_run_from_any_folder(run, make_raster, tmp_path, monkeypatch):
    """Exactly as it stands there, by a shell that knows nothing of QGIS and of this checkout."""
    import subprocess

    feedback = QgsProcessingFeedback(False)
    output = tmp_path / "made é" / "raw.tif"
    output.parent.mkdir()
    run("embedraster", INPUT=make_raster(), BACKBONE="raw", OUTPUT=str(output), feedback=feedback)
    said = feedback.textLog().splitlines()
    at = next(number for number, text in enumerate(said) if "job.json and run: " in text)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "job.json").write_text(said[at + 1], encoding="utf-8")
    output.unlink()
    command = said[at].partition(" and run: ")[2]
    done = subprocess.run(command, shell=True, cwd=elsewhere, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert output.is_file()
