"""Parameters that say on what a job runs and not what it does, and the seed: the same wherever they occur."""

import re
from typing import Any

from .declare import Kind, param

LOCAL = "local:"
_SCHEDULER = re.compile(rf"{LOCAL}[1-9]\d{{0,2}}|(tcp|tls)://\S+:\d+|.+\.json")
DEVICES = ("auto", "cpu", "cuda", "mps")
PRECISIONS = ("float32", "half")


def threads(note: str = "") -> Any:
    """How many threads of the CPU; `note` is a further sentence of help."""
    text = f"0: all cores. {note}".strip()
    return param(Kind.INTEGER, "Threads", default=0, minimum=0, maximum=256, advanced=True, help=text)


def device() -> Any:
    """Which device networks run on."""
    return param(Kind.CHOICE, "Device", default="auto", choices=DEVICES, advanced=True)


def precision() -> Any:
    """With how many digits networks compute."""
    text = (
        "half: 16 bits where the network allows it, for graphics processors only: quicker, less memory, and vectors "
        "that differ in the third digit."
    )
    return param(Kind.CHOICE, "Precision", default=PRECISIONS[0], choices=PRECISIONS, advanced=True, help=text)


def seed(text: str = "", *, advanced: bool = True) -> Any:
    """Of all that is drawn; `text` is its help."""
    return param(Kind.INTEGER, "Seed", default=0, minimum=0, maximum=2**31 - 1, advanced=advanced, help=text)


def scheduler() -> Any:
    """Who spreads the work over several processes or machines."""
    return param(
        Kind.TEXT,
        "Scheduler",
        optional=True,
        advanced=True,
        help="Spreads the work over workers of Dask: local:4 starts four on this machine; tcp://host:8786, tls://… or "
        "a scheduler file (.json) names a scheduler that runs. Empty: here, alone.",
    )


def store() -> Any:
    """Where workers put what the one who asked takes home."""
    return param(
        Kind.TEXT,
        "Store",
        optional=True,
        advanced=True,
        help="With a scheduler: folder or address (s3://bucket/folder) that all machines reach. Empty: the folder of "
        "the result, which all of them must then see at the same path.",
    )


def scheduler_problem(scheduler: str, store: str) -> str:
    """What is wrong with the two, as a sentence; empty when they can be used."""
    if scheduler and not _SCHEDULER.fullmatch(scheduler):
        return (
            f"'{scheduler}' names no scheduler: give local: and a number of workers, tcp://host:port, tls://host:port, "
            "or the path of a scheduler file (.json)."
        )
    return "A store is for work with a scheduler: give one, or leave 'Store' empty." if store and not scheduler else ""
