"""What runs tell of networks that learn: to those who joined, in the order in which it happens, with the end."""

import threading

import pytest
from qgis.core import QgsProcessingException
from quadrat.core.epochs import EpochFacts, EpochNews
from quadrat.core.errors import BadInput, Cancelled
from quadrat.processing import base, watching
from quadrat.processing.watching import Telling


def news(epoch):
    facts = EpochFacts(epoch, 9, 1.0 / epoch, 2.0 / epoch, epoch, 0.1)
    return EpochNews("Transformer", "light", "blocks", 1, 5, "CPU, 1 thread", facts)


@pytest.fixture
def heard():
    signs = []
    watching.join(signs.append)
    yield signs
    watching.leave(signs.append)


class Pool:
    """Stands in for the workers: tells two epochs, then ends as it is told to."""

    def __init__(self, error=None):
        self.error = error

    def run(self, job, on_progress, on_log, is_cancelled, on_epoch):
        on_progress(0.1, 80.0, "")
        on_epoch(news(1))
        on_progress(0.5, 40.0, "")
        on_epoch(news(2))
        if self.error is not None:
            raise self.error
        return {"job": job["job"], "outputs": {"output": job["output"]}, "facts": {}, "seconds": 1.0}


@pytest.mark.parametrize(
    ("error", "ended"), [(None, "done"), (Cancelled("Stopped."), "stopped"), (BadInput("No."), "failed")]
)
def test_a_run_tells_epochs_time_and_end(run, sample_raster, heard, monkeypatch, tmp_path, error, ended):
    monkeypatch.setattr(base, "shared_pool", lambda: Pool(error))
    values = {"INPUT": sample_raster, "BACKBONE": "raw", "OUTPUT": str(tmp_path / "a.tif")}
    if error is None:
        run("embedraster", **values)
    else:
        with pytest.raises(QgsProcessingException):
            run("embedraster", **values)
    assert [(sign.epoch and sign.epoch.facts.epoch, sign.remaining_s, sign.ended) for sign in heard] == [
        (1, 80.0, ""), (None, 40.0, ""), (2, 40.0, ""), (None, None, ended),
    ]  # fmt: skip
    assert len({sign.run for sign in heard}) == 1


def test_runs_have_numbers_of_their_own_and_others_are_silent(heard):
    other = Telling()
    other.progress(5.0)
    other.end(watching.DONE)
    assert heard == []
    for _ in range(2):
        Telling().epoch(news(1))
    assert heard[0].run != heard[1].run


def test_who_left_is_never_called_again():
    """Also not by a run that is telling at this moment: a window may be deleted right after."""
    inside, late = threading.Event(), []

    def slow(sign):
        inside.set()
        late.append(gone.wait(0.2))

    gone = threading.Event()
    watching.join(slow)
    thread = threading.Thread(target=lambda: Telling().epoch(news(1)))
    thread.start()
    inside.wait(5)
    watching.leave(slow)
    gone.set()
    thread.join()
    Telling().epoch(news(1))
    assert late == [False], "leaving waited for the call"
