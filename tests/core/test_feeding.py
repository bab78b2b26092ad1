"""What is made ahead in a thread: order, bound, errors, and that no thread outlives whoever waits."""

import threading
import time

import pytest
from quadrat.core.feeding import ahead

pytestmark = pytest.mark.same_without_torch


def threads():
    return [thread for thread in threading.enumerate() if thread.name == "read-ahead"]


def counted(limit, log, delay_s=0.0):
    """Numbers up to `limit`; notes each as it is made, and at the end in which thread it was closed."""
    try:
        for number in range(limit):
            time.sleep(delay_s)
            log.append(number)
            yield number
    finally:
        log.append(threading.current_thread().name)


def test_all_items_in_order_from_another_thread():
    log = []
    assert list(ahead(lambda: counted(50, log))) == list(range(50))
    assert log == [*range(50), "read-ahead"]
    assert list(ahead(lambda: [])) == []
    assert list(ahead(lambda: iter([None, ValueError]))) == [None, ValueError]
    assert not threads()


@pytest.mark.parametrize("depth", [1, 2, 5])
def test_no_more_than_depth_items_wait(depth):
    log = []
    feed = ahead(lambda: counted(100, log), depth)
    for taken in range(1, 8):
        next(feed)
        until = time.monotonic() + 5
        while len(log) < taken + depth and time.monotonic() < until:
            time.sleep(0.001)
        time.sleep(0.005)
        assert len(log) == taken + depth
    feed.close()


def test_nothing_is_made_before_it_is_asked_for():
    log = []
    feed = ahead(lambda: counted(3, log))
    time.sleep(0.01)
    assert not log and not threads()
    feed.close()
    assert not log


@pytest.mark.parametrize("late", [0, 3])
def test_errors_come_through_in_their_place(late):
    def make():
        if not late:
            raise OSError("gone")
        yield from range(late)
        raise OSError("gone")

    feed = ahead(make)
    for number in range(late):
        assert next(feed) == number
    with pytest.raises(OSError, match="gone"):
        next(feed)
    assert not threads()


def test_closed_early_it_closes_the_source_at_once_in_its_thread():
    log = []
    feed = ahead(lambda: counted(1000, log, delay_s=0.005), 2)
    next(feed)
    started = time.monotonic()
    feed.close()
    assert time.monotonic() - started < 1
    assert log[-1] == "read-ahead" and len(log) < 10
    assert not threads()


def test_forgotten_it_ends_its_thread():
    log = []
    feed = ahead(lambda: counted(1000, log))
    next(feed)
    del feed
    assert log[-1] == "read-ahead" and not threads()
