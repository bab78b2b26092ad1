"""The session through a real process that can be slow, refuse and die."""

import json
import os
import threading
import time
from pathlib import Path

import pytest
from qgis.PyQt import sip
from quadrat.core.live.messages import At, Label, Next, Open, Scatter, View
from quadrat.processing.workers import close_pool, refresh_pool

from .watched import GRID, WHOLE, Watched, gone, label, pupil, watched

__all__ = ["pupil", "watched"]
"""Fixtures, which pytest looks for here."""


def test_what_is_asked_is_answered_in_the_main_thread(watched, qtbot):
    session = watched.session
    watched.open()
    session.teach([label(1), label(2, "b")], [], ["a", "b"])
    session.view(WHOLE)
    session.at(At(3, 4))
    session.next(Next())
    session.score()
    session.scatter(Scatter())
    qtbot.waitUntil(lambda: "scattered" in watched.names(), timeout=10_000)
    assert watched.names() == [
        "progressed", "opened", "taught", "painted", "placed", "known", "scored", "scattered",
    ]  # fmt: skip
    assert watched.values("progressed") == [0.5]
    assert watched.values("opened")[0].transform == tuple(GRID["transform"])
    assert watched.values("taught")[0].labels == 2
    painted = watched.values("painted")[0]
    assert Path(painted.path).read_bytes()[:2000] == bytes([2]) * 2000
    assert watched.values("known")[0].row == 3


def test_methods_return_at_once(watched, qtbot):
    session = watched.session
    started = time.perf_counter()
    watched.open(seconds={"open": 2, "view": 2})
    for number in range(200):
        session.teach([label(number)], [], ["a"])
        session.view(WHOLE)
        session.at(At(1, 1))
    assert time.perf_counter() - started < 1.5
    qtbot.waitUntil(lambda: "painted" in watched.names(), timeout=10_000)
    assert watched.values("taught")[-1].labels == 200


def test_labels_that_come_while_it_is_busy_are_told_together_and_none_is_lost(watched, qtbot):
    session = watched.session
    watched.open(seconds={"teach": 0.3})
    session.teach([label(1), label(2)], [], ["a"])
    qtbot.wait(150)
    session.teach([label(3)], [1], ["a"])
    session.teach([label(1, "b"), label(4)], [2], ["a", "b"])
    session.teach([], [4], ["b", "a"])
    qtbot.waitUntil(lambda: 2 in [taught.labels for taught in watched.values("taught")[1:]], timeout=10_000)
    told = [line["params"] for line in watched.asked() if line["method"] == "teach"]
    assert len(told) == 2
    assert {one["id"]: one["y"] for one in told[1]["changed"]} == {1: "b", 3: "a"}
    assert set(told[1]["removed"]) == {2, 4}
    assert told[1]["classes"] == ["b", "a"]


def test_clear_forgets_the_labels_before(watched, qtbot):
    session = watched.session
    watched.open(seconds={"open": 0.2})
    session.teach([label(1), label(2)], [], ["a"])
    session.teach([label(3)], [], ["a"], clear=True)
    session.teach([label(4)], [], ["a"])
    qtbot.waitUntil(lambda: "taught" in watched.names(), timeout=10_000)
    (told,) = [line["params"] for line in watched.asked() if line["method"] == "teach"]
    assert told["clear"] and [one["id"] for one in told["changed"]] == [3, 4]


def test_an_outdated_view_is_cancelled_and_the_latest_wins(watched, qtbot):
    session = watched.session
    watched.open(seconds={"view": 2})
    session.view(View(0, 0, 10, 10))
    qtbot.waitUntil(lambda: "opened" in watched.names(), timeout=10_000)
    qtbot.wait(100)
    started = time.perf_counter()
    for row in range(1, 6):
        session.view(View(row, 0, 10, 10))
    qtbot.waitUntil(lambda: "painted" in watched.names(), timeout=10_000)
    assert time.perf_counter() - started < 2 + 1.5, "the first one was stopped, those between were never begun"
    assert [painted.row for painted in watched.values("painted")] == [5]
    views = [(line["params"]["row"], line.get("became")) for line in watched.asked() if line["method"] == "view"]
    assert views == [(0, "Cancelled"), (5, None)]


def test_a_label_stops_the_view_that_does_not_know_it_and_the_view_comes_again(watched, qtbot):
    session = watched.session
    watched.open(seconds={"view": 0.4})
    session.view(WHOLE)
    qtbot.waitUntil(lambda: "opened" in watched.names(), timeout=10_000)
    qtbot.wait(100)
    session.teach([label(1)], [], ["a"])
    qtbot.waitUntil(lambda: "painted" in watched.names(), timeout=10_000)
    qtbot.wait(100)
    assert watched.names()[-2:] == ["taught", "painted"]
    assert Path(watched.values("painted")[0].path).read_bytes()[0] == 1
    assert watched.methods() == ["open", "view", "teach", "view"]


