"""Foreign documents on every reader, as many as there is time for: what each does that it must not do.

    bench_fuzz.py [--examples N] [--minutes M] [--reader WORDS] [--seed N] [--keep FOLDER]

Each reader is tried in a process of its own, so that one that dies, or never comes back, is a finding too. Without
`--seed` every run tries other documents. `--keep` writes the documents that found something there. Exit status 1 with
findings.
"""

import argparse
import importlib
import json
import multiprocessing
import pathlib
import random
import sys
import tempfile
import time
import warnings

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))
importlib.import_module("conftest")  # makes `import quadrat` work in a checkout of any name

from hypothesis import HealthCheck, Verbosity, given, settings  # noqa: E402
from hypothesis import seed as seeded  # noqa: E402
from quadrat.tests.core.fuzzing import Tally, bounded_room, documents  # noqa: E402

LEAST = 50
"""Documents of each reader, however little time there is."""
STUCK_S = 180.0
"""Longer than any document may take: code of others does not hear the alarm while it works."""


def readers():
    """All by name; those that need PyTorch or onnxruntime where these are."""
    from quadrat.tests.core.fuzzing_readers import READERS

    try:
        from quadrat.tests.core.fuzzing_weights import of_weights

        return {**READERS, **{reader.name: reader for reader in of_weights()}}
    except ImportError as error:
        print(f"Without weights of networks: {error}")
        return READERS


def try_one(name, examples, seconds, seed, folder, told):
    """Work of a process: what came of so many documents, or of as many as fit."""
    warnings.simplefilter("ignore")
    reader, started = readers()[name], time.monotonic()
    tally, last = Tally(reader), pathlib.Path(folder, "last")
    inside = pathlib.Path(folder, "inside")
    inside.mkdir()
    quiet = {"database": None, "deadline": None, "verbosity": Verbosity.quiet}

    def many(count, number):
        @seeded(number)
        @settings(max_examples=count, suppress_health_check=HealthCheck, **quiet)
        @given(documents(reader))
        def some(document):
            last.write_bytes(document)
            tally.add(document, inside)

        some()

    with bounded_room():
        while tally.tried < examples and (tally.tried < LEAST or time.monotonic() - started < seconds):
            many(min(500, examples - tally.tried), seed + tally.tried)
            told.put((tally.tried, tally.seconds, [(str(f), f.detail, d) for f, d in tally.findings.values()]))


def run(name, options, seconds):
    """(documents tried, seconds of work, findings): (sentence, traceback, document) each."""
    # A copy of this process has all libraries loaded; they take longer than most readers.
    context = multiprocessing.get_context("fork" if sys.platform == "linux" else "spawn")
    told = context.Queue()
    with tempfile.TemporaryDirectory() as folder:
        work = (name, options.examples, seconds, options.seed, folder, told)
        process = context.Process(target=try_one, args=work)
        process.start()
        found, heard = (0, 0.0, []), time.monotonic()
        while process.is_alive() or not told.empty():
            try:
                found, heard = told.get(timeout=1.0), time.monotonic()
            except Exception:  # noqa: BLE001 - nothing was told within a second
                if process.is_alive() and time.monotonic() - heard > max(STUCK_S, 2 * seconds):
                    process.kill()
        process.join()
        if process.exitcode:
            last = pathlib.Path(folder, "last")
            how = "never comes back" if process.exitcode == -9 else f"ends the process with {process.exitcode}"
            found[2].append((f"{name}: {how}", "", last.read_bytes() if last.exists() else b""))
    return found


def main():
    """Try all, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--examples", type=int, default=10**9, help="documents of each reader at most")
    parser.add_argument("--minutes", type=float, default=5.0, help="time for all readers together")
    parser.add_argument("--reader", default="", help="only readers whose names hold this")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**9))
    parser.add_argument("--keep", type=pathlib.Path)
    options = parser.parse_args()
    names = [name for name in readers() if options.reader in name]
    print(f"seed {options.seed}\n{'reader':<26}{'documents':>10}{'seconds':>9}{'findings':>10}")
    total, every = 0, []
    for name in names:
        tried, seconds, findings = run(name, options, 60 * options.minutes / len(names))
        print(f"{name:<26}{tried:>10,}{seconds:>9.1f}{len(findings):>10}", flush=True)
        total, every = total + tried, every + findings
    print(f"{len(names)} readers, {total:,} documents, {len(every)} findings")
    for number, (sentence, detail, document) in enumerate(every, 1):
        print(f"\n{number}. {sentence[:400]}\n{detail[-1200:]}")
        if options.keep:
            options.keep.mkdir(parents=True, exist_ok=True)
            (options.keep / f"{number}.bin").write_bytes(document)
            (options.keep / f"{number}.json").write_text(json.dumps({"finding": sentence, "detail": detail}, indent=1))
    return 1 if every else 0


if __name__ == "__main__":
    sys.exit(main())
