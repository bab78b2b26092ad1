import dataclasses
import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from quadrat.core.errors import BadJob, Cancelled
from quadrat.core.jobs.declare import CHOICES, EMPTY_AT_FIRST, OUTPUTS, SEVERAL_PATHS, Kind
from quadrat.core.jobs.registry import ALL, JOBS, job_from_dict, when_stopped
from quadrat.core.pipelines import registry
from quadrat.core.progress import Progress


def example_values(job):
    return {name: value for name, value in job.example().to_dict().items() if value not in ("", [])}


@pytest.mark.parametrize("job", ALL, ids=list(JOBS))
class TestEveryJob:
    def test_survives_json(self, job):
        made = job.from_dict(example_values(job))
        again = job_from_dict(json.loads(json.dumps(made.to_dict())))
        assert again == made

    def test_names_each_missing_parameter(self, job):
        for name in [name for name, p in job.params().items() if p.required]:
            values = example_values(job)
            values[name] = ""
            with pytest.raises(BadJob, match=name):
                job.from_dict(values)

    def test_is_fully_declared(self, job):
        assert re.fullmatch(r"[a-z]+", job.facts.id)
        assert job.facts.summary.endswith(".")
        for name, p in job.params().items():
            assert p.label
            assert p.label[0].isupper(), name
            assert not p.help or p.help.endswith("."), name
            assert bool(p.choices) == (p.kind in CHOICES), name
            if p.kind in OUTPUTS:
                assert p.result, f"{name} must say what it holds, so that it can be styled"
                assert p.extension or p.kind is Kind.FOLDER_OUT, name
            if p.kind in (Kind.TEXT, Kind.SEVERAL, Kind.CRS) and not job.defaults()[name]:
                assert p.optional, f"QGIS's form would not run while {name} is empty"
            if p.kind in (Kind.FIELD, Kind.FIELDS, Kind.BANDS) or (p.kind is Kind.EXTENT and p.parent):
                assert p.parent in job.params(), name
            if p.kind in (Kind.BACKBONE, Kind.ROLES):
                assert all(job.params()[parent].kind is Kind.RASTER for parent in p.parent.split()), name
                assert p.parent or p.kind is Kind.BACKBONE, name
            if p.instead_of:
                assert p.kind in (Kind.RASTER, Kind.VECTOR) and job.params()[p.instead_of].kind is Kind.BACKBONE, name

    def test_defaults_pass_their_own_checks(self, job):
        job.from_dict({**example_values(job), **{k: v for k, v in job.defaults().items() if v not in ("", ())}})

    def test_is_frozen(self, job):
        made = job.from_dict(example_values(job))
        with pytest.raises(dataclasses.FrozenInstanceError):
            made.seed = 3

    def test_choices_and_ranges_are_enforced(self, job):
        for name, p in job.params().items():
            wrong = []
            if p.kind in CHOICES:
                wrong = [["no such choice"], 3] if p.kind is Kind.SEVERAL else ["no such choice", 3]
            elif p.kind in (Kind.INTEGER, Kind.NUMBER):
                wrong = ["3", True, float("nan")]
                wrong += [p.minimum - 1] if p.minimum is not None else []
                wrong += [p.maximum + 1] if p.maximum is not None else []
                wrong += [1.5] if p.kind is Kind.INTEGER else []
            elif p.kind is Kind.FLAG:
                wrong = ["yes", 1]
            elif p.kind is Kind.BANDS:
                wrong = [[0], ["1"], 1, [True]]
            elif p.kind in SEVERAL_PATHS:
                wrong = ["a", 3, [3], {"a": "b"}]
            elif p.kind in EMPTY_AT_FIRST:
                wrong = [3, ["a"]]
            for value in wrong:
                with pytest.raises(BadJob, match=re.escape(f"({name})")):
                    job.from_dict({**example_values(job), name: value})


def test_a_misspelt_parameter_names_the_nearest():
    with pytest.raises(BadJob, match="Did you mean 'overlap_px'"):
        job_from_dict({"job": "embedraster", "input": "a", "output": "b", "overlap": 3})


def test_a_misspelt_choice_names_the_nearest():
    with pytest.raises(BadJob, match="Did you mean 'mosaiks'"):
        job_from_dict({"job": "embedraster", "input": "a", "output": "b", "backbone": "mosaics"})


@given(st.dictionaries(st.text(), st.none() | st.integers() | st.text() | st.lists(st.integers()), max_size=5))
def test_any_object_is_a_job_or_a_sentence(values):
    with pytest.raises(BadJob, match=r"[.?]$"):
        job_from_dict(values)


@pytest.mark.parametrize("values", [None, [], 3, "embedraster", {"job": 3}, {"job": "nothing"}])
def test_what_is_no_job_is_refused(values):
    with pytest.raises(BadJob):
        job_from_dict(values)


def problem(values):
    with pytest.raises(BadJob) as caught:
        job_from_dict(values)
    return str(caught.value)


def test_parameters_that_do_not_go_together_are_a_sentence():
    embed, labelled = {"job": "embedraster", "input": "a", "output": "b"}, {"labels": "a", "field": "b", "output": "c"}
    assert "needs a model" in problem({**embed, "backbone": "timm"})
    assert job_from_dict({**embed, "backbone": "timm", "like": "a"})
    assert "needs an embedding, or feature fields" in problem({"job": "trainhead", **labelled})
    wrong = {"job": "assesshead", **labelled, "embedding": "e", "head": "prototype", "target": "value"}
    assert "Choose one of: linear" in problem(wrong)
    assert "either an embedding or a table" in problem({"job": "applyhead", "head": "a", "output": "b"})
    both = {"job": "applyhead", "head": "a", "embedding": "b", "table": "c", "output": "d"}
    assert "and not both" in problem(both)
    assert "asked for nothing" in problem({"job": "applyhead", "head": "a", "embedding": "b"})
    assert "predicted table" in problem({"job": "applyhead", "head": "a", "table": "b", "output": "c"})


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"job": "embedraster", "input": "a"}, "What was finished is kept; run the same job again to go on"),
        ({"job": "trainhead", "labels": "a", "field": "b", "embedding": "c"}, "Nothing half-finished was written"),
    ],
)
def test_a_stop_says_what_becomes_of_the_work(monkeypatch, tmp_path, values, words):
    def stopped(job, progress):
        raise Cancelled("Stopped.")

    monkeypatch.setattr(registry, "_function", lambda target: stopped)
    with pytest.raises(Cancelled, match=f"Stopped. {words}"):
        registry.run_job(job_from_dict({**values, "output": str(tmp_path / "x.tif")}), Progress())
    assert words in when_stopped(values)
