"""Runs all tests, each suite in its own environment, and sums up: `suites.py [SUITE …]`.

lint: ruff and house rules. engine: everything that needs no QGIS, with PyTorch. light: where PyTorch is not installed,
those of them that could differ; tests/conftest.py tells which. processing, plugin, installer: QGIS side, in real QGIS
without a screen. faults: workers that are hurt. types: mypy and import-linter; both beside those of QGIS, which wait.
"""

import contextlib
import itertools
import os
import pathlib
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ElementTree
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import IO

ROOT = pathlib.Path(__file__).resolve().parents[2]
STATE = pathlib.Path(os.environ.get("QUADRAT_HOME") or ROOT / ".quadrat").absolute()
FULL, LIGHT, QGIS = STATE / "test-engine", STATE / "test-light", STATE / "test-qgis"
ROOMS, WIRE = ("tests/core", "tests/models"), ("tests/wire", "tests/cluster")
FAULTS = ("tests/faults",)
INSTALLER = "tests/processing/test_installer.py"
"""Waits for downloads and new environments most of its time."""
SIDE_BY_SIDE = ("-n", str(min(4, os.cpu_count() or 1)), "--dist", "loadfile")
"""For tests that wait for nobody; those of the wire look at how soon a process answers and have the machine alone."""
ONE_THREAD = {"OMP_NUM_THREADS": "1"}
"""Of libraries in each of these: more of them than cores wait for one another."""
DIFFERENT = ("-m", "not same_without_torch")
NO_TESTS = 5
"""pytest's status when there is none."""


@dataclass
class Suite:
    """One run and what came of it."""

    name: str
    commands: "list[list[str]]"
    limit_s: int
    environment: "dict[str, str]" = field(default_factory=dict)
    cwd: pathlib.Path = ROOT
    shares: bool = False
    """Runs beside its neighbours that share, which wait more than they work."""
    counts: "dict[str, int]" = field(default_factory=dict)
    failed: "list[str]" = field(default_factory=list)
    seconds: float = 0.0


def suites() -> "list[Suite]":
    """All suites in the order of running: the quickest answer first."""
    tool, inside = str(FULL / "bin"), _linked_package()
    lint = [
        [f"{tool}/ruff", "check", "--quiet", "."],
        [f"{tool}/ruff", "format", "--check", "--quiet", "."],
        [sys.executable, str(ROOT / "resources" / "tools" / "house_rules.py")],
    ]
    types = [
        "--config-file",
        "quadrat/pyproject.toml",
        "--no-error-summary",
        "-p",
        "quadrat.core",
        "-p",
        "quadrat.models",
    ]
    linked = [
        [f"{tool}/mypy", *types],
        [f"{tool}/lint-imports", "--config", "quadrat/pyproject.toml", "--no-cache"],
    ]
    python = {"QUADRAT_PYTHON": str(FULL / "bin" / "python")}
    return [
        Suite("lint", lint, 120),
        Suite("engine", [_pytest(FULL, "engine", ROOMS, SIDE_BY_SIDE)], 1500, ONE_THREAD),
        Suite("engine wire", [_pytest(FULL, "engine-wire", WIRE)], 600),
        Suite("light", [_pytest(LIGHT, "light", ROOMS, (*SIDE_BY_SIDE, *DIFFERENT))], 900, ONE_THREAD),
        Suite("light wire", [_pytest(LIGHT, "light-wire", WIRE, DIFFERENT)], 600),
        # Several runs: newer QGIS refuses a second provider `quadrat`, and each of these rooms brings one.
        *(
            Suite(name, [_pytest(QGIS, name, *what)], 1200, {**python, **_qgis_settings(name)}, shares=True)
            for name, what in (
                ("processing", (("tests/processing",), (f"--ignore={INSTALLER}",))),
                ("plugin", (("tests/plugin",),)),
                ("installer", ((INSTALLER,),)),
            )
        ),
        Suite("faults", [_pytest(FULL, "faults", FAULTS)], 1200, ONE_THREAD, shares=True),
        Suite("types and layers", linked, 900, {"PYTHONPATH": str(inside)}, inside, shares=True),
    ]


def _linked_package() -> pathlib.Path:
    """A folder in which the checkout is called `quadrat`, as tools that import by name want it."""
    inside = STATE / "package"
    inside.mkdir(parents=True, exist_ok=True)
    link = inside / "quadrat"
    if not link.is_symlink() or link.resolve() != ROOT:
        link.unlink(missing_ok=True)
        link.symlink_to(ROOT, target_is_directory=True)
    return inside


def _pytest(venv: pathlib.Path, name: str, folders: "tuple[str, ...]", options: "tuple[str, ...]" = ()) -> "list[str]":
    report = STATE / "reports" / f"{name}.xml"
    return [
        str(venv / "bin" / "pytest"),
        "-q",
        "-p",
        "no:cacheprovider",
        f"--junitxml={report}",
        *options,
        *filter(has_tests, folders),
    ]


