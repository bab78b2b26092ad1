"""Vectors kept beside a survey, so that each photo is looked at once: one SQLite file, `<survey>.vectors`.

It may be deleted at any time; it holds nothing that cannot be made again.
"""

import hashlib
import io
import json
import os
import sqlite3
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ....models.contract import Float, State
from ...arrays import BAD_ARCHIVE, array_of
from ...errors import BadInput, Unwritable
from .patches import Int

SUFFIX = ".vectors"
FORMAT = 1
WAIT_S = 30.0
PAGE_BYTES = 16384
WHOLE_BYTES = 512 * 2**20
"""Larger files (orthomosaics) are known by time, size and both ends."""
END_BYTES = 2**20
MOST_BYTES = 2**29
"""Of the arrays of a backbone."""
VIRTUAL = "/vsi"
"""How paths begin that GDAL alone can open; such files are known by name."""
TABLES = (
    """CREATE TABLE IF NOT EXISTS spaces (
        space INTEGER PRIMARY KEY, identity TEXT NOT NULL UNIQUE, wish TEXT NOT NULL, width INTEGER NOT NULL,
        state BLOB NOT NULL)""",
    """CREATE TABLE IF NOT EXISTS files (
        path TEXT PRIMARY KEY, size INTEGER NOT NULL, time INTEGER NOT NULL, content TEXT NOT NULL)""",
    """CREATE TABLE IF NOT EXISTS vectors (
        space INTEGER NOT NULL, content TEXT NOT NULL, "window" TEXT NOT NULL, places BLOB NOT NULL,
        numbers BLOB NOT NULL, PRIMARY KEY (space, content, "window")) WITHOUT ROWID""",
    "CREATE INDEX IF NOT EXISTS files_content ON files (content)",
)
"""places: int32 (n, 2) rows and columns; numbers: float32 (n, D); both little-endian."""


class Looked(NamedTuple):
    """Vectors of points of one photo."""

    content: str
    """Of its file, see `content_of`."""
    window: tuple[int, ...]
    places: Int
    """(n, 2) rows and columns."""
    X: Float
    """(n, D)"""


class VectorStore:
    """The vectors beside one survey; a context that closes it. One thread uses it.

    Raises:
        Unwritable: the folder is read-only, or another program holds the file.
        BadInput: the file is damaged, or of a newer version.
    """

    def __init__(self, survey: str) -> None:
        self.path = f"{survey}{SUFFIX}"
        with self._told():
            # No transaction begins by itself: each says where it begins and ends.
            self._connection = sqlite3.connect(self.path, timeout=WAIT_S, isolation_level=None)
        try:
            with self._told():
                self._prepare()
        except BaseException:
            self._connection.close()
            raise

    def _prepare(self) -> None:
        version = self._connection.execute("PRAGMA user_version").fetchone()[0]
        if version > FORMAT:
            raise BadInput(
                f"{self.path} was written by a newer version of Quadrat. Update Quadrat, or delete the file."
            )
        if version == FORMAT:
            return
        self._connection.execute(f"PRAGMA page_size = {PAGE_BYTES}")
        with self._edit():
            for statement in TABLES:
                self._connection.execute(statement)
            self._connection.execute(f"PRAGMA user_version = {FORMAT}")

    def __enter__(self) -> "VectorStore":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End; what was put is in the file already."""
        self._connection.close()

    # Spaces -------------------------------------------------------------------------------------------------------

    def state_of(self, wish: Mapping[str, Any]) -> dict[str, NDArray[Any]] | None:
        """Arrays of the backbone with which vectors of this wish were made last; None where there are none."""
        with self._told():
            asked = "SELECT state FROM spaces WHERE wish = ? ORDER BY space DESC LIMIT 1"
            row = self._connection.execute(asked, (_text(wish),)).fetchone()
        try:
            return None if row is None else _unpacked(row[0])
        except (*BAD_ARCHIVE, TypeError) as error:
            raise self._damaged(error) from error

    def space(self, identity: str, wish: Mapping[str, Any], width: int, state: State) -> int:
        """Number of the vectors of that identity."""
        asked = "SELECT space FROM spaces WHERE identity = ?"
        with self._edit() as connection:
            row = connection.execute(asked, (identity,)).fetchone()
            if row is None:
                put = "INSERT INTO spaces (identity, wish, width, state) VALUES (?, ?, ?, ?)"
                connection.execute(put, (identity, _text(wish), width, _packed(state)))
                row = connection.execute(asked, (identity,)).fetchone()
        return int(row[0])

    # Files --------------------------------------------------------------------------------------------------------

    def content_of(self, stored: str, path: str) -> tuple[str, bool]:
        """What the file of a photo is known to hold, empty where nobody has looked yet; and whether that is noted.

        A file of another time or place is read here when one of its size was seen, so that copied surveys keep their
        vectors.
        """
        if path.startswith(VIRTUAL):
            return content_of(path), True
        try:
            status = os.stat(path)
        except OSError:
            return "", False
        with self._told():
            asked = "SELECT content FROM files WHERE path = ? AND size = ? AND time = ?"
            row = self._connection.execute(asked, (stored, status.st_size, status.st_mtime_ns)).fetchone()
            if row is not None:
                return str(row[0]), True
            seen = self._connection.execute("SELECT 1 FROM files WHERE size = ?", (status.st_size,)).fetchone()
        try:
            return (content_of(path) if seen else ""), False
        except OSError:  # whoever opens the photo will say so
            return "", False

    def note_files(self, files: Iterable[tuple[str, str, str]]) -> None:
        """Remember (stored path, path, content); vectors of what a file held before go, unless another holds it."""
        with self._edit() as connection:
            for stored, path, content in files:
                try:
                    status = os.stat(path)
                except OSError:
                    continue
                row = connection.execute("SELECT content FROM files WHERE path = ?", (stored,)).fetchone()
                put = "INSERT OR REPLACE INTO files (path, size, time, content) VALUES (?, ?, ?, ?)"
                connection.execute(put, (stored, status.st_size, status.st_mtime_ns, content))
                if row is not None and row[0] != content:
                    gone = "DELETE FROM vectors WHERE content = ? AND content NOT IN (SELECT content FROM files)"
                    connection.execute(gone, row)

    # Vectors ------------------------------------------------------------------------------------------------------

    def get(self, space: int, content: str, window: tuple[int, ...]) -> Looked | None:
        """All vectors of a photo."""
        with self._told():
            asked = 'SELECT places, numbers FROM vectors WHERE space = ? AND content = ? AND "window" = ?'
            row = self._connection.execute(asked, (space, content, _window(window))).fetchone()
        if row is None:
            return None
        try:
            places = np.frombuffer(row[0], "<i4").reshape(-1, 2).astype(np.int64)
            return Looked(content, window, places, np.frombuffer(row[1], "<f4").reshape(len(places), -1))
        except (ValueError, TypeError) as error:
            raise self._damaged(error) from error

    def put(self, space: int, looked: Iterable[Looked]) -> None:
        """Add vectors, in one edit; a place that is there already keeps its vector."""
        with self._edit() as connection:
            for one in looked:
                had = self.get(space, one.content, one.window)
                new = ~found_at(had.places, one.places)[0] if had else np.ones(len(one.places), np.bool_)
                places = np.concatenate([had.places, one.places[new]]) if had else one.places
                numbers = np.concatenate([had.X, one.X[new]]) if had else one.X
                values = space, one.content, _window(one.window), places.astype("<i4").tobytes(), _bytes(numbers)
                connection.execute("INSERT OR REPLACE INTO vectors VALUES (?, ?, ?, ?, ?)", values)

    # SQLite -------------------------------------------------------------------------------------------------------

    @contextmanager
    def _edit(self) -> Iterator[sqlite3.Connection]:
        with self._told():
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:  # a full disk has ended it already
                    self._connection.execute("ROLLBACK")
                raise

    @contextmanager
    def _told(self) -> Iterator[None]:
        """SQLite's errors as sentences."""
        try:
            yield
        except sqlite3.OperationalError as error:
            raise Unwritable(f"Vectors cannot be kept in {self.path}: {error}.") from error
        except sqlite3.DatabaseError as error:
            raise self._damaged(error) from error

    def _damaged(self, error: Exception) -> BadInput:
        return BadInput(f"{self.path} is damaged ({error}). Delete it; it is made again.")


