"""Download into a file that stays when the work is cut off, and go on from there.

What has arrived lies in NAME.part; NAME.part.json says of which address and version it is. The rest is asked for with a
range and the version's tag (RFC 9110, sections 13.1.5 and 14.2); where the server knows no ranges, or has another
version by now, the download begins anew.
"""

import contextlib
import os
import re
import time
from pathlib import Path
from typing import IO, Any, Callable, Dict, List, Optional, Tuple

from ..card import Source
from ..errors import NoRoom, UnusableModel, WeightsNotFound
from . import looks, store
from .hashes import sha256_of
from .locking import only_one
from .place import FETCHING, Tick, file_stem, need_room, read_json, ready_folder, size_text, write_json
from .records import check_licence
from .stream import Stream
from .web import RANGE, Address, Answer, Lost, NotThere, addresses, offline

POLL_S = 0.2
TEXT_EVERY_S = 5.0
"""Each text is a line in the log."""
RETRIES, BUSY_RETRIES = 6, 3
"""Tries that bring nothing: of a download that has begun, and of one that the server puts off."""
FIRST_WAIT_S = 1.0
"""Before the second try; doubles with each that brings nothing."""
RATE_OVER_S = 10.0


def fetch(source: Source, tick: Tick, log: Callable[[str], None]) -> Path:
    """Download weights into the store.

    Args:
        source: of the model.
        tick: told how far it is.
        log: takes sentences.

    Raises:
        WeightsNotFound: no address is known, no way there, or refused.
        LicenceNotAccepted: the licence must be accepted first.
        UnusableModel: what came is not the file that it should be; nothing of it is kept.
        NoRoom: the disk is too full.
    """
    folder = ready_folder()
    check_licence(source, folder)
    places = addresses(source)
    if not places:
        raise WeightsNotFound(f"No address is known for the weights of {source.name}. Choose a file that you have.")
    if offline():
        raise WeightsNotFound("HF_HUB_OFFLINE is set, so nothing is downloaded. Unset it, or choose a file you have.")
    part = folder / FETCHING / f"{file_stem(source.name)}.part"
    with only_one(part.with_suffix(".lock"), f"The weights of {source.name}"):
        for number, address in enumerate(places):
            try:
                download = Download(address, part, source, tick, log)
                download.run()
                break
            except NotThere as error:
                if number + 1 == len(places):
                    raise
                log(f"{error} Trying {places[number + 1].url}.")
        try:
            path = store.admit(part, source, address.url, download.revision, tick)
        except UnusableModel as error:
            raise UnusableModel(str(error).replace(str(part), address.url)) from error
        finally:
            if not part.exists():
                _remove(download.facts_file)
    return path


