"""Writes the models in `resources/models/` from the declared jobs; run it when a parameter that they show has changed.

`QT_HASH_SEED=0 python3 resources/tools/models.py` with QGIS's own Python. What a model neither asks for nor
fixes is at the default of its declaration; a test tells when these have changed, and the files must be written anew.
"""

import dataclasses
import os
import pathlib
import sys

from qgis.core import (
    QgsApplication,
    QgsProcessingModelAlgorithm,
    QgsProcessingModelChildAlgorithm,
    QgsProcessingModelChildParameterSource,
    QgsProcessingModelOutput,
    QgsProcessingModelParameter,
    QgsProcessingParameterDefinition,
)
from qgis.PyQt.QtCore import QPointF

ROOT = pathlib.Path(__file__).resolve().parents[2]
FOLDER = ROOT / "resources" / "models"
GROUP = "Favela"
Source = QgsProcessingModelChildParameterSource

SENTINEL2 = {
    "label": "Sentinel-2 (one date, level 2A)",
    "optional": False,
    "help": "All bands of one date without clouds in one raster of 10 m. Cells begin at its upper left corner.",
}
SENTINEL1 = {
    "label": "Sentinel-1 (VV and VH)",
    "help": "Radar of about the same date. Empty: optical bands only. croma-base wants both.",
}
BOUNDARY = {"label": "Boundary of the city", "help": "Cells are made inside. Empty: all over the Sentinel-2 raster."}
STREETS = {
    "help": "Lines of OpenStreetMap or of any source, of more than the city. Empty: variables of streets are left out."
}
DTM = {"help": "Such as the Copernicus DEM. Empty: slope and curvature are left out."}
BUILT_UP = {"help": "Such as GHS-BUILT-S: cells without buildings are discarded. Empty: only vegetation tells."}
BACKBONE = {
    "parent": "",
    "help": "What makes the vectors of cells. spectral-textural needs nothing. croma-base, that of the studies, needs "
    "the engine 'full' and its weights ('Get weights').",
}
PLACE = (
    ("sentinel2", "makecells", "optical", SENTINEL2),
    ("boundary", "makecells", "boundary", BOUNDARY),
    ("sentinel1", "embedcells", "second", SENTINEL1),
    ("streets", "cellvariables", "streets", STREETS),
    ("dtm", "cellvariables", "dtm", DTM),
    ("built_up", "makecells", "built_up", BUILT_UP),
    ("excluded", "makecells", "excluded", {}),
)
"""Inputs of both models: name, the job and parameter whose declaration it takes, and what is said otherwise."""
SAME_SIZE = {"help": "Metres; as published: 150."}
STEP_X, STEP_Y, STEP_TOP, INPUT_X, OUTPUT_X, ROW = 520.0, 150.0, 120.0, 130.0, 860.0, 75.0


@dataclasses.dataclass(frozen=True)
class Output:
    """A result of a step that the model gives to its user, on the command line as `step:name`."""

    step: str
    result: str
    name: str
    label: str
    help: str


@dataclasses.dataclass(frozen=True)
class Model:
    """What a model asks, its steps and its results."""

    file: str
    title: str
    help: str
    inputs: tuple
    steps: tuple
    """Job, and its parameters: `input name`, `=fixed value`, or `step.result`."""
    outputs: tuple


MAKE = {
    "raster": "sentinel2", "boundary": "boundary", "cell_size_m": "cell_size_m", "optical": "sentinel2",
    "built_up": "built_up", "excluded": "excluded", "sources": "sources", "band_roles": "band_roles",
}  # fmt: skip
VARIABLES = {
    "cells": "makecells.output", "optical": "sentinel2", "streets": "streets", "dtm": "dtm", "band_roles": "band_roles",
}  # fmt: skip
EMBED = {"cells": "cellvariables.output", "input": "sentinel2", "second": "sentinel1"}
ROLES = (
    "band_roles",
    "makecells",
    "band_roles",
    {"help": "Of Sentinel-2, where names and number of bands do not tell red and near infrared: red=3 nir=4."},
)
SOURCES = ("sources", "makecells", "sources", {})
MISUSE = "Such a map can harm the people on it: press Help and read the part on misuse before you publish one."
MAP = Output("mapsettlement", "output", "map", "Favela map", "Class, probability and votes of every cell.")
DISAGREEMENT = Output(
    "mapsettlement",
    "disagreement",
    "disagreement",
    "Disagreement map",
    "The same cells, coloured by how evenly methods are split.",
)

