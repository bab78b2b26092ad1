"""A few threads for array work, with the linear algebra library held to one thread in each.

Results do not depend on the number of threads: blocks are cut the same way and each is computed by one thread.
"""

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import TypeVar

from threadpoolctl import ThreadpoolController

from .quota import cores

T = TypeVar("T")


@cache
def _libraries() -> ThreadpoolController:
    # Looking for the loaded libraries takes milliseconds; they do not change once numpy is imported.
    return ThreadpoolController()


def thread_count(wish: int) -> int:
    """The wish, or as many as this process may use when it is 0."""
    return wish if wish > 0 else cores()


class Crew:
    """Runs pieces of work on `count` threads."""

    def __init__(self, wish: int) -> None:
        self.count = thread_count(wish)
        self._pool: ThreadPoolExecutor | None = None

    @property
    def device(self) -> str:
        """In words for the user."""
        return f"CPU, {self.count} thread{'s' if self.count > 1 else ''}"

    def each(self, work: Callable[[T], None], pieces: Iterable[T]) -> None:
        """Calls `work` once for each piece; what it raises is raised here."""
        with _libraries().limit(limits=1, user_api="blas"):
            if self.count == 1:
                for piece in pieces:
                    work(piece)
                return
            if self._pool is None:
                self._pool = ThreadPoolExecutor(self.count, thread_name_prefix="quadrat-backbone")
            list(self._pool.map(work, pieces))


def pieces_of(length: int, size: int) -> list[slice]:
    """Slices of `size` that cover `length`."""
    return [slice(start, min(start + size, length)) for start in range(0, length, max(size, 1))]
