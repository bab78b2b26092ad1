"""What the numbers of models mean, in sentences: which model, which test, against which trivial answer."""

from typing import Any

from ....jobs.poverty.train import BLOCKS, RANDOM
from ....report.parts import listed
from ..ensemble import REGION
from ..tested import BASELINES, MEAN, REGIONS, UNCHANGED
from .told import HARDLY, best_trivial, distance, model_named, span_of, title_of_test

Numbers = dict[str, Any]
FEW_PLACES, FULL_TURNS = 20, 5
OF_CHANGES = {MEAN: "the same change everywhere", REGIONS: "the mean change of each region"}
"""What trivial answers on levels say of changes."""
HOW = {
    "": "",
    "same": "differences of dates as far apart",
    "others": "differences of other dates",
    "levels": "two errors of single dates, taken to be independent",
}


def what(model: Numbers) -> str:
    """The indicator; a proxy is called one wherever it is named."""
    return f"'{model['indicator']}'" + (" (a proxy, not a survey)" if model["predicted"] == "proxy" else "")


def sentences(numbers: Numbers) -> list[str]:
    """The most important first."""
    head = numbers["headline"]
    if not head:
        return _apart_each(numbers)
    best = model_named(numbers, head["best"])
    found = [
        _first(best, head["test"]),
        *_lit(best, head["test"]),
        *_changes(best, head["test"]),
        *_several(numbers, head),
    ]
    found += [*_region(best, head["test"]), *_random(best, head["test"]), *_must_differ(best, numbers["level"])]
    return found


def _apart_each(numbers: Numbers) -> list[str]:
    """Where no best model can be named."""
    tested = [one for one in numbers["models"] if one["trusted"]]
    if not tested:
        return ["Too few places were kept apart to test these models; nothing can be said of them."]
    each = [_first(one, one["trusted"]) for one in tested]
    if not numbers["alike"]["told"]:
        return [
            "These models tell different indicators: their scores stand side by side but cannot be compared.",
            *each,
        ]
    return ["These models share no test that could be scored: they cannot be compared.", *each]


def where(test: str, model: Numbers) -> str:
    """In a sentence, of places that were tested."""
    if test == BLOCKS:
        return f"places that no model had seen, in squares of {distance(model['block_size_m'])} kept apart"
    return "places drawn at random, whose neighbours were learnt from" if test == RANDOM else "a held-out region"


def _first(model: Numbers, test: str) -> str:
    scores, name = model["tests"][test], model["name"]
    trivial = scores["baselines"][best_trivial(scores)]
    r2, base = scores["r2"], trivial["r2"]
    off = f"It is off by {digits(scores['mae'])} on average, {trivial['title']} by {digits(trivial['mae'])}"
    if r2 is None:
        return f"{name}: too little varies at {where(test, model)} to give R2 of {what(model)}. {off}."
    both = f"R2 {two(r2)}, r2 {two(scores['pearson_r2'])}"
    if base is not None and r2 <= base + HARDLY:
        return (
            f"{name} tells {what(model)} no better than {trivial['title']} (R2 {two(base)}): {both} at "
            f"{where(test, model)}. Do not make maps with it."
        )
    if r2 <= 0:
        return f"{name} cannot tell {what(model)} at {where(test, model)}: {both}. {off}. Do not make maps with it."
    beside = f" (R2 {two(base)})" if base is not None and base > HARDLY else ""
    share = f"{name} explains {100 * r2:.0f} % of the variance of {what(model)}"
    return f"{share} at {where(test, model)}: {both}. {off}{beside}."


def _lit(model: Numbers, test: str) -> list[str]:
    scores = model["tests"][test]
    every, lit = scores["per_year"]["all"], scores["per_year"]["lit"]
    if lit == every or every["r2"] is None or not model["dark"]:
        return []
    told = two(lit["r2"]) if lit["r2"] is not None else "not known"
    return [
        f"Date by date R2 is {two(every['r2'])} at all places, and {told} at lit ones, those that are not 0 at every "
        f"date: {percent(model['dark'])} of the tested values are 0, which is easy to tell, so quote both."
    ]


