"""What the numbers of an assessment mean, in sentences."""

from typing import Any

from ...report.parts import inside
from .held import HELD
from .scores import FEWEST, LEARNT, title_of
from .trials import MEAN, REGION_MEAN, TRIVIAL

Numbers = dict[str, Any]
HARDLY, CLEARLY = 0.005, 0.1
"""Between two R2."""
FEW_PLACES = 20
NAMED = {MEAN: "the same answer everywhere", REGION_MEAN: "the mean of each country or region"}


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
    trivial = max((name for name in TRIVIAL if name in scored), key=lambda name: (scored[name], name == REGION_MEAN))
    return {"scheme": scheme["name"], "honest": scheme["honest"], "best": best, "trivial": trivial}


def sentences(numbers: Numbers) -> list[str]:
    """The most important first."""
    head = numbers["headline"]
    if not head:
        return ["Nothing could be tested; the reasons stand below."]
    scheme = numbers["schemes"][0]
    best, trivial = scheme["methods"][head["best"]], scheme["methods"][head["trivial"]]
    found = [_first(scheme, head, best, trivial), *_few(numbers), *_within(best), *_off(best)]
    found += [*_elsewhere(numbers, head), *_held(numbers, head), *_random(numbers, head), *_change(numbers)]
    return found


def _first(scheme: Numbers, head: Numbers, best: Numbers, trivial: Numbers) -> str:
    name, other = title_of(head["best"]), NAMED[head["trivial"]]
    if not scheme["honest"]:
        return (
            f"Only rows drawn at random could be tested, which flatters: {name} reaches R2 "
            f"{number(best['scores']['r2'])}. Neighbours of the tested places were in training."
        )
    where = f"of places that were kept apart ({inside(scheme['title'])})"
    both = f"R2 {number(best['scores']['r2'])}, r2 {number(best['scores']['pearson_r2'])}"
    mine, base = best["scores"]["r2"], trivial["scores"]["r2"]
    if base is not None and mine <= base + HARDLY:
        regional = head["trivial"] == REGION_MEAN
        adds = "be no better, over all, than one colour for each of them" if regional else "add nothing"
        return (
            f"No method does better than the trivial answer, {other} (R2 {number(base)}): {name} reaches {both} "
            f"{where}. A map made from these numbers would {adds}."
        )
    told = f"; {other} alone has R2 {number(base)}" if head["trivial"] == REGION_MEAN else ""
    if mine <= 0:
        return f"Levels cannot be told {where}: {name}, the best, reaches {both}, no more than their mean does{told}."
    return f"{name} explains {100 * mine:.0f} % of the variance {where}: {both}{told}."


def _few(numbers: Numbers) -> list[str]:
    places = numbers["data"]["places"]
    only = "1 place" if places == 1 else f"{places:,} places"
    return [f"The table has only {only}: such scores may be chance."] if places < FEW_PLACES else []


def _within(best: Numbers) -> list[str]:
    known = {name: one["pearson_r2"] for name, one in best.get("regions", {}).items() if one}
    known = {name: value for name, value in known.items() if value is not None}
    if len(known) < 2:
        return []
    low, high = min(known, key=lambda name: known[name]), max(known, key=lambda name: known[name])
    return [
        f"Within countries or regions, r2 is {number(best['within_r2'])} on average, from {number(known[low])} in "
        f"{low} to {number(known[high])} in {high}: this, not the score over all, is what a map inside one can show."
    ]


def _off(best: Numbers) -> list[str]:
    rmse, mae = best["scores"]["rmse"], best["scores"]["mae"]
    if rmse is None or mae is None:
        return []
    return [
        f"An estimate is off by {mae:.3g} on average. Two places whose estimates differ by less than about "
        f"{1.96 * 2**0.5 * rmse:.2g} cannot be told apart with 95 % confidence."
    ]


def _elsewhere(numbers: Numbers, head: Numbers) -> list[str]:
    """Where whole countries are left out: the same method, and the one that does best there."""
    one, scheme = _beside(numbers, head, "regions")
    if one is None or scheme is None:
        return []
    over, here = one["scores"]["r2"], numbers["schemes"][0]["methods"][head["best"]]["scores"]["r2"]
    within = one.get("within_r2")
    told = "In a country or region where nobody was asked, the same method has "
    told += f"r2 {number(within)} within it on average, and " if within is not None else ""
    told += f"R2 {number(over)} over all"
    told += ", since levels do not carry over" if over is not None and here - over >= CLEARLY else ""
    return [f"{told}{_better(scheme, head)}."]


