"""Arrays of numbers or text as bytes of a .npy file; read without unpickling, and never larger than what is there."""

import io
import math
import tokenize
import zipfile
import zlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

try:
    from lzma import LZMAError
except ImportError:  # a Python built without it reads no such archives either
    LZMAError = zlib.error  # type: ignore[assignment, misc]

DAMAGED = (ValueError, EOFError, OSError, TypeError, SyntaxError, tokenize.TokenError, RecursionError, MemoryError)
"""What NumPy raises for files that are none: it reads their heads as Python would read a literal."""


BAD_ARCHIVE = (
    zipfile.BadZipFile, zlib.error, LZMAError, KeyError, OSError, ValueError, EOFError, NotImplementedError,
    RuntimeError,
)  # fmt: skip
"""What reading a member of an archive raises: absent, damaged, encrypted, or packed in a way that is not known."""


def npy_of(array: NDArray[Any]) -> bytes:
    """The array as a .npy file."""
    packed = io.BytesIO()
    np.lib.format.write_array(packed, np.asarray(array, order="C"), version=(1, 0), allow_pickle=False)
    return packed.getvalue()


def array_of(body: bytes, kinds: str = "biuf") -> NDArray[Any]:
    """The array in a .npy file.

    Args:
        body: of the file.
        kinds: of types that it may have, in letters of NumPy: truth, whole numbers of two sorts, numbers, text.

    Raises:
        ValueError: damaged, pickled, of another kind, or of another size than it says.
    """
    stream = io.BytesIO(body)
    try:
        if np.lib.format.read_magic(stream) != (1, 0):
            raise ValueError("an array of unknown version")
        shape, _, dtype = np.lib.format.read_array_header_1_0(stream)
        whole = min((0, *shape)) == 0 and math.prod(shape) * dtype.itemsize == len(body) - stream.tell()
        if dtype.kind not in kinds or not whole:
            raise ValueError("an array of another kind or size than it should be")
        return np.load(io.BytesIO(body), allow_pickle=False)  # type: ignore[no-any-return]
    except DAMAGED as error:
        raise ValueError("an array that is no plain numbers, or cut off") from error
