"""Sets up the engine: checks first, installs into a new folder, tries it, and only then points to it.

The engine in use is never touched; whatever goes wrong, it stays. Everything done is in a log that the user can send.
Knows nothing of qgis. Standard library only, Python 3.9 and later.
"""

import os
import shutil
import sys
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Callable, Dict, Optional, Tuple

from ..core.errors import Cancelled, EngineMissing, SetupFailed
from ..core.jobs.engine import SetUpEngine
from ..core.version import VERSION
from . import interpreters, upkeep
from .commands import SetupLog, run
from .environment import (
    FACTS,
    Engine,
    engine_python,
    engines_folder,
    find_engine,
    home,
    requirement_id,
)
from .interpreters import Interpreter
from .libraries import Installer, compile_bytecode, install_plots
from .proving import prove
from .uv import Uv, fetch_uv, find_uv, read_pip_settings, uv_environment

__all__ = ["Estimate", "estimate", "install", "remove"]

remove = upkeep.remove

Report = Callable[[float, Optional[float], str], None]
Tell = Callable[[str], None]
IsCancelled = Callable[[], bool]

MAX_PATH_WINDOWS = 70
"""Members of torch's wheel have names of 171 characters, and Windows allows 260 in all."""


@dataclass(frozen=True)
class Estimate:
    """What a set-up costs, told before it starts."""

    download_mb: int
    disk_mb: int
    minutes: int
    """At 20 Mbit/s."""
    what: str

    @property
    def sentence(self) -> str:
        """For the user."""
        return (
            f"{self.what}: about {self.download_mb} MB to download and {_size(self.disk_mb)} on disk; "
            f"some {self.minutes} minute{'s' if self.minutes > 1 else ''} at 20 Mbit/s, less with a faster network."
        )


def _size(megabytes: int) -> str:
    return f"{megabytes / 1000:.1f} GB" if megabytes >= 1000 else f"{megabytes} MB"


def estimate(job: SetUpEngine) -> Estimate:
    """Size and time of a set-up, from measured installations."""
    if job.size == "light":
        return Estimate(200, 750, 2, "Light engine")
    if sys.platform != "darwin" and torch_build(job) == "cuda":
        return Estimate(2900, 6500, 22, "Full engine with CUDA")
    return Estimate(420, 2100, 4, "Full engine without CUDA")


def torch_build(job: SetUpEngine) -> str:
    """Either cpu or cuda; auto means cuda where an NVIDIA driver is found."""
    if job.torch != "auto":
        return job.torch
    return "cuda" if has_nvidia() else "cpu"


def has_nvidia() -> bool:
    """True where an NVIDIA driver is installed."""
    return os.path.exists("/proc/driver/nvidia/version") or shutil.which("nvidia-smi") is not None


def install(job: SetUpEngine, report: Report, tell: Tell, cancelled: IsCancelled) -> Engine:
    """Make the engine that the job asks for, or find that it is there and whole.

    `report` gets (fraction, remaining seconds or None, text), `tell` each line for the user, and `cancelled` is asked
    some 20 times a second.

    Raises:
        SetupFailed: with a sentence that says what to do; names the log.
        Cancelled: the user stopped it.
    """
    folder = prepare_home()
    with upkeep.only_one():
        log = SetupLog(folder / "logs", tell)
        try:
            log.note(f"Quadrat {VERSION}, {sys.platform}, {sys.version}; job {job.to_dict()}")
            return _Setup(job, report, log, cancelled).run()
        except SetupFailed as error:
            log.note(f"FAILED: {error}")
            raise SetupFailed(f"{error} (Log: {log.path})") from error
        except Cancelled:
            log.note("CANCELLED")
            raise
        except OSError as error:
            log.note(f"FAILED: {error!r}")
            raise SetupFailed(f"A file operation failed: {error}. (Log: {log.path})") from error
        finally:
            log.close()


def prepare_home() -> Path:
    """Make Quadrat's folder and see that one can work in it.

    Raises:
        SetupFailed: the path is too long, or not writable.
    """
    folder = home()
    if os.name == "nt" and len(str(folder)) + len("\\engines\\12345678") > MAX_PATH_WINDOWS:
        raise SetupFailed(
            f"The path {folder} is too long for Windows. Set QUADRAT_HOME to a short one, such as C:\\quadrat."
        )
    try:
        engines_folder().mkdir(parents=True, exist_ok=True)
        trial = folder / f"write-test-{os.getpid()}"
        trial.write_text("", encoding="utf-8")
        trial.unlink()
    except OSError as error:
        raise SetupFailed(
            f"The folder {folder} cannot be written ({error.strerror}). Make it writable, or choose another with the "
            "variable QUADRAT_HOME."
        ) from error
    return folder


