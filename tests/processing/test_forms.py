"""The real form of the toolbox: what it says of backbones and bands, and that QGIS's own widgets stay what they are."""

import gc
import threading

import pytest
from qgis.core import QgsApplication, QgsProject, QgsRasterLayer
from qgis.PyQt import sip
from qgis.PyQt.QtCore import QEvent, Qt
from qgis.PyQt.QtWidgets import QApplication
from quadrat.core.errors import QuadratError
from quadrat.core.jobs.embed import EmbedRaster
from quadrat.models.registry import BACKBONES, DEFAULT_BACKBONE
from quadrat.processing import background
from quadrat.processing.environment import Engine
from quadrat.processing.forms import fits
from quadrat.processing.forms.dialog import FormDialog, FormPanel


@pytest.fixture
def answered(qtbot):
    """Wait until a form has its answer."""

    def answered(form):
        panel = form.mainWidget()
        qtbot.waitUntil(lambda: panel.fits.question is not None and not panel.fits.asking, timeout=30_000)
        return panel.fits.answer

    return answered


def box_of(form):
    return form.mainWidget()._boxes["backbone"]


def roles_of(form, name="band_roles"):
    return form.mainWidget()._fields[name]


def names_in(combo):
    return [combo.itemData(row) for row in range(combo.count())]


def choose(form, name):
    combo = box_of(form).combo
    combo.setCurrentIndex(combo.findData(name))


@pytest.fixture
def named_raster(make_raster):
    """A raster whose bands bear names of Sentinel-2, in an order of their own."""
    from osgeo import gdal

    def named(names, file="named.tif"):
        path = make_raster(file, bands=len(names))
        dataset = gdal.Open(path, gdal.GA_Update)
        for number, name in enumerate(names, 1):
            dataset.GetRasterBand(number).SetDescription(name)
        dataset = None  # closes the file
        return path

    return named


def test_what_fits_comes_first_and_the_suggestion_is_marked(open_form, answered, named_raster):
    form = open_form(INPUT=named_raster(["B04", "B03", "B02"]))
    assert isinstance(form, FormDialog) and isinstance(form.mainWidget(), FormPanel)
    answer = answered(form)
    combo = box_of(form).combo
    names = names_in(combo)
    heading = names.index(None)
    assert set(names) - {None} == set(BACKBONES)
    assert set(names[:heading]) == {name for name, card in answer.cards.items() if card["fits"]}
    assert "dinov2-small" in names[:heading] and "croma-base" in names[heading:]
    assert not combo.model().item(heading).flags() & Qt.ItemFlag.ItemIsSelectable
    assert combo.currentData() == DEFAULT_BACKBONE and "suggested" in combo.currentText()
    assert sum("suggested" in combo.itemText(row) for row in range(combo.count())) == 1
    row = combo.findData("croma-base")
    assert "coastal aerosol" in combo.itemData(row, Qt.ItemDataRole.ToolTipRole)


def test_the_reason_stands_below_the_one_that_is_chosen(open_form, answered, named_raster):
    form = open_form(INPUT=named_raster(["B04", "B03", "B02"]), BACKBONE="croma-base")
    answered(form)
    box = box_of(form)
    assert form.createProcessingParameters()["BACKBONE"] == "croma-base", "the list was made anew around the choice"
    assert box.remark.text().startswith("Does not fit. CROMA base needs the coastal aerosol")
    assert box.facts.text() == "Sentinel-2 L2A, Sentinel-1 GRD, 10 m · 777 MB, not on disk · MIT"
    choose(form, "dinov2-small")
    assert "88 MB" in box.facts.text() and "on this processor" in box.facts.text()
    assert not box.remark.text() and box.remark.isHidden()


def test_bands_are_proposed_and_follow_layer_and_backbone(open_form, answered, named_raster):
    first = named_raster(["B04", "B03", "B02"])
    form = open_form(INPUT=first, BACKBONE="dinov2-small")
    answered(form)
    field = roles_of(form)
    assert field.line.placeholderText() == "red=1 green=2 blue=3" and field.line.text() == ""
    assert field.note.text() == "Recognised as Sentinel-2: 1 red, 2 green, 3 blue."
    assert not form.createProcessingParameters().get("BAND_ROLES"), "a proposal is no value"
    form.setParameters({"INPUT": named_raster(["B02", "B03", "B04"], "other.tif")})
    answered(form)
    assert field.line.placeholderText() == "red=3 green=2 blue=1"
    choose(form, "raw")
    assert field.line.placeholderText() == "" and "any bands" in field.note.text()
    choose(form, "croma-base")
    assert field.line.placeholderText() == "blue=1 green=2 red=3", "what is known, for the rest to be added"


