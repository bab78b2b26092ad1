"""The ZIP for users, and the facts that QGIS and the plugin repository read."""

import importlib.util
import re
import subprocess
import zipfile
from pathlib import Path

import pytest
from quadrat.core.version import VERSION

ROOT = Path(__file__).resolve().parents[2]
spec = importlib.util.spec_from_file_location("quadrat_package", ROOT / "resources" / "tools" / "package.py")
package = importlib.util.module_from_spec(spec)
spec.loader.exec_module(package)


@pytest.fixture
def archive(tmp_path):
    """`archive(**{name: bytes or None})`: the last commit's package with files changed, added or left out."""
    whole = tmp_path / "whole.zip"
    command = ["git", "archive", "--format=zip", "--prefix=quadrat/", f"--output={whole}", "HEAD"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        pytest.skip(f"not a git checkout: {done.stderr.strip()}")

    def make(**changes):
        path = tmp_path / "changed.zip"
        with zipfile.ZipFile(whole) as old, zipfile.ZipFile(path, "w") as new:
            for name in old.namelist():
                if name not in changes:
                    new.writestr(name, old.read(name))
            for name, data in changes.items():
                if data is not None:
                    new.writestr(name, data)
        return path

    return make


def metadata():
    return (ROOT / "metadata.txt").read_bytes()


def test_the_last_commit_would_be_accepted(archive):
    assert package.check_structure(archive()) == []


def test_pages_and_models_that_the_toolbox_offers_are_inside(archive):
    with zipfile.ZipFile(archive()) as whole:
        names = set(whole.namelist())
        page = whole.read("quadrat/resources/tutorials/favela.html").decode()
    pictures = re.findall(r'<img src="([^"]+)"', page)
    assert pictures and {f"quadrat/resources/tutorials/{name}" for name in pictures} <= names
    assert {f"quadrat/resources/models/{name}.model3" for name in ("favela", "favelaelsewhere")} <= names


def test_metadata_tells_the_version_of_the_code():
    assert f"\nversion={VERSION}\n".encode() in metadata()
    assert package.check_metadata(metadata(), {"quadrat/resources/icons/quadrat.svg"}) == []


@pytest.mark.parametrize(
    ("name", "data", "finding"),
    [
        ("quadrat/LICENSE", None, "LICENSE is missing"),
        ("quadrat/metadata.txt", None, "metadata.txt is missing"),
        ("quadrat/core/lib.so", b"", "lib.so must not"),
        ("quadrat/__pycache__/a.pyc", b"", "must not"),
        ("quadrat/tests/test_a.py", b"", "must not"),
        ("../outside.py", b"", "must not"),
        ("other/a.py", b"", "top folder"),
        ("quadrat/metadata.txt", b"[general]\nname=100% wrong\n", "cannot be read"),
        ("quadrat/metadata.txt", metadata().replace(b"name=Quadrat", b"name=Quadrat plugin"), "hold 'plugin'"),
        ("quadrat/metadata.txt", metadata().replace(b"4.99", b"3.99"), "QGIS 4"),
        ("quadrat/metadata.txt", metadata().replace(b"quadrat.svg", b"none.svg"), "icon"),
        ("quadrat/metadata.txt", metadata().replace(b"tracker=https:", b"tracker="), "tracker"),
    ],
)
def test_what_the_repository_refuses_is_found(archive, name, data, finding):
    findings = package.check_structure(archive(**{name: data}))
    assert any(finding in text for text in findings), findings


def test_an_installation_by_name_brings_every_room():
    import tomllib

    told = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["setuptools"]["packages"]
    rooms = {
        ".".join(("quadrat", *folder.parent.relative_to(ROOT).parts))
        for top in ("core", "models")
        for folder in (ROOT / top).rglob("__init__.py")
    }
    assert rooms <= set(told), f"pyproject.toml lacks {sorted(rooms - set(told))}"
    assert {name for name in told if name.startswith(("quadrat.core", "quadrat.models"))} == rooms
