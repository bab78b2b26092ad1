"""What travels to schedulers and workers as code, so that they need not know Quadrat before it comes.

A scheduler opens what passes through it, and most know nothing but Dask. So tasks name a function by text, and the
function that looks it up travels whole: it is made inside another one, which no pickle can name. Where a worker has no
Quadrat installed but sees the folder of the one at home, it takes that.
"""

from collections.abc import Callable
from typing import Any

PREFIX = "quadrat-"


def caller() -> Callable[..., Any]:
    """A function `call(target, *args)` for tasks; the target is `module:function`, looked up where the task runs."""

    def call(target: str, *args: Any) -> Any:
        import pkgutil

        return pkgutil.resolve_name(target)(*args)

    return call


def luggage(run: str, root: str, home: str, payload: bytes) -> Any:
    """A plugin that each worker of a run gets, also those that join later.

    Args:
        run: its name; the plugin is called `PREFIX` + run.
        root: folder of Quadrat's package here.
        home: folder of the weights' store here; taken by workers that have none of their own.
        payload: pickle of the `Errand`, opened by the worker's own Quadrat.
    """
    from distributed import WorkerPlugin

    class Luggage(WorkerPlugin):  # type: ignore[misc,unused-ignore]
        def __init__(self) -> None:
            self.name, self.run, self.root, self.home, self.payload = PREFIX + run, run, root, home, payload

        def setup(self, worker: Any) -> None:
            import importlib.util
            import os
            import pathlib
            import sys

            if self.home:
                os.environ.setdefault("QUADRAT_HOME", self.home)
            file = pathlib.Path(self.root) / "__init__.py"
            if importlib.util.find_spec("quadrat") is not None or not file.is_file():
                return
            spec = importlib.util.spec_from_file_location("quadrat", file, submodule_search_locations=[self.root])
            if spec is not None and spec.loader is not None:
                sys.modules["quadrat"] = module = importlib.util.module_from_spec(spec)
                spec.loader.exec_module(module)

        def teardown(self, worker: Any) -> None:
            import sys

            work = sys.modules.get("quadrat.core.cluster.work")
            if work is not None:
                work.forget(self.run)

    return Luggage()
