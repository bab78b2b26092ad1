"""The estimate as one HTML page that opens offline. All text from files and users is escaped here."""

import json
import math
from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Any

import numpy as np

from ..report import svg
from ..report.parts import listing, section, table
from ..report.style import STYLE
from ..version import VERSION
from . import words

Numbers = dict[str, Any]
MOST_BARS = 24
OWN_STYLE = """
.cards{display:grid;grid-template-columns:repeat(auto-fit,minmax(190px,1fr));gap:14px;margin:18px 0}
.cards>div{background:var(--sheet);border:1px solid var(--line);border-radius:10px;padding:18px 20px}
.cards b{display:block;font-size:2rem;line-height:1.15;font-weight:650;letter-spacing:-.02em}
.cards .first{border-color:var(--good);border-width:2px}
.cards .first b{color:var(--good)}
svg .counted{fill:none;stroke:var(--bad);stroke-width:2.2}
.legend{display:flex;flex-wrap:wrap;gap:6px 22px;color:var(--soft);font-size:.9rem;margin:.2rem 0 .6rem}
.legend i{display:inline-block;vertical-align:middle;margin-right:.45em}
.legend .bar{width:18px;height:12px;background:var(--good);border-radius:2px}
.legend .mark{width:0;height:16px;border-left:2.5px solid var(--bad)}
.legend .line{width:20px;height:0;border-top:2px solid var(--ink)}
td.right,th.right{border-right:1px solid var(--line)}
td.hit{font-weight:650;color:var(--good)}
th.turn{text-align:center}
"""


def page(numbers: Numbers, sentences: Sequence[str], job: dict[str, Any]) -> str:
    """The whole page.

    Args:
        numbers: from the pipeline.
        sentences: the headline.
        job: as plain values.
    """
    title = _title(numbers, job)
    blocks = [
        f"<h1>{escape(title)}</h1>",
        f'<p class="soft">{escape(_subtitle(numbers, job))}</p>',
        _headline(numbers, sentences),
        _bars(numbers),
        _rows(numbers),
        _accuracy(numbers),
        listing("What to know", numbers["notes"]) if numbers["notes"] else "",
        _strata(numbers),
        listing("How this was estimated", words.how_estimated(numbers)),
        listing("What to do next", words.advice(numbers), ordered=True),
        _made_by(job),
    ]
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{escape(title)}</title><style>{STYLE}{OWN_STYLE}</style></head>\n<body><main>\n"
        + "\n".join(block for block in blocks if block)
        + "\n</main></body></html>\n"
    )


def _title(numbers: Numbers, job: dict[str, Any]) -> str:
    if numbers["kind"] == "mean":
        return f"How large is the mean of '{job['field'] or 'reference'}'?"
    if numbers["kind"] == "ground":
        return f"How much ground does {numbers['rows'][0]['name']} cover?"
    return "How large is each class?" if numbers["kind"] == "area" else "What share has each class?"


def _subtitle(numbers: Numbers, job: dict[str, Any]) -> str:
    sample = Path(str(job["sample"]).split("|")[0]).name
    of = Path(str(job["map"] or job["units"] or numbers["design"]["source"]).split("|")[0]).name
    known = f" on {of}" if of and of != sample else ""
    return f"{numbers['labelled']:,} labelled {numbers['places_word']} of {sample}{known}."


def _behind(numbers: Numbers) -> str:
    return f" {numbers['unit']}" if numbers["unit"] else ""


def _headline(numbers: Numbers, sentences: Sequence[str]) -> str:
    row = numbers["rows"][numbers["headline"]]
    value, low, high = words.quantity(row["shown"], numbers["unit"])
    behind = _behind(numbers)
    name = f"mean of {row['name']}" if numbers["kind"] == "mean" else row["name"]
    cards = [_card(f"{value}{behind}", f"{name}; 95 % interval {low} to {high}{behind}", first=True)]
    if row["counted"] is not None:
        decimals = words.digits_for((row["shown"]["high"] - row["shown"]["low"]) / 2, row["shown"]["value"])
        gap = row["counted"] - row["shown"]["value"]
        by = words.by_counting(numbers).lower()
        sign = "+" if gap > 0 else ""
        cards.append(
            _card(
                f"{words.number(row['counted'], decimals)}{behind}",
                f"{by}: {sign}{words.number(gap, decimals)}{behind}",
            )
        )
    if row["more"]:
        note = f"{numbers['places_word']} more for ± {numbers['wanted']:g} {words.aim_unit(numbers)}"
        cards.append(_card(f"+ {words.rounded(row['more']):,}", note))
    if numbers["accuracy"] is not None:
        overall = numbers["accuracy"]["overall"]
        note = f"{_judged(numbers)} is right on the map; {_interval(overall)}"
        cards.append(_card(f"{100 * overall['value']:.1f} %", note))
    text = "".join(f'<p class="{"lead" if at == 0 else ""}">{escape(line)}</p>' for at, line in enumerate(sentences))
    return f'{text}<div class="cards">{"".join(cards)}</div>'


