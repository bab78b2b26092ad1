"""A live worker that dies, in the middle of a view, while it rests, again and again: no label is lost."""

import json
import os
import signal
from pathlib import Path

from quadrat.core.live.messages import At

from .watched import GRID, WHOLE, gone, label, pupil, watched

__all__ = ["pupil", "watched"]
"""Fixtures, which pytest looks for here."""


def test_killed_in_the_middle_of_a_view_it_goes_on_with_every_label(watched, qtbot):
    session = watched.session
    watched.open(seconds={"view": 0.4})
    session.teach([label(1), label(2), label(3)], [], ["a"])
    session.teach([], [2], ["a"])
    session.view(WHOLE)
    qtbot.waitUntil(lambda: "taught" in watched.names(), timeout=10_000)
    qtbot.wait(100)
    first = session.pid
    os.kill(first, signal.SIGKILL)
    session.teach([label(7)], [], ["a", "b"])
    qtbot.waitUntil(lambda: "painted" in watched.names(), timeout=10_000)
    assert session.pid != first and gone(first)
    names = watched.names()
    assert names.index("died") < names.index("restarted") < names.index("painted")
    assert names.count("opened") == 1, "the grid is the same: nobody has to begin anew"
    assert "failed" not in names
    told = [line["params"] for line in watched.asked() if line["method"] == "teach" and line["pid"] == session.pid]
    assert [one["id"] for one in told[0]["changed"]] == [1, 3, 7] and told[0]["clear"]
    assert Path(watched.values("painted")[0].path).read_bytes()[0] == 3


def test_killed_while_it_has_nothing_to_do_it_comes_back_by_itself(watched, qtbot):
    session = watched.session
    watched.open()
    session.teach([label(1)], [], ["a"])
    session.view(WHOLE)
    qtbot.waitUntil(lambda: "painted" in watched.names(), timeout=10_000)
    os.kill(session.pid, signal.SIGKILL)
    qtbot.waitUntil(lambda: watched.names().count("painted") == 2, timeout=10_000)
    assert watched.names()[-5:] == ["died", "progressed", "restarted", "taught", "painted"]


def test_a_worker_that_dies_again_and_again_is_left_alone_and_labels_are_kept(watched, qtbot):
    session = watched.session
    path = watched.open(seconds={"view": -0.01})
    session.teach([label(1)], [], ["a"])
    session.view(WHOLE)
    qtbot.waitUntil(lambda: "failed" in watched.names(), timeout=20_000)
    assert watched.names().count("died") == 3
    assert "All labels are kept" in watched.values("failed")[0]
    session.teach([label(2)], [], ["a"])
    session.view(WHOLE)
    qtbot.wait(300)
    assert watched.names().count("failed") == 1 and session.pid is None, "it rests"
    path.write_text(json.dumps(GRID))
    session.retry()
    qtbot.waitUntil(lambda: "painted" in watched.names(), timeout=10_000)
    assert Path(watched.values("painted")[0].path).read_bytes()[0] == 2


def test_what_kills_twice_is_not_tried_a_third_time(watched, qtbot):
    session = watched.session
    watched.open(seconds={"at": -0.01})
    session.view(WHOLE)
    qtbot.waitUntil(lambda: "painted" in watched.names(), timeout=10_000)
    session.at(At(1, 1))
    qtbot.waitUntil(lambda: watched.names().count("restarted") == 2, timeout=10_000)
    qtbot.wait(500)
    assert watched.names().count("died") == 2 and "failed" not in watched.names()
    assert not gone(session.pid)