def test_what_is_filled_in_follows_until_it_is_touched(open_form, answered, named_raster):
    form = open_form(INPUT=named_raster(["B04", "B03", "B02"]), BACKBONE="dinov2-small")
    answered(form)
    field = roles_of(form)
    field.button.click()
    assert form.createProcessingParameters()["BAND_ROLES"] == "red=1 green=2 blue=3"
    assert not field.button.isEnabled()
    answered(form)
    form.setParameters({"INPUT": named_raster(["B02", "B03", "B04"], "other.tif")})
    answered(form)
    assert field.line.text() == "red=3 green=2 blue=1", "nobody has changed it"
    choose(form, "raw")
    assert field.line.text() == "", "a backbone of any bands refuses what is told of bands"
    choose(form, "dinov2-small")
    assert field.line.text() == "" and field.button.isEnabled()
    field.line.setText("red=2 green=1 blue=3")
    answered(form)
    form.setParameters({"INPUT": named_raster(["B04", "B03", "B02"], "third.tif")})
    answered(form)
    assert field.line.text() == "red=2 green=1 blue=3", "what was typed stays"


def test_what_is_typed_counts_at_once(open_form, answered, make_raster):
    form = open_form(INPUT=make_raster(bands=5), BACKBONE="dinov2-small")
    assert not answered(form).cards["dinov2-small"]["fits"]
    assert "No band was recognised" in roles_of(form).note.text()
    roles_of(form).line.setText("red=1 green=2 blue=7")
    answered(form)
    assert "There is no band 7" in box_of(form).remark.text()
    roles_of(form).line.setText("red=1 green=2 blu=3")
    answered(form)
    assert "Did you mean blue?" in roles_of(form).note.text()
    assert form.mainWidget().fits.answer.cards, "what cannot be read yet does not empty the list"
    roles_of(form).line.setText("red=1 green=2 blue=3")
    answered(form)
    assert box_of(form).remark.text() == "" and roles_of(form).note.text() == ""
    choose(form, "timm")
    answered(form)
    assert "a model" not in roles_of(form).note.text(), "what else is missing has nothing to do with bands"
    choose(form, "raw")
    answered(form)
    assert roles_of(form).note.text() == EmbedRaster(backbone="raw", band_roles="red=1").problem()


def test_two_rasters_have_a_proposal_each(open_form, answered, named_raster):
    s2 = named_raster([f"B{n:02}" for n in range(1, 9)] + ["B8A", "B09", "B11", "B12"], "s2.tif")
    form = open_form(INPUT=s2, SECOND=named_raster(["VV", "VH"], "s1.tif"), BACKBONE="croma-base")
    answer = answered(form)
    assert answer.cards["croma-base"]["fits"]
    assert roles_of(form).line.placeholderText().startswith("coastal=1 blue=2")
    assert roles_of(form, "second_band_roles").line.placeholderText() == "vv=1 vh=2"
    choose(form, "dinov2-small")
    assert "leave" in box_of(form).remark.text(), "Run would refuse a second raster that gives nothing"


def test_what_the_light_engine_cannot_do_is_said_before(open_form, answered, named_raster, monkeypatch):
    monkeypatch.setattr(fits, "find_engine", lambda: Engine(None, None, "light", ""))
    form = open_form(INPUT=named_raster(["B04", "B03", "B02"]), BACKBONE="dinov2-small")
    answered(form)
    assert box_of(form).remark.text() == "It needs the full engine (Quadrat > Engine)."
    choose(form, "raw")
    assert not box_of(form).remark.text()


def test_a_raster_that_takes_long_keeps_nobody_waiting(open_form, answered, make_raster, monkeypatch):
    go_on = threading.Event()
    answer_to = fits.answer_to
    slow, fast = make_raster("slow.tif"), make_raster("fast.tif")
    monkeypatch.setattr(fits, "PATIENCE_S", 0.2)
    monkeypatch.setattr(fits, "answer_to", lambda q: (q.input == slow and go_on.wait(30), answer_to(q))[1])
    form = open_form(INPUT=slow)
    form.mainWidget().fits._timer.timeout.emit()
    assert form.mainWidget().fits._asked.input == slow
    form.setParameters({"INPUT": fast})
    assert answered(form).cards and form.mainWidget().fits.question.input == fast
    go_on.set()


def test_another_embedding_brings_its_backbone(open_form, answered, make_raster):
    form = open_form(INPUT=make_raster(), LIKE=make_raster("like.tif"))
    answered(form)
    assert box_of(form).remark.text() == "Not used: 'Same space as this embedding' brings its own backbone."


