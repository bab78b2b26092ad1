"""Finding the engine: one pointer, and a sentence for each way in which it can be wrong."""

import json
import os
import sys
from pathlib import Path

import pytest
from quadrat.core.errors import EngineMissing
from quadrat.processing import environment


@pytest.fixture(autouse=True)
def own_home(tmp_path, monkeypatch):
    monkeypatch.setenv("QUADRAT_HOME", str(tmp_path / "häuser mit platz"))
    monkeypatch.delenv("QUADRAT_PYTHON", raising=False)


def make_engine(name="abc", size="light", requirements=None, python=True):
    folder = environment.engines_folder() / name
    executable = environment.engine_python(folder)
    executable.parent.mkdir(parents=True)
    if python:
        executable.symlink_to(sys.executable)
    facts = {"size": size, "requirements": requirements or environment.requirement_id(size), "made_by": "uv 1"}
    (folder / environment.FACTS).write_text(json.dumps(facts))
    environment.pointer_file().write_text(json.dumps({"format": 1, "engine": name}))
    return folder


def test_the_engine_that_the_pointer_names_is_found():
    folder = make_engine(size="full")
    engine = environment.find_engine()
    assert engine == environment.Engine(folder, environment.engine_python(folder), "full", "uv 1")


def test_without_an_engine_the_sentence_says_what_to_run():
    with pytest.raises(EngineMissing, match="quadrat setup"):
        environment.find_engine()


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"engine": 3}', '{"engine": "../../etc"}', '{"engine": ".."}'])
def test_a_damaged_pointer_is_no_engine(text):
    make_engine()
    environment.pointer_file().write_text(text)
    with pytest.raises(EngineMissing, match="not set up"):
        environment.find_engine()


def test_a_pointer_to_a_deleted_folder_says_so():
    make_engine()
    environment.pointer_file().write_text('{"format": 1, "engine": "gone"}')
    with pytest.raises(EngineMissing, match="gone or not whole"):
        environment.find_engine()


def test_an_engine_of_another_version_wants_an_update():
    make_engine(requirements="00000000")
    with pytest.raises(EngineMissing, match="needs an update"):
        environment.find_engine()


def test_an_engine_whose_python_was_removed_says_so():
    folder = make_engine(python=False)
    environment.engine_python(folder).symlink_to("/nowhere/python3.11")
    with pytest.raises(EngineMissing, match=r"/nowhere/python3\.11"):
        environment.find_engine()


def test_a_chosen_python_overrides_the_pointer(monkeypatch):
    make_engine()
    monkeypatch.setenv("QUADRAT_PYTHON", sys.executable)
    engine = environment.find_engine()
    assert engine.python == Path(sys.executable)
    assert engine.made_by == "QUADRAT_PYTHON"
    monkeypatch.setenv("QUADRAT_PYTHON", "/nowhere/python")
    with pytest.raises(EngineMissing, match="/nowhere/python"):
        environment.find_engine()


def test_home_follows_the_system(monkeypatch, tmp_path):
    monkeypatch.delenv("QUADRAT_HOME")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert environment.home() == tmp_path / "quadrat"
    monkeypatch.delenv("XDG_DATA_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert environment.home() == tmp_path / ".local" / "share" / "quadrat"
    monkeypatch.setattr(sys, "platform", "darwin")
    assert environment.home() == tmp_path / "Library" / "Application Support" / "quadrat"


def test_a_relative_home_is_made_absolute(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("QUADRAT_HOME", "here")
    assert environment.home() == tmp_path / "here"


def test_requirement_id_counts_requirements_only(monkeypatch, tmp_path):
    monkeypatch.setattr(environment, "REQUIREMENTS", tmp_path)
    (tmp_path / "light.txt").write_bytes(b"# words\nb==2\na==1\n")
    first = environment.requirement_id("light")
    (tmp_path / "light.txt").write_bytes(b"a==1\r\n\r\nb==2  # why\r\n")
    assert environment.requirement_id("light") == first
    (tmp_path / "light.txt").write_bytes(b"a==1\nb==3\n")
    assert environment.requirement_id("light") != first


def test_every_requirement_is_pinned():
    for size in environment.SIZES:
        for line in environment.requirements(size):
            name, equals, version = line.partition(";")[0].partition("==")
            assert name.strip(), line
            assert equals, line
            assert version.strip()[0].isdigit(), line


def test_what_qgis_sets_for_itself_does_not_reach_the_engine(monkeypatch):
    for name in ("PYTHONHOME", "PYTHONPATH", "PROJ_LIB", "GDAL_DATA", "LD_LIBRARY_PATH", "VIRTUAL_ENV", "DYLD_X"):
        monkeypatch.setenv(name, "of qgis")
    monkeypatch.setenv("HTTPS_PROXY", "of the user")
    clean = environment.clean_environment()
    assert "of qgis" not in clean.values()
    assert clean["HTTPS_PROXY"] == "of the user"
    assert clean["PATH"] == os.environ["PATH"]


def test_on_macos_the_folders_of_the_bundle_leave_the_path(monkeypatch):
    monkeypatch.setattr(sys, "platform", "darwin")
    monkeypatch.setattr(sys, "executable", "/Applications/QGIS.app/Contents/MacOS/QGIS")
    monkeypatch.setenv("PATH", "/Applications/QGIS.app/Contents/MacOS/bin:/opt/homebrew/bin:/usr/bin")
    assert environment.clean_environment()["PATH"].split(":") == [
        "/opt/homebrew/bin", "/usr/bin", "/bin", "/usr/sbin", "/sbin",
    ]  # fmt: skip
    monkeypatch.setattr(sys, "executable", "/usr/bin/python3")
    assert environment.qgis_root() is None
