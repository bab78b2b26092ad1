"""The command line as a user runs it: what it says, and as a process of its own, in the engine's Python or another."""

import io
import json
import os
import pathlib
import resource
import signal
import subprocess
import sys

import pytest
from quadrat.core.jobs.registry import ALL
from quadrat.processing import shell

pytestmark = pytest.mark.same_without_torch

ROOT = pathlib.Path(__file__).resolve().parents[2]
OTHER_PYTHON = "/usr/bin/python3"


def quadrat(*arguments, python=sys.executable, **options):
    command = [python, str(ROOT / "__main__.py"), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, **options)


@pytest.fixture
def here(capsys, monkeypatch, tmp_path):
    """The same in this process: status, standard output and standard error of a command."""
    monkeypatch.setenv("QUADRAT_HOME", str(tmp_path / "state"))

    def run(*arguments):
        try:
            status = shell.run(list(arguments))
        except SystemExit as ended:
            status = ended.code
        return status, *capsys.readouterr()

    return run


@pytest.fixture(scope="module")
def parser():
    return shell._parser()


@pytest.mark.parametrize("job", ALL, ids=lambda job: job.facts.id)
def test_help_names_every_parameter(job, parser, capsys):
    for name in {job.facts.verb, job.facts.id}:
        with pytest.raises(SystemExit) as ended:
            parser.parse_args([name, "--help"])
        assert ended.value.code == 0
        shown = capsys.readouterr().out
        for parameter in job.params():
            assert f"--{parameter.replace('_', '-')}" in shown


def test_without_a_command_help_is_shown():
    done = quadrat()
    assert done.returncode == 2
    assert all(job.facts.verb in done.stdout for job in ALL)


def test_what_must_be_given_is_named(here):
    status, _, said = here("embed", "--output", "a.tif")
    assert status == 2
    assert "--input" in said


def test_a_job_printed_and_replayed_is_the_job(here, short_job, monkeypatch):
    given = ["--input", short_job["input"], "--output", short_job["output"], "--bands", "3", "1", "--seed", "4"]
    _, printed, _ = here("embed", *given, "--print-job")
    assert json.loads(printed)["bands"] == [3, 1]
    monkeypatch.setattr(sys, "stdin", io.StringIO(printed))
    status, shown, said = here("run", "-", "--json")
    assert status == 0, said
    assert json.loads(shown)["outputs"]["output"] == short_job["output"]


def test_paths_are_relative_to_where_the_user_stands_and_a_sidecar_replays_the_run(short_job, tmp_path):
    done = quadrat("embed", "--input", "small.tif", "--output", "new.tif", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    first = (tmp_path / "new.tif").read_bytes()
    sidecar = (tmp_path / "new.tif.quadrat.json").rename(tmp_path / "copy.json")
    (tmp_path / "new.tif").unlink()
    done = quadrat("run", str(sidecar))
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "new.tif").read_bytes() == first


def test_a_list_of_jobs_is_run_in_its_order(here, short_job, tmp_path):
    second = str(tmp_path / "second.tif")
    (tmp_path / "jobs.json").write_text(json.dumps([short_job, {**short_job, "output": second}]))
    status, shown, said = here("run", str(tmp_path / "jobs.json"))
    assert status == 0, said
    assert shown.splitlines() == [f"output: {short_job['output']}", f"output: {second}"]


@pytest.mark.parametrize("jobs", [[], [{"job": "embedraster", "output": "x.tif"}], "text"])
def test_a_list_with_nothing_to_run_is_a_sentence(here, jobs, short_job, tmp_path):
    (tmp_path / "jobs.json").write_text(json.dumps([short_job, *jobs] if jobs and jobs != "text" else jobs))
    status, _, said = here("run", str(tmp_path / "jobs.json"))
    assert status == 1
    assert said.startswith("quadrat: ") and "Traceback" not in said
    assert not os.path.exists(short_job["output"])


@pytest.mark.skipif(not os.path.exists(OTHER_PYTHON), reason="this system has no /usr/bin/python3")
def test_a_python_without_the_libraries_uses_the_engine(short_job):
    environment = {**os.environ, "QUADRAT_PYTHON": sys.executable}
    done = quadrat(
        "embed", "--input", short_job["input"], "--output", short_job["output"], python=OTHER_PYTHON, env=environment
    )
    assert done.returncode == 0, done.stderr
    assert os.path.exists(short_job["output"])


def test_an_error_is_one_sentence_and_status_1(here, short_job):
    status, _, said = here("embed", "--input", "/nowhere/a.tif", "--output", short_job["output"])
    assert status == 1
    assert "There is no file /nowhere/a.tif" in said
    assert "Traceback" not in said


def test_a_fault_of_ours_is_a_sentence_and_the_log_has_the_rest(here, tmp_path, monkeypatch):
    """A home that is a file makes code fail that expects a folder."""
    (tmp_path / "home").write_text("")

    def broken(options):
        raise ZeroDivisionError("nothing to divide by")

    monkeypatch.setattr(shell, "_replay", broken)
    for home, place in ((tmp_path / "fresh", "shell-error.log"), (tmp_path / "home", "Traceback")):
        monkeypatch.setenv("QUADRAT_HOME", str(home))
        status, _, said = here("run", "x")
        assert status == 1
        assert "did not foresee (ZeroDivisionError: nothing to divide by)" in said
        assert place in said
    assert "ZeroDivisionError" in (tmp_path / "fresh" / "logs" / "shell-error.log").read_text()


def test_a_file_that_is_no_job_is_a_sentence(here, tmp_path):
    (tmp_path / "a.json").write_text("{")
    status, _, said = here("run", str(tmp_path / "a.json"))
    assert status == 1
    assert "cannot be read as a job" in said


def worked_s(pid):
    """Seconds that a process has worked: what it takes, whatever else the machine does."""
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def of_ended():
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def test_interrupt_stops_after_a_second_of_work(long_job, tmp_path):
    before = of_ended()
    command = [sys.executable, str(ROOT / "__main__.py"), "embed", "--input", long_job["input"]]
    process = subprocess.Popen(
        [*command, "--patch-size-px", "1", "--output", str(tmp_path / "out.tif")], stderr=subprocess.PIPE, text=True
    )
    for line in process.stderr:
        if "to go" in line:
            break
    worked = worked_s(process.pid)
    process.send_signal(signal.SIGINT)
    assert process.wait(10) == 130
    assert of_ended() - before - worked < 1
    assert not (tmp_path / "out.tif").exists()
    process.stderr.close()