FAVELA = Model(
    "favela",
    "Map favelas of a city, all steps",
    "Makes cells and labels them from reference polygons, computes variables and vectors, trains the methods and maps "
    "every cell. The cells that it keeps go into 'Compare favela methods', and with the trained methods into 'Map "
    "favelas of another city, all steps'. " + MISUSE,
    (
        PLACE[0],
        ("favelas", "makecells", "favelas", {"optional": False, "help": "Known favelas: methods learn from them."}),
        ("residential", "makecells", "residential", {}),
        *PLACE[1:],
        ("zones", "makecells", "zones", {"advanced": True}),
        ("zone_field", "makecells", "zone_field", {"advanced": True}),
        ("cell_size_m", "makecells", "cell_size_m", {}),
        ("favela_least", "makecells", "favela_least", {}),
        ("backbone", "embedcells", "backbone", BACKBONE),
        ("methods", "trainsettlement", "methods", {}),
        ("variables", "cellvariables", "variables", {"advanced": True}),
        ("context", "embedcells", "context", {"advanced": True}),
        ROLES,
        SOURCES,
    ),
    (
        ("makecells", {
            **MAKE, "favelas": "favelas", "residential": "residential", "zones": "zones", "zone_field": "zone_field",
            "favela_least": "favela_least",
        }),
        ("cellvariables", {**VARIABLES, "variables": "variables"}),
        ("embedcells", {**EMBED, "backbone": "backbone", "context": "context"}),
        ("trainsettlement", {"cells": "embedcells.output", "methods": "methods"}),
        ("mapsettlement", {"cells": "embedcells.output", "methods": "trainsettlement.output"}),
    ),
    (
        MAP,
        DISAGREEMENT,
        Output("trainsettlement", "output", "methods", "Trained methods", "For other cities and dates."),
        Output(
            "embedcells", "output", "cells", "Labelled cells",
            "With all that the methods learnt from: to compare methods, to map another city.",
        ),
    ),
)  # fmt: skip
ELSEWHERE = Model(
    "favelaelsewhere",
    "Map favelas of another city, all steps",
    "Makes cells, variables and vectors as they were made where the methods were trained, and maps every cell. Nothing "
    "is known of how right it is in a city without reference: look at a sample before you believe it. " + MISUSE,
    (
        PLACE[0],
        ("methods", "mapsettlement", "methods", {"label": "Trained methods", "help": "Of 'Map favelas of a city'."}),
        (
            "like", "embedcells", "like",
            {"label": "Cells that they were trained on", "optional": False, "instead_of": "",
             "help": "The layer 'Labelled cells' of the same run: vectors are made in its space."},
        ),
        *PLACE[1:],
        ("cell_size_m", "makecells", "cell_size_m", {"help": "As where the methods were trained."}),
        ("decision", "mapsettlement", "decision", {}),
        ("prevalence", "mapsettlement", "prevalence", {}),
        ROLES,
        SOURCES,
    ),
    (
        ("makecells", MAKE),
        ("cellvariables", {**VARIABLES, "variables": "=nine"}),
        ("embedcells", {**EMBED, "like": "like"}),
        ("mapsettlement", {
            "cells": "embedcells.output", "methods": "methods", "decision": "decision", "prevalence": "prevalence",
        }),
    ),
    (MAP, DISAGREEMENT, Output("embedcells", "output", "cells", "Cells", "With all that the methods read.")),
)  # fmt: skip
MODELS = (FAVELA, ELSEWHERE)


