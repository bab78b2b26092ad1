"""The job that computes the hand-made variables of cells."""

from typing import ClassVar

from ...bands import values, wish
from ..declare import Job, JobFacts, Kind, param
from .cells import GROUP

NO_STREETS = (
    "footway path steps pedestrian cycleway bridleway track service services corridor elevator escalator platform "
    "proposed planned construction abandoned razed raceway rest_area bus_guideway busway no"
)
"""Values of OpenStreetMap's `highway` that the network 'drive' of OSMnx, which the studies used, leaves out."""


class CellVariables(Job):
    """Cells and sources in, cells with variables out."""

    facts: ClassVar[JobFacts] = JobFacts(
        id="cellvariables",
        verb="variables",
        title="Cell variables",
        group=GROUP,
        summary="Adds vegetation, streets and terrain of every cell, as the studies of Rio de Janeiro do.",
        help=(
            "Six: share of vegetation (p_vegeta), metres of streets (len_roads), nodes where streets meet or end "
            "(nb_connect), least streets that meet in one (min_connec), mean slope in degrees (slope) and mean profile "
            "curvature in 1/m, positive where slopes bulge (profile_co). Nine: also the mean entropy of the bands in "
            "bits (entropy), and the mean and most streets that meet in a node (mean_conne, max_connec). Give the "
            "sources that you have: variables of the others are left out. Streets meet where they share a vertex; what "
            "is drawn twice counts once; a cell without streets has 0 everywhere. Means weigh each pixel by how much "
            "of it lies in the cell; a cell beside the raster stays empty. All columns of the cells are kept; those of "
            "these names are computed anew where their source is given."
        ),
        tags=("favela", "informal settlement", "slum", "ndvi", "osm", "roads", "slope", "dtm", "zonal statistics"),
    )

    cells: str = param(
        Kind.VECTOR, "Cells", geometry="polygon", help="Made by 'Make cells', or any polygons: blocks, districts."
    )
    optical: str = param(
        Kind.RASTER,
        "Optical raster or NDVI",
        optional=True,
        help="Gives p_vegeta and entropy; Sentinel-2 in the studies. One band is NDVI, which has no entropy.",
    )
    streets: str = param(
        Kind.VECTOR,
        "Streets",
        geometry="line",
        optional=True,
        help="Lines of OpenStreetMap or of any source. Take more than the city: streets that are cut at its border end "
        "there.",
    )
    dtm: str = param(
        Kind.RASTER, "Terrain heights", optional=True, help="In metres, such as the Copernicus DEM; degrees will do."
    )
    variables: str = param(
        Kind.CHOICE,
        "Variables",
        default="six",
        choices=("six", "nine"),
        help="six: those of the published random forest. nine: entropy and two more of streets, too.",
    )
    ndvi_above: float = param(
        Kind.NUMBER,
        "Vegetation has NDVI above",
        default=0.4,
        minimum=-1.0,
        maximum=1.0,
        help="A pixel with a larger NDVI is vegetation. The studies do not say which value they took.",
    )
    band_roles: str = param(
        Kind.ROLES,
        "Which band is what",
        parent="optical",
        optional=True,
        advanced=True,
        help="Where names and product do not tell red and near infrared: red=3 nir=4.",
    )
    values: str = param(
        Kind.CHOICE,
        values.PARAMETER,
        default=values.AUTO,
        choices=values.CHOICES,
        advanced=True,
        help="What the numbers of the optical raster are. auto: by what the file says, and the numbers themselves.",
    )
    street_field: str = param(
        Kind.FIELD,
        "Kind of street",
        parent="streets",
        optional=True,
        help="As 'highway' of OpenStreetMap; lines without an entry are no streets. Empty: 'highway' where there is "
        "such a field, else all lines count.",
    )
    leave_out: str = param(
        Kind.TEXT,
        "Kinds to leave out",
        default=NO_STREETS,
        optional=True,
        advanced=True,
        help="As published, only streets for cars count. To count alleys too, take footway, path, steps, pedestrian "
        "and service out of the list. none: nothing is left out.",
    )
    dead_ends: bool = param(
        Kind.FLAG,
        "Count dead ends as nodes",
        default=True,
        advanced=True,
        help="One street meets in them, so that min_connec tells cells with dead ends from others.",
    )
    snap_m: float = param(
        Kind.NUMBER,
        "Ends meet within",
        default=0.5,
        minimum=0.0,
        maximum=50.0,
        unit="m",
        advanced=True,
        help="An end of a line this near to another line meets it. 0: only where they have a vertex in common.",
    )
    at_crossings: bool = param(
        Kind.FLAG,
        "Streets meet wherever lines cross",
        default=False,
        advanced=True,
        help="For layers whose lines run through crossings. Bridges and tunnels then count as crossings too.",
    )
    output: str = param(Kind.VECTOR_OUT, "Cells with variables", extension="gpkg", result="variables")

    def problem(self) -> str:
        """No source at all, or bands that cannot be read."""
        if not (self.optical or self.streets or self.dtm):
            return "Cell variables needs at least one source: an optical raster or NDVI, streets, or terrain heights."
        if self.street_field and not self.streets:
            return "The kind of street is a field of the streets, which are not given."
        return wish.problem(self.band_roles)

    @classmethod
    def example(cls) -> "CellVariables":
        """From all sources."""
        given = {name: f"/example/{name}" for name in ("cells", "optical", "streets", "dtm", "output")}
        return cls.from_dict(given)
