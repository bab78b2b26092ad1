"""The script that asks apt for what is missing, with programs that stand for apt, id and sudo."""

import subprocess
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "resources" / "tools" / "system_packages.sh"


@pytest.fixture
def machine(tmp_path):
    """`machine(installed, root, sudo, apt)`: a PATH with only these programs; gives a function that runs the script."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in ("grep", "mkdir", "tail", "env", "sh"):
        (folder / name).symlink_to(f"/usr/bin/{name}")

    def program(name, text):
        (folder / name).write_text(f"#!/bin/sh\n{text}\n")
        (folder / name).chmod(0o755)

    def make(installed=(), root=True, sudo=False, apt=True, works=True):
        program("id", f"echo {0 if root else 1000}")
        if sudo:
            program("sudo", f'echo "sudo $@" >> "{tmp_path}/calls"; exec "$@"')
        if apt:
            names = "|".join(installed) or "none"
            program("dpkg-query", f'case "$4" in {names}) echo "install ok installed" ;; *) exit 1 ;; esac')
            program(
                "apt-get", f'echo "apt-get $@" >> "{tmp_path}/calls"; echo E: no mirror; exit {0 if works else 100}'
            )
        return lambda: subprocess.run(
            ["/bin/sh", str(SCRIPT), str(tmp_path / "my logs")],
            env={"PATH": str(folder)},
            capture_output=True,
            text=True,
        )

    return make


def calls(tmp_path):
    path = tmp_path / "calls"
    return path.read_text() if path.exists() else ""


def test_nothing_is_done_or_said_when_all_is_there(machine, tmp_path):
    done = machine(["qgis", "python3-qgis", "qgis-providers", "python3-venv"])()
    assert (done.returncode, done.stderr, calls(tmp_path)) == (0, "", "")


def test_only_what_is_missing_is_installed(machine, tmp_path):
    done = machine(["qgis", "qgis-providers", "python3-qgis"])()
    assert done.returncode == 0
    assert calls(tmp_path).splitlines()[-1] == "apt-get install -y -q --no-install-recommends python3-venv"
    assert "sudo" not in calls(tmp_path)


def test_who_is_not_root_uses_sudo(machine, tmp_path):
    assert machine(root=False, sudo=True)().returncode == 0
    assert calls(tmp_path).startswith("sudo apt-get update")


def test_without_sudo_the_sentence_names_the_packages(machine, tmp_path):
    done = machine(root=False)()
    assert done.returncode == 1
    assert "apt-get install --no-install-recommends qgis python3-qgis" in done.stderr
    assert calls(tmp_path) == ""


def test_a_failing_apt_shows_its_last_words_and_the_log(machine, tmp_path):
    done = machine(works=False)()
    assert done.returncode == 1
    assert "E: no mirror" in done.stderr
    assert "my logs/apt.log" in done.stderr


def test_without_apt_and_qgis_it_says_what_to_do(machine):
    done = machine(apt=False)()
    assert done.returncode == 1
    assert "qgis.org" in done.stderr