def _changes(model: Numbers, test: str) -> list[str]:
    """How far changes are told, and whether that is more than saying that nothing changed."""
    scores = model["tests"][test]
    spans = {key: one["all"] for key, one in scores["differences"].items() if one["all"]["r2"] is not None}
    if not spans:
        return [
            "Changes over the usual spans of years could not be tested: no place is known at two such dates. The "
            "matrix below shows those that could."
        ]
    told = listed([f"{two(one['r2'])} over {span_of(key)}" for key, one in spans.items()])
    found = [f"Changes: R2 {told}."]
    nothing = {key: scores["baselines"][UNCHANGED]["differences"].get(key, {}).get("all") for key in spans}
    worse = [key for key, one in spans.items() if nothing[key] and one["mae"] >= nothing[key]["mae"]]
    below = [key for key, one in spans.items() if one["r2"] <= 0]
    if len(below) == len(spans):
        found.append("Below 0 the errors of two dates outweigh what changed: do not map changes with this model.")
    elif below:
        closer = ": to say that nothing changed anywhere is as close to the truth, or closer" if worse == below else ""
        over = listed([span_of(key) for key in below])
        found.append(f"Over {over} the errors of two dates outweigh what changed{closer}.")
    if worse and worse != below:
        which = "all spans" if len(worse) == len(spans) else listed([span_of(key) for key in worse])
        found.append(f"Over {which} it is as close to the truth, or closer, to say that nothing changed anywhere.")
    return found


def _several(numbers: Numbers, head: Numbers) -> list[str]:
    """Which model tells changes best, where it is another one; and how near the next is."""
    models = [one for one in numbers["models"] if head["test"] in one["tests"]]
    if len(models) < 2:
        return []
    others = [one for one in models if one["name"] != head["best"] and one["tests"][head["test"]]["r2"] is not None]
    found = []
    if others:
        next_best = max(others, key=lambda one: one["tests"][head["test"]]["r2"])
        found.append(f"Of {len(models)} models it does best; next is {next_best['name']}, R2 {_r2(next_best, head)}.")
    longest = list(model_named(numbers, head["best"])["tests"][head["test"]]["differences"])[-1:]
    for key in longest:
        scored = {one["name"]: one["tests"][head["test"]]["differences"].get(key, {}).get("all") for one in models}
        known = {name: one["r2"] for name, one in scored.items() if one and one["r2"] is not None}
        first = max(known, key=lambda name: known[name], default="")
        if first and first != head["best"] and known[first] - known.get(head["best"], -9.0) > HARDLY:
            found.append(f"Changes over {span_of(key)} are told best by {first} (R2 {two(known[first])}).")
    return found


def _r2(model: Numbers, head: Numbers) -> str:
    return two(model["tests"][head["test"]]["r2"])


def _region(model: Numbers, test: str) -> list[str]:
    scores = model["tests"].get(REGION)
    if scores is None or test == REGION:
        return []
    trivial = scores["baselines"][best_trivial(scores)]
    guard = model.get("guard_m") or 0.0
    kept = f", and from nothing nearer than {distance(guard)}" if guard else ""
    told = (
        f"In the held-out region ({scores['places']:,} places, from which no model learnt{kept}): R2 "
        f"{two(scores['r2'])}, off by {digits(scores['mae'])} on average, {trivial['title']} by "
        f"{digits(trivial['mae'])}"
    )
    if scores["mae"] is not None and trivial["mae"] is not None and scores["mae"] >= trivial["mae"]:
        return [f"{told}: no better, so that the model does not carry over to that region."]
    return [f"{told}."]


def _random(model: Numbers, test: str) -> list[str]:
    random = model["tests"].get(RANDOM)
    if test == RANDOM:
        return ["Only places drawn at random were tested. Train with squares kept apart for a fair number."]
    if random is None or random["r2"] is None or model["tests"][test]["r2"] is None:
        return []
    gap = random["r2"] - model["tests"][test]["r2"]
    told = f"At places drawn at random it would seem to be R2 {two(random['r2'])}"
    if gap < HARDLY:
        return [f"{told}: no more."]
    return [f"{told}: {gap:.2f} of it is what neighbours give away. Do not quote that number."]


def _must_differ(model: Numbers, level: float) -> list[str]:
    """The longest span whose errors are known."""
    known = [one for one in model["tellable"] if one["apart"] is not None and one["typical"] is not None]
    if not known:
        return []
    one = known[-1]
    told = (
        f"Over {span_of(one['apart'])} a place of typical level ({digits(one['at']['typical'])}) must change by more "
        f"than {digits(one['typical'])} before that can be told with {percent(level)} confidence"
    )
    if one["changed"] is None:
        return [f"{told}."]
    if not one["changed"]:
        return [f"{told}; no tested place truly changed by as much."]
    return [f"{told}; of the tested places {percent(one['changed'])} truly changed by as much."]


# What speaks against the comparison ----------------------------------------------------------------------------------


