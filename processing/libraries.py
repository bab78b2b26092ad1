"""Puts pinned libraries into the engine's folder, with uv or with venv and pip.

Requirement files are named bare, from their own folder: uv splits a path with a space. Standard library only.
"""

import re
import shutil
import sys
import time
from pathlib import Path
from typing import Callable, Dict, List, Optional, Sequence

from ..core.errors import Cancelled, SetupFailed
from . import upkeep
from .commands import Done, SetupLog, run
from .environment import REQUIREMENTS, SIZES, clean_environment, engine_python, home, qgis_packages, site_packages
from .interpreters import Interpreter
from .trouble import Trouble, recognise
from .uv import Uv, pip_environment, pip_options, uv_environment

PLOTS = "pyqtgraph==0.13.7"
"""Takes any numpy that a supported QGIS brings; pure Python, for QGIS's own process."""
PAUSES_S = (2.0, 8.0)
"""Before each further try when the network fails."""
CUDA_MB = 9400
"""Room that PyTorch's CUDA build needs while it is installed."""
LOOK_AGAIN_S = 2.0

Step = Callable[..., None]


class Installer:
    """uv, or pip where there is no uv, with one log and one way to stop."""

    def __init__(
        self,
        uv: Optional[Uv],
        python: Optional[Interpreter],
        wheels: Optional[Path],
        pip_settings: Dict[str, str],
        log: SetupLog,
        cancelled: Callable[[], bool],
        step: Step,
    ) -> None:
        self.uv, self.python, self.wheels, self.log = uv, python, wheels, log
        self._cancelled, self._step = cancelled, step
        self._env = uv_environment(pip_settings) if uv else pip_environment()
        links = f"{self._env.get('UV_FIND_LINKS', '')},{','.join(pip_settings.get('find-links', '').split())}"
        self._links = [Path(link) for link in links.split(",") if link] + ([wheels] if wheels else [])

    @property
    def name(self) -> str:
        """Goes into the facts of the engine."""
        return self.uv.name if self.uv else "pip"

    def make_venv(self, folder: Path) -> None:
        """An empty environment in a folder that is not there yet.

        Raises:
            SetupFailed: says what to do.
        """
        if self.python is None:
            raise SetupFailed("There is no Python to make the engine with.")
        if self.uv:
            command = [str(self.uv.path), "venv", "--no-project", "--python", str(self.python.path), str(folder)]
        else:
            command = [str(self.python.path), "-m", "venv", str(folder)]
        done = run(command, self.log, self._cancelled, env=self._env, timeout_s=600)
        if not done.ok or not engine_python(folder).exists():
            raise SetupFailed(_sentence(done, "The environment could not be made"))

    def install(self, folder: Path, size: str, torch_build: str, more: Sequence[str] = ()) -> None:
        """Install the pinned libraries, and those of `more` requirement files; tries again when the network fails.

        Raises:
            SetupFailed: says what to do.
        """
        files = [option for name in (*SIZES[size], *more) for option in ("-r", name)]
        backend = self._torch_backend(torch_build) if size == "full" else ""
        watch = _Watch(self._step, 0.08, 0.74, 740 if size == "light" else 2100 if torch_build == "cpu" else 6500)
        if backend:
            done = self._pip(folder, ["--torch-backend", backend, *files], watch, tries=2)
            if done.ok:
                return
            self._may_take_default_build(done, torch_build)
        done = self._pip(folder, files, watch, tries=1 + len(PAUSES_S))
        if not done.ok:
            raise SetupFailed(_sentence(done, "The libraries could not be installed"))

    def install_into(self, target: Path, requirement: str, python: Path) -> bool:
        """One library without what it needs, into a plain folder; False if it could not be had."""
        options = ["--target", str(target), "--no-deps", requirement]
        return self._pip(python.parent.parent, options, None, tries=1).ok

    def _pip(self, folder: Path, options: List[str], watch: "Optional[_Watch]", tries: int) -> Done:
        python = str(engine_python(folder))
        if self.uv:
            command = [str(self.uv.path), "pip", "install", "--python", python, "--only-binary", ":all:"]
            if self.wheels is not None:
                command += ["--offline", "--no-index", "--find-links", self.wheels.absolute().as_uri()]
        else:
            command = [python, "-m", "pip", "install", "--no-compile", "--only-binary", ":all:"]
            command += pip_options(self.wheels)
        done = Done(-1)
        for attempt in range(tries):
            done = run(
                [*command, *options], self.log, self._cancelled, env=self._env, cwd=REQUIREMENTS,
                on_line=watch.hear if watch else None, on_idle=watch.look if watch else None,
            )  # fmt: skip
            trouble = None if done.ok else recognise(done.text)
            if done.ok or attempt + 1 == tries or not self._worth_another_try(trouble):
                break
            self._wait(PAUSES_S[attempt], trouble)
        return done

    def _worth_another_try(self, trouble: Optional[Trouble]) -> bool:
        if trouble is not None and trouble.kind == "certificate" and "UV_SYSTEM_CERTS" not in self._env:
            # uv brings its own list of authorities; the system may know one more, of the user's organisation.
            self._env.update(UV_SYSTEM_CERTS="1", UV_NATIVE_TLS="1")
            return self.uv is not None
        return trouble is not None and trouble.passes and self.wheels is None

    def _wait(self, pause_s: float, trouble: Optional[Trouble]) -> None:
        why = trouble.kind if trouble else "unknown trouble"
        self.log.tell(f"The download failed ({why}); trying again in {pause_s:.0f} s.")
        until = time.monotonic() + pause_s
        while time.monotonic() < until:
            if self._cancelled():
                raise Cancelled("Stopped. What was downloaded is kept; run set-up again to go on.")
            time.sleep(0.05)

    def _torch_backend(self, build: str) -> str:
        """What uv calls the build of PyTorch; empty where the plain index has it, or a file lies ready."""
        if self.uv is None or self.wheels is not None or "UV_TORCH_BACKEND" in self._env:
            return ""
        if build == "cuda":
            return "" if sys.platform.startswith("linux") else "auto"
        if not sys.platform.startswith("linux") or self._has_torch_wheel():
            return ""
        return "cpu"

    def _has_torch_wheel(self) -> bool:
        """True if a folder that the user named holds a PyTorch for this Python."""
        tag = "cp{}{}".format(*self.python.version) if self.python else ""
        return any(list(link.glob(f"torch-*-{tag}-*.whl")) for link in self._links if link.is_dir())

    def _may_take_default_build(self, done: Done, build: str) -> None:
        """Go on with the index's default build of PyTorch, unless that has no room."""
        if build == "cuda":
            self.log.tell("PyTorch's CUDA build cannot be reached from here; the default build is taken.")
            return
        free_mb = shutil.disk_usage(str(home())).free // 10**6
        if free_mb < CUDA_MB:
            raise SetupFailed(
                f"PyTorch's CPU build cannot be fetched, and its default build, with CUDA, needs {CUDA_MB // 1000} GB "
                f"of which {free_mb // 1000} GB are free. {_sentence(done, 'The index of CPU builds did not answer')}"
            )
        self.log.tell("PyTorch's CPU build cannot be reached from here; the larger default build (6 GB) is taken.")