def test_without_an_engine_the_list_is_plain_and_one_line_says_why(open_form, answered, make_raster, monkeypatch):
    monkeypatch.delenv("QUADRAT_PYTHON", raising=False)
    form = open_form(INPUT=make_raster())
    assert answered(form).cards == {}
    assert names_in(box_of(form).combo) == list(EmbedRaster.params()["backbone"].choices)
    assert box_of(form).remark.text() == "Set up the engine (Quadrat > Engine) to see what fits."
    assert "no download" in box_of(form).facts.text(), "what the card says needs no engine"


def test_a_file_that_is_no_raster_and_a_layer_without_file(open_form, answered, tmp_path):
    path = tmp_path / "no raster.tif"
    path.write_text("no")
    form = open_form(INPUT=str(path))
    assert "no raster.tif" in answered(form).trouble and box_of(form).remark.text()
    form.setParameters({"INPUT": str(tmp_path / "gone.tif")})
    assert answered(form).cards == {}
    layer = QgsRasterLayer("crs=EPSG:3857&type=xyz&url=file:///nowhere/{z}/{x}/{y}.png", "tiles", "wms")
    QgsProject.instance().addMapLayer(layer)
    form.setParameters({"INPUT": layer.id()})
    answered(form)
    assert "the layer 'tiles' is not a file" in box_of(form).remark.text()


def test_a_layer_of_the_project_is_looked_at_as_its_file(open_form, answered, named_raster):
    layer = QgsRasterLayer(named_raster(["B04", "B03", "B02"]), "mine")
    QgsProject.instance().addMapLayer(layer)
    form = open_form(INPUT=layer.id(), BACKBONE="dinov2-small")
    assert answered(form).cards["dinov2-small"]["fits"]


def test_an_answer_is_kept_until_the_file_changes(open_form, answered, named_raster, monkeypatch):
    asked = []
    run = fits.shared_pool().run
    monkeypatch.setattr(fits.shared_pool(), "run", lambda job, *rest: asked.append(job) or run(job, *rest))
    path = named_raster(["B04", "B03", "B02"])
    assert answered(open_form(INPUT=path)).cards and answered(open_form(INPUT=path)).cards
    assert len(asked) == 1
    named_raster(["B01", "B01", "B01", "B01"])
    assert not answered(open_form(INPUT=path)).cards["dinov2-small"]["fits"]
    assert len(asked) == 2


def test_a_form_closed_while_the_engine_answers(open_form, qtbot, make_raster):
    forms = [open_form(INPUT=make_raster(f"{number}.tif")) for number in range(2)]
    qtbot.waitUntil(lambda: bool(background._alive), timeout=5000)
    for form in forms:
        form.close()
        sip.delete(form)
    gc.collect()
    qtbot.waitUntil(lambda: not background._alive, timeout=30_000)
    qtbot.wait(50)


def test_out_of_date_answers_are_dropped(open_form, answered, named_raster, qtbot, monkeypatch):
    seen = []
    right, wrong = named_raster(["B04", "B03", "B02"]), named_raster(["B01", "B01", "B01"], "other.tif")
    form = open_form(INPUT=wrong)
    form.mainWidget().fits.changed.connect(lambda: seen.append(form.mainWidget().fits.answer))
    qtbot.waitUntil(lambda: form.mainWidget().fits._asked is not None, timeout=5000)
    form.setParameters({"INPUT": right})
    assert answered(form).cards["dinov2-small"]["fits"]
    assert all(not answer.cards or answer.cards["dinov2-small"]["fits"] for answer in seen)


def test_two_forms_at_once(open_form, answered, named_raster):
    forms = [
        open_form(INPUT=named_raster(names, f"{number}.tif"), BACKBONE="dinov2-small")
        for number, names in enumerate((["B04", "B03", "B02"], ["B02", "B03", "B04"]))
    ]
    for form, proposal in zip(forms, ("red=1 green=2 blue=3", "red=3 green=2 blue=1")):
        answered(form)
        assert roles_of(form).line.placeholderText() == proposal


def test_other_forms_with_a_backbone_tell_its_facts(open_form, answered):
    form = open_form("fetchweights")
    answered(form)
    assert "MIT" in box_of(form).facts.text() and box_of(form).remark.isHidden()
    form = open_form("choosebackbone", INPUT="")
    answered(form)
    assert roles_of(form).note.text() == ""


