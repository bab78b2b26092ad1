"""The job that tells how well an indicator and its changes are told from numbers of places."""

from typing import ClassVar, Tuple

from ...poverty.learning.registry import DEFAULT_METHODS, METHODS
from .. import running
from ..declare import Job, JobFacts, Kind, param
from .series import GROUP


class AssessSeries(Job):
    """Places with an indicator and numbers in, a page out."""

    facts: ClassVar[JobFacts] = JobFacts(
        id="assessseries",
        verb="assess-series",
        title="Assess indicator",
        group=GROUP,
        summary="Tells how well an indicator and its change are told where nobody was asked, beside trivial answers.",
        help=(
            "Several methods learn the indicator from columns of numbers and are tested on places that were kept "
            "apart: in folds that a field gives, in squares of at least 20 km (published places of surveys are "
            "displaced by up to 10 km), country by country, in a region of your choice, and at random for comparison, "
            "which flatters. Beside them stands the mean of each country, which is often most of what a score shows, "
            "and the score within countries. All years of a place are kept together. Where places were asked in "
            "several years, changes are assessed in the same folds, too: as the difference of two levels and learnt "
            "as changes."
        ),
        tags=("poverty", "wealth", "survey", "DHS", "LSMS", "cross-validation", "regression", "change", "report"),
    )

    samples: str = param(
        Kind.VECTOR,
        "Places with an indicator",
        recorded=True,
        help="A layer or table with a row for each place and year: values, and columns of numbers such as summary "
        "statistics, night lights, or emb_1, emb_2, ... that 'Embed cells' writes.",
    )
    feature_fields: Tuple[str, ...] = param(
        Kind.FIELDS,
        "Feature fields",
        parent="samples",
        help="The columns to learn from; from a shell also as emb_*. Rows in which one is missing are left out, with a "
        "word.",
    )
    value_field: str = param(
        Kind.FIELD,
        "Field with the indicator",
        parent="samples",
        optional=True,
        help="Empty: 'value', which 'Prepare survey points' writes.",
    )
    methods: Tuple[str, ...] = param(
        Kind.SEVERAL,
        "Methods",
        default=DEFAULT_METHODS,
        choices=tuple(METHODS),
        help="ridge: as published on features of networks. ridge-log: on logarithms, for light, people and distances. "
        "blend: the median of ridge-log, trees and boosting.",
    )
    year_field: str = param(
        Kind.FIELD,
        "Year field",
        parent="samples",
        optional=True,
        help="Empty: found by its name. Changes are assessed where places have several years.",
    )
    region_field: str = param(
        Kind.FIELD,
        "Country or region field",
        parent="samples",
        optional=True,
        help="Empty: found by its name (country, region, ...). Each is left out in turn, and its mean is the answer "
        "to beat.",
    )
    use_region: bool = param(
        Kind.FLAG,
        "Countries may be learnt from",
        default=True,
        help="Methods know in which country a place lies. This helps where the country was surveyed; for others it "
        "says nothing, which the test of left-out countries shows.",
    )
    fold_field: str = param(
        Kind.FIELD,
        "Field of given folds",
        parent="samples",
        optional=True,
        help="Where a study has published its folds: each is tested by methods that learnt from all others.",
    )
    held_extent: str = param(
        Kind.EXTENT,
        "Held-out region: extent",
        optional=True,
        help="Places inside are tested by methods that learnt from those outside, which keep 20 km away: a test of a "
        "region of your choice, beside the others.",
    )
    held_area: str = param(
        Kind.VECTOR,
        "Held-out region: polygons",
        geometry="polygon",
        optional=True,
        help="Instead of an extent.",
    )
    group_field: str = param(
        Kind.FIELD,
        "Field of what is kept together",
        parent="samples",
        optional=True,
        advanced=True,
        help="Villages or clusters. Empty: rows of one place.",
    )
    urban_field: str = param(
        Kind.FIELD,
        "Urban or rural field",
        parent="samples",
        optional=True,
        advanced=True,
        help="Empty: found by its name. The page tells how far each kind is over- or underestimated.",
    )
    folds: int = param(Kind.INTEGER, "Folds", default=5, minimum=2, maximum=50)
    repeats: int = param(Kind.INTEGER, "Repetitions", default=2, minimum=1, maximum=100)
    block_size_m: float = param(
        Kind.NUMBER,
        "Spatial block (0: automatic)",
        default=0.0,
        minimum=0.0,
        maximum=1e7,
        unit="m",
        advanced=True,
        help="Side of the squares that are kept apart. 0: as far as values are alike, at least 20 km.",
    )
    threads: int = running.threads()
    seed: int = running.seed()
    output: str = param(
        Kind.FILE_OUT,
        "Assessment",
        extension="html",
        result="report",
        help="A page that opens offline; the numbers as JSON and CSV beside it.",
    )
    errors: str = param(
        Kind.VECTOR_OUT,
        "Map of errors",
        optional=True,
        by_default=False,
        extension="gpkg",
        result="indicatorerrors",
        help="The places with what the best method said of them when they were kept apart, and how far off it was.",
    )

    def problem(self) -> str:
        """No method, or two regions."""
        if not self.methods:
            return "Choose at least one method."
        if self.held_extent and self.held_area:
            return "Give one held-out region: an extent or polygons, not both."
        return ""
