"""ONNX files: what is accepted, what is refused with a sentence, and equality with the network by hand."""

import numpy as np
import pytest
from quadrat.models.errors import UnusableModel, WeightsNotFound
from quadrat.models.onnxnotes import notes_of_file

pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")

from quadrat.models.definitions import onnx_file  # noqa: E402


def build(tools, path, bands=3, **options):
    given = {"patch_size_px": 0, "scaling": "none", **options}
    return tools.build("onnx", tools.request_for(tools.scene(bands), model=str(path), **given))


def run(path, pixels):
    return onnxruntime.InferenceSession(str(path)).run(None, {"x": pixels})[0]


@pytest.mark.parametrize("batch", [None, 1, 3])
@pytest.mark.parametrize("size", [(None, None), (32, 32)])
@pytest.mark.parametrize("kind", ["map", "vector"])
def test_equals_the_network_by_hand(tools, tmp_path, kind, size, batch):
    path = tools.save_onnx(tmp_path / "net é.onnx", kind=kind, size=size, batch=batch)
    reference = tools.save_onnx(tmp_path / "free.onnx", kind=kind)
    backbone = build(tools, path, tile_size_px=0 if size[0] else 32)
    assert (backbone.tile_size_px, backbone.embed_dim) == (32, 6)
    assert backbone.patch_size_px == (8 if kind == "map" else 32)
    pixels = np.random.default_rng(1).random((4, 3, 32, 32)).astype(np.float32)
    valid = np.ones((4, 32, 32), bool)
    expected = run(reference, pixels)
    found = backbone(pixels, valid)
    assert found.ndim == 4
    np.testing.assert_allclose(found.reshape(expected.shape), expected, rtol=1e-5, atol=1e-5)
    pooled = expected if kind == "vector" else expected.mean(axis=(2, 3))
    np.testing.assert_allclose(backbone.pooled(pixels, valid), pooled, rtol=1e-5, atol=1e-5)


def test_normalisation_from_the_file(tools, tmp_path):
    notes = {"quadrat_mean": "[0.1, 0.2, 0.3]", "quadrat_std": "[0.5, 1, 2]", "quadrat_tile_size": "24"}
    backbone = build(tools, tools.save_onnx(tmp_path / "net.onnx", metadata=notes))
    assert backbone.tile_size_px == 24
    pixels = np.random.default_rng(1).random((1, 3, 24, 24)).astype(np.float32)
    given = (pixels - np.array([0.1, 0.2, 0.3])[:, None, None]) / np.array([0.5, 1, 2])[:, None, None]
    expected = run(tmp_path / "net.onnx", given.astype(np.float32))
    np.testing.assert_allclose(backbone(pixels, np.ones((1, 24, 24), bool)), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("notes", "words"),
    [({"quadrat_mean": "[1, x"}, "where numbers belong"), ({"quadrat_std": "[0, 1, 1]"}, "not above 0")],
)
def test_bad_metadata_are_refused(tools, tmp_path, notes, words):
    with pytest.raises(UnusableModel, match=words):
        build(tools, tools.save_onnx(tmp_path / "net.onnx", metadata=notes))


def test_tokens_are_refused(tools, tmp_path):
    path = tools.save_onnx(tmp_path / "tokens.onnx", kind="tokens", size=(32, 32))
    with pytest.raises(UnusableModel, match=r"must take \[N, C, H, W\].*Tokens"):
        build(tools, path)


def test_other_numbers_of_bands_and_sizes_are_refused(tools, tmp_path):
    path = tools.save_onnx(tmp_path / "net.onnx", size=(32, 32))
    with pytest.raises(UnusableModel, match="takes 3 bands, but 4 are given"):
        build(tools, path, bands=4)
    with pytest.raises(UnusableModel, match="takes tiles of 32 px only, not 64"):
        build(tools, path, tile_size_px=64)
    wide = tools.save_onnx(tmp_path / "wide.onnx", size=(32, 64))
    with pytest.raises(UnusableModel, match="must be square"):
        build(tools, wide)


def test_files_that_are_none_are_refused(tools, tmp_path):
    path = tools.save_onnx(tmp_path / "net.onnx")
    (tmp_path / "cut.onnx").write_bytes(path.read_bytes()[:200])
    (tmp_path / "text.onnx").write_text("hello")
    for name in ("cut.onnx", "text.onnx"):
        with pytest.raises(UnusableModel, match="cannot be read as an ONNX network"):
            build(tools, tmp_path / name)
    with pytest.raises(WeightsNotFound, match="does not exist"):
        build(tools, tmp_path / "none.onnx")
    with pytest.raises(UnusableModel, match="needs the path"):
        tools.build("onnx", tools.request_for(tools.scene(3)))


def test_device_that_is_not_there_is_refused(tools, tmp_path):
    if "CUDAExecutionProvider" in onnxruntime.get_available_providers():
        pytest.skip("this machine has CUDA")
    with pytest.raises(UnusableModel, match="'cuda' is not available"):
        build(tools, tools.save_onnx(tmp_path / "net.onnx"), device="cuda")


def test_windows_of_another_size_are_resampled_for_fixed_networks(tools, tmp_path):
    backbone = build(tools, tools.save_onnx(tmp_path / "net.onnx", size=(32, 32)))
    flat = np.full((1, 3, 50, 41), 0.25, np.float32)
    found = backbone.pooled(flat, np.ones((1, 50, 41), bool))
    expected = backbone.pooled(flat[:, :, :32, :32], np.ones((1, 32, 32), bool))
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("device", "built_with", "wanted"),
    [
        ("auto", ["CUDA", "CPU"], ["CUDA"]), ("auto", ["Dml", "CPU"], ["Dml"]), ("auto", ["CoreML", "CPU"], []),
        ("mps", ["CoreML", "CPU"], ["CoreML"]), ("cpu", ["CUDA", "CPU"], []), ("cuda", ["CUDA", "CPU"], ["CUDA"]),
    ],
)  # fmt: skip
def test_what_onnxruntime_was_built_with_is_used(device, built_with, wanted):
    def full(names):
        return [f"{name}ExecutionProvider" for name in names]

    assert onnx_file._providers(device, full(built_with), "1") == full(wanted)
    with pytest.raises(UnusableModel, match="Choose the device 'auto' or 'cpu'"):
        onnx_file._providers("cuda", full(["CPU", "Dml"]), "1")


def test_notes_are_read_without_the_network(tools, tmp_path):
    notes = {"quadrat_card": '{"title": "Größe"}', "other": "x" * 3000, "empty": ""}
    path = tools.save_onnx(tmp_path / "a.onnx", metadata=notes)
    assert notes_of_file(path) == notes == onnxruntime.InferenceSession(str(path)).get_modelmeta().custom_metadata_map
    whole = path.read_bytes()
    for length in (0, 1, 7, len(whole) // 2, len(whole) - 1):
        (tmp_path / "cut.onnx").write_bytes(whole[:length])
        assert notes_of_file(tmp_path / "cut.onnx") == {}
    (tmp_path / "text.onnx").write_text("no network at all, but a page of words")
    assert notes_of_file(tmp_path / "text.onnx") == notes_of_file(tmp_path / "none.onnx") == {}
