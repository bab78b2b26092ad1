"""Set-up from start to end with a tiny engine made of tiny wheels: offline, in the middle, twice, and badly."""

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from quadrat.core.errors import Cancelled, SetupFailed
from quadrat.core.jobs.engine import SetUpEngine
from quadrat.processing import environment, installer, interpreters, libraries, proving, upkeep
from quadrat.processing.environment import find_engine, home, requirement_id

from .wheels import UV_BY_PIP, make_wheel

UV = Path(sys.prefix) / "bin" / "uv"
"""Of the environment that the tests run in; `make test` puts it there."""
NO_UV = "#!/bin/sh\nexit 127\n"
"""Hides any uv that the machine has, wherever it lies."""
ANY_UV = f'#!/bin/sh\nexec "{UV}" "$@"\n' if UV.exists() else UV_BY_PIP
HUNG = '#!/bin/sh\n[ "$1" = --version ] && { echo "uv 99.0.0"; exit; }\necho working\nsleep 300 & wait\n'


def never():
    return False


@pytest.fixture
def said():
    return []


@pytest.fixture
def tiny(tmp_path, monkeypatch):
    """A plugin whose light engine is one tiny library, a folder with its wheel, and a home with blanks and accents."""
    monkeypatch.setenv("QUADRAT_HOME", str(tmp_path / "ein häuschen"))
    for name in list(os.environ):
        if name.startswith(("PIP_", "UV_")) or name == "QUADRAT_PYTHON":
            monkeypatch.delenv(name)
    pins = tmp_path / "the pins"
    pins.mkdir()
    (pins / "light.txt").write_text("tinylib==1.0\n")
    (pins / "full.txt").write_text("tinytorch==2.0\n")
    for module in (environment, libraries):
        monkeypatch.setattr(module, "REQUIREMENTS", pins)
    monkeypatch.setattr(proving, "MODULES", {"light": ("tinylib",), "full": ("tinytorch",)})
    monkeypatch.setattr(libraries, "PAUSES_S", (0.01, 0.01))
    program(tmp_path, monkeypatch, ANY_UV)
    wheels = tmp_path / "räder, viele"
    make_wheel(wheels, "tinylib", "1.0")
    make_wheel(wheels, "tinytorch", "2.0")
    return wheels


@pytest.fixture(params=["uv", "uv's commands", "pip"])
def with_tool(request, tiny, tmp_path, monkeypatch):
    """With the real uv, with what only knows the commands that set-up gives to it, and where no uv is to be had."""
    if request.param == "uv" and not UV.exists():
        pytest.skip("uv is not installed beside the tests; `make test` does that")
    if request.param != "uv":
        program(tmp_path, monkeypatch, NO_UV if request.param == "pip" else UV_BY_PIP)
    return request.param


def program(tmp_path, monkeypatch, text):
    """Make this the `uv` on PATH."""
    folder = tmp_path / "programs"
    folder.mkdir(exist_ok=True)
    (folder / "uv").write_text(text)
    (folder / "uv").chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")


def set_up(wheels, said, cancelled=never, **more):
    job = SetUpEngine.from_dict({"wheels": str(wheels), **more})
    return installer.install(job, lambda fraction, remaining_s, text: said.append(fraction), said.append, cancelled)


def texts(said):
    return "\n".join(line for line in said if isinstance(line, str))


def logs():
    return "\n".join(p.read_text() for p in sorted((home() / "logs").glob("*.log")))


def test_an_engine_is_installed_offline_and_found(tiny, said, with_tool):
    engine = set_up(tiny, said)
    assert find_engine() == engine
    assert engine.folder.name == requirement_id("light")
    assert engine.made_by.split()[0] == with_tool.partition("'")[0]
    asked = subprocess.run([engine.python, "-I", "-c", "import tinylib; print(tinylib.VALUE)"], capture_output=True)
    assert asked.stdout.strip() == b"1"
    assert list(engine.folder.glob("lib/*/site-packages/__pycache__/tinylib*.pyc"))
    fractions = [f for f in said if isinstance(f, float)]
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1.0
    assert "MB to download" in texts(said).splitlines()[0]
    assert "tinylib" in logs()


def test_a_whole_engine_is_left_alone(tiny, said):
    first = set_up(tiny, said)
    before = environment.pointer_file().stat().st_mtime_ns
    assert set_up(tiny, said) == first
    assert environment.pointer_file().stat().st_mtime_ns == before
    assert "nothing was installed" in texts(said)


def test_full_is_laid_beside_light_and_light_goes(tiny, said):
    light = set_up(tiny, said)
    full = set_up(tiny, said, size="full")
    assert full.size == "full"
    assert find_engine() == full
    assert not light.folder.exists()
    assert set_up(tiny, said) == full, "the full engine does what the light one does"


