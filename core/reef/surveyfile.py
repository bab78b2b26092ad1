"""A survey file opened, checked and edited, one transaction an edit: what `survey.py` stands on.

Standard library only, Python 3.9.
"""

import os
import sqlite3
from contextlib import contextmanager
from typing import Iterator, List, Optional, Set, TypeVar

from ..errors import BadInput, Unwritable
from . import schema

S = TypeVar("S", bound="SurveyFile")
WAIT_S = 5.0
"""Another program may hold the file while it saves."""
HELD = "another program is changing it; save or close it there, and try again"
FULL = "the disk is full; make room, and try again"


class SurveyFile:
    """An open survey file; a context that closes it. One thread uses it.

    Raises:
        BadInput: no such file, or no survey in it.
    """

    def __init__(self, path: str) -> None:
        self.path = path.partition("|")[0]
        if not os.path.isfile(self.path):
            raise BadInput(f"There is no survey file {self.path}.")
        # No transaction begins by itself: each edit says where it begins and ends.
        self.connection = sqlite3.connect(self.path, timeout=WAIT_S, isolation_level=None)
        schema.add_functions(self.connection)
        try:
            self._lacking = self._check()
        except BaseException:
            self.connection.close()
            raise

    def _check(self) -> List[str]:
        """Tables that the file may get later and has not yet."""
        names = self._tables()
        lacking = [name for name in (schema.PHOTOS, *schema.TABLES) if name not in names]
        if lacking:
            raise BadInput(
                f"{self.path} is no survey of photos: it has no table '{lacking[0]}'. Make one with 'Import photo "
                "survey'."
            )
        return [name for name in schema.LATER_TABLES if name not in names]

    def _tables(self) -> Set[str]:
        asked = "SELECT name FROM sqlite_master WHERE type = 'table'"
        try:
            return {row[0] for row in self.connection.execute(asked)}
        except sqlite3.DatabaseError as error:
            raise self._unreadable(error) from error

    def _unreadable(self, error: sqlite3.DatabaseError) -> BadInput:
        """What to say where the file itself is the trouble."""
        if _held(error):
            return BadInput(f"The survey {self.path} cannot be read: {HELD}.")
        if "malformed" in str(error):
            return BadInput(f"The survey {self.path} is damaged ({error}). Go on with a copy of it from before.")
        return BadInput(f"{self.path} cannot be read as a survey: {error}.")

    def has(self, table: str) -> bool:
        """Whether a table of `schema.LATER_TABLES` is there: the first edit of a file of before adds it."""
        if table in self._lacking:
            self._lacking = [name for name in self._lacking if name not in self._tables()]
        return table not in self._lacking

    def __enter__(self: S) -> S:
        return self

    def __exit__(self, _: object, error: Optional[BaseException], __: object) -> None:
        self.close()
        if isinstance(error, sqlite3.DatabaseError):
            raise self._unreadable(error) from error

    def close(self) -> None:
        """End; what was edited is in the file already."""
        self.connection.close()

    @contextmanager
    def edit(self) -> Iterator[sqlite3.Connection]:
        """All changes inside, or none.

        Raises:
            Unwritable: another program holds the file, it is read-only, or the disk is full.
        """
        if self.connection.in_transaction:
            yield self.connection
            return
        try:
            self.connection.execute("BEGIN IMMEDIATE")
            try:
                for table in self._lacking:
                    if not self.has(table):
                        schema.add_table(self.connection, table)
                yield self.connection
            except BaseException:
                if self.connection.in_transaction:  # a full disk has ended it already
                    self.connection.execute("ROLLBACK")
                raise
            self.connection.execute("COMMIT")
        except sqlite3.OperationalError as error:
            if self.connection.in_transaction:
                self.connection.execute("ROLLBACK")
            why = HELD if _held(error) else FULL if "disk is full" in str(error) else str(error)
            raise Unwritable(f"The survey {self.path} cannot be changed: {why}.") from error


def _held(error: sqlite3.DatabaseError) -> bool:
    return "locked" in str(error) or "busy" in str(error)
