"""Declared parameters as Processing parameters: names, labels, help, defaults, flags, for every job there is."""

import pytest
from qgis.core import QgsProcessing, QgsProcessingParameterDefinition
from quadrat.core.jobs.declare import CHOICES, OUTPUTS, Kind, Param
from quadrat.core.jobs.registry import ALL
from quadrat.processing.parameters import definitions, file_filter, label_of

Flag = QgsProcessingParameterDefinition.Flag
JOBS = pytest.mark.parametrize("job", ALL, ids=lambda job: job.facts.id)

TYPES = {
    Kind.RASTER: "raster", Kind.VECTOR: "source", Kind.FILE: "file", Kind.FOLDER: "file", Kind.BANDS: "band",
    Kind.FIELD: "field", Kind.FIELDS: "field", Kind.INTEGER: "number", Kind.NUMBER: "number", Kind.CHOICE: "enum",
    Kind.FLAG: "boolean", Kind.TEXT: "string", Kind.EXTENT: "extent", Kind.RASTER_OUT: "rasterDestination",
    Kind.VECTOR_OUT: "vectorDestination", Kind.FILE_OUT: "fileDestination", Kind.BACKBONE: "enum", Kind.SEVERAL: "enum",
    Kind.ROLES: "string", Kind.CRS: "crs", Kind.LAYERS: "multilayer", Kind.RASTERS: "multilayer",
    Kind.FILES: "multilayer", Kind.FOLDER_OUT: "folderDestination",
}  # fmt: skip


def test_every_kind_has_a_parameter():
    assert set(TYPES) == set(Kind)


@JOBS
def test_names_are_the_field_names_in_capitals_and_in_order(job):
    assert [d.name() for d in definitions(job)] == [name.upper() for name in job.params()]


@JOBS
def test_facts_come_from_the_declaration(job):
    for d, (name, p) in zip(definitions(job), job.params().items()):
        assert d.type() == TYPES[p.kind], name
        assert d.description() == label_of(p)
        assert d.help() == p.help
        assert bool(d.flags() & Flag.FlagOptional) == p.optional, name
        assert bool(d.flags() & Flag.FlagAdvanced) == p.advanced, name
        if p.kind in OUTPUTS:
            assert d.createByDefault() == p.by_default
            assert d.isDestination()


@JOBS
def test_defaults_ranges_and_choices_come_from_the_declaration(job):
    defaults = job.defaults()
    for d, (name, p) in zip(definitions(job), job.params().items()):
        if p.kind in (Kind.INTEGER, Kind.NUMBER):
            assert (d.minimum(), d.maximum(), d.defaultValue()) == (p.minimum, p.maximum, defaults[name])
        if p.kind in CHOICES:
            assert tuple(d.options()) == p.choices
            several = p.kind is Kind.SEVERAL
            assert d.allowMultiple() == several
            assert d.defaultValue() == (list(defaults[name]) if several else defaults[name])
            assert d.usesStaticStrings(), "scripts and models must not depend on the order of a list"
        if p.kind is Kind.FLAG:
            assert d.defaultValue() is defaults[name]
        for parent in p.parent.upper().split():
            assert parent in [other.name() for other in definitions(job)]
            if p.kind in (Kind.BANDS, Kind.FIELD, Kind.FIELDS):
                assert d.parentLayerParameterName() == parent


def test_unit_stands_behind_the_label():
    assert label_of(Param(Kind.NUMBER, "Spatial block", unit="m")) == "Spatial block (m)"
    assert label_of(Param(Kind.NUMBER, "Spatial block")) == "Spatial block"


def test_file_filters():
    assert file_filter(Param(Kind.FILE_OUT, "Head", extension="qhead")) == "Head (*.qhead)"
    weights = file_filter(Param(Kind.FILE, "Weights", extension="pth pt"))
    assert weights.startswith("Weights (*.pth *.pt);;")
    assert file_filter(Param(Kind.FILE, "Python")) == "All files (*)"


def test_mask_takes_polygons_and_labels_take_tables_too():
    from quadrat.core.jobs.embed import EmbedRaster
    from quadrat.core.jobs.fewshot import TrainHead

    by_name = {d.name(): d for job in (EmbedRaster, TrainHead) for d in definitions(job)}
    assert by_name["MASK"].dataTypes() == [QgsProcessing.SourceType.TypeVectorPolygon]
    assert by_name["LABELS"].dataTypes() == [QgsProcessing.SourceType.TypeVector]
