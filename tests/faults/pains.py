"""How a worker of the tests is hurt from inside: what it is told in `QUADRAT_HURT` happens to this process alone.

`events`: of files in `folder` that are opened, renamed, cut or removed. `told`: a file that gets a line for each.
`kill_at`: SIGKILL at the n-th. `fail_at`: the n-th fails with the error number `errno`.
`address_mb`: most address space beyond what the process has at birth (RLIMIT_AS).
`batch_mb`: most address space beyond what the process has, while a network looks at a batch and no longer: how much
the rest takes differs between machines, by their cores.
`clock`: the time of day is wrong by `wrong_s`, and jumps by `jump_s` whenever it is read.
`slow_s`: reading a window takes so much longer, so that something can happen meanwhile.
"""

import os
import resource
import signal
import sys
import time
from pathlib import Path

EVENTS = ("open", "os.rename", "os.remove", "os.truncate", "os.mkdir", "os.rmdir", "shutil.rmtree")


def suffer(pains):
    """Prepare all of it, before the worker starts."""
    if pains.get("events"):
        _watch_files(**pains["events"])
    if pains.get("address_mb"):
        _limit(pains["address_mb"])
    if pains.get("batch_mb"):
        _limit_batches(pains["batch_mb"])
    if pains.get("clock"):
        _shift_clock(**pains["clock"])
    if pains.get("slow_s"):
        _slow(pains["slow_s"])


def _watch_files(folder, kill_at=0, fail_at=0, errno=0, told=""):
    """Tell each event, to know how many there are; end or fail at one."""
    seen = [0]
    log = os.open(told, os.O_WRONLY | os.O_CREAT | os.O_APPEND) if told else -1

    def hook(event, args):
        if event not in EVENTS or not any(isinstance(arg, str) and arg.startswith(folder) for arg in map(_text, args)):
            return
        seen[0] += 1
        if told:
            os.write(log, f"{event} {' '.join(map(_text, args[:2]))}\n".encode())
        if seen[0] == kill_at:
            os.kill(os.getpid(), signal.SIGKILL)
        if seen[0] == fail_at:
            raise OSError(errno, os.strerror(errno), _text(args[0]))

    sys.addaudithook(hook)


def _text(value):
    try:
        return os.fsdecode(value)
    except TypeError:
        return ""


def _limit(megabytes):
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    most = pages * os.sysconf("SC_PAGE_SIZE") + megabytes * 2**20
    resource.setrlimit(resource.RLIMIT_AS, (most, resource.getrlimit(resource.RLIMIT_AS)[1]))


def _limit_batches(megabytes):
    from quadrat.core.embedding import Runner

    whole, free = Runner.run, resource.getrlimit(resource.RLIMIT_AS)

    def run(self, see, count):
        def held(part):
            _limit(megabytes)
            try:
                return see(part)
            finally:
                resource.setrlimit(resource.RLIMIT_AS, free)

        return whole(self, held, count)

    Runner.run = run


def _shift_clock(wrong_s=0.0, jump_s=0.0):
    """Whatever asks Python for the time of day gets another one, which may jump back and forth."""
    true, true_ns, reads = time.time, time.time_ns, [0]

    def wrong():
        reads[0] += 1
        return wrong_s + jump_s * (reads[0] % 2)

    time.time = lambda: true() + wrong()
    time.time_ns = lambda: true_ns() + int(wrong() * 1e9)


def _slow(seconds):
    """Each tile that is read takes longer."""
    from quadrat.core.raster import RasterReader

    for name in ("read", "read_codes"):
        whole = getattr(RasterReader, name)
        setattr(RasterReader, name, lambda self, window, whole=whole: (time.sleep(seconds), whole(self, window))[1])