def test_weights_fetched_meanwhile_are_seen(open_form, answered, make_raster, qtbot, tmp_path):
    form = open_form(INPUT=make_raster(), BACKBONE="croma-base")
    answered(form)
    assert "not on disk" in box_of(form).facts.text()
    store = tmp_path / "home" / "weights"
    store.mkdir(parents=True)
    (store / "croma-base.pt").write_bytes(b"x")
    panel = form.mainWidget()
    panel.isActiveWindow = lambda: True
    QApplication.sendEvent(panel, QEvent(QEvent.Type.ActivationChange))
    qtbot.waitUntil(lambda: "777 MB, on disk" in box_of(form).facts.text(), timeout=20_000)


def test_forms_without_backbones_are_left_to_qgis(provider):
    assert provider.algorithm("trainhead").create().createCustomParametersWidget(None) is None


def test_batch_and_modeler_have_plain_widgets(provider, qgis_iface):
    """There the value may come from elsewhere, and nothing is said below it."""
    from processing.gui.BatchAlgorithmDialog import BatchAlgorithmDialog
    from qgis.gui import QgsGui, QgsProcessingGui
    from qgis.PyQt.QtWidgets import QComboBox

    algorithm = QgsApplication.processingRegistry().createAlgorithmById("quadrat:embedraster")
    batch = BatchAlgorithmDialog(algorithm, parent=qgis_iface.mainWindow())
    choices = list(EmbedRaster.params()["backbone"].choices)
    combo = next(one for one in batch.findChildren(QComboBox) if one.findText("croma-base") >= 0)
    assert [combo.itemText(row) for row in range(combo.count())] == choices
    sip.delete(batch)
    definition = provider.algorithm("embedraster").parameterDefinition("BACKBONE")
    assert "widget_wrapper" not in definition.metadata()
    kind = QgsProcessingGui.WidgetType.Modeler
    assert QgsGui.processingGuiRegistry().createParameterWidgetWrapper(definition, kind) is not None


def test_an_error_of_the_engine_is_a_sentence(monkeypatch):
    def fail(*_):
        raise QuadratError("The engine is tired.")

    monkeypatch.setattr(fits.shared_pool(), "run", fail)
    assert fits.answer_to(fits.Question("/nowhere/a.tif")).trouble == "The engine is tired."


def test_months_that_are_typed_answer_for_a_series(open_form, answered, named_raster):
    names = ["B02", "B03", "B04", "B05", "B06", "B07", "B08", "B8A", "B11", "B12"]
    form = open_form(INPUT=named_raster(names), BACKBONE="galileo-nano")
    answered(form)
    box = box_of(form)
    assert "must know the month" in box.remark.text()
    months = form.mainWidget().wrappers["MONTHS"].wrappedWidget()
    months.setText("1")
    answered(form)
    assert form.mainWidget().fits.question.months == "1" and "must know the month" not in box.remark.text()
    months.setText("4 5")
    answered(form)
    assert "'Months' holds 2, but there are 1 dates" in box.remark.text()
    months.setText("4 13")
    answered(form)
    assert form.mainWidget().fits.question.months == "", "what is no month says nothing, and Run will tell"


def test_the_form_of_cells_tells_no_time_of_a_whole_raster(open_form, answered, named_raster):
    form = open_form("embedcells", INPUT=named_raster(["B04", "B03", "B02"]), BACKBONE="dinov2-small")
    assert isinstance(form, FormDialog)
    answered(form)
    assert "88 MB" in box_of(form).facts.text() and "processor" not in box_of(form).facts.text()
    assert roles_of(form).line.placeholderText() == "red=1 green=2 blue=3"


def test_the_form_of_series_offers_statistics_and_backbones_of_one_date(open_form, answered, named_raster, qtbot):
    names = [f"{band}_{year}" for year in (2019, 2020) for band in ("red", "green", "blue")]
    form = open_form("trainseries", SERIES=named_raster(names))
    answered(form)
    box = box_of(form)
    found = names_in(box.combo)
    heading = found.index(None)
    assert found[0] == "statistics" == box.value
    assert box.facts.text() == "" and "Not needed" in roles_of(form).note.text()
    assert {"mosaiks", "dinov2-small"} <= set(found[:heading])
    assert {"croma-base", "galileo-nano"} <= set(found[heading:])
    choose(form, "galileo-nano")
    assert "several dates as one" in box.remark.text()
    choose(form, "dinov2-small")
    assert roles_of(form).line.placeholderText() == "red=1 green=2 blue=3"
    assert "first" not in roles_of(form).note.text()
    assert form.createProcessingParameters()["BACKBONE"] == "dinov2-small"