class Download:
    """One file from one address into one .part file."""

    def __init__(self, address: Address, part: Path, source: Source, tick: Tick, log: Callable[[str], None]) -> None:
        self._address, self._part, self._source, self._tick, self._log = address, part, source, tick, log
        self.facts_file = part.with_name(f"{part.name}.json")
        self.revision = ""
        self._total = 0
        self._start: Optional[int] = None
        """Bytes that were there when this run began to receive."""
        self._received = False
        self._recent: List[Tuple[float, int]] = []
        self._said = self._ticked = 0.0

    def run(self) -> None:
        """Fetch what is missing, over as many connections as that takes.

        Raises:
            WeightsNotFound, UnusableModel, NoRoom: see `fetch`.
        """
        failures, best, finished = 0, self._size(), False
        while not finished:
            try:
                finished = self._attempt()
            except Lost as error:
                size = self._size()
                failures, best = (1, size) if size > best else (failures + 1, best)
                if failures > (RETRIES if self._received else BUSY_RETRIES if error.busy else 0):
                    raise WeightsNotFound(self._gave_up(str(error))) from error
                self._log(f"The connection was lost ({error}); going on at {size_text(size)}.")
                self._wait(FIRST_WAIT_S * 2 ** (failures - 1))
        facts = read_json(self.facts_file) or {}
        self.revision = str(facts.get("revision", ""))
        told = facts.get("sha256")
        if told and sha256_of(self._part, self._tick) != told:
            self._discard()
            raise UnusableModel(
                f"The download of the weights of {self._source.name} is not what {self._address.host} says that it is "
                "(its SHA-256 differs), so it was thrown away. Try again; if it happens again, a proxy may alter it."
            )

    def _attempt(self) -> bool:
        """One connection; True when the file is whole, False when it must begin anew.

        Raises:
            Lost: it broke.
        """
        facts = self._resumable()
        have = self._size() if facts else 0
        if have and have == facts["total"]:
            return True
        stream = Stream(self._address, _range_headers(facts, have))
        try:
            answer = stream.answer(self._checkpoint)
            if answer.status == RANGE or (answer.status == 206 and not self._goes_on(answer, facts, have)):
                if not have:
                    raise WeightsNotFound(f"{self._address.host} gives only a part of {self._address.url}.")
                self._log(f"The file at {self._address.host} has changed meanwhile: the download begins anew.")
                self._discard()
                return False
            return self._receive(stream, self._take_answer(answer, have))
        finally:
            stream.stop()

    def _goes_on(self, answer: Answer, facts: Dict[str, Any], have: int) -> bool:
        """True when a partial response is the rest of what is there."""
        start, total = _range_of(answer)
        same = not (answer.etag and facts.get("etag")) or answer.etag == facts["etag"]
        return bool(have) and start == have and total == facts["total"] and same

    def _take_answer(self, answer: Answer, have: int) -> int:
        """Look at the head of a response; returns the bytes to keep of what is there.

        Raises:
            UnusableModel: it is a web page or has the wrong size.
            NoRoom: the disk is too full.
        """
        if answer.kind in ("text/html", "application/xhtml+xml"):
            raise UnusableModel(self._page())
        if answer.coding not in ("", "identity"):
            raise UnusableModel(f"{self._address.host} sends the file compressed ({answer.coding}), as nobody asked.")
        total = _range_of(answer)[1] if answer.status == 206 else answer.length
        if answer.status != 206:
            if have:
                self._log(f"{self._address.host} cannot go on where it ended, or has another version: begun anew.")
            self._discard()
            have = 0
        official = self._source.bytes
        if official and total and total != official:
            raise UnusableModel(
                f"{self._address.url} has {total:,} bytes, the official file of {self._source.name} has {official:,}: "
                "it is another file. Nothing was downloaded."
            )
        self._total = total or official
        need_room(self._part.parent, max(self._total - have, 0), f"the weights of {self._source.name}")
        if answer.status != 206:
            self._write_facts({
                "address": self._address.url, "etag": answer.etag, "modified": answer.modified, "total": total,
                "revision": answer.revision, "sha256": answer.sha256,
            })  # fmt: skip
        return have

    def _receive(self, stream: "Stream", have: int) -> bool:
        """Write what arrives; True when all is there.

        Raises:
            Lost: the connection ended too early.
            NoRoom: the disk is full.
        """
        self._start = have if self._start is None else self._start
        try:
            with open(self._part, "ab", buffering=0) as file:
                for chunk in stream.chunks(self._checkpoint):
                    if not file.tell() and looks.web_page(chunk):
                        raise UnusableModel(self._page())
                    _write(file, chunk)
                    self._received = True
                os.fsync(file.fileno())
        except UnusableModel:
            self._discard()
            raise
        except OSError as error:
            raise NoRoom(
                f"{self._part} cannot be written: {error.strerror or error}. What was downloaded is kept; make room "
                "and run the same job again to go on."
            ) from error
        size = self._size()
        if self._total and size < self._total:
            raise Lost(f"it ended at {size_text(size)} of {size_text(self._total)}")
        if self._total and size > self._total:
            self._discard()
            raise Lost("more came than was announced")
        return True

    def _checkpoint(self) -> None:
        """Say how far it is, twice a second; what `tick` raises ends the work."""
        now = time.monotonic()
        if now - self._ticked < POLL_S:
            return
        self._ticked, size = now, self._size()
        self._recent = [(at, of) for at, of in self._recent if now - at < RATE_OVER_S] + [(now, size)]
        text = ""
        if now - self._said > TEXT_EVERY_S:
            self._said, (at, of) = now, self._recent[0]
            rate = f", {size_text((size - of) / (now - at))}/s" if now > at else ""
            known = f" of {size_text(self._total)}" if self._total else ""
            text = f"{self._source.name}: {size_text(size)}{known}{rate}"
        # What was there before took no time: the rest alone says how long it will take.
        start = size if self._start is None else self._start
        self._tick(size - start, max(self._total - start, 0), text)

    def _wait(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            self._checkpoint()
            time.sleep(min(POLL_S, seconds))

    def _resumable(self) -> Dict[str, Any]:
        """Facts of what is there, if it is of this address and its version can be told."""
        facts = read_json(self.facts_file) or {}
        known = facts.get("address") == self._address.url and (facts.get("etag") or facts.get("modified"))
        return facts if known and facts.get("total") and self._size() else {}

    def _size(self) -> int:
        return self._part.stat().st_size if self._part.exists() else 0

    def _write_facts(self, facts: Dict[str, Any]) -> None:
        try:
            write_json(self.facts_file, facts)
        except OSError as error:
            raise NoRoom(f"{self.facts_file} cannot be written: {error.strerror or error}.") from error

    def _discard(self) -> None:
        self._start = None
        self._recent = []
        _remove(self._part)
        _remove(self.facts_file)

    def _page(self) -> str:
        return (
            f"{self._address.host} gave a web page instead of the weights of {self._source.name}: perhaps the login "
            f"page of a proxy or of the site. Open {self._address.page} in a browser on this computer; download the "
            "file there and choose it as 'File that you have'."
        )

    def _gave_up(self, reason: str) -> str:
        if self._size():
            return (
                f"The weights of {self._source.name} could not be downloaded to the end: the connection to "
                f"{self._address.host} was lost ({reason}). {size_text(self._size())} are kept; run the same job again "
                "to go on."
            )
        return (
            f"The weights of {self._source.name} could not be downloaded from {self._address.host} ({reason}). Check "
            "the network and the proxy, or choose a file that you have."
        )


def _range_headers(facts: Dict[str, Any], have: int) -> Dict[str, str]:
    """Ask for the rest, if the version is still the same; a weak tag may not stand in that condition."""
    if not have:
        return {}
    etag = facts.get("etag", "")
    version = etag if etag and not etag.startswith("W/") else facts.get("modified", "")
    return {"Range": f"bytes={have}-", **({"If-Range": version} if version else {})}


def _range_of(answer: Answer) -> Tuple[int, int]:
    """First byte and total of a partial response; -1 where they are not told."""
    match = re.fullmatch(r"bytes ([0-9]{1,18})-[0-9]{1,18}/([0-9]{1,18})", answer.range.strip())
    return (int(match[1]), int(match[2])) if match else (-1, -1)


def _write(file: IO[bytes], chunk: bytes) -> None:
    """All of it: an unbuffered file may take less at a time, and a gap would not be noticed."""
    rest = memoryview(chunk)
    while rest:
        rest = rest[file.write(rest) or 0 :]


def _remove(path: Path) -> None:
    with contextlib.suppress(FileNotFoundError):
        path.unlink()
