"""The one way from a form to a result: values -> job -> worker -> files -> styled layers.

An algorithm adds its ids and its job to `QuadratAlgorithm` and nothing else. Runs in any thread; several at once.
"""

import html
import json
import os
import time
from typing import Any, ClassVar, Dict, List, Optional, Tuple, Type

from qgis.core import (
    Qgis,
    QgsApplication,
    QgsMessageLog,
    QgsProcessingAlgorithm,
    QgsProcessingContext,
    QgsProcessingException,
    QgsProcessingFeedback,
)
from qgis.PyQt.QtGui import QIcon

from ..core.errors import Cancelled, EngineMissing, QuadratError
from ..core.jobs.declare import LAYERS_OUT, OUTPUTS, Job, Kind, Result
from ..core.wording import duration
from .calls import line as command_line
from .calls import program
from .i18n import tr
from .icons import icon_path
from .pages import page_url
from .parameters import definitions, key, label_of
from .styles import Shelf, layer_name, new_styler, pile, save_style
from .values import Reader, Request, with_outputs
from .watching import DONE, FAILED, STOPPED, Telling
from .workers import shared_pool

LOG_TAG = "Quadrat"
UNTOLD = ("result", "side_m", "shown")
"""Facts that are for the style of a layer."""
BESIDE_SENTENCES = ("device",)
"""Facts worth a line where the job has said in sentences what came of it."""
LONGEST_WORD = 32
"""Longer ones are hashes."""
TEXT_EVERY_S = 10.0
"""Without news, a line with the remaining time is written this often; each line stays in the log."""


class Relay:
    """Passes what a running job says on to Processing, and the user's cancel back."""

    def __init__(self, feedback: QgsProcessingFeedback) -> None:
        self._feedback = feedback
        self.telling = Telling()
        self._text = ""
        self._said_at = time.monotonic()
        # In qgis_process the event loop turns only when somebody turns it, and Ctrl-C arrives through it.
        self._pumps = QgsApplication.platform() == "qgis_process"

    def progress(self, fraction: float, remaining_s: Optional[float], text: str) -> None:
        """Show how far the job is."""
        self._feedback.setProgress(100.0 * fraction)
        self.telling.progress(remaining_s)
        now = time.monotonic()
        news = bool(text) and text != self._text
        self._text = text or self._text
        if news or (remaining_s is not None and now - self._said_at > TEXT_EVERY_S):
            self._said_at = now
            left = tr("{percent} %, about {time} left").format(
                percent=int(100 * fraction), time=duration(remaining_s)
            ) if remaining_s is not None and fraction < 0.99 else ""  # fmt: skip
            self._feedback.setProgressText(" · ".join(part for part in (self._text, left) if part))

    def log(self, level: str, text: str) -> None:
        """Write a line of the job to the log of the run."""
        if level == "warning":
            self._feedback.pushWarning(text)
        else:
            self._feedback.pushInfo(text)

    def is_cancelled(self) -> bool:
        """True once the user has asked to stop; asked every 50 ms while a job runs."""
        if self._pumps:
            QgsApplication.processEvents()
        return self._feedback.isCanceled()


