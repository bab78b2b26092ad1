"""The forecast in the real form: known, not known, measured, too large for the disk; never in the way of Run."""

import threading
import time

import pytest
from quadrat.core.errors import BadInput, Cancelled
from quadrat.processing.forms import foreteller
from quadrat.processing.forms.dialog import FormPanel
from quadrat.processing.workers import shared_pool

KNOWN = {"known": True, "seconds": 230.0, "bytes": 210e6, "free": 1e12, "cells": 1, "device": "CPU"}


@pytest.fixture
def told(monkeypatch):
    """Stands for the engine: `told.facts` answers questions, `told.measured` measurements."""

    class Told:
        facts, measured, asked = {"known": False, "free": 1e12}, KNOWN, []

        def foretell(self, job, measure, is_cancelled):
            self.asked.append((job, measure))
            answer = self.measured if measure else self.facts
            if callable(answer):
                answer = answer(is_cancelled)
            return answer

    made = Told()
    made.asked = []
    monkeypatch.setattr(shared_pool(), "foretell", made.foretell)
    monkeypatch.setattr(foreteller, "PAUSE_MS", 1)
    return made


def row_of(form):
    return form.mainWidget().findChild(foreteller.ForecastRow)


@pytest.fixture
def settled(qtbot):
    def settled(form, text):
        qtbot.waitUntil(lambda: row_of(form).note.text() == text, timeout=30_000)
        return row_of(form)

    return settled


def test_what_is_known_is_told_and_follows_the_form(open_form, settled, make_raster, told, qtbot):
    told.facts = KNOWN
    form = open_form(INPUT=make_raster())
    row = settled(form, "About 4 min and 210 MB on this computer.")
    assert row.button.isHidden() and row.warning.isHidden()
    box = form.mainWidget()._boxes["backbone"]
    assert "on this processor" not in box.facts.text(), "one time is enough"
    job, measure = told.asked[-1]
    assert job["backbone"] == "spectral-textural" and not measure and job["output"].endswith("embedding.tif")
    told.facts = {**KNOWN, "seconds": 30.0}
    form.setParameters({"PATCH_SIZE_PX": 8, "STORAGE": "float32"})
    settled(form, "About 30 s and 210 MB on this computer.")
    assert (told.asked[-1][0]["patch_size_px"], told.asked[-1][0]["storage"]) == (8, "float32")
    form.setParameters({"INPUT": "nowhere.tif"})
    qtbot.waitUntil(lambda: row_of(form).isHidden(), timeout=10_000)


def test_too_little_disk_is_said(open_form, settled, make_raster, told):
    told.facts = {**KNOWN, "free": 100e6}
    row = settled(open_form(INPUT=make_raster()), "About 4 min and 210 MB on this computer.")
    assert row.warning.text().startswith("The disk has room for 100 MB only") and not row.warning.isHidden()


def test_what_is_not_known_is_measured_on_demand(open_form, settled, make_raster, told):
    go_on = threading.Event()
    told.measured = lambda is_cancelled: (go_on.wait(20), KNOWN)[1]
    form = open_form(INPUT=make_raster())
    row = settled(form, "Not yet measured on this computer.")
    assert row.button.text() == "Measure" and not row.button.isHidden()
    row.button.click()
    assert row.note.text() == "Measuring for a few seconds…" and row.button.text() == "Stop"
    go_on.set()
    settled(form, "About 4 min and 210 MB on this computer.")
    assert row.button.isHidden()


def _until(is_cancelled):
    until = time.monotonic() + 20
    while not is_cancelled() and time.monotonic() < until:
        time.sleep(0.01)
    raise Cancelled("Stopped.")


def test_measuring_can_be_stopped_and_stops_with_the_form(open_form, settled, make_raster, told, qtbot):
    told.measured = _until
    form = open_form(INPUT=make_raster())
    row = settled(form, "Not yet measured on this computer.")
    row.button.click()
    row.button.click()
    settled(form, "Not yet measured on this computer.")
    assert row.button.text() == "Measure"
    row.button.click()
    form.mainWidget().stop_measuring()  # as Run does
    settled(form, "Not yet measured on this computer.")
    row.button.click()  # the fixture closes the form, and waits for what runs in the background


def test_what_went_wrong_is_said(open_form, settled, make_raster, told):
    def fail(is_cancelled):
        raise BadInput("No cell has enough valid pixels.")

    told.measured = fail
    form = open_form(INPUT=make_raster())
    row = settled(form, "Not yet measured on this computer.")
    row.button.click()
    settled(form, "No cell has enough valid pixels.")
    assert row.button.isHidden()


def test_nothing_is_foretold_where_it_cannot_run(open_form, make_raster, told, qtbot):
    form = open_form(INPUT=make_raster(bands=2), BACKBONE="croma-base")
    panel = form.mainWidget()
    qtbot.waitUntil(lambda: panel.fits.question is not None and not panel.fits.asking, timeout=30_000)
    qtbot.wait(100)
    assert row_of(form).isHidden() and not told.asked


def test_other_forms_foretell_nothing(open_form, told):
    panel = open_form("embedcells").mainWidget()
    assert isinstance(panel, FormPanel) and panel.foreteller is None
