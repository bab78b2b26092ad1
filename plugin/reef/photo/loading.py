"""Photos read in the background, the wanted one first, and the last few kept, so that the next is there at once."""

import threading
from collections import OrderedDict
from typing import Any, Callable, List, Optional, Tuple

from qgis.PyQt.QtCore import QObject, pyqtSignal

from ....core.errors import QuadratError
from ....processing.i18n import tr
from .pyramid import Pyramid
from .reading import PhotoFile
from .shown import Window

MEMORY = 512 * 2**20
"""Bytes of photos kept, the wanted one not counted: four of 20 megapixels with their smaller sizes."""
MOST_WAITING = 2
"""Photos that wait to be read ahead; whoever leafs fast wants the last of them only."""
PATIENCE_S = 2.0
"""How long the end of a thread is waited for, that may hang on a sleeping network disk."""

Key = Tuple[str, Window]
"""Path and window."""


class Loader(QObject):
    """Two threads: one for the photo that is wanted now, one for those that will be. Signals reach the main thread."""

    came = pyqtSignal(object, object)
    """Key and `Pyramid`, first of a preview where one is worth it, then of the whole."""
    refused = pyqtSignal(object, str)
    """Key, and a sentence that says why this photo cannot be shown."""

    def __init__(self, parent: Optional[QObject] = None, memory: int = MEMORY) -> None:
        super().__init__(parent)
        self._memory = memory
        self._kept: OrderedDict[Key, Pyramid] = OrderedDict()
        self._wanted: Optional[Key] = None
        self._ahead: List[Key] = []
        self._reading: List[Key] = []
        self._ended = False
        self._changed = threading.Condition()
        self._threads: List[threading.Thread] = []

    # Main thread -----------------------------------------------------------------------------------------------------

    def want(self, key: Key) -> Optional[Pyramid]:
        """The photo, if it is here; else None, and it comes by a signal."""
        with self._changed:
            self._wanted = key
            self._ahead = [waiting for waiting in self._ahead if waiting != key]
            found = self._kept.get(key)
            if found is not None:
                self._kept.move_to_end(key)
            self._changed.notify_all()
        if found is None:
            self._begin()
        return found

    def ahead(self, key: Key) -> None:
        """Read this one, too, when nothing else is to be read."""
        with self._changed:
            if key in self._kept or key in self._reading or key == self._wanted:
                return
            self._ahead = [*(waiting for waiting in self._ahead if waiting != key), key][-MOST_WAITING:]
            self._changed.notify_all()
        self._begin()

    def rest(self) -> None:
        """Nothing is wanted any more."""
        with self._changed:
            self._wanted, self._ahead = None, []

    def end(self) -> None:
        """No more photos; waits shortly for what is being read."""
        with self._changed:
            self._ended = True
            self._kept.clear()
            self._changed.notify_all()
        for thread in self._threads:
            thread.join(PATIENCE_S)

    def _begin(self) -> None:
        if not self._threads and not self._ended:
            for take in (self._take_wanted, self._take_ahead):
                thread = threading.Thread(target=self._work, args=(take,), name="quadrat photo", daemon=True)
                self._threads.append(thread)
                thread.start()

    # Threads ---------------------------------------------------------------------------------------------------------

    def _take_wanted(self) -> Optional[Key]:
        key = self._wanted
        return None if key is None or key in self._kept or key in self._reading else key

    def _take_ahead(self) -> Optional[Key]:
        # The wanted one has both cores until it is here.
        if self._take_wanted() is not None or self._wanted in self._reading or not self._ahead:
            return None
        return self._ahead.pop(0)

    def _work(self, take: Callable[[], Optional[Key]]) -> None:
        while True:
            with self._changed:
                key = take()
                while key is None and not self._ended:
                    self._changed.wait()
                    key = take()
                if self._ended or key is None:
                    return
                self._reading.append(key)
            whole, refusal = self._read(key)
            with self._changed:
                self._reading.remove(key)
                if whole is not None and not self._ended:
                    self._keep(key, whole)
                elif key == self._wanted:
                    self._wanted = None  # else it would be tried again and again
                self._changed.notify_all()
            # Told last, so that whoever asks again on hearing it is not taken for the one that was answered.
            if whole is not None:
                self._tell(self.came, key, whole)
            else:
                self._tell(self.refused, key, refusal)

    def _read(self, key: Key) -> Tuple[Optional[Pyramid], str]:
        """The photo, or why there is none."""
        try:
            file = PhotoFile(*key)
            if self._wanted == key:
                small = file.preview()
                if not small.isNull():
                    self._tell(self.came, key, Pyramid(small, file.width, file.height))
            return Pyramid(file.full(), file.width, file.height), ""
        except QuadratError as error:
            return None, str(error)
        except MemoryError:
            return None, tr("There is not enough memory to show {path}.").format(path=key[0])
        except Exception as error:  # noqa: BLE001 - a thread that dies would leave people waiting for the photo
            why = f"{type(error).__name__}: {error}"
            return None, tr("{path} cannot be shown ({why}).").format(path=key[0], why=why)

    def _keep(self, key: Key, whole: Pyramid) -> None:
        self._kept[key] = whole
        taken = sum(pyramid.bytes for one, pyramid in self._kept.items() if one != self._wanted)
        for old in list(self._kept):
            if taken <= self._memory:
                break
            if old not in (key, self._wanted):
                taken -= self._kept.pop(old).bytes

    def _tell(self, signal: Any, *values: object) -> None:
        if self._ended:
            return
        try:
            signal.emit(*values)
        except RuntimeError:  # the window went while this was read
            self._ended = True
