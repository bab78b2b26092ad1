"""What the numbers of an assessment mean, in sentences. Plain text; the page escapes it."""

from typing import Any

Assessment = dict[str, Any]
FEW_GROUPS = 10
"""Groups below which an interval from drawing groups again is too narrow."""
NOTABLE_GAP = 0.03
NOTABLE_CALIBRATION = 0.1
WEAK_F1 = 0.6


def first_scheme(numbers: Assessment) -> dict[str, Any]:
    """The scheme to trust."""
    return next(s for s in numbers["schemes"] if s["name"] == numbers["headline"]["scheme"])


def apart(scheme: dict[str, Any], numbers: Assessment) -> str:
    """What was kept apart, as `polygons that it had never seen`."""
    if scheme["name"] == "groups":
        return f"{numbers['group_kind']} that it had never seen"
    return "places that it had never seen" if scheme["name"] == "blocks" else "cells drawn at random"


def headline_sentences(numbers: Assessment) -> list[str]:
    """The result in a few plain sentences, the most important first."""
    head, scheme = numbers["headline"], first_scheme(numbers)
    row = scheme["metrics"][head["metric"]]
    where = apart(scheme, numbers)
    if head["score"] is None:
        return ["The labels are too few, or vary too little, for a score."]
    if numbers["target"] == "class":
        share = "more than 99" if 0.995 <= head["score"] < 1 else f"{100 * head['score']:.0f}"
        text = [f"On {where}, the head named {share} of 100 labelled cells right."]
    else:
        rmse = scheme["metrics"]["rmse"]["mean"]
        share = f"explains {100 * head['score']:.0f} % of the variance"
        if head["score"] <= 0:
            share = "is no better than the mean of all labels"
        text = [f"On {where}, the head {share}; its typical error is {rmse:.3g}."]
    if row.get("low") is not None and row.get("high") is not None:
        text.append(_interval_sentence(numbers, scheme, row))
    if not head["honest"]:
        text.append(
            "No honest test was possible with these labels, so this figure comes from random folds and flatters: "
            "neighbours of the training cells are in the test."
        )
    elif head["leakage"] is not None:
        text.append(_leak_sentence(numbers))
    return text


def _interval_sentence(numbers: Assessment, scheme: dict[str, Any], row: dict[str, Any]) -> str:
    unit = numbers["target"] == "class"
    low, high = (f"{100 * v:.0f} %" if unit else f"{v:.2f}".replace("-", "−") for v in (row["low"], row["high"]))
    kind = numbers["group_kind"] if scheme["name"] == "groups" else "blocks"
    what = "it could have been" if unit else "R2 could have been"
    text = f"With other {kind} of the same sort {what} {low} to {high} (95 % interval)"
    if scheme["groups"] < FEW_GROUPS:
        return f"{text}; with only {scheme['groups']} {kind} even that is too narrow."
    return f"{text}."


def _leak_sentence(numbers: Assessment) -> str:
    gap, random = numbers["headline"]["leakage"], numbers["headline"]["random"]
    if numbers["target"] == "class":
        points, said = f"{abs(100 * gap):.0f} points", f"{100 * random:.0f} %"
    else:
        points, said = f"{abs(gap):.2f}", f"R2 {random:.2f}"
    if gap >= NOTABLE_GAP:
        return f"Random folds would have claimed {said}. The {points} between the two are leakage, not skill."
    if gap <= -NOTABLE_GAP:
        return f"Random folds give {said}, {points} less; with so few labels the draw of the folds decides."
    return f"Random folds give {said}: hardly any leakage here."


