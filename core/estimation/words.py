"""What an estimate means, in sentences, and numbers with as many digits as their interval deserves."""

import math
from typing import Any

from .interval import METHODS

Numbers = dict[str, Any]
M2_PER_HA, M2_PER_KM2 = 1e4, 1e6


def area_unit(total_m2: float) -> tuple[str, float]:
    """Unit that suits a whole area, and square metres in it."""
    if total_m2 >= 1000 * M2_PER_KM2:
        return "km²", M2_PER_KM2
    return ("ha", M2_PER_HA) if total_m2 >= 10 * M2_PER_HA else ("m²", 1.0)


def digits_for(half: float, value: float) -> int:
    """Decimals that show two digits of the uncertainty, or three of the value where there is none."""
    size = half if half > 0 else abs(value) / 10
    if size <= 0 or not math.isfinite(size):
        return 0
    return max(0, 1 - math.floor(math.log10(size)))


def number(value: float, decimals: int) -> str:
    """With thousands separators and a true minus."""
    text = f"{value:,.{decimals}f}"
    if float(text.replace(",", "")) == 0:
        text = text.lstrip("-")
    return text.replace("-", "−")


def quantity(row: Numbers, unit: str) -> tuple[str, str, str]:
    """Value, lower and upper limit of `{value, low, high}` as text with the same decimals."""
    decimals = digits_for((row["high"] - row["low"]) / 2, row["value"])
    if 0 < row["value"] < 0.5 * 10**-decimals:  # much smaller than its interval, but not nothing
        decimals = min(digits_for(10 * row["value"], 0.0), 4)
    return number(row["value"], decimals), number(row["low"], decimals), number(row["high"], decimals)


def headline_sentences(numbers: Numbers) -> list[str]:
    """The result in a few plain sentences, the most important first."""
    row = numbers["rows"][numbers["headline"]]
    text = [_first(numbers, row)]
    if row["counted"] is not None:
        text.append(_bias(numbers, row))
    text += _question(numbers, row)
    text.append(_more(numbers, row))
    return text


def _first(numbers: Numbers, row: Numbers) -> str:
    unit = numbers["unit"]
    value, low, high = quantity(row["shown"], unit)
    behind = f" {unit}" if unit and unit != "%" else " %" if unit == "%" else ""
    if numbers["kind"] == "mean":
        return f"The mean of {row['name']} is {value}{behind} (95 % interval: {low} to {high})."
    if numbers["kind"] == "share":
        of = "the map" if numbers["design"]["unit"] == "cell" else _whole(numbers)
        return f"{row['name']} makes up {value} % of {of} (95 % interval: {low} to {high} %)."
    share = quantity({key: 100 * row["share"][key] for key in ("value", "low", "high")}, "%")[0]
    interval = f"(95 % interval: {low} to {high}), {share} % of"
    if not numbers["by_area"]:
        return f"{row['name']} covers {value}{behind} {interval} the area."
    if numbers["kind"] == "ground":
        return f"{row['name']} covers {value}{behind} of ground {interval} {_hectares(numbers)}."
    return f"All units that are {row['name']} together cover {value}{behind} {interval} {_hectares(numbers)}."


def _hectares(numbers: Numbers) -> str:
    """The area that the result speaks of."""
    unit, size = area_unit(numbers["area_m2"])
    return f"{number(numbers['area_m2'] / size, digits_for(0.0, numbers['area_m2'] / size))} {unit}"


def _question(numbers: Numbers, row: Numbers) -> list[str]:
    """Which of the two questions that units of land can answer was answered."""
    if not numbers["by_area"]:
        return []
    if numbers["kind"] == "ground":
        return [
            "This is the ground that is covered: the share of each unit times its area. The area of the units that "
            "count as such as a whole is another question; for that, label classes and choose 'class'."
        ]
    if numbers["kind"] == "mean":
        return [f"Units count by their area; it is a mean over {_hectares(numbers)}."]
    return [
        f"This is the area of whole units, each taken as what it was called. The ground that {row['name']} covers is "
        "another question, because units of it hold other things, and other units some of it; for that, label the "
        "share of each unit, from 0 to 1, and choose 'value'."
    ]


def _whole(numbers: Numbers) -> str:
    return "the larger whole" if numbers["beyond"] else f"the {numbers['population']:,} units"


def _bias(numbers: Numbers, row: Numbers) -> str:
    unit, shown = numbers["unit"], row["shown"]
    decimals = digits_for((shown["high"] - shown["low"]) / 2, shown["value"])
    behind = f" {unit}" if unit else ""
    said = f"{by_counting(numbers)} would have said {number(row['counted'], decimals)}{behind}"
    gap = row["counted"] - shown["value"]
    if not shown["low"] <= row["counted"] <= shown["high"]:
        return f"{said}: {number(abs(gap), decimals)}{behind} too {'much' if gap > 0 else 'little'}."
    return f"{said}, which is within the interval."


