"""What the numbers of an assessment mean, in sentences. Plain text; the page escapes it."""

from typing import Any

from .parts import listed, points, short

Assessment = dict[str, Any]
FEW_GROUPS = 10
"""Groups below which an interval is so wide that it tells little."""
NOTABLE_GAP = 0.03
MOST_REGIONS = 4
WORST_R2 = -1.0
"""Lower bounds of R2 below this are told as such: how much worse than the mean is no longer of interest."""


def first_scheme(numbers: Assessment) -> dict[str, Any]:
    """The scheme to trust."""
    return next(s for s in numbers["schemes"] if s["name"] == numbers["headline"]["scheme"])


def apart(scheme: dict[str, Any], numbers: Assessment) -> str:
    """What was kept apart, as `polygons that it had never seen`."""
    if scheme["name"] == "groups":
        return f"{numbers['group_kind']} that it had never seen"
    if scheme["name"] == "regions":
        return "regions that it had never seen"
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
    return text + _region_sentences(numbers)


def _interval_sentence(numbers: Assessment, scheme: dict[str, Any], row: dict[str, Any]) -> str:
    unit = numbers["target"] == "class"
    low, high = (f"{100 * v:.0f} %" if unit else _r2(v) for v in (row["low"], row["high"]))
    kind = numbers["group_kind"] if scheme["name"] == "groups" else "blocks"
    what = "it could have been" if unit else "R2 could have been"
    text = f"With other {kind} of the same sort {what} {low} to {high} (95 % interval)"
    if scheme["groups"] < FEW_GROUPS:
        return f"{text}; that is so wide because there are only {scheme['groups']} {kind}."
    return f"{text}."


def _r2(value: float) -> str:
    return "below −1" if value < WORST_R2 else f"{value:.2f}".replace("-", "−")


def _region_sentences(numbers: Assessment) -> list[str]:
    """How the score fares in regions without labels."""
    scheme = next((one for one in numbers["schemes"] if one["name"] == "regions"), None)
    if scheme is None:
        return []
    metric, classes = numbers["headline"]["metric"], numbers["target"] == "class"
    rows = [one for one in scheme["regions"]["rows"] if one["scores"].get(metric) is not None]
    if not rows:
        return []
    said = [f"{short(one['scores'][metric], metric)} in {one['region']}" for one in rows]
    if len(rows) > MOST_REGIONS:
        ordered = sorted(rows, key=lambda one: one["scores"][metric])
        ends = ((ordered[0], "at worst"), (ordered[-1], "at best"))
        said = [f"{short(one['scores'][metric], metric)} in {one['region']} {end}" for one, end in ends]
    name = "the share right was" if classes else "R2 was"
    text = [f"In whole regions that gave no labels {name} {listed(said)}."]
    where: dict[str, list[str]] = {}
    for one in scheme["regions"]["only_in"]:
        where.setdefault(one["region"], []).append(one["class"])
    for region, names in where.items():
        text.append(f"{listed(names)} occur{'' if len(names) > 1 else 's'} in {region} only: no other region can teach "
                    f"{'them' if len(names) > 1 else 'it'}.")  # fmt: skip
    return text


def _leak_sentence(numbers: Assessment) -> str:
    head = numbers["headline"]
    gap, apart = head["leakage"], points(head["random"], head["score"], head["metric"])
    said = short(head["random"], head["metric"])
    if numbers["target"] == "value":
        said = f"R2 {said}"
    if gap >= NOTABLE_GAP:
        return f"Random folds would have claimed {said}. The {apart} between the two are leakage, not skill."
    if gap <= -NOTABLE_GAP:
        return f"Random folds give {said}, {apart} less; with so few labels the draw of the folds decides."
    return f"Random folds give {said}: hardly any leakage here."