class _Setup:
    """One set-up from start to end."""

    def __init__(self, job: SetUpEngine, report: Report, log: SetupLog, cancelled: IsCancelled) -> None:
        self.job, self.log, self.cancelled, self._report = job, log, cancelled, report
        self.wheels = Path(job.wheels) if job.wheels else None

    def run(self) -> Engine:
        """All steps in a row."""
        if self.wheels is not None and not self.wheels.is_dir():
            raise SetupFailed(f"The folder of wheels {self.wheels} is not there. Correct the path or leave it empty.")
        swept = upkeep.tidy()
        if swept:
            self.log.note(f"swept away: {', '.join(swept)}")
        ready = self._already_there()
        if ready is not None:
            return ready
        plan = estimate(self.job)
        self.log.tell(plan.sentence)
        self._check_space(plan)
        self.step(0.02, "Looking for Python and for the installer")
        python, uv = self._tools()
        folder = upkeep.fresh_folder(requirement_id(self.job.size))
        try:
            engine = self._make(folder, python, uv)
        except BaseException:
            # In a thread that a shell waits for at its end, so that a cancel answers at once.
            threading.Thread(target=upkeep.discard, args=(folder,), daemon=False).start()
            raise
        upkeep.point_to(folder)
        upkeep.tidy()
        self.step(1.0, "Done")
        self.log.tell(f"The engine is ready: {engine.size}, {_size(upkeep.disk_use(home()) // 10**6)} on disk.")
        return engine

    def step(self, fraction: float, text: str, remaining_s: Optional[float] = None) -> None:
        """Say what is being done."""
        self._report(fraction, remaining_s, text)

    def _already_there(self) -> Optional[Engine]:
        if self.job.again or os.environ.get("QUADRAT_PYTHON"):
            return None
        try:
            engine = find_engine()
        except EngineMissing as error:
            self.log.note(str(error))
            return None
        if self.job.size == "full" and engine.size != "full":
            return None
        self.step(0.5, "Checking the engine that is there")
        try:
            prove(engine.python, engine.size, self.log, self.cancelled)
        except SetupFailed as error:
            self.log.tell(f"The engine that is there is broken and will be made anew: {error}")
            return None
        if not upkeep.plots_ready():
            install_plots(self._installer(None, find_uv(self.log, self.cancelled), None), engine.python)
        self.step(1.0, "Done")
        self.log.tell(f"The {engine.size} engine is there and whole; nothing was installed.")
        return engine

    def _check_space(self, plan: Estimate) -> None:
        free = shutil.disk_usage(str(home())).free // 10**6
        needed = plan.disk_mb + plan.download_mb
        if free < needed:
            raise SetupFailed(
                f"There is too little space in {home()}: {_size(needed)} are needed while installing and {_size(free)} "
                "are free. Free some, or choose another folder with the variable QUADRAT_HOME."
            )

    def _tools(self) -> Tuple[Interpreter, Optional[Uv]]:
        search = interpreters.find(self.job.python)
        for rejected in search.rejected:
            self.log.note(f"not taken: {rejected.path} {rejected.reason}")
        if self.job.python and search.found is None:
            raise SetupFailed(f"The Python {self.job.python} {search.rejected[0].reason}. Choose another or none.")
        uv = find_uv(self.log, self.cancelled) or fetch_uv(search.found, self.wheels, self.log, self.cancelled)
        python = search.found or self._bring_python(uv, search)
        if uv is None and not python.has_ensurepip:
            raise SetupFailed(
                f"{python.name} cannot make virtual environments. On Debian and Ubuntu run: sudo apt install "
                "python3-venv. Then run set-up again."
            )
        self.log.tell(f"{python.name}, installed by {uv.name if uv else 'pip'}")
        return python, uv

    def _bring_python(self, uv: Optional[Uv], search: interpreters.Search) -> Interpreter:
        advice = (
            "Install Python 3.12 (python.org, your system's packages or Homebrew) and run set-up again, or name a "
            f"Python in the advanced parameters. {search.reasons()}"
        )
        if uv is None:
            raise SetupFailed(f"No Python from 3.11 to 3.14 was found. {advice}")
        self.step(0.04, f"Fetching Python {interpreters.WISHED}")
        env = uv_environment(read_pip_settings(None, self.log, self.cancelled))
        command = [str(uv.path), "python", "install", interpreters.WISHED]
        done = run(command, self.log, self.cancelled, env=env, timeout_s=600)
        for path in interpreters.managed() if done.ok else []:
            try:
                return interpreters.examine(path)
            except interpreters.Unsuitable as error:
                self.log.note(f"not taken: {path} {error}")
        raise SetupFailed(f"No Python from 3.11 to 3.14 was found, and none could be downloaded. {advice}")

    def _make(self, folder: Path, python: Interpreter, uv: Optional[Uv]) -> Engine:
        installer = self._installer(python.path if python.has_pip else None, uv, python)
        self.step(0.06, "Making the environment")
        installer.make_venv(folder)
        self.step(0.08, "Downloading and installing libraries")
        installer.install(folder, self.job.size, torch_build(self.job))
        self.step(0.75, "Preparing for fast starts")
        compile_bytecode(folder, self.log, self.cancelled)
        self.step(0.88, "Library for plots")
        install_plots(installer, engine_python(folder))
        self.step(0.90, "Trying the engine")
        libraries = prove(engine_python(folder), self.job.size, self.log, self.cancelled)
        made_by = installer.name
        facts = {
            "format": 1, "quadrat": VERSION, "size": self.job.size, "requirements": requirement_id(self.job.size),
            "made_by": made_by, "python": ".".join(map(str, python.version)), "libraries": libraries,
        }  # fmt: skip
        upkeep.write_json(folder / FACTS, facts)
        return Engine(folder, engine_python(folder), self.job.size, made_by)

    def _installer(self, pip: Optional[Path], uv: Optional[Uv], python: Optional[Interpreter]) -> Installer:
        settings: Dict[str, str] = read_pip_settings(pip, self.log, self.cancelled)
        return Installer(uv, python, self.wheels, settings, self.log, self.cancelled, self.step)
