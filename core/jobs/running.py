"""Parameters that say on what a job runs and not what it does, and the seed: the same wherever they occur."""

from typing import Any

from .declare import Kind, param

DEVICES = ("auto", "cpu", "cuda", "mps")


def threads(note: str = "") -> Any:
    """How many threads of the CPU; `note` is a further sentence of help."""
    text = f"0: all cores. {note}".strip()
    return param(Kind.INTEGER, "Threads", default=0, minimum=0, maximum=256, advanced=True, help=text)


def device() -> Any:
    """Which device networks run on."""
    return param(Kind.CHOICE, "Device", default="auto", choices=DEVICES, advanced=True)


def seed(text: str = "", *, advanced: bool = True) -> Any:
    """Of all that is drawn; `text` is its help."""
    return param(Kind.INTEGER, "Seed", default=0, minimum=0, maximum=2**31 - 1, advanced=advanced, help=text)
