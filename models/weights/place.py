"""Where the store of weights lies. Standard library only, Python 3.9 and later: forms and the shell ask too.

The folder is `weights` in `QUADRAT_HOME` unless it was moved; where to is said by `weights.json` in `QUADRAT_HOME`, so
that worker, shell and QGIS agree.
"""

import contextlib
import json
import os
from pathlib import Path
from typing import Any, Callable, Dict, Optional

from ..errors import NoRoom, UnusableModel, WeightsNotFound

SUFFIXES = (".safetensors", ".pth", ".pt", ".bin")
"""Of files of weights; the first that is there counts."""
FETCHING = "fetching"
"""Folder in the store for what is not whole yet."""
SPARE_BYTES = 64_000_000
"""Left free on the disk."""

Tick = Callable[[int, int, str], None]
"""(bytes done, bytes in all or 0, what is done); called at least twice a second. What it raises stops the work."""


def silent(done: int, total: int, text: str) -> None:
    """A `Tick` for nobody."""


def home() -> Optional[Path]:
    """Quadrat's own folder; None where `QUADRAT_HOME` is not set."""
    chosen = os.environ.get("QUADRAT_HOME", "").strip()
    return Path(os.path.abspath(os.path.expanduser(chosen))) if chosen else None


def setting_file(base: Optional[Path] = None) -> Optional[Path]:
    """The file that says where the store was moved to; `base` as for `store_folder`."""
    base = base or home()
    return base / "weights.json" if base else None


def store_folder(base: Optional[Path] = None) -> Optional[Path]:
    """The folder of the store, whether or not it exists; None where nobody knows Quadrat's own folder.

    Args:
        base: Quadrat's own folder, where the caller knows it; else that of the environment.

    Raises:
        UnusableModel: the setting cannot be read.
    """
    base, setting = base or home(), setting_file(base)
    if base is None or setting is None:
        return None
    if not setting.is_file():
        return base / "weights"
    chosen = (read_json(setting) or {}).get("folder")
    if not isinstance(chosen, str) or not chosen:
        raise UnusableModel(
            f"The file {setting}, which says where the weights lie, cannot be read. Delete it to use "
            f"{base / 'weights'}, or move the store with 'Manage weights'."
        )
    return Path(chosen)


def ready_folder() -> Path:
    """The folder of the store, made if it is the usual one.

    Raises:
        WeightsNotFound: `QUADRAT_HOME` is not set, or a folder that was chosen is gone.
        NoRoom: it cannot be made.
    """
    folder, base = store_folder(), home()
    if folder is None or base is None:
        raise WeightsNotFound(
            "Weights cannot be kept because QUADRAT_HOME, the folder to keep them in, is not set. Set it, or choose a "
            "weights file."
        )
    if not folder.is_dir() and folder != base / "weights":
        raise WeightsNotFound(
            f"The folder of weights {folder} is not there. Connect the drive that it lies on, or choose another folder "
            "with 'Manage weights', move."
        )
    try:
        (folder / FETCHING).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise NoRoom(f"The folder of weights {folder} cannot be made: {error.strerror or error}.") from error
    return folder


def set_folder(folder: Path) -> None:
    """Have the store lie in `folder` from now on.

    Raises:
        NoRoom: the setting cannot be written.
    """
    base, setting = home(), setting_file()
    if base is None or setting is None:
        raise WeightsNotFound("QUADRAT_HOME is not set, so the place of the weights cannot be noted. Set it.")
    try:
        base.mkdir(parents=True, exist_ok=True)
        if folder == base / "weights":
            with contextlib.suppress(FileNotFoundError):
                setting.unlink()
        else:
            write_json(setting, {"folder": str(folder)})
    except OSError as error:
        raise NoRoom(f"{setting} cannot be written: {error.strerror or error}.") from error


def file_stem(name: str) -> str:
    """The name of a model as a file name without suffix."""
    return "".join(sign if sign.isalnum() or sign in "._-" else "-" for sign in name)


def read_json(path: Path) -> Optional[Dict[str, Any]]:
    """The object in a file; None if the file is missing, unreadable or holds something else."""
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return None
    return values if isinstance(values, dict) else None


def write_json(path: Path, values: Dict[str, Any]) -> None:
    """Write an object under a temporary name and rename.

    Raises:
        OSError: as the system says.
    """
    temporary = path.with_name(f"{path.name}.part{os.getpid()}")
    try:
        temporary.write_text(json.dumps(values, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        os.replace(temporary, path)
    except OSError:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise


def need_room(folder: Path, needed: int, what: str) -> None:
    """Refuse before the work rather than in its middle.

    Raises:
        NoRoom: the disk has less free than `needed` bytes and a little to spare.
    """
    import shutil

    free = shutil.disk_usage(folder).free
    if needed + SPARE_BYTES > free:
        raise NoRoom(
            f"There is no room for {what}: {size_text(needed)} are needed in {folder}, {size_text(free)} are free. "
            "Free some space, or move the weights to another disk with 'Manage weights'."
        )


def size_text(count: float) -> str:
    """`2.7 GB`, `512 MB`, `4 kB`: decimal units, as disks and providers count."""
    for unit, size in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if count >= size:
            return f"{count / size:.1f} {unit}" if count < 10 * size else f"{count / size:,.0f} {unit}"
    return f"{count:.0f} bytes"
