"""How much of a computer's processors this process may use: where it may run, and what share of time it is granted.

Containers and batch systems often grant a few cores' time on a machine of many without hiding the others; as many
threads as there are cores would then stand still most of the time.

Source: https://docs.kernel.org/admin-guide/cgroup-v2.html (cpu.max), and its predecessor's cpu.cfs_quota_us.
"""

import os
from functools import cache
from pathlib import Path, PurePosixPath


@cache
def cores() -> int:
    """Cores that this process may use, at least one; asked once, as limits are set before a process starts."""
    try:
        count = len(os.sched_getaffinity(0))
    except AttributeError:  # macOS and Windows
        count = os.cpu_count() or 1
    granted = granted_cores(Path("/"))
    return count if granted is None else max(1, min(count, round(granted)))


def granted_cores(root: Path) -> float | None:
    """Cores' worth of time that the control groups of this process grant it; None: no limit.

    Args:
        root: of the file system; another one in tests.
    """
    try:
        lines = (root / "proc/self/cgroup").read_text(encoding="utf-8").splitlines()
    except OSError:
        return None
    limits = []
    for line in lines:
        number, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        if number == "0" and not controllers:
            limits += [_newer(each) for each in _upwards(root / "sys/fs/cgroup", path)]
        elif "cpu" in controllers.split(","):
            for mount in (controllers, "cpu"):
                limits += [_older(each) for each in _upwards(root / "sys/fs/cgroup" / mount, path)]
    known = [limit for limit in limits if limit is not None]
    return min(known, default=None)


def _upwards(mount: Path, path: str) -> list[Path]:
    """The group's folder and those above it, whose limits hold too.

    In a container the path may be that of the host while the mount shows the container's own group alone, which is
    then the last of these.
    """
    group = PurePosixPath(path.lstrip("/"))
    return [mount / each for each in (group, *group.parents) if ".." not in each.parts]


def _newer(folder: Path) -> float | None:
    """`cpu.max` of version 2: microseconds and of how many, or `max`."""
    quota, _, period = _text(folder / "cpu.max").partition(" ")
    return _ratio(quota, period)


def _older(folder: Path) -> float | None:
    """Of version 1; -1 is no limit."""
    return _ratio(_text(folder / "cpu.cfs_quota_us"), _text(folder / "cpu.cfs_period_us"))


def _ratio(quota: str, period: str) -> float | None:
    if not quota.isdigit() or not period.isdigit() or int(period) == 0:
        return None
    return int(quota) / int(period)


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        return ""
