"""Workers to be hurt, small jobs with what comes of them undisturbed, and small disks."""

import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def ward():
    if not sys.platform.startswith("linux"):
        pytest.skip("Workers are forked and watched in ways of Linux.")
    from quadrat.tests.faults.hurting import Ward

    folder = tempfile.mkdtemp(prefix="quadrat-")  # not pytest's own: the path of a socket must be short
    ward = Ward(folder)
    yield ward
    ward.close()
    shutil.rmtree(folder)


@dataclass
class Known:
    """A job and what comes of it when nobody disturbs it."""

    job: dict
    content: str
    result: dict

    def again(self, folder, name="again.tif", **fields):
        """The same job with another output."""
        return {**self.job, "output": str(Path(folder) / name), **fields}

    def made(self, job):
        """True when the output is there and is the undisturbed one."""
        from quadrat.tests.faults.hurting import looked_at

        return looked_at(job["output"]) == self.content


@pytest.fixture(scope="session")
def known(ward, tmp_path_factory):
    """A function that gives a job by its name in `jobs.py`, run once."""
    from quadrat.tests.faults import hurting, jobs

    made = {}

    def give(name):
        if name not in made:
            folder = tmp_path_factory.mktemp(name)
            job = jobs.mapped(folder, ward) if name == "mapped" else getattr(jobs, name)(folder)
            ran = ward.run(job)
            assert ran.error is None, (ran.error, getattr(ran.error, "detail", ""))
            made[name] = Known(job, hurting.looked_at(job["output"]), ran.result)
        return made[name]

    return give


@pytest.fixture
def small_disk(tmp_path):
    """A function that makes a disk of so many kilobytes and gives its folder; `disk.grow` makes it larger."""
    if not hasattr(os, "geteuid") or os.geteuid() != 0:
        pytest.skip("Only root can mount a small disk.")
    mounted = []

    def make(kilobytes, name="disk", options=""):
        folder = tmp_path / name
        folder.mkdir()
        kind = f"size={kilobytes}k{options}"
        done = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", kind, "tmpfs", str(folder)], capture_output=True, text=True
        )
        if done.returncode:
            pytest.skip(f"No small disk can be mounted here: {done.stderr.strip()}")
        mounted.append(folder)
        return folder

    yield make
    for folder in mounted:
        subprocess.run(["umount", "-l", str(folder)], check=True)


@pytest.fixture
def remount():
    """A function that changes a small disk: its size, or whether it can be written."""

    def change(folder, options):
        subprocess.run(["mount", "-o", f"remount,{options}", str(folder)], check=True)

    return change
