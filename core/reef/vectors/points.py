"""Vectors at the points of a survey as one array: what heads learn from."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ....models.contract import Float, State
from ...progress import Progress
from ..survey import Photo, Survey
from .patches import Int
from .request import VectorRequest
from .source import VectorSource


@dataclass(frozen=True)
class PointVectors:
    """Vectors of N points, grouped by photo in the order asked for, by number within it.

    Attributes:
        X: (N, D) float32.
        point: (N,) int64, numbers of points in the survey.
        photo: (N,) int64, numbers of their photos.
        identity: equal where vectors mean the same: backbone, weights, patch and padding.
        state: arrays that build the same backbone again; may be empty.
        lacking: name of a photo whose points have no vectors -> why.
        made: vectors that were made now; the others were known.
        device: what made them, in words.
    """

    X: Float
    point: Int
    photo: Int
    identity: str
    state: dict[str, NDArray[Any]] = field(default_factory=dict)
    lacking: dict[str, str] = field(default_factory=dict)
    made: int = 0
    device: str = ""


def point_vectors(
    survey: Survey,
    photos: Sequence[Photo],
    request: VectorRequest,
    progress: Progress,
    *,
    state: State | None = None,
    identity: str = "",
    points: Collection[int] | None = None,
) -> PointVectors:
    """Vectors at the points of photos.

    Args:
        survey: that holds the points.
        photos: of it.
        request: which backbone, patch and padding.
        progress: told after each batch; a cancel keeps what was made.
        state: of the backbone with which a model was trained; None takes that of earlier vectors, or draws it.
        identity: of that model's vectors; empty: any.
        points: numbers of the points that are wanted; None: all.

    Raises:
        BadJob: the request cannot be done.
        BadInput: no photo can be read, or a model's file is unusable.
        EngineTooSmall: a library is missing.
        WeightsMissing: no weights on this machine.
        Stale: the backbone is not that of `identity`.
        Cancelled: the user stopped the job.
    """
    with VectorSource(survey, photos, request, progress, state=state, identity=identity, points=points) as source:
        # Whole from the start: joining the pieces at the end would need the room twice.
        X = np.empty((source.count, source.dimensions), np.float32)
        point, photo, at = np.empty(source.count, np.int64), np.empty(source.count, np.int64), 0
        for piece in source.pieces():
            rows = slice(at, at + len(piece.point))
            X[rows], point[rows], photo[rows] = piece.X, piece.point, piece.photo.photo
            at = rows.stop
    return PointVectors(
        X[:at], point[:at], photo[:at], source.identity, source.state, source.lacking, source.made, source.device
    )