def test_a_broken_engine_is_made_anew(tiny, said):
    first = set_up(tiny, said)
    for file in first.folder.glob("lib/*/site-packages/tinylib*"):
        file.unlink() if file.is_file() else shutil.rmtree(file)
    second = set_up(tiny, said)
    assert second.folder != first.folder
    assert not first.folder.exists()
    assert "broken" in texts(said)


def test_an_engine_at_work_survives_its_successor_and_goes_later(tiny, said):
    old = set_up(tiny, said)
    worker = subprocess.Popen([old.python, "-I", "-c", "import time; time.sleep(60)"])
    try:
        new = set_up(tiny, said, again=True)
        assert new.folder != old.folder
        assert old.folder.is_dir()
        with pytest.raises(SetupFailed, match="at work"):
            installer.remove()
    finally:
        worker.kill()
        worker.wait()
    assert upkeep.tidy() == [old.folder.name]
    assert find_engine() == new


def test_changed_requirements_make_an_update(tiny, said):
    old = set_up(tiny, said)
    (environment.REQUIREMENTS / "light.txt").write_text("tinylib==1.1\n")
    make_wheel(tiny, "tinylib", "1.1")
    with pytest.raises(Exception, match="needs an update"):
        find_engine()
    assert set_up(tiny, said).folder.name == requirement_id("light") != old.folder.name


def test_a_pointer_to_a_deleted_folder_is_mended(tiny, said):
    shutil.rmtree(set_up(tiny, said).folder)
    assert set_up(tiny, said) == find_engine()


def test_cancel_answers_at_once_and_keeps_the_old_engine(tiny, said, tmp_path, monkeypatch):
    old = set_up(tiny, said)
    program(tmp_path, monkeypatch, HUNG)
    asked = []

    def cancelled():
        if "working" in logs():
            asked.append(time.monotonic())
        return bool(asked)

    with pytest.raises(Cancelled):
        set_up(tiny, said, cancelled, again=True)
    assert time.monotonic() - asked[0] < 5
    assert find_engine() == old
    while running(str(home() / "engines")) and time.monotonic() - asked[0] < 2:
        time.sleep(0.01)
    assert not running(str(home() / "engines"))


def running(text):
    return [p for p in Path("/proc").glob("[0-9]*/cmdline") if text in p.read_bytes().decode(errors="replace")]


def test_a_killed_set_up_is_begun_again(tiny, said, tmp_path, monkeypatch):
    program(tmp_path, monkeypatch, HUNG.replace("echo working", 'mkdir -p "$5/bin"; echo working'))
    read_end, write_end = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(read_end)
        set_up(tiny, said, lambda: "working" in logs() and bool(os.write(write_end, b"x")) and False)
        os._exit(0)
    os.close(write_end)
    assert os.read(read_end, 1) == b"x"
    with pytest.raises(SetupFailed, match="Another set-up is running"):
        set_up(tiny, said)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    half_made = [p for p in environment.engines_folder().iterdir() if not upkeep.whole(p)]
    assert half_made
    program(tmp_path, monkeypatch, ANY_UV)
    engine = set_up(tiny, said)
    assert find_engine() == engine
    for process in running(str(half_made[0])):  # the orphan of the kill
        os.kill(int(process.parent.name), signal.SIGKILL)
    deadline = time.monotonic() + 5
    while not upkeep.tidy() and half_made[0].exists() and half_made[0] != engine.folder and time.monotonic() < deadline:
        time.sleep(0.05)
    assert [p.name for p in environment.engines_folder().iterdir()] == [engine.folder.name]


def test_no_network_is_one_sentence_after_some_tries(tiny, said, with_tool, monkeypatch):
    monkeypatch.setenv("PIP_INDEX_URL", "http://someone:secret@127.0.0.1:9/simple")
    monkeypatch.setenv("PIP_RETRIES", "1")
    monkeypatch.setenv("UV_HTTP_RETRIES", "0")
    with pytest.raises(SetupFailed, match="cannot be reached") as caught:
        set_up("", said)
    assert "Log: " in str(caught.value)
    assert "trying again" in texts(said)
    assert "secret" not in logs()
    assert [p for p in environment.engines_folder().iterdir() if upkeep.whole(p)] == []


def test_an_incomplete_folder_of_wheels_is_told(tiny, said, with_tool):
    next(tiny.glob("tinylib*")).unlink()
    with pytest.raises(SetupFailed, match="not to be had"):
        set_up(tiny, said)
    with pytest.raises(SetupFailed, match="is not there"):
        set_up(tiny / "no", said)


