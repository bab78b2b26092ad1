"""Plots: what they draw of the state, how scatter and map point at each other, and what is said instead of a plot."""

import sys

import pytest
from qgis.PyQt.QtCore import Qt
from qgis.PyQt.QtGui import QColor, QPalette
from quadrat.core.live.messages import Cloud, Known, Painted, Scored
from quadrat.plugin.plots import library
from quadrat.plugin.plots.deck import PLOTS, PlotDeck
from quadrat.plugin.plots.look import contrast
from quadrat.tests.plugin.stand import CLASSES, Stand

pytest.importorskip("pyqtgraph", reason="set-up unpacks it for QGIS; the tests have it from their own environment")


@pytest.fixture
def state(qgis_app):
    return Stand()


@pytest.fixture
def deck(state, qtbot):
    deck = PlotDeck(state)
    qtbot.addWidget(deck)
    deck.resize(300, 400)
    deck.show()
    qtbot.waitExposed(deck)
    return deck


@pytest.fixture
def show(deck, state, qtbot):
    """`show(name)` after everything is known: the plot, drawn."""
    state.begin()
    state.teach()
    state.test()

    def show(name):
        number = [kind.NAME for kind in PLOTS].index(name)
        deck.chooser.setCurrentIndex(number)
        deck.current().refresh()
        return deck.current()

    return show


def drawn(plot):
    """True when the plot is seen and not a sentence."""
    return plot.pages.currentIndex() == 1


@pytest.mark.parametrize("kind", PLOTS, ids=lambda kind: kind.NAME)
def test_an_empty_plot_says_what_is_missing(deck, kind):
    deck.chooser.setCurrentIndex(PLOTS.index(kind))
    plot = deck.current()
    assert isinstance(plot, kind)
    assert not drawn(plot) and plot.instead.text().endswith(".")
    assert not plot.button.isVisible() and not plot.caption.isVisible()


@pytest.mark.parametrize("kind", PLOTS, ids=lambda kind: kind.NAME)
def test_a_plot_of_values_says_so_or_draws(deck, state, show, kind):
    state.target = "value"
    plot = show(kind.NAME)
    assert drawn(plot) == (kind.NAME in ("plot_scatter", "plot_learning"))


def test_only_what_is_seen_is_drawn_and_asked_for(deck, state, show):
    show("plot_confidence")
    state.calls.clear()
    state.scored.emit(state.scores[-1])
    assert state.calls == []
    show("plot_learning")
    assert ("refresh_score",) in state.calls and ("refresh_scatter",) not in state.calls
    show("plot_scatter")
    assert ("refresh_scatter",) in state.calls


def test_news_are_drawn_once_the_hand_rests(deck, state, show, qtbot):
    plot = show("plot_confidence")
    before = plot.caption.text()
    state.last = Painted("/x", 0, 0, 1, 1, 1, 4, True, shares=(1.0,), confidence=(0,) * 19 + (10,))
    for _ in range(5):
        state.painted.emit(state.last)
    assert plot.caption.text() == before
    qtbot.waitUntil(lambda: plot.caption.text().startswith("100 % of 10 cells"), timeout=3000)


# Scatter -------------------------------------------------------------------------------------------------------------


def test_scatter_draws_each_cell_in_its_colour(state, show):
    plot = show("plot_scatter")
    assert len(plot.plain.data) + len(plot.labelled.data) == 500
    assert len(plot.labelled.data) == 50
    first = state.cloud.labelled.index("forest")
    colour = QColor(state.classes.get("forest").colour)
    shown = {tuple(point.data()): point.brush().color().rgb() for point in plot.labelled.points()}
    assert shown[(state.cloud.row[first], state.cloud.col[first])] == colour.rgb()
    assert "500 cells" in plot.caption.text() and "71 %" in plot.caption.text()


def test_a_rectangle_in_the_scatter_chooses_cells_of_the_map(state, show):
    from pyqtgraph import QtCore

    plot = show("plot_scatter")
    x, y = state.cloud.x[0], state.cloud.y[0]
    plot.plot.getViewBox().showAxRect(QtCore.QRectF(x - 1e-6, y - 1e-6, 2e-6, 2e-6))
    assert state.calls[-1] == ("select_cells", [(state.cloud.row[0], state.cloud.col[0])])