def _card(number: str, note: str, *, first: bool = False) -> str:
    kind = ' class="first"' if first else ""
    return f'<div{kind}><b>{escape(number)}</b><span class="soft">{escape(note)}</span></div>'


def _interval(row: dict[str, Any]) -> str:
    return f"{100 * row['low']:.1f} to {100 * row['high']:.1f} %"


def _bars(numbers: Numbers) -> str:
    if numbers["kind"] in ("mean", "ground"):
        return ""
    rows = sorted(numbers["rows"], key=lambda row: -row["share"]["value"])[:MOST_BARS]
    most = max(max(row["shown"]["high"], row["counted"] or 0.0) for row in rows) or 1.0
    picture = _picture(rows, _ceiling(most), numbers)
    counted = any(row["counted"] is not None for row in rows)
    by = words.by_counting(numbers)
    legend = (
        '<p class="legend"><span><i class="bar"></i>Estimate</span><span><i class="line"></i>95 % interval</span>'
        + (f'<span><i class="mark"></i>{by}</span>' if counted else "") + "</p>"
    )  # fmt: skip
    told = "Where the orange mark lies outside the whiskers, the map alone would have misled." if counted else ""
    heading = f"{'Area' if numbers['kind'] == 'area' else 'Share'} of each class, {numbers['unit']}"
    return section(
        heading, legend, f'<figure><div class="wide">{picture}</div><figcaption>{told}</figcaption></figure>'
    )


def _ceiling(value: float) -> float:
    """A round number at or above."""
    step = 10.0 ** math.floor(math.log10(value))
    return next(step * factor for factor in (1, 1.5, 2, 3, 4, 5, 6, 8, 10) if step * factor >= value * 0.999999)


def _picture(rows: Sequence[dict[str, Any]], high: float, numbers: Numbers) -> str:
    left, width, step = 190.0, 420.0, 44.0
    bottom = step * len(rows)

    def at(value: float) -> float:
        return left + width * min(max(value, 0.0), high) / high

    body = []
    for tick in np.linspace(0, high, 6):
        x = at(float(tick))
        body.append(f'<line class="grid" x1="{x:.1f}" x2="{x:.1f}" y1="4" y2="{bottom:.0f}"/>')
        label = words.number(float(tick), words.digits_for(high / 6, high))
        body.append(svg.text(x, bottom + 16, label, anchor="middle", kind="soft"))
    for place, row in enumerate(rows):
        y, shown = step * place + 8, row["shown"]
        value, low, upper = words.quantity(shown, numbers["unit"])
        tip = f"{row['name']}: {value}{_behind(numbers)} ({low} to {upper})"
        body.append(svg.text(left - 10, y + 18, svg.shortened(row["name"], 27), anchor="end"))
        body.append(
            f'<g><title>{escape(tip)}</title><rect class="good" x="{left:.1f}" y="{y:.0f}" '
            f'width="{max(at(shown["value"]) - left, 1):.1f}" height="26" rx="3"/></g>'
        )
        a, b = at(shown["low"]), at(shown["high"])
        body.append(
            f'<path class="whisker" d="M{a:.1f} {y + 13:.0f}H{b:.1f}M{a:.1f} {y + 6:.0f}v14M{b:.1f} {y + 6:.0f}v14"/>'
        )
        if row["counted"] is not None:
            body.append(f'<path class="counted" d="M{at(row["counted"]):.1f} {y - 3:.0f}v32"/>')
        body.append(svg.text(left + width + 12, y + 18, value, kind="strong"))
    return svg.picture(left + width + 90, bottom + 26, "Estimate of each class with its interval", body)


def _rows(numbers: Numbers) -> str:
    heads = [
        "Class" if numbers["kind"] not in ("mean", "ground") else "Value",
        "Estimate",
        "95 % interval",
        "Standard error",
    ]
    counted = any(row["counted"] is not None for row in numbers["rows"])
    shares = numbers["kind"] in ("area", "ground")
    heads += (["Share"] if shares else []) + (["Counted"] if counted else []) + ["Labels", "More needed"]
    lines = []
    for row in numbers["rows"]:
        value, low, high = words.quantity(row["shown"], numbers["unit"])
        decimals = words.digits_for((row["shown"]["high"] - row["shown"]["low"]) / 2, row["shown"]["value"])
        swatch = (
            f'<span class="swatch" style="background:{escape(row["colour"], quote=True)}"></span>'
            if row["colour"]
            else ""
        )
        cells = [f"{value}{_behind(numbers)}", f"{low} to {high}", words.number(row["shown"]["se"], decimals)]
        cells += [f"{100 * row['share']['value']:.2f} %"] if shares else []
        if counted:
            cells.append("–" if row["counted"] is None else words.number(row["counted"], decimals))
        cells += [f"{row['labels']:,}", _needed(row)]
        lines.append(f"<tr><td>{swatch}{escape(row['name'])}</td>" + "".join(f"<td>{c}</td>" for c in cells) + "</tr>")
    aim = f"± {numbers['wanted']:g} {words.aim_unit(numbers)}"
    labels = "with an answer" if numbers["kind"] in ("mean", "ground") else "that have the class"
    told = f"Labels: {numbers['places_word']} {labels}. More needed: for {aim}."
    return section("In numbers", table(heads, lines), f'<p class="soft">{escape(told)}</p>')