def test_a_library_that_does_not_load_is_told_and_not_switched_to(tiny, said):
    old = set_up(tiny, said)
    (environment.REQUIREMENTS / "light.txt").write_text("tinylib==1.2\n")
    make_wheel(tiny, "tinylib", "1.2", "raise ImportError('DLL load failed while importing _x')\n")
    with pytest.raises(SetupFailed, match=r"Visual C\+\+"):
        set_up(tiny, said)
    assert environment.pointed_folder() == old.folder


def test_too_little_space_is_told_before_anything_is_fetched(tiny, said, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda path: shutil._ntuple_diskusage(10**12, 10**12, 10**8))
    with pytest.raises(SetupFailed, match="too little space"):
        set_up(tiny, said)
    assert list(environment.engines_folder().iterdir()) == []


def test_a_home_that_cannot_be_written_is_told(tiny, said, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("QUADRAT_HOME", str(tmp_path / "file" / "home"))
    with pytest.raises(SetupFailed, match="cannot be written"):
        set_up(tiny, said)


def test_a_python_that_was_named_and_does_not_suit_is_told(tiny, said):
    with pytest.raises(SetupFailed, match="is not there"):
        set_up(tiny, said, python="/nowhere/python3")


def test_without_ensurepip_and_uv_the_sentence_names_the_package(tiny, said, tmp_path, monkeypatch):
    program(tmp_path, monkeypatch, NO_UV)
    facts = {
        "executable": "", "version": [3, 12, 1], "bits": 64, "machine": "x", "implementation": "cpython",
        "free_threaded": False, "soabi": "", "ensurepip": False, "pip": False,
    }  # fmt: skip
    python = tmp_path / "python3"
    python.write_text(f"#!/bin/sh\necho '{json.dumps(facts)}'\n")
    python.chmod(0o755)
    with pytest.raises(SetupFailed, match="sudo apt install python3-venv"):
        set_up(tiny, said, python=str(python))


BRINGS = """#!/bin/sh
case "$1 $2" in
  --version*) echo "uv 99.0.0" ;;
  "python install") mkdir -p "$UV_PYTHON_INSTALL_DIR/cpython-3.12/bin" && ln -s %s "$UV_PYTHON_INSTALL_DIR/cpython-3.12/bin/python3" ;;
  *) exec "%s" "$@" ;;
esac
"""  # fmt: skip  # noqa: E501


def test_where_there_is_no_python_uv_brings_one(tiny, said, tmp_path, monkeypatch):
    monkeypatch.setattr(interpreters, "candidates", lambda: iter(()))
    plain = (tmp_path / "programs" / "uv").rename(tmp_path / "plain uv")
    program(tmp_path, monkeypatch, BRINGS % (sys.executable, plain))
    assert set_up(tiny, said).folder.is_dir()
    program(tmp_path, monkeypatch, BRINGS % ("/nowhere/python3", plain))
    shutil.rmtree(home())
    with pytest.raises(SetupFailed, match="none could be downloaded"):
        set_up(tiny, said)
    program(tmp_path, monkeypatch, NO_UV)
    with pytest.raises(SetupFailed, match=r"No Python from 3\.11"):
        set_up(tiny, said)


def test_sweeping_waits_for_a_running_set_up(tiny, said):
    set_up(tiny, said)
    half_made = environment.engines_folder() / "half"
    half_made.mkdir()
    with upkeep.only_one():
        assert upkeep.sweep() == []
    assert upkeep.sweep() == ["half"]
    assert find_engine()


def test_remove_takes_what_set_up_made_and_nothing_else(tiny, said):
    set_up(tiny, said)
    (home() / "models").mkdir()
    (home() / "models" / "weights.bin").write_bytes(b"x")
    assert installer.remove() > 0
    assert [p.name for p in home().iterdir()] == ["models"]
    assert installer.remove() == 0
    shutil.rmtree(home())
    assert installer.remove() == 0


def test_disk_use_counts_a_file_with_two_names_once(tmp_path):
    (tmp_path / "a").write_bytes(b"x" * 100_000)
    once = upkeep.disk_use(tmp_path)
    os.link(tmp_path / "a", tmp_path / "b")
    assert upkeep.disk_use(tmp_path) == once


def test_one_set_up_at_a_time(tiny):
    home().mkdir(parents=True)
    refused = []

    def second():
        try:
            with upkeep.only_one():
                pass
        except SetupFailed as error:
            refused.append(str(error))

    with upkeep.only_one():
        thread = threading.Thread(target=second)
        thread.start()
        thread.join()
    assert "Another set-up" in refused[0]
    second()
    assert len(refused) == 1
