"""What to do next, in sentences. Plain text; the page escapes it."""

from typing import Any

from .curve import LEAST_SCORE
from .words import FEW_GROUPS, NOTABLE_GAP, first_scheme

Assessment = dict[str, Any]
NOTABLE_CALIBRATION = 0.1
WEAK_F1 = 0.6
MOST_NAMED = 5


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
    for name in scheme["untested"][:MOST_NAMED]:
        tips.append(f"Add {where} of {name}: there are too few to keep one apart, so nothing was left to test it on.")
    if numbers["target"] == "class":
        tips += _class_advice(numbers, scheme, where)
    elif head["score"] is not None and head["score"] < 0.1:
        tips.append("The estimate is hardly better than the mean. Another embedding, or more varied labels, may help.")
    tips += _region_advice(numbers)
    if head["honest"] and head["leakage"] is not None and head["leakage"] >= NOTABLE_GAP:
        tips.append(f"Add labels in new places: more cells in the same {where} raise only the random score.")
    tips += _curve_advice(numbers)
    if scheme["groups"] < FEW_GROUPS and head["honest"]:
        tips.append(f"Test on more {where}; {scheme['groups']} tell little about the rest of the area.")
    tips.append("For areas or shares with an interval, draw a random sample of the map and label that.")
    return tips


def _region_advice(numbers: Assessment) -> list[str]:
    head = numbers["headline"]
    if head.get("regions") is None or head["score"] is None or head["scheme"] == "regions":
        return []
    if head["score"] - head["regions"] < NOTABLE_GAP:
        return []
    return [
        "Before you map a region without labels, label some cells there: heads taught elsewhere did clearly worse than "
        "the headline says."
    ]


def _curve_advice(numbers: Assessment) -> list[str]:
    found = numbers.get("curve")
    if not found or found["needed"] is None or (found["curves"][0]["mean"][-1] or 0) < LEAST_SCORE:
        return []
    if found["still_rising"]:
        return ["More labels still pay: the learning curve rises to its end."]
    full = found["curves"][0]["labels"][-1]
    if found["needed"] < full / 3:
        return [
            "More cells of these labels will hardly help: the learning curve is flat. New places, other classes or "
            "another embedding may."
        ]
    return []


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
