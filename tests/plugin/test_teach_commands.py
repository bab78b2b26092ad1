import pytest
from qgis.core import QgsCoordinateReferenceSystem, QgsFeature
from qgis.PyQt.QtWidgets import QApplication
from quadrat.core.errors import BadInput, QuadratError, Unwritable
from quadrat.plugin.steps import Steps
from quadrat.plugin.teach.classes import ClassList
from quadrat.plugin.teach.commands import (
    AddClass,
    AddLabels,
    ChangeLabels,
    EraseLabels,
    LoadClasses,
    MergeClasses,
    MoveClass,
    RecolourClass,
    RekeyClass,
    RemoveClass,
    RenameClass,
)
from quadrat.plugin.teach.labels import LabelLayer

from .labelwork import CRS, Ear, on_disk, point, square


@pytest.fixture
def labels(qgis_new_project, tmp_path):
    made = LabelLayer.create(str(tmp_path / "labels.gpkg"), QgsCoordinateReferenceSystem(CRS))
    made.show()
    yield made
    made.close()


@pytest.fixture
def classes():
    made = ClassList()
    for name in ("water", "forest", "village"):
        made.add(name)
    return made


@pytest.fixture
def steps():
    made = Steps()
    made.told = []
    made.failed.connect(made.told.append)
    return made


def found(labels):
    """Class and place of each label, as they are in the file."""
    return sorted((row[1], row[2]) for row in on_disk(labels.path))


def known(labels):
    return sorted((y, geometry.asWkt(0)) for _, geometry, y in labels.labels())


def test_labels_go_and_come_back_as_the_same(labels, steps):
    ear = Ear(labels)
    command = AddLabels(labels, [(point(0), "water", "click"), (square(20), "forest", "polygon")])
    steps.push(command)
    ids = command.ids
    assert ear.take() == [("changed", ids)]
    before = on_disk(labels.path)
    steps.undo()
    assert ear.take() == [("removed", ids)]
    assert on_disk(labels.path) == []
    steps.redo()
    assert ear.take() == [("changed", ids)], "under the same ids"
    assert on_disk(labels.path) == before
    made = {feature["class"]: feature["made"] for layer in labels.layers() for feature in layer.getFeatures()}
    assert made == {"water": "click", "forest": "polygon"}
    steps.push(ChangeLabels(labels, [(ids[0], "forest")]))
    steps.push(EraseLabels(labels, ids))
    assert on_disk(labels.path) == []
    for _ in range(3):
        steps.undo()
    assert on_disk(labels.path) == []
    for _ in range(2):
        steps.redo()
    assert [row[:2] for row in on_disk(labels.path)] == [[ids[0], "forest"], [ids[1], "forest"]]
    steps.undo()
    assert on_disk(labels.path) == before
    assert steps.told == []


def test_a_label_in_place_of_others_is_one_step(labels, steps):
    steps.push(AddLabels(labels, [(point(0), "water", "click"), (point(9), "water", "click")]))
    old = [number for number, _, _ in labels.labels()]
    ear = Ear(labels)
    steps.push(AddLabels(labels, [(point(0), "forest", "click")], instead_of=old))
    (new,) = [number for number, _, _ in labels.labels()]
    assert ear.take() == [("removed", old), ("changed", [new])]
    steps.undo()
    assert ear.take() == [("removed", [new]), ("changed", old)]
    assert [row[1] for row in on_disk(labels.path)] == ["water", "water"]
    steps.redo()
    assert [row[1] for row in on_disk(labels.path)] == ["forest"]


