"""skops without what heads do not need.

When it is first imported it asks scikit-learn for all estimators, which imports every module there, also those that
adapt PyTorch and Dask: seconds, and hundreds of megabytes, for heads that know neither.
"""

import importlib
import sys
from typing import Any

ADAPTERS = tuple(f"sklearn.externals.array_api_compat.{name}" for name in ("cupy", "dask", "torch"))


def _import() -> Any:
    modules: dict[str, Any] = sys.modules
    hidden = [name for name in ADAPTERS if modules.setdefault(name, None) is None]
    try:
        return importlib.import_module("skops.io")
    finally:
        for name in hidden:
            del modules[name]


skops_io = _import()
