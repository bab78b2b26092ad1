"""Where the engine lies and which Python it has; one code path for QGIS, the shell, tools and tests.

`home()/engine.json` points at a folder below `home()/engines/`; each whole engine carries its own facts in that
folder. Nothing here installs, starts or deletes anything. Knows nothing of qgis. Standard library only, Python 3.9
and later.
"""

import hashlib
import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable, Dict, List, Optional

from ..core.errors import EngineMissing

PLUGIN = Path(__file__).resolve().parents[1]
REQUIREMENTS = PLUGIN / "resources" / "engine"
SIZES = {"light": ("light.txt",), "full": ("light.txt", "full.txt")}
"""Files of pinned requirements that make an engine of each size."""
FACTS = "quadrat-engine.json"
"""In the engine's folder, written last: an engine without it is half made."""

DROPPED = (
    "CONDA_DEFAULT_ENV", "CONDA_PREFIX", "CONDA_PYTHON_EXE", "GDAL_DATA", "GDAL_DRIVER_PATH", "GDAL_PAM_PROXY_DIR",
    "LD_LIBRARY_PATH", "LD_PRELOAD", "PROJ_DATA", "PROJ_LIB", "QT_PLUGIN_PATH", "QT_QPA_PLATFORM_PLUGIN_PATH",
    "VIRTUAL_ENV", "VIRTUAL_ENV_PROMPT", "__PYVENV_LAUNCHER__",
)  # fmt: skip
"""What QGIS sets for itself and what misleads another Python: foreign libraries, foreign coordinate systems."""
DROPPED_BEGINNINGS = ("PYTHON", "DYLD_")

_lender: Optional[Callable[[], Dict[str, str]]] = None


@dataclass(frozen=True)
class Engine:
    """An engine on this machine."""

    folder: Path
    python: Path
    size: str
    """light or full"""
    made_by: str
    """Installer and version, or QUADRAT_PYTHON."""


def home() -> Path:
    """Quadrat's own folder: QUADRAT_HOME, else `quadrat` in the local (never the roaming) application data."""
    chosen = os.environ.get("QUADRAT_HOME", "").strip()
    if chosen:
        return Path(os.path.abspath(os.path.expanduser(chosen)))
    user = Path(os.path.expanduser("~"))
    if os.name == "nt":
        return Path(os.environ.get("LOCALAPPDATA") or user / "AppData" / "Local") / "quadrat"
    if sys.platform == "darwin":
        return user / "Library" / "Application Support" / "quadrat"
    return Path(os.environ.get("XDG_DATA_HOME") or user / ".local" / "share") / "quadrat"


def find_engine() -> Engine:
    """The engine to use: QUADRAT_PYTHON if set, else the one that the pointer names. Starts nothing.

    Raises:
        EngineMissing: there is none, it is broken, or it was made for another version; says what to do.
    """
    chosen = os.environ.get("QUADRAT_PYTHON", "").strip()
    if chosen:
        return _chosen_engine(chosen)
    folder = pointed_folder()
    if folder is None:
        raise EngineMissing(f"The engine is not set up in {home()}. Run 'Set up the engine' (quadrat setup).")
    facts = read_json(folder / FACTS)
    if facts is None:
        raise EngineMissing(f"The engine in {folder} is gone or not whole. Run 'Set up the engine' (quadrat setup).")
    size = facts.get("size")
    if not isinstance(size, str) or size not in SIZES or facts.get("requirements") != requirement_id(size):
        raise EngineMissing(
            "The engine was made for another version of Quadrat and needs an update. Run 'Set up the engine' "
            "(quadrat setup); the old one stays until the new one works."
        )
    python = engine_python(folder)
    if not python.exists():
        raise EngineMissing(
            f"The Python that the engine was made with is gone ({_target(python)}), perhaps since the system was "
            "updated. Run 'Set up the engine' (quadrat setup) again."
        )
    return Engine(folder, python, size, str(facts.get("made_by", "")))


def _chosen_engine(chosen: str) -> Engine:
    python = Path(os.path.abspath(os.path.expanduser(chosen)))
    if not python.is_file():
        raise EngineMissing(f"QUADRAT_PYTHON names {python}, which is not there. Correct the variable or unset it.")
    folder = python.parent.parent
    has_torch = any((packages / "torch").is_dir() for packages in site_packages(folder))
    return Engine(folder, python, "full" if has_torch else "light", "QUADRAT_PYTHON")


