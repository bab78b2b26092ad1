"""Makes an environment for the tests with the same installer that users have: `test_environment.py KIND FOLDER`.

KIND is full (the engine with PyTorch), light (without), or qgis (sees the system's QGIS). The folder is made anew.
"""

import pathlib
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))
import conftest  # noqa: E402, F401 - makes `import quadrat` mean this checkout

sys.path.remove(str(ROOT))

from quadrat.core.errors import SetupFailed  # noqa: E402
from quadrat.processing import interpreters  # noqa: E402
from quadrat.processing.commands import SetupLog  # noqa: E402
from quadrat.processing.environment import REQUIREMENTS, home  # noqa: E402
from quadrat.processing.libraries import Installer, compile_bytecode  # noqa: E402
from quadrat.processing.uv import fetch_uv, find_uv, read_pip_settings  # noqa: E402


def make_engine(kind: str, folder: pathlib.Path) -> None:
    """The engine of this size with what the tests need; PyTorch as CPU build."""
    home().mkdir(parents=True, exist_ok=True)
    log = SetupLog(home() / "logs", lambda text: print(text, file=sys.stderr))
    search = interpreters.find()
    if search.found is None:
        raise SetupFailed(f"No Python from 3.11 to 3.14 was found. {search.reasons()}")
    uv = find_uv(log, never) or fetch_uv(search.found, None, log, never)
    settings = read_pip_settings(search.found.path if search.found.has_pip else None, log, never)
    installer = Installer(uv, search.found, None, settings, log, never, lambda *step: None)
    installer.make_venv(folder)
    installer.install(folder, kind, "cpu", more=["test.txt"])
    compile_bytecode(folder, log, never)
    log.close()


def never() -> bool:
    """Nobody cancels."""
    return False


def make_qgis(folder: pathlib.Path) -> None:
    """A venv that sees the system's QGIS and keeps the numpy that QGIS was built with."""
    system = "/usr/bin/python3"
    asked = subprocess.run([system, "-c", "import numpy; print(numpy.__version__)"], capture_output=True, text=True)
    if asked.returncode:
        raise SetupFailed(f"{system} has no numpy, so no QGIS either: {asked.stderr.strip()[-200:]}")
    subprocess.run([system, "-m", "venv", "--system-site-packages", str(folder)], check=True)
    constraint = folder / "constraints.txt"
    constraint.write_text(f"numpy=={asked.stdout.strip()}\n", encoding="utf-8")
    pip = [str(folder / "bin" / "pip"), "install", "-qq", "--disable-pip-version-check", "-c", constraint.name]
    subprocess.run([*pip, "-r", str(REQUIREMENTS / "test-qgis.txt")], check=True, cwd=folder)


def main(kind: str, folder: pathlib.Path) -> int:
    """Make it; a half-made folder is not left behind."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.parent.mkdir(parents=True, exist_ok=True)
    try:
        make_qgis(folder) if kind == "qgis" else make_engine(kind, folder)
    except (SetupFailed, subprocess.CalledProcessError) as error:
        shutil.rmtree(folder, ignore_errors=True)
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], pathlib.Path(sys.argv[2]).absolute()))