def test_a_click_on_a_point_chooses_its_cell(state, show):
    plot = show("plot_scatter")
    point = plot.plain.points()[3]
    plot.plain.sigClicked.emit(plot.plain, [point], None)
    assert state.calls[-1] == ("select_cells", [tuple(point.data())])


def test_cells_chosen_on_the_map_are_ringed(state, show):
    plot = show("plot_scatter")
    cell = (state.cloud.row[7], state.cloud.col[7])
    state.selected.emit([list(cell), [9999, 0]])
    (ring,) = plot.rings.points()
    assert (ring.pos().x(), ring.pos().y()) == pytest.approx((state.cloud.x[7], state.cloud.y[7]))
    state.known.emit(Known(*cell, True, (1.0,)))
    assert len(plot.cursor.points()) == 1
    state.known.emit(None)
    assert len(plot.cursor.points()) == 0


def test_a_reason_instead_of_a_scatter(state, show):
    state.cloud = Cloud(why="There are too few cells.")
    assert show("plot_scatter").instead.text() == "There are too few cells."


# Accuracy, mix-ups, confidence, shares -------------------------------------------------------------------------------


def test_accuracy_so_far_has_its_interval(state, show):
    plot = show("plot_learning")
    at, values = plot.line.getData()
    assert list(at) == [10, 18, 25, 33, 41]
    assert values[-1] == pytest.approx(83)
    last = state.scores[-1]
    assert plot.bars.opts["top"][-1] == pytest.approx(100 * (last.high - last.score))
    assert plot.bars.opts["bottom"][-1] == pytest.approx(100 * (last.score - last.low))
    assert (
        plot.caption.text() == "Balanced accuracy 83 % (69 % to 90 %) with 41 labels. Blocks of 400 m were kept apart."
    )
    assert plot.plot.getAxis("left").labelText == "Balanced accuracy (%)"


def test_scores_of_another_metric_are_not_mixed_in(state, show):
    state.scores.append(Scored(50, 50, "r2", 0.4, None, None, "Blocks were kept apart."))
    plot = show("plot_learning")
    assert list(plot.line.getData()[1]) == [0.4]
    assert plot.caption.text() == "R2 (coefficient of determination) 0.40 with 50 labels. Blocks were kept apart."


def test_a_test_that_was_not_possible_says_why(state, show):
    state.scores.append(Scored(3, 3, why="Label a few more places."))
    assert show("plot_learning").instead.text() == "Label a few more places."


def test_mix_ups_are_not_transposed(state, show):
    plot = show("plot_confusion")
    village, pasture = CLASSES.index("village"), CLASSES.index("pasture")
    assert plot.table.item(pasture, 0).text() == "2", "two pastures are mapped as forest"
    assert plot.table.item(0, pasture).text() == "1"
    assert plot.table.item(pasture, 0).toolTip() == "2 cells labelled as pasture are mapped as forest."
    assert plot.table.item(village, pasture).toolTip() == "1 cell labelled as village is mapped as pasture."
    assert plot.table.verticalHeaderItem(village).text() == "3  village"
    assert plot.table.horizontalHeaderItem(village).toolTip() == "Mapped as village"
    assert "34 of 41 cells are right" in plot.caption.text()


def test_confidence_adds_up(state, show):
    plot = show("plot_confidence")
    assert sum(plot.bars.opts["height"]) == pytest.approx(100)
    sure = (9800 + 15000) / sum(state.last.confidence)
    assert plot.caption.text().startswith(f"{round(100 * sure)} % of")


def test_shares_have_an_interval_only_from_a_sample(state, show):
    plot = show("plot_shares")
    assert plot.bars.opts["width"] == pytest.approx([48, 7, 12, 30, 3])
    assert [brush.color().name() for brush in plot.bars.opts["brushes"]] == state.classes.colours()
    assert not plot.intervals.isVisible() and "Counted from the map" in plot.caption.text()
    state.intervals = {"forest": (0.4, 0.5)}
    plot.refresh()
    assert plot.intervals.isVisible()
    assert list(plot.intervals.opts["left"]) == pytest.approx([5.0])
    assert list(plot.intervals.opts["x"]) == pytest.approx([45.0])


