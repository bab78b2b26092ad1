"""How many cores a process may use, from control groups as containers and batch systems make them."""

import os

import pytest
from quadrat.models import crew, quota

pytestmark = pytest.mark.same_without_torch


def made(root, groups, **files):
    """A file system with the groups of this process, and files with limits below `sys/fs/cgroup`."""
    (root / "proc/self").mkdir(parents=True)
    (root / "proc/self/cgroup").write_text(groups)
    for name, text in files.items():
        path = root / "sys/fs/cgroup" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


@pytest.mark.parametrize(
    ("groups", "files", "granted"),
    [
        ("0::/\n", {"cpu.max": "400000 100000\n"}, 4),
        ("0::/\n", {"cpu.max": "max 100000\n"}, None),
        ("0::/jobs/7/step\n", {"jobs/7/cpu.max": "150000 100000", "jobs/7/step/cpu.max": "max 100000"}, 1.5),
        ("0::/a\n", {"a/cpu.max": "800000 100000", "cpu.max": "200000 100000"}, 2),
        ("0::/../elsewhere\n", {"cpu.max": "300000 100000"}, 3),
        (
            "5:cpu,cpuacct:/docker/ab\n0::/\n",
            {"cpu,cpuacct/cpu.cfs_quota_us": "600000", "cpu,cpuacct/cpu.cfs_period_us": "100000"},
            6,
        ),
        ("5:cpu:/x\n", {"cpu/x/cpu.cfs_quota_us": "-1", "cpu/x/cpu.cfs_period_us": "100000"}, None),
        ("5:cpuset:/x\n", {"cpuset/x/cpu.cfs_quota_us": "100000", "cpuset/x/cpu.cfs_period_us": "100000"}, None),
        ("0::/\n", {"cpu.max": "1 0"}, None),
        ("rubbish\n\n::\n", {}, None),
    ],
)
def test_limits_of_control_groups(tmp_path, groups, files, granted):
    assert quota.granted_cores(made(tmp_path, groups, **files)) == granted


def test_no_groups_is_no_limit(tmp_path):
    assert quota.granted_cores(tmp_path) is None


@pytest.mark.parametrize(("granted", "count"), [(None, 64), (4.0, 4), (2.6, 3), (0.3, 1), (100.0, 64)])
def test_threads_follow_the_smaller_of_both(monkeypatch, granted, count):
    monkeypatch.setattr(quota.os, "sched_getaffinity", lambda pid: set(range(64)), raising=False)
    monkeypatch.setattr(quota, "granted_cores", lambda root: granted)
    quota.cores.cache_clear()
    try:
        assert crew.thread_count(0) == count
        assert crew.thread_count(96) == 96
    finally:
        quota.cores.cache_clear()


def test_waiting_threads_fall_asleep_unless_the_user_has_said_otherwise():
    assert {"GOMP_SPINCOUNT", "KMP_BLOCKTIME"} <= set(os.environ)
    own = {"GOMP_SPINCOUNT": "7"}
    crew.wait_asleep(own)
    assert own == {"GOMP_SPINCOUNT": "7", "KMP_BLOCKTIME": "1"}
