"""The models in the Engine tab: what lies in the store, and that the buttons do the real thing with it."""

import hashlib
import json
import struct

import pytest
from qgis.PyQt.QtWidgets import QApplication, QFileDialog, QMessageBox
from quadrat.models.registry import BACKBONES
from quadrat.models.weights import hashes, records
from quadrat.plugin.engine_state import EngineFacts, EngineState
from quadrat.plugin.panels.engine import EnginePanel
from quadrat.plugin.weights_state import Model, Store, backbone_of, look_at_store
from quadrat.processing.forms.backbone import LINE

READY = EngineFacts(True, "Ready", "light", "/f", "/f/python", "uv", 1)


def put(home, name, size=1000, noted="2026-03-01"):
    """A small file of weights with its record in the store."""
    source = BACKBONES[name].weights
    folder = home / "weights"
    (folder / "fetching").mkdir(parents=True, exist_ok=True)
    path = folder / f"{source.name}.safetensors"
    head = json.dumps({"a": {"dtype": "U8", "shape": [size], "data_offsets": [0, size]}}).encode()
    path.write_bytes(struct.pack("<Q", len(head)) + head + bytes(size))
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    record = records.Record(
        source.name, path.name, digest, path.stat().st_size, "https://example.org/a", "", source.licence, noted,
        hashes.stamp_of(path),
    )  # fmt: skip
    records.write_record(path, record)
    return path


@pytest.fixture
def home(with_engine, monkeypatch, tmp_path):
    """A home with an engine and two models."""
    monkeypatch.setenv("QUADRAT_PYTHON", str(with_engine.python))
    monkeypatch.setenv("QUADRAT_HOME", str(tmp_path / "home"))
    put(tmp_path / "home", "croma-base", 2_000_000)
    put(tmp_path / "home", "dinov2-small", 1_000_000)
    return tmp_path / "home"


@pytest.fixture
def box(plugin, qtbot, home):
    panel = EnginePanel()
    qtbot.addWidget(panel)
    panel.resize(300, 900)
    panel.show()
    box = panel.models
    qtbot.waitUntil(lambda: box.isVisible() and box.state.store is not None, timeout=20_000)
    box.panel = panel
    yield box
    box.state.stop()
    qtbot.waitUntil(lambda: not box.state.busy, timeout=20_000)


def titles(box):
    return [box.list.item(row).text() for row in range(box.list.count())]


def done(box, qtbot):
    qtbot.waitUntil(lambda: not box.state.busy and not box.state._looking, timeout=60_000)


def test_models_are_listed_with_what_one_wants_to_know(box, home):
    assert titles(box) == ["CROMA base", "DINOv2 small"]
    item = box.list.item(0)
    assert item.data(LINE) == "2.0 MB · MIT · 2026-03-01"
    for text in ("croma-base", str(home / "weights"), "TorchGeo", "https://example.org/a", "SHA-256"):
        assert text in item.toolTip()
    assert "2 models, 3.0 MB" in box.summary.text() and str(home / "weights") in box.summary.text()
    assert not box.delete_button.isEnabled() and box.verify_button.isEnabled()
    assert box.panel.minimumSizeHint().width() <= 300


def test_the_list_follows_what_others_do(box, home, qtbot):
    path = put(home, "resnet18")
    qtbot.waitUntil(lambda: "ResNet-18" in titles(box), timeout=10_000)
    box.list.item(2).setSelected(True)
    path.unlink()
    qtbot.waitUntil(lambda: "ResNet-18" not in titles(box), timeout=10_000)
    assert not box.delete_button.isEnabled()


def test_verify_tells_what_is_damaged(box, home, qtbot):
    box.verify_button.click()
    assert box.state.busy and not box.verify_button.isEnabled() and box.progress.isVisible()
    done(box, qtbot)
    assert box.outcome.text() == "2 files of weights read (3.0 MB): all whole and unchanged."
    path = home / "weights" / "croma-base.safetensors"
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    box.verify_button.click()
    done(box, qtbot)
    assert "has changed since it was first seen" in box.outcome.text()
    assert "1 not as they should be" in box.outcome.text() and box.outcome.isVisible()


