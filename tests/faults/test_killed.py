"""SIGKILL at random instants, fifty times: nothing half, nothing lost but what was in flight, and the same result."""

import pytest
from quadrat.core.errors import WorkerDied
from quadrat.tests.faults import hurting, jobs

OUTPUTS = {"exact": ("output",), "blended": ("output",), "cells": ("output",), "mapped": ("output", "confidence")}
KILLS = {"exact": 14, "blended": 10, "cells": 14, "mapped": 12}


@pytest.mark.parametrize("name", list(OUTPUTS))
def test_killed_again_and_again(ward, tmp_path, name):
    job = jobs.mapped(tmp_path, ward) if name == "mapped" else getattr(jobs, name)(tmp_path)
    story = hurting.Torment(ward, job, OUTPUTS[name], tmp_path, seed=1).suffer(KILLS[name])
    assert not story.troubles, "\n".join(story.troubles)
    assert story.kills == KILLS[name]
    assert story.went_on
    assert story.wholes


def test_what_is_said_of_a_killed_worker(ward, known, tmp_path):
    job = known("exact").again(tmp_path)
    ran = ward.run(job, meanwhile=hurting.at_line(job["output"], 10))
    assert isinstance(ran.error, WorkerDied)
    assert "when memory runs out" in str(ran.error)
    assert "run the same job again to go on" in str(ran.error)
    again = ward.run(job)
    assert again.error is None
    assert again.resumed[0] >= 9
    assert again.result["facts"]["tiles_made"] <= again.result["facts"]["tiles"] - again.resumed[0]
    assert known("exact").made(job)
