"""Finds a Python that can carry the engine, and says of each one that cannot why not.

Each candidate is asked in a process of its own; none is imported from, none is changed. QGIS's own Python is never
taken: on Windows and macOS `sys.executable` is QGIS itself. Standard library only, Python 3.9 and later.
"""

import glob
import json
import os
import shutil
import subprocess  # nosec B404 - asking candidates for their version is what this file is for
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Dict, Iterator, List, Optional, Tuple

from .environment import clean_environment, home, qgis_root

OLDEST = (3, 11)
TOO_NEW = (3, 15)
WISHED = "3.12"
"""What uv is asked to bring when there is none."""
NAMES = ("python3", "python3.12", "python3.13", "python3.11", "python3.14", "python")
ASK_TIMEOUT_S = 30.0

QUESTION = """
import importlib.util, json, platform, sys, sysconfig
print(json.dumps({
    "executable": getattr(sys, "_base_executable", None) or sys.executable,
    "version": list(sys.version_info[:3]),
    "bits": 64 if sys.maxsize > 2**32 else 32,
    "machine": platform.machine().lower(),
    "implementation": sys.implementation.name,
    "free_threaded": bool(sysconfig.get_config_var("Py_GIL_DISABLED")),
    "soabi": str(sysconfig.get_config_var("SOABI") or sysconfig.get_platform()),
    "ensurepip": all(importlib.util.find_spec(name) for name in ("venv", "ensurepip")),
    "pip": importlib.util.find_spec("pip") is not None,
}))
"""


@dataclass(frozen=True)
class Interpreter:
    """A Python that can carry the engine."""

    path: Path
    version: Tuple[int, int, int]
    has_ensurepip: bool
    """False on Debian and Ubuntu without python3-venv."""
    has_pip: bool

    @property
    def name(self) -> str:
        """For the log."""
        return f"Python {'.'.join(map(str, self.version))} ({self.path})"


@dataclass(frozen=True)
class Rejected:
    """A Python that cannot, and why."""

    path: Path
    reason: str


@dataclass(frozen=True)
class Search:
    """What a look around came to."""

    found: Optional[Interpreter]
    rejected: Tuple[Rejected, ...]

    def reasons(self) -> str:
        """One sentence with every Python that was looked at."""
        if not self.rejected:
            return "No Python was found on this machine."
        return "Looked at: " + "; ".join(f"{r.path}: {r.reason}" for r in self.rejected) + "."


class Unsuitable(Exception):
    """A candidate cannot carry the engine; the message says why in a few words."""


def find(choice: str = "") -> Search:
    """The first suitable Python. With `choice` only that one is asked: what the user names is never replaced."""
    rejected: List[Rejected] = []
    for path in [Path(os.path.abspath(os.path.expanduser(choice)))] if choice else candidates():
        try:
            return Search(examine(path), tuple(rejected))
        except Unsuitable as error:
            rejected.append(Rejected(path, str(error)))
    return Search(None, tuple(rejected))


def examine(path: Path) -> Interpreter:
    """Ask one Python about itself.

    Raises:
        Unsuitable: it does not answer, or cannot carry the engine.
    """
    if not path.is_file():
        raise Unsuitable("is not there" if not path.is_dir() else "is a folder, not a Python program")
    if belongs_to_qgis(path):
        raise Unsuitable("is QGIS's own Python, which stays untouched")
    if "WindowsApps" in path.parts:
        raise Unsuitable("is from the Microsoft Store, which hides the files it writes")
    facts = ask(path)
    objection = _objection(facts)
    if objection:
        raise Unsuitable(objection)
    major, minor, micro = facts["version"]
    # Not the venv or shim that was named but what stands behind it: those may vanish before the engine does.
    executable = Path(facts["executable"])
    real = executable if executable.is_file() and not belongs_to_qgis(executable) else path
    if sys.platform.startswith("linux") and str(real).startswith("/usr/bin/"):
        real = Path(os.path.realpath(str(real)))  # /usr/bin/python3 means another version after a system upgrade
    return Interpreter(real, (major, minor, micro), bool(facts["ensurepip"]), bool(facts["pip"]))


def ask(path: Path) -> Dict:  # type: ignore[type-arg]
    """What a Python says of itself, see `QUESTION`.

    Raises:
        Unsuitable: it does not start or does not answer.
    """
    extra = {"creationflags": subprocess.CREATE_NO_WINDOW} if os.name == "nt" else {}  # type: ignore[attr-defined]
    try:
        done = subprocess.run(  # nosec B603 - a list of arguments, no shell
            [str(path), "-I", "-c", QUESTION], env=clean_environment(), stdin=subprocess.DEVNULL,
            capture_output=True, encoding="utf-8", errors="replace", timeout=ASK_TIMEOUT_S, **extra,
        )  # fmt: skip
        facts = json.loads(done.stdout)
    except subprocess.TimeoutExpired:
        raise Unsuitable(f"did not answer within {ASK_TIMEOUT_S:.0f} s") from None
    except OSError as error:
        raise Unsuitable(f"cannot be started ({error.strerror or error})") from error
    except ValueError:
        said = (done.stderr or done.stdout).strip().splitlines()
        raise Unsuitable(f"does not answer like a Python ({said[-1][:80] if said else 'silent'})") from None
    if not isinstance(facts, dict):
        raise Unsuitable("does not answer like a Python")
    return facts


