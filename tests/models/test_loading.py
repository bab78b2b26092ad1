"""Weights files: found in the right place, whole, and free of code."""

import json
import pickle
from dataclasses import replace

import pytest
from quadrat.models import loading
from quadrat.models.card import Source
from quadrat.models.errors import LicenceNotAccepted, UnusableModel, WeightsNotFound
from quadrat.tests.models.webserver import serving

torch = pytest.importorskip("torch")
SOURCE = Source("tiny.tag", repo_id="nobody/tiny.tag", licence="mit", parameters=5_000_000)
SMALL = replace(SOURCE, parameters=0)


@pytest.fixture
def home(tmp_path, monkeypatch):
    folder = tmp_path / "Häuser 家"
    monkeypatch.setenv("QUADRAT_HOME", str(folder))
    (folder / "weights").mkdir(parents=True)
    return folder / "weights"


class Evil:
    """What a hostile pickle would do at loading."""

    def __init__(self, flag):
        self.flag = flag

    def __reduce__(self):
        return open, (str(self.flag), "w")


def find(path="", download=False, source=SOURCE):
    return loading.find_weights(source, path, download=download, log=lambda text: None)


def test_missing_weights_name_model_size_licence_and_two_ways(home):
    with pytest.raises(WeightsNotFound, match=r"tiny\.tag.*20 MB.*mit.*Get weights.*Download weights.*Weights file"):
        find()
    with pytest.raises(WeightsNotFound, match="does not exist"):
        find(str(home / "none.pth"))


def test_store_is_looked_at_and_its_record_enforced(home):
    path = home / "tiny.tag.pth"
    torch.save({"a": torch.ones(3)}, path)
    with pytest.raises(UnusableModel, match=r"the weights of tiny.tag have about 20 MB"):
        find()
    assert find(source=SMALL) == path
    path.with_suffix(".json").write_text(json.dumps({"sha256": loading.sha256_of(path)}))
    assert find(source=SMALL) == path
    torch.save({"a": torch.zeros(3)}, path)
    with pytest.raises(UnusableModel, match=r"changed since it was first seen"):
        find(source=SMALL)


def test_hub_cache_is_looked_at(home, tmp_path, monkeypatch):
    import huggingface_hub.constants

    cache = tmp_path / "hub"
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(cache))
    repo = cache / "models--nobody--tiny.tag"
    (repo / "refs").mkdir(parents=True)
    (repo / "refs" / "main").write_text("abc")
    (repo / "snapshots" / "abc").mkdir(parents=True)
    (repo / "snapshots" / "abc" / "model.safetensors").write_bytes(b"x")
    monkeypatch.setattr("huggingface_hub.file_download.HF_HUB_CACHE", str(cache), raising=False)
    assert find() == repo / "snapshots" / "abc" / "model.safetensors"


def test_known_hash_and_licence_count_for_the_hub_cache_too(home, tmp_path, monkeypatch):
    from quadrat.models.weights import hashes

    (tmp_path / "file.safetensors").write_bytes(b"x")
    monkeypatch.setattr("huggingface_hub.try_to_load_from_cache", lambda *a, **o: str(tmp_path / "file.safetensors"))
    monkeypatch.setattr(hashes, "SUMS", tmp_path / "SUMS")
    assert find() == tmp_path / "file.safetensors"
    with pytest.raises(LicenceNotAccepted, match="mit"):
        loading.find_weights(replace(SOURCE, must_accept=True), "", download=False, log=print)
    (tmp_path / "SUMS").write_text("ab12*  tiny.tag\n")
    with pytest.raises(UnusableModel, match="not the official file"):
        find()


def test_download_without_network_says_what_to_do(home):
    source = Source("tiny.tag", url="http://127.0.0.1:9/tiny.pth", licence="mit")
    with pytest.raises(WeightsNotFound, match=r"could not be downloaded.*network"):
        loading.find_weights(source, "", download=True, log=lambda text: None)
    assert not [path for path in home.iterdir() if path.is_file()]


def test_download_keeps_hash(home, tmp_path):
    served = tmp_path / "tiny.pth"
    torch.save({"a": torch.ones(2)}, served)
    told = []
    with serving() as server:
        server.how.files["/tiny.pth"] = served.read_bytes()
        source = Source("tiny.tag", url=f"{server.url}/tiny.pth", licence="mit")
        path = loading.find_weights(source, "", download=True, log=told.append)
        assert loading.find_weights(source, "", download=True, log=told.append) == path
    assert len(server.how.seen) == 1
    assert path == home / "tiny.tag.pth"
    assert json.loads(path.with_name("tiny.tag.json").read_text())["sha256"] == loading.sha256_of(served)
    assert "mit" in told[0]
    assert list(loading.read_tensors(path)) == ["a"]


def test_a_stop_ends_a_download_and_keeps_what_came(home):
    class Stop(Exception):
        pass

    part = home / "fetching" / "tiny.tag.part"

    def look():
        if part.exists() and part.stat().st_size:
            raise Stop

    with serving() as server:
        server.how.files["/tiny.pth"], server.how.pace_s = b"PK\x03\x04" + bytes(1_000_000), 0.02
        source = Source("tiny.tag", url=f"{server.url}/tiny.pth")
        with pytest.raises(Stop):
            loading.find_weights(source, "", download=True, log=lambda text: None, look=look)
    assert 0 < part.stat().st_size < 1_000_000


def test_a_renamed_file_is_said_to_be_one(tmp_path):
    from safetensors.torch import save_file

    path = tmp_path / "weights.pt"
    save_file({"a": torch.ones(2)}, path)
    with pytest.raises(UnusableModel, match=r"called \.pt.*right name"):
        loading.read_tensors(path)


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
@pytest.mark.parametrize("share", [0.0, 0.3, 0.9])
def test_truncated_files_are_refused(tmp_path, suffix, share):
    from safetensors.torch import save_file

    path = tmp_path / f"weights{suffix}"
    tensors = {"a": torch.randn(40, 50), "b": torch.randn(7)}
    torch.save(tensors, path) if suffix == ".pth" else save_file(tensors, path)
    assert set(loading.read_tensors(path)) == {"a", "b"}
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * share)])
    with pytest.raises(UnusableModel, match="damaged or cut short"):
        loading.read_tensors(path)


@pytest.mark.parametrize("how", ["torch", "pickle"])
def test_code_in_a_file_is_refused_and_not_run(tmp_path, how):
    path, flag = tmp_path / "evil.pth", tmp_path / "ran"
    content = {"a": torch.ones(1), "b": Evil(flag)}
    torch.save(content, path) if how == "torch" else path.write_bytes(pickle.dumps(content))
    with pytest.raises(UnusableModel):
        loading.read_tensors(path)
    assert not flag.exists()


def test_wrapped_tensors_are_found(tmp_path):
    path = tmp_path / "wrapped.pt"
    torch.save({"epoch": 3, "state_dict": {"module.a": torch.ones(2)}}, path)
    assert list(loading.read_tensors(path)) == ["a"]


@pytest.mark.parametrize("content", [{"epoch": 3}, [1, 2], {}])
def test_files_without_tensors_are_refused(tmp_path, content):
    path = tmp_path / "odd.pt"
    torch.save(content, path)
    with pytest.raises(UnusableModel, match="tensor"):
        loading.read_tensors(path)