class QuadratAlgorithm(QgsProcessingAlgorithm):
    """A job in the toolbox."""

    JOB: ClassVar[Type[Job]]
    GROUP_ID: ClassVar[str]
    ICON: ClassVar[str] = "quadrat"

    def __init__(self) -> None:
        super().__init__()
        self._request: Optional[Request] = None

    def createInstance(self) -> QgsProcessingAlgorithm:  # noqa: N802
        """A fresh copy; Processing runs each copy once."""
        return type(self)()

    def name(self) -> str:
        """Id under `quadrat:`; never changes once released."""
        return self.JOB.facts.id

    def displayName(self) -> str:  # noqa: N802
        """Title in the toolbox."""
        return tr(self.JOB.facts.title)

    def groupId(self) -> str:  # noqa: N802
        """Id of the group; never changes once released."""
        return self.GROUP_ID

    def group(self) -> str:
        """Title of the group."""
        return tr(self.JOB.facts.group)

    def tags(self) -> List[str]:
        """Words that find the algorithm in the toolbox."""
        return [*self.JOB.facts.tags, "quadrat"]

    def icon(self) -> QIcon:
        """Icon in the toolbox."""
        return QIcon(icon_path(self.ICON))

    def shortDescription(self) -> str:  # noqa: N802
        """Tooltip in the toolbox."""
        return tr(self.JOB.facts.summary)

    def shortHelpString(self) -> str:  # noqa: N802
        """Help beside the form: the facts of the job, then each parameter that is not advanced."""
        facts = self.JOB.facts
        parts = [f"<p>{html.escape(tr(text))}</p>" for text in (facts.summary, facts.help) if text]
        for p in self.JOB.params().values():
            if p.help and not p.advanced:
                parts.append(f"<p><b>{html.escape(label_of(p))}</b><br>{html.escape(tr(p.help))}</p>")
        return "".join(parts)

    def helpUrl(self) -> str:  # noqa: N802
        """The tutorial of the field, behind the form's button 'Help'; empty where there is none."""
        return page_url(self.GROUP_ID)

    def initAlgorithm(self, configuration: Optional[Dict[str, Any]] = None) -> None:  # noqa: N802
        """Declare the parameters of the job."""
        for parameter in definitions(self.JOB):
            self.addParameter(parameter)

    def createCustomParametersWidget(self, parent: Optional[Any] = None) -> Any:  # noqa: N802
        """QGIS's own form, with notes on backbones and bands where the job knows such; None leaves it to QGIS."""
        if not {p.kind for p in self.JOB.params().values()} & {Kind.BACKBONE, Kind.ROLES}:
            return None
        from .forms.dialog import FormDialog  # brings in qgis.gui, which qgis_process has no use for

        return FormDialog(self, parent)

    def checkParameterValues(  # noqa: N802
        self, parameters: Dict[str, Any], context: QgsProcessingContext
    ) -> Tuple[bool, str]:
        """Say early, in a sentence, what is wrong.

        Stands in for Processing's own check, which names no reason and refuses rasters inside zips and containers.
        """
        try:
            Reader(self, self.JOB, parameters, context).request()
        except QuadratError as error:
            return False, str(error)
        return True, ""

    def prepareAlgorithm(  # noqa: N802
        self, parameters: Dict[str, Any], context: QgsProcessingContext, feedback: QgsProcessingFeedback
    ) -> bool:
        """Read the values; layers may be touched here, in the thread that owns them, and not later."""
        try:
            self._request = Reader(self, self.JOB, parameters, context).request()
        except QuadratError as error:
            raise QgsProcessingException(str(error)) from error
        for warning in self._request.warnings:
            feedback.pushWarning(warning)
        return True

    def processAlgorithm(  # noqa: N802
        self, parameters: Dict[str, Any], context: QgsProcessingContext, feedback: QgsProcessingFeedback
    ) -> Dict[str, Any]:
        """Run the job and hand its files over."""
        if self._request is None:
            raise QgsProcessingException(tr("The parameters were not read."))
        relay, ended = Relay(feedback), FAILED
        try:
            job = with_outputs(self._request.job, self, parameters, context)
            for copy in self._request.copies:
                feedback.pushInfo(
                    tr("The layer '{name}' is not a plain file; its {count} features are copied to {path}").format(
                        name=copy.name, count=copy.count, path=copy.path
                    )
                )
                copy.write(relay.is_cancelled)
            if feedback.isCanceled():
                raise Cancelled(tr("Stopped."))
            self._log_job(job, feedback)
            result = self.execute(job, relay)
            ended = DONE
        except QuadratError as error:
            ended = STOPPED if isinstance(error, Cancelled) else FAILED
            raise QgsProcessingException(_sentence(error, feedback)) from error
        finally:
            relay.telling.end(ended)
        return self._collect(job, result, context, feedback)

    def execute(self, job: Job, relay: Relay) -> Result:
        """Do the job in a worker."""
        pool = shared_pool()
        relays = (relay.progress, relay.log, relay.is_cancelled, relay.telling.epoch)
        return Result.from_dict(pool.run(job.to_dict(), *relays))

    def _log_job(self, job: Job, feedback: QgsProcessingFeedback) -> None:
        command = command_line([*program(), "run", "job.json"])
        feedback.pushInfo(
            tr("To repeat this in a shell, put the next line into a file job.json and run: {command}").format(
                command=command
            )
        )
        feedback.pushCommandInfo(json.dumps(job.to_dict(), ensure_ascii=False))

    def _collect(
        self, job: Job, result: Result, context: QgsProcessingContext, feedback: QgsProcessingFeedback
    ) -> Dict[str, Any]:
        values: Dict[str, Any] = {}
        shelf: Shelf = {}
        places = pile([name for name, p in self.JOB.params().items() if p.kind in LAYERS_OUT])
        for name, p in self.JOB.params().items():
            path = result.outputs.get(name)
            if p.kind not in OUTPUTS or not path:
                continue
            values[key(name)] = path
            if p.kind in LAYERS_OUT and not save_style(path) and p.kind is Kind.RASTER_OUT:
                feedback.pushInfo(tr("No style was written beside {path}.").format(path=path))
            if context.willLoadLayerOnCompletion(path):
                details = context.layerToLoadOnCompletionDetails(path)
                details.setPostProcessor(new_styler(places.get(name, 0), shelf))
                if hasattr(details, "layerSortKey"):  # QGIS 3.32 and later
                    details.layerSortKey = places.get(name, 0)
                if details.name in (p.label, label_of(p), key(name), ""):
                    details.name = layer_name(tr(p.label), job.to_dict(), result.facts)
        _forget_unwritten(job, result, context)
        for line in _lines(result):
            feedback.pushInfo(line)
        return values


