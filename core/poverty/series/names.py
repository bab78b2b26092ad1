"""What the bands of a series are called, so that one name means the same light at every date."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import PurePath

from ...bands.known import GUESSED, listed
from ...errors import BadInput
from ...jobs.poverty.series import PrepareSeries
from .dates import candidates, text_of
from .grid import overlap_share
from .remarks import Remarks
from .sensors import names_lights
from .sources import Band, File, without_flags

VALUE, LIGHTS, LAYER = "value", "lights", "layer"
MOST_NAMED = 16
OVERLAP = 0.5
"""Share of the smaller of two files from which on they show one place: bands or doubles, and no tiles."""


def named_bands(files: Sequence[File], job: PrepareSeries, remarks: Remarks) -> list[File]:
    """Files whose bands bear one name for one thing, without those that are not wanted.

    Raises:
        BadInput: names do not fit the files, mean several things, or are not there.
    """
    given = job.band_names.replace(",", " ").split()
    files = [_given(file, given) for file in files] if given else _unnamed(files, remarks)
    files = _one_spelling(files)
    if not given:
        files = _one_meaning(files, remarks)
    wanted = job.bands.replace(",", " ").split()
    return _wanted(files, wanted) if wanted else without_flags(files, remarks)


def order_of(files: Sequence[File], job: PrepareSeries) -> tuple[str, ...]:
    """Names of the bands in order: as asked for, else as the files have them, those with the most bands first."""
    there = list(dict.fromkeys(band.base for file in sorted(files, key=lambda f: -len(f.bands)) for band in file.bands))
    wanted = [part.lower() for part in job.bands.replace(",", " ").split()]
    roles = {band.base: band.known.role for file in files for band in file.bands}
    if not wanted:
        return tuple(there)
    return tuple(sorted(there, key=lambda b: wanted.index(b.lower() if b.lower() in wanted else roles[b])))


def some_of(bands: Sequence[str]) -> str:
    """Names of bands for a sentence, the first sixteen one by one."""
    hidden = len(bands) - MOST_NAMED
    return listed([*bands[:MOST_NAMED], f"{hidden} others"] if hidden > 0 else bands)


def _every(files: Sequence[File]) -> Iterator[Band]:
    return (band for file in files for band in file.bands)


def _given(file: File, names: Sequence[str]) -> File:
    """Names that the user gave, in the order of the bands of one date."""
    dates = list(dict.fromkeys(band.date for band in file.bands))
    made: dict[int, str] = {}
    for date in dates:
        some = [band for band in file.bands if band.date == date]
        if len(some) != len(names):
            raise BadInput(
                f"{file.path} has {len(some)} bands of {text_of(date)}, but 'Names of the bands' gives {len(names)}: "
                f"{', '.join(names)}."
            )
        made |= {band.number: name for band, name in zip(some, names, strict=True)}
    return replace(file, bands=tuple(replace(band, base=made[band.number]) for band in file.bands))


def _unnamed(files: Sequence[File], remarks: Remarks) -> list[File]:
    """Names for bands that have none: what they are recognised as, else neutral ones."""
    lone = [file for file in files if len(file.bands) == 1 and not file.bands[0].base]
    beside = _names_of_files(lone)
    made, guessed = [], []
    for file in files:
        if all(band.base for band in file.bands):
            made.append(file)
        elif file.path in beside:
            made.append(replace(file, bands=(replace(file.bands[0], base=beside[file.path]),)))
        else:
            roles = [band.known.role for band in file.bands]
            sure = all(roles) and len(set(roles)) == len(roles)
            names = roles if sure else [f"{LAYER}{place}" for place in range(1, len(roles) + 1)]
            guessed += [file] if sure and any(band.known.sure == GUESSED for band in file.bands) else []
            made.append(replace(file, bands=tuple(map(_named, file.bands, names))))
    if guessed:
        names = [band.base for band in next(file for file in made if file.path == guessed[0].path).bands]
        remarks.warning(
            f"The bands of {guessed[0].path} bear no names; they are taken as {' '.join(names)}, which is a guess by "
            "their number. If they are something else, give 'Names of the bands'."
        )
    return made


def _named(band: Band, name: str) -> Band:
    return band if band.base else replace(band, base=name)


def _names_of_files(lone: Sequence[File]) -> dict[str, str]:
    """Names of the bands of files that hold one band without a name, by path."""
    found = {}
    for file in lone:
        band = file.bands[0]
        lights = LIGHTS if names_lights(file.path) else ""
        found[file.path] = band.known.role or (band.known.title if band.known.kind else "") or lights or VALUE
    same = [file for file in lone if found[file.path] in (VALUE, LIGHTS)]
    if not any(_one_place(one, other) for place, one in enumerate(same) for other in same[:place]):
        return {path: re.sub(r"[\s,;]+", "_", name) for path, name in found.items()}
    rests = {file.path: _rest(file.path) for file in same}
    common = set.intersection(*(set(rest) for rest in rests.values()))
    told = {path: "_".join(word for word in rest if word not in common) or found[path] for path, rest in rests.items()}
    dates = {name: {file.bands[0].date for file in same if told[file.path] == name} for name in told.values()}
    if min(map(len, dates.values())) == 1 and max(map(len, dates.values())) > 1:
        return found  # a word that comes once is no band, but a second file of a date: that is refused later
    return found | told


def _one_place(one: File, other: File) -> bool:
    return one.bands[0].date == other.bands[0].date and overlap_share(one.grid, other.grid) > OVERLAP


def _rest(path: str) -> list[str]:
    """Words of a file's name without its dates."""
    stem = PurePath(path.replace("\\", "/")).stem.lower()
    words = re.split(r"[^a-z0-9]+", re.sub(r"((?:19|20)\d{2})[-_.](\d{2})(?:[-_.](\d{2}))?", r"\1\2\3", stem))
    return [word for word in words if word and not candidates(word)]