def test_delete_asks_first(box, home, qtbot, monkeypatch):
    answers, asked = [QMessageBox.StandardButton.No, QMessageBox.StandardButton.Yes], []
    monkeypatch.setattr(QMessageBox, "question", lambda *a: asked.append(a[2]) or answers.pop(0))
    box.list.item(0).setSelected(True)
    box.delete_button.click()
    assert not box.state.busy and "CROMA base" in asked[0] and "2.0 MB" in asked[0]
    box.delete_button.click()
    done(box, qtbot)
    assert titles(box) == ["DINOv2 small"] and not (home / "weights" / "croma-base.safetensors").exists()
    assert "free again" in box.outcome.text()


def test_move_takes_the_list_along(box, tmp_path, qtbot, monkeypatch):
    target = tmp_path / "another disk é"
    target.mkdir()
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *a: str(target))
    box.move_button.click()
    done(box, qtbot)
    assert (target / "croma-base.safetensors").is_file()
    qtbot.waitUntil(lambda: "another disk" in box.summary.text(), timeout=10_000)
    assert len(titles(box)) == 2
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *a: "")
    box.move_button.click()
    assert not box.state.busy, "nothing was chosen"


def test_a_move_that_is_refused_says_why(box, home, qtbot, monkeypatch):
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *a: str(home))
    box.move_button.click()
    done(box, qtbot)
    assert "Choose a folder of its own" in box.outcome.text()


def test_get_and_add_open_the_form(box, qtbot, monkeypatch):
    with qtbot.waitSignal(box.panel.form_wanted) as wanted:
        box.get_button.click()
    assert wanted.args == ["quadrat:fetchweights", {}]
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *a: ("/usb/CROMA_large.pt", ""))
    with qtbot.waitSignal(box.panel.form_wanted) as wanted:
        box.add_button.click()
    assert wanted.args[1] == {"FILE": "/usb/CROMA_large.pt", "BACKBONE": "croma-large"}
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *a: ("/usb/mine.pt", ""))
    with qtbot.waitSignal(box.panel.form_wanted) as wanted:
        box.add_button.click()
    assert wanted.args[1] == {"FILE": "/usb/mine.pt"}


def test_names_of_files_tell_the_backbone():
    assert backbone_of("/a/croma_BASE.PT") == "croma-base"
    assert backbone_of("/a/dinov2-small.safetensors") == "dinov2-small", "as it lies in a store"
    assert backbone_of("/a/model.safetensors") == ""


def test_without_an_engine_models_are_shown_but_nothing_is_done(plugin, qtbot, empty_home):
    panel = EnginePanel()
    qtbot.addWidget(panel)
    panel.show()
    box = panel.models
    qtbot.waitUntil(lambda: panel.state.facts is not None, timeout=5000)
    assert not box.isVisible(), "nothing there, nothing to be done"
    put(empty_home, "croma-base")
    box.state.refresh()
    qtbot.waitUntil(box.isVisible, timeout=5000)
    box.list.item(0).setSelected(True)
    buttons = (box.get_button, box.add_button, box.verify_button, box.delete_button, box.move_button)
    assert not any(button.isEnabled() for button in buttons)


def test_downloads_that_were_cut_off_and_a_store_out_of_reach(box, home, qtbot):
    (home / "weights" / "fetching" / "croma-large.part").write_bytes(bytes(5_000_000))
    box.state.refresh()
    done(box, qtbot)
    assert "Of croma-large 5.0 MB are downloaded" in box.summary.text()
    (home / "weights.json").write_text("{}")
    store = look_at_store()
    assert "cannot be read" in store.trouble and store.models == ()
    box.state.store = store
    box.state.changed.emit()
    assert "cannot be read" in box.summary.text() and not box.list.isVisible()


def test_a_damaged_record_is_told_in_the_list(box, home, qtbot):
    (home / "weights" / "croma-base.json").write_text("{}")
    box.state.refresh()
    done(box, qtbot)
    assert "cannot be trusted" in box.list.item(0).toolTip()


def test_a_panel_that_goes_while_the_store_is_read(plugin, qtbot, home):
    state = EngineState()
    panel = EnginePanel(state)
    state.facts = READY
    panel.models.state.refresh()
    panel.models.state.do(WHAT="verify")
    panel.dismiss()
    QApplication.processEvents()
    qtbot.wait(1500)


def test_weights_of_no_backbone_keep_their_name():
    assert Model("vit_tiny", "/a", 1).title == "vit_tiny"
    assert Store(models=(Model("a", "/a", 1), Model("b", "/b", 2))).bytes == 3
