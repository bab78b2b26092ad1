"""What the numbers of a comparison of methods mean, in sentences. Plain text; the page escapes it."""

from typing import Any

from ..report.parts import listed
from .apart import BLOCKS, RANDOM, ZONES
from .comparescores import LEARNT, title_of

Numbers = dict[str, Any]
NOTABLE = 0.02
"""IoU, or share of cells called favela, below which a gap is not called one."""
APART = {
    BLOCKS: "squares of the city that had taught it nothing",
    ZONES: "zones that had taught it nothing",
    RANDOM: "cells drawn at random",
}


def headline_sentences(numbers: Numbers) -> list[str]:
    """The result in a few plain sentences, the most important first."""
    head = numbers["headline"]
    if not head:
        return ["No fold had favela cells and others in its test, so nothing can be compared."]
    return [_best(numbers), *_next(head), *_trivial(head), *_flatter(head), *_zones(head), *_balanced(numbers)]


def _best(numbers: Numbers) -> str:
    head, one = numbers["headline"], numbers["headline"]["scores"]
    only = len(head["ranking"]) == 1
    does = "draws favelas" if only else "draws favelas best,"
    cut = "" if head["test"] == LEARNT else " by the published rule"
    text = (
        f"In {APART[head['scheme']]}, with favela as common as among the labels, '{title_of(head['best'])}' {does} "
        f"with an IoU of {_iou(one['iou'])}{cut}. It finds {100 * one['recall']:.0f} of 100 favela cells, and "
        f"{100 * one['precision']:.0f} of 100 that it calls favela are."
    )
    if not head["honest"]:
        text += " No honest test was possible, so this comes from random folds and flatters."
    return text


def _next(head: Numbers) -> list[str]:
    if "difference" not in head:
        return []
    gap, error = head["difference"]["mean"], head["difference"]["standard_error"]
    text = f"The next, '{title_of(head['ranking'][1])}', lies {_points(gap)} lower"
    if error is None:
        return [f"{text}; with a single fold it cannot be said whether that is luck."]
    if gap > error:
        return [f"{text}, more than the standard error of that difference ({_points(error)})."]
    return [
        f"{text}, no more than the standard error of that difference ({_points(error)}): they cannot be told apart."
    ]


def _points(value: float) -> str:
    return f"{100 * value:.1f} points"


def _iou(value: float) -> str:
    return f"{100 * value:.1f} %"


def _trivial(head: Numbers) -> list[str]:
    found, trivial = head["scores"]["iou"], head["trivial"]
    if found <= trivial:
        return [f"Calling every cell favela has an IoU of {_iou(trivial)}: no method is better than that."]
    return [f"Calling every cell favela would have an IoU of {_iou(trivial)}."]


def _flatter(head: Numbers) -> list[str]:
    if RANDOM not in head:
        return []
    found, claimed = head["scores"]["iou"], head[RANDOM]
    if claimed - found > NOTABLE:
        return [
            f"Random folds would have claimed {_iou(claimed)} for it. The {_points(claimed - found)} between are "
            "neighbours of training cells in the test, not skill."
        ]
    if found - claimed > NOTABLE:
        return [f"Random folds give {_iou(claimed)} for it, less; with so few cells the draw of the folds decides."]
    return [f"Random folds give {_iou(claimed)} for it: they hardly flatter here."]


def _zones(head: Numbers) -> list[str]:
    return [f"In zones that taught it nothing its IoU is {_iou(head[ZONES])}."] if ZONES in head else []


def _balanced(numbers: Numbers) -> list[str]:
    head, share = numbers["headline"], numbers["cells"]["share"]
    rosy, real = head["balanced_precision"], head["natural_precision"]
    if rosy - real <= NOTABLE:
        return []
    return [
        f"Balanced test cells, as in the study, hide false alarms: by the published rule {100 * rosy:.0f} of 100 "
        f"cells that it calls favela are where both kinds are equally common, but {100 * real:.0f} of 100 where favela "
        f"is {_share(share)} of the cells, as here."
    ]


def _share(share: float) -> str:
    return f"{100 * share:.2g} %"


def how_tested(numbers: Numbers, job: Numbers) -> list[str]:
    """How the test was done, as a list."""
    lines = []
    for scheme in numbers["schemes"]:
        what = "zones" if scheme["name"] == ZONES else "folds"
        times = "once" if scheme["repetitions"] == 1 else f"{scheme['repetitions']} times"
        lines.append(f"{scheme['title']}: {scheme['sentence']} {scheme['folds']} {what}, {times}.")
        if scheme["unscored"]:
            lines.append(
                f"{scheme['title']}: {scheme['unscored']} of {scheme['unscored'] + scheme['runs']} runs had no favela "
                f"cell, or no other, in the test, and are in no mean{_which(scheme)}."
            )
        if scheme["without_cut"]:
            lines.append(
                f"{scheme['title']}: in {scheme['without_cut']} runs no cut could be learnt inside the training part; "
                "the rows of the learnt cut are means of the others."
            )
    lines += [f"No test by {one['title'].lower()}: {one['reason']}" for one in numbers["left_out"]]
    balance = {
        "draws": "as many cells of both kinds, drawn at random from the training part",
        "split": "as many cells of both kinds, the common kind dealt out among the draws",
        "none": "all cells of the training part",
    }[job["balance"]]
    lines += [
        f"In every fold each method was fitted anew to {balance}. The training part is all other folds together, and "
        "all methods learn from the same draws and are asked about the same test cells.",
        _cut(job),
        "Scores are of favela cells. ± is the population standard deviation over folds and repetitions, as in the "
        "study; it is not the standard error of the mean, as runs share their training cells.",
        "The standard error of the difference between two methods is the corrected one of resampled tests (Nadeau and "
        "Bengio 2003), over the differences fold by fold. The best of several methods is best by some luck, too.",
        "Scores tell of labelled cells. Cells that are discarded or mixed are not among them, but may be in the map.",
    ]
    return lines


def _which(scheme: Numbers) -> str:
    names = scheme.get("zones_unscored")
    return f": {listed(names)}" if names else ""


def _cut(job: Numbers) -> str:
    if not job["inner_folds"]:
        return "No cut was learnt: favela is what the published rule says."
    return (
        f"The learnt cut is the probability from which on F1 is best, learnt on {job['inner_folds']} folds inside the "
        "training part, kept apart as the folds are (inside zones by squares); no test cell has a say in it. Maps made "
        "by 'Map favelas' cut so."
    )