def _needed(row: dict[str, Any]) -> str:
    if row["more"] is None:
        return "–"
    return "enough" if row["more"] == 0 else f"{words.rounded(row['more']):,}"


def _accuracy(numbers: Numbers) -> str:
    found = numbers["accuracy"]
    if found is None:
        return ""
    names, M = [row["name"] for row in numbers["rows"]], len(found["counts"])
    heads = "".join(f"<th>{escape(svg.shortened(name, 16))}</th>" for name in names)
    lines = []
    for i in range(M):
        cells = "".join(
            f"<td{' class=hit' if i == j else ''}>{count or '–'}<small>{_points(found['matrix'][i][j])}</small></td>"
            for j, count in enumerate(found["counts"][i])
        )
        lines.append(f"<tr><td>{escape(names[i])}</td>{cells}<td>{_percent(found['users'][i])}</td></tr>")
    if found["unsure"] is not None:
        pairs = zip(found["unsure"]["counts"], found["unsure"]["matrix"], strict=True)
        cells = "".join(f"<td>{count or '–'}<small>{_points(share)}</small></td>" for count, share in pairs)
        lines.append(f'<tr><td class="soft">unsure: no class</td>{cells}<td>–</td></tr>')
    last = "".join(f"<td>{_percent(found['producers'][j]) if j < M else '–'}</td>" for j in range(len(names)))
    lines.append(f"<tr><td>Producer's accuracy</td>{last}<td>{_percent(found['overall'])}</td></tr>")
    grid = (
        '<div class="scroll"><table><thead>'
        f'<tr><th>Map (rows)</th><th class="turn" colspan="{len(names)}">Reference (columns)</th><th></th></tr>'
        f"<tr><th></th>{heads}<th>User's accuracy</th></tr></thead><tbody>{''.join(lines)}</tbody></table></div>"
    )
    told = (
        "Rows: what the map shows. Columns: what is there. Large: labelled places; small: share of the whole area. "
        "User's accuracy: of what is shown as the class, how much is. Producer's: of what is the class, how much is "
        "shown. Lower right: overall accuracy."
    )
    if found["unsure"] is not None:
        told += " Unsure places count neither as right nor as wrong: all accuracies are of the rest."
    return section("How good is the map?", grid, f'<p class="soft">{escape(told)}</p>')


def _judged(numbers: Numbers) -> str:
    return "of the area" if not numbers["unsure"] else "of the area that is not unsure"


def _points(share: float) -> str:
    return f"{100 * share:.2f} %" if share else "&nbsp;"


def _percent(row: dict[str, Any]) -> str:
    if row["value"] is None:
        return "–"
    return f"{100 * row['value']:.1f} %<small>{_interval(row)}</small>"


def _strata(numbers: Numbers) -> str:
    strata = numbers["design"]["strata"]
    if len(strata) < 2:
        return ""
    heads = ["Stratum", "Cells" if numbers["design"]["unit"] == "cell" else "Units", "Weight", "Drawn", "Labelled"]
    areas = numbers["by_area"]
    if areas:
        heads.insert(2, "Area")
    total = sum(s["area_m2"] for s in strata)
    lines = [
        f"<tr><td>{escape(s['name'])}</td><td>{s['count']:,}</td>"
        + (f"<td>{s['area_m2'] / 1e4:,.1f} ha</td>" if areas else "")
        + f"<td>{100 * s['area_m2'] / total:.2f} %</td>"
        f"<td>{s['drawn'] or '–'}</td><td>{n}</td></tr>"
        for s, n in zip(strata, numbers["in_stratum"], strict=True)
    ]
    return section("Strata", table(heads, lines))


def _made_by(job: dict[str, Any]) -> str:
    text = escape(json.dumps(job, indent=1, ensure_ascii=False))
    return (
        "<section><details><summary>The job that made this page</summary>"
        f"<p>Save it as job.json and run <code>quadrat run job.json</code> to make it again.</p><pre>{text}</pre>"
        f"</details></section><footer>Made by Quadrat {escape(VERSION)}. The numbers lie beside this page as JSON and "
        "CSV.</footer>"
    )