def build(model: Model) -> QgsProcessingModelAlgorithm:
    """The model as Modeler knows it; the provider of Quadrat must be in the registry."""
    made = QgsProcessingModelAlgorithm(model.title, GROUP)
    helps = {"ALG_DESC": model.help}
    order = []
    for row, (name, job_id, parameter, changes) in enumerate(model.inputs):
        definition = _definition(name, job_id, parameter, changes)
        component = QgsProcessingModelParameter(definition.name())
        component.setPosition(QPointF(INPUT_X, 60 + ROW * row))
        made.addModelParameter(definition, component)
        helps[definition.name()] = definition.help()
        order.append(definition.name())
    made.setParameterOrder(order)
    for row, (job_id, given) in enumerate(model.steps):
        made.addChildAlgorithm(_child(model, row, job_id, given))
    helps.update({f"{o.step}:{o.name}": o.help for o in model.outputs})
    made.setHelpContent({name: text for name, text in helps.items() if text})
    return _with_plain_names(made)


def _with_plain_names(made: QgsProcessingModelAlgorithm) -> QgsProcessingModelAlgorithm:
    """The same model with results called `step:name` whichever QGIS writes it; newer ones would name them by labels."""
    again = QgsProcessingModelAlgorithm()
    again.loadVariant({**made.toVariant(), "internal_version": "Version1"})
    return again


def _definition(name: str, job_id: str, parameter: str, changes: dict) -> QgsProcessingParameterDefinition:
    from quadrat.core.jobs.registry import JOBS
    from quadrat.processing.parameters import definition

    p = dataclasses.replace(JOBS[job_id].params()[parameter], **changes)
    return definition(name, p, JOBS[job_id].defaults()[parameter])


def _child(model: Model, row: int, job_id: str, given: "dict[str, str]") -> QgsProcessingModelChildAlgorithm:
    child = QgsProcessingModelChildAlgorithm(f"quadrat:{job_id}")
    if child.algorithm() is None:
        raise SystemExit(f"There is no algorithm quadrat:{job_id}.")
    child.setChildId(job_id)
    child.setDescription(child.algorithm().displayName())
    child.setPosition(QPointF(STEP_X, STEP_TOP + STEP_Y * row))
    named = {name.upper(): _source(where) for name, where in given.items()}
    for d in child.algorithm().parameterDefinitions():
        needed = not d.flags() & d.Flag.FlagOptional and not d.isDestination()
        if d.name() in named:
            child.addParameterSources(d.name(), [named.pop(d.name())])
        elif needed and d.defaultValue() is not None:  # Modeler of QGIS 3.22 wants these told
            child.addParameterSources(d.name(), [Source.fromStaticValue(d.defaultValue())])
    if named:
        raise SystemExit(f"quadrat:{job_id} has no parameters {', '.join(named)}.")
    outputs = {}
    for place, o in enumerate(o for o in model.outputs if o.step == job_id):
        output = QgsProcessingModelOutput(o.name, o.label)
        output.setChildId(job_id)
        output.setChildOutputName(o.result.upper())
        output.setPosition(QPointF(OUTPUT_X, STEP_TOP + STEP_Y * row + ROW * place))
        outputs[o.name] = output
    child.setModelOutputs(outputs)
    return child


def _source(where: str) -> Source:
    if where.startswith("="):
        return Source.fromStaticValue(where[1:])
    step, dot, result = where.partition(".")
    return Source.fromChildOutput(step, result.upper()) if dot else Source.fromModelParameter(where.upper())


def main() -> None:
    """Write all files."""
    if os.environ.get("QT_HASH_SEED") != "0":
        raise SystemExit("Set QT_HASH_SEED=0, or every line of the files differs from what it was.")
    sys.path.insert(0, str(ROOT))
    import conftest  # noqa: F401  makes `quadrat` importable from the checkout

    application = QgsApplication([], False)
    application.initQgis()
    from quadrat.processing.provider import QuadratProvider

    provider = QuadratProvider()
    QgsApplication.processingRegistry().addProvider(provider)
    for model in MODELS:
        made = build(model)
        fits, why = made.validate()
        if not fits:
            raise SystemExit(f"{model.file}: {'; '.join(why)}")
        if not made.toFile(str(FOLDER / f"{model.file}.model3")):
            raise SystemExit(f"{model.file} could not be written.")
    application.exitQgis()


if __name__ == "__main__":
    main()
