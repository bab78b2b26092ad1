"""What is kept of a run, a few seconds of work at a time, and what an earlier one left."""

import time
from contextlib import suppress
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ....models.contract import Float, State
from ...errors import Unwritable
from ...progress import Progress
from .patches import Bool, Int
from .reading import Wanted
from .request import VectorRequest
from .store import Looked, VectorStore, content_of, found_at

EVERY_S = 5.0
MOST_BYTES = 32 * 2**20


class Keeper:
    """The store of a survey as a run sees it; where none can be written, that is said, and nothing is kept."""

    def __init__(self, survey: str, progress: Progress) -> None:
        self._progress = progress
        self._store: VectorStore | None = None
        self._space = 0
        self._fresh: list[Looked] = []
        self._files: list[tuple[str, str, str]] = []
        self._since = time.monotonic()
        self._bytes = 0
        self._mosaics: dict[str, str] = {}
        try:
            self._store = VectorStore(survey)
        except Unwritable as error:
            self._lose(error)

    def state_of(self, request: VectorRequest) -> dict[str, NDArray[Any]] | None:
        """Arrays of the backbone that made vectors of such a request last."""
        return None if self._store is None else self._store.state_of(_wish(request))

    def begin(self, identity: str, request: VectorRequest, width: int, state: State) -> None:
        """From now on vectors are of this identity."""
        if self._store is not None:
            try:
                self._space = self._store.space(identity, _wish(request), width, state)
            except Unwritable as error:
                self._lose(error)

    def recall(self, wanted: Wanted) -> tuple[str, Bool, Float]:
        """Content of the photo's file if that is known, (n,) which of its points have vectors, and these."""
        none = np.zeros(len(wanted.point), np.bool_)
        if self._store is None or not wanted.path:
            return "", none, np.zeros((0, 0), np.float32)
        try:
            content = self._content(self._store, wanted)
            looked = self._store.get(self._space, content, wanted.photo.window) if content else None
        except Unwritable as error:  # another job writes into it for long
            self._lose(error)
            return "", none, np.zeros((0, 0), np.float32)
        if looked is None:
            return content, none, np.zeros((0, 0), np.float32)
        found, at = found_at(looked.places, np.stack([wanted.rows, wanted.cols], axis=1))
        return content, found, looked.X[at[found]]

    def keep(self, wanted: Wanted, content: str, which: Int, X: Float) -> None:
        """Vectors of some points of a photo that were made just now."""
        if self._store is None or not content or not len(which):
            return
        places = np.stack([wanted.rows[which], wanted.cols[which]], axis=1)
        self._fresh.append(Looked(content, wanted.photo.window, places, X[which]))
        self._files.append((wanted.photo.path, wanted.path, content))
        self._bytes += self._fresh[-1].X.nbytes
        if self._bytes > MOST_BYTES or time.monotonic() - self._since > EVERY_S:
            self.flush()

    def flush(self) -> None:
        """Write what there is."""
        if self._store is not None and (self._fresh or self._files):
            try:
                self._store.note_files(self._files)
                self._store.put(self._space, self._fresh)
            except Unwritable as error:
                self._lose(error)
        self._fresh, self._files, self._bytes, self._since = [], [], 0, time.monotonic()

    def close(self) -> None:
        """Write what there is, and let go of the file."""
        self.flush()
        if self._store is not None:
            self._store.close()
            self._store = None

    def _content(self, store: VectorStore, wanted: Wanted) -> str:
        """Of the photo's file; an orthomosaic is looked at once for all its quadrats."""
        if wanted.path in self._mosaics:
            return self._mosaics[wanted.path]
        content, noted = store.content_of(wanted.photo.path, wanted.path)
        if wanted.photo.window:
            with suppress(OSError):  # whoever opens it will say so
                content = content or content_of(wanted.path)
            self._mosaics[wanted.path] = content
        if content and not noted:
            self._files.append((wanted.photo.path, wanted.path, content))
        return content

    def _lose(self, error: Unwritable) -> None:
        self._progress.warning(f"{error} The vectors are made all the same, and made again next time.")
        if self._store is not None:
            self._store.close()
            self._store = None


def _wish(request: VectorRequest) -> dict[str, Any]:
    return request.facts()
