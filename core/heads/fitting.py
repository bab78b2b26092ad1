"""Runs fits so that a cancel is heard although a fit cannot be interrupted from inside."""

import warnings
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from typing import TypeVar

from sklearn.exceptions import ConvergenceWarning
from threadpoolctl import threadpool_limits

from ..progress import Progress

T = TypeVar("T")
POLL_S = 0.1


def run_all(tasks: Sequence[Callable[[], T]], threads: int, progress: Progress) -> list[T]:
    """Results of the tasks in their order, several at a time.

    Linear algebra is held to one thread in each: for matrices as small as labels are, more threads only wait for one
    another, and so results do not depend on their number.

    Raises:
        Cancelled: the user stopped the job; tasks under way end unheard in their own threads.
    """
    pool = ThreadPoolExecutor(max(1, min(threads, len(tasks))), "fit")
    try:
        with threadpool_limits(limits=1), warnings.catch_warnings():
            # Many classes and few labels are what our users have.
            warnings.filterwarnings("ignore", "The number of unique classes is greater than 50%", UserWarning)
            # The network stops after so many rounds by design.
            warnings.filterwarnings("ignore", category=ConvergenceWarning)
            futures = [pool.submit(task) for task in tasks]
            waiting = set(futures)
            while waiting:
                done, waiting = wait(waiting, timeout=POLL_S, return_when=FIRST_COMPLETED)
                for future in done:
                    future.result()
                progress.checkpoint(1 - len(waiting) / len(tasks))
        return [future.result() for future in futures]
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
