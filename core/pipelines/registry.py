"""Which function does which job, and the one way to run a job: worker and command line both come through here."""

import errno
import importlib
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from ...models.errors import starved
from ..atomic import check_name
from ..errors import BadJob, Cancelled, EngineTooSmall, QuadratError, Unwritable
from ..jobs.declare import FILES_OUT, Job, JobFacts, Result
from ..patience import heard_by
from ..progress import Progress

PIPELINES = {
    "choosebackbone": "choosebackbone:run",
    "embedraster": "embedraster:run",
    "embedcells": "embedcells:run",
    "openembedding": "openembedding:run",
    "trainhead": "trainhead:run",
    "applyhead": "applyhead:run",
    "assesshead": "assesshead:run",
    "suggestlabels": "suggestlabels:run",
    "explainplaces": "explainplaces:run",
    "findsimilar": "findsimilar:run",
    "drawsample": "drawsample:run",
    "estimatearea": "estimatearea:run",
    "reduceembedding": "reduceembedding:run",
    "clusterembedding": "clusterembedding:run",
    "makecells": "makecells:run",
    "cellvariables": "cellvariables:run",
    "trainsettlement": "trainsettlement:run",
    "comparesettlement": "comparesettlement:run",
    "mapsettlement": "mapsettlement:run",
    "followsettlement": "followsettlement:run",
    "preparesurvey": "preparesurvey:run",
    "prepareseries": "prepareseries:run",
    "trainseries": "trainseries:run",
    "mapindicator": "mapindicator:run",
    "mapchange": "mapchange:run",
    "reportindicator": "reportindicator:run",
    "assessseries": "assessseries:run",
    "importreef": "importreef:run",
    "placepoints": "placepoints:run",
    "trainreef": "trainreef:run",
    "suggestreef": "suggestreef:run",
    "checkreef": "checkreef:run",
    "reefcover": "reefcover:run",
    "exportreef": "exportreef:run",
    "exportonnx": "exportonnx:run",
    "fetchweights": "fetchweights:run",
    "manageweights": "fetchweights:run_manage",
    "speedtest": "speedtest:run",
}
"""Job id -> `module:function` in this folder; imported when first needed, so the worker answers within a second."""
FORETELLER = "foretell:run"
"""The one that tells of the jobs in `jobs.registry.FORETOLD` what they will take."""


def run_job(job: Job, progress: Progress) -> Result:
    """Do the job.

    Raises:
        QuadratError: with a sentence for the user; libraries' errors that have a plain meaning are put into one.
    """
    target = PIPELINES.get(job.facts.id)
    if target is None:
        raise BadJob(f"'{job.facts.title}' is not run by the engine.")
    job = type(job).from_dict(job.to_dict())  # jobs made in Python have not been checked yet
    started = time.monotonic()
    with _plain_errors(job.facts), _thread_limit(getattr(job, "threads", 0)), heard_by(progress.checkpoint):
        for name, path in job.outputs().items():
            if job.params()[name].kind in FILES_OUT:
                check_name(path)
        result: Result = _function(target)(job, progress)
    progress.checkpoint(1.0)
    return Result(result.job, result.outputs, result.facts, round(time.monotonic() - started, 3))


def foretell_job(job: Job, progress: Progress, measure: bool = False) -> dict[str, Any]:
    """How long the job would take and how large its result would be, see `foretell.run`.

    Raises:
        QuadratError: as `run_job`.
    """
    job = type(job).from_dict(job.to_dict())
    with _plain_errors(job.facts), _thread_limit(getattr(job, "threads", 0)):
        facts: dict[str, Any] = _function(FORETELLER)(job, progress, measure=measure)
    return facts


def _function(target: str) -> Callable[..., Any]:
    module, function = target.split(":")
    found: Callable[..., Any] = getattr(importlib.import_module(f".{module}", __package__), function)
    return found


@contextmanager
def _thread_limit(threads: int) -> Iterator[None]:
    """Hold BLAS and OpenMP to so many threads; 0 leaves them alone."""
    if not threads:
        yield
        return
    import numpy  # noqa: F401 - a limit applies to libraries that are loaded already
    from threadpoolctl import threadpool_limits

    with threadpool_limits(threads):
        yield


@contextmanager
def _plain_errors(facts: JobFacts) -> Iterator[None]:
    try:
        yield
    except Cancelled as error:
        raise Cancelled(f"Stopped. {facts.when_stopped}") from error
    except QuadratError:
        raise
    except ModuleNotFoundError as error:
        raise EngineTooSmall(
            f"The engine lacks the library '{error.name}'. Run 'Set up the engine' and choose 'full'."
        ) from error
    except OSError as error:
        raise _plain_os_error(error, facts) from error
    except Exception as error:
        if not starved(error):
            raise
        raise QuadratError(
            "The machine ran out of memory. Close other programs, choose a smaller extent, or more pixels to a cell."
        ) from error


def _plain_os_error(error: OSError, facts: JobFacts) -> QuadratError:
    where = f" ({error.filename})" if error.filename else ""
    if error.errno == errno.ENOSPC:
        return Unwritable(f"The disk is full{where}. Free some space and run the job again. {facts.when_stopped}")
    if error.errno == errno.EROFS:
        return Unwritable(f"The disk is read-only{where}. Choose another one. {facts.when_stopped}")
    if error.errno in (errno.EACCES, errno.EPERM):
        return Unwritable(f"A file may not be written or read{where}. Choose another folder, or close what uses it.")
    return QuadratError(f"The system refused a file operation{where}: {error.strerror or error}.")
