"""The toolbox's form of jobs that know backbones: QGIS's own, with more said below some of its controls.

Widgets, values and layout are QGIS's; batch, Modeler and qgis_process never come here.
"""

import os
from dataclasses import replace
from typing import Any, Dict, List, Optional, Tuple, Type

from processing.gui.AlgorithmDialog import AlgorithmDialog
from processing.gui.ParametersPanel import ParametersPanel
from qgis.core import QgsProcessing, QgsProcessingUtils
from qgis.PyQt.QtCore import QEvent
from qgis.PyQt.QtWidgets import QComboBox, QLineEdit, QWidget

from ...core.bands import wish
from ...core.bands.wish import FIRST_DATE
from ...core.errors import QuadratError
from ...core.jobs.addresses import is_remote
from ...core.jobs.declare import Job, Kind
from ...core.jobs.poverty.embedding import several_dates
from ...core.jobs.registry import FORETOLD
from ...models.registry import BACKBONES
from ..i18n import tr
from ..parameters import key
from ..sources import evaluated, path_unseen
from ..values import Reader
from .backbone import BackboneBox
from .fits import Answer, Fits, Question
from .foreteller import ForecastRow, Foreteller, Wanted
from .roles import RolesField

HELPED = (Kind.BACKBONE, Kind.ROLES)
"""Kinds of parameters that this form says more of."""
ASKED = (*HELPED, Kind.RASTER, Kind.BANDS, Kind.TEXT)
"""Kinds of parameters that matter to what is said."""
MONTHS = "months"
"""The parameter that tells them, where a job has it."""
CELLS = "cells"
"""The parameter of jobs that see polygons of a layer."""
SERIES = "series"
"""The raster of jobs that see each of its dates by itself."""


class FormDialog(AlgorithmDialog):
    """QGIS's window around the form."""

    def __init__(self, algorithm: Any, parent: Optional[QWidget] = None) -> None:
        super().__init__(algorithm, parent=parent)

        if self.mainWidget() is not None:
            self.algorithmFinished.connect(self.mainWidget().look_again)

    def runAlgorithm(self) -> None:  # noqa: N802 - QGIS's name
        """Run; a measurement that is under way would only be slowed down, and slow down."""
        self.mainWidget().stop_measuring()
        super().runAlgorithm()

    def getParametersPanel(self, alg: Any, parent: QWidget) -> "FormPanel":  # noqa: N802 - QGIS's name
        """The form itself."""
        return FormPanel(parent, alg)