def content_of(path: str) -> str:
    """Hash of a file; of one larger than `WHOLE_BYTES`, of its time, size and both ends.

    Raises:
        OSError: it is not there, or cannot be read.
    """
    digest = hashlib.blake2b(digest_size=16)
    if path.startswith(VIRTUAL):
        digest.update(path.encode())
        return digest.hexdigest()
    with open(path, "rb") as file:
        status = os.fstat(file.fileno())
        if status.st_size <= WHOLE_BYTES:
            return hashlib.file_digest(file, lambda: digest).hexdigest()  # type: ignore[arg-type, return-value]
        digest.update(f"{status.st_size} {status.st_mtime_ns}".encode())
        digest.update(file.read(END_BYTES))
        file.seek(-END_BYTES, os.SEEK_END)
        digest.update(file.read())
    return digest.hexdigest()


def found_at(places: Int, wanted: Int) -> tuple[NDArray[np.bool_], Int]:
    """Which of `wanted` (m, 2) are among `places` (n, 2), and where: (m,) bool and (m,) int64."""
    at = {place: number for number, place in enumerate(map(tuple, places.tolist()))}
    where = np.array([at.get(place, -1) for place in map(tuple, wanted.tolist())], np.int64)
    return where >= 0, where


def store_path(survey: str) -> Path:
    """Where the vectors of a survey lie."""
    return Path(f"{survey}{SUFFIX}")


def _text(wish: Mapping[str, Any]) -> str:
    return json.dumps(dict(wish), sort_keys=True)


def _window(window: tuple[int, ...]) -> str:
    return ",".join(map(str, window))


def _bytes(numbers: Float) -> bytes:
    return np.ascontiguousarray(numbers, dtype="<f4").tobytes()


def _packed(state: State) -> bytes:
    file = io.BytesIO()
    np.savez(file, allow_pickle=False, **dict(state))
    return file.getvalue()


def _unpacked(content: bytes) -> dict[str, NDArray[Any]]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        if sum(member.file_size for member in archive.infolist()) > MOST_BYTES:
            raise ValueError("its arrays unpack to more than any backbone has")
        return {name.removesuffix(".npy"): array_of(archive.read(name)) for name in archive.namelist()}
