"""What each control is called by a screen reader and says of itself in its tooltip. All of them, and nothing else."""

from typing import Dict, Tuple

from ...processing.i18n import tr
from ..reef.photo.words import photo_words

Words = Dict[str, Tuple[str, str]]
"""Name of the control -> its accessible name, its tooltip."""


def _source() -> Words:
    return {
        "raster": (tr("Raster"), tr("The raster to make a map of: any bands, any sensor.")),
        "begin": (tr("Begin"), tr("Begin to teach with what is proposed here.")),
        "source_more": (
            tr("More about raster and labels"),
            tr("Another embedding, labels that you have already, and how the map is learned."),
        ),
        "embedding": (
            tr("Embedding"),
            tr(
                "An embedding is a raster that holds, for each cell, a list of numbers saying what the place looks "
                "like. Cells that look alike have numbers alike; that is what the map is learned from."
            ),
        ),
        "target_class": (tr("Teach classes"), tr("Each place is of one kind, such as forest or water.")),
        "target_value": (tr("Teach values"), tr("Each place has a number, such as a height or a share.")),
        "to_engine": (tr("Go to the Engine tab"), tr("Set up the part of Quadrat that does the work.")),
    }


def _classes() -> Words:
    return {
        "class_list": (
            tr("Classes"),
            tr(
                "The class that your next click gives is the chosen one. Press its key to choose it, F2 to rename it, "
                "Del to delete it, and the right mouse button for more."
            ),
        ),
        "class_name": (tr("Name of a new class"), tr("Type a name and press Enter.")),
        "class_add": (tr("Add class"), tr("Add a class of this name; it gets a colour and a key.")),
        "class_more": (tr("More for classes"), tr("Rename, recolour, merge, delete, or load from a layer.")),
        "value": (tr("Value"), tr("The value that your next click gives.")),
    }


def _gestures() -> Words:
    return {
        "tool_click": (
            tr("Click"),
            tr("Click on the map: the cell under the cursor gets the chosen class. Right click erases."),
        ),
        "tool_drag": (
            tr("Drag"),
            tr("Hold the mouse button and drag over cells: all get the class. The right button erases them."),
        ),
        "tool_polygon": (
            tr("Polygon"),
            tr("Click the corners, right click or Enter to finish, Esc to drop. All cells inside get the class."),
        ),
        "tool_none": (tr("Move the map"), tr("Stop labelling and move the map as usual.")),
        "undo": (tr("Undo"), tr("Take back the last change of labels or classes.")),
        "redo": (tr("Redo"), tr("Do again what was taken back.")),
        "selected": (
            tr("Label what is selected"),
            tr("Give the chosen class to the selected features of any vector layer."),
        ),
        "label_counts": (tr("Labels so far"), tr("Labels are saved at each click, in a layer of their own.")),
    }


def _live() -> Words:
    return {
        "live": (tr("Live map"), tr("Show the map of what you see, learned anew after each label.")),
        "opacity": (tr("Opacity of the live map"), tr("How much of the live map covers the layers below.")),
        "by_confidence": (tr("Fade by confidence"), tr("The less sure the class, the fainter its colour.")),
        "unsure": (
            tr("Hatch unsure places"),
            tr("Hatch the places that could be of several classes at the confidence beside this box."),
        ),
        "coverage": (
            tr("Confidence of unsure places"),
            tr("The true class is to be among those thought possible in so many of a hundred places."),
        ),
    }


def _next() -> Words:
    return {
        "next": (tr("What next?"), tr("Fly to the place whose label would help the map most.")),
        "strategy": (tr("How places are chosen"), tr("What makes a place worth a label.")),
        "accept": (tr("Accept"), tr("The guess is right. Key: Enter")),
        "skip": (tr("Skip"), tr("Another place, without a label here. Key: Space")),
        "stop": (tr("Stop"), tr("No more questions. Key: Esc")),
        "next_box": (
            tr("Is the guess right?"),
            tr("Enter accepts the guess, the key of a class corrects it, Space skips, Esc stops."),
        ),
        "next_value": (tr("The right value"), tr("Type the right value and press Enter.")),
    }


