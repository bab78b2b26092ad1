"""JSON-RPC 2.0 between QGIS and the worker: one message a line, UTF-8, over stdin and stdout.

This file knows framing, method names and message shapes; it knows nothing of processes, jobs or QGIS.
Standard library only, Python 3.9 and later.
"""

import json
from typing import Any, BinaryIO, Dict, Iterator, Optional

from .errors import BadFrame, QuadratError, from_code

PROTOCOL_VERSION = 1

INITIALIZE = "initialize"
"""Request. Params: protocol, version. Result: protocol, version, python, pid, has_torch."""
RUN = "run"
"""Request. Params: the job as a dict. Result: the `Result` as a dict."""
FORETELL = "foretell"
"""Request. Params: the job as a dict; measure: whether to take some seconds for it. Result: known, seconds, bytes, free
and more, see `pipelines/foretell.py`."""
DESCRIBE = "describe"
"""Request. Params: none. Result: library versions, devices, free memory."""
PING = "ping"
"""Request, answered at once, also while a job runs."""
CANCEL = "$/cancel"
"""Notification. Params: id of the request to stop."""
PROGRESS = "$/progress"
"""Notification from the worker. Params: id, fraction (0..1), remaining_s (or null), text."""
LOG = "$/log"
"""Notification from the worker. Params: id, level (info, warning), text."""
EPOCH = "$/epoch"
"""Notification from the worker, after each epoch of a network that learns. Params: id, news (`EpochNews` as a dict)."""

MAX_FRAME_BYTES = 64 * 1024 * 1024

Message = Dict[str, Any]


def encode(message: Message) -> bytes:
    """One message as one line of ASCII JSON, newline included."""
    return json.dumps(message, ensure_ascii=True, separators=(",", ":"), allow_nan=False).encode("ascii") + b"\n"


def decode(line: bytes) -> Message:
    """The message in one line.

    Raises:
        BadFrame: the line is not JSON, not an object, or not JSON-RPC 2.0.
    """
    try:
        message = json.loads(line.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise BadFrame(f"The worker sent a line that is not JSON: {line[:80]!r}.") from error
    if not isinstance(message, dict) or message.get("jsonrpc") != "2.0" or not _is_whole(message):
        raise BadFrame(f"The worker sent a line that is not JSON-RPC 2.0: {line[:80]!r}.")
    return message


def _is_whole(message: Message) -> bool:
    """Whether each part is what whoever gets the message takes it for."""
    error = message.get("error", {"code": 0})
    return (
        isinstance(message.get("id"), (int, str, type(None)))
        and isinstance(message.get("method", ""), str)
        and isinstance(message.get("params"), (dict, type(None)))
        and isinstance(error, dict)
        and isinstance(error.get("code"), int)
        and isinstance(error.get("data"), (dict, type(None)))
    )


def read_messages(stream: BinaryIO) -> Iterator[Message]:
    """Messages until the stream ends; a line without its newline (a killed writer) is dropped.

    Raises:
        BadFrame: a line is malformed or longer than `MAX_FRAME_BYTES`.
    """
    while True:
        line = stream.readline(MAX_FRAME_BYTES)
        if not line.endswith(b"\n"):
            if len(line) >= MAX_FRAME_BYTES:
                raise BadFrame(f"A message is longer than {MAX_FRAME_BYTES // 2**20} MB.")
            return
        if line.strip():
            yield decode(line)


def request(request_id: int, method: str, params: Optional[Message] = None) -> Message:
    """A call that wants an answer."""
    return {"jsonrpc": "2.0", "id": request_id, "method": method, "params": params or {}}


def notification(method: str, params: Message) -> Message:
    """A message that wants no answer."""
    return {"jsonrpc": "2.0", "method": method, "params": params}


def response(request_id: Any, result: Any) -> Message:
    """The answer to a call."""
    return {"jsonrpc": "2.0", "id": request_id, "result": result}


def failure(request_id: Any, code: int, message: str, detail: str = "") -> Message:
    """The answer to a call that failed; `detail` (a traceback) is for the log only."""
    error: Message = {"code": code, "message": message}
    if detail:
        error["data"] = {"detail": detail}
    return {"jsonrpc": "2.0", "id": request_id, "error": error}


def error_of(message: Message) -> QuadratError:
    """The exception that a failure message stands for, with `detail` as an attribute."""
    error = message["error"]
    exception = from_code(int(error.get("code", -32000)), str(error.get("message", "")))
    exception.detail = (error.get("data") or {}).get("detail", "")  # type: ignore[attr-defined]
    return exception
