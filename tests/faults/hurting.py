"""Jobs that are hurt while they run, and what came of each run. For the tests of this folder and for the benchmark."""

import contextlib
import hashlib
import json
import os
import re
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

from quadrat.core.errors import QuadratError, WorkerDied
from quadrat.processing.client import WorkerPool
from quadrat.tests.faults.nursery import write_stub

HERE = Path(__file__).resolve().parent
DONE = re.compile(r"Going on.*?(\d+) of (\d+)")


@dataclass
class Ran:
    """One run of a job."""

    result: "dict | None" = None
    error: "QuadratError | None" = None
    log: list = field(default_factory=list)
    progress: list = field(default_factory=list)
    seconds: float = 0.0
    pid: int = 0

    @property
    def killed(self):
        return isinstance(self.error, WorkerDied)

    @property
    def text(self):
        return " ".join(text for _, text in self.log)

    @property
    def resumed(self):
        """(blocks that were done, of how many), (0, 0) for a run that began anew."""
        found = DONE.search(self.text)
        return (int(found[1]), int(found[2])) if found else (0, 0)


class Ward:
    """Where workers are born and hurt. `folder` is for its socket; paths of sockets must be short."""

    def __init__(self, folder):
        folder = Path(folder)
        path = str(folder / "s")
        self.python = folder / "bin" / "python"
        write_stub(self.python, path)
        self.process = subprocess.Popen(
            [sys.executable, "-I", "-u", str(HERE / "nursery.py"), path], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        assert self.process.stdout.readline() == b"ready\n"

    def close(self):
        self.process.stdin.close()
        self.process.wait(5)
        self.process.stdout.close()

    @contextlib.contextmanager
    def pool(self, hurt=None, **environment):
        """A pool of workers that are hurt from inside as `pains.py` says, with these variables."""
        given = {**environment, "QUADRAT_PYTHON": str(self.python), "QUADRAT_HURT": json.dumps(hurt or {})}
        before = {name: os.environ.get(name) for name in given}
        os.environ.update(given)
        pool = WorkerPool()
        try:
            yield pool
        finally:
            pool.close()
            for name, value in before.items():
                os.environ.pop(name, None) if value is None else os.environ.__setitem__(name, value)

    def run(self, job, hurt=None, *, meanwhile=None, **environment):
        """Run a job in a fresh worker; `meanwhile(pid, ended)` runs in a thread beside it from the first word on."""
        with self.pool(hurt, **environment) as pool:
            return run(pool, job, meanwhile)


def run(pool, job, meanwhile=None):
    """Run a job; what it raises is kept."""
    ran, ended, begun = Ran(), threading.Event(), threading.Event()

    def see(*facts):
        ran.progress.append(facts)
        hear()

    def hear():
        if not begun.is_set():
            ran.pid = pool._busy[0].facts["pid"]
            begun.set()
            if meanwhile:
                helper.start()

    def note(level, text):
        ran.log.append((level, text))
        hear()

    helper = threading.Thread(target=lambda: meanwhile(ran.pid, ended))
    started = time.monotonic()
    try:
        ran.result = pool.run(job, see, note)
    except QuadratError as error:
        ran.error = error
    ran.seconds = time.monotonic() - started
    ended.set()
    if begun.is_set() and meanwhile:
        helper.join()
    return ran


def cpu_s(pid):
    """Seconds that a process has worked: what it takes, whatever else the machine does."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def kill(pid):
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, 9)


def after(seconds, do):
    """Do something so long after the first word."""

    def meanwhile(pid, ended):
        if not ended.wait(seconds):
            do()

    return meanwhile


def killing_after(seconds):
    """SIGKILL so long after the first word."""

    def meanwhile(pid, ended):
        if not ended.wait(seconds):
            kill(pid)

    return meanwhile


def at_line(output, more, do=None):
    """Do something (None: SIGKILL) when the journal has got so many more lines."""

    def meanwhile(pid, ended):
        wanted = lines(output) + more
        while not ended.is_set():
            if lines(output) >= wanted:
                do() if do else kill(pid)
                return
            time.sleep(0.0005)

    return meanwhile


def lines(output):
    """Of the journal of an unfinished output."""
    try:
        return Path(f"{output}.part.journal").read_bytes().count(b"\n")
    except OSError:
        return 0


def digest(path):
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()


def sidecar(path):
    """Of a result: all that does not tell of time."""
    content = json.loads(Path(f"{path}.quadrat.json").read_text(encoding="utf-8"))
    content["job"].pop("output", None)
    for name in ("seconds", "cells_with_vector", "tiles_made", "output"):
        content["facts"].pop(name, None)
    return content


def beside(path):
    """Names of all files that belong to a result, with what was left of it."""
    path = Path(path)
    return sorted(one.name for one in path.parent.iterdir() if one.name.startswith(path.stem))


@dataclass
class Story:
    """What became of a job that was killed again and again."""

    kills: int = 0
    wholes: int = 0
    runs: int = 0
    went_on: int = 0
    at_once: int = 0
    troubles: list = field(default_factory=list)
    kinds: dict = field(default_factory=dict)


class Torment:
    """Kills a job at random instants, asks again, and looks at what lies there, until it was killed often enough.

    Args of the constructor:
        ward: where workers are born.
        job: as a dict.
        outputs: names of its fields that are written.
        folder: where they lie.
        seed: of the instants.
    """

    def __init__(self, ward, job, outputs, folder, seed=0):
        self.ward, self.job, self.folder, self.seed = ward, job, Path(folder), seed
        self.outputs = [Path(job[name]) for name in outputs]
        self.told = self.folder / "events of an undisturbed run"
        whole = ward.run(job, {"events": {"folder": str(self.folder), "told": str(self.told)}})
        assert whole.error is None, (whole.error, getattr(whole.error, "detail", ""))
        self.events = len(self.told.read_text().splitlines())
        self.seconds, self.result = whole.seconds, whole.result
        self.content = {path: looked_at(path) for path in self.outputs}
        self.sidecars = {path: sidecar(path) for path in self.outputs}
        self.files = self.around()
        self.clear()

    def around(self):
        """Names of all files of the results."""
        stems = tuple(path.stem for path in self.outputs)
        return sorted(one.name for one in self.folder.iterdir() if one.name.startswith(stems))

    def clear(self):
        for name in self.around():
            (self.folder / name).unlink()

    def suffer(self, kills):
        """The story of so many kills, and of the run that was left in peace afterwards."""
        import random

        dice, story, before = random.Random(self.seed), Story(), (0, 0)
        while story.kills < kills and not story.troubles:
            kind, hurt, meanwhile = self.instant(dice)
            ran = self.ward.run(self.job, hurt, meanwhile=meanwhile)
            story.kinds[kind] = story.kinds.get(kind, 0) + ran.killed
            before = self.look(story, ran, before)
        self.look(story, self.ward.run(self.job), before)
        return story

    def instant(self, dice):
        """When to kill: a name for it, pains from inside, or what is done from outside."""
        kind = dice.choice(["event", "line", "time"])
        if kind == "event":
            return kind, {"events": {"folder": str(self.folder), "kill_at": dice.randint(1, self.events)}}, None
        if kind == "line":
            return kind, None, at_line(dice.choice(self.outputs), dice.randint(1, 8))
        return kind, None, killing_after(dice.uniform(0, self.seconds))

    def look(self, story, ran, before):
        """Note what is wrong; gives how far the job is, and starts anew when it is done."""
        story.runs += 1
        story.kills += ran.killed
        trouble = story.troubles.append
        if ran.error is not None and not ran.killed:
            trouble(f"{type(ran.error).__name__}: {ran.error}")
        for path in self.outputs:
            if path.exists() and looked_at(path) != self.content[path]:
                trouble(f"{path.name} differs from the undisturbed run after {'a kill' if ran.killed else 'the end'}")
        story.went_on += ran.resumed[0] > 0
        silent = ran.killed and not ran.resumed[1]  # it had no time to say how far the job was
        if ran.resumed[0] < before[0] and not silent and "up to date" not in ran.text:
            trouble(f"work was lost: {before[0]} of {before[1]} pieces were done, then {ran.resumed[0]}: {ran.text}")
        if ran.error is not None:
            return max(before, ran.resumed)
        story.wholes += 1
        for path in self.outputs:
            if sidecar(path) != self.sidecars[path]:
                trouble(f"the sidecar of {path.name} differs")
        if self.around() != self.files:
            trouble(f"left behind: {sorted(set(self.around()) ^ set(self.files))}")
        self.clear()
        return 0, 0


def looked_at(path):
    """Hash of a result, or of what a table holds: a GeoPackage tells when it was made."""
    if Path(path).suffix != ".gpkg":
        return digest(path)
    import sqlite3

    with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as file:
        name = file.execute("SELECT table_name FROM gpkg_contents").fetchone()[0]
        rows = file.execute(f'SELECT * FROM "{name}" ORDER BY 1').fetchall()
    return hashlib.sha256(repr(rows).encode()).hexdigest()
