"""Numbers with what they count, in the grammar of one and many; standard library, Python 3.9."""


def counted(number: int, one: str, many: str = "") -> str:
    """`1 photo`, `2,400 photos`.

    Args:
        number: how many.
        one: what a single one is called.
        many: what several are called; empty: with an s.
    """
    return f"{number:,} {one if number == 1 else many or f'{one}s'}"


def duration(seconds: float) -> str:
    """`40 s`, `3 min`, `2 h 05 min`: no more exact than an estimate is."""
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    hours, minutes = divmod(round(seconds / 60), 60)
    return f"{hours:,} h {minutes:02d} min" if hours else f"{minutes} min"
