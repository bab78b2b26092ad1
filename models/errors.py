"""What can go wrong with a backbone, as complete sentences.

`models` knows nothing of `core`; the caller translates these into the errors that travel to the user.
"""

STARVED = (
    "out of memory", "not enough memory", "allocate memory", "failed to allocate", "bad_alloc", "bad allocation",
    "can't start new thread",
)  # fmt: skip
"""How libraries say that memory ran out whose errors are of no class for it."""


class ModelError(Exception):
    """A backbone cannot be built or used as asked."""


class WeightsNotFound(ModelError):
    """The weights are not on this machine."""


class UnusableModel(ModelError):
    """A file or a model is there, but is not what it should be: truncated, of another shape, holding code."""


class MissingLibrary(ModelError):
    """A library is not installed in this engine."""


class OutOfMemory(ModelError, MemoryError):
    """The batch was too large for the device; a smaller one may do."""


def starved(error: BaseException) -> bool:
    """Whether an error says that memory ran out, whichever library raised it."""
    text = str(error).lower()
    return (
        isinstance(error, MemoryError)
        or type(error).__name__ == "OutOfMemoryError"
        or any(words in text for words in STARVED)
    )


class NoRoom(ModelError):
    """A file of weights cannot be written: disk full, folder missing or read-only."""


class LicenceNotAccepted(ModelError):
    """Weights whose licence restricts use, and nobody has agreed to it yet."""
