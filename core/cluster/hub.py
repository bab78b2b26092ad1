"""The connection to a scheduler of Dask: one that is named, or one of our own with workers on this machine."""

import asyncio
import contextlib
import logging
from collections.abc import Iterator
from typing import Any

from ...models.crew import thread_count
from ..errors import BadInput, EngineTooSmall, WorkerDied
from ..jobs.running import LOCAL
from ..progress import Progress

CONNECT_S = 20
"""A scheduler that does not answer within this time is taken to be none."""
END_S = 0.5
"""For workers on this machine to end by themselves; then they are made to."""


@contextlib.contextmanager
def connected(scheduler: str, threads: int, progress: Progress) -> Iterator[Any]:
    """A client of the scheduler; None where there is to be none.

    Args:
        scheduler: as in the job: empty, `local:N`, `tcp://host:port`, `tls://host:port` or a scheduler file.
        threads: that workers on this machine share; 0: all cores.
        progress: takes sentences.

    Raises:
        BadInput: no scheduler answers.
        EngineTooSmall: Dask is not installed.
    """
    if not scheduler:
        yield None
        return
    try:
        import distributed
    except ImportError as error:
        raise EngineTooSmall(
            "A scheduler needs Dask: run 'Set up the engine' again, or install distributed."
        ) from error
    logging.getLogger("distributed").setLevel(logging.ERROR)
    with contextlib.ExitStack() as open_:
        address: Any = scheduler
        if scheduler.startswith(LOCAL):
            address = open_.enter_context(_processes(int(scheduler.removeprefix(LOCAL)), threads, progress))
        options = {"scheduler_file": address} if str(address).endswith(".json") else {"address": address}
        try:
            client = distributed.Client(**options, timeout=CONNECT_S, set_as_default=False)
        except (OSError, ValueError) as error:
            raise BadInput(
                f"No scheduler of Dask answers at {scheduler}. Start one with 'dask scheduler', or correct the address "
                "under 'Scheduler'."
            ) from error
        open_.callback(_part, client)
        yield client


@contextlib.contextmanager
def _processes(count: int, threads: int, progress: Progress) -> Iterator[Any]:
    """Workers on this machine. They end with this process, however it ends: Dask has them watch a pipe from it."""
    from distributed import LocalCluster

    progress.info(f"Starting {count} worker{'s' if count > 1 else ''} on this machine.")
    each = max(thread_count(threads) // count, 1)
    try:
        cluster = LocalCluster(
            n_workers=count, threads_per_worker=each, processes=True, memory_limit=None, dashboard_address=None,
            host="127.0.0.1", silence_logs=logging.ERROR, worker_dashboard_address=None,
        )  # fmt: skip
    except (OSError, RuntimeError, TimeoutError) as error:
        raise WorkerDied(
            f"The workers on this machine did not start: {error}. Run the job without scheduler."
        ) from error
    try:
        yield cluster
    finally:
        _end(cluster)


def _end(cluster: Any) -> None:
    """At once: what the workers were at is not wanted any more."""

    async def close() -> None:
        nannies = cluster.workers.values()
        await asyncio.gather(*(nanny.close(timeout=END_S) for nanny in nannies), return_exceptions=True)

    cluster.sync(close)
    cluster.close(timeout=5)


def _part(client: Any) -> None:
    client.close(timeout=1)