def _held(numbers: Numbers, head: Numbers) -> list[str]:
    one, scheme = _beside(numbers, head, HELD)
    if why := next((it["reason"] for it in numbers["left_out"] if it["name"] == HELD), ""):
        return [f"The held-out region could not be tested: {inside(why)}"]
    if one is None or scheme is None:
        return []
    scores, rows = one["scores"], scheme["tested"]
    if rows < FEWEST:
        return [f"In the held-out region lie {rows:,} rows, too few to say how well it is told."]
    return [
        f"In the held-out region ({rows:,} rows), the same method has R2 {number(scores['r2'])} and r2 "
        f"{number(scores['pearson_r2'])}, and is off by {scores['mae']:.3g} on average{_better(scheme, head)}."
    ]


def _beside(numbers: Numbers, head: Numbers, name: str) -> tuple[Numbers | None, Numbers | None]:
    """What the best method has in another scheme than the first, and that scheme."""
    scheme = next((one for one in numbers["schemes"][1:] if one["name"] == name), None)
    return (None, None) if scheme is None else (scheme["methods"].get(head["best"]), scheme)


def _better(scheme: Numbers, head: Numbers) -> str:
    """The method that does clearly better there."""
    scored = {name: one["scores"]["r2"] for name, one in scheme["methods"].items() if name not in TRIVIAL}
    scored = {name: value for name, value in scored.items() if value is not None}
    best = max(scored, key=lambda name: scored[name], default="")
    if not best or best == head["best"] or scored[best] - scored.get(head["best"], -9.0) < HARDLY:
        return ""
    return f"; {inside(title_of(best))} does best there (R2 {number(scored[best])})"


def _random(numbers: Numbers, head: Numbers) -> list[str]:
    scheme = next((one for one in numbers["schemes"] if not one["honest"]), None)
    if scheme is None or scheme is numbers["schemes"][0] or head["best"] not in scheme["methods"]:
        return []
    value, best = (one["methods"][head["best"]]["scores"]["r2"] for one in (scheme, numbers["schemes"][0]))
    if value is None or best is None:
        return []
    told = f"On rows drawn at random it would seem to be R2 {number(value)}"
    if value - best < HARDLY:
        return [f"{told}: no more."]
    share = f"{value - best:.2f} of it" if best > 0 else "all of it"
    who = "places of the same country or region" if numbers["schemes"][0]["name"] == "regions" else "neighbours"
    return [f"{told}: {share} is what {who} give away." if value > 0 else f"{told}."]


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
    told = f"Changes between years ({scheme['tested']:,} pairs): {title_of(method)}, {how}, has R2 {number(mine[best])}"
    if base is not None:
        trivial = (
            "mean change of each country or region" if f"{REGION_MEAN}|{LEARNT}" in scored else "same change everywhere"
        )
        told += f"; the {trivial} alone {number(base['r2'])}"
        told += ", so that no method adds anything" if mine[best] <= max(base["r2"], 0.0) + HARDLY else ""
    within = scored[best].get("within_r2")
    told += f". Within countries or regions r2 is {number(within)} on average." if within is not None else "."
    return [told]


def how_tested(numbers: Numbers) -> list[str]:
    """Each test in a sentence, and what could not be done."""
    found = [f"{one['title']}: {one['sentence']} {_how_often(one)}" for one in numbers["schemes"]]
    found += [f"No test by {inside(one['title'])}: {one['reason']}" for one in numbers["left_out"]]
    if numbers["data"]["places"] < numbers["data"]["rows"]:
        places = numbers["data"]["places"]
        found.append(f"Except at random, all rows of one place are on the same side ({places:,} places).")
    mine = [name for name in names_in_order(numbers) if name not in TRIVIAL] if numbers["schemes"] else []
    if len(mine) > 1:
        found.append(f"The best of {len(mine)} methods is named by the same test, which flatters it a little.")
    found.append("Every row counts the same: weights of a survey are not used.")
    return found


def _how_often(scheme: Numbers) -> str:
    folds = f"{scheme['folds']} folds" if scheme["folds"] > 1 else "One fold"
    return f"{folds}, {scheme['repetitions']} times." if scheme["repetitions"] > 1 else f"{folds}."


def number(value: float | None) -> str:
    """Two decimals with a true minus."""
    return "–" if value is None else f"{round(value, 2) + 0.0:.2f}".replace("-", "−")


def names_in_order(numbers: Numbers) -> list[str]:
    """Methods from the best down, then trivial answers."""
    methods = numbers["schemes"][0]["methods"]
    mine = [name for name in methods if name not in TRIVIAL]
    ranked = sorted(mine, key=lambda name: -worth(methods[name]["scores"]["r2"]))
    anywhere = {name for scheme in numbers["schemes"] for name in scheme["methods"]}
    return [*ranked, *(name for name in TRIVIAL if name in anywhere)]


def worth(r2: float | None) -> float:
    """To rank by; what is not known comes last."""
    return -float("inf") if r2 is None else r2


def title_of_change(name: str) -> str:
    """A method and how it tells changes."""
    method, how = name.split("|")
    return {MEAN: "The same change everywhere", REGION_MEAN: "Mean change of each country or region"}.get(
        method, f"{title_of(method)}, {how}"
    )
