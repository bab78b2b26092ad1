"""The real worker process, through the real client."""

import os
import pathlib
import signal
import subprocess
import sys
import threading
import time

import pytest
from quadrat.core import protocol
from quadrat.core.errors import BadInput, BadJob, Cancelled, EngineMissing, QuadratError, WorkerDied
from quadrat.processing.client import BOOT, Worker, WorkerPool
from quadrat.processing.environment import find_engine


def gone(pid):
    """True when the process has ended; one that waits to be reaped by the system counts."""
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z"
    except FileNotFoundError:
        return True


def wait_until(condition, seconds=5.0):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.02)
    return False


def test_a_job_runs_and_tells_its_progress(pool, short_job):
    seen, lines = [], []
    result = pool.run(short_job, lambda *facts: seen.append(facts), lambda *line: lines.append(line))
    assert os.path.exists(result["outputs"]["output"])
    fractions = [fraction for fraction, _, _ in seen]
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1.0
    assert result["seconds"] > 0


def test_a_worker_stays_warm(pool, short_job):
    pool.run(short_job)
    pids = {worker.pid for worker in pool._idle}
    pool.run({**short_job, "output": short_job["output"] + "2.tif"})
    assert {worker.pid for worker in pool._idle} == pids


def test_errors_arrive_as_they_were_raised(pool, short_job):
    with pytest.raises(BadInput, match=r"nowhere\.tif"):
        pool.run({**short_job, "input": "/nowhere.tif"})
    with pytest.raises(BadJob, match="overlap"):
        pool.run({**short_job, "overlap": 1})


def test_cancel_stops_within_a_second_and_leaves_no_result(pool, long_job):
    cancelled_at = []

    def is_cancelled():
        if cancelled_at:
            return True
        if progressed.is_set():
            cancelled_at.append(time.monotonic())
        return bool(cancelled_at)

    progressed = threading.Event()
    with pytest.raises(Cancelled, match="run the same job again to go on"):
        pool.run(long_job, lambda fraction, *_: progressed.set() if fraction > 0.02 else None, None, is_cancelled)
    assert time.monotonic() - cancelled_at[0] < 1.5
    assert not os.path.exists(long_job["output"])


def test_a_killed_worker_is_a_named_error_and_the_next_job_runs(pool, long_job, short_job):
    def kill(fraction, *_):
        if fraction > 0.02:
            os.kill(pool._busy[0].pid, signal.SIGKILL)

    with pytest.raises(WorkerDied, match="ended in the middle"):
        pool.run(long_job, kill)
    assert os.path.exists(pool.run(short_job)["outputs"]["output"])


def test_last_words_of_a_crash_reach_the_user(tmp_path):
    engine = find_engine()
    worker = Worker(engine)
    os.kill(worker.pid, signal.SIGABRT)
    with pytest.raises(WorkerDied, match="signal 6"):
        worker.call(protocol.DESCRIBE)
    worker.close()


def test_last_words_are_told_without_the_frames_of_a_traceback():
    worker = Worker(find_engine())
    said = ["Exception in thread x:", "Traceback (most recent call last):", '  File "a.py", line 1, in b', "    c()"]
    worker._last_words.extend([*said, "MemoryError", "  a library says", ""])
    os.kill(worker.pid, signal.SIGKILL)
    with pytest.raises(WorkerDied) as error:
        worker.call(protocol.DESCRIBE)
    worker.close()
    assert str(error.value).splitlines()[1:] == ["Exception in thread x:", "MemoryError", "  a library says"]


