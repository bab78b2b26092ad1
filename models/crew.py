"""A few threads for array work, with the linear algebra library held to one thread in each.

Results do not depend on the number of threads: blocks are cut the same way and each is computed by one thread.
"""

import os
from collections.abc import Callable, Iterable, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from functools import cache
from typing import Any, TypeVar

from threadpoolctl import ThreadpoolController

from .quota import cores

T = TypeVar("T")


def wait_asleep(environment: MutableMapping[str, str]) -> None:
    """Let threads of OpenMP (torch, scikit-learn) fall asleep soon after their work, unless the user has decided it.

    They wait in circles for milliseconds otherwise, and take the cores from those that read, blend and write: a forward
    pass of a ViT-tiny on two busy cores took 1100 CPU milliseconds so, and 285 with GOMP_SPINCOUNT 1000 (255 asleep at
    once, for which many cores would pay by waking up). GNU's OpenMP is that of Linux; LLVM's and Intel's, elsewhere,
    count in milliseconds and were not measured.
    """
    for name, value in (("GOMP_SPINCOUNT", "1000"), ("KMP_BLOCKTIME", "1")):
        environment.setdefault(name, value)


# Read when these libraries are loaded, which is after this file.
wait_asleep(os.environ)


@cache
def _libraries() -> ThreadpoolController:
    # Looking for the loaded libraries takes milliseconds; they do not change once numpy is imported.
    return ThreadpoolController()


def thread_count(wish: int) -> int:
    """The wish, or as many as this process may use when it is 0."""
    return wish if wish > 0 else cores()


def one_by_one() -> AbstractContextManager[Any]:
    """Within it, products of matrices and the like use one thread.

    Small ones lose by more: components of 200 numbers took 30 CPU milliseconds of one thread and 350 of two on busy
    cores. And what one thread computes does not depend on how many there are.
    """
    limited: AbstractContextManager[Any] = _libraries().limit(limits=1, user_api="blas")
    return limited


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
        with one_by_one():
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