def warnings(numbers: Numbers) -> list[str]:
    """What a reader must know before any number."""
    models, alike, found = numbers["models"], numbers["alike"], []
    proxies = list(dict.fromkeys(one["indicator"] for one in models if one["predicted"] == "proxy"))
    if proxies:
        named = listed([f"'{one}'" for one in proxies])
        found.append(
            f"{named} {'are proxies' if len(proxies) > 1 else 'is a proxy'}: every estimate and every score here is "
            "about that, and not about what people were asked."
        )
    if len(models) > 1 and alike["told"] and not alike["tests"]:
        found.append("Not all models were tested in the same ways: compare only scores of one test.")
    if len(models) > 1 and alike["told"] and not (alike["values"] and alike["dates"]):
        found.append(
            "The models were not tested at the same places and dates. Differences between their scores may come from "
            "the places: train them with the same targets, squares and seed."
        )
    for one in models:
        test = one["tests"].get(one["trusted"])
        if test and test["places"] < FEW_PLACES:
            found.append(f"{one['name']} was tested at {test['places']} places: such scores may be chance.")
    return found


def how_tested(numbers: Numbers) -> list[str]:
    """Each test, and how scores are averaged."""
    tests = {test: one for one in reversed(numbers["models"]) for test in one["tests"]}
    found = [_how(test, tests[test]) for test in (REGION, BLOCKS, RANDOM) if test in tests]
    untested = [one for one in numbers["models"] if (one["models"] or FULL_TURNS) < FULL_TURNS]
    if untested:
        found.append(
            f"Fewer than {FULL_TURNS} models leave places untested: {listed([one['name'] for one in untested])}."
        )
    found += [
        "Date by date, and for differences of dates so many years apart whatever the first: a score of each fold and "
        "date, then the mean over dates, then mean and standard deviation over folds, as Jarry and others report them "
        "(doi:10.1109/IGARSS52108.2023.10282306). All values together: one score over all of them.",
        "R2: coefficient of determination, 0 for the mean of what is tested and below 0 for worse. r2: squared "
        "correlation. MAE: mean absolute error, in the unit of the indicator. DIS: standard deviation of absolute "
        "errors.",
        "Lit: levels of places that are not 0 at every date, differences that are not 0. Where most places are dark, "
        "scores over all of them flatter.",
        "Trivial answers know what the models learnt from: the mean of each date; the mean of each region where a "
        "survey has such; for differences, that nothing changed.",
    ]
    return found


def _how(test: str, model: Numbers) -> str:
    scores = model["tests"][test]
    count = f"{scores['places']:,} places, {scores['values']:,} values"
    if test == REGION:
        guard = f", nor from places nearer than {distance(model['guard_m'])}" if model.get("guard_m") else ""
        return f"Held-out region: no model learnt from it{guard}, and each was tested there ({count})."
    if test == BLOCKS:
        return (
            f"{title_of_test(test, model)}: six folds of whole squares; one chooses when to stop, each of the others "
            f"is tested by a model that learnt from the rest ({count})."
        )
    return (
        f"Places drawn at random: the same with single places ({count}). Their neighbours were learnt from, which "
        "flatters; the number is there because many studies give it."
    )


def advice(numbers: Numbers) -> list[str]:
    """What errors of such a size allow one to say."""
    return [
        "Smaller differences than those in the table are 'no detectable change' at "
        f"{percent(numbers['level'])} confidence, which is not the same as 'no change'. Say so in the legend "
        "of every map of change.",
        "Two places of one date differ only if they differ by more than their errors together. Do not rank places "
        "whose estimates lie closer than that.",
        "An indicator that was estimated is not one that was asked. Give the error, the test and the trivial answer "
        "beside every number, and do not decide on people's claims by it.",
    ]


def two(value: float | None) -> str:
    """Two decimals with a true minus."""
    return "–" if value is None else f"{round(value, 2) + 0.0:.2f}".replace("-", "−")


def percent(share: float) -> str:
    """Whole per cent, or that it is less than one."""
    return "less than 1 %" if 0 < share < 0.01 else f"{100 * share:.0f} %"


def digits(value: float | None) -> str:
    """Three digits, in the unit of the indicator."""
    return "–" if value is None else f"{value:,.3g}".replace("-", "−")


def titles(change: bool = False) -> dict[str, str]:
    """Of trivial answers, as rows of a table of levels or of changes."""
    told = {**BASELINES, **OF_CHANGES} if change else BASELINES
    return {name: title[0].upper() + title[1:] for name, title in told.items()}
