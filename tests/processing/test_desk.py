"""What waits for the live worker: whatever comes in whatever order, and whenever it dies, it knows every label."""

import random
import threading
import time

import pytest
from quadrat.core.live.messages import At, Close, Label, Next, Open, Scatter, Score, Teach, View
from quadrat.processing.desk import DELAYED, DROPPED, ORDER, Desk


class Memory:
    """The labels that a worker would know."""

    def __init__(self):
        self.labels, self.classes = {}, ()

    def hear(self, teach):
        if teach.clear:
            self.labels = {}
        for number in teach.removed:
            self.labels.pop(number, None)
        self.labels.update((label["id"], label["y"]) for label in teach.changed)
        self.classes = teach.classes


def opened():
    desk = Desk()
    desk.put(Open("e.tif", "folder"))
    assert desk.take(0).kind == "open"
    return desk


@pytest.mark.parametrize("seed", range(60))
def test_random_lessons_reach_the_worker_whole(seed):
    rng, desk, wanted, worker = random.Random(seed), opened(), {}, Memory()
    classes = ()
    for _ in range(120):
        what = rng.random()
        if what < 0.55:
            changed = {rng.randrange(30): rng.choice("abc") for _ in range(rng.randrange(4))}
            removed = [n for n in rng.sample(range(30), rng.randrange(3)) if n not in changed]
            clear = rng.random() < 0.05
            classes = tuple(rng.sample("abc", 3))
            desk.teach([Label(n, "", y) for n, y in changed.items()], removed, classes, clear)
            wanted = {} if clear else wanted
            wanted = {n: y for n, y in {**wanted, **changed}.items() if n not in removed}
        elif what < 0.7:
            desk.put(rng.choice([View(0, 0, 1, 1), At(0, 0), Next(), Score(), View(0, 0, 1, 1, settle=True)]))
        elif what < 0.95:
            errand = desk.take(0)
            if errand is not None and rng.random() < 0.2:  # it dies of it
                desk.after_death(errand)
                worker = Memory()
                worker.hear(desk.everything()[1])
            elif errand is not None and isinstance(errand.ask, Teach):
                worker.hear(errand.ask)
    while (errand := desk.take(0)) is not None:
        if isinstance(errand.ask, Teach):
            worker.hear(errand.ask)
    assert worker.labels == wanted
    assert worker.classes == classes or not classes


def test_the_order_is_that_of_use():
    desk = opened()
    for ask in (Scatter(), Score(), View(0, 0, 1, 1, settle=True), At(0, 0), Next(), View(0, 0, 1, 1)):
        desk.put(ask)
    desk.teach([], [], ["a"], False)
    kinds = []
    while (errand := desk.take(0)) is not None:
        kinds.append(errand.kind)
    assert kinds == ["teach", "view", "next", "at", "score", "scatter"], "a view makes an older settling needless"


def test_every_pair_of_errands_gives_way_as_declared():
    asks = {
        "open": Open("f.tif", "folder"), "view": View(0, 0, 1, 1), "next": Next(), "at": At(0, 0),
        "settle": View(0, 0, 1, 1, settle=True), "score": Score(), "scatter": Scatter(),
    }  # fmt: skip
    for running in ORDER[2:]:
        for arriving in ORDER:
            desk = opened()
            desk.put(asks[running])
            errand = desk.take(0)
            assert errand.kind == running
            if arriving == "teach":
                desk.teach([Label(1, "", "a")], [], ["a"], False)
            else:
                desk.put(asks[arriving])
            assert errand.stopped == (running in DROPPED[arriving] or running in DELAYED[arriving])
            assert errand.again == (running in DELAYED[arriving])
            if errand.again:
                desk.put_back(errand)
            kinds = [e.kind for e in iter(lambda desk=desk: desk.take(0), None)]
            wanted = {arriving, running} if running in DELAYED[arriving] else {arriving}
            assert kinds == sorted(wanted, key=ORDER.index)


def test_before_something_is_opened_and_after_it_is_closed_nothing_waits():
    desk = Desk()
    desk.put(View(0, 0, 1, 1))
    desk.teach([Label(1, "", "a")], [], ["a"], False)
    assert desk.take(0) is None and not desk.has_opened
    desk.put(Open("e.tif", "folder"))
    desk.put(View(0, 0, 1, 1))
    desk.put(Close())
    desk.put(View(0, 0, 1, 1))
    assert isinstance(desk.take(0).ask, Close)
    assert desk.take(0) is None


def test_one_who_waits_is_woken_by_work_and_by_the_end():
    for wake in (lambda desk: desk.put(At(0, 0)), lambda desk: desk.end()):
        desk = opened()
        got = []
        thread = threading.Thread(target=lambda desk=desk, got=got: got.append(desk.take(10)))
        thread.start()
        time.sleep(0.05)
        wake(desk)
        thread.join(5)
        assert not thread.is_alive() and len(got) == 1
