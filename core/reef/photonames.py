"""Site, transect, quadrat, date and depth from the names of photos, by a template, a regular expression or by looking.

A template such as `{site}_{transect}_{date}.jpg` stands for the end of the path of each photo; `{}` is anything.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import PurePosixPath

from ..errors import BadInput

PARTS = ("site", "transect", "quadrat", "date", "depth")
NOTHING = "-"
"""In place of a template: names tell nothing."""
YEARS = range(1950, 2100)
_MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
_PLAIN_DATE = r"(?:\d{4}[-_.]?\d{2}[-_.]?\d{2}|\d{1,2}[-_. ]?[A-Za-z]{3,9}[-_. ]?\d{4}|\d{4}[-_.]\d{2}|\d{4})"
_CODES = {"%Y": r"\d{4}", "%m": r"\d{1,2}", "%d": r"\d{1,2}", "%y": r"\d{2}", "%b": "[A-Za-z]{3}",
          "%B": "[A-Za-z]{3,9}", "%H": r"\d{2}", "%M": r"\d{2}", "%S": r"\d{2}", "%j": r"\d{3}"}  # fmt: skip
_DEPTH = r"\d+(?:[.,]\d+)?"
_HOLE = re.compile(r"\{([^{}]*)\}")
SEPARATORS = re.compile(r"([-_\s]+)")
DASHED = re.compile(r"(?<!\d)\d{4}([-_])\d{2}\1\d{2}(?!\d)")
SUFFIXES = (".jpg", ".jpeg", ".png", ".tif", ".tiff")
"""Of photos; other dots are part of a name, as in `site3_Q37.6`."""
TELLING = {
    "quadrat": re.compile(r"(?:q|qu|quad|quadrat)\d+(?:\.\d+)*[a-z]?", re.IGNORECASE),
    "transect": re.compile(r"(?:t|tr|trans|transect)\d+[a-z]?", re.IGNORECASE),
    "site": re.compile(r"(?:site|station)\d+[a-z]?", re.IGNORECASE),
    "depth": re.compile(r"\d+(?:\.\d+)?m", re.IGNORECASE),
}
"""Parts of names that tell what they are; `s3` may be a site, a sector or a shot and is not taken."""
MOSTLY = 0.9
"""A template is proposed where so many names have the same parts."""


@dataclass
class NameFacts:
    """What names tell."""

    facts: list[dict[str, str]]
    """For each photo: value by part of `PARTS` and by further names of the user's own."""
    template: str = ""
    """What was used; empty where names tell nothing."""
    proposed: bool = False
    unmatched: list[str] = field(default_factory=list)
    """Names that do not fit the template, or whose date is none."""


def read_names(paths: Sequence[str], template: str) -> NameFacts:
    """Facts from names.

    Args:
        paths: of the photos within their folder, with `/`.
        template: with names in braces, `{date:%d%m%Y}` for dates that are written otherwise than year first; or a
            regular expression with named groups; empty looks for what all names have; `-` reads nothing.

    Raises:
        BadInput: a template that cannot be read.
    """
    wanted = template.strip()
    if wanted == NOTHING or not paths:
        return NameFacts([{} for _ in paths])
    proposed = not wanted
    if proposed:
        wanted = propose(paths)
        if not wanted:
            return NameFacts([{} for _ in paths])
    pattern, formats, depth = _compiled(wanted)
    found, unmatched = [], []
    for path in paths:
        facts = _facts_of(pattern, formats, depth, path)
        if facts is None:
            unmatched.append(path)
        found.append(facts or {})
    return NameFacts(found, wanted, proposed, unmatched)


def bare(name: str) -> str:
    """A name or path without the extension of a photo."""
    suffix = next((suffix for suffix in SUFFIXES if name.lower().endswith(suffix)), "")
    return name[: len(name) - len(suffix)]


def propose(paths: Sequence[str]) -> str:
    """A template of what can be told apart in nearly all names: dates, and parts such as q3, t12, site4, 10m.

    Empty where there is nothing.
    """
    split = [_parts(bare(PurePosixPath(path).name)) for path in paths]
    shapes = [(len(parts), tuple(parts[1::2])) for parts in split]
    shape = max(set(shapes), key=shapes.count)
    like = [parts for parts, one in zip(split, shapes, strict=True) if one == shape]
    if len(like) < MOSTLY * len(split):
        return ""
    holes, taken = [], set()
    for place in range(0, shape[0], 2):
        name = _kind_of([parts[place] for parts in like])
        name = "" if name in taken else name
        taken |= {name} - {""}
        holes.append(f"{{{name}}}")
    if not taken:
        return ""
    return "".join(hole + (shape[1][number] if number < len(shape[1]) else "") for number, hole in enumerate(holes))


def _parts(name: str) -> list[str]:
    """Parts of a name with the separators between them; a date such as 2023-05-11 is one part."""
    parts, last = [""], 0
    for found in SEPARATORS.finditer(name):
        dates = (date for date in DASHED.finditer(name) if parse_date(date[0]))
        if not any(date.start() < found.start() < date.end() for date in dates):
            parts[-1] += name[last : found.start()]
            parts += [found[0], ""]
            last = found.end()
    parts[-1] += name[last:]
    return parts


