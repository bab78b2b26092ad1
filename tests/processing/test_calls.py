"""Jobs as calls: what is copied, read back, is the same job; blanks and quotes in paths included."""

import json
import shlex

import pytest
from quadrat.core.errors import BadJob
from quadrat.core.jobs.declare import CHOICES, SEVERAL_PATHS, Kind
from quadrat.core.jobs.registry import ALL, job_from_dict
from quadrat.processing.calls import as_text, form_values, program
from quadrat.processing.shell import PATHS, _parser

AWKWARD = '/données à moi/it\'s "here" $HOME & co'


def other(p, default):
    """A value that is not the default, and fits."""
    if p.kind is Kind.FLAG:
        return not default
    if p.kind is Kind.SEVERAL:
        return list(p.choices[1:])
    if p.kind in CHOICES:
        return next(choice for choice in p.choices if choice != default)
    if p.kind in (Kind.INTEGER, Kind.NUMBER):
        low = p.minimum if p.minimum is not None else 0
        return type(default)(low if low != default else p.maximum if p.maximum is not None else low + 1)
    if p.kind is Kind.BANDS:
        return [3, 1]
    if p.kind in SEVERAL_PATHS:
        return [f"{AWKWARD}.gpkg|layername=a b", "/second.gpkg", "/third.gpkg"]
    if p.kind is Kind.FIELDS:
        return ["a", "b b"]
    if p.kind is Kind.CRS:
        return "EPSG:32723"
    if p.kind is Kind.EXTENT:
        return "1,2,3,4 [EPSG:32633]"
    return f"{AWKWARD}.{p.extension.split()[0]}" if p.extension else AWKWARD


def variants(job):
    """The example of a job, and that with each parameter changed which it takes alone."""
    example = job.example()
    yield example
    for name, p in job.params().items():
        values = {**example.to_dict(), name: other(p, getattr(example, name))}
        try:
            yield job.from_dict(values)
        except BadJob:  # does not fit the rest of the example
            continue


@pytest.fixture(scope="module")
def parser():
    """Of all commands; making it takes longer than reading a line."""
    return _parser()


@pytest.mark.parametrize("job", ALL, ids=lambda job: job.facts.id)
def test_a_shell_line_is_the_job(job, parser):
    start = program()
    for made in variants(job):
        words = shlex.split(as_text([made], "shell"))
        assert words[: len(start)] == start
        read = parser.parse_args(words[len(start) :])
        assert job.from_dict({name: getattr(read, name) for name in job.params() if hasattr(read, name)}) == made


@pytest.mark.parametrize("job", ALL, ids=lambda job: job.facts.id)
def test_json_is_the_job(job):
    jobs = list(variants(job))
    assert len(jobs) > len(job.params()) / 2
    assert [job_from_dict(one) for one in json.loads(as_text(jobs, "json"))] == jobs


@pytest.mark.parametrize("job", ALL, ids=lambda job: job.facts.id)
def test_a_form_takes_what_a_call_gives(job, provider):
    from qgis.core import QgsProcessingContext

    algorithm, context = provider.algorithm(job.facts.id), QgsProcessingContext()
    for made in variants(job):
        for name, value in form_values(made).items():
            if job.params()[name.lower()].kind in PATHS:  # these files do not exist
                continue
            assert algorithm.parameterDefinition(name).checkValueIsAcceptable(value, context), (name, value)


def test_without_an_engine_the_shell_line_is_the_documented_one(monkeypatch, tmp_path):
    monkeypatch.delenv("QUADRAT_PYTHON", raising=False)
    monkeypatch.setenv("QUADRAT_HOME", str(tmp_path))
    assert program() == ["python", "-m", "quadrat"]
