"""The ONNX twin of a network: the same vectors without torch, checked before it is kept."""

import importlib.util
import json
from types import SimpleNamespace

import numpy as np
import pytest
from quadrat.core.errors import BadInput, BadJob, QuadratError, Stale
from quadrat.core.jobs.embed import EmbedRaster
from quadrat.core.jobs.export import ExportOnnx
from quadrat.core.jobs.fewshot import TrainHead
from quadrat.core.pipelines import exportonnx
from quadrat.core.pipelines.registry import run_job
from quadrat.core.progress import Progress
from quadrat.core.raster import open_raster
from quadrat.core.sidecar import read_sidecar

from .test_pair import write

TINY = "test_vit"


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    """Seeded random weights of timm's smallest transformer."""
    torch = pytest.importorskip("torch")
    if importlib.util.find_spec("timm") is None:
        pytest.skip("timm is not installed")
    pytest.importorskip("onnx")
    from quadrat.models.torch_tools import import_timm

    torch.manual_seed(3)
    path = tmp_path_factory.mktemp("weights") / "tiny.pth"
    torch.save(import_timm().create_model(TINY, pretrained=False, num_classes=0).state_dict(), path)
    return str(path)


@pytest.fixture(scope="module")
def made(weights, tmp_path_factory):
    """A raster with holes, and its embedding by the tiny transformer: path, values, what is valid."""
    folder = tmp_path_factory.mktemp("made")
    values = np.random.default_rng(0).uniform(100, 3000, (3, 96, 128)).astype(np.float32)
    values[:, 10:30, 10:40] = np.nan
    return embedded(write(folder / "in.tif", values), folder / "one.tif", weights)


def embedded(raster, output, weights, **options):
    job = EmbedRaster(
        input=raster, output=str(output), backbone="timm", model=TINY, weights=weights, tile_size_px=32, overlap_px=8,
        storage="float32", **options,
    )  # fmt: skip
    run_job(job, Progress())
    with open_raster(str(output)) as reader:
        values, valid = reader.read(reader.grid.whole)
    return SimpleNamespace(raster=raster, path=str(output), values=values, valid=valid)


@pytest.fixture(scope="module")
def twin(made, tmp_path_factory):
    """The twin of this embedding: its path, the facts and what was said."""
    path = tmp_path_factory.mktemp("twin") / "twin é.onnx"
    result, said = export(made.path, path)
    return SimpleNamespace(path=str(path), facts=result.facts, said=said)


def export(embedding, output, **options):
    said = []
    job = ExportOnnx(embedding=embedding, output=str(output), **options)
    return run_job(job, Progress(log=lambda level, text: said.append(text))), said


def agree(embed, made, path):
    again = embed(made.raster, "two.tif", backbone="onnx", model=path, storage="float32")
    np.testing.assert_array_equal(again.valid, made.valid)
    np.testing.assert_allclose(again.values, made.values, atol=1e-4 * np.abs(made.values).max())


def test_the_twin_gives_the_same_embedding(made, twin, embed):
    assert twin.facts["largest_difference"] < 1e-4
    assert "both agree" in twin.said[-1]
    agree(embed, made, twin.path)


def test_the_twin_of_components_gives_the_same_components(made, weights, embed, tmp_path):
    first = embedded(made.raster, tmp_path / "five.tif", weights, dimensions=5)
    result, _ = export(first.path, tmp_path / "five.onnx")
    assert result.facts["largest_difference"] < 1e-4 and len(first.values) == 5
    agree(embed, first, str(tmp_path / "five.onnx"))


def test_the_file_says_what_it_is(made, twin):
    import onnxruntime

    session = onnxruntime.InferenceSession(twin.path)
    notes = session.get_modelmeta().custom_metadata_map
    assert notes["quadrat_input"] == "raw" and notes["quadrat_tile_size"] == "32"
    card = json.loads(notes["quadrat_card"])
    assert card["name"] == "timm" and card["model"] == TINY
    assert card["identity"] == read_sidecar(made.path)["facts"]["identity"]
    assert session.get_inputs()[0].shape == ["tiles", 3, 32, 32]


