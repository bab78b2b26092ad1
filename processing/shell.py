"""The command line, read off the declared jobs: the same words and defaults as in the toolbox.

Runs a job in this Python when the engine's libraries are here, else in the engine's worker, as QGIS does.
"""

import argparse
import importlib.util
import json
import os
import signal
import sys
import threading
import traceback
from pathlib import Path
from typing import Any, Dict, List, Optional, TextIO

from ..core.errors import BadJob, Cancelled, QuadratError
from ..core.jobs.declare import CHOICES, OUTPUTS, SEVERAL_PATHS, Job, Kind, Param
from ..core.jobs.engine import SetUpEngine
from ..core.jobs.registry import ALL, FORETOLD, job_from_dict
from ..core.version import VERSION
from ..core.wording import forecast, no_room
from .environment import home
from .reference import reference_page

PATHS = (Kind.RASTER, Kind.VECTOR, *SEVERAL_PATHS, Kind.FILE, Kind.FOLDER, *OUTPUTS)


def run(arguments: List[str]) -> int:
    """Run one command line; returns the exit status."""
    options = _parser().parse_args(arguments)
    if not hasattr(options, "do"):
        _parser().print_help()
        return 2
    try:
        status: int = options.do(options)
    except Cancelled as error:
        _say(str(error))
        return 130
    except QuadratError as error:
        _say(f"quadrat: {error}")
        return 1
    except Exception as error:  # noqa: BLE001 - a fault of ours is a sentence too; the log has what a report needs
        _say(f"quadrat: Quadrat failed in a way it did not foresee ({type(error).__name__}: {error}).{_keep_trace()}")
        return 1
    return status


def _keep_trace() -> str:
    """Write the traceback of the error at hand into the log folder, and say where."""
    path = home() / "logs" / "shell-error.log"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(traceback.format_exc(), encoding="utf-8")
    except OSError:
        return "\n" + traceback.format_exc()
    return f" Details are in {path}."


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="quadrat", description="Maps taught by a few labels, from the shell.")
    parser.add_argument("--version", action="version", version=f"quadrat {VERSION}")
    commands = parser.add_subparsers(metavar="COMMAND")
    for job in ALL:
        _add_job(commands, job)
    replay = commands.add_parser(
        "run",
        help="run a job kept as JSON, or a list of jobs in their order: a log line of QGIS, a sidecar, --print-job",
    )
    replay.add_argument("file", help="the JSON file, or - for standard input")
    _add_running(replay)
    replay.set_defaults(do=_replay)
    commands.add_parser("doctor", help="check the engine, one sentence a finding").set_defaults(do=_doctor)
    commands.add_parser("reference", help="print the reference of all jobs as Markdown").set_defaults(do=_reference)
    return parser