class _Watch:
    """Tells how far an installation is, from the bytes that have arrived: the installers themselves are silent."""

    def __init__(self, step: Step, low: float, high: float, expected_mb: int) -> None:
        self._step, self._low, self._high = step, low, high
        self._expected = expected_mb * 10**6
        self._folders = (home() / "cache", home() / "engines")
        self._before = self._bytes()
        self._started = self._looked = time.monotonic()

    def hear(self, line: str) -> None:
        """A line of the installer: name the library that arrived."""
        match = re.match(r"\s*(Downloaded|Building|Prepared|Installed|Collecting|Downloading) (\S+)(.*)", line)
        if match:
            self._tell(f"{match[1]} {match[2]}{match[3][:40]}")

    def look(self) -> None:
        """A moment without a line: measure."""
        if time.monotonic() - self._looked >= LOOK_AGAIN_S:
            self._tell("")

    def _tell(self, text: str) -> None:
        self._looked = time.monotonic()
        share = min((self._bytes() - self._before) / self._expected, 1.0)
        elapsed = self._looked - self._started
        remaining = elapsed * (1 - share) / share if share > 0.05 and elapsed > 3 else None
        self._step(self._low + (self._high - self._low) * max(share, 0.0), text, remaining)

    def _bytes(self) -> int:
        return sum(upkeep.disk_use(folder) for folder in self._folders if folder.is_dir())


def _sentence(done: Done, what: str) -> str:
    trouble = recognise(done.text)
    if trouble is not None:
        return f"{what}. {trouble.sentence}"
    said = next((line.strip() for line in reversed(done.lines) if line.strip()), "nothing")
    return f"{what}. The installer said: {said[:300]}"


def compile_bytecode(folder: Path, log: SetupLog, cancelled: Callable[[], bool]) -> None:
    """Compile what will be imported, but not the libraries' own tests: a start takes 3 s with it and 10 s without."""
    for packages in site_packages(folder):
        command = [str(engine_python(folder)), "-I", "-m", "compileall", "-qq", "-j", "0"]
        command += ["-x", r"[\\/]tests?[\\/]", str(packages)]
        # The status says only that some template is not Python; such files are never imported.
        run(command, log, cancelled, env=clean_environment())


def install_plots(installer: Installer, python: Path) -> None:
    """Unpack the library for plots into its own folder; without it everything but the plots works."""
    name, _, version = PLOTS.partition("==")
    if (qgis_packages() / f"{name}-{version}.dist-info").is_dir():
        return
    fresh = home() / "scratch"
    upkeep.discard(fresh)
    if installer.install_into(fresh, PLOTS, python):
        upkeep.discard(qgis_packages())
        fresh.rename(qgis_packages())
    else:
        upkeep.discard(fresh)
        installer.log.tell("The library for plots (pyqtgraph) could not be fetched; everything but the plots works.")