@pytest.mark.parametrize("kind", ["score", "scatter", "settle"])
def test_idle_work_gives_way_and_is_done_afterwards(watched, qtbot, kind):
    session = watched.session
    watched.open(seconds={kind: 0.5})
    ask = {
        "score": session.score, "scatter": lambda: session.scatter(Scatter()),
        "settle": lambda: session.view(View(0, 0, 40, 50, settle=True)),
    }[kind]  # fmt: skip
    done = {"score": "scored", "scatter": "scattered", "settle": "painted"}[kind]
    ask()
    qtbot.waitUntil(lambda: "opened" in watched.names(), timeout=10_000)
    qtbot.wait(100)
    session.at(At(1, 1))
    qtbot.waitUntil(lambda: "known" in watched.names(), timeout=400)
    qtbot.waitUntil(lambda: done in watched.names(), timeout=10_000)
    assert watched.asked()[1]["became"] == "Cancelled"


def test_a_newer_view_makes_the_settling_of_an_older_one_needless(watched, qtbot):
    session = watched.session
    watched.open(seconds={"settle": 0.5})
    session.view(View(0, 0, 40, 50, settle=True))
    qtbot.waitUntil(lambda: "opened" in watched.names(), timeout=10_000)
    qtbot.wait(100)
    session.view(WHOLE)
    qtbot.waitUntil(lambda: "painted" in watched.names(), timeout=10_000)
    qtbot.wait(300)
    assert [painted.settled for painted in watched.values("painted")] == [False]
    assert watched.methods() == ["open", "view", "view"]


def test_a_refusal_is_a_sentence_and_the_rest_goes_on(watched, qtbot):
    session = watched.session
    watched.open(refuse=["next"])
    session.next(Next())
    session.view(WHOLE)
    qtbot.waitUntil(lambda: "painted" in watched.names() and "failed" in watched.names(), timeout=10_000)
    assert next(event for event in watched.said if event[0] == "failed") == (
        "failed",
        "I refuse to next.",
        "the detail",
    )


def test_an_embedding_that_is_not_there_is_told_once(watched, qtbot, tmp_path):
    session = watched.session
    session.open(Open(str(tmp_path / "nowhere.json"), str(tmp_path / "answers")))
    session.view(WHOLE)
    session.at(At(1, 1))
    qtbot.waitUntil(lambda: "failed" in watched.names(), timeout=10_000)
    session.view(WHOLE)
    qtbot.wait(300)
    assert watched.names() == ["failed"]
    assert "nowhere.json" in watched.values("failed")[0]
    watched.open()
    session.view(WHOLE)
    qtbot.waitUntil(lambda: "painted" in watched.names(), timeout=10_000)


def test_answers_of_what_is_closed_do_not_arrive(watched, qtbot):
    session = watched.session
    watched.open(seconds={"view": 0.3})
    session.view(View(7, 0, 10, 10))
    qtbot.waitUntil(lambda: "opened" in watched.names(), timeout=10_000)
    qtbot.wait(100)
    session.close()
    session.view(WHOLE)
    qtbot.wait(500)
    assert "painted" not in watched.names()
    pid = session.pid
    watched.open()
    session.view(View(8, 0, 10, 10))
    qtbot.waitUntil(lambda: "painted" in watched.names(), timeout=10_000)
    assert [painted.row for painted in watched.values("painted")] == [8]
    assert session.pid == pid, "the worker stays warm"


def test_no_engine_is_a_sentence_and_retry_begins_when_there_is_one(watched, qtbot, monkeypatch, pupil):
    session = watched.session
    monkeypatch.setenv("QUADRAT_PYTHON", str(pupil) + " is gone")
    watched.open()
    session.teach([label(1)], [], ["a"])
    session.view(WHOLE)
    qtbot.waitUntil(lambda: "failed" in watched.names(), timeout=10_000)
    session.teach([label(2)], [], ["a"])
    session.view(WHOLE)
    qtbot.wait(200)
    assert watched.names() == ["failed"]
    assert "QUADRAT_PYTHON" in watched.values("failed")[0]
    monkeypatch.setenv("QUADRAT_PYTHON", str(pupil))
    session.retry()
    qtbot.waitUntil(lambda: "painted" in watched.names(), timeout=10_000)
    assert Path(watched.values("painted")[0].path).read_bytes()[0] == 2


def test_stop_leaves_no_process_no_thread_and_no_signal(watched, qtbot):
    session = watched.session
    watched.open(seconds={"view": 5})
    session.view(WHOLE)
    qtbot.waitUntil(lambda: "opened" in watched.names(), timeout=10_000)
    pid, said = session.pid, len(watched.said)
    started = time.perf_counter()
    session.stop()
    assert time.perf_counter() - started < 4
    assert gone(pid)
    assert [t.name for t in threading.enumerate() if t.name.startswith("quadrat")] == []
    session.view(WHOLE)
    qtbot.wait(100)
    assert len(watched.said) == said
    watched.open()
    session.view(WHOLE)
    qtbot.waitUntil(lambda: "painted" in watched.names(), timeout=10_000)


