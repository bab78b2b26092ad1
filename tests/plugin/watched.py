"""A session whose signals are written down, and the worker of the tests to talk to."""

import json
import os
import sys
from pathlib import Path

import pytest
from qgis.PyQt.QtCore import QThread
from quadrat.core.live.messages import Label, Open, View
from quadrat.plugin.teach.session import LiveSession

HERE = Path(__file__).resolve().parent
GRID = {"transform": [10, 0, 500_000, 0, -10, 5_400_000], "crs": "", "height": 40, "width": 50}
WHOLE = View(0, 0, 40, 50)
EVENTS = ("opened", "taught", "painted", "known", "placed", "scored", "scattered", "failed", "died", "restarted",
          "progressed")  # fmt: skip


def gone(pid):
    """True when the process has ended and left no zombie of ours."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


class Watched:
    """A session, and all that it said."""

    def __init__(self, folder):
        self.session, self.said, self.folder = LiveSession(), [], folder
        for name in EVENTS:
            getattr(self.session, name).connect(lambda *values, name=name: self._on_said(name, values))

    def _on_said(self, name, values):
        assert QThread.currentThread() is self.session.thread()
        self.said.append((name, *values))

    def names(self):
        return [event[0] for event in self.said]

    def values(self, name):
        return [event[1] if len(event) > 1 else None for event in self.said if event[0] == name]

    def open(self, **facts):
        path = self.folder / "embedding.json"
        path.write_text(json.dumps({**GRID, **facts}))
        self.session.open(Open(str(path), str(self.folder / "answers")))
        return path

    def asked(self):
        """(method, what became of it) of all requests that ended."""
        paths = sorted((self.folder / "answers").glob("*/asked.jsonl"))
        return [json.loads(line) for path in paths for line in path.read_text().splitlines()]

    def methods(self):
        return [line["method"] for line in self.asked()]


@pytest.fixture
def pupil(monkeypatch, tmp_path):
    """The worker of the tests instead of the engine's."""
    program = tmp_path / "python"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -B "{HERE / "live_worker.py"}"\n')
    program.chmod(0o755)
    monkeypatch.setenv("QUADRAT_PYTHON", str(program))
    return program


@pytest.fixture
def watched(pupil, tmp_path, qtbot):
    watched = Watched(tmp_path)
    yield watched
    watched.session.stop()


def label(number, y="a"):
    return Label(number, "00", y)
