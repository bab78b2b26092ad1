"""The one pool of workers of a QGIS process: made when first needed, ended with the plugin."""

import threading
from typing import Callable, List, Optional, Tuple

from .client import WorkerPool

_lock = threading.Lock()
_pool: Optional[WorkerPool] = None
_beside: List[Tuple[Callable[[], None], Callable[[], None]]] = []


def keep_beside(end: Callable[[], None], let_go: Callable[[], None]) -> None:
    """Workers outside the pool that live as long as it does: how to end them, and how to free their engine's files."""
    _beside.append((end, let_go))


def shared_pool() -> WorkerPool:
    """The pool; a new one after `close_pool`."""
    global _pool
    with _lock:
        if _pool is None:
            _pool = WorkerPool()
        return _pool


def refresh_pool() -> None:
    """Let go of idle workers, so that the files of their engine can be replaced and the next job sees the new one."""
    for _, let_go in _beside:
        let_go()
    with _lock:
        pool = _pool
    if pool is not None:
        pool.reset()


def close_pool() -> None:
    """End all workers; running jobs are stopped."""
    global _pool
    for end, _ in _beside:
        end()
    with _lock:
        pool, _pool = _pool, None
    if pool is not None:
        pool.close()