def test_two_sessions_have_folders_of_their_own_and_leave_none(pupil, tmp_path, qtbot):
    both = [Watched(tmp_path), Watched(tmp_path)]
    old = tmp_path / "answers" / "live-of long ago"
    old.mkdir(parents=True)
    os.utime(old, (1, 1))
    for one in both:
        one.open()
        one.session.view(WHOLE)
    qtbot.waitUntil(lambda: all("painted" in one.names() for one in both), timeout=10_000)
    assert len({Path(one.values("painted")[0].path).parent for one in both}) == 2
    for one in both:
        one.session.stop()
    assert list((tmp_path / "answers").iterdir()) == []


def test_an_answer_is_not_written_over_before_it_was_read(watched, qtbot):
    """The worker has two files; the main thread is busy while four views are answered."""
    session, read = watched.session, []

    def slowly(painted):
        time.sleep(0.2)
        data = Path(painted.path).read_bytes()
        read.append((painted.row, data[0]))

    session.painted.connect(slowly)
    watched.open(files=2, rows=True)
    for row in range(1, 8):
        session.view(View(row, 0, 10, 10))
        end = time.monotonic() + 0.1
        while time.monotonic() < end:
            time.sleep(0.01)  # no event is handled
        if row % 3 == 0:
            qtbot.wait(10)
    qtbot.waitUntil(lambda: read[-1:] == [(7, 7)], timeout=10_000)
    assert len(read) > 2 and all(row == first for row, first in read)


def test_a_file_that_was_replaced_is_opened_again_and_told_all_labels(watched, qtbot):
    session = watched.session
    path = watched.open(stale=True)
    session.teach([label(1)], [], ["a"])
    session.view(WHOLE)
    qtbot.waitUntil(lambda: "painted" in watched.names(), timeout=10_000)
    path.write_text(json.dumps({**GRID, "width": 70, "stale": True}))
    session.teach([label(2)], [], ["a"])
    session.view(WHOLE)
    qtbot.waitUntil(lambda: watched.names().count("painted") == 2, timeout=10_000)
    assert [opened.width for opened in watched.values("opened")] == [50, 70]
    assert Path(watched.values("painted")[1].path).read_bytes()[0] == 2
    assert "failed" not in watched.names() and "died" not in watched.names()


def test_a_session_that_is_deleted_without_a_word_leaves_no_process(pupil, tmp_path, qtbot):
    watched = Watched(tmp_path)
    watched.open(seconds={"view": 5})
    watched.session.view(WHOLE)
    qtbot.waitUntil(lambda: "opened" in watched.names(), timeout=10_000)
    pid = watched.session.pid
    sip.delete(watched.session)
    assert gone(pid)
    assert [t.name for t in threading.enumerate() if t.name.startswith("quadrat")] == []


def test_stop_while_the_worker_starts(watched, qtbot, pupil):
    pupil.write_text("#!/bin/sh\nexec sleep 30\n")
    watched.open()
    qtbot.wait(200)
    started = time.perf_counter()
    watched.session.stop()
    assert time.perf_counter() - started < 4
    assert [t.name for t in threading.enumerate() if t.name.startswith("quadrat")] == []


def test_it_ends_with_the_pool(watched, qtbot):
    watched.open()
    qtbot.waitUntil(lambda: "opened" in watched.names(), timeout=10_000)
    pid = watched.session.pid
    close_pool()
    assert gone(pid)


def test_it_lets_go_of_an_engine_that_is_to_be_replaced_and_knows_everything_afterwards(watched, qtbot):
    session = watched.session
    watched.open()
    session.teach([label(1), label(2)], [], ["a"])
    session.view(WHOLE)
    qtbot.waitUntil(lambda: "painted" in watched.names(), timeout=10_000)
    pid = session.pid
    refresh_pool()
    assert gone(pid)
    qtbot.wait(1200)
    assert session.pid is None and "died" not in watched.names(), "it waits until it is asked"
    session.teach([label(3)], [], ["a"])
    session.view(WHOLE)
    qtbot.waitUntil(lambda: watched.names().count("painted") == 2, timeout=10_000)
    assert Path(watched.values("painted")[1].path).read_bytes()[0] == 3


def test_labels_too_many_for_one_message_are_told_in_several(watched, qtbot):
    watched.open()
    long = [Label(number, "00" * 5_000_000, "a") for number in range(7)]
    watched.session.teach(long, [9], ["a"], clear=True)
    qtbot.waitUntil(lambda: "taught" in watched.names(), timeout=30_000)
    assert watched.values("taught")[-1].labels == 7
    told = [line["params"] for line in watched.asked() if line["method"] == "teach"]
    assert [one["clear"] for one in told] == [True] + [False] * (len(told) - 1) and len(told) > 3
