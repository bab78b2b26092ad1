"""Lets tests import `quadrat.…` whatever the checkout's folder is called, with QGIS or without."""

import importlib.util
import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parent
if "quadrat" not in sys.modules:
    spec = importlib.util.spec_from_file_location(
        "quadrat", ROOT / "__init__.py", submodule_search_locations=[str(ROOT)]
    )
    sys.modules["quadrat"] = module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