def _one_spelling(files: Sequence[File]) -> list[File]:
    """`Red` and `red` are one band."""
    first: dict[str, str] = {}
    for band in _every(files):
        first.setdefault(band.base.lower(), band.base)
    return [
        replace(file, bands=tuple(replace(band, base=first[band.base.lower()]) for band in file.bands))
        for file in files
    ]


def _one_meaning(files: Sequence[File], remarks: Remarks) -> list[File]:
    """Bands named by what they are, where one name means several things or one thing has several names.

    Raises:
        BadInput: a name means several things, and other bands bear names that are not known.
    """
    meanings: dict[str, dict[str, str]] = {}
    for band in _every(files):
        if band.known.role:
            meanings.setdefault(band.base, {}).setdefault(band.known.role, band.path)
    several = {base: paths for base, paths in meanings.items() if len(paths) > 1}
    roles = {role for paths in meanings.values() for role in paths}
    alike = len(roles) < len(meanings) and len({frozenset(b.base for b in file.bands) for file in files}) > 1
    if not several and not alike:
        return list(files)
    if any(
        len({b.known.role or b.base for b in _of(file, date)}) < len(_of(file, date)) for file, date in _dates(files)
    ):
        if not several:
            return list(files)
        base, paths = next(iter(several.items()))
        (one, first), (two, second) = list(paths.items())[:2]
        raise BadInput(
            f"{base} is {one} in {first} and {two} in {second}, so that one name would mean two things. Rename the "
            "bands in the files, or give 'Names of the bands'."
        )
    renamed = {band.base: band.known.role for band in _every(files) if band.known.role and band.base != band.known.role}
    told = listed([f"{name} is {role}" for name, role in renamed.items()])
    if several:
        base, paths = next(iter(several.items()))
        told = listed([f"{base} is {role} in {PurePath(path).name}" for role, path in paths.items()])
    why = "one name means several bands" if several else "files name them differently"
    remarks.info(f"Bands are called by what they are, as {why}: {told}.")
    return [
        replace(file, bands=tuple(replace(band, base=band.known.role or band.base) for band in file.bands))
        for file in files
    ]


def _dates(files: Sequence[File]) -> Iterator[tuple[File, tuple[int, ...]]]:
    return ((file, date) for file in files for date in dict.fromkeys(band.date for band in file.bands))


def _of(file: File, date: tuple[int, ...]) -> list[Band]:
    return [band for band in file.bands if band.date == date]


def _wanted(files: Sequence[File], wanted: Sequence[str]) -> list[File]:
    names: Mapping[str, None] = dict.fromkeys(band.base for band in _every(files))
    lower = [part.lower() for part in wanted]
    known = {band.base.lower() for band in _every(files)} | {band.known.role for band in _every(files)}
    unknown = [part for part in wanted if part.lower() not in known]
    if unknown:
        raise BadInput(f"'Bands to take' names {unknown[0]}, which no raster has. There are: {', '.join(names)}.")
    return [
        replace(file, bands=tuple(b for b in file.bands if b.base.lower() in lower or b.known.role in lower))
        for file in files
    ]
