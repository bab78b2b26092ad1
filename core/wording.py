"""Numbers with what they count, in the grammar of one and many; standard library, Python 3.9."""


def counted(number: int, one: str, many: str = "") -> str:
    """`1 photo`, `2,400 photos`.

    Args:
        number: how many.
        one: what a single one is called.
        many: what several are called; empty: with an s.
    """
    return f"{number:,} {one if number == 1 else many or f'{one}s'}"
