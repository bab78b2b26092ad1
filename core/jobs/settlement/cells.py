"""The job that divides a city into cells and labels them from reference polygons."""

from typing import ClassVar

from ...bands import values, wish
from ..declare import Job, JobFacts, Kind, param

GROUP = "Favela"
GROUND = ("boundary", "extent", "raster", "zones")
"""Parameters that say where cells are made; where several are given, what all of them cover counts."""


class MakeCells(Job):
    """Boundary, extent or raster in, labelled cells out."""

    facts: ClassVar[JobFacts] = JobFacts(
        id="makecells",
        verb="cells",
        title="Make cells",
        group=GROUP,
        summary="Divides a city into square cells and labels them favela or residential from reference polygons.",
        help=(
            "By the rule of the studies of Rio de Janeiro: favela where favelas cover at least 0.7 of a cell, "
            "residential where none lies in it; green, unbuilt and excluded cells are discarded, mixed ones teach "
            "nothing. Every threshold can be changed, and what no source is given for is left out of the rule. "
            "All cells stay in the layer; the field 'status' says why each is labelled or not. To try other "
            "thresholds, give the layer again under 'Existing cells'."
        ),
        tags=("grid", "informal settlement", "slum", "fishnet", "zonal statistics", "training data", "label"),
    )

    boundary: str = param(
        Kind.VECTOR,
        "Boundary",
        geometry="polygon",
        optional=True,
        help="Cells are made inside these polygons: a city, or several.",
    )
    extent: str = param(Kind.EXTENT, "Extent", optional=True, help="Cells are made inside, from its upper left corner.")
    raster: str = param(
        Kind.RASTER,
        "Raster to align to",
        optional=True,
        help="Cells begin at its upper left corner and are in its coordinate system, where that is in metres.",
    )
    cells: str = param(
        Kind.VECTOR,
        "Existing cells",
        geometry="polygon",
        optional=True,
        help="Instead of making cells: shares and labels for these. Shares that they have already are kept, unless a "
        "source is given anew.",
    )
    cell_size_m: float = param(
        Kind.NUMBER, "Size of a cell", default=150.0, minimum=0.01, maximum=1e6, unit="m", help="As published: 150."
    )
    snap: bool = param(
        Kind.FLAG,
        "Round the size to whole pixels",
        default=False,
        advanced=True,
        help="Of the raster to align to, so that no pixel lies in two cells.",
    )
    partial: str = param(
        Kind.CHOICE,
        "Cells at the edge",
        default="drop",
        choices=("drop", "centre", "cut"),
        help="drop: only whole cells. centre: kept whole where the centre lies inside. cut: cut at the edge.",
    )
    nodata: str = param(
        Kind.CHOICE,
        "Cells with nodata",
        default="drop",
        choices=("drop", "keep"),
        advanced=True,
        help="Of the raster to align to. keep: kept in the layer as discarded.",
    )
    crs: str = param(
        Kind.CRS,
        "Coordinate system of the cells",
        optional=True,
        help="Empty: that of the raster or boundary where it is in metres, else the UTM zone of the middle.",
    )
    zones: str = param(
        Kind.VECTOR,
        "Zones",
        geometry="polygon",
        optional=True,
        help="Parts of the city that tests keep apart. Numbers of cells are 100,000 x zone + a running number.",
    )
    zone_field: str = param(
        Kind.FIELD, "Zone field", parent="zones", optional=True, help="Numbers as they are; names are numbered from 1."
    )
    favelas: str = param(
        Kind.VECTOR,
        "Favelas (reference)",
        geometry="polygon",
        optional=True,
        help="Polygons of known favelas. Without them cells are not labelled, but the rest is said of them.",
    )
    residential: str = param(
        Kind.VECTOR,
        "Residential areas",
        geometry="polygon",
        optional=True,
        help="Without them, cells without favela count as residential where the rest of the rule holds.",
    )
    optical: str = param(
        Kind.RASTER, "Optical raster or NDVI", optional=True, help="Tells the share of vegetation. One band is NDVI."
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
    built_up: str = param(
        Kind.RASTER, "Built-up raster", optional=True, help="Such as GHS-BUILT-S, or any share of built-up ground."
    )
    built_up_values: str = param(
        Kind.CHOICE,
        "Values of the built-up raster",
        default="auto",
        choices=("auto", "share", "percent", "square-metres"),
        help="share: 0 to 1, or yes and no. percent: 0 to 100. square-metres: of each pixel. auto: by the largest.",
    )
    excluded: str = param(
        Kind.VECTOR,
        "Excluded zones",
        geometry="polygon",
        optional=True,
        help="Ports, airports, barracks: built up, but nobody's home.",
    )
    favela_least: float = param(
        Kind.NUMBER,
        "Least share of favela",
        default=0.7,
        minimum=0.001,
        maximum=1.0,
        help="A cell is favela where favelas cover this share of it or more. The studies take 0.7 and try 0.3 to 0.9.",
    )
    residential_favela_most: float = param(
        Kind.NUMBER,
        "Largest share of favela in a residential cell",
        default=0.0,
        minimum=0.0,
        maximum=1.0,
        advanced=True,
        help="As published, none: a cell with any favela in it is not residential.",
    )
    residential_least: float = param(
        Kind.NUMBER,
        "Least share of residential area",
        default=0.5,
        minimum=0.0,
        maximum=1.0,
        advanced=True,
        help="Of a cell that is to be labelled residential. Only where residential areas are given.",
    )
    ndvi_above: float = param(
        Kind.NUMBER,
        "Vegetation has NDVI above",
        default=0.4,
        minimum=-1.0,
        maximum=1.0,
        help="A pixel with a larger NDVI is vegetation. The studies do not say which value they took.",
    )
    vegetation_below: float = param(
        Kind.NUMBER,
        "Share of vegetation below",
        default=0.95,
        minimum=0.0,
        maximum=1.01,
        help="Cells with this share of vegetation or more are discarded. 1.01: none is.",
    )
    built_up_above: float = param(
        Kind.NUMBER,
        "Share of built-up above",
        default=0.5,
        minimum=-0.01,
        maximum=1.0,
        help="Cells with this share of built-up ground or less are discarded. -0.01: none is.",
    )
    excluded_most: float = param(
        Kind.NUMBER,
        "Largest share of excluded zones",
        default=0.0,
        minimum=0.0,
        maximum=1.0,
        advanced=True,
        help="Cells that lie in excluded zones with more than this share are discarded.",
    )
    sources: str = param(
        Kind.TEXT,
        "Sources and their licences",
        optional=True,
        help="Stays with the layer, to be named where it is shown: IBGE 2010; © OpenStreetMap contributors (ODbL). "
        "Empty: as far as the files tell.",
    )
    most_cells: int = param(
        Kind.INTEGER,
        "Most cells",
        default=2_000_000,
        minimum=1,
        maximum=100_000_000,
        advanced=True,
        help="Stops before more are made, as a size that is mistyped would.",
    )
    output: str = param(Kind.VECTOR_OUT, "Cells", extension="gpkg", result="cells")

    def problem(self) -> str:
        """Nowhere to make cells, or parameters that do not go together."""
        ground = [name for name in GROUND if getattr(self, name)]
        if self.cells and (self.crs or set(ground) - {"zones"}):
            return "Existing cells are where they are: leave boundary, extent, raster and coordinate system empty."
        if not ground and not self.cells:
            return "Make cells needs a boundary, an extent or a raster to align to; or existing cells to label."
        if bool(self.zones) != bool(self.zone_field):
            return "Zones and their field go together: give both or neither."
        if self.snap and not self.raster:
            return "The size can be rounded to whole pixels only where a raster to align to is given."
        if self.residential_favela_most >= self.favela_least:
            return "The largest share of favela in a residential cell must be below the least share of favela."
        return wish.problem(self.band_roles)

    @classmethod
    def example(cls) -> "MakeCells":
        """Of a boundary."""
        return cls.from_dict({"boundary": "/example/boundary", "output": "/example/output"})
