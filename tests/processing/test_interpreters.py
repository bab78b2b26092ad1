"""Finding a Python: real ones, and programs that answer like the ones that must not be taken."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from quadrat.processing import interpreters
from quadrat.processing.interpreters import Unsuitable, examine, find

GOOD = {
    "executable": "", "version": [3, 12, 1], "bits": 64, "machine": "x86_64", "implementation": "cpython",
    "free_threaded": False, "soabi": "cpython-312-x86_64-linux-gnu", "ensurepip": True, "pip": True,
}  # fmt: skip


@pytest.fixture(autouse=True)
def own_home(tmp_path, monkeypatch):
    monkeypatch.setenv("QUADRAT_HOME", str(tmp_path / "home"))


@pytest.fixture
def answering(tmp_path):
    """A program that answers the question as it is told."""

    def make(name="python3", folder=tmp_path / "bin", **facts):
        folder.mkdir(exist_ok=True)
        path = folder / name
        path.write_text(f"#!/bin/sh\n/bin/cat <<'END'\n{json.dumps({**GOOD, 'executable': str(path), **facts})}\nEND\n")
        path.chmod(0o755)
        return path

    return make


def test_the_python_of_this_test_can_carry_an_engine():
    found = examine(Path(sys.executable))
    assert found.version == sys.version_info[:3]
    assert found.path.is_file()


def test_behind_a_virtual_environment_its_base_is_taken(tmp_path):
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(tmp_path / "venv")], check=True)
    found = examine(tmp_path / "venv" / "bin" / "python")
    assert tmp_path not in found.path.parents


@pytest.mark.parametrize(
    ("facts", "reason"),
    [
        ({"version": [3, 10, 9]}, "3.11 or later"),
        ({"version": [3, 15, 0]}, "too new"),
        ({"bits": 32}, "32-bit"),
        ({"implementation": "pypy"}, "pypy"),
        ({"free_threaded": True}, "free-threaded"),
        ({"soabi": "cpython-312-x86_64-linux-musl"}, "musl"),
    ],
)
def test_the_unsuitable_are_told_why(answering, facts, reason):
    with pytest.raises(Unsuitable, match=reason):
        examine(answering(**facts))


def test_a_missing_ensurepip_is_known_and_no_hindrance(answering):
    assert not examine(answering(ensurepip=False)).has_ensurepip


@pytest.mark.parametrize("text", ["#!/bin/sh\necho hello\n", "#!/bin/sh\nexit 3\n", "not a program"])
def test_what_is_no_python_is_told_so(tmp_path, text):
    path = tmp_path / "python3"
    path.write_text(text)
    path.chmod(0o755)
    with pytest.raises(Unsuitable, match=r"does not answer|cannot be started"):
        examine(path)


def test_one_that_hangs_is_given_up(tmp_path, monkeypatch):
    monkeypatch.setattr(interpreters, "ASK_TIMEOUT_S", 0.3)
    path = tmp_path / "python3"
    path.write_text("#!/bin/sh\nexec sleep 60\n")
    path.chmod(0o755)
    with pytest.raises(Unsuitable, match="did not answer"):
        examine(path)


def test_a_choice_is_never_replaced(answering, tmp_path):
    search = find(str(answering(version=[3, 9, 1])))
    assert search.found is None
    assert len(search.rejected) == 1
    assert "3.9.1" in search.reasons()
    assert find(str(tmp_path)).rejected[0].reason.startswith("is a folder")
    assert "not there" in find(str(tmp_path / "no")).reasons()


def test_the_first_suitable_on_path_is_found_and_the_others_are_remembered(answering, tmp_path, monkeypatch):
    answering("python3", tmp_path / "one", version=[3, 9, 0])
    good = answering("python3.12", tmp_path / "two")
    monkeypatch.setenv("PATH", f"{tmp_path / 'one'}:{tmp_path / 'two'}")
    search = find()
    assert search.found is not None
    assert search.found.path == good
    assert [r.path.parent.name for r in search.rejected] == ["one"]


def test_qgis_own_python_is_left_alone(answering, tmp_path):
    bundle = tmp_path / "QGIS-LTR.app" / "Contents" / "MacOS" / "bin"
    bundle.mkdir(parents=True)
    with pytest.raises(Unsuitable, match="QGIS's own"):
        examine(answering(folder=bundle))


def test_in_a_bundle_only_its_python_is_named_never_qgis(tmp_path, monkeypatch):
    contents = tmp_path / "QGIS.app" / "Contents" / "MacOS"
    (contents / "bin").mkdir(parents=True)
    (contents / "bin" / "python3").write_text("")
    monkeypatch.setattr(sys, "platform", "darwin")
    monkeypatch.setattr(sys, "executable", str(contents / "QGIS"))
    monkeypatch.setattr(sys, "base_prefix", str(tmp_path / "build machine"))
    assert interpreters.bundled() == contents / "bin" / "python3"


def test_the_windows_launchers_list_is_read():
    text = (
        " -V:3.12 *        C:\\Program Files\\Python312\\python.exe\n -3.11-64  D:\\py\\python.exe\n\nno such thing\n"
    )
    assert [str(p) for p in interpreters.parse_launcher(text)] == [
        "C:\\Program Files\\Python312\\python.exe", "D:\\py\\python.exe",
    ]  # fmt: skip
