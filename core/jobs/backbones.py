"""Jobs that help to choose a backbone."""

from typing import ClassVar

from ..bands import wish
from .declare import Job, JobFacts, Kind, param


class ChooseBackbone(Job):
    """Raster in, page with every backbone out: which fit, and why others do not."""

    facts: ClassVar[JobFacts] = JobFacts(
        id="choosebackbone",
        verb="choose",
        title="Which backbone fits?",
        group="Embed",
        summary="Lists all backbones with what each was made for, and tells which fit a raster and why others do not.",
        help=(
            "Read off the raster are its bands, what their numbers mean, and the size of a pixel. The page tells for "
            "each backbone sensor, bands, resolution, licence, size of the weights, memory, whether the weights are "
            "on this computer, and the paper; those that fit come first, and the one that is taken by default is "
            "marked. Where a band was not recognised, give it as in blue=2 green=3 red=4."
        ),
        tags=("model", "foundation model", "CROMA", "DINO", "SMARTIES", "licence", "sensor", "bands"),
    )

    input: str = param(Kind.RASTER, "Raster")
    band_roles: str = param(
        Kind.ROLES,
        "Which band is what",
        parent="input",
        optional=True,
        help="Where names and product do not tell: blue=2 red=4. Empty: as recognised.",
    )
    second: str = param(
        Kind.RASTER, "Second raster of the same place", optional=True, help="Radar beside optical bands."
    )
    second_band_roles: str = param(
        Kind.ROLES,
        "Which band of the second raster is what",
        parent="second",
        optional=True,
        advanced=True,
        help="As in: vv=1 vh=2. Empty: as recognised.",
    )
    months: str = param(
        Kind.TEXT,
        "Months",
        optional=True,
        advanced=True,
        help="For backbones that take several dates as one, where names of bands or file do not tell: one a date, as "
        "in 4 5 6, or from first to last, as in 1-12 or 11-2.",
    )
    output: str = param(
        Kind.FILE_OUT,
        "Page",
        optional=True,
        extension="html",
        result="report",
        help="Empty: what fits is told in the log only.",
    )

    def problem(self) -> str:
        """The bands that are given cannot be read."""
        if self.second_band_roles and not self.second:
            return "Bands of a second raster are given, but no second raster."
        problems = map(wish.problem, (self.band_roles, self.second_band_roles))
        return next(filter(None, problems), "") or wish.months_problem(self.months)
