import io
import json
import pickle
import zipfile

import numpy as np
import pytest
import sklearn
import skops.io
from quadrat.core.errors import BadInput, Stale, Unwritable, VersionMismatch
from quadrat.core.heads.storage import FACTS, HEAD, load_head, save_head
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import FunctionTransformer, make_pipeline

pytestmark = pytest.mark.same_without_torch


@pytest.fixture
def head():
    X = np.random.default_rng(0).normal(size=(20, 3))
    return LogisticRegression().fit(X, np.arange(20) % 2)


@pytest.fixture
def path(tmp_path, head):
    file = tmp_path / "a ü 字.qhead"
    save_head(str(file), {"task": "class"}, head)
    return file


def rewritten(path, facts=None, body=None):
    """The head at `path` with other contents."""
    with zipfile.ZipFile(path) as archive:
        old_facts, old_body = json.loads(archive.read(FACTS)), archive.read(HEAD)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(FACTS, json.dumps(old_facts | (facts or {})))
        archive.writestr(HEAD, old_body if body is None else body)
    return str(path)


def test_holds_facts_and_head_and_nothing_else(path):
    with zipfile.ZipFile(path) as archive:
        assert archive.namelist() == [FACTS, HEAD]
        assert json.loads(archive.read(FACTS))["sklearn"] == sklearn.__version__
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_another_minor_version_of_scikit_learn_is_refused(path):
    with pytest.raises(Stale, match="Refit it"):
        load_head(rewritten(path, {"sklearn": "1.2.0"}))


def test_another_patch_version_is_fine(path):
    parts = sklearn.__version__.split(".")
    load_head(rewritten(path, {"sklearn": ".".join([*parts[:2], "99"])}))


def test_a_newer_format_is_refused(path):
    with pytest.raises(VersionMismatch, match="newer version"):
        load_head(rewritten(path, {"format": 99}))


class Evil:
    def __reduce__(self):
        import os

        return os.mkdir, ("evil-was-here",)


@pytest.mark.parametrize(
    "estimator",
    [
        make_pipeline(FunctionTransformer(np.save), LogisticRegression()),
        make_pipeline(FunctionTransformer(eval), LogisticRegression()),
    ],
)
def test_functions_in_a_head_are_refused_before_anything_is_built(path, estimator, monkeypatch):
    monkeypatch.setattr(skops.io, "loads", lambda *a, **k: pytest.fail("it was built"))
    with pytest.raises(BadInput, match="no head of Quadrat does"):
        load_head(rewritten(path, body=skops.io.dumps(estimator)))


def test_a_type_renamed_in_the_schema_is_refused(path, head):
    body = skops.io.dumps(head)
    source = zipfile.ZipFile(io.BytesIO(body))
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name in source.namelist():
            data = source.read(name)
            if name == "schema.json":
                data = data.replace(b'"LogisticRegression"', b'"Popen"').replace(
                    b'"sklearn.linear_model._logistic"', b'"subprocess"'
                )
            archive.writestr(name, data)
    with pytest.raises(BadInput, match=r"subprocess\.Popen"):
        load_head(rewritten(path, body=packed.getvalue()))


def test_pickles_are_refused_and_not_run(path, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(BadInput, match="damaged"):
        load_head(rewritten(path, body=pickle.dumps(Evil())))
    plain = tmp_path / "b.qhead"
    plain.write_bytes(pickle.dumps(Evil()))
    with pytest.raises(BadInput, match="not a head of Quadrat"):
        load_head(str(plain))
    assert not (tmp_path / "evil-was-here").exists()


def test_a_pickled_array_inside_is_refused_and_not_run(path, head, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    array = io.BytesIO()
    np.save(array, np.array([Evil()], dtype=object), allow_pickle=True)
    source = zipfile.ZipFile(io.BytesIO(skops.io.dumps(head)))
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name in source.namelist():
            archive.writestr(name, array.getvalue() if name.endswith(".npy") else source.read(name))
    with pytest.raises(BadInput, match="damaged"):
        load_head(rewritten(path, body=packed.getvalue()))
    assert not (tmp_path / "evil-was-here").exists()


@pytest.mark.parametrize("keep", [0, 10, 0.3, 0.9, 0.999])
def test_truncated_files_are_sentences(path, keep):
    content = path.read_bytes()
    path.write_bytes(content[: int(keep * len(content)) if isinstance(keep, float) else keep])
    with pytest.raises(BadInput, match="not a head of Quadrat"):
        load_head(str(path))


def test_foreign_files_are_sentences(tmp_path):
    with pytest.raises(BadInput, match="no file"):
        load_head(str(tmp_path / "none.qhead"))
    other = tmp_path / "other.zip"
    with zipfile.ZipFile(other, "w") as archive:
        archive.writestr("hello.txt", "hello")
    with pytest.raises(BadInput, match="lacks facts"):
        load_head(str(other))


def test_unwritable_folder_leaves_nothing(tmp_path, head):
    (tmp_path / "file").write_text("")
    with pytest.raises(Unwritable):
        save_head(str(tmp_path / "file" / "a.qhead"), {}, head)


def test_an_estimator_that_is_not_on_the_list_is_not_even_saved(tmp_path):
    with pytest.raises(BadInput, match="FunctionTransformer"):
        save_head(str(tmp_path / "a.qhead"), {}, FunctionTransformer())
    assert not list(tmp_path.iterdir())
