"""Mean cover of a group of photos with an interval; the photo is the unit, since points in a photo are alike.

As people say, as the machine says, and both together by prediction-powered inference. The estimators are those of
`core/estimation`; here is only how photos become their evidence. README.md tells what they cover.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ...errors import BadInput
from ...estimation import ppi, stratified
from ...estimation.evidence import Estimate, Evidence, lacking

Float = NDArray[np.float64]
Bool = NDArray[np.bool_]
LEAST = 2
"""Photos that a spread can be told from."""


@dataclass(frozen=True)
class Photos:
    """N photos of a site, a date or whatever they stand for."""

    people: Float
    """(N, K) cover as people say; NaN where they did not label the photo whole."""
    machine: Float
    """(N, K) as the machine says; NaN where it did not."""
    points: Float
    """(N,) points that each cover was counted from."""
    learnt: Bool
    """(N,) photos that the machine learnt from: what it says of them proves nothing."""
    names: tuple[str, ...]
    """K classes."""
    beyond: bool = True
    """The photos are a sample of a reef that the result speaks of; else it speaks of these photos."""

    @property
    def checked(self) -> Bool:
        """(N,) labelled whole by people."""
        return ~np.isnan(self.people[:, 0])

    @property
    def read(self) -> Bool:
        """(N,) labelled whole by the machine."""
        return ~np.isnan(self.machine[:, 0])

    def only(self, which: Bool) -> "Photos":
        """Some of them."""
        return replace(
            self, people=self.people[which], machine=self.machine[which], points=self.points[which],
            learnt=self.learnt[which],
        )  # fmt: skip


def by_people(photos: Photos, level: float = 0.95) -> Estimate:
    """Mean cover of the photos that people labelled.

    Raises:
        BadInput: fewer than two of them, unless those are all and the result speaks of them alone.
    """
    return stratified.estimate(_evidence(photos, photos.people), level)


def by_machine(photos: Photos, level: float = 0.95) -> Estimate:
    """Mean cover as the machine says. Its interval is that of drawing photos: how the machine errs is not in it.

    Raises:
        BadInput: as `by_people`.
    """
    return stratified.estimate(_evidence(photos, photos.machine), level)


def mixed(photos: Photos, level: float = 0.95) -> Estimate:
    """Mean cover by people where they labelled the photo, else by the machine. Interval as `by_machine`.

    Raises:
        BadInput: as `by_people`.
    """
    either = np.where(photos.checked[:, None], photos.people, photos.machine)
    return stratified.estimate(_evidence(photos, either), level)


def powered(photos: Photos, level: float = 0.95) -> Estimate:
    """Mean cover by the machine on all photos, corrected by its error on those that people labelled (PPI++).

    Photos that the machine learnt from are a stratum of their own, in which people alone count. Where the interval by
    people alone is narrower, it is taken, and widened to hold the estimate.

    Raises:
        BadInput: fewer than two photos that both labelled and the machine did not learn from.
    """
    photos = photos.only(np.where(photos.learnt, photos.checked, photos.read))
    if photos.learnt.sum() < LEAST:
        photos = photos.only(~photos.learnt)  # one photo makes no stratum
    other = photos.only(~photos.learnt)
    both = int(other.checked.sum())
    if both < LEAST:
        raise BadInput(
            f"People and machine both labelled {both} photos that the machine did not learn from; the correction needs "
            f"at least {LEAST}, better 20."
        )
    evidence = _two_strata(photos, other)
    found, plain = ppi.estimate(evidence, level), stratified.estimate(evidence, level)
    # Of classes in few photos neither spread is known and both intervals are wide: the narrower one still covers.
    better = plain.high - plain.low < found.high - found.low
    low = np.where(better, np.minimum(plain.low, found.value), found.low)
    high = np.where(better, np.maximum(plain.high, found.value), found.high)
    method = tuple(b if use else a for a, b, use in zip(found.method, plain.method, better, strict=True))
    return replace(found, low=low, high=high, method=method)


def _evidence(photos: Photos, Y: Float) -> Evidence:
    there = ~np.isnan(Y[:, 0])
    found, points = Y[there], photos.points[there]
    made = Evidence(
        np.zeros(len(found), np.int64), found, np.ones(1), np.array([float(len(Y))]), photos.names, ("photos",),
        inner=None if photos.beyond else _within(found, points), beyond=photos.beyond,
    )  # fmt: skip
    if lacking(made).any():
        raise BadInput(f"{len(found)} photos are labelled whole; an interval needs at least {LEAST}, better 20.")
    return made


def _two_strata(photos: Photos, other: Photos) -> Evidence:
    """Photos that the machine did not learn from, and those that it did, if any."""
    K, known = len(photos.names), int(photos.learnt.sum())
    tested = other.only(other.checked)
    Y, F = tested.people, tested.machine
    mapped, spread = other.machine.mean(axis=0), other.machine.std(axis=0, ddof=1 if len(other.machine) > 1 else 0)
    counts, points = [float(len(other.machine))], tested.points
    mapped, spread = mapped[None], spread[None]
    if known:
        taught = photos.only(photos.learnt)
        # What is said of them counts for nothing: a prediction of zero is no help and no harm.
        Y, F = np.vstack([Y, taught.people]), np.vstack([F, np.zeros((known, K))])
        mapped, spread = np.vstack([mapped, np.zeros((1, K))]), np.vstack([spread, np.zeros((1, K))])
        counts, points = [*counts, float(known)], np.concatenate([points, taught.points])
    number = np.repeat(np.arange(len(counts)), [len(tested.people), known][: len(counts)])
    size = np.array(counts)
    return Evidence(
        number.astype(np.int64), Y, size / size.sum(), size, photos.names, ("photos", "learnt from")[: len(size)],
        F=F, mapped=mapped, mapped_sd=spread, inner=None if photos.beyond else _within(Y, points),
        beyond=photos.beyond,
    )  # fmt: skip


def _within(Y: Float, points: Float) -> Float:
    """(n, K) variance of each photo's cover from points drawn at random in it."""
    return np.asarray(Y * (1 - Y) / np.maximum(points - 1, 1)[:, None])
