"""Every job there is, by id."""

from typing import Any, Dict, Tuple, Type

from ..errors import BadJob
from .backbones import ChooseBackbone
from .choose import ExplainPlaces, FindSimilar, SuggestLabels
from .declare import Job
from .embed import EmbedRaster, OpenEmbedding
from .embedcells import EmbedCells
from .engine import SetUpEngine, SpeedTest
from .estimate import DrawSample, EstimateArea
from .explore import ClusterEmbedding, ReduceEmbedding
from .export import ExportOnnx
from .fewshot import ApplyHead, AssessHead, TrainHead
from .poverty.assess import AssessSeries
from .poverty.map import MapChange, MapIndicator
from .poverty.report import ReportIndicator
from .poverty.series import PrepareSeries
from .poverty.survey import PrepareSurvey
from .poverty.train import TrainSeries
from .reef.bringin import ImportReef
from .reef.checking import CheckReef
from .reef.cover import CoverReef
from .reef.leaving import ExportReef
from .reef.placing import PlacePoints
from .reef.suggesting import SuggestReef
from .reef.training import TrainReef
from .settlement.cells import MakeCells
from .settlement.follow import FollowSettlement
from .settlement.methods import CompareSettlement, MapSettlement, TrainSettlement
from .settlement.variables import CellVariables
from .weights import FetchWeights, ManageWeights

ALL: Tuple[Type[Job], ...] = (
    ChooseBackbone,
    EmbedRaster,
    EmbedCells,
    OpenEmbedding,
    TrainHead,
    ApplyHead,
    AssessHead,
    SuggestLabels,
    ExplainPlaces,
    FindSimilar,
    DrawSample,
    EstimateArea,
    ReduceEmbedding,
    ClusterEmbedding,
    MakeCells,
    CellVariables,
    TrainSettlement,
    CompareSettlement,
    MapSettlement,
    FollowSettlement,
    PrepareSurvey,
    PrepareSeries,
    TrainSeries,
    MapIndicator,
    MapChange,
    ReportIndicator,
    AssessSeries,
    ImportReef,
    PlacePoints,
    TrainReef,
    SuggestReef,
    CheckReef,
    CoverReef,
    ExportReef,
    ExportOnnx,
    FetchWeights,
    ManageWeights,
    SpeedTest,
    SetUpEngine,
)
FORETOLD = (EmbedRaster.facts.id,)
"""Jobs of which can be told before how long they take."""
JOBS: Dict[str, Type[Job]] = {job.facts.id: job for job in ALL}


def when_stopped(values: Dict[str, Any]) -> str:
    """What becomes of the work of a job, given as a dict, that is stopped or killed."""
    job = JOBS.get(str(values.get("job")))
    return job.facts.when_stopped if job else ""


def job_from_dict(values: Dict[str, Any]) -> Job:
    """The job that a dict of plain JSON values stands for, checked.

    Raises:
        BadJob: not a job, an unknown id, or a parameter that does not fit.
    """
    if not isinstance(values, dict) or not isinstance(values.get("job"), str):
        raise BadJob("This is not a Quadrat job: an object with the key 'job' is needed.")
    if values["job"] not in JOBS:
        raise BadJob(f"There is no job '{values['job']}'. There are: {', '.join(JOBS)}.")
    return JOBS[values["job"]].from_dict(values)