def test_what_has_no_twin_is_a_sentence(embed, make_raster, tmp_path):
    made = embed(make_raster("a.tif"), "raw.tif", backbone="raw")
    with pytest.raises(BadInput, match="needs no twin"):
        export(made.path, tmp_path / "a.onnx")
    with pytest.raises(BadJob, match=r"must be an \.onnx file"):
        export(made.path, tmp_path / "a.tif")
    with pytest.raises(BadInput, match="has no file"):
        export(make_raster("b.tif"), tmp_path / "b.onnx")
    assert not (tmp_path / "a.onnx").exists()


def test_other_weights_are_refused(made, weights, tmp_path):
    import torch

    other = {name: value + 0.1 for name, value in torch.load(weights, weights_only=True).items()}
    torch.save(other, tmp_path / "other.pth")
    with pytest.raises(Stale, match="not the one"):
        export(made.path, tmp_path / "a.onnx", weights=str(tmp_path / "other.pth"))


def test_a_twin_that_differs_is_not_kept(made, tmp_path, monkeypatch):
    monkeypatch.setattr(exportonnx, "MOST_DIFFERENCE", -1.0)
    with pytest.raises(QuadratError, match="not kept"):
        export(made.path, tmp_path / "a.onnx")
    assert list(tmp_path.glob("*.onnx")) == []


@pytest.fixture
def taught(made, tmp_path):
    """A head on the embedding, trained on rectangles of two or three classes, or of values."""

    def go(classes=3, **options):
        import geopandas as gpd
        import rasterio
        import shapely

        with rasterio.open(made.path) as dataset:
            bounds, crs = dataset.bounds, dataset.crs
        width = (bounds.right - bounds.left) / 6
        boxes = [shapely.box(bounds.left + i * width, bounds.bottom, bounds.left + (i + 0.9) * width, bounds.top)
                 for i in range(6)]  # fmt: skip
        table = {"class": [f"class {i % classes}" for i in range(6)], "value": [float(i) for i in range(6)]}
        gpd.GeoDataFrame(table, geometry=boxes, crs=crs).to_file(tmp_path / "labels.gpkg")
        job = {"labels": str(tmp_path / "labels.gpkg"), "field": "class", "embedding": made.path, **options}
        head = str(tmp_path / "a.qhead")
        run_job(TrainHead.from_dict({**job, "output": head}), Progress())
        return head

    return go


@pytest.mark.parametrize(
    ("classes", "options"),
    [
        (3, {"calibration": "none"}), (2, {"calibration": "none"}), (3, {"calibration": "temperature"}),
        (3, {"calibration": "platt"}), (3, {"target": "value", "field": "value"}),
    ],
)  # fmt: skip
def test_a_head_goes_along(classes, options, made, taught, embed, tmp_path):
    head = taught(classes, **options)
    result, said = export(made.path, tmp_path / "head.onnx", head=head)
    names = [] if options.get("target") == "value" else [f"class {number}" for number in range(classes)]
    assert result.facts["classes"] == names and result.facts["largest_difference"] < 1e-4
    assert ("a value for each" if not names else f"probabilities of {classes} classes") in said[-1]
    shares = embed(made.raster, "s.tif", backbone="onnx", model=result.outputs["output"], storage="float32")
    assert shares.values.shape[0] == max(len(names), 1)
    if names:
        np.testing.assert_allclose(shares.values[:, shares.valid].sum(axis=0), 1, atol=1e-4)


def test_heads_that_are_not_linear_or_of_another_space_are_refused(made, taught, embed, tmp_path):
    head = taught(head="forest-small", calibration="none")
    with pytest.raises(BadInput, match="only linear heads"):
        export(made.path, tmp_path / "a.onnx", head=head)
    head = taught(calibration="none")
    other = embed(made.raster, "raw.tif", backbone="raw")
    with pytest.raises(Stale, match="trained in the embedding space"):
        export(other.path, tmp_path / "a.onnx", head=head)
