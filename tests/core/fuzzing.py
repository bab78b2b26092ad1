"""Documents that strangers may hand to a reader, and the judgement of what the reader makes of them.

A `Reader` names one way in; `documents` draws what comes that way: noise, and documents of the right shape that were
spoilt (`fuzzing_spoilers.py`). `judge` hands it over: whatever is raised must be a refusal in a sentence, in bounded
time and memory, and nothing of the document may be executed. `fuzzing_readers.py` lists the readers; `test_fuzz.py`
tries some documents of each, `tests/benchmarks/bench_fuzz.py` as many as there is time for.
"""

import contextlib
import dataclasses
import io
import os
import random
import signal
import sys
import time
import traceback
import warnings
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, Optional, Sequence, Tuple

from hypothesis import strategies as st
from quadrat.core.errors import QuadratError
from quadrat.models.errors import ModelError
from quadrat.tests.core.fuzzing_spoilers import SPOILERS

CPU_S, WALL_S = 10.0, 60.0
"""A document is small; a reader that takes as long for one would take for ever for another."""
MOST_GROWTH = 600 * 2**20
"""Bytes of memory that a reader may take at its peak for a document of less than a megabyte."""
ROOM = 6 * 2**30
"""Bytes of address space that a reader may ask for: more fails, instead of filling the machine."""
LONGEST = 2500
"""Letters of a message: what is not told in as many is told by pouring the document out."""
CANARY = "canary"
"""File in the folder of the document that appears when something in the document is executed."""
ROOT = str(Path(__file__).resolve().parents[2])

Document = Any


@dataclasses.dataclass(frozen=True)
class Reader:
    """One way in."""

    name: str
    read: Callable[[Any], Any]
    """Gets the path of the document; of texts the text itself."""
    seeds: Callable[[], Sequence[bytes]]
    """Whole documents of the right shape."""
    shape: str
    """Of the seeds: how they can be spoilt; see `SPOILERS`."""
    suffix: str = ".bin"
    refusals: Tuple[type, ...] = (QuadratError, ModelError)
    """What it may raise."""
    name_of_file: str = ""
    """Where the name matters."""
    as_text: bool = False
    """Whether the text is handed over, not a file with it."""


@dataclasses.dataclass(frozen=True)
class Finding:
    """What a reader did that it must not do."""

    reader: str
    what: str
    where: str = ""
    """File and line of ours, the innermost."""
    detail: str = ""

    @property
    def kind(self) -> Tuple[str, str, str]:
        """Equal for documents that fail alike."""
        return self.reader, self.what.partition(":")[0], self.where

    def __str__(self) -> str:
        return f"{self.reader}: {self.what} {f'at {self.where}' if self.where else ''}".rstrip()


class TookTooLong(BaseException):
    """The reader was still at it; no `except Exception` may swallow this."""


def documents(reader: Reader) -> "st.SearchStrategy[bytes]":
    """Noise, whole seeds, and spoilt ones; those by far the most."""
    seeds = list(reader.seeds())
    spoiler = SPOILERS[reader.shape]

    def spoilt(number: int) -> bytes:
        rng = random.Random(number)
        return spoiler(rng, rng.choice(seeds))

    of_numbers = st.integers(0, 2**60).map(spoilt)
    noise = st.binary(max_size=300) | st.text(max_size=120).map(lambda text: text.encode("utf-8", "surrogatepass"))
    return st.one_of(of_numbers, of_numbers, of_numbers, of_numbers, of_numbers, of_numbers, noise, _cut(seeds))


def _cut(seeds: Sequence[bytes]) -> "st.SearchStrategy[bytes]":
    """The beginning of a seed, as a copy that was cut off leaves it."""
    pairs = st.tuples(st.sampled_from(seeds), st.floats(0, 1))
    return pairs.map(lambda pair: pair[0][: int(len(pair[0]) * pair[1])])


