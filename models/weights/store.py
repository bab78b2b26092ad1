"""The store of weights: find, check, take in, list, delete. Standard library only, Python 3.9 and later.

The hash of a file is noted when it is first seen and enforced ever after; it is reckoned again only when size, times or
number of the file have changed.
"""

import contextlib
import os
import shutil
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Dict, Iterator, List, Optional

from ..card import Source
from ..errors import ModelError, NoRoom, UnusableModel, WeightsNotFound
from . import hashes, looks, records
from .place import FETCHING, SUFFIXES, Tick, file_stem, need_room, ready_folder, silent, size_text, store_folder

CHUNK = 1 << 20
STALE_S = 86_400.0
"""Older copies that are not whole belong to no run."""
LEAST, MOST = 0.4, 2.5
"""Files of half and of double precision hold this share of four bytes a number, with some room."""


@dataclass(frozen=True)
class Entry:
    """One file of the store, as it is found."""

    name: str
    path: Path
    bytes: int
    record: Optional[records.Record]
    problem: str = ""
    """Why it cannot be used, as a sentence; empty when it is whole, or has not been looked at."""


def path_in_store(name: str, base: Optional[Path] = None) -> Optional[Path]:
    """The file of weights of that name, whole or not; None where there is none. `base` as for `store_folder`."""
    folder = store_folder(base)
    paths = [folder / f"{file_stem(name)}{suffix}" for suffix in SUFFIXES] if folder else []
    return next((path for path in paths if path.is_file()), None)


def find(source: Source, tick: Tick = silent) -> Optional[Path]:
    """The checked file of weights in the store; None where there is none.

    Raises:
        UnusableModel: it is not what was first seen under this name, or not the official file.
        LicenceNotAccepted: nobody has agreed to its licence yet.
    """
    path = path_in_store(source.name)
    if path is not None:
        records.check_licence(source, path.parent)
        check(path, source, tick)
    return path


def check(path: Path, source: Optional[Source] = None, tick: Tick = silent, again: bool = False) -> records.Record:
    """Hold a file of the store to its record; make one at first contact.

    Args:
        path: the file.
        source: whose weights they are, where that is known.
        tick: told while the file is read.
        again: read it even where nothing speaks for a change.

    Raises:
        UnusableModel: it is not what was first seen under this name, or not the official file.
    """
    record, stamp = records.read_record(path), hashes.stamp_of(path)
    if record is None:
        looks.suffix_of(path)
        _check_size(path, source)
    elif record.stamp == stamp and not again:
        hashes.remember(path, stamp, record.sha256)
        if source:
            hashes.refuse_other(source, record.sha256, path)
        return record
    if again:
        hashes.forget(path)
    digest = hashes.sha256_of(path, tick)
    if record is not None and record.sha256 != digest:
        raise UnusableModel(
            f"The weights file {path} has changed since it was first seen{_day(record)} (its SHA-256 no longer "
            f"matches). Delete {record.name} with 'Manage weights' and get it again."
        )
    if source:
        hashes.refuse_other(source, digest, path)
    if record is None:
        name, licence = (source.name, source.licence) if source else (path.stem, "")
        record = records.Record(name, path.name, digest, licence=licence, noted=records.today())
    record = replace(record, file=path.name, bytes=stamp[0], stamp=stamp)
    records.refresh_record(path, record)
    return record


def admit(fetched: Path, source: Source, origin: str, revision: str = "", tick: Tick = silent) -> Path:
    """Give a whole new file, already in the store under a temporary name, its final name and record.

    A file that is refused is deleted.

    Raises:
        UnusableModel: it is no file of weights, is cut short, has the wrong size, or is another one than the official
            one or the one that was first seen under this name.
    """
    folder = ready_folder()
    try:
        suffix = looks.suffix_of(fetched, Path(origin.split("?")[0]).suffix or ".part")
        target = folder / f"{file_stem(source.name)}{suffix}"
        _check_size(fetched, source)
        digest = hashes.sha256_of(fetched, tick, f"Checking the weights of {source.name}")
        hashes.refuse_other(source, digest, fetched, origin)
        _check_first_contact(target, digest, origin)
    except UnusableModel:
        fetched.unlink()
        raise
    old = path_in_store(source.name)
    record = records.Record(
        source.name, target.name, digest, fetched.stat().st_size, origin, revision, source.licence, records.today()
    )
    # The record first: should this be cut off here, the file that comes later is held to it.
    records.write_record(target, record)
    os.replace(fetched, target)
    if old is not None and old != target:
        old.unlink()
    stamp = hashes.stamp_of(target)
    hashes.remember(target, stamp, digest)
    records.refresh_record(target, replace(record, stamp=stamp))
    return target


def take_in(own: Path, source: Source, tick: Tick = silent) -> Path:
    """Copy a file that the user has into the store, checked before and after.

    Raises:
        WeightsNotFound: there is no such file.
        UnusableModel: it is not whole, or not the file that it should be.
        NoRoom: the disk is too full.
    """
    if not own.is_file():
        raise WeightsNotFound(f"The weights file {own} does not exist. Choose the file of {source.name}.")
    folder = ready_folder()
    if own.parent.resolve() == folder.resolve() and own.stem == file_stem(source.name):
        check(own, source, tick)
        return own
    suffix = looks.suffix_of(own)
    _check_size(own, source)
    size = own.stat().st_size
    need_room(folder, size, f"the weights of {source.name}")
    copy = folder / FETCHING / f"{file_stem(source.name)}.own{os.getpid()}{suffix}"
    _sweep(copy.parent)
    try:
        _copy(own, copy, tick, f"Copying {own.name}")
        return admit(copy, source, str(own), tick=tick)
    except UnusableModel as error:
        raise UnusableModel(str(error).replace(str(copy), str(own))) from error
    finally:
        with contextlib.suppress(FileNotFoundError):
            copy.unlink()


