"""Positions from tracks and depths from logs, for photos whose camera noted the time."""

import numpy as np
import pandas as pd

from ..jobs.reef.bringin import ImportReef
from .depthlog import read_depth
from .gpx import Clock, Course, Float, parse_ahead, propose_clock, read_track, seconds_of, zone
from .photofacts import named
from .photorows import PhotoRows


def apply_times(rows: PhotoRows, job: ImportReef, ahead: dict[int, int], done: list[str]) -> list[str]:
    """Place photos by tracks, and tell their depth by a log.

    Args:
        rows: the photos; those with a position keep it.
        job: with tracks, log, clocks and gap.
        ahead: seconds by which the clock of a photo's camera was ahead of UTC, by place, where the camera says so.
        done: gets sentences on what was done.

    Returns:
        Sentences on what was assumed and left.

    Raises:
        BadInput: a track, log or clock that cannot be read.
    """
    if not (job.tracks or job.depth_log):
        return []
    taken = seconds_of(pd.Series([str(row.get("taken") or "") or None for row in rows.rows], dtype=object))
    track = read_track(job.tracks) if job.tracks else None
    notes = list(track.notes) if track else []
    offset = _ahead(taken, track, job, ahead, notes)
    if track is not None:
        _place(rows, taken - offset, track, job, notes, done)
    if job.depth_log:
        _sound(rows, taken, offset, job, notes, done)
    return notes


def _ahead(taken: Float, track: Course | None, job: ImportReef, ahead: dict[int, int], notes: list[str]) -> Float:
    """(M,) seconds, NaN where nothing is known."""
    given = parse_ahead(job.clock)
    if given is not None:
        return np.full(len(taken), given)
    offset = np.full(len(taken), np.nan)
    for place, seconds in ahead.items():
        offset[place] = seconds
    without = np.isfinite(taken) & ~np.isfinite(offset)
    if ahead and without.any():
        usual = float(np.median(list(ahead.values())))
        notes.append(
            f"Cameras of {int(without.sum()):,} photos do not note their offset from UTC; that of the others is taken, "
            f"{zone(usual)}."
        )
        offset[without] = usual
    elif not ahead and track is not None:
        clock: Clock | None = propose_clock(taken, track, job.gap_s)
        if clock is None:
            notes.append("No photo falls into the track, whatever the zone of the camera's clock. Give its offset.")
        else:
            notes += clock.sentences
            offset[:] = clock.ahead_s
    return offset


def _place(rows: PhotoRows, utc: Float, track: Course, job: ImportReef, notes: list[str], done: list[str]) -> None:
    found = track.at(utc, job.gap_s)
    without = [place for place, row in enumerate(rows.rows) if row.position is None and not row.placed]
    timeless = [rows.rows[place].name for place in without if not np.isfinite(utc[place])]
    beside = [rows.rows[place].name for place in without if np.isfinite(utc[place]) and np.isnan(found[place, 0])]
    hit = [place for place in without if np.isfinite(found[place, 0])]
    for place in hit:
        longitude, latitude = found[place]
        rows.place(place, (float(longitude) + 180) % 360 - 180, float(latitude), "track")
    done.append(f"Photos placed by the track: {len(hit):,}.")
    if beside:
        notes.append(f"Photos farther than {job.gap_s:g} s from any fix, not placed: {named(beside)}.")
    if timeless:
        notes.append(f"Photos without a time of the camera, not placed: {named(timeless)}.")


def _sound(rows: PhotoRows, taken: Float, offset: Float, job: ImportReef, notes: list[str], done: list[str]) -> None:
    log, zoned = read_depth(job.depth_log)
    notes += log.notes
    own = parse_ahead(job.log_clock)
    if zoned or own is not None:
        shift = 0.0 if zoned or own is None else own
        log = Course(log.time - shift, log.values)
        if np.isfinite(taken).any() and not np.isfinite(offset).any():
            notes.append("The depth log is in UTC, and by how much the camera was ahead of that is not known. Give it.")
        taken = taken - offset
    depth = log.at(taken, job.gap_s)[:, 0]
    hit = np.flatnonzero(np.isfinite(depth))
    for place in hit:
        rows.tell(int(place), {"depth_m": round(float(depth[place]), 2)}, weakly=True)
    done.append(f"Photos with a depth from the log: {len(hit):,}.")
    missed = [rows.rows[place].name for place in np.flatnonzero(np.isfinite(taken) & np.isnan(depth))]
    if missed:
        notes.append(f"Photos farther than {job.gap_s:g} s from any row of the depth log: {named(missed)}.")
