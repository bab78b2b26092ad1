"""Runs QGIS with the plugin in a profile of its own under `.quadrat/`; the user's profile is neither read nor changed.

As a program: `qgis_profile.py qgis_process run quadrat:embedraster -- …`, or `qgis_profile.py qgis` for the desktop.
Standard library only.
"""

import os
import pathlib
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
FOREIGN = ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "PYTHONSTARTUP")


class QgisMissing(Exception):
    """QGIS is not installed, or not where it can be found."""


def state_folder() -> pathlib.Path:
    """Where everything lies that the Makefile makes."""
    return pathlib.Path(os.environ.get("QUADRAT_HOME") or ROOT / ".quadrat").absolute()


def make_profile(folder: "pathlib.Path | None" = None) -> pathlib.Path:
    """A QGIS configuration folder whose default profile has the plugin, linked and switched on; made once."""
    config = (folder or state_folder() / "profile").absolute()
    profile = config / "profiles" / "default"
    plugins = profile / "python" / "plugins"
    plugins.mkdir(parents=True, exist_ok=True)
    (profile / "QGIS").mkdir(exist_ok=True)
    link = plugins / "quadrat"
    if not link.exists() or link.resolve() != ROOT:
        link.unlink(missing_ok=True)
        link.symlink_to(ROOT, target_is_directory=True)
    for name in ("QGIS3.ini", "QGIS4.ini"):
        settings = profile / "QGIS" / name
        if not settings.exists():
            settings.write_text("[PythonPlugins]\nquadrat=true\n", encoding="utf-8")
    return config


def qgis_environment(offscreen: bool = True) -> "dict[str, str]":
    """The environment in which QGIS uses that profile and the engine under `.quadrat/`."""
    environment = {name: value for name, value in os.environ.items() if name not in FOREIGN}
    runtime = state_folder() / "run"
    runtime.mkdir(parents=True, exist_ok=True, mode=0o700)
    environment.update(
        QUADRAT_HOME=str(state_folder()),
        QGIS_CUSTOM_CONFIG_PATH=str(make_profile()),
        PYTHONDONTWRITEBYTECODE="1",
        PYTHONWARNINGS="ignore::DeprecationWarning",
    )
    environment.setdefault("XDG_RUNTIME_DIR", str(runtime))
    if sys.platform == "linux":
        # QGIS takes its Python's libraries from beside the first python3 on PATH; pyenv or conda there would break it.
        environment["PATH"] = os.pathsep.join(["/usr/bin", "/bin", environment.get("PATH", "")])
    if offscreen:
        environment["QT_QPA_PLATFORM"] = "offscreen"
    return environment


def qgis_process() -> str:
    """The program `qgis_process`. Debian 12 wraps it in a script that passes an option it does not know.

    Raises:
        QgisMissing: it is not on PATH.
    """
    return _program("qgis_process.bin", "qgis_process")


def qgis_python() -> str:
    """A Python that can import qgis.

    Raises:
        QgisMissing: none does.
    """
    environment = qgis_environment()
    for program in ("/usr/bin/python3", shutil.which("python3"), sys.executable):
        if program and os.path.exists(program):
            asked = subprocess.run([program, "-c", "import qgis.core"], env=environment, capture_output=True)
            if asked.returncode == 0:
                return program
    raise QgisMissing("No Python here can import qgis. On Debian and Ubuntu: sudo apt install python3-qgis.")


def _program(*names: str) -> str:
    for name in names:
        found = shutil.which(name)
        if found:
            return found
    raise QgisMissing(f"{names[-1]} was not found. On Debian and Ubuntu: sudo apt install qgis. Else see the README.")


def main() -> int:
    """Run the command line with the first word looked up among QGIS's programs."""
    if len(sys.argv) < 2:
        sys.stderr.write(__doc__ or "")
        return 2
    desktop = sys.argv[1] == "qgis"
    try:
        program = _program(f"{sys.argv[1]}.bin", sys.argv[1])
    except QgisMissing as error:
        sys.stderr.write(f"{error}\n")
        return 1
    if desktop and not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")) and sys.platform == "linux":
        sys.stderr.write(
            "QGIS needs a screen, and DISPLAY names none. Run it in a desktop session, or use 'make demo'.\n"
        )
        return 1
    try:
        return subprocess.run([program, *sys.argv[2:]], env=qgis_environment(offscreen=not desktop)).returncode
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