def _kind_of(parts: Sequence[str]) -> str:
    """What nearly all of these tell; empty where that is nothing known."""
    least = MOSTLY * len(parts)
    if sum(len(part) >= 8 and bool(parse_date(part)) for part in parts) >= least:
        return "date"
    fits = {name: sum(bool(pattern.fullmatch(part)) for part in parts) for name, pattern in TELLING.items()}
    return next((name for name, count in fits.items() if count >= least), "")


def _facts_of(pattern: "re.Pattern[str]", formats: dict[str, str], depth: int, path: str) -> dict[str, str] | None:
    whole = "/".join(PurePosixPath(path).parts[-depth:])
    for text in (bare(whole), whole):
        match = pattern.fullmatch(text)
        if match is None:
            continue
        facts = {name: value for name, value in match.groupdict().items() if value}
        if "date" in facts:
            read = parse_date(facts["date"], formats.get("date", ""))
            if not read:
                return None
            facts["date"] = read
        return facts
    return None


def _compiled(template: str) -> "tuple[re.Pattern[str], dict[str, str], int]":
    """The pattern, the format of dates, and how many parts of the path it stands for."""
    try:
        if "(?P<" in template:
            pattern = re.compile(template)
            return pattern, {}, template.count("/") + 1
        formats: dict[str, str] = {}
        source, last = "", 0
        for hole in _HOLE.finditer(template):
            source += re.escape(template[last : hole.start()]) + _hole(hole[1], formats)
            last = hole.end()
        source += re.escape(template[last:])
        if "{" in _HOLE.sub("", template) or "}" in _HOLE.sub("", template) or not last:
            raise BadInput(
                f"The template '{template}' names nothing. Write what is in the names in braces, as in "
                "{site}_{transect}_{date}.jpg."
            )
        return re.compile(source, re.IGNORECASE), formats, template.count("/") + 1
    except re.error as error:
        raise BadInput(f"The template '{template}' cannot be read: {error}. Each name may stand once.") from error


def _hole(inside: str, formats: dict[str, str]) -> str:
    name, _, how = inside.partition(":")
    name = name.strip()
    if not name or name == "*":
        return "[^/]*?"
    if not name.isidentifier():
        raise BadInput(f"'{{{inside}}}' in the template is no name. Use letters, digits and underscores.")
    if name == "date":
        formats["date"] = how
        return f"(?P<date>{_pattern_of(how) if how else _PLAIN_DATE})"
    if name in ("depth", "depth_m"):
        return rf"(?P<depth>{_DEPTH})\s?m?"
    return f"(?P<{name}>[^/]+?)"


def _pattern_of(how: str) -> str:
    parts = re.split(r"(%[A-Za-z])", how)
    unknown = [part for part in parts[1::2] if part not in _CODES]
    if unknown:
        raise BadInput(f"'{unknown[0]}' in the date of the template is not known. Known are: {', '.join(_CODES)}.")
    return "".join(_CODES.get(part, re.escape(part)) for part in parts)


def parse_date(text: str, how: str = "") -> str:
    """A date as ISO text; empty for what is none, or could be read in two ways (03-04-2019).

    Args:
        text: year first, or with the month in letters; also with a time behind.
        how: of another way of writing, in the codes of strftime.
    """
    text = text.strip()
    try:
        if how:
            made = datetime.strptime(text, how)
            return made.date().isoformat() if made.year in YEARS else ""
        return _parsed(text)
    except ValueError:
        return ""


def _parsed(text: str) -> str:
    year_first = re.fullmatch(r"(\d{4})([-_./:]?)(\d{2})\2(\d{2})(?:[T _-]?(\d{2})[:.]?(\d{2})(?:[:.]?(\d{2})"
                              r"(?:\.\d+)?)?)?(?:Z|[+-]\d{2}:?\d{2})?", text)  # fmt: skip
    if year_first:
        year, _, month, day, hour, minute, second = year_first.groups()
        made = datetime(int(year), int(month), int(day), int(hour or 0), int(minute or 0), int(second or 0))
        if made.year not in YEARS:
            return ""
        return made.date().isoformat() if hour is None or made.time() == made.min.time() else made.isoformat()
    lettered = re.fullmatch(r"(\d{1,2})[-_. ]*([A-Za-z]{3,9})[-_. ,]*(\d{4})", text)
    if lettered and lettered[2][:3].lower() in _MONTHS:
        made = datetime(int(lettered[3]), _MONTHS.index(lettered[2][:3].lower()) + 1, int(lettered[1]))
        return made.date().isoformat() if made.year in YEARS else ""
    short = re.fullmatch(r"(\d{4})(?:[-_.](\d{2}))?", text)
    if short and int(short[1]) in YEARS and 1 <= int(short[2] or 1) <= 12:
        return short[1] + (f"-{short[2]}" if short[2] else "")
    return ""
