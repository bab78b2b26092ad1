"""quadrat:setupengine. The one algorithm that runs in QGIS's own process: before it there is no worker."""

import time

from ...core.errors import BadJob
from ...core.jobs.declare import Job, Result
from ...core.jobs.engine import SetUpEngine
from ..base import QuadratAlgorithm, Relay
from ..workers import refresh_pool


class SetUpEngineAlgorithm(QuadratAlgorithm):
    """SetUpEngine in the toolbox."""

    JOB = SetUpEngine
    GROUP_ID = "engine"
    ICON = "setupengine"

    def execute(self, job: Job, relay: Relay) -> Result:
        """Install in this thread; idle workers are let go before, since Windows cannot replace files in use."""
        from ..installer import install

        if not isinstance(job, SetUpEngine):
            raise BadJob("This algorithm only sets up the engine.")
        started = time.monotonic()
        refresh_pool()
        engine = install(job, relay.progress, lambda text: relay.log("info", text), relay.is_cancelled)
        refresh_pool()
        facts = {"engine": engine.size, "folder": str(engine.folder), "python": str(engine.python)}
        return Result(job.facts.id, {}, facts, round(time.monotonic() - started, 3))