def by_counting(numbers: Numbers) -> str:
    """What the estimate is compared with, at the head of a sentence."""
    pixels = numbers["design"]["unit"] == "cell" and numbers["kind"] != "mean"
    if not pixels:
        return "The prediction alone"
    return "Counting pixels" if not numbers["unsure"] else "Counting pixels without the unsure ones"


def aim_unit(numbers: Numbers) -> str:
    """What the wanted half width is counted in."""
    return "percentage points" if numbers["kind"] != "mean" else "% of the mean"


def _more(numbers: Numbers, row: Numbers) -> str:
    wanted = numbers["wanted"]
    aim = f"± {wanted:g} {aim_unit(numbers)}"
    now = 100 * row["half"] if numbers["kind"] != "mean" else row["half_percent"]
    word = numbers["places_word"]
    if row["more"] == 0:
        return f"{numbers['labelled']:,} labelled {word} are enough for {aim}."
    if row["more"] is None:
        return f"How many {word} more {aim} would need cannot be told, because the mean is near zero."
    return f"Label about {rounded(row['more']):,} more {word}, drawn the same way, for {aim}; now it is ± {now:.2g}."


def rounded(count: int) -> int:
    """Two digits: more would pretend to know."""
    if count < 20:
        return count
    step = 10 ** (math.floor(math.log10(count)) - 1)
    return int(math.ceil(count / step) * step)


def how_estimated(numbers: Numbers) -> list[str]:
    """How it was done, as a list."""
    design, several = numbers["design"], len(numbers["design"]["strata"]) > 1
    word = numbers["places_word"]
    drawn = f"within {len(design['strata'])} strata" if several else "as a simple random sample"
    lines = [
        f"{numbers['labelled']:,} {word} with an answer, of {numbers['drawn']:,}, drawn {drawn}"
        + ("." if design["recorded"] else ", says the one who ran this; nothing beside the sample proves it.")
    ]
    source = f" ({numbers['estimator_source']})" if numbers["estimator_source"] else ""
    plain = numbers["estimator"] == "stratified" and not several
    told = f"{numbers['estimator_title']}. {numbers['estimator_summary']}{source}"
    counted = "by its area" if numbers["by_area"] else "alike"
    lines.append(f"The plain mean over the labelled {word}, each counted {counted}." if plain else told)
    if numbers["by_area"]:
        lines.append(
            "Units count by their area: within each stratum the ratio of the area that was found to the area that was "
            "looked at (ratio estimator, Särndal, Swensson and Wretman 1992, section 5.6). Where all are of one size "
            "this is the plain mean."
        )
    for name in dict.fromkeys(row["share"]["method"] for row in numbers["rows"]):
        classes = [row["name"] for row in numbers["rows"] if row["share"]["method"] == name]
        of = "" if len(classes) == len(numbers["rows"]) else f" for {', '.join(classes)}"
        lines.append(f"Interval{of}: {METHODS[name]}.")
    if numbers["beyond"]:
        lines.append("The result speaks of a larger whole of which these units are a random draw.")
    elif design["unit"] == "unit":
        lines.append(
            f"The result speaks of these {numbers['population']:,} units and of nothing else; what is labelled already "
            "is known, and the interval is narrower for it (finite population correction)."
        )
    trust = [row["share"]["trust"] for row in numbers["rows"] if row["share"]["trust"] is not None]
    if trust:
        ends = dict.fromkeys(f"{end:.2f}" for end in (min(trust), max(trust)))
        lines.append(
            f"The prediction counts with a weight (lambda) of {' to '.join(ends)}: 0 would leave it out, 1 take it at "
            "its word before correction."
        )
    if design["note"] and (numbers["kind"] == "area" or numbers["by_area"]):
        lines.append(design["note"])
    return lines


def advice(numbers: Numbers) -> list[str]:
    """What would help most."""
    tips = []
    row = numbers["rows"][numbers["headline"]]
    if row["more"]:
        tips.append(
            f"For a narrower interval label more: run 'Draw sample' again with a larger size, the same seed, and this "
            f"sample as the earlier one; about {rounded(row['more']):,} more {numbers['places_word']} reach the aim."
        )
    thin = [s["name"] for s, n in zip(numbers["design"]["strata"], numbers["in_stratum"], strict=True) if n < 20]
    if thin and len(numbers["design"]["strata"]) > 1:
        tips.append(f"Strata with fewer than 20 labels widen every interval: {', '.join(thin[:5])}.")
    if numbers["accuracy"] is not None:
        worst = _leak(numbers)
        if worst:
            tips.append(worst)
    tips.append(
        "Answers count as the truth. Have a tenth of the places labelled by a second person: where two people differ, "
        "the interval cannot know."
    )
    return tips


def _leak(numbers: Numbers) -> str:
    """The largest confusion, which decides the interval."""
    matrix, names = numbers["accuracy"]["matrix"], [row["name"] for row in numbers["rows"]]
    pairs = [(share, i, j) for i, line in enumerate(matrix) for j, share in enumerate(line) if i != j]
    share, i, j = max(pairs, default=(0.0, 0, 0))
    if share < 0.005:
        return ""
    return f"Most of the error is {names[j]} shown as {names[i]}: {100 * share:.1f} % of the area. Teach it there."
