"""JSON files of other programs."""

import json
from pathlib import Path
from typing import Any

from ...errors import BadInput
from .text import read_text


def load(path: str | Path, what: str) -> Any:
    """What a JSON file holds; `what` names in errors what it should be.

    Raises:
        BadInput: no JSON (tells the line), or unreadable.
    """
    try:
        return json.loads(read_text(path).text)
    except json.JSONDecodeError as error:
        raise BadInput(f"{path} is no {what}: line {error.lineno} is no JSON ({error.msg}).") from error
    except (RecursionError, ValueError) as error:
        raise BadInput(f"{path} is no {what}: it is nested too deeply, or holds numbers too long to be any.") from error


def load_list(path: str | Path, what: str) -> list[Any]:
    """The list in a JSON file.

    Raises:
        BadInput: as `load`; or no list, or an empty one.
    """
    found = load(path, what)
    if not isinstance(found, list) or not found:
        raise BadInput(f"{path} is no {what}: it should hold a list of records.")
    return found