def _target(python: Path) -> Path:
    """Where a chain of links ends, whether or not anything is there."""
    return Path(os.path.realpath(str(python)))


def engine_python(folder: Path) -> Path:
    """The interpreter in a virtual environment."""
    return folder / "Scripts" / "python.exe" if os.name == "nt" else folder / "bin" / "python"


def site_packages(folder: Path) -> List[Path]:
    """Folders of libraries in a virtual environment; empty if there is none."""
    found = [folder / "Lib" / "site-packages"] if os.name == "nt" else folder.glob("lib/python3*/site-packages")
    return [path for path in found if path.is_dir()]


def engines_folder() -> Path:
    """Where engines lie, one folder each."""
    return home() / "engines"


def pointer_file() -> Path:
    """The file that says which engine is in use; replaced in one step."""
    return home() / "engine.json"


def pointed_folder() -> Optional[Path]:
    """The folder that the pointer names, whether or not it exists; None without a readable pointer."""
    pointer = read_json(pointer_file()) or {}
    name = pointer.get("engine")
    if not isinstance(name, str) or not name or name != os.path.basename(name) or name in (".", ".."):
        return None
    return engines_folder() / name


def qgis_packages() -> Path:
    """Pure-Python libraries that set-up unpacks for QGIS's own side (plots); append it to `sys.path`, never prepend."""
    return home() / "qgis-packages"


def read_json(path: Path) -> Optional[Dict[str, Any]]:
    """The object in a file; None if the file is missing, unreadable or holds something else."""
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return None
    return values if isinstance(values, dict) else None


def requirements(size: str) -> List[str]:
    """Pinned requirements of an engine, one a line, without comments."""
    lines: List[str] = []
    for name in SIZES[size]:
        for line in (REQUIREMENTS / name).read_text(encoding="utf-8").splitlines():
            text = line.partition("#")[0].strip()
            if text:
                lines.append(text)
    return lines


def requirement_id(size: str) -> str:
    """Eight letters that stand for exactly these requirements; comments, order and line ends do not count."""
    return hashlib.sha256("\n".join(sorted(requirements(size))).encode("utf-8")).hexdigest()[:8]


def borrow_from(lender: Optional[Callable[[], Dict[str, str]]]) -> None:
    """Have `lender` say what the host program knows and the environment does not (QGIS: its proxy); None: nobody."""
    global _lender
    _lender = lender


def borrowed() -> Dict[str, str]:
    """Variables of the host program, as they are now; empty outside of one."""
    return _lender() if _lender else {}


def clean_environment() -> Dict[str, str]:
    """The environment for the engine's processes: the user's own and the host's proxy, without QGIS's own libraries."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if name.upper() not in DROPPED and not name.upper().startswith(DROPPED_BEGINNINGS)
    }
    root = qgis_root()
    if root is not None:
        kept["PATH"] = _path_without(root, kept.get("PATH", kept.get("Path", "")))
        kept.pop("Path", None)
    lent = borrowed()
    # Programs differ in whether small or capital letters win.
    return {**{name: value for name, value in kept.items() if name.upper() not in lent}, **lent}


def qgis_root() -> Optional[Path]:
    """The folder of the QGIS that this process is, where QGIS brings its own Python (Windows, macOS); else None."""
    executable = Path(sys.executable or "")
    if sys.platform.startswith("linux") or executable.name.lower().startswith("python"):
        return None
    if sys.platform == "darwin":
        return next((folder for folder in executable.parents if folder.suffix == ".app"), None)
    if os.environ.get("OSGEO4W_ROOT"):
        return Path(os.environ["OSGEO4W_ROOT"])
    return executable.parent.parent if executable.name.lower().startswith("qgis") else None


def _path_without(root: Path, path: str) -> str:
    """PATH without the folders of QGIS, whose libraries would be found first; with those of the system."""
    inside = os.path.normcase(str(root))
    folders = [entry for entry in path.split(os.pathsep) if entry and not os.path.normcase(entry).startswith(inside)]
    if os.name == "nt":
        windows = os.environ.get("SYSTEMROOT", r"C:\Windows")
        needed = [windows + r"\System32", windows, windows + r"\System32\Wbem"]
    else:
        needed = ["/usr/bin", "/bin", "/usr/sbin", "/sbin"]
    return os.pathsep.join(folders + [entry for entry in needed if entry not in folders])
