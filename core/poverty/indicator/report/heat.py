"""Start x end: R2 of the difference between any two dates as a picture, of levels on the diagonal, as SVG.

After R. Jarry and others 2023, doi:10.1109/IGARSS52108.2023.10282306: colour is R2 clipped to 0 to 1, numbers are not.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from ....report import svg

Matrix = Sequence[Sequence[float | None]]
PAIRED = 12
"""Dates up to which two matrices stand side by side; more take the whole width each."""
MOST_NUMBERS, MOST_TIPS = 24, 60
"""Dates up to which numbers fit into the cells, and up to which each cell has a tip."""
HALF, WHOLE = 420.0, 855.0
"""Widths of a picture, px."""
WIDEST, FLAT = 62.0, 30.0
"""Most width and height of a cell, px: numbers are wider than high."""
LEAST = 640.0
"""Width below which a large matrix is scrolled, px."""
STEPS = 20
"""Of colour, where cells have no tips."""
LEGEND = (
    '<p class="ramp"><span>R2</span><span>0 or less</span><i></i><span>1</span>'
    '<i class="none"></i><span>not known</span><i class="level"></i><span>level of one date</span></p>'
)
OWN_STYLE = """<style>
.ramp{display:flex;flex-wrap:wrap;gap:8px;align-items:center;color:var(--soft);font-size:.9rem;margin:.4rem 0 1rem}
.ramp i{display:inline-block;width:150px;height:14px;border-radius:3px;
background:linear-gradient(to right,var(--cell),var(--good))}
.ramp i.none,.ramp i.level{width:16px;margin-left:14px;background:none;border:1px dashed var(--muted)}
.ramp i.level{border:1.5px solid var(--ink)}
li{overflow-wrap:anywhere}
h3{font-size:1rem;margin:1.1rem 0 .4rem}
svg .blank{fill:none;stroke:var(--muted);stroke-dasharray:2 2;stroke-width:.7}
svg .frame{fill:none;stroke:var(--ink);stroke-width:1.3}
</style>"""


@dataclass(frozen=True)
class Lattice:
    """Where cells lie: corner of the first, width and height of each, px."""

    left: float
    top: float
    wide: float
    high: float

    def at(self, col: float, row: float) -> tuple[float, float]:
        """Upper left corner of a cell."""
        return self.left + col * self.wide, self.top + row * self.high


def fits_beside(dates: Sequence[str]) -> bool:
    """Whether two matrices of so many dates fit side by side."""
    return len(dates) <= PAIRED


def heat(dates: Sequence[str], matrix: Matrix, title: str) -> str:
    """The upper half of a matrix: rows are the earlier date, columns the later.

    Args:
        dates: T.
        matrix: (T, T) R2, null where not known.
        title: for screen readers.
    """
    count, longest = len(dates), svg.WORDS_PX * max(map(len, dates))
    left = 28 + longest
    whole = (HALF if fits_beside(dates) else WHOLE) - left
    turned = longest > min(whole / count, WIDEST) - 5
    tail = 0.72 * longest if turned else 4.0
    wide = min((whole - tail) / count, WIDEST)
    lattice = Lattice(left, 24 + (0.75 * longest + 8 if turned else 18), wide, min(wide, FLAT))
    body = _labels(dates, lattice, turned)
    body += _cells(dates, matrix, lattice) if count <= MOST_TIPS else _steps(matrix, lattice)
    right, bottom = lattice.at(count, count)
    least = 0.0 if fits_beside(dates) else min(right + tail, 30.0 * count, LEAST)
    return svg.picture(right + tail, bottom + 6, title, body, least_px=least)


def _labels(dates: Sequence[str], lattice: Lattice, turned: bool) -> list[str]:
    """Every date, or as many as fit, and what rows and columns are."""
    count = len(dates)
    every = max(1, int(14 / lattice.high) + 1) if lattice.high < 14 else 1
    x, y = lattice.at(count / 2, count / 2)
    body = [
        svg.text(x, 12, "End", anchor="middle", kind="strong"),
        svg.text(11, y, "Start", anchor="middle", kind="strong", turn=-90),
    ]
    for number, date in enumerate(dates):
        if number % every:
            continue
        x, y = lattice.at(number + 0.5, number + 0.5)
        body.append(svg.text(lattice.left - 6, y + 4, date, anchor="end", kind="soft"))
        if turned:
            body.append(svg.text(x - 2, lattice.top - 6, date, kind="soft", turn=-45))
        else:
            body.append(svg.text(x, lattice.top - 8, date, anchor="middle", kind="soft"))
    return body


def _cells(dates: Sequence[str], matrix: Matrix, lattice: Lattice) -> list[str]:
    body = []
    for i, start in enumerate(dates):
        for j in range(i, len(dates)):
            told = "level of " + start if i == j else f"{start} to {dates[j]}"
            numbered = len(dates) <= MOST_NUMBERS
            body.append(_cell(lattice, i, j, matrix[i][j], told, numbered=numbered))
    return body


def _cell(lattice: Lattice, i: int, j: int, value: float | None, told: str, *, numbered: bool) -> str:
    (x, y), (wide, high) = lattice.at(j, i), (lattice.wide, lattice.high)
    gap = 1.0 if high > 16 else 0.5
    frame = f'x="{x + gap:.1f}" y="{y + gap:.1f}" width="{wide - 2 * gap:.1f}" height="{high - 2 * gap:.1f}" rx="2"'
    if value is None:
        return f'<g><title>{escape(told)}: not known</title><rect class="blank" {frame}/></g>'
    clipped = min(max(value, 0.0), 1.0)
    parts = [f"<g><title>{escape(told)}: R2 {_exact(value)}</title>", f'<rect class="cell" {frame}/>']
    if clipped:
        parts.append(f'<rect class="good" {frame} fill-opacity="{clipped:.3f}"/>')
    if i == j:
        parts.append(f'<rect class="frame" {frame}/>')
    if numbered:
        kind = "on" if clipped > 0.55 else "bad" if value <= -0.005 else ""
        kind += "" if wide > 44 else " small"
        parts.append(svg.text(x + wide / 2, y + high / 2 + 4, _short(value, wide), anchor="middle", kind=kind.strip()))
    return "".join(parts) + "</g>"


def _steps(matrix: Matrix, lattice: Lattice) -> list[str]:
    """Cells of one colour as one path: a long series has tens of thousands."""
    paths: dict[int, list[str]] = {}
    for i, row in enumerate(matrix):
        for j in range(i, len(row)):
            value = row[j]
            if value is None:
                continue
            x, y = lattice.at(j, i)
            square = f"M{x:.1f} {y:.1f}h{lattice.wide:.2f}v{lattice.high:.2f}h-{lattice.wide:.2f}z"
            paths.setdefault(round(min(max(value, 0.0), 1.0) * STEPS), []).append(square)
    every = "".join("".join(path) for path in paths.values())
    filled = [
        f'<path class="good" fill-opacity="{step / STEPS:.2f}" d="{"".join(path)}"/>'
        for step, path in sorted(paths.items())
        if step
    ]
    return [f'<path class="cell" d="{every}"/>', *filled]


def _exact(value: float) -> str:
    return f"{value:.3f}".replace("-", "−")


def _short(value: float, wide: float) -> str:
    """As many digits as a cell holds."""
    if abs(value) < 0.005:
        return "0"
    if value > -0.995:
        text = f"{value:.2f}" if wide > (33 if value < 0 else 27) else f"{value:.1f}"
    else:
        text = f"{value:.1f}" if value > -9.95 else f"{value:.0f}" if value > -999 else "<−999"
    return "0" if text == "-0.0" else text.replace("-", "−")