class FormPanel(ParametersPanel):
    """Puts notes below lists of backbones and fields of bands, and asks the engine what to write there."""

    def __init__(self, parent: QWidget, algorithm: Any) -> None:
        self._job: Type[Job] = algorithm.JOB
        self._boxes: Dict[str, BackboneBox] = {}
        self._fields: Dict[str, RolesField] = {}
        self._rasters = _rasters(self._job)
        self._trouble = ""
        """Why a layer cannot be looked at."""
        self.fits: Optional[Fits] = None
        self.foreteller: Optional[Foreteller] = None
        super().__init__(parent, algorithm)
        self.fits = Fits(self)
        self.fits.changed.connect(self._show)
        self._foretell()
        for name, p in self._job.params().items():
            if p.kind in ASKED or p.instead_of:
                self.wrappers[key(name)].widgetValueHasChanged.connect(self._on_value_changed)
        self._on_value_changed()

    def addParameterWidget(self, parameter: Any, widget: QWidget, stretch: int = 0) -> None:  # noqa: N802 - QGIS's name
        """A control as QGIS made it, alone or with notes below it."""
        name = parameter.name().lower()
        p = self._job.params()[name]
        if p.kind is Kind.BACKBONE and isinstance(widget, QComboBox):
            widget = self._boxes[name] = BackboneBox(widget, p.choices)
        elif p.kind is Kind.ROLES and isinstance(widget, QLineEdit):
            widget = self._fields[name] = RolesField(widget, self._rasters.index(p.parent))
        super().addParameterWidget(parameter, widget, stretch)

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802 - Qt's name
        """Look again when the user comes back from another window, where he may have fetched weights."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.ActivationChange and self.fits is not None and self.isActiveWindow():
            self.fits.renew()

    def look_again(self, *_: Any) -> None:
        """The form has changed; or a run has ended, and more is known of how long it takes."""
        if self.foreteller is not None:
            self.foreteller.look()

    def stop_measuring(self) -> None:
        """End what the form measures."""
        if self.foreteller is not None:
            self.foreteller.stop()

    def _foretell(self) -> None:
        """Below the list of backbones: how long the job takes, where that can be told of such jobs."""
        if self._job.facts.id not in FORETOLD or not self._boxes:
            return
        self.foreteller = Foreteller(self, self._wanted)
        next(iter(self._boxes.values())).add(ForecastRow(self.foreteller))
        self.foreteller.changed.connect(self._show)
        self.fits.changed.connect(self.foreteller.look)
        for wrapper in self.wrappers.values():
            wrapper.widgetValueHasChanged.connect(self.look_again)

    def _wanted(self) -> Optional[Wanted]:
        """The job as the form stands; None where something is missing, does not fit, or is far away."""
        box = next(iter(self._boxes.values()))
        if self.fits.asking or not (box.runs(self.fits.answer) or self._instead("backbone")):
            return None
        values = {key(name): self.wrappers[key(name)].parameterValue() for name in self._job.params()}
        try:
            if any(is_remote(self._path(name)) for name in self._rasters):
                return None  # the form would wait for the network
            request = Reader(self.algorithm(), self._job, values, self.processing_context).request()
        except QuadratError:  # Run will say what is wrong
            return None
        job = request.job
        if job.scheduler:
            return None  # other computers do the work
        if job.output == QgsProcessing.TEMPORARY_OUTPUT or not job.output:
            job = replace(job, output=os.path.join(QgsProcessingUtils.tempFolder(), "embedding.tif"))
        return Wanted(job, tuple(request.copies))

    def _on_value_changed(self, *_: Any) -> None:
        self._trouble, question = "", Question()
        try:
            paths = [*(self._path(name) for name in self._rasters), "", ""]
            if paths[0]:
                wishes = [*(self._wish(name) for name in self._rasters), ""]
                question = Question(paths[0], paths[1], wishes[0], wishes[1] if paths[1] else "", self._months())
        except QuadratError as error:  # a layer that is no file
            self._trouble = str(error)
        self.fits.put(question)
        self._show()

    def _show(self) -> None:
        answer, question = self._for_job(self.fits.answer), self.fits.question
        waiting = tr("Looking at the bands…") if self.fits.asking and question and question.input else ""
        for name, box in self._boxes.items():
            foretold = self.foreteller is not None and self.foreteller.known
            box.show_answer(answer, self._instead(name), self._trouble or waiting, foretold)
        backbone = next((box.value for box in self._boxes.values()), "")
        for field in self._fields.values():
            field.show_answer(answer, backbone, self._problem() if field.value else "")

    def _for_job(self, answer: Answer) -> Answer:
        """Without the time that the whole raster takes, where windows around cells are seen instead.

        Where each date of a series is told by itself, what takes several dates as one does not fit.
        """
        dated = SERIES in self._rasters
        if CELLS not in self._job.params() and not dated:
            return answer
        cards = {name: {**card, "time": ""} for name, card in answer.cards.items()}
        if not dated:
            return replace(answer, cards=cards)
        for name, card in cards.items():
            if BACKBONES[name].series:
                card.update(fits=False, why=several_dates(BACKBONES[name]))
        bands = tuple(
            {**one, "sentences": [t for t in one["sentences"] if FIRST_DATE not in t]} for one in answer.bands
        )
        fitting = dict(sorted(cards.items(), key=lambda item: not item[1]["fits"]))
        return replace(answer, cards=fitting, bands=bands, default="")

    def _instead(self, backbone: str) -> str:
        for name, p in self._job.params().items():
            if p.instead_of == backbone and self._value(name):
                return tr("Not used: '{label}' brings its own backbone.").format(label=tr(p.label))
        return ""

    # Values of the form ------------------------------------------------------------------------------------------

    def _value(self, name: str) -> Any:
        return evaluated(self.wrappers[key(name)].parameterValue(), self.processing_context)

    def _path(self, name: str) -> str:
        return path_unseen(self._value(name), tr(self._job.params()[name].label), self.processing_context)

    def _numbers(self, name: str) -> Tuple[int, ...]:
        return tuple(int(number) for number in self._value(name) or ())

    def _wish(self, raster: str) -> str:
        """Bands of a raster as roles, or else as numbers; what cannot be read is complained of beside the field."""
        of_raster = [(name, p.kind) for name, p in self._job.params().items() if p.parent == raster and raster]
        roles = [self._fields[name].wish for name, kind in of_raster if name in self._fields]
        numbers = [" ".join(map(str, self._numbers(name))) for name, kind in of_raster if kind is Kind.BANDS]
        return next((text for text in (*roles, *numbers) if text and not wish.problem(text)), "")

    def _months(self) -> str:
        """Months as typed; what cannot be read, or is not finished, says nothing yet."""
        text = str(self._value(MONTHS) or "") if MONTHS in self._job.params() else ""
        return "" if wish.months_problem(text) else text

    def _problem(self) -> str:
        """What the job itself says against the bands that are typed; other complaints wait for Run."""
        if not all(box.value for box in self._boxes.values()):
            return ""  # an old script named a backbone that there is no more
        values: Dict[str, Any] = {}
        for name, p in self._job.params().items():
            if p.kind is Kind.BANDS:
                values[name] = self._numbers(name)
            elif p.kind in ASKED:
                values[name] = str(self._value(name) or "")
        without = {name: "" for name, p in self._job.params().items() if p.kind is Kind.ROLES}
        problem = self._job(**values).problem()
        return tr(problem) if problem != self._job(**{**values, **without}).problem() else ""


def _rasters(job: Type[Job]) -> List[str]:
    """Names of the rasters that backbones of a job get, else those whose bands are told."""
    params = job.params().values()
    named = [p.parent.split() for p in params if p.kind is Kind.BACKBONE and p.parent]
    return named[0] if named else [p.parent for p in params if p.kind is Kind.ROLES]
