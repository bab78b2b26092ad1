"""What the numbers of an assessment mean, in sentences."""

from typing import Any

from ...report.parts import inside
from .scores import LEARNT, title_of
from .trials import MEAN, REGION_MEAN, TRIVIAL

Numbers = dict[str, Any]


def headline(numbers: Numbers) -> dict[str, Any]:
    """The scheme to trust, the best method there, and the best trivial answer; empty where nothing was tested."""
    scheme = next(iter(numbers["schemes"]), None)
    if scheme is None:
        return {}
    scored = {name: one["scores"]["r2"] for name, one in scheme["methods"].items() if one["scores"]["r2"] is not None}
    mine = {name: value for name, value in scored.items() if name not in TRIVIAL}
    if not mine:
        return {}
    best = max(mine, key=lambda name: mine[name])
    trivial = REGION_MEAN if REGION_MEAN in scored else MEAN
    return {"scheme": scheme["name"], "honest": scheme["honest"], "best": best, "trivial": trivial}


def sentences(numbers: Numbers) -> list[str]:
    """The most important first."""
    head = numbers["headline"]
    if not head:
        return ["Nothing could be tested; the reasons stand below."]
    scheme = numbers["schemes"][0]
    best, trivial = scheme["methods"][head["best"]], scheme["methods"][head["trivial"]]
    found = [_first(scheme, head, best, trivial), *_within(best, trivial), *_off(numbers, best)]
    found += [*_elsewhere(numbers, head), *_random(numbers, head), *_change(numbers)]
    return found


def _first(scheme: Numbers, head: Numbers, best: Numbers, trivial: Numbers) -> str:
    name, other = title_of(head["best"]), inside(TRIVIAL[head["trivial"]])
    if not scheme["honest"]:
        return (
            f"Only random places could be tested, which flatters: {name} reaches R2 {number(best['scores']['r2'])}. "
            "Neighbours of the tested places were in training."
        )
    where = f"of places that were kept apart ({inside(scheme['title'])})"
    both = f"R2 {number(best['scores']['r2'])}, r2 {number(best['scores']['pearson_r2'])}"
    base = trivial["scores"]["r2"]
    if base is not None and best["scores"]["r2"] <= base:
        return (
            f"No method does better than the trivial answer, {other} (R2 {number(base)}): {name} reaches {both} "
            f"{where}. A map made from these numbers would add nothing."
        )
    told = f"; {other} alone has R2 {number(base)}" if head["trivial"] == REGION_MEAN else ""
    return f"{name} explains {max(best['scores']['r2'], 0):.0%} of the variance {where}: {both}{told}."


def _within(best: Numbers, trivial: Numbers) -> list[str]:
    known = {name: one["pearson_r2"] for name, one in best.get("regions", {}).items() if one}
    known = {name: value for name, value in known.items() if value is not None}
    if len(known) < 2:
        return []
    low, high = min(known, key=lambda name: known[name]), max(known, key=lambda name: known[name])
    return [
        f"Within countries or regions, r2 is {number(best['within_r2'])} on average, from {number(known[low])} in "
        f"{low} to {number(known[high])} in {high}: this, not the score over all, is what a map inside one can show."
    ]


def _off(numbers: Numbers, best: Numbers) -> list[str]:
    rmse, mae = best["scores"]["rmse"], best["scores"]["mae"]
    if rmse is None or mae is None:
        return []
    return [
        f"An estimate is off by {mae:.3g} on average. Two places whose estimates differ by less than about "
        f"{1.96 * 2**0.5 * rmse:.2g} cannot be called richer and poorer with 95 % confidence."
    ]


def _elsewhere(numbers: Numbers, head: Numbers) -> list[str]:
    scheme = next((one for one in numbers["schemes"] if one["name"] == "regions"), None)
    if scheme is None or scheme is numbers["schemes"][0] or head["best"] not in scheme["methods"]:
        return []
    one = scheme["methods"][head["best"]]
    return [
        f"In a country or region where nobody was asked, the same method has r2 {number(one.get('within_r2'))} within "
        f"it on average, and R2 {number(one['scores']['r2'])} over all, since levels do not carry over."
    ]


def _random(numbers: Numbers, head: Numbers) -> list[str]:
    scheme = next((one for one in numbers["schemes"] if not one["honest"]), None)
    if scheme is None or scheme is numbers["schemes"][0] or head["best"] not in scheme["methods"]:
        return []
    value, best = (one["methods"][head["best"]]["scores"]["r2"] for one in (scheme, numbers["schemes"][0]))
    if value is None or best is None:
        return []
    gap = f"{value - best:.2f} of it is what neighbours give away" if value - best >= 0.005 else "no more"
    return [f"On rows drawn at random it would seem to be R2 {number(value)}: {gap}."]


def _change(numbers: Numbers) -> list[str]:
    if not numbers["changes"]:
        return []
    scheme = numbers["changes"][0]
    scored = {name: one for name, one in scheme["methods"].items() if one["r2"] is not None}
    mine = {name: one["r2"] for name, one in scored.items() if name.split("|")[0] not in TRIVIAL}
    if not mine:
        return []
    best = max(mine, key=lambda name: mine[name])
    base = next((scored[f"{name}|{LEARNT}"] for name in (REGION_MEAN, MEAN) if f"{name}|{LEARNT}" in scored), None)
    method, how = best.split("|")
    told = f"Changes between years ({numbers['pairs']:,} pairs): {title_of(method)}, {how}, has R2 {number(mine[best])}"
    told += f"; the mean change of each country or region alone {number(base['r2'])}" if base else ""
    within = scored[best].get("within_r2")
    told += f". Within countries r2 is {number(within)} on average." if within is not None else "."
    return [told]


def how_tested(numbers: Numbers) -> list[str]:
    """Each test in a sentence, and what could not be done."""
    found = [f"{one['title']}: {one['sentence']}" for one in numbers["schemes"]]
    found += [f"No test by {inside(one['title'])}: {one['reason']}" for one in numbers["left_out"]]
    found.append(f"All rows of one place are always on the same side ({numbers['data']['places']:,} places).")
    return found


def number(value: float | None) -> str:
    """Two decimals with a true minus."""
    return "–" if value is None else f"{value:.2f}".replace("-", "−")


def names_in_order(numbers: Numbers) -> list[str]:
    """Methods from the best down, then trivial answers."""
    methods = numbers["schemes"][0]["methods"]
    mine = [name for name in methods if name not in TRIVIAL]
    ranked = sorted(mine, key=lambda name: -(methods[name]["scores"]["r2"] or -1e9))
    return [*ranked, *(name for name in TRIVIAL if name in methods)]


def title_of_change(name: str) -> str:
    """A method and how it tells changes."""
    method, how = name.split("|")
    return {MEAN: "The same change everywhere", REGION_MEAN: "Mean change of each country or region"}.get(
        method, f"{title_of(method)}, {how}"
    )