def has_tests(folder: str) -> bool:
    """Git keeps no empty folders, and pytest refuses to be sent to one that is not there."""
    return (ROOT / folder).is_file() or any((ROOT / folder).glob("test_*.py"))


def _qgis_settings(room: str) -> "dict[str, str]":
    runtime = STATE / "run" / room
    runtime.mkdir(parents=True, exist_ok=True, mode=0o700)
    path = os.pathsep.join(["/usr/bin", "/bin", os.environ.get("PATH", "")])
    return {
        "QT_QPA_PLATFORM": "offscreen", "XDG_RUNTIME_DIR": str(runtime), "PATH": path,
        "QGIS_CUSTOM_CONFIG_PATH": str(STATE / "test-profile" / room),
    }  # fmt: skip


def environment(extra: "dict[str, str]") -> "dict[str, str]":
    """The user's environment without what changes Python, and with the folder of real data if it lies beside."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "QUADRAT_"))}
    data = ROOT.parent / "shared" / "data"
    if data.is_dir():
        kept["QUADRAT_DATA"] = str(data)
    if os.environ.get("QUADRAT_DATA"):
        kept["QUADRAT_DATA"] = os.environ["QUADRAT_DATA"]
    return {**kept, **extra}


def run_together(some: "list[Suite]") -> None:
    """Run suites side by side, and print what each says when it is done."""
    with ThreadPoolExecutor(len(some)) as pool, contextlib.ExitStack() as files:
        said = [files.enter_context(tempfile.TemporaryFile("w+", encoding="utf-8")) for _ in some]
        list(pool.map(run, some, said))
        for suite, file in zip(some, said):
            file.seek(0)
            print(f"\n===== {suite.name}\n{file.read()}", flush=True)


def run(suite: Suite, output: "IO[str] | None" = None) -> None:
    """Run its commands, within its time; what they say goes to a file, or to where this program writes."""
    if output is None:
        print(f"\n===== {suite.name}", flush=True)
    started = time.monotonic()
    for command in suite.commands:
        left = suite.limit_s - (time.monotonic() - started)
        shown = pathlib.Path(command[0]).name + (" " + command[1] if len(command) > 1 else "")
        try:
            status = subprocess.run(
                command,
                cwd=suite.cwd,
                env=environment(suite.environment),
                timeout=max(left, 1),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=None if output is None else subprocess.STDOUT,
            ).returncode
        except subprocess.TimeoutExpired:
            suite.failed.append(f"{shown}: not done within {suite.limit_s} s")
            continue
        except OSError as error:
            suite.failed.append(f"{shown}: {error}")
            continue
        if status not in (0, NO_TESTS):
            suite.failed.append(f"{shown}: exit status {status}")
        report = next((word.partition("=")[2] for word in command if word.startswith("--junitxml=")), "")
        if report:
            suite.counts = count(pathlib.Path(report), started)
            if not suite.counts:
                suite.failed.append(f"{shown}: no report was written")
    suite.seconds = time.monotonic() - started


def count(report: pathlib.Path, started: float) -> "dict[str, int]":
    """Tests by outcome, read from pytest's report; empty if this run wrote none."""
    if not report.exists() or report.stat().st_mtime < time.time() - (time.monotonic() - started) - 1:
        return {}
    total = {"tests": 0, "failures": 0, "errors": 0, "skipped": 0}
    for element in ElementTree.parse(report).getroot().iter("testsuite"):
        for name in total:
            total[name] += int(element.get(name, 0))
    return total


def main(wanted: "list[str]") -> int:
    """Run and sum up; the exit status is 1 if anything failed."""
    (STATE / "reports").mkdir(parents=True, exist_ok=True)
    chosen = [suite for suite in suites() if not wanted or suite.name.split()[0] in wanted]
    for shares, some in itertools.groupby(chosen, key=lambda suite: suite.shares):
        if shares:
            run_together(list(some))
        else:
            for suite in some:
                run(suite)
    print("\n===== summary")
    passed = failed = skipped = 0
    for suite in chosen:
        c = suite.counts
        bad = c.get("failures", 0) + c.get("errors", 0)
        failed, skipped = failed + max(bad, bool(suite.failed)), skipped + c.get("skipped", 0)
        passed += c.get("tests", 0) - bad - c.get("skipped", 0) if c else not suite.failed
        tests = f"{c['tests'] - bad - c['skipped']} passed, {bad} failed, {c['skipped']} skipped" if c else ""
        print(f"{suite.name:<17} {'FAILED' if suite.failed else 'ok':<7} {suite.seconds:6.1f} s  {tests}")
        for line in suite.failed:
            print(f"    {line}")
    print(f"{passed} passed, {failed} failed, {skipped} skipped", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