def test_what_a_class_means_is_taken_back_with_its_labels(labels, classes, steps):
    items = [(point(number), name, "click") for number, name in enumerate(("water", "forest", "village") * 700)]
    steps.push(AddLabels(labels, items))
    ear = Ear(labels)
    start, listed = known(labels), classes.to_dicts()
    for command, names in (
        (RenameClass(classes, labels, "water", " sea "), {"sea", "forest", "village"}),
        (MergeClasses(classes, labels, ["sea", "forest"], "village"), {"village"}),
        (RemoveClass(classes, labels, "village"), set()),
    ):
        steps.push(command)
        assert set(classes.names()) == names
        assert set(labels.counts()) == names
        heard = ear.take()
        assert len(heard) == 1, "thousands of labels are told at once"
    assert on_disk(labels.path) == []
    for _ in range(3):
        steps.undo()
    assert classes.to_dicts() == listed
    assert known(labels) == start
    assert len(on_disk(labels.path)) == 2100
    for _ in range(3):
        steps.redo()
    assert on_disk(labels.path) == [] and classes.names() == []
    for _ in range(3):
        steps.undo()
    assert known(labels) == start
    assert steps.told == []


def test_the_list_of_classes_changes_before_labels_of_a_new_name_are_told(labels, classes, steps):
    steps.push(AddLabels(labels, [(point(0), "water", "click")]))
    order = []
    classes.changed.connect(lambda: order.append(("classes", classes.names()[0])))
    labels.changed.connect(lambda ids: order.append(("labels", labels.labels(ids)[0][2])))
    steps.push(RenameClass(classes, labels, "water", "sea"))
    assert order == [("classes", "sea"), ("labels", "sea")]
    steps.undo()
    assert order[2:] == [("classes", "water"), ("labels", "water")]


def test_classes_alone(classes, steps, qgis_new_project):
    from .test_teach_classes import categorised

    start = classes.to_dicts()
    steps.push(AddClass(classes, "road"))
    steps.push(RecolourClass(classes, "water", "#000001"))
    steps.push(RecolourClass(classes, "water", "#000002"))
    steps.push(RecolourClass(classes, "road", "#000003"))
    assert steps.count() == 3, "a colour that is dragged is one step"
    steps.push(RekeyClass(classes, "road", "1"))
    steps.push(MoveClass(classes, "road", 0))
    steps.push(RenameClass(classes, None, "forest", "wood"))
    steps.push(LoadClasses(classes, categorised(("sand", "#ffee00"))))
    end = classes.to_dicts()
    assert [one["name"] for one in end] == ["road", "water", "wood", "village", "sand"]
    assert end[0] == {"name": "road", "colour": "#000003", "key": "1"}
    while steps.canUndo():
        steps.undo()
    assert classes.to_dicts() == start
    while steps.canRedo():
        steps.redo()
    assert classes.to_dicts() == end


@pytest.mark.parametrize("command", [
    lambda classes, labels: AddClass(classes, "water"),
    lambda classes, labels: RenameClass(classes, labels, "water", "forest"),
    lambda classes, labels: RenameClass(classes, labels, "lake", "sea"),
    lambda classes, labels: MergeClasses(classes, labels, ["water"], "lake"),
    lambda classes, labels: RemoveClass(classes, labels, "lake"),
])  # fmt: skip
def test_what_is_refused_touches_nothing_and_is_no_step(labels, classes, steps, command):
    labels.add([(point(0), "water", "click")])
    start = classes.to_dicts()
    ear = Ear(labels)
    with pytest.raises(BadInput):
        steps.push(command(classes, labels))
    assert classes.to_dicts() == start and steps.count() == 0
    assert ear.take() == [] and found(labels) == [("water", "POINT (500000 9000000)")]


def refuse_writing(labels):
    """As for a file that became read-only, or a disk that is full."""
    for layer in labels.layers():
        layer.setReadOnly(True)


def test_a_file_that_cannot_be_written_leaves_everything_as_it_was(labels, classes, steps):
    steps.push(AddLabels(labels, [(point(0), "water", "click"), (square(5), "water", "polygon")]))
    start, listed = on_disk(labels.path), classes.to_dicts()
    ids = [number for number, _, _ in labels.labels()]
    refuse_writing(labels)
    ear = Ear(labels)
    for command in (
        AddLabels(labels, [(point(1), "forest", "click")], instead_of=ids),
        EraseLabels(labels, ids),
        ChangeLabels(labels, [(number, "forest") for number in ids]),
        RenameClass(classes, labels, "water", "sea"),
        RemoveClass(classes, labels, "water"),
    ):
        with pytest.raises(Unwritable, match="read-only"):
            steps.push(command)
    assert steps.count() == 1 and classes.to_dicts() == listed
    assert ear.take() == [] and on_disk(labels.path) == start
    steps.undo()
    assert len(steps.told) == 1 and "read-only" in steps.told[0]
    assert on_disk(labels.path) == start