def how_tested(numbers: Assessment, job: dict[str, Any]) -> list[str]:
    """How the test was done, as a list."""
    lines = []
    for scheme in numbers["schemes"]:
        times = "once" if scheme["repetitions"] == 1 else f"{scheme['repetitions']} times"
        line = f"{scheme['title']}: {scheme['sentence']} {scheme['folds']} folds, {times}; {scheme['tested']:,} samples"
        lines.append(f"{line} in {scheme['groups']:,} groups." if scheme["name"] != "random" else f"{line}.")
        if scheme["untested"]:
            lines.append(f"{scheme['title']}: {', '.join(scheme['untested'])} could be trained but not tested.")
        if scheme["gaps"]:
            lines.append(
                f"{scheme['title']}: in some folds a class was missing from training; its cells count as errors."
            )
    lines += [f"{item['title']} were left out: {item['reason']}" for item in numbers["left_out"]]
    lines.append(
        f"In every fold the head '{job['head']}' was fitted anew by the procedure of 'Train head'; choices such as the "
        "strength of regularisation were made inside the training part."
    )
    if any(scheme["repetitions"] > 1 for scheme in numbers["schemes"]):
        lines.append(
            "± is the standard deviation over repetitions. It tells how much the draw of the folds matters; it is not "
            "the uncertainty of the score. That is the 95 % interval, made by drawing whole groups again."
        )
    lines.append(
        "Scores tell of labelled cells, not of the map. Unless labels were drawn at random over the area, they "
        "say how well classes are told apart where somebody chose to label."
    )
    return lines


def advice(numbers: Assessment) -> list[str]:
    """What would help most, the most urgent first."""
    tips = []
    scheme, head = first_scheme(numbers), numbers["headline"]
    kind = numbers["group_kind"]
    where = kind if kind in ("polygons", "lines", "points") else "groups"
    if not head["honest"]:
        tips.append(
            f"Label at least two {where} of each class, in different places. Until then nobody knows how good this is."
        )
    for name in scheme["untested"]:
        tips.append(f"Add {where} of {name}: there is only one, so nothing was left to test it on.")
    if numbers["target"] == "class":
        tips += _class_advice(numbers, scheme, where)
    elif head["score"] is not None and head["score"] < 0.1:
        tips.append("The estimate is hardly better than the mean. Another embedding, or more varied labels, may help.")
    if head["honest"] and head["leakage"] is not None and head["leakage"] >= NOTABLE_GAP:
        tips.append(f"Add labels in new places: more cells in the same {where} raise only the random score.")
    if scheme["groups"] < FEW_GROUPS and head["honest"]:
        tips.append(f"Test on more {where}; {scheme['groups']} tell little about the rest of the area.")
    tips.append("For areas or shares with an interval, draw a random sample of the map and label that.")
    return tips


def _class_advice(numbers: Assessment, scheme: dict[str, Any], where: str) -> list[str]:
    names = [entry["name"] for entry in numbers["classes"]]
    tips = []
    tested = [k for k, row in enumerate(scheme["per_class"]) if row["support"]]
    weak = min(tested, key=lambda k: scheme["per_class"][k]["f1"])
    if scheme["per_class"][weak]["f1"] < WEAK_F1:
        row = list(scheme["confusion"][weak])
        row[weak] = 0
        rival = max(range(len(row)), key=row.__getitem__)
        found = f"{100 * scheme['per_class'][weak]['recall']:.0f} % of it is found"
        mistaken = f", and it is mostly taken for {names[rival]}" if row[rival] else ""
        tips.append(f"{names[weak]} is the weakest class: {found}{mistaken}. Label more of it in other places.")
    few = [entry for entry in numbers["classes"] if 1 < entry["groups"] < 5]
    if few and where != "points":
        listed = ", ".join(f"{entry['name']} ({entry['groups']})" for entry in few)
        tips.append(f"Few {where}: {listed}. Five of each class allow five folds.")
    calibration = scheme["metrics"].get("calibration_error", {}).get("mean")
    if calibration is not None and calibration >= NOTABLE_CALIBRATION:
        bins = scheme["reliability"]
        over = sum(b["count"] * (b["confidence"] - b["right"]) for b in bins) > 0
        side = "more sure than it is right" if over else "less sure than it is right"
        tips.append(
            f"Do not take the confidence at its word: the head is {side}, by {100 * calibration:.0f} points on average."
        )
    return tips