def _add_job(commands: Any, job: Any) -> None:
    facts = job.facts
    command = commands.add_parser(
        facts.verb,
        aliases=[facts.id] if facts.id != facts.verb else [],
        help=facts.summary.replace("%", "%%"),
        description=f"{facts.summary} {facts.help}".replace("%", "%%"),
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    defaults = job.defaults()
    for name, p in job.params().items():
        command.add_argument(f"--{name.replace('_', '-')}", **_option(p, defaults[name]))
    _add_running(command)
    if facts.id in FORETOLD:
        text = "say how long it takes and how large the result is, and do not run it; measured first if need be"
        command.add_argument("--estimate", action="store_true", help=text)
    command.set_defaults(do=_run_command, job=job)


def _option(p: Param, default: Any) -> Dict[str, Any]:
    unit = f" [{p.unit}]" if p.unit else ""
    option: Dict[str, Any] = {"help": f"{p.label}{unit}. {p.help}".replace("%", "%%"), "default": default}
    if p.required:
        option.update(required=True, default=argparse.SUPPRESS)
    if p.kind is Kind.FLAG:
        return {**option, "action": argparse.BooleanOptionalAction}
    if p.kind is Kind.SEVERAL:
        return {**option, "choices": p.choices, "nargs": "+"}
    if p.kind in CHOICES:
        return {**option, "choices": p.choices}
    if p.kind in (Kind.INTEGER, Kind.NUMBER):
        return {**option, "type": int if p.kind is Kind.INTEGER else float, "metavar": "N"}
    if p.kind in (Kind.BANDS, Kind.FIELDS):
        kind, word = (int, "BAND") if p.kind is Kind.BANDS else (str, "NAME")
        return {**option, "type": kind, "nargs": "+", "metavar": word}
    if p.kind in SEVERAL_PATHS:
        return {**option, "nargs": "+", "metavar": "PATH"}
    return {**option, "metavar": "PATH" if p.kind in PATHS else "TEXT"}


def _add_running(command: argparse.ArgumentParser) -> None:
    command.add_argument("--json", action="store_true", help="print the result as JSON on standard output")
    command.add_argument("--print-job", action="store_true", help="print the job as JSON and do not run it")


def _run_command(options: argparse.Namespace) -> int:
    values = {name: getattr(options, name) for name in options.job.params() if hasattr(options, name)}
    for name, p in options.job.params().items():
        if p.kind in PATHS and values.get(name):
            given = values[name]
            values[name] = _absolute(given) if isinstance(given, str) else [_absolute(path) for path in given]
    return _run(options.job.from_dict(values), options)


def _absolute(path: str) -> str:
    """Absolute, unless it is no plain path (`/vsicurl/…`, `NETCDF:…`)."""
    head, bar, tail = path.partition("|")
    if head.startswith("/vsi") or (":" in head and not os.path.exists(head) and not Path(head).drive):
        return path
    return os.path.abspath(os.path.expanduser(head)) + bar + tail


def _replay(options: argparse.Namespace) -> int:
    try:
        text = sys.stdin.read() if options.file == "-" else Path(options.file).read_text(encoding="utf-8")
        values = json.loads(text)
    except (OSError, ValueError, RecursionError) as error:
        raise BadJob(f"{options.file} cannot be read as a job: {error}.") from error
    if isinstance(values, dict) and isinstance(values.get("job"), dict):
        values = values["job"]  # a sidecar holds the job under `job`
    jobs = [job_from_dict(one) for one in (values if isinstance(values, list) else [values])]  # all before the first
    if not jobs:
        raise BadJob(f"{options.file} holds no job.")
    return max(_run(job, options) for job in jobs)


def _run(job: Job, options: argparse.Namespace) -> int:
    if options.print_job:
        sys.stdout.write(json.dumps(job.to_dict(), indent=2) + "\n")
        return 0
    if isinstance(job, SetUpEngine):
        return _set_up(job)
    foretold = getattr(options, "estimate", False)
    bar = ProgressLine(sys.stderr)
    stop = threading.Event()
    previous = signal.signal(signal.SIGINT, lambda number, frame: stop.set())
    try:
        work = _run_here if _libraries_here() else _run_in_engine
        result = work(job, bar, stop, foretold)
    finally:
        signal.signal(signal.SIGINT, previous)
        bar.end()
    if options.json:
        sys.stdout.write(json.dumps(result, indent=2) + "\n")
    elif foretold:
        sys.stdout.write(" ".join(filter(None, (forecast(result), no_room(result)))) + "\n")
    else:
        for name, path in result["outputs"].items():
            sys.stdout.write(f"{name}: {path}\n")
    return 0


def _libraries_here() -> bool:
    return all(importlib.util.find_spec(name) for name in ("numpy", "rasterio", "sklearn", "skops"))


def _run_here(job: Job, bar: "ProgressLine", stop: threading.Event, foretold: bool) -> Dict[str, Any]:
    from ..core.pipelines.registry import foretell_job, run_job
    from ..core.progress import Progress

    os.environ["QUADRAT_HOME"] = str(home())  # as a worker is told; the engine itself guesses no folder
    progress = Progress(bar.report, bar.log, stop)
    return foretell_job(job, progress, measure=True) if foretold else run_job(job, progress).to_dict()


def _run_in_engine(job: Job, bar: "ProgressLine", stop: threading.Event, foretold: bool) -> Dict[str, Any]:
    from .client import WorkerPool

    pool = WorkerPool()
    try:
        if foretold:
            return pool.foretell(job.to_dict(), True, stop.is_set, on_progress=bar.report, on_log=bar.log)
        return pool.run(job.to_dict(), bar.report, bar.log, stop.is_set)
    finally:
        pool.close()


def _set_up(job: SetUpEngine) -> int:
    from .installer import install

    bar = ProgressLine(sys.stderr)
    stop = threading.Event()
    previous = signal.signal(signal.SIGINT, lambda number, frame: stop.set())
    try:
        engine = install(job, bar.report, lambda text: bar.log("info", text), stop.is_set)
    finally:
        signal.signal(signal.SIGINT, previous)
        bar.end()
    sys.stdout.write(f"engine: {engine.folder} ({engine.size})\n")
    return 0


def _doctor(options: argparse.Namespace) -> int:
    from .doctor import diagnose

    findings = diagnose()
    for finding in findings:
        sys.stdout.write(f"{'ok  ' if finding.ok else 'BAD '} {finding.title}: {finding.sentence}\n")
    return 0 if all(finding.ok for finding in findings) else 1


def _reference(options: argparse.Namespace) -> int:
    sys.stdout.write(reference_page())
    return 0


def _say(text: str) -> None:
    sys.stderr.write(text + "\n")


class ProgressLine:
    """One line at the foot of the terminal; plain log lines when it is not a terminal."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._live = stream.isatty()
        self._drawn = 0
        self._said = ""

    def report(self, fraction: float, remaining_s: Optional[float], text: str) -> None:
        """Show how far it is."""
        if not self._live:
            if text and text != self._said:
                self._stream.write(text + "\n")
                self._said = text
            return
        left = f", {_duration(remaining_s)} left" if remaining_s is not None else ""
        line = f"{fraction:4.0%}{left}  {text}"[:110]
        self._stream.write("\r" + line.ljust(self._drawn))
        self._stream.flush()
        self._drawn = len(line)

    def log(self, level: str, text: str) -> None:
        """Write a line above the progress."""
        self.end()
        self._stream.write(("Warning: " if level == "warning" else "") + text + "\n")
        self._stream.flush()

    def end(self) -> None:
        """Leave the line clean."""
        if self._drawn:
            self._stream.write("\r" + " " * self._drawn + "\r")
            self._stream.flush()
            self._drawn = 0


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02d} min" if hours else f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"
