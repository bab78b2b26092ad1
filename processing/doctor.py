"""Looks at everything that the engine needs and says of each in one sentence whether it is well, and what to do if not.

Changes nothing. Standard library only, Python 3.9 and later; knows nothing of qgis, so it also runs where QGIS is
missing.
"""

import glob
import os
import re
import shutil
import subprocess  # nosec B404 - asking programs for their version is what this file is for
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Dict, List, Optional

from ..core.errors import EngineMissing, QuadratError
from ..core.version import VERSION
from . import upkeep
from .commands import SetupLog
from .environment import (
    Engine,
    clean_environment,
    engines_folder,
    find_engine,
    home,
    pointed_folder,
    pointer_file,
)
from .interpreters import find
from .proving import check_libraries, shake_hands

GPU_QUESTION = (
    "import torch; print(torch.__version__, '|', torch.cuda.get_device_name(0) if torch.cuda.is_available() else "
    "'mps' if torch.backends.mps.is_available() else 'cpu')"
)
SET_UP = "Run 'Set up the engine' (quadrat setup)."


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at."""

    ok: bool
    """False only where something must be done."""
    title: str
    sentence: str


def diagnose() -> List[Finding]:
    """Look at everything, best known first; takes some seconds since the engine is really started."""
    findings = [_home(), _engine_choice()]
    try:
        engine: Optional[Engine] = find_engine()
    except EngineMissing as error:
        engine = None
        findings.append(Finding(False, "Engine", str(error)))
        findings.append(_interpreters())
    if engine is not None:
        findings += [_libraries(engine), _worker(engine), _torch(engine)]
    return [*findings, _gpu(), _disk(), _qgis(), _plots()]


def _home() -> Finding:
    folder = home()
    place = next((p for p in (folder, *folder.parents) if p.exists()), folder)
    try:
        with tempfile.TemporaryFile(dir=str(place)):
            free = shutil.disk_usage(str(place)).free / 1e9
    except OSError as error:
        advice = "Make it writable, or choose another folder with the variable QUADRAT_HOME."
        return Finding(False, "Folder", f"{folder} cannot be written ({error.strerror}). {advice}")
    state = "is writable" if folder.is_dir() else "is not made yet"
    return Finding(free > 0.5, "Folder", f"{folder} {state}; {free:.1f} GB are free.")


def _engine_choice() -> Finding:
    chosen = os.environ.get("QUADRAT_PYTHON", "").strip()
    if chosen:
        return Finding(True, "Pointer", f"QUADRAT_PYTHON overrides the engine that set-up made: {chosen}.")
    folder = pointed_folder()
    if folder is None:
        what = "cannot be read" if pointer_file().exists() else "is not there"
        return Finding(False, "Pointer", f"{pointer_file()} {what}. {SET_UP}")
    if not folder.is_dir():
        return Finding(False, "Pointer", f"{pointer_file()} names {folder}, which was deleted. {SET_UP}")
    return Finding(True, "Pointer", f"Plugin {VERSION} uses the engine in {folder}.")


def _interpreters() -> Finding:
    search = find()
    if search.found is not None:
        return Finding(True, "Python", f"{search.found.name} can carry an engine.")
    return Finding(True, "Python", f"Set-up will fetch a Python, for none here can carry an engine. {search.reasons()}")


def _libraries(engine: Engine) -> Finding:
    with tempfile.TemporaryDirectory() as folder:
        log = SetupLog(Path(folder), lambda text: None)
        try:
            versions = check_libraries(engine.python, engine.size, log, lambda: False)
        except QuadratError as error:
            return Finding(False, "Libraries", str(error))
        finally:
            log.close()
    shown = ", ".join(f"{name} {versions[name]}" for name in ("numpy", "rasterio", "scikit-learn", "onnxruntime"))
    return Finding(True, "Libraries", f"The {engine.size} engine (made by {engine.made_by}) is whole: {shown}.")


def _worker(engine: Engine) -> Finding:
    try:
        answer = shake_hands(engine.python)
    except QuadratError as error:
        return Finding(False, "Worker", str(error))
    return Finding(
        True, "Worker", f"Answers: Python {answer.get('python')}, Quadrat {answer.get('version')} at {engine.python}."
    )


def _torch(engine: Engine) -> Finding:
    if engine.size != "full":
        return Finding(True, "PyTorch", "Not in the light engine; only timm backbones need it. Set up 'full' for them.")
    said = _ask([str(engine.python), "-I", "-c", GPU_QUESTION])
    version, bar, device = said.partition("|")
    if not bar:
        return Finding(False, "PyTorch", f"PyTorch does not load ({said or 'silent'}). {SET_UP}")
    if device.strip() == "cpu":
        why = (
            " The driver is there but this build cannot use it: set up again with the CUDA build." if _driver() else ""
        )
        return Finding(True, "PyTorch", f"PyTorch {version.strip()} works on the CPU.{why}")
    return Finding(True, "PyTorch", f"PyTorch {version.strip()} works on {device.strip()}.")


def _driver() -> str:
    """Name of the NVIDIA device and its driver; empty without one."""
    program = shutil.which("nvidia-smi")
    if program is None:
        return ""
    return _ask([program, "--query-gpu=name,driver_version", "--format=csv,noheader"])


def _gpu() -> Finding:
    driver = _driver()
    if driver:
        return Finding(True, "GPU", f"NVIDIA: {driver}.")
    if sys.platform == "darwin":
        return Finding(True, "GPU", "Apple's own, used by PyTorch as 'mps'.")
    return Finding(True, "GPU", "No NVIDIA driver was found; everything runs on the CPU.")


def _disk() -> Finding:
    if not home().is_dir():
        return Finding(True, "Disk", "Nothing is installed yet.")
    uses = upkeep.disk_uses()
    total = uses.pop("total")
    parts = ", ".join(f"{name} {size / 1e6:.0f} MB" for name, size in uses.items() if size > 1e6)
    old = _old_engines()
    left = f" {len(old)} old engine(s) will be deleted at the next set-up." if old else ""
    return Finding(
        True, "Disk", f"{total / 1e6:.0f} MB in {home()} ({parts or 'nothing'}; shared files count twice).{left}"
    )


def _old_engines() -> List[Path]:
    folder = engines_folder()
    return [path for path in folder.iterdir() if path != pointed_folder()] if folder.is_dir() else []


def _qgis() -> Finding:
    if "qgis.core" in sys.modules:
        version = getattr(sys.modules["qgis.core"].Qgis, "QGIS_VERSION", "")
        return Finding(True, "QGIS", f"This is QGIS {version}.")
    program = find_qgis_process()
    if program is None:
        return Finding(True, "QGIS", "Not found; the command line works without it.")
    match = re.search(r"QGIS (\d+\.\d+\.\d+)", _ask([program, "--version"], QT_QPA_PLATFORM="offscreen"))
    return Finding(True, "QGIS", f"{'QGIS ' + match[1] if match else 'A QGIS of unknown version'} at {program}.")


def find_qgis_process() -> Optional[str]:
    """The program `qgis_process`; on Debian 12 its `.bin`, since the script around it passes an unknown option."""
    for name in ("qgis_process.bin", "qgis_process"):
        found = shutil.which(name)
        if found:
            return found
    patterns = {
        "darwin": ["/Applications/QGIS*.app/Contents/MacOS/bin/qgis_process"],
        "win32": [r"C:\Program Files\QGIS*\bin\qgis_process*.bat", r"C:\OSGeo4W*\bin\qgis_process*.bat"],
    }.get(sys.platform, [])
    return next((found for pattern in patterns for found in sorted(glob.glob(pattern), reverse=True)), None)


def _plots() -> Finding:
    if upkeep.plots_ready():
        return Finding(True, "Plots", "pyqtgraph lies ready for QGIS.")
    return Finding(True, "Plots", "pyqtgraph is not there: plots stay empty, everything else works. Set-up fetches it.")


def _ask(command: List[str], **extra: str) -> str:
    """What a program prints, on one line; what went wrong if it does not start."""
    env: Dict[str, str] = {**clean_environment(), **extra}
    flags = {"creationflags": subprocess.CREATE_NO_WINDOW} if os.name == "nt" else {}  # type: ignore[attr-defined]
    try:
        done = subprocess.run(  # nosec B603 - a list of arguments, no shell
            command, env=env, stdin=subprocess.DEVNULL, capture_output=True, encoding="utf-8", errors="replace",
            timeout=120, **flags,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    return " ".join((done.stdout or done.stderr[-300:]).split())
