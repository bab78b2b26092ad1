"""What is noted of each file of the store: its hash at first contact, and where it came from.

One JSON file beside each file of weights, of the same name. Licences that somebody agreed to are noted once for all.
"""

import contextlib
import datetime
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Dict, Optional, Tuple

from ..card import Source
from ..errors import LicenceNotAccepted, NoRoom, UnusableModel
from .place import read_json, write_json

LICENCES = "licences.json"


@dataclass(frozen=True)
class Record:
    """Facts of one file of the store."""

    name: str
    """Of the weights."""
    file: str
    """Name in the store."""
    sha256: str
    bytes: int = 0
    origin: str = ""
    """Address, or path of the file that was copied; empty where somebody put it there."""
    revision: str = ""
    """Commit of the repository."""
    licence: str = ""
    noted: str = ""
    """Day of the first contact."""
    stamp: Tuple[int, ...] = ()
    """Of the file when it last had this hash."""


def record_file(path: Path) -> Path:
    """The file that holds the record of a file of weights."""
    return path.with_name(f"{path.stem}.json")


def read_record(path: Path) -> Optional[Record]:
    """The record of a file of weights; None where none was made yet.

    Raises:
        UnusableModel: it is there but cannot be read.
    """
    place = record_file(path)
    if not place.is_file():
        return None
    values = read_json(place) or {}
    digest = values.get("sha256")
    if not isinstance(digest, str) or len(digest) != 64:
        raise UnusableModel(
            f"The record {place} of the weights cannot be read, so they cannot be trusted. Delete {path.stem} with "
            "'Manage weights' and get it again."
        )
    return Record(
        name=_text(values, "name") or path.stem,
        file=_text(values, "file") or path.name,
        sha256=digest,
        bytes=values["bytes"] if isinstance(values.get("bytes"), int) else 0,
        origin=_text(values, "origin") or _text(values, "url") or _text(values, "repo_id"),
        revision=_text(values, "revision"),
        licence=_text(values, "licence"),
        noted=_text(values, "noted"),
        stamp=_stamp(values.get("stamp")),
    )


def _stamp(value: Any) -> Tuple[int, ...]:
    """Empty where there is none, so that the file is read again."""
    return tuple(value) if isinstance(value, list) and all(isinstance(part, int) for part in value) else ()


def write_record(path: Path, record: Record) -> None:
    """Note the facts of a file.

    Raises:
        NoRoom: they cannot be written.
    """
    try:
        write_json(record_file(path), asdict(record))
    except OSError as error:
        raise NoRoom(f"{record_file(path)} cannot be written: {error.strerror or error}.") from error


def refresh_record(path: Path, record: Record) -> None:
    """Like `write_record`, but a store that may only be read stays as it is."""
    with contextlib.suppress(NoRoom):
        write_record(path, record)


def check_licence(source: Source, folder: Optional[Path]) -> None:
    """Refuse weights whose licence must have been accepted and was not.

    Raises:
        LicenceNotAccepted: names the licence and where it can be read.
    """
    if not source.must_accept or (folder is not None and _accepted(source, folder)):
        return
    where = source.licence_url or (f"the page of {source.repo_id}" if source.repo_id else source.url) or "its page"
    raise LicenceNotAccepted(
        f"The weights of {source.name} are under a licence that restricts their use: "
        f"{source.licence or 'see its page'}, to be read at {where}. Read it, then tick 'I accept the licence' "
        "in 'Get weights' (--accept-licence); it is asked once."
    )


def accept_licence(source: Source, folder: Path) -> None:
    """Note that the licence was accepted today.

    Raises:
        NoRoom: it cannot be noted.
    """
    if not source.must_accept or _accepted(source, folder):
        return
    place = folder / LICENCES
    values = read_json(place) or {}
    values[source.name] = {"accepted": today(), "licence": source.licence, "licence_url": source.licence_url}
    try:
        write_json(place, values)
    except OSError as error:
        raise NoRoom(f"{place} cannot be written: {error.strerror or error}.") from error


def _accepted(source: Source, folder: Path) -> bool:
    """True when this very licence was accepted; one that has changed since is asked for again."""
    noted = (read_json(folder / LICENCES) or {}).get(source.name)
    return (
        isinstance(noted, dict)
        and noted.get("licence") == source.licence
        and noted.get("licence_url") == source.licence_url
    )


def today() -> str:
    """The day, as ISO 8601."""
    return datetime.date.today().isoformat()


def _text(values: Dict[str, Any], name: str) -> str:
    value = values.get(name)
    return value if isinstance(value, str) else ""
