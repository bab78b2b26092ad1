"""The whole store to another folder: copied first, noted, then removed here, so that a cut leaves one whole store."""

import contextlib
import os
import shutil
from pathlib import Path
from typing import List

from ..errors import NoRoom, UnusableModel
from . import hashes, records
from .place import FETCHING, SUFFIXES, Tick, home, need_room, read_json, set_folder, silent, store_folder, write_json
from .store import copied


def move(target: Path, tick: Tick = silent) -> int:
    """Have the store lie in `target`; returns the bytes that were moved.

    A store that is there already takes up ours: files that are the same in both stay.

    Raises:
        NoRoom: the disk is too full or read-only, or QUADRAT_HOME is not set.
        UnusableModel: the folder does not do, or holds other weights of the same name.
    """
    source = store_folder()
    if source is None:
        raise NoRoom("QUADRAT_HOME is not set, so there is no store of weights to move. Set it.")
    target = Path(os.path.abspath(os.path.expanduser(str(target))))
    _check_target(source, target)
    files = _files(source)
    new = [path for path in files if not _same_there(path, target, tick)]
    try:
        (target / FETCHING).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise NoRoom(f"The folder {target} cannot be made: {error.strerror or error}.") from error
    total = sum(path.stat().st_size for path in new)
    if new and not _one_disk(source, target):
        need_room(target, total, "the weights")
    done = 0
    for path in new:
        _bring(path, target, done, total, tick)
        done += path.stat().st_size
    _join_licences(source, target)
    set_folder(target)
    _clear(source, files)
    return total


def _check_target(source: Path, target: Path) -> None:
    if target.exists() and not target.is_dir():
        raise UnusableModel(f"{target} is a file. Choose a folder for the weights.")
    ours, theirs = source.resolve(), target.resolve()
    if ours == theirs:
        raise UnusableModel(f"The weights lie in {target} already.")
    if ours in theirs.parents:
        raise UnusableModel(f"{target} lies inside the store {source} itself. Choose a folder beside it.")
    base = home()
    if base is not None and theirs == base.resolve():
        raise UnusableModel(f"{target} holds Quadrat's other files. Choose a folder of its own for the weights.")


def _files(folder: Path) -> List[Path]:
    """Weights, each followed by its record where it has one, and downloads that can be gone on with."""
    if not folder.is_dir():
        return []
    found = []
    for path in sorted(folder.iterdir()):
        if path.suffix in SUFFIXES and path.is_file():
            record = records.record_file(path)
            found += [path, *([record] if record.is_file() else [])]
    return found + sorted((folder / FETCHING).glob("*.part*"))


def _same_there(path: Path, target: Path, tick: Tick) -> bool:
    """True when the other store has it too.

    Raises:
        UnusableModel: the other store has other weights of this name.
    """
    there = _there(path, target)
    if not there.is_file():
        return False
    if (
        path.suffix == ".json"
        or path.parent.name == FETCHING
        or hashes.sha256_of(path, tick) == hashes.sha256_of(there, tick)
    ):
        return True
    raise UnusableModel(
        f"{there} is another file than {path}. Delete one of the two, or choose an empty folder for the weights."
    )


def _there(path: Path, target: Path) -> Path:
    """Where a file of the old store lies in the new one."""
    return target / FETCHING / path.name if path.parent.name == FETCHING else target / path.name


def _bring(path: Path, target: Path, done: int, total: int, tick: Tick) -> None:
    temporary = target / FETCHING / f"{path.name}.moving"
    try:
        with contextlib.suppress(FileNotFoundError):
            temporary.unlink()
        copied(path, temporary, lambda at, size, text: tick(done + min(at, size), total, text), f"Moving {path.name}")
        os.replace(temporary, _there(path, target))
    except OSError as error:
        raise NoRoom(f"{target / path.name} cannot be written: {error.strerror or error}.") from error
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink()


def _join_licences(source: Path, target: Path) -> None:
    ours, theirs = read_json(source / records.LICENCES), read_json(target / records.LICENCES)
    if ours and ours != theirs:
        try:
            write_json(target / records.LICENCES, {**ours, **(theirs or {})})
        except OSError as error:
            raise NoRoom(f"{target / records.LICENCES} cannot be written: {error.strerror or error}.") from error


def _clear(source: Path, files: List[Path]) -> None:
    """Remove what was moved and what was half fetched; files of others stay, and so does a folder that holds them."""
    with contextlib.suppress(OSError):
        for path in [*files, source / records.LICENCES]:
            with contextlib.suppress(FileNotFoundError):
                path.unlink()
        shutil.rmtree(source / FETCHING, ignore_errors=True)
        source.rmdir()


def _one_disk(source: Path, target: Path) -> bool:
    return source.is_dir() and os.stat(source).st_dev == os.stat(target).st_dev
