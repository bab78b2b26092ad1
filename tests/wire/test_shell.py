"""The command line as a user runs it: a process of its own, in the engine's Python and in one without its libraries."""

import json
import os
import pathlib
import signal
import subprocess
import sys
import time

import pytest
from quadrat.core.jobs.registry import ALL

pytestmark = pytest.mark.same_without_torch

ROOT = pathlib.Path(__file__).resolve().parents[2]
OTHER_PYTHON = "/usr/bin/python3"


def quadrat(*arguments, python=sys.executable, **options):
    command = [python, str(ROOT / "__main__.py"), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, **options)


@pytest.mark.parametrize("job", ALL, ids=lambda job: job.facts.id)
def test_help_names_every_parameter(job):
    for name in {job.facts.verb, job.facts.id}:
        shown = quadrat(name, "--help")
        assert shown.returncode == 0
        for parameter in job.params():
            assert f"--{parameter.replace('_', '-')}" in shown.stdout


def test_without_a_command_help_is_shown():
    assert quadrat().returncode == 2


def test_what_must_be_given_is_named():
    done = quadrat("embed", "--output", "a.tif")
    assert done.returncode == 2
    assert "--input" in done.stderr


def test_a_job_printed_and_replayed_is_the_job(short_job):
    given = ["--input", short_job["input"], "--output", short_job["output"], "--bands", "3", "1", "--seed", "4"]
    printed = quadrat("embed", *given, "--print-job").stdout
    assert json.loads(printed)["bands"] == [3, 1]
    done = quadrat("run", "-", "--json", input=printed)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["outputs"]["output"] == short_job["output"]


def test_a_sidecar_replays_the_run(short_job):
    assert quadrat("embed", "--input", short_job["input"], "--output", short_job["output"]).returncode == 0
    first = pathlib.Path(short_job["output"]).read_bytes()
    sidecar = pathlib.Path(short_job["output"] + ".quadrat.json").rename(short_job["output"] + ".copy.json")
    os.unlink(short_job["output"])
    done = quadrat("run", str(sidecar))
    assert done.returncode == 0, done.stderr
    assert pathlib.Path(short_job["output"]).read_bytes() == first


def test_a_list_of_jobs_is_run_in_its_order(short_job, tmp_path):
    second = str(tmp_path / "second.tif")
    (tmp_path / "jobs.json").write_text(json.dumps([short_job, {**short_job, "output": second}]))
    done = quadrat("run", str(tmp_path / "jobs.json"))
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [f"output: {short_job['output']}", f"output: {second}"]


@pytest.mark.parametrize("jobs", [[], [{"job": "embedraster", "output": "x.tif"}], "text"])
def test_a_list_with_nothing_to_run_is_a_sentence(jobs, short_job, tmp_path):
    (tmp_path / "jobs.json").write_text(json.dumps([short_job, *jobs] if jobs and jobs != "text" else jobs))
    done = quadrat("run", str(tmp_path / "jobs.json"))
    assert done.returncode == 1
    assert done.stderr.startswith("quadrat: ") and "Traceback" not in done.stderr
    assert not os.path.exists(short_job["output"])


def test_paths_are_relative_to_where_the_user_stands(short_job, tmp_path):
    done = quadrat("embed", "--input", "small.tif", "--output", "new.tif", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "new.tif").exists()


@pytest.mark.skipif(not os.path.exists(OTHER_PYTHON), reason="this system has no /usr/bin/python3")
def test_a_python_without_the_libraries_uses_the_engine(short_job):
    environment = {**os.environ, "QUADRAT_PYTHON": sys.executable}
    done = quadrat(
        "embed", "--input", short_job["input"], "--output", short_job["output"], python=OTHER_PYTHON, env=environment
    )
    assert done.returncode == 0, done.stderr
    assert os.path.exists(short_job["output"])


def test_an_error_is_one_sentence_and_status_1(short_job):
    done = quadrat("embed", "--input", "/nowhere/a.tif", "--output", short_job["output"])
    assert done.returncode == 1
    assert "There is no file /nowhere/a.tif" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_fault_of_ours_is_a_sentence_and_the_log_has_the_rest(short_job, tmp_path):
    """A home that is a file makes code fail that expects a folder."""
    (tmp_path / "home").write_text("")
    code = (
        "import sys; sys.argv[0] = 'quadrat'; import runpy\n"
        f"sys.path.insert(0, {str(ROOT)!r}); import conftest\n"
        "from quadrat.processing import shell\n"
        "def broken(options): raise ZeroDivisionError('nothing to divide by')\n"
        "shell._replay = broken; sys.exit(shell.run(['run', 'x']))"
    )
    for home, place in ((tmp_path / "fresh", "shell-error.log"), (tmp_path / "home", "Traceback")):
        environment = {**os.environ, "QUADRAT_HOME": str(home)}
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment)
        assert done.returncode == 1
        assert "did not foresee (ZeroDivisionError: nothing to divide by)" in done.stderr
        assert place in done.stderr
    assert "ZeroDivisionError" in (tmp_path / "fresh" / "logs" / "shell-error.log").read_text()


def test_a_file_that_is_no_job_is_a_sentence(tmp_path):
    (tmp_path / "a.json").write_text("{")
    done = quadrat("run", str(tmp_path / "a.json"))
    assert done.returncode == 1
    assert "cannot be read as a job" in done.stderr


def test_interrupt_stops_within_a_second_and_a_half(long_job, tmp_path):
    command = [sys.executable, str(ROOT / "__main__.py"), "embed", "--input", long_job["input"]]
    process = subprocess.Popen(
        [*command, "--patch-size-px", "1", "--output", str(tmp_path / "out.tif")], stderr=subprocess.PIPE, text=True
    )
    for line in process.stderr:
        if "to go" in line:
            break
    time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    started = time.monotonic()
    assert process.wait(5) == 130
    assert time.monotonic() - started < 1.5
    assert not (tmp_path / "out.tif").exists()
    process.stderr.close()
