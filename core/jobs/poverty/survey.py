"""The job that turns a household survey into areas where its clusters may lie, each with its indicator."""

from typing import ClassVar

from ..declare import Job, JobFacts, Kind, param

GROUP = "Poverty"
ROWS = ("auto", "clusters", "households")


class PrepareSurvey(Job):
    """Table or points of a survey in, polygons out: never a point."""

    facts: ClassVar[JobFacts] = JobFacts(
        id="preparesurvey",
        verb="prepare-survey",
        title="Prepare survey points",
        group=GROUP,
        summary="Turns survey clusters or households into the areas where each cluster may lie, with its indicator.",
        help=(
            "Surveys publish their clusters at a random distance from where they are, to protect who was asked: DHS "
            "moves urban clusters by up to 2 km, rural ones by up to 5 km, and one rural cluster in a hundred by up to "
            "10 km. The result therefore holds no points but circles, cut to the administrative area that holds the "
            "published point. Fields are found by their names, those of DHS files (LATNUM, LONGNUM, DHSCLUST, "
            "URBAN_RURA, DHSYEAR, hv001, hv005, hv007, hv025) and common ones. Households are averaged by cluster. "
            "Where no indicator is chosen, the International Wealth Index (0 to 100) is computed from their assets. "
            "What is left out, repaired or assumed is told with counts."
        ),
        tags=("DHS", "LSMS", "MICS", "household survey", "wealth index", "IWI", "displacement", "jitter", "cluster"),
    )

    survey: str = param(
        Kind.VECTOR,
        "Survey",
        help="A row for each cluster or for each household: a table, a layer of points, or a Stata file (.dta), "
        "of which QGIS itself cannot list the fields.",
    )
    value_field: str = param(
        Kind.FIELD,
        "Indicator",
        parent="survey",
        optional=True,
        help="A number for each row. Empty: the International Wealth Index, from the assets of households.",
    )
    coordinates: str = param(
        Kind.VECTOR,
        "Coordinates of clusters",
        optional=True,
        help="Where the survey itself holds none: the GPS file of DHS, joined by the number of the cluster.",
    )
    areas: str = param(
        Kind.VECTOR,
        "Administrative areas",
        geometry="polygon",
        optional=True,
        help="Polygons inside which clusters were moved; for DHS since 2009 the second level below the country. "
        "Circles are cut to the one that holds the published point.",
    )
    year: int = param(
        Kind.INTEGER,
        "Year of the survey",
        default=0,
        minimum=0,
        maximum=2100,
        help="For all rows. 0: a field tells it.",
    )
    rows: str = param(
        Kind.CHOICE,
        "Rows are",
        default="auto",
        choices=ROWS,
        help="households: averaged by cluster and year, by their weights. auto: households where the wealth index is "
        "computed, or a field numbers them.",
    )
    indicator: str = param(
        Kind.TEXT,
        "Name of the indicator",
        optional=True,
        advanced=True,
        help="For legends and reports. Empty: the name of the field.",
    )
    recoding: str = param(
        Kind.FILE,
        "Recoding table of assets",
        extension="csv",
        optional=True,
        help="Which code of which field means what for the wealth index. Codes differ between surveys: check them. "
        "Empty: the table for DHS that comes with Quadrat. 'Codes that occur' writes one to edit.",
    )
    cluster_field: str = param(
        Kind.FIELD,
        "Cluster field",
        parent="survey",
        optional=True,
        advanced=True,
        help="Empty: found by name (DHSCLUST, hv001, cluster).",
    )
    year_field: str = param(
        Kind.FIELD,
        "Year field",
        parent="survey",
        optional=True,
        advanced=True,
        help="Empty: found by name (DHSYEAR, hv007, year).",
    )
    urban_field: str = param(
        Kind.FIELD,
        "Urban or rural field",
        parent="survey",
        optional=True,
        advanced=True,
        help="Empty: found by name (URBAN_RURA, hv025, urban_rural).",
    )
    weight_field: str = param(
        Kind.FIELD,
        "Weight field",
        parent="survey",
        optional=True,
        advanced=True,
        help="Of households or clusters; only ratios count. Empty: found by name (hv005, weight), else all alike.",
    )
    region_field: str = param(
        Kind.FIELD,
        "Country or region field",
        parent="survey",
        optional=True,
        advanced=True,
        help="Numbers of clusters count within it. Empty: found by name (country, DHSCC, ADM1NAME, region).",
    )
    longitude_field: str = param(
        Kind.FIELD,
        "Longitude field",
        parent="survey",
        optional=True,
        advanced=True,
        help="Empty: the point of the row, or found by name (LONGNUM, longitude, lon).",
    )
    latitude_field: str = param(
        Kind.FIELD,
        "Latitude field",
        parent="survey",
        optional=True,
        advanced=True,
        help="Empty: the point of the row, or found by name (LATNUM, latitude, lat).",
    )
    crs: str = param(
        Kind.CRS,
        "Coordinate system of the fields",
        optional=True,
        advanced=True,
        help="Of longitude and latitude fields, and of layers that do not tell theirs. Empty: degrees, WGS 84.",
    )
    urban_codes: str = param(
        Kind.TEXT, "Codes of urban", default="U, urban, 1", advanced=True, help="Separated by commas; case is ignored."
    )
    rural_codes: str = param(
        Kind.TEXT,
        "Codes of rural",
        default="R, rural, 2, 0",
        advanced=True,
        help="Separated by commas. Rows with any other code get the circle of rural clusters, which is the larger.",
    )
    urban_m: float = param(
        Kind.NUMBER, "Largest displacement of urban clusters", default=2000.0, minimum=50.0, maximum=1e5, unit="m",
        advanced=True, help="DHS: 2 km. A survey that moved nothing: the size of a settlement.",
    )  # fmt: skip
    rural_m: float = param(
        Kind.NUMBER, "Largest displacement of rural clusters", default=5000.0, minimum=50.0, maximum=1e5, unit="m",
        advanced=True, help="DHS: 5 km, but for the few below.",
    )  # fmt: skip
    far_m: float = param(
        Kind.NUMBER, "Largest displacement of a few rural clusters", default=10_000.0, minimum=50.0, maximum=1e5,
        unit="m", advanced=True, help="DHS: 10 km.",
    )  # fmt: skip
    far_percent: float = param(
        Kind.NUMBER, "Share of these few", default=1.0, minimum=0.0, maximum=100.0, unit="%", advanced=True,
        help="Of rural clusters. DHS: 1 %. With 0 circles of rural clusters end at 5 km.",
    )  # fmt: skip
    output: str = param(Kind.VECTOR_OUT, "Survey areas", extension="gpkg", result="survey")
    codes: str = param(
        Kind.FILE_OUT,
        "Codes that occur",
        extension="csv",
        result="recoding",
        optional=True,
        by_default=False,
        help="Every code of an asset with what it was taken for and how many households have it. Edited, it can be "
        "given as recoding table.",
    )

    def problem(self) -> str:
        """Parameters that do not go together."""
        if self.value_field and (self.recoding or self.codes):
            return "An indicator is chosen, so no assets are recoded: leave the recoding table and the codes empty."
        if self.far_percent and self.far_m < self.rural_m:
            return "The few rural clusters that were moved farther cannot be moved less than the others."
        if bool(self.longitude_field) != bool(self.latitude_field):
            return "Longitude and latitude fields go together: give both or neither."
        return ""

    @classmethod
    def example(cls) -> "PrepareSurvey":
        """Of clusters with an indicator."""
        return cls.from_dict({"survey": "/example/survey", "value_field": "wealth", "output": "/example/output"})
