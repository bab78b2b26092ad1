"""Hash of all that decides the vectors of a backbone: equal hash, same embedding space."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray


def identity_of(facts: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> str:
    """Sha256 over plain facts and arrays (names, types, shapes and contents).

    Args:
        facts: anything that JSON can hold; the order of keys does not matter.
        arrays: any shape and type; the order of names does not matter.

    Returns:
        64 hexadecimal digits.
    """
    digest = hashlib.sha256(json.dumps(dict(facts), sort_keys=True, ensure_ascii=True).encode())
    for name in sorted(arrays):
        # Little-endian and C order, so that the same numbers hash alike on every machine.
        array = np.ascontiguousarray(arrays[name])
        array = array.astype(array.dtype.newbyteorder("<"), copy=False)
        digest.update(f"\n{name} {array.dtype.str} {array.shape}\n".encode())
        digest.update(array.tobytes())
    return digest.hexdigest()
