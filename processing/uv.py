"""uv, the installer: where it is, how it is got, and pip's settings put into its words.

uv does not read pip's configuration, so a mirror, proxy or certificate set for pip would be lost. Standard library
only.
"""

import ast
import os
import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Callable, Dict, List, Optional

from .commands import SetupLog, run
from .environment import clean_environment, engine_python, home
from .interpreters import Interpreter, bundled

PIN = "0.13.8"
OLDEST = (0, 7)
"""The first that chooses the build of PyTorch as documented now."""
SILENCE_S = 600.0

Cancelled = Callable[[], bool]


@dataclass(frozen=True)
class Uv:
    """A uv that answers."""

    path: Path
    version: str

    @property
    def name(self) -> str:
        """For the log and the facts of an engine."""
        return f"uv {self.version}"


def find_uv(log: SetupLog, cancelled: Cancelled) -> Optional[Uv]:
    """Quadrat's own uv, else one on PATH that is new enough."""
    places = [own_uv(), Path(shutil.which("uv", path=clean_environment().get("PATH", "")) or "")]
    for place in places:
        if place is not None and place.is_file():
            found = _answers(place, log, cancelled)
            if found is not None:
                return found
    return None


def own_uv() -> Optional[Path]:
    """The uv in Quadrat's folder, wherever pip laid it."""
    name = "uv.exe" if os.name == "nt" else "uv"
    places = (home() / "uv" / folder / name for folder in ("bin", "Scripts"))
    return next((place for place in places if place.is_file()), None)


def _answers(place: Path, log: SetupLog, cancelled: Cancelled) -> Optional[Uv]:
    done = run([str(place), "--version"], log, cancelled, env=clean_environment(), timeout_s=30)
    match = re.search(r"uv (\d+)\.(\d+)\.(\S+)", done.text)
    if not done.ok or match is None:
        return None
    version = f"{match[1]}.{match[2]}.{match[3]}"
    return Uv(place, version) if (int(match[1]), int(match[2])) >= OLDEST else None


def fetch_uv(
    python: Optional[Interpreter], wheels: Optional[Path], log: SetupLog, cancelled: Cancelled
) -> Optional[Uv]:
    """Get uv as a wheel through any pip that can be had; None (the log says why) if that fails."""
    scratch = home() / "scratch"
    try:
        pip = _some_pip(python, scratch, log, cancelled)
        if pip is None:
            log.note("uv: no Python with pip at hand to fetch it with")
            return None
        target = home() / "uv"
        shutil.rmtree(target, ignore_errors=True)
        command = [str(pip), "-m", "pip", "install", "--no-deps", "--only-binary", ":all:", "--target", str(target)]
        command += pip_options(wheels)
        done = run([*command, f"uv=={PIN}"], log, cancelled, env=pip_environment(), timeout_s=SILENCE_S)
        return find_uv(log, cancelled) if done.ok else None
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _some_pip(python: Optional[Interpreter], scratch: Path, log: SetupLog, cancelled: Cancelled) -> Optional[Path]:
    if python is not None and python.has_pip:
        return python.path
    if python is not None and python.has_ensurepip:
        command = [str(python.path), "-m", "venv", "--clear", str(scratch)]
        if run(command, log, cancelled, env=clean_environment(), timeout_s=SILENCE_S).ok:
            return engine_python(scratch)
    return bundled()


def pip_options(wheels: Optional[Path]) -> List[str]:
    """Options of `pip install` that hold for every call."""
    options = ["--disable-pip-version-check", "--no-input", "--progress-bar", "off"]
    return [*options, "--no-index", "--find-links", str(wheels)] if wheels is not None else options


def pip_environment() -> Dict[str, str]:
    """The user's environment, with pip's downloads kept in Quadrat's folder."""
    return {**clean_environment(), "PIP_CACHE_DIR": str(home() / "cache" / "pip")}


def uv_environment(pip_settings: Dict[str, str]) -> Dict[str, str]:
    """The user's environment with pip's settings in uv's words; uv's own variables win."""
    env = clean_environment()
    words = {
        "index-url": ("UV_DEFAULT_INDEX", None),
        "extra-index-url": ("UV_INDEX", None),
        "find-links": ("UV_FIND_LINKS", ","),
        "cert": ("SSL_CERT_FILE", None),
        "trusted-host": ("UV_INSECURE_HOST", None),
        "no-index": ("UV_NO_INDEX", None),
        "proxy": ("ALL_PROXY", None),
        "timeout": ("UV_HTTP_TIMEOUT", None),
        "default-timeout": ("UV_HTTP_TIMEOUT", None),
    }
    for setting, (variable, separator) in words.items():
        value = pip_settings.get(setting, "").strip()
        if value and variable not in env:
            env[variable] = separator.join(value.split()) if separator else " ".join(value.split())
    if "UV_INDEX" in env:
        env.setdefault("UV_INDEX_STRATEGY", "unsafe-best-match")  # as pip does: the best version of all indexes
    env.setdefault("UV_HTTP_TIMEOUT", "60")
    env["UV_CACHE_DIR"] = str(home() / "cache" / "uv")
    env["UV_PYTHON_INSTALL_DIR"] = str(home() / "python")
    env["UV_PYTHON_INSTALL_BIN"] = env["UV_PYTHON_INSTALL_REGISTRY"] = "0"  # for the engine, not for the user's shell
    env["UV_NO_PROGRESS"] = "1"
    return env


def read_pip_settings(python: Optional[Path], log: SetupLog, cancelled: Cancelled) -> Dict[str, str]:
    """What pip would use: its configuration files if a pip can be asked, and its variables."""
    settings = {}
    if python is not None:
        env = {k: v for k, v in clean_environment().items() if not k.startswith("PIP_")}
        done = run([str(python), "-m", "pip", "config", "list"], log, cancelled, env=env, timeout_s=60)
        settings = parse_pip_config(done.lines) if done.ok else {}
    for name, value in os.environ.items():
        if name.startswith("PIP_"):
            settings[name[4:].lower().replace("_", "-")] = value
    return settings


def parse_pip_config(lines: List[str]) -> Dict[str, str]:
    """Settings in what `pip config list` prints: `global.index-url='…'`; those for `install` win."""
    settings = {}
    for section in ("global", "install"):
        for line in lines:
            match = re.fullmatch(rf"{section}\.([a-z-]+)=(.+)", line.strip())
            if match:
                try:
                    settings[match[1]] = str(ast.literal_eval(match[2]))
                except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
                    settings[match[1]] = match[2]
    return settings