def entries(
    tick: Optional[Tick] = None, sources: Optional[Dict[str, Source]] = None, base: Optional[Path] = None
) -> List[Entry]:
    """Every file of the store by name; with a `tick` each is read and held to its record.

    Args:
        tick: told how far it is.
        sources: `Source` by name, where more is known of them.
        base: as for `store_folder`.
    """
    found: List[Entry] = []
    files = list(_files(base))
    total, done = sum(path.stat().st_size for path in files), 0

    def overall(at: int, size: int, text: str) -> None:
        if tick:
            tick(done + at, total, text)

    for path in files:
        record, problem = None, ""
        try:
            record = records.read_record(path)
            if tick:
                known = (sources or {}).get(record.name if record else path.stem)
                record = check(path, known, overall, again=True)
        except (ModelError, OSError) as error:
            problem = str(error)
        done += path.stat().st_size
        found.append(Entry(record.name if record else path.stem, path, path.stat().st_size, record, problem))
    return found


def unfinished(base: Optional[Path] = None) -> Dict[str, int]:
    """Downloads that can be gone on with: bytes that are there by file stem of the weights. `base` as above."""
    folder = store_folder(base)
    parts = sorted((folder / FETCHING).glob("*.part")) if folder else []
    return {path.stem: path.stat().st_size for path in parts}


def delete(name: str) -> int:
    """Remove the weights of that name, their record, and what was fetched of them; returns the bytes that are freed.

    Raises:
        WeightsNotFound: there are none; names those that there are.
        NoRoom: a file may not be deleted.
    """
    folder = store_folder()
    stem = file_stem(name)
    paths = [] if folder is None else [folder / f"{stem}{suffix}" for suffix in (*SUFFIXES, ".json")]
    paths += [] if folder is None else [folder / FETCHING / f"{stem}{end}" for end in (".part", ".part.json", ".lock")]
    paths = [path for path in paths if path.is_file()]
    if not paths:
        names = ", ".join(each.name for each in entries()) or "none"
        raise WeightsNotFound(f"There are no weights '{name}' in {folder}. There are: {names}.")
    freed = 0
    for path in paths:
        try:
            size = path.stat().st_size
            path.unlink()
        except OSError as error:
            raise NoRoom(f"{path} cannot be deleted: {error.strerror or error}. Close what uses it.") from error
        freed += size
    return freed


def _files(base: Optional[Path] = None) -> Iterator[Path]:
    folder = store_folder(base)
    if folder is not None and folder.is_dir():
        yield from (path for path in sorted(folder.iterdir()) if path.suffix in SUFFIXES and path.is_file())


def _sweep(folder: Path) -> None:
    """Remove copies that a killed process left; downloads stay, to be gone on with."""
    for path in folder.glob("*.own[0-9]*"):
        if time.time() - path.stat().st_mtime > STALE_S:
            with contextlib.suppress(OSError):
                path.unlink()


def _check_size(path: Path, source: Optional[Source]) -> None:
    size = path.stat().st_size
    if source and source.bytes and size != source.bytes:
        raise UnusableModel(
            f"{path} has {size:,} bytes, the official file of {source.name} has {source.bytes:,}: it is cut short or "
            "another file. Get it again; other weights for the same network go into 'Weights file' of the job."
        )
    likely = 4 * source.parameters if source and not source.bytes else 0
    if source and likely and not LEAST * likely <= size <= MOST * likely:
        raise UnusableModel(
            f"{path} has {size_text(size)}, but the weights of {source.name} have about {size_text(likely)}: it is cut "
            "short or another file. Get it again; other weights for the same network go into 'Weights file' of the job."
        )


def _check_first_contact(target: Path, digest: str, origin: str) -> None:
    record = records.read_record(target)
    if record is not None and record.sha256 != digest:
        raise UnusableModel(
            f"{origin} is another file than the one first seen as {record.name}{_day(record)} (SHA-256 {digest[:16]}…, "
            f"not {record.sha256[:16]}…). If its publisher has replaced it, delete {record.name} with 'Manage weights' "
            "and get it again."
        )


def _day(record: records.Record) -> str:
    return f" on {record.noted}" if record.noted else ""


def _copy(source: Path, target: Path, tick: Tick, text: str) -> None:
    """Copy the content of a file.

    Raises:
        NoRoom: the disk is full or may not be written.
    """
    total, done, said = source.stat().st_size, 0, time.monotonic()
    tick(0, total, f"{text} ({size_text(total)})")
    try:
        with open(source, "rb") as read, open(target, "wb") as write:
            while chunk := read.read(CHUNK):
                write.write(chunk)
                done += len(chunk)
                if time.monotonic() - said > hashes.TICK_S:
                    said = time.monotonic()
                    tick(done, total, "")
            write.flush()
            os.fsync(write.fileno())
    except OSError as error:
        raise NoRoom(f"{source} cannot be copied to {target.parent}: {error.strerror or error}.") from error


def copied(source: Path, target: Path, tick: Tick, text: str) -> None:
    """A second file with the same content: a link where the disk allows one, else a copy that was read back.

    Raises:
        NoRoom: the disk is full or may not be written.
        UnusableModel: the copy differs.
    """
    with contextlib.suppress(OSError):
        os.link(source, target)
        return
    _copy(source, target, tick, text)
    if hashes.sha256_of(target, tick) != hashes.sha256_of(source, tick):
        target.unlink()
        raise UnusableModel(f"The copy {target} differs from {source}. The disk or the cable may be faulty; try again.")
    shutil.copystat(source, target)
