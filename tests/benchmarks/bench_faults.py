"""The table of faults: what was hurt, how often, what came of it.

`python tests/benchmarks/bench_faults.py --times 500 [--seed 1] [--only-kills] [exact blended cells mapped]` kills each
of these jobs so many times at random instants and asks again, then lets the disk fail at every file that a job touches.
Run with the engine's Python, on Linux.
"""

import argparse
import importlib
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
importlib.import_module("conftest")  # makes `import quadrat` work in a checkout of any name

from quadrat.tests.faults import hurting, jobs  # noqa: E402

OUTPUTS = {"exact": ("output",), "blended": ("output",), "cells": ("output",), "mapped": ("output", "confidence")}
ERRORS = {"disk full": 28, "read-only": 30, "no access": 13, "input/output error": 5}


def make(name, folder, ward):
    """A job in a folder of its own."""
    folder.mkdir()
    return jobs.mapped(folder, ward) if name == "mapped" else getattr(jobs, name)(folder)


def kill(name, ward, folder, times, seed):
    """Kill a job so many times; gives the row of the table."""
    started = time.monotonic()
    job = make(name, folder, ward)
    story = hurting.Torment(ward, job, OUTPUTS[name], folder, seed).suffer(times)
    kinds = ", ".join(f"{count} by {kind}" for kind, count in sorted(story.kinds.items()))
    outcome = f"{story.wholes} whole results, all equal; {story.went_on} runs went on"
    trouble = Counter(story.troubles)
    told = "; ".join(f"{count} x {text}" for text, count in trouble.items()) or outcome
    return f"SIGKILL, {name} ({kinds})", story.kills, told, time.monotonic() - started


def refuse(name, ward, folder):
    """Let the system refuse each file operation of a job in turn, in each way; gives rows."""
    job = make(name, folder, ward)
    torment = hurting.Torment(ward, job, OUTPUTS[name], folder)
    for what, number in ERRORS.items():
        started, told = time.monotonic(), Counter()
        for event in range(1, torment.events + 1):
            ran = ward.run(job, {"events": {"folder": str(folder), "fail_at": event, "errno": number}})
            half = any(path.exists() and hurting.looked_at(path) != torment.content[path] for path in torment.outputs)
            again = ward.run(job)
            equal = again.error is None and all(hurting.looked_at(p) == torment.content[p] for p in torment.outputs)
            said = "done all the same" if ran.error is None else f"{type(ran.error).__name__}"
            said += " (unforeseen)" if ran.error is not None and "foresee" in str(ran.error) else ""
            told[f"{said}, {'HALF A FILE, ' if half else ''}{'then equal' if equal else f'THEN {again.error}'}"] += 1
            torment.clear()
        text = "; ".join(f"{count} x {outcome}" for outcome, count in told.items())
        yield f"{what} at each file, {name}", torment.events, text, time.monotonic() - started


def rows_of(name, ward, folder, asked):
    """All rows of a job."""
    if asked.times:
        yield kill(name, ward, folder, asked.times, asked.seed)
    if not asked.only_kills:
        yield from refuse(name, ward, Path(f"{folder} refused"))


def main():
    """Print the table as it grows."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("jobs", nargs="*", default=list(OUTPUTS))
    parser.add_argument("--times", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only-kills", action="store_true")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="quadrat-") as folder:
        ward = hurting.Ward(folder)
        print("| fault | times | outcome | s |\n|---|---|---|---|")
        for name in asked.jobs:
            for fault, times, outcome, seconds in rows_of(name, ward, Path(folder, name), asked):
                print(f"| {fault} | {times} | {outcome} | {seconds:.0f} |", flush=True)
        ward.close()


if __name__ == "__main__":
    main()