def judge(reader: Reader, document: bytes, folder: Path) -> Optional[Finding]:
    """Hand the document to the reader; what it did wrong, if anything.

    Args:
        reader: one way in.
        document: that comes in.
        folder: of nobody else; the file is written there, as is the canary.
    """
    handed: Any = document.decode("utf-8", "replace")
    if not reader.as_text:
        path = folder / (reader.name_of_file or f"document{reader.suffix}")
        path.write_bytes(document)
        handed = str(path)
    before, finding = _forgotten_peak(), None
    try:
        with _limits(), _quiet(), _inside(folder):
            reader.read(handed)
    except reader.refusals as error:
        finding = _of_message(reader, error)
    except TookTooLong as error:
        finding = Finding(reader.name, f"hangs: {error}", _place(error), _trace(error))
    except Exception as error:  # noqa: BLE001 - whatever it is, it is a finding
        finding = Finding(reader.name, f"{type(error).__name__}: {str(error)[:200]}", _place(error), _trace(error))
    if (folder / CANARY).exists():
        (folder / CANARY).unlink()
        return Finding(reader.name, "executes what is in the document")
    grown = peak() - before
    if finding is None and grown > MOST_GROWTH:
        finding = Finding(reader.name, f"takes memory: {grown / 2**20:.0f} MB")
    return finding


def _of_message(reader: Reader, error: BaseException) -> Optional[Finding]:
    """A refusal must be a sentence for people."""
    text = str(error)
    wrong = (
        "is empty" if not text.strip()
        else "is no sentence" if text.rstrip()[-1] not in ".?!"
        else "holds a traceback" if "Traceback (most" in text or 'File "' in text
        else "shows an address in memory" if " at 0x" in text
        else "pours the document out" if len(text) > LONGEST
        else ""
    )  # fmt: skip
    if not wrong:
        return None
    return Finding(reader.name, f"message {wrong}: {text[:300]!r}", _place(error), _trace(error))


def _place(error: BaseException) -> str:
    """The innermost line of ours outside of tests."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename.startswith(ROOT)]
    ours = [frame for frame in frames if "/tests/" not in frame.filename and "site-packages" not in frame.filename]
    return f"{os.path.relpath(ours[-1].filename, ROOT)}:{ours[-1].lineno}" if ours else ""


def _trace(error: BaseException) -> str:
    return "".join(traceback.format_exception(type(error), error, error.__traceback__))[-3000:]


@contextlib.contextmanager
def _inside(folder: Path) -> Iterator[None]:
    """What writes to a relative path writes here."""
    before = os.getcwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Warnings of libraries, and what programs print, are not looked at."""
    with (
        warnings.catch_warnings(),
        contextlib.redirect_stdout(io.StringIO()),
        contextlib.redirect_stderr(io.StringIO()),
    ):
        warnings.simplefilter("ignore")
        yield


@contextlib.contextmanager
def _limits() -> Iterator[None]:
    """An end to the time that a reader may take; Windows knows no such alarm."""
    if sys.platform == "win32":
        yield
        return

    def stop(number: int, frame: object) -> None:
        raise TookTooLong(f"more than {CPU_S:.0f} s of work or {WALL_S:.0f} s of waiting")

    kinds = ((signal.SIGPROF, signal.ITIMER_PROF, CPU_S), (signal.SIGALRM, signal.ITIMER_REAL, WALL_S))
    before = [(number, signal.signal(number, stop)) for number, _, _ in kinds]
    for _, timer, seconds in kinds:
        signal.setitimer(timer, seconds)
    try:
        yield
    finally:
        for _, timer, _ in kinds:
            signal.setitimer(timer, 0)
        for number, handler in before:
            signal.signal(number, handler)


def _forgotten_peak() -> int:
    """The peak from which to count: what is held now, where the system can forget what was held before."""
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    return peak()


def peak() -> int:
    """Bytes that this process held at most until now; 0 where the system does not tell."""
    if sys.platform == "win32":
        return 0
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


@contextlib.contextmanager
def bounded_room() -> Iterator[None]:
    """As long as this lasts, whoever asks for very much memory gets none; on Linux alone."""
    if not sys.platform.startswith("linux"):
        yield
        return
    import resource

    here = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0]) * resource.getpagesize()
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (here + ROOM, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


class Tally:
    """What came of many documents for one reader."""

    def __init__(self, reader: Reader) -> None:
        self.reader = reader
        self.tried = 0
        self.findings: Dict[Tuple[str, str, str], Tuple[Finding, bytes]] = {}
        self.seconds = 0.0

    def add(self, document: bytes, folder: Path) -> Optional[Finding]:
        """Judge one more."""
        start = time.process_time()
        finding = judge(self.reader, document, folder)
        self.seconds += time.process_time() - start
        self.tried += 1
        if finding:
            self.findings.setdefault(finding.kind, (finding, document))
        return finding