def test_two_jobs_at_once_get_two_workers(pool, short_job):
    results, errors = [], []

    def run(n):
        try:
            results.append(pool.run({**short_job, "output": f"{short_job['output']}{n}.tif"}))
        except QuadratError as error:
            errors.append(error)

    threads = [threading.Thread(target=run, args=(n,)) for n in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors
    assert len({result["outputs"]["output"] for result in results}) == 2
    assert len(pool._idle) == 1


def test_ping_is_answered_while_a_job_runs(pool, long_job):
    worker = pool._lease(None)
    worker._send(protocol.request(900, protocol.RUN, {"job": long_job}))
    started = time.monotonic()
    worker.call(protocol.PING, timeout_s=5)
    assert time.monotonic() - started < 2
    worker._send(protocol.notification(protocol.CANCEL, {"id": 900}))
    pool._give_back(worker)


def test_an_unknown_method_and_another_protocol_are_refused():
    worker = Worker(find_engine())
    with pytest.raises(QuadratError, match="no method 'fly'"):
        worker.call("fly")
    with pytest.raises(QuadratError, match="version 99"):
        worker.call(protocol.INITIALIZE, {"protocol": 99})
    worker.close()


def test_a_worker_leaves_when_its_client_dies():
    code = (
        f"import sys; sys.path.insert(0, {str(BOOT.parents[2])!r}); import conftest, time\n"
        "from quadrat.processing.client import Worker\n"
        "from quadrat.processing.environment import find_engine\n"
        "print(Worker(find_engine()).pid, flush=True); time.sleep(60)"
    )
    client = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    pid = int(client.stdout.readline())
    assert not gone(pid)
    client.kill()
    client.wait()
    assert wait_until(lambda: gone(pid), 10)
    client.stdout.close()


def test_closing_the_pool_ends_every_worker(pool, short_job):
    pool.run(short_job)
    pid = pool._idle[0].pid
    pool.close()
    assert gone(pid)


def test_an_interpreter_that_does_not_start_is_a_sentence(monkeypatch, tmp_path, short_job):
    broken = tmp_path / "python"
    broken.write_text("#!/bin/sh\necho 'no such library' >&2\nexit 3\n")
    broken.chmod(0o755)
    monkeypatch.setenv("QUADRAT_PYTHON", str(broken))
    pool = WorkerPool()
    with pytest.raises(EngineMissing, match="Set up the engine"):
        pool.run(short_job)
    pool.close()


def test_a_library_that_prints_does_not_break_the_wire(tmp_path):
    """Whatever writes to stdout, Python or C, ends on stderr."""
    script = tmp_path / "noisy.py"
    script.write_text(
        "import runpy, sys, threading, os, time\n"
        "def noise():\n"
        "    while True:\n"
        "        sys.stdout.write('loud library\\n'); os.write(1, b'loud C library\\n'); time.sleep(0.01)\n"
        "threading.Thread(target=noise, daemon=True).start()\n"
        f"time.sleep(0.1); sys.argv = [{str(BOOT)!r}]; runpy.run_path({str(BOOT)!r}, run_name='__main__')\n"
    )
    pipe = subprocess.PIPE
    with subprocess.Popen([sys.executable, "-I", "-u", str(script)], stdin=pipe, stdout=pipe, stderr=pipe) as process:
        process.stdin.write(protocol.encode(protocol.request(1, protocol.INITIALIZE, {"protocol": 1})))
        process.stdin.flush()
        # What was printed before the wire was taken over is not the worker's doing; it is skipped here.
        first = next(line for line in process.stdout if not line.startswith(b"loud"))
        assert protocol.decode(first)["result"]["protocol"] == 1
        time.sleep(0.2)
        process.stdin.write(protocol.encode(protocol.request(2, protocol.PING, {})))
        process.stdin.flush()
        assert protocol.decode(process.stdout.readline())["id"] == 2
        process.stdin.close()
        assert process.stdout.read() == b""
        assert b"loud" in process.stderr.read()


def test_a_slow_start_can_be_cancelled(monkeypatch, tmp_path, short_job):
    slow = tmp_path / "python"
    slow.write_text("#!/bin/sh\nexec sleep 30\n")
    slow.chmod(0o755)
    monkeypatch.setenv("QUADRAT_PYTHON", str(slow))
    pool, started = WorkerPool(), time.monotonic()
    with pytest.raises(Cancelled):
        pool.run(short_job, is_cancelled=lambda: True)
    assert time.monotonic() - started < 2
    pool.close()