def _rest() -> Words:
    return {
        "hover": (
            tr("Under the cursor"),
            tr("What the map says of the place under the cursor, and the labelled places most like it."),
        ),
        "bars": (tr("Probability of each class"), tr("How probable each class is here; the bars add up to 100 %.")),
        "fold_hover": (tr("Fold or unfold: under the cursor"), tr("Show this part, or fold it away.")),
        "fold_plots": (tr("Fold or unfold: plots"), tr("Show this part, or fold it away.")),
        "plot_kind": (tr("Which plot"), tr("Plots show how good the map is and what it is made of.")),
        "plot_scatter": (
            tr("Scatter of the embedding"),
            tr(
                "Each point is a cell; cells that look alike lie close together. Drag a rectangle around points to see "
                "them on the map; wheel to zoom, double click to see all."
            ),
        ),
        "plot_learning": (
            tr("Accuracy so far"),
            tr("Tested on labels far from those it was taught with. The bars hold the true figure in 95 of 100 cases."),
        ),
        "plot_confusion": (
            tr("Mix-ups"),
            tr("Rows: how a place was labelled; columns: how it was mapped when its label was kept aside."),
        ),
        "plot_confidence": (tr("Confidence"), tr("How many cells of the view are mapped with which confidence.")),
        "plot_shares": (
            tr("Share of each class"),
            tr("Of the cells in view. Such shares are counted from the map, errors and all."),
        ),
        "map_everything": (
            tr("Map everything"),
            tr("Write the map of the whole raster with these settings, in the background."),
        ),
        "assess": (tr("Assess"), tr("Write a report of how good the map is, and open it.")),
        "copy": (tr("Copy as"), tr("Copy what 'Map everything' runs, to repeat it or build on it.")),
        "heads": (tr("Taught before"), tr("What was taught and saved; it can be applied to other rasters.")),
        "apply": (tr("Apply to another raster"), tr("Use it on the embedding of another place or year.")),
        "news": (tr("Message"), tr("What was said last.")),
        "dismiss": (tr("Close this message"), tr("Close this message.")),
        "cancel": (tr("Cancel"), tr("Stop what is being done; what is finished is kept.")),
        "log": (tr("Log"), tr("What was done, line by line.")),
    }


def _engine() -> Words:
    return {
        "machine": (tr("This machine"), tr("What the engine runs on, and what it keeps ready.")),
        "models": (tr("Models on this computer"), tr("Weights of networks that were downloaded or brought by hand.")),
        "models_list": (
            tr("Models"),
            tr("Weights that lie on the disk. Choose one to delete it; its tooltip tells where it came from."),
        ),
        "models_get": (
            tr("Get…"),
            tr("Download the weights of a backbone, or go on with one that was cut off."),
        ),
        "models_add": (tr("Add file…"), tr("Take in a file of weights that you have, from a USB stick, say.")),
        "models_verify": (
            tr("Verify"),
            tr("Read every file and compare it with what was noted at first."),
        ),
        "models_delete": (tr("Delete…"), tr("Delete the chosen weights from the disk.")),
        "models_move": (tr("Move…"), tr("Move all models to another folder or disk, or join a store that lies there.")),
        "models_stop": (tr("Cancel"), tr("Stop; what is done so far stays.")),
        "look_again": (tr("Look again"), tr("Ask the engine once more.")),
        "speed_backbone": (
            tr("Backbone"),
            tr("What makes the numbers of an embedding. Those that need a model are in the toolbox."),
        ),
        "speed_columns": (tr("Columns of your raster"), tr("Pixels from west to east.")),
        "speed_rows": (tr("Rows of your raster"), tr("Pixels from north to south.")),
        "speed_bands": (tr("Bands of your raster"), tr("How many bands are used.")),
        "speed_run": (
            tr("Test the speed"),
            tr("Do the first seconds of the work, and say how long a raster of this size would take; about a minute."),
        ),
        "set_up": (tr("Set up"), tr("Install the engine chosen above")),
        "repair": (tr("Repair"), tr("Make the engine anew, beside the old one")),
        "check": (tr("Check"), tr("Look for what is wrong, in a sentence each")),
        "remove": (tr("Remove…"), tr("Delete the engine from the disk")),
        "stop_set_up": (tr("Cancel"), tr("Stop; what was downloaded is kept")),
        "copy_log": (tr("Copy log"), tr("For a message to the developers")),
    }


def _lesson() -> Words:
    return {
        "plot_losses": (
            tr("Learning curve"),
            tr(
                "Loss of each epoch. While the lines of validation still fall, more epochs help; once they rise again, "
                "the network learns its places by heart."
            ),
        ),
        "lesson_runs": (tr("Run"), tr("Runs of this session, the latest first.")),
        "lesson_models": (
            tr("Models in numbers"),
            tr("Each model of the run. Choose a row to see its lines strongest."),
        ),
        "lesson_log": (
            tr("Logarithmic axis"),
            tr("Equal steps upwards are equal factors, so that small losses can be told apart."),
        ),
        "lesson_opens": (
            tr("Open with each training"),
            tr("Open this window whenever a network begins to learn. It is in the menu Quadrat > Poverty in any case."),
        ),
    }


def words() -> Words:
    """All of them."""
    return {
        **_source(),
        **_classes(),
        **_gestures(),
        **_live(),
        **_next(),
        **_rest(),
        **_engine(),
        **_lesson(),
        **photo_words(),
    }
