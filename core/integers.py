"""Exact products of unsigned bytes with small integers, at the speed of the processor's 8-bit instructions.

onnxruntime computes them (`MatMulInteger`), on whatever the processor offers. Sums are of whole numbers, so the result
is the same on every machine, in any number of threads and for any cut of the rows.
"""

from functools import cache

import numpy as np
import onnxruntime
from numpy.typing import NDArray

MOST_DIGIT = 63
"""Processors without VNNI add two products 255 * digit in 16 bits and saturate: 2 * 255 * 64 would just pass, 63 makes
a base of an odd number, 127, whose digits are balanced."""
BASE = 2 * MOST_DIGIT + 1
MOST_TERMS = (2**31 - 1) // (255 * MOST_DIGIT)
"""Columns of the bytes up to which sums fit into 32 bits."""
_UINT8, _INT8, _INT32, _IR_VERSION, _OPSET = 2, 3, 6, 8, 13


def product(codes: NDArray[np.uint8], digits: NDArray[np.int8]) -> NDArray[np.int32]:
    """(n, D) times (D, C), exact; runs on the thread that calls, and may be called from several.

    Args:
        codes: contiguous.
        digits: at most `MOST_DIGIT` in size, and at most `MOST_TERMS` rows.
    """
    return np.asarray(_session().run(None, {"codes": codes, "digits": digits})[0])


@cache
def _session() -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(_model(), options, providers=["CPUExecutionProvider"])


def _model() -> bytes:
    """An ONNX file of one node, written by hand: the library that writes such files is no part of the engine.

    Source: https://github.com/onnx/onnx/blob/main/onnx/onnx.proto (field numbers)
    """
    node = _text(1, "codes") + _text(1, "digits") + _text(2, "sums") + _text(4, "MatMulInteger")
    values = _value(11, "codes", _UINT8, "nd") + _value(11, "digits", _INT8, "dc") + _value(12, "sums", _INT32, "nc")
    graph = _bytes(1, node) + _text(2, "product") + values
    return _number(1, _IR_VERSION) + _bytes(8, _text(1, "") + _number(2, _OPSET)) + _bytes(7, graph)


def _value(field: int, name: str, kind: int, axes: str) -> bytes:
    """A graph's input or output: name, type, and a name for each axis."""
    shape = b"".join(_bytes(1, _text(2, axis)) for axis in axes)
    return _bytes(field, _text(1, name) + _bytes(2, _bytes(1, _number(1, kind) + _bytes(2, shape))))


def _number(field: int, value: int) -> bytes:
    return _varint(field << 3) + _varint(value)


def _text(field: int, text: str) -> bytes:
    return _bytes(field, text.encode())


def _bytes(field: int, content: bytes) -> bytes:
    return _varint(field << 3 | 2) + _varint(len(content)) + content


def _varint(value: int) -> bytes:
    """A number in groups of seven bits, the lowest first."""
    groups = [value & 127]
    while value := value >> 7:
        groups.append(value & 127)
    return bytes([group | 128 for group in groups[:-1]] + groups[-1:])
