"""What each control of the Reef tab is called by a screen reader and says of itself in its tooltip."""

from typing import Dict, Tuple

from ...processing.i18n import tr
from .morewords import more_words

Words = Dict[str, Tuple[str, str]]
"""Name of the control -> its accessible name, its tooltip."""


def _survey() -> Words:
    return {
        "reef_open": (tr("Open survey…"), tr("A survey file that is there: a GeoPackage of photos and points.")),
        "reef_import": (
            tr("Import photo survey…"),
            tr("Make a survey of a folder of photos, with files of CoralNet, CPCe or the Toolbox if there are any."),
        ),
        "reef_survey": (
            tr("Survey"),
            tr("The survey that is annotated. Surveys of this project come first, then those that were open before."),
        ),
        "reef_survey_more": (
            tr("More for the survey"),
            tr("Open, import, place points, cover, export; show the photos on the map; read the file again."),
        ),
        "reef_annotator": (
            tr("Annotator"),
            tr("Whose labels are written. Type your name; labels of several annotators are kept apart."),
        ),
        "reef_how": (
            tr("How to annotate"),
            tr("Alone or with others, in which order, and what happens when a photo is done."),
        ),
        "reef_survey_progress": (tr("Progress of the survey"), tr("Points that people labelled, of all points.")),
        "reef_photo_progress": (tr("Progress of the photo"), tr("Points of this photo that people labelled.")),
    }  # fmt: skip


def _photos() -> Words:
    return {
        "reef_photo_find": (
            tr("Find photos"),
            tr("List photos whose name, site, transect or date holds what you type here."),
        ),
        "reef_photo_shown": (tr("Which photos"), tr("All, or only those that are to be done, begun or done.")),
        "reef_photo_site": (tr("Site"), tr("List the photos of this site only.")),
        "reef_photos": (
            tr("Photos"),
            tr("Photos of the survey with the points that are done. Choose one to annotate it. PgUp and PgDn leaf on."),
        ),
        "reef_previous_photo": (tr("Previous photo"), tr("The photo before this one in the list. Key: PgUp")),
        "reef_next_photo": (tr("Next photo"), tr("The photo after this one in the list. Key: PgDn")),
        "reef_left_photo": (
            tr("Next photo to do"),
            tr("The next photo of the list with points that nobody labelled. Key: Ctrl+PgDn"),
        ),
    }


def _points() -> Words:
    return {
        "reef_point": (
            tr("Point at hand"),
            tr(
                "Enter takes the first line and goes on, 1 to 5 take a suggestion, the key of a label gives it, "
                "Space searches for one, the arrows go from point to point."
            ),
        ),
        "reef_previous_point": (tr("Previous point"), tr("The point before this one. Key: Left")),
        "reef_next_point": (tr("Next point"), tr("The point after this one. Key: Right")),
        "reef_trusted": (
            tr("Label that Enter takes"),
            tr(
                "The label at the deepest level of the tree that is sure enough, else the most probable one. Key: Enter"
            ),
        ),
        "reef_suggestion": (tr("Suggestion"), tr("Take this label. Key: its number")),
        "reef_accept_photo": (
            tr("Accept photo"),
            tr(
                "Take the trusted labels of all points of this photo that are left. Key: Ctrl+Enter; with Shift, the "
                "most probable labels of all others too. The photo is done then, but it counts as the machine's: "
                "training, stop sign and cover rest on points that you judge one by one. One step of undo."
            ),
        ),
        "reef_blind": (
            tr("Hide suggestions"),
            tr("Decide without knowing what is suggested, as a fair test of it needs. Key: Ctrl+H"),
        ),
        "reef_erase": (tr("Take label away"), tr("Take away what you said of this point. Key: Del")),
        "reef_undo": (tr("Undo"), tr("Take back the last change of labels. Key: Ctrl+Z")),
        "reef_redo": (tr("Redo"), tr("Do again what was taken back. Key: Ctrl+Y")),
        "fold_reef_keys": (tr("Keys"), tr("Show or hide what each key does.")),
        "reef_keys": (tr("Keys"), tr("They answer in the photo window and in the box of the point.")),
        "reef_to_photo": (tr("Show photo"), tr("Bring the photo window back, with the keyboard.")),
    }


def _palette() -> Words:
    return {
        "reef_label_find": (
            tr("Find a label"),
            tr("Type a part of a code or name; Enter gives the first that fits, the arrows choose another. Key: Space"),
        ),
        "reef_labels": (
            tr("Labels"),
            tr("Click on a label, or press Enter on it, to give it to the point at hand. Each has its key beside it."),
        ),
        "reef_labels_more": (tr("More for labels"), tr("As tree or as list; keys for labels; the key of one label.")),
        "reef_recent": (tr("Label used just now"), tr("Give this label again.")),
    }


def words() -> Words:
    """All of them."""
    return {**_survey(), **_photos(), **_points(), **_palette(), **more_words()}
