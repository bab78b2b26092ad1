"""The one pool of workers of a QGIS process, and what ends live workers with it; made when first needed."""

import threading
from typing import Optional

from .client import WorkerPool
from .live import end_live, let_go_live

_lock = threading.Lock()
_pool: Optional[WorkerPool] = None


def shared_pool() -> WorkerPool:
    """The pool; a new one after `close_pool`."""
    global _pool
    with _lock:
        if _pool is None:
            _pool = WorkerPool()
        return _pool


def refresh_pool() -> None:
    """Let go of idle workers, so that the files of their engine can be replaced and the next job sees the new one."""
    let_go_live()
    with _lock:
        pool = _pool
    if pool is not None:
        pool.reset()


def close_pool() -> None:
    """End all workers; running jobs are stopped."""
    global _pool
    end_live()
    with _lock:
        pool, _pool = _pool, None
    if pool is not None:
        pool.close()