# Theme and library ---------------------------------------------------------------------------------------------------


def test_plots_follow_the_theme(state, show, qtbot):
    plot = show("plot_learning")
    before = plot.plot.backgroundBrush().color()
    palette = QPalette(plot.palette())
    palette.setColor(QPalette.ColorRole.Base, QColor("#101010"))
    palette.setColor(QPalette.ColorRole.Text, QColor("#f0f0f0"))
    plot.setPalette(palette)
    qtbot.waitUntil(lambda: plot.plot.backgroundBrush().color() == QColor("#101010"), timeout=3000)
    assert before != QColor("#101010")
    assert plot.plot.getAxis("left").textPen().color() == QColor("#f0f0f0")


def test_contrast_by_hand():
    assert contrast(QColor("white"), QColor("black")) == pytest.approx(21)
    assert contrast(QColor("#777777"), QColor("white")) == pytest.approx(4.48, abs=0.01)


def test_an_accent_that_cannot_be_seen_is_not_drawn_with(state, show, qtbot):
    plot = show("plot_learning")
    sheet = "QAbstractItemView { background: #202020; color: #eeeeee; selection-background-color: #126900 }"
    plot.window().setStyleSheet(sheet)
    qtbot.waitUntil(lambda: plot.bars.opts["pen"].color() == QColor("#eeeeee"), timeout=3000)


def test_plots_follow_the_font(state, show, qtbot):
    plot = show("plot_learning")
    font = plot.font()
    font.setPointSizeF(2 * font.pointSizeF())
    plot.setFont(font)
    axis = plot.plot.getAxis("bottom")
    qtbot.waitUntil(lambda: axis.style["tickFont"].pointSizeF() == font.pointSizeF(), timeout=3000)


def test_plots_follow_a_theme_that_is_a_style_sheet(state, show, qtbot):
    """As the dark ones of QGIS are; such a theme tells a plain widget nothing."""
    plot = show("plot_learning")
    plot.window().setStyleSheet("QWidget { color: #eeeeee } QAbstractItemView { background: #202020; color: #eeeeee }")
    qtbot.waitUntil(lambda: plot.plot.getAxis("left").textPen().color() == QColor("#eeeeee"), timeout=3000)
    assert plot.plot.backgroundBrush().color() == QColor("#202020")


@pytest.fixture
def without_pyqtgraph(monkeypatch, tmp_path):
    """A QGIS that brings no pyqtgraph."""
    hidden = {name: None for name in sys.modules if name.partition(".")[0] == "pyqtgraph"}
    for name in {"pyqtgraph", *hidden}:
        monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.setenv("QUADRAT_HOME", str(tmp_path))
    monkeypatch.setattr(sys, "path", list(sys.path))
    return tmp_path


def test_without_the_library_a_sentence_and_the_way_to_it(without_pyqtgraph, deck, qtbot):
    plot = deck.current()
    plot.refresh()
    assert plot.instead.text() == library.why_not()
    with qtbot.waitSignal(deck.engine_wanted):
        qtbot.mouseClick(plot.button, Qt.MouseButton.LeftButton)


def test_mix_ups_need_no_library(without_pyqtgraph, state, show):
    assert drawn(show("plot_confusion"))


def test_the_copy_of_set_up_is_found_and_goes_last(without_pyqtgraph, monkeypatch):
    folder = without_pyqtgraph / "qgis-packages" / "pyqtgraph"
    folder.mkdir(parents=True)
    (folder / "__init__.py").write_text("OURS = True\n")
    for name in [name for name in sys.modules if name.partition(".")[0] == "pyqtgraph"]:
        monkeypatch.delitem(sys.modules, name)
    theirs = [path for path in sys.path if "site-packages" in path]
    monkeypatch.setattr(sys, "path", [path for path in sys.path if path not in theirs])
    assert library.pyqtgraph().OURS
    assert sys.path[-1] == str(folder.parent)
