"""Whether files are still those that a job began to read: pixels of two files never meet in one result."""

import os
from collections.abc import Mapping
from pathlib import Path

from .errors import BadInput, Stale
from .jobs.addresses import is_remote
from .layersource import parse_source
from .sidecar import files_of, fingerprint

Stamp = tuple[int, int, int]
"""Size, time of change and number of a file."""


class Watch:
    """Looks at files as often as is wished: at their stamps, and at their content where these differ.

    Args of the constructor:
        inputs: sources by field; those on servers are left to who reads them.
        prints: their fingerprints, see `sidecar.fingerprint`.
    """

    def __init__(self, inputs: Mapping[str, str], prints: Mapping[str, str]) -> None:
        self._prints = {path: prints[name] for name, path in inputs.items() if not is_remote(parse_source(path).path)}
        self._stamps = {path: _stamps(path) for path in self._prints}

    def check(self) -> None:
        """See that all is as it was.

        Raises:
            Stale: a file was changed, replaced or removed.
        """
        for path, before in self._stamps.items():
            now = {file: _stamp(file) for file in before}
            if now == before:
                continue
            try:
                same = fingerprint(path) == self._prints[path]
            except BadInput:
                same = False
            if not same:
                raise Stale(
                    f"{parse_source(path).path} was changed or removed while it was read. Run the job again when it is "
                    "complete: it goes on if the file is as it was before, and starts anew if it is another."
                )
            self._stamps[path] = now


def _stamps(source: str) -> dict[Path, Stamp | None]:
    try:
        return {file: _stamp(file) for file in files_of(parse_source(source).path)}
    except OSError as error:
        raise BadInput(f"{source} cannot be read: {error.strerror}.") from error


def _stamp(file: Path) -> Stamp | None:
    """None for a file that is not there."""
    try:
        facts = os.stat(file)
    except OSError:
        return None
    return facts.st_size, facts.st_mtime_ns, facts.st_ino
