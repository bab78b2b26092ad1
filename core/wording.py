"""Numbers with what they count, in the grammar of one and many; times and sizes. Standard library, Python 3.9."""

from typing import Any, Callable, Mapping

from ..models.weights.place import size_text


def counted(number: int, one: str, many: str = "") -> str:
    """`1 photo`, `2,400 photos`.

    Args:
        number: how many.
        one: what a single one is called.
        many: what several are called; empty: with an s.
    """
    return f"{number:,} {one if number == 1 else many or f'{one}s'}"


def forecast(facts: Mapping[str, Any], say: Callable[[str], str] = str) -> str:
    """What `pipelines/foretell.py` found, as a sentence.

    Args:
        facts: known, seconds, bytes.
        say: translates the words; numbers are put in afterwards.
    """
    if not facts["known"]:
        return say("Not yet measured on this computer.")
    time = duration(facts["seconds"])
    if facts["bytes"] is None:
        return say("About {time} on this computer.").format(time=time)
    return say("About {time} and {size} on this computer.").format(time=time, size=size_text(facts["bytes"]))


def no_room(facts: Mapping[str, Any], say: Callable[[str], str] = str) -> str:
    """That the disk is too small for what `pipelines/foretell.py` found; empty where it is not, or nobody knows."""
    free, size = facts["free"], facts.get("bytes")
    if free is None or size is None or free >= size:
        return ""
    text = say("The disk has room for {free} only: make room, or choose another disk or fewer dimensions.")
    return text.format(free=size_text(free))


def duration(seconds: float) -> str:
    """`40 s`, `3 min`, `2 h 05 min`: no more exact than an estimate is."""
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    hours, minutes = divmod(round(seconds / 60), 60)
    return f"{hours:,} h {minutes:02d} min" if hours else f"{minutes} min"