def _forget_unwritten(job: Job, result: Result, context: QgsProcessingContext) -> None:
    """Keep QGIS from looking for layers that this job had no reason to write, such as the map of a table."""
    written = set(result.outputs.values())
    unwritten = {path for path in job.outputs().values() if path not in written}
    noted = context.layersToLoadOnCompletion()
    if unwritten & set(noted):
        context.setLayersToLoadOnCompletion({path: d for path, d in noted.items() if path not in unwritten})


def _lines(result: Result) -> List[str]:
    """What is worth reading of the result, one fact a line; hashes, lists and tables stay in the sidecar."""
    lines = [tr("Done in {time}.").format(time=duration(result.seconds))]
    for name, value in result.facts.items():
        if name in UNTOLD or isinstance(value, bool) or not isinstance(value, (str, int, float)):
            continue
        if "sentences" in result.facts and name not in BESIDE_SENTENCES:
            continue
        shown = f"{value:.4g}" if isinstance(value, float) else str(value)
        if shown and (" " in shown or len(shown) < LONGEST_WORD or os.path.isabs(shown)):
            lines.append(f"{name.replace('_', ' ')}: {shown}")
    return lines


def _sentence(error: QuadratError, feedback: QgsProcessingFeedback) -> str:
    """The sentence for the user; a traceback goes to the message log, and to the run's too if the error is unknown."""
    detail = getattr(error, "detail", "")
    if detail:
        QgsMessageLog.logMessage(f"{error}\n{detail}", LOG_TAG, Qgis.MessageLevel.Info)
        if type(error) is QuadratError:
            feedback.pushDebugInfo(detail)
    text = str(error)
    hint = tr("Run the algorithm 'Set up the engine' (Processing toolbox, Quadrat > Engine).")
    if isinstance(error, EngineMissing) and "Set up the engine" not in text:
        text = f"{text} {hint}"
    return text
