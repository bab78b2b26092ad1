"""Several files as one parameter: lists and texts of a form, files that are not there, results of other steps."""

import os

import pytest
from qgis.core import (
    QgsProcessingModelAlgorithm,
    QgsProcessingModelChildAlgorithm,
    QgsProcessingModelChildParameterSource,
    QgsProcessingModelParameter,
    QgsProcessingParameterFile,
    QgsProperty,
)
from quadrat.core.errors import BadInput, BadJob


@pytest.fixture
def models(tmp_path):
    """Two files of the right ending; their paths."""
    paths = [str(tmp_path / name) for name in ("first model.qseries", "second.qseries")]
    for path in paths:
        with open(path, "w", encoding="utf-8") as file:
            file.write("no model")
    return paths


def test_several_files_of_a_form(request_of, models, tmp_path):
    output = str(tmp_path / "page.html")
    for value in (models, tuple(models), ";".join(models), [QgsProperty.fromValue(models[0]), models[1]]):
        assert request_of("reportindicator", MODELS=value, OUTPUT=output).job.models == tuple(models)
    relative = os.path.relpath(models[0])
    assert request_of("reportindicator", MODELS=relative, OUTPUT=output).job.models == (models[0],)
    with pytest.raises(BadInput, match="Models: there is no file"):
        request_of("reportindicator", MODELS=[models[0], str(tmp_path / "gone.qseries")], OUTPUT=output)
    for nothing in (None, [], ""):
        with pytest.raises(BadJob, match=r"needs a value for: Models \(MODELS\)"):
            request_of("reportindicator", MODELS=nothing, OUTPUT=output)
    with pytest.raises(BadJob, match="would overwrite Models"):
        request_of("reportindicator", MODELS=models, OUTPUT=models[1])


def test_in_a_model_several_files_come_together(provider, models, tmp_path, context, feedback):
    model = QgsProcessingModelAlgorithm("reports")
    source = QgsProcessingModelChildParameterSource
    for name in ("a", "b"):
        model.addModelParameter(QgsProcessingParameterFile(name, name), QgsProcessingModelParameter(name))
    child = QgsProcessingModelChildAlgorithm("quadrat:reportindicator")
    child.setChildId("report")
    child.addParameterSources("MODELS", [source.fromModelParameter("a"), source.fromModelParameter("b")])
    child.addParameterSources("OUTPUT", [source.fromStaticValue(str(tmp_path / "page.html"))])
    model.addChildAlgorithm(child)
    _, ok = model.run({"a": models[0], "b": models[1]}, context, feedback)
    assert not ok
    log = feedback.textLog()
    assert models[1] in log
    assert f"{models[0]} is not a model for series" in log
