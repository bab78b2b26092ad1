"""What every algorithm of the toolbox must hold to; whoever adds one gets these tests for nothing."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from qgis.core import QgsApplication, QgsProcessingContext, QgsProcessingParameterDefinition
from quadrat.core.jobs.declare import Kind
from quadrat.core.jobs.registry import JOBS
from quadrat.processing.icons import icon_path
from quadrat.processing.models import model_files
from quadrat.processing.pages import page_url
from quadrat.processing.provider import ALGORITHMS

EVERY = pytest.mark.parametrize("algorithm_class", ALGORITHMS, ids=lambda a: a.JOB.facts.id)
GROUPS = {"embed", "fewshot", "favela", "poverty", "reef", "engine"}

RELEASED = {
    "applyhead": (
        "fewshot",
        "HEAD EMBEDDING TABLE EXTENT THREADS UNSURE PREVALENCE OUTPUT CONFIDENCE PROBABILITIES APPLICABILITY "
        "OUTPUT_TABLE",
    ),
    "assesshead": (
        "fewshot",
        "LABELS FIELD EMBEDDING FEATURE_FIELDS TARGET HEAD GROUP_FIELD BALANCE CALIBRATION ENSEMBLE MEMBERS COMBINE "
        "ALL_TOUCHED MAX_CELLS THREADS SEED "
        "FOLDS REPEATS BLOCK_SIZE_M OUTPUT",
    ),
    "choosebackbone": ("embed", "INPUT BAND_ROLES SECOND SECOND_BAND_ROLES OUTPUT"),
    "cellvariables": (
        "favela",
        "CELLS OPTICAL STREETS DTM VARIABLES NDVI_ABOVE BAND_ROLES VALUES STREET_FIELD LEAVE_OUT DEAD_ENDS SNAP_M "
        "AT_CROSSINGS OUTPUT",
    ),
    "drawsample": (
        "fewshot",
        "MAP UNITS UNIT_FIELD STRATUM_FIELD WITHOUT_STRATUM DESIGN SIZE HALF_WIDTH_PERCENT EXPECTED_ACCURACY_PERCENT "
        "MINIMUM MASK EARLIER BLIND SEED OUTPUT",
    ),
    "embedraster": (
        "embed",
        "INPUT BACKBONE MODEL BANDS BAND_ROLES SECOND SECOND_BANDS SECOND_BAND_ROLES VALUES EXTENT MASK LIKE "
        "DIMENSIONS PATCH_SIZE_PX STORAGE SCALING TILE_SIZE_PX OVERLAP_PX WEIGHTS DOWNLOAD DEVICE BATCH_SIZE THREADS "
        "SEED OUTPUT",
    ),
    "estimatearea": (
        "fewshot",
        "SAMPLE FIELD TARGET MAP UNITS PREDICTION_FIELD UNIT_FIELD STRATUM_FIELD DESIGN POPULATION ESTIMATOR "
        "UNIT_WEIGHT HALF_WIDTH_PERCENT OF_CLASS VALUE_UNIT MASK SEED OUTPUT",
    ),
    "fetchweights": ("engine", "BACKBONE MODEL FILE ACCEPT_LICENCE"),
    "trainsettlement": (
        "favela",
        "CELLS METHODS LABEL_FIELD POSITIVE FEATURE_FIELDS VARIABLE_FIELDS BALANCE MEMBERS BLOCK_SIZE_M THREADS SEED "
        "TEST OUTPUT",
    ),
    "comparesettlement": (
        "favela",
        "CELLS METHODS LABEL_FIELD POSITIVE FEATURE_FIELDS VARIABLE_FIELDS BALANCE MEMBERS BLOCK_SIZE_M THREADS SEED "
        "ZONE_FIELD FOLDS REPEATS INNER_FOLDS OUTPUT ERRORS",
    ),
    "followsettlement": (
        "favela",
        "METHODS CELLS DATES REFERENCE STABLE_FIELD LEVEL CONTROL DECIDES DECISION PREVALENCE CLASSIFY_ALL THREADS "
        "SEED OUTPUT",
    ),
    "mapsettlement": (
        "favela",
        "METHODS CELLS DECIDES DECISION PREVALENCE CLASSIFY_ALL THREADS OUTPUT DISAGREEMENT",
    ),
    "embedcells": (
        "embed",
        "INPUT BACKBONE MODEL BANDS BAND_ROLES SECOND SECOND_BANDS SECOND_BAND_ROLES MONTHS VALUES DIMENSIONS SCALING "
        "TILE_SIZE_PX WEIGHTS DOWNLOAD DEVICE BATCH_SIZE THREADS SEED CELLS CONTEXT WINDOW_PX LIKE OUTPUT",
    ),
    "makecells": (
        "favela",
        "BOUNDARY EXTENT RASTER CELLS CELL_SIZE_M SNAP PARTIAL NODATA CRS ZONES ZONE_FIELD FAVELAS RESIDENTIAL OPTICAL "
        "BAND_ROLES VALUES BUILT_UP BUILT_UP_VALUES EXCLUDED FAVELA_LEAST RESIDENTIAL_FAVELA_MOST RESIDENTIAL_LEAST "
        "NDVI_ABOVE VEGETATION_BELOW BUILT_UP_ABOVE EXCLUDED_MOST SOURCES MOST_CELLS OUTPUT",
    ),
    "preparesurvey": (
        "poverty",
        "SURVEY VALUE_FIELD COORDINATES AREAS YEAR ROWS INDICATOR RECODING CLUSTER_FIELD YEAR_FIELD URBAN_FIELD "
        "WEIGHT_FIELD REGION_FIELD LONGITUDE_FIELD LATITUDE_FIELD CRS URBAN_CODES RURAL_CODES URBAN_M RURAL_M FAR_M "
        "FAR_PERCENT OUTPUT CODES",
    ),
    "manageweights": ("engine", "WHAT NAME FOLDER"),
    "openembedding": (
        "embed",
        "INPUT PRODUCT SPACE BANDS EXTENT MASK CELL_SIZE_PX PLACE SCALE OFFSET NODATA UNIT_LENGTH STORAGE OUTPUT",
    ),
    "prepareseries": (
        "poverty",
        "FOLDER PATTERN SUBFOLDERS RASTERS DATE_TABLE BANDS BAND_NAMES FREQUENCY ALIGN RESAMPLING SCALE_CHANGE VALUES "
        "SENSOR_CHANGE NODATA OUTPUT REPORT",
    ),
    "trainseries": (
        "poverty",
        "SERIES SURVEY PROXY BANDS METHOD BACKBONE MODEL DIMENSIONS BAND_ROLES VALUES CONTEXT WEIGHTS DOWNLOAD "
        "DISPLACEMENT CELL_PX PATCH_PX EXTENT MOST_CELLS MODELS APART BLOCK_SIZE_M HELD_EXTENT HELD_AREA BESIDE_RANDOM "
        "EPOCHS PATIENCE LEARNING_RATE BATCH_SIZE POOLING END PIXELS DARK_CELLS START_FROM TRANSFER DEVICE THREADS "
        "SEED OUTPUT REPORT",
    ),
    "mapindicator": ("poverty", "MODEL SERIES EXTENT LEVEL WEIGHTS DEVICE THREADS OUTPUT ERROR CELLS"),
    "mapchange": ("poverty", "MODEL SERIES EXTENT LEVEL WEIGHTS DEVICE THREADS FIRST LAST OUTPUT CLASSES ERROR"),
    "reportindicator": ("poverty", "MODELS LEVEL OUTPUT"),
    "assessseries": (
        "poverty",
        "SAMPLES FEATURE_FIELDS VALUE_FIELD METHODS YEAR_FIELD REGION_FIELD USE_REGION FOLD_FIELD GROUP_FIELD "
        "URBAN_FIELD FOLDS REPEATS BLOCK_SIZE_M THREADS SEED OUTPUT ERRORS HELD_EXTENT HELD_AREA",
    ),
    "importreef": (
        "reef",
        "FOLDER SUBFOLDERS ANNOTATIONS ANNOTATION_FOLDER ANNOTATOR LABEL_SETS NAMES TABLE TRACKS CLOCK DEPTH_LOG "
        "SURVEY CONFLICTS NAME_FIELD SITE_FIELD TRANSECT_FIELD QUADRAT_FIELD DATE_FIELD DEPTH_FIELD AREA_FIELD CRS "
        "GAP_S LOG_CLOCK AREA_M2 OUTPUT",
    ),
    "placepoints": (
        "reef",
        "SURVEY ORTHOMOSAIC DESIGN POINTS ROWS COLUMNS PER_CELL MARGINS WITH_POINTS SEED QUADRAT_M QUADRATS "
        "QUADRAT_DESIGN SPACING_M MASK SEEN_PERCENT PIXEL_M OUTPUT",
    ),
    "trainreef": (
        "reef",
        "SURVEY BACKBONE MODEL ARRANGEMENT HEAD ANNOTATORS STATES LEFT_OUT WISH TESTS CURVE MOST_POINTS PATCH_PX "
        "PADDING CALIBRATION BALANCE WEIGHTS DOWNLOAD DEVICE THREADS SEED OUTPUT REPORT",
    ),
    "suggestreef": (
        "reef",
        "SURVEY MODEL PHOTOS TRUST WISH ACCEPT ACCEPT_LEVEL ACCEPTED_BY WEIGHTS DOWNLOAD DEVICE THREADS OUTPUT",
    ),
    "checkreef": (
        "reef",
        "SURVEY TARGETS TREE_LEVEL TOLERANCE BATCH SAID ANNOTATORS LEARNT_FIELD SEED OUTPUT REPORT",
    ),
    "reefcover": (
        "reef",
        "SURVEY GROUPS GROUP_FIELD PERIOD METHODS LEFT_OUT DIVERSE ANNOTATORS REACH CHECKED LEARNT_FIELD LEVEL SEED "
        "OUTPUT WIDE DIVERSITY SITES REPORT",
    ),
    "exportreef": (
        "reef",
        "SURVEY ANNOTATORS STATES PHOTOS SITES UNLABELLED BARE_NAMES LABEL COLUMNS FIELDS PATCH_PX CODE_FILE "
        "PHOTO_FOLDER NOTES LABELSET_AS CORALNET CPCE CPCE_CODES TOOLBOX TOOLBOX_LABELS LABELSET",
    ),
    "setupengine": ("engine", "SIZE TORCH PYTHON WHEELS AGAIN"),
    "speedtest": (
        "engine",
        "BACKBONE INPUT MODEL COLUMNS ROWS BANDS PATCH_SIZE_PX SECONDS SIDE_PX WEIGHTS DEVICE THREADS SEED OUTPUT",
    ),
    "trainhead": (
        "fewshot",
        "LABELS FIELD EMBEDDING FEATURE_FIELDS TARGET HEAD GROUP_FIELD BALANCE CALIBRATION ENSEMBLE MEMBERS COMBINE "
        "ALL_TOUCHED MAX_CELLS THREADS SEED "
        "COVERAGE OUTPUT",
    ),
    "suggestlabels": (
        "fewshot",
        "EMBEDDING COUNT STRATEGY LABELS FIELD HEAD MASK SPACING_M CLASS_FIELD CANDIDATES THREADS SEED OUTPUT",
    ),
    "explainplaces": (
        "fewshot",
        "LABELS FIELD EMBEDDING PLACES HEAD COUNT EACH_CLASS PROTOTYPES MAX_CELLS THREADS SEED OUTPUT "
        "OUTPUT_PROTOTYPES",
    ),
    "exportonnx": ("embed", "EMBEDDING HEAD WEIGHTS OUTPUT"),
    "findsimilar": (
        "embed",
        "EMBEDDING PLACES HOW COUNT SPACING_M THREADS SEED OUTPUT OUTPUT_PLACES",
    ),
    "reduceembedding": (
        "embed",
        "EMBEDDING METHOD DIMENSIONS CELLS NEIGHBOURS LABELS FIELD THREADS SEED OUTPUT OUTPUT_POINTS",
    ),
    "clusterembedding": (
        "embed",
        "EMBEDDING METHOD CLUSTERS SMALLEST_PERCENT CELLS THREADS SEED OUTPUT",
    ),
}
"""Ids, groups and parameters that models and scripts out there rely on. Add; never change or take away."""


def test_released_names_are_still_there(provider):
    for algorithm_id, (group, names) in RELEASED.items():
        algorithm = provider.algorithm(algorithm_id)
        assert algorithm is not None, algorithm_id
        assert algorithm.groupId() == group
        have = {d.name() for d in algorithm.parameterDefinitions()}
        assert set(names.split()) <= have, algorithm_id


def test_every_job_is_in_the_toolbox(provider):
    assert {a.name() for a in provider.algorithms()} == set(JOBS) | {path.stem for path in model_files()}
    assert provider.id() == "quadrat"


@EVERY
def test_ids_icons_and_words(provider, algorithm_class):
    algorithm = provider.algorithm(algorithm_class.JOB.facts.id)
    assert re.fullmatch("[a-z]+", algorithm.name())
    assert algorithm.groupId() in GROUPS
    assert os.path.isfile(icon_path(algorithm_class.ICON))
    assert not algorithm.icon().isNull()
    assert algorithm.displayName() and algorithm.group() and algorithm.shortDescription().endswith(".")
    assert "quadrat" in algorithm.tags()
    help_text = algorithm.shortHelpString()
    assert algorithm.shortDescription() in help_text
    assert algorithm.helpUrl() == page_url(algorithm.groupId())


@EVERY
def test_each_parameter_explains_itself(provider, algorithm_class):
    """A label that says it all (input and output layers, a number of threads) needs no help; choices and fields do."""
    for d in provider.algorithm(algorithm_class.JOB.facts.id).parameterDefinitions():
        p = algorithm_class.JOB.params()[d.name().lower()]
        assert d.description(), d.name()
        puzzling = p.kind in (Kind.FIELD, Kind.FIELDS, Kind.EXTENT, Kind.BANDS, Kind.TEXT, Kind.ROLES) or p.optional
        plain_result = p.kind in (Kind.RASTER_OUT, Kind.VECTOR_OUT) and p.by_default
        assert d.help() or plain_result or not puzzling, d.name()


@EVERY
def test_can_execute_and_copies_itself(provider, algorithm_class):
    algorithm = provider.algorithm(algorithm_class.JOB.facts.id)
    assert algorithm.canExecute()[0]
    copy = algorithm.create()
    assert type(copy) is algorithm_class
    assert [d.name() for d in copy.parameterDefinitions()] == [d.name() for d in algorithm.parameterDefinitions()]
    NoThreading = type(algorithm).Flag.FlagNoThreading
    assert not algorithm.flags() & NoThreading


@EVERY
def test_empty_parameters_are_refused_in_a_sentence_with_labels(provider, algorithm_class):
    algorithm = provider.algorithm(algorithm_class.JOB.facts.id)
    required = [p.label for p in algorithm_class.JOB.params().values() if p.required]
    fits, why = algorithm.checkParameterValues({}, QgsProcessingContext())
    assert fits == (not required and not algorithm_class.JOB().problem())
    for label in required:
        assert label in why
    if not fits:
        assert why.endswith(".")


@EVERY
def test_outputs_are_declared_for_models(provider, algorithm_class):
    algorithm = provider.algorithm(algorithm_class.JOB.facts.id)
    destinations = [d.name() for d in algorithm.parameterDefinitions() if d.isDestination()]
    declared = algorithm.outputDefinitions()
    assert [o.name() for o in declared if o.name() in destinations] == destinations
    further = {o.type() for o in declared if o.name() not in destinations}
    assert further <= {"outputNumber", "outputFile", "outputFolder"}, "told beside the files that the user named"


@pytest.mark.parametrize("algorithm", ["assesshead", "estimatearea", "comparesettlement"])
def test_reports_open_in_the_results_viewer(provider, algorithm):
    assert provider.algorithm(algorithm).outputDefinition("OUTPUT").type() == "outputHtml"


def test_advanced_parameters_are_folded_away(provider):
    definition = provider.algorithm("embedraster").parameterDefinition("BATCH_SIZE")
    assert definition.flags() & QgsProcessingParameterDefinition.Flag.FlagAdvanced


def test_formats(provider):
    assert provider.defaultRasterFileExtension() == "tif"
    assert provider.defaultVectorFileExtension() == "gpkg"
    assert not provider.supportsNonFileBasedOutput()


def test_missing_engine_names_the_algorithm_that_makes_it(provider, make_raster, tmp_path, monkeypatch):
    from qgis.core import QgsProcessingException

    import processing

    monkeypatch.delenv("QUADRAT_PYTHON", raising=False)
    monkeypatch.setenv("QUADRAT_HOME", str(tmp_path / "nothing here"))
    with pytest.raises(QgsProcessingException, match="Set up the engine"):
        processing.run("quadrat:embedraster", {"INPUT": make_raster(), "OUTPUT": str(tmp_path / "a.tif")})
    assert not (tmp_path / "a.tif").exists()


LOADING = """
import sys
sys.path.insert(0, {root!r})
import conftest
sys.path.remove({root!r})
from qgis.core import QgsApplication
application = QgsApplication([], False)
application.initQgis()
before = set(sys.modules)  # QGIS 3.22 imports qgis.gui by itself
from quadrat import classFactory
plugin = classFactory(None)
plugin.initProcessing()
assert QgsApplication.processingRegistry().algorithmById("quadrat:embedraster") is not None
forbidden = "torch timm rasterio sklearn geopandas pandas onnxruntime skops scipy zstandard numpy qgis.gui"
print(sorted(set(forbidden.split()) & (set(sys.modules) - before)))
application.exitQgis()
"""


def test_loading_the_provider_brings_in_no_heavy_library_and_no_gui():
    """A process of its own: this one has numpy and qgis.gui from the tests."""
    root = str(Path(__file__).resolve().parents[2])
    command = [sys.executable, "-c", LOADING.format(root=root)]
    environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen"}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=60)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "[]"


def test_qgis_has_the_numpy_that_its_gdal_was_built_with(qgis_app):
    """A newer numpy in the environment breaks this import and nothing else, so that nobody notices."""
    import numpy as np
    from osgeo import gdal_array

    assert gdal_array.NumericTypeCodeToGDALTypeCode(np.uint8) == 1
    assert QgsApplication.instance() is not None
