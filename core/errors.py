"""Every error that Quadrat raises on purpose, and its code on the wire.

A message says what happened, in which file, band or field, and what to do about it.  The worker sends
code and message; the client raises the same class again, so a sentence written in ``core`` reaches the
user unchanged.  Standard library only: this file is shared with QGIS's own Python (3.9 and later).
"""

MOST_LETTERS, FIRST_LETTERS, LAST_LETTERS = 2400, 1600, 600
"""Of a message: a value out of a foreign file that a sentence repeats may be a book. What is wrong stands in front of
it, what to do behind."""


class QuadratError(Exception):
    """Something went wrong in a way that the user can act upon."""

    code = -32000

    def __str__(self) -> str:
        text = super().__str__()
        return text if len(text) <= MOST_LETTERS else f"{text[:FIRST_LETTERS]} … {text[-LAST_LETTERS:]}"

    @property
    def message(self) -> str:
        """The sentence for the user."""
        return str(self)


class BadJob(QuadratError):
    """A job has an unknown, missing or out-of-range parameter."""

    code = -32001


class BadInput(QuadratError):
    """A file, layer or band cannot be used for what was asked."""

    code = -32002


class Cancelled(QuadratError):
    """The user stopped the job."""

    code = -32003


class WeightsMissing(QuadratError):
    """The weights of a backbone are not on this machine."""

    code = -32004


class EngineTooSmall(QuadratError):
    """The job needs a library that the light engine does not hold."""

    code = -32005


class EngineMissing(QuadratError):
    """No engine is set up, or the one that is does not start."""

    code = -32006


class WorkerDied(QuadratError):
    """The worker process ended while it worked on a job."""

    code = -32007


class VersionMismatch(QuadratError):
    """Plugin and engine speak different versions of the protocol, or a file is of a newer version."""

    code = -32008


class Unwritable(QuadratError):
    """A result cannot be written: full disk, read-only folder, file in use."""

    code = -32009


class Stale(QuadratError):
    """Two files that should belong together do not (another embedding space, changed input)."""

    code = -32010


class SetupFailed(QuadratError):
    """The engine could not be installed, checked or removed."""

    code = -32011


class BadFrame(QuadratError):
    """What came over the wire is not a JSON-RPC 2.0 message."""

    code = -32700


ERRORS = (
    QuadratError,
    BadJob,
    BadInput,
    Cancelled,
    WeightsMissing,
    EngineTooSmall,
    EngineMissing,
    WorkerDied,
    VersionMismatch,
    Unwritable,
    Stale,
    SetupFailed,
    BadFrame,
)
BY_CODE = {error.code: error for error in ERRORS}


def from_code(code: int, message: str) -> QuadratError:
    """The error of a wire code; an unknown code gives a plain `QuadratError`."""
    return BY_CODE.get(code, QuadratError)(message)
