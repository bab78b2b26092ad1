"""Names and tooltips of the second half of the Reef tab: labels, agreement, training, stop sign, cover."""

from typing import Dict, Tuple

from ...processing.i18n import tr

Words = Dict[str, Tuple[str, str]]


def _labels() -> Words:
    return {
        "reef_label_tree": (
            tr("Label tree"),
            tr(
                "Drag a label onto another one to put it below that. F2 renames, a double click changes what stands in "
                "a cell, Del removes a label that no point bears, Ctrl+Left and Ctrl+Right move it out and in, and the "
                "right mouse button has more. Everything can be undone."
            ),
        ),
        "reef_label_new": (
            tr("New label"),
            tr(
                "Type a code, a space and a name, such as 'Por Porites', and press Enter. CoralNet takes codes of up "
                "to ten characters."
            ),
        ),
        "reef_label_add": (tr("Add label"), tr("Add this label below the chosen one, or at the top.")),
        "reef_label_more": (
            tr("More for labels"),
            tr("Rename, recolour, give keys, move, merge several into one, remove what is not used."),
        ),
    }


def _agreement() -> Words:
    return {
        "reef_pair": (
            tr("Two annotators"),
            tr("Who is compared with whom: all pairs that labelled the same points, those with most points first."),
        ),
        "reef_kappas": (
            tr("Agreement by level"),
            tr(
                "Share of points with one label by both, and Cohen's kappa: agreement beyond what two people reach who "
                "give labels as often, but at random; 1 is perfect, 0 is chance. Choose a level to list the points."
            ),
        ),
        "reef_differing": (
            tr("Points in which they differ"),
            tr("At the chosen level. Choose one, or press Enter, to see it on its photo."),
        ),
    }


def _learning() -> Words:
    return {
        "reef_train": (
            tr("Train now"),
            tr(
                "Train on all points that people labelled, then suggest labels for photos that are not finished, in "
                "the background: go on annotating."
            ),
        ),
        "reef_suggest": (
            tr("Suggest anew"),
            tr("Suggest labels by the model there is, at the accuracy that stands here now. Finished photos stay."),
        ),
        "reef_train_stop": (
            tr("Stop training"),
            tr("Stop; what was computed of the photos is kept for the next time."),
        ),
        "reef_train_form": (
            tr("How it is trained…"),
            tr("Open the form of training: backbone, kind of model, test. What you run there is repeated here."),
        ),
        "reef_auto": (
            tr("Train again by itself"),
            tr("Whenever a tenth more photos are finished than the last model learnt from, as on CoralNet."),
        ),
        "reef_first": (tr("Photos before the first training"), tr("So many photos must be finished first.")),
        "reef_wish": (
            tr("Wished accuracy"),
            tr(
                "Of the labels that are given as trusted so many are right. A label is given as deep in the tree as "
                "this holds: 'hard coral' rather than a wrong species."
            ),
        ),
        "reef_train_bar": (tr("Progress of training"), tr("How far training and suggesting are.")),
    }


def _sign() -> Words:
    return {
        "reef_sign": (
            tr("Stop sign"),
            tr("Whether more photos need to be checked, from batches of finished photos that the model never saw."),
        ),
        "reef_sign_plot": (
            tr("Error of each batch"),
            tr(
                "How far the cover by the machine is off in the worst group of each batch of checked photos, with 95 % "
                "intervals. Two batches in a row wholly below the dashed line, and you may stop."
            ),
        ),
        "reef_tolerance": (
            tr("Tolerated error of cover"),
            tr("Mean difference between machine and people on a photo, in points of per cent of cover."),
        ),
        "reef_sign_level": (
            tr("Level of the stop sign"),
            tr("Level of the label tree whose labels are the groups; 1 is the top. Not used with codes beside it."),
        ),
        "reef_targets": (
            tr("Target groups"),
            tr("Codes separated by commas, such as 'Hard, Soft'; all below them counts. Empty: all of the level."),
        ),
        "reef_batch": (tr("Photos of a batch"), tr("So many checked photos are judged together, at least.")),
        "reef_sign_ask": (tr("Ask again"), tr("Judge the photos that are checked now.")),
        "reef_sign_report": (tr("Report…"), tr("Open the form that writes table and page of this question.")),
    }


def _cover() -> Words:
    return {
        "reef_cover_plot": (
            tr("Cover of the survey"),
            tr("Mean cover of the finished photos by label, and intervals where they were asked for."),
        ),
        "reef_cover_level": (tr("Level of the cover"), tr("Level of the label tree; 1 is the top.")),
        "reef_cover_intervals": (
            tr("Intervals"),
            tr("Estimate the cover of all photos with 95 % intervals, by people and machine together."),
        ),
        "reef_cover_form": (
            tr("Report…"),
            tr("Open the form that tells cover by site, date and transect, with diversity, maps and a page."),
        ),
    }


def _folding() -> Words:
    parts = {
        "reef_tree": tr("label tree"),
        "reef_learn": tr("training"),
        "reef_sign": tr("stop sign"),
        "reef_cover": tr("cover"),
        "reef_agreement": tr("two annotators"),
    }
    title, tip = tr("Fold or unfold: {part}"), tr("Show this part, or fold it away.")
    return {f"fold_{name}": (title.format(part=part), tip) for name, part in parts.items()}


def more_words() -> Words:
    """All of them."""
    return {**_labels(), **_agreement(), **_learning(), **_sign(), **_cover(), **_folding()}
