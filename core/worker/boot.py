"""Starts the worker: `python -I -u boot.py`. Finds the package by its place on disk, whatever the folder is called.

Run isolated, so neither the script's folder nor QGIS's libraries are on the path.
"""

import importlib.util
import os
import pathlib
import sys


def register_package() -> None:
    """Make `import quadrat` mean the folder that this file lies in."""
    root = pathlib.Path(__file__).resolve().parents[2]
    spec = importlib.util.spec_from_file_location(
        "quadrat", root / "__init__.py", submodule_search_locations=[str(root)]
    )
    if spec is None or spec.loader is None:
        raise ImportError(f"Quadrat's files are not whole: {root / '__init__.py'} cannot be read.")
    module = importlib.util.module_from_spec(spec)
    sys.modules["quadrat"] = module
    spec.loader.exec_module(module)


def main() -> None:
    """Keep the wire to ourselves, then serve until stdin closes."""
    # Libraries print. The wire gets a private copy of stdout; whatever prints from now on goes to stderr.
    wire_out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    wire_in = os.fdopen(os.dup(0), "rb")
    register_package()
    from quadrat.core.worker.server import Server

    Server(wire_in, wire_out).serve()


if __name__ == "__main__":
    main()
