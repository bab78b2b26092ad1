"""The command line: `python -m quadrat …` where Quadrat is installed, `python3 __main__.py …` in a checkout."""

import importlib.util
import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parent


def main() -> int:
    """Run one command; the exit status is 0 on success, 1 on an error, 2 on wrong usage, 130 when stopped."""
    if "quadrat" not in sys.modules:
        # Started as a file: the folder may have any name, and must not lend its `processing` to others.
        sys.path[:] = [entry for entry in sys.path if pathlib.Path(entry or ".").resolve() != ROOT]
        spec = importlib.util.spec_from_file_location(
            "quadrat", ROOT / "__init__.py", submodule_search_locations=[str(ROOT)]
        )
        if spec is None or spec.loader is None:
            raise ImportError(f"{ROOT / '__init__.py'} cannot be read.")
        module = importlib.util.module_from_spec(spec)
        sys.modules["quadrat"] = module
        spec.loader.exec_module(module)
    from quadrat.processing.shell import run

    return run(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
