"""All that decides a result, without anything that has to be computed first: whether it is there already follows."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from .jobs.addresses import is_remote
from .jobs.declare import Job
from .layersource import parse_source
from .sidecar import fingerprint, read_sidecar
from .spool import digest, forget
from .version import VERSION

FORMAT = 1
UNDECISIVE = ("output", "threads", "download", "scheduler", "store")
"""Fields of jobs that do not change the result."""


def inputs_of(job: Job, names: Sequence[str]) -> dict[str, str]:
    """Files that decide the result, by field, also those on a server."""
    paths = {name: getattr(job, name) for name in names}
    return {name: path for name, path in paths.items() if path and is_there(path)}


def is_there(source: str) -> bool:
    """True for a source - what follows a `|` names a layer - that is a file, or lies on a server."""
    path = source.split("|")[0]
    return is_remote(path) or Path(path).is_file()


def request_of(job: Job, inputs: Mapping[str, str]) -> dict[str, Any]:
    """Job, version and content of the inputs; where they lie does not count."""
    values = {name: value for name, value in job.to_dict().items() if name not in UNDECISIVE}
    prints = {name: fingerprint(path) for name, path in inputs.items()}
    for name, path in inputs.items():
        values[name] = path.partition("|")[2]  # which layer of the file
        if not values[name]:
            values.pop(name)
    return {"format": FORMAT, "version": VERSION, "job": values, "inputs": prints}


def table_up_to_date(output: str, request: Mapping[str, Any]) -> dict[str, Any] | None:
    """Facts of a table if a job with this request made it and nobody changed it since, else None.

    Args:
        output: path of the table; its sidecar holds `request` and `content`, see `content_of`.
        request: all that decides the result.
    """
    sidecar = read_sidecar(output)
    facts: dict[str, Any] = sidecar["facts"] if sidecar else {}
    if facts.get("request") != digest(request) or not Path(output).is_file():
        return None
    if facts.get("content") != content_of(output):
        return None
    forget(output, request)
    return facts


def content_of(output: str) -> str:
    """Hash of a table, for its sidecar."""
    return fingerprint(parse_source(output).path)
