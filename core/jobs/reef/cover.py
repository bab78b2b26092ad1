"""The job that tells the cover of a photo survey."""

from typing import ClassVar, Tuple

from .. import running
from ..declare import Job, JobFacts, Kind, param
from .bringin import GROUP

PHOTO, TRANSECT, SITE, DATE, SITE_DATE, SURVEY = "photo", "transect", "site", "date", "site and date", "survey"
GROUPS = (SURVEY, SITE, DATE, SITE_DATE, TRANSECT, PHOTO)
PEOPLE, MACHINE, MIXED, CORRECTED, POWERED = "people", "machine", "mixed", "corrected", "powered"
METHODS = (POWERED, PEOPLE, CORRECTED, MACHINE, MIXED)
REEF, PHOTOS = "reef", "photos"
RANDOM, CHOSEN = "at random", "chosen"
DAY, MONTH, YEAR = "day", "month", "year"


class CoverReef(Job):
    """A survey in, cover with intervals out."""

    facts: ClassVar[JobFacts] = JobFacts(
        id="reefcover",
        verb="reef-cover",
        title="Cover of photo survey",
        group=GROUP,
        summary="Tells the cover of every label at every level of the label tree, by site and date, with intervals.",
        help=(
            "Cover is the mean over photos of the share of their points; photos are the unit of all intervals, since "
            "the points of a photo are alike. people: photos of which people labelled every point. machine: as "
            "suggested, with an interval that knows nothing of its errors. mixed: people where they labelled, else the "
            "machine. corrected: the machine's cover, turned back through the table of what it confuses on photos that "
            "people labelled too. powered: the machine's cover of all photos plus its mean error on those "
            "(prediction-powered inference); free of bias whatever the machine confuses, as long as the photos that "
            "people labelled were drawn at random and the machine did not learn from them; where it did, "
            "they count by what Quadrat's own models said in training while they were held out. Diversity (Shannon, "
            "Simpson, evenness, labels met) has intervals by the jackknife over photos."
        ),
        tags=(
            "coral",
            "benthic",
            "cover",
            "confidence interval",
            "prediction-powered",
            "Shannon",
            "Simpson",
            "CoralNet",
        ),
    )

    survey: str = param(Kind.VECTOR, "Survey", recorded=True, help="From 'Import photo survey', with labelled points.")
    groups: Tuple[str, ...] = param(
        Kind.SEVERAL, "Cover of each", default=GROUPS, choices=GROUPS, help="Transects count within their site."
    )
    group_field: str = param(
        Kind.FIELD, "And of each value of", parent="survey", optional=True, help="Any column of the photos, as zone."
    )
    period: str = param(
        Kind.CHOICE, "Dates count by", default=DAY, choices=(DAY, MONTH, YEAR), help="What is one date."
    )
    methods: Tuple[str, ...] = param(
        Kind.SEVERAL,
        "Estimates",
        default=(POWERED, PEOPLE, CORRECTED, MACHINE),
        choices=METHODS,
        help="Those that the survey has no labels for are left out and told.",
    )
    left_out: str = param(
        Kind.TEXT,
        "Labels that do not count",
        optional=True,
        help="Codes separated by commas, as of frames, tape and shadows, with all below them. Their points are left "
        "out of the whole.",
    )
    diverse: str = param(
        Kind.TEXT,
        "Diversity among",
        optional=True,
        help="Codes separated by commas: what lies below them counts, as that of corals. Empty: all labels.",
    )
    annotators: str = param(
        Kind.TEXT,
        "Annotators",
        optional=True,
        help="Names separated by commas. Empty: all; where several labelled a point, each has a part of it.",
    )
    reach: str = param(
        Kind.CHOICE,
        "Speak of",
        default=REEF,
        choices=(REEF, PHOTOS),
        help="reef: the photos are a sample of it. photos: these alone; points are a sample of them.",
    )
    checked: str = param(
        Kind.CHOICE,
        "Photos that people labelled were",
        default=RANDOM,
        choices=(RANDOM, CHOSEN),
        help="chosen: by hand, or because the machine was unsure. Then they stand for themselves: no interval, and no "
        "powered estimate. Has no effect where people labelled all.",
    )
    learnt_field: str = param(
        Kind.FIELD,
        "Photos that the machine learnt from",
        parent="survey",
        optional=True,
        help="Only for suggestions of other programs; of its own models Quadrat notes it. A column of the photos that "
        "is 1, true, yes or train for them: what the machine says of them proves nothing.",
    )
    level: float = param(
        Kind.NUMBER, "Level of the intervals", default=95.0, minimum=50.0, maximum=99.9, unit="%", advanced=True
    )
    seed: int = running.seed()
    output: str = param(Kind.FILE_OUT, "Table of cover", extension="csv", result="table")
    wide: str = param(
        Kind.FILE_OUT,
        "Cover of photos as CoralNet writes it",
        extension="csv",
        result="table",
        optional=True,
        by_default=False,
        help="By people where they labelled the photo whole, else by the machine.",
    )
    diversity: str = param(
        Kind.FILE_OUT, "Table of diversity", extension="csv", result="table", optional=True,
        help="As counted, and by the jackknife with its interval, a row an index.",
    )  # fmt: skip
    sites: str = param(
        Kind.VECTOR_OUT,
        "Map of sites",
        extension="gpkg",
        result="reefcover",
        optional=True,
        by_default=False,
        help="A pie for each site, where photos have positions.",
    )
    report: str = param(
        Kind.FILE_OUT, "Report", extension="html", result="report", optional=True,
        help="One page with pictures that opens offline: cover by site and over time, diversity, what to know.",
    )  # fmt: skip

    def problem(self) -> str:
        """Nothing asked for."""
        if not (self.groups or self.group_field):
            return "Cover of photo survey needs at least one kind of group to tell the cover of."
        if self.sites and not {SITE, SITE_DATE} & set(self.groups):
            return "The map of sites needs the cover of each site among the groups."
        if not self.methods:
            return "Cover of photo survey needs at least one estimate to make."
        return ""