def test_what_fails_halfway_is_taken_back(labels, steps):
    """Points can be written, areas cannot: nothing of either may change."""
    steps.push(AddLabels(labels, [(point(0), "water", "click"), (square(5), "water", "polygon")]))
    ids, start = [number for number, _, _ in labels.labels()], on_disk(labels.path)
    labels.layers()[1].setReadOnly(True)
    for command in (
        AddLabels(labels, [(point(1), "forest", "click"), (square(9), "forest", "polygon")]),
        AddLabels(labels, [(point(1), "forest", "click")], instead_of=ids),
        EraseLabels(labels, ids),
        ChangeLabels(labels, [(number, "forest") for number in ids]),
    ):
        with pytest.raises(QuadratError):
            steps.push(command)
        assert on_disk(labels.path) == start
        assert sorted(number for number, _, _ in labels.labels()) == ids
    assert steps.count() == 1


def test_steps_survive_what_qgis_does_in_between(labels, steps):
    command = AddLabels(labels, [(point(x), "water", "click") for x in range(3)])
    steps.push(command)
    layer = labels.layer
    layer.startEditing()
    layer.deleteFeature(command.ids[0])
    assert layer.commitChanges()
    QApplication.processEvents()
    steps.undo()
    assert on_disk(labels.path) == []
    steps.redo()
    assert len(on_disk(labels.path)) == 2, "what somebody else has deleted stays deleted"


def test_steps_in_qgis_s_edit_mode_are_still_right_after_qgis_has_saved(labels, steps):
    layer = labels.layer
    layer.startEditing()
    command = AddLabels(labels, [(point(0), "water", "click")])
    steps.push(command)
    steps.push(ChangeLabels(labels, [(command.ids[0], "forest")]))
    assert command.ids[0] < 0
    assert layer.commitChanges()
    QApplication.processEvents()
    assert [row[1] for row in on_disk(labels.path)] == ["forest"]
    steps.undo()
    assert [row[1] for row in on_disk(labels.path)] == ["water"]
    steps.undo()
    assert on_disk(labels.path) == []
    steps.redo()
    steps.redo()
    assert [row[1] for row in on_disk(labels.path)] == ["forest"]
    layer.startEditing()
    steps.undo()
    steps.undo()
    steps.redo()
    layer.rollBack()
    QApplication.processEvents()
    assert [y for _, _, y in labels.labels()] == [row[1] for row in on_disk(labels.path)] == ["forest"]


def test_other_fields_of_a_layer_come_back_too(qgis_new_project, tmp_path, steps):
    from qgis.core import QgsProject, QgsVectorLayer

    layer = QgsVectorLayer("Point?crs=EPSG:32720&field=note:string&field=class:string", "m", "memory")
    QgsProject.instance().addMapLayer(layer)
    feature = QgsFeature(layer.fields())
    feature.setGeometry(point(0))
    feature.setAttributes(["kept", "water"])
    layer.dataProvider().addFeatures([feature])
    labels = LabelLayer.of(layer)
    ((number, _, y),) = labels.labels()
    assert y == "water"
    steps.push(EraseLabels(labels, [number]))
    assert len(labels) == layer.featureCount() == 0
    steps.undo()
    (back,) = layer.getFeatures()
    assert back.attributes() == ["kept", "water"]
    steps.redo()
    steps.undo()
    steps.push(ChangeLabels(labels, [(labels.current(number), "forest")]))
    assert [f.attributes() for f in layer.getFeatures()] == [["kept", "forest"]]
    labels.close()