def how_tested(numbers: Assessment, job: dict[str, Any]) -> list[str]:
    """How the test was done, as a list."""
    lines = []
    for scheme in numbers["schemes"]:
        times = "once" if scheme["repetitions"] == 1 else f"{scheme['repetitions']} times"
        what = "regions" if scheme["name"] == "regions" else "folds"
        line = (
            f"{scheme['title']}: {scheme['sentence']} {scheme['folds']} {what}, {times}; {scheme['tested']:,} samples"
        )
        lines.append(f"{line} in {scheme['groups']:,} groups." if scheme["name"] != "random" else f"{line}.")
        if scheme.get("block"):
            lines.append(f"{scheme['title']}: {scheme['block']['sentence']}")
        if scheme.get("guard"):
            lines.append(_guard_sentence(scheme))
        if scheme.get("dropped"):
            lines.append(
                f"{scheme['title']}: {scheme['dropped']} folds had too little left to learn from, and were not tested."
            )
        if scheme["untested"]:
            lines.append(f"{scheme['title']}: {', '.join(scheme['untested'])} could be trained but not tested.")
        if scheme["gaps"] and scheme["name"] != "regions":
            lines.append(
                f"{scheme['title']}: in some folds a class was missing from training; its cells count as errors."
            )
    lines += [f"{item['title']} were left out: {item['reason']}" for item in numbers["left_out"]]
    lines.append(
        f"In every fold the head '{job['head']}' was fitted anew by the procedure of 'Train head'; choices such as the "
        "strength of regularisation were made inside the training part."
    )
    lines += _choice_sentences(numbers)
    if any(scheme["repetitions"] > 1 for scheme in numbers["schemes"]):
        lines.append(
            "± is the standard deviation over repetitions. It tells how much the draw of the folds matters; it is not "
            "the uncertainty of the score. That is the 95 % interval, made by leaving whole groups out."
        )
    lines.append(
        "Scores tell of labelled cells, not of the map. Unless labels were drawn at random over the area, they "
        "say how well classes are told apart where somebody chose to label."
    )
    return lines


def _guard_sentence(scheme: dict[str, Any]) -> str:
    guard = scheme["guard"]
    return (
        f"{scheme['title']}: training samples nearer than {guard['distance_m']:,.0f} m to a test sample were left out, "
        f"{guard['left_out']:,.0f} in a fold on average; {guard['kept']:,.0f} were kept."
    )


def _choice_sentences(numbers: Assessment) -> list[str]:
    """Which heads were chosen where the head chooses among heads."""
    scheme = first_scheme(numbers)
    found = scheme.get("choices") or []
    if not found:
        return []
    parts = [f"{one['head'].replace('+', ' with ')} in {one['folds']} of {one['of']} folds" for one in found]
    text = f"The head was chosen anew inside each training part, by nested folds: {listed(parts)}."
    if len(found) > 1:
        text += " Where the choice changes from fold to fold, the heads hardly differ on these labels."
    if found[0].get("why"):
        text += f" In the first such fold: {found[0]['why']}"
    return [text]


def prevalence_sentences(numbers: Assessment) -> list[str]:
    """What stated shares of the classes change."""
    stated = numbers.get("prevalence")
    if not stated:
        return []
    scheme = first_scheme(numbers)
    rows = list(zip(stated["per_class"], scheme["per_class"], strict=True))
    known = [(one, found) for one, found in rows if found["support"] and one["precision"] is not None]
    text = [
        "Precision depends on how common a class is. The shares in the test differ from the stated ones, so it is "
        f"given for both. At the stated shares {100 * stated['accuracy']:.0f} of 100 cells would be named right."
    ]
    if not any(abs(one["share"] - one["tested_share"]) > NOTABLE_GAP for one, _ in rows):
        return ["The shares of the classes in the test are much like the stated ones, so precision holds as it is."]
    worst = max(known, key=lambda pair: pair[1]["precision"] - pair[0]["precision"], default=None)
    if worst and worst[1]["precision"] - worst[0]["precision"] > NOTABLE_GAP:
        one, found = worst
        text.append(
            f"Where {one['name']} makes up {100 * one['share']:.3g} % (in the test {100 * one['tested_share']:.3g} %), "
            f"{100 * one['precision']:.0f} of 100 cells shown as {one['name']} are right, not "
            f"{100 * found['precision']:.0f}."
        )
    return text