def _objection(facts: Dict) -> str:  # type: ignore[type-arg]
    version = tuple(facts["version"])
    shown = ".".join(map(str, version))
    if facts["implementation"] != "cpython":
        return f"is {facts['implementation']}, for which the libraries are not built"
    if version[:2] < OLDEST:
        return f"is version {shown}; {'.'.join(map(str, OLDEST))} or later is needed"
    if version[:2] >= TOO_NEW:
        return f"is version {shown}, too new for the libraries; one before {'.'.join(map(str, TOO_NEW))} is needed"
    if facts["bits"] != 64:
        return "is a 32-bit program; a 64-bit one is needed"
    if facts["free_threaded"]:
        return "is a free-threaded build, for which the libraries are not built"
    if "musl" in facts["soabi"]:
        return "is built for musl (Alpine), for which the libraries are not built"
    if sys.platform == "darwin" and facts["machine"] != "arm64":
        return "is for Intel processors, for which the libraries are no longer built on macOS"
    if os.name == "nt" and facts["machine"] == "arm64":
        return "is for ARM processors; take the 64-bit Intel build, which runs on ARM too"
    return ""


def belongs_to_qgis(path: Path) -> bool:
    """True for a Python that lies in a QGIS installation of Windows or macOS, whoever asks."""
    real = Path(os.path.realpath(str(path)))
    root = qgis_root()
    for folder in real.parents:
        if root is not None and folder == root:
            return True
        if folder.suffix == ".app" and "qgis" in folder.name.lower():
            return True
        if os.name == "nt" and glob.glob(str(folder / "bin" / "qgis*-bin.exe")):
            return True
    return False


def bundled() -> Optional[Path]:
    """The Python inside the QGIS bundle, only good for `pip install --target` of an installer; None on Linux."""
    if qgis_root() is None:
        return None
    base = Path(sys.base_prefix)
    if os.name == "nt":
        places = [base / "python.exe"]
    else:
        places = [base / "bin" / "python3", Path(sys.executable).parent / "bin" / "python3"]
    return next((place for place in places if place.is_file()), None)


def candidates() -> Iterator[Path]:
    """Every Python worth asking, best first, each once."""
    seen = set()
    for path in _places():
        real = os.path.realpath(str(path))
        if path.is_file() and real not in seen:
            seen.add(real)
            yield path


def _places() -> Iterator[Path]:
    path = clean_environment().get("PATH", "")
    for folder in ("", "/usr/bin"):
        for name in NAMES:
            found = shutil.which(name, path=folder or path)
            # On macOS /usr/bin holds a door to a download of Xcode, not a Python.
            if found and not (sys.platform == "darwin" and found.startswith("/usr/bin")):
                yield Path(found)
    if os.name == "nt":
        yield from _windows_places()
    elif sys.platform == "darwin":
        for pattern in (
            "/opt/homebrew/bin/python3.1?", "/Library/Frameworks/Python.framework/Versions/3.1?/bin/python3",
            "/usr/local/bin/python3.1?",
        ):  # fmt: skip
            yield from _newest_first(pattern)
    yield from _newest_first("/usr/local/bin/python3.1?")
    inside = "python.exe" if os.name == "nt" else "bin/python3"
    pyenv = os.environ.get("PYENV_ROOT") or os.path.expanduser("~/.pyenv")
    yield from _newest_first(os.path.join(pyenv, "pyenv-win" if os.name == "nt" else "", "versions", "3.*", inside))
    yield from managed()


def managed() -> List[Path]:
    """Pythons that set-up brought itself, newest first."""
    inside = "python.exe" if os.name == "nt" else "bin/python3"
    return list(_newest_first(os.path.join(glob.escape(str(home() / "python")), "*", inside)))


def _newest_first(pattern: str) -> Iterator[Path]:
    yield from (Path(path) for path in sorted(glob.glob(pattern), reverse=True))


def _windows_places() -> Iterator[Path]:
    launcher = shutil.which("py")
    if launcher:
        done = subprocess.run(  # nosec B603 - a list of arguments, no shell
            [launcher, "-0p"], env=clean_environment(), capture_output=True, encoding="utf-8", errors="replace",
            creationflags=subprocess.CREATE_NO_WINDOW,  # type: ignore[attr-defined]
        )  # fmt: skip
        yield from parse_launcher(done.stdout)
    local = os.environ.get("LOCALAPPDATA", "")
    for root in (os.path.join(local, "Programs", "Python"), os.environ.get("PROGRAMFILES", "")):
        if root:
            yield from _newest_first(os.path.join(glob.escape(root), "Python3*", "python.exe"))


def parse_launcher(text: str) -> List[Path]:
    """Paths in what `py -0p` prints, lines like ` -V:3.12 *        D:/Python312/python.exe`."""
    paths = []
    for line in text.splitlines():
        words = line.strip().split(None, 1)
        if len(words) == 2 and words[0].startswith("-"):
            paths.append(Path(words[1].lstrip("* ").strip()))
    return paths
