"""The job that brings photos, points and labels into one survey file."""

from typing import ClassVar, Tuple

from ..declare import Job, JobFacts, Kind, param

GROUP = "Reef"
KEEP, REPLACE = "keep", "replace"


class ImportReef(Job):
    """Photos, annotation files and tables in, one survey out."""

    facts: ClassVar[JobFacts] = JobFacts(
        id="importreef",
        verb="import-reef",
        title="Import photo survey",
        group=GROUP,
        summary="Brings photos of a reef, their points and labels, and where and when they were taken into one survey.",
        help=(
            "A survey is one GeoPackage: a layer of photos, and tables of points, annotations, suggestions and labels; "
            "QGIS opens it, and photos stay where they are. Annotations come from CoralNet (CSV), CPCe (.cpc) and "
            "CoralNet-Toolbox (CSV), label sets and trees from CSV, CATAMI, CoralNet and CPCe, each recognised by its "
            "content. Site, transect, quadrat, date and depth are told by a table, by files of annotations, by a depth "
            "log, by the names of photos and by the camera, the position by a table, by the camera and by a GPX track; "
            "the first of these that knows counts. Rows and columns count in the photo as it is stored, without the "
            "turn that a camera may note. What did not match is told "
            "with names; nothing is dropped. Survey to add to: what it holds stays, and annotators are kept apart."
        ),
        tags=("coral", "benthic", "CoralNet", "CPCe", "photo quadrat", "EXIF", "GPX", "geotag", "CATAMI", "label set"),
    )

    folder: str = param(
        Kind.FOLDER, "Folder of photos", optional=True, help="JPEG, PNG and TIFF. Without it the photos that "
        "annotations name are listed, to be found later.",
    )  # fmt: skip
    subfolders: bool = param(Kind.FLAG, "With subfolders", default=False)
    annotations: Tuple[str, ...] = param(
        Kind.FILES,
        "Annotation files",
        optional=True,
        help="CoralNet CSV (as uploaded or exported), CPCe .cpc, CoralNet-Toolbox CSV or JSON; several, of several "
        "annotators if need be.",
    )
    annotation_folder: str = param(
        Kind.FOLDER, "Folder of CPCe files", optional=True, help="With one .cpc file for each photo."
    )
    annotator: str = param(
        Kind.TEXT, "Annotator", optional=True, help="Who annotated, where files do not tell. Empty: unknown."
    )
    label_sets: Tuple[str, ...] = param(
        Kind.FILES,
        "Label sets and trees",
        optional=True,
        help="Label set of CoralNet, CPCe or CoralNet-Toolbox, the CATAMI tree, or a CSV with the columns code, name "
        "and parent, or with a column for each level of the tree. Codes that stand at points and in none of "
        "them are listed as unknown.",
    )
    names: str = param(
        Kind.TEXT,
        "Names of photos",
        optional=True,
        help="What names tell, as in {site}_{transect}_{date}.jpg; {} is anything, {date:%d%m%Y} a date that does not "
        "begin with the year, and {site}/{}.jpg tells the folder too. Or a regular expression with named groups. "
        "Empty: dates and parts such as q3, t12, site4 and 5m are looked for. A hyphen: names tell nothing.",
    )
    table: str = param(
        Kind.VECTOR,
        "Table of photos",
        optional=True,
        help="What is known of each photo, joined by name: a table or a layer of points. Columns such as name, site, "
        "transect, quadrat, date, depth, longitude and latitude are found; all others are kept as they are.",
    )
    tracks: Tuple[str, ...] = param(
        Kind.FILES,
        "GPX tracks",
        optional=True,
        extension="gpx",
        help="Place photos without a position by their time. Fixes that nobody can have reached are left out.",
    )
    clock: str = param(
        Kind.TEXT,
        "Camera clock ahead of UTC",
        optional=True,
        unit="h",
        help="As in 12, -9.5 or 09:30, with seconds as in 12:00:20 where the clock was wrong. Empty: as the camera "
        "notes it, else proposed by the track, which is told.",
    )
    depth_log: str = param(
        Kind.FILE,
        "Depth log",
        extension="csv txt",
        optional=True,
        help="Times with depths (depth_m) or absolute pressures (pressure_mbar), or the export of a Sensus recorder.",
    )
    survey: str = param(
        Kind.VECTOR,
        "Survey to add to",
        optional=True,
        recorded=True,
        help="From this algorithm. With an output, that file gets all of it and what is new, and this one stays as it "
        "is; without, this one is added to.",
    )
    conflicts: str = param(
        Kind.CHOICE,
        "Where the survey says otherwise",
        default=KEEP,
        choices=(KEEP, REPLACE),
        advanced=True,
        help="Of the same point and annotator, and of the same photo. keep: what the survey holds stays. replace: what "
        "is brought in counts.",
    )
    name_field: str = param(
        Kind.FIELD, "Name field", parent="table", optional=True, advanced=True,
        help="Of the table. Empty: found by name (name, photo, image, file, ...).",
    )  # fmt: skip
    site_field: str = param(
        Kind.FIELD, "Site field", parent="table", optional=True, advanced=True, help="Empty: found by name (site)."
    )
    transect_field: str = param(
        Kind.FIELD, "Transect field", parent="table", optional=True, advanced=True,
        help="Empty: found by name (transect).",
    )  # fmt: skip
    quadrat_field: str = param(
        Kind.FIELD, "Quadrat field", parent="table", optional=True, advanced=True,
        help="Empty: found by name (quadrat).",
    )  # fmt: skip
    date_field: str = param(
        Kind.FIELD, "Date field", parent="table", optional=True, advanced=True, help="Empty: found by name (date)."
    )
    depth_field: str = param(
        Kind.FIELD, "Depth field", parent="table", optional=True, advanced=True, help="In metres. Empty: found by name "
        "(depth).",
    )  # fmt: skip
    area_field: str = param(
        Kind.FIELD, "Area field", parent="table", optional=True, advanced=True,
        help="Ground that a photo shows, in square metres. Empty: found by name (area_m2).",
    )  # fmt: skip
    crs: str = param(
        Kind.CRS,
        "Coordinate system of the table",
        optional=True,
        advanced=True,
        help="Of columns of coordinates, and of layers that do not tell theirs. Empty: degrees, WGS 84.",
    )
    gap_s: float = param(
        Kind.NUMBER, "Largest gap of track and log", default=60.0, minimum=1.0, maximum=86_400.0, unit="s",
        advanced=True, help="A photo gets no position or depth where the nearest fix or row is farther in time.",
    )  # fmt: skip
    log_clock: str = param(
        Kind.TEXT,
        "Clock of the depth log ahead of UTC",
        optional=True,
        unit="h",
        advanced=True,
        help="Where it is another than the camera's and its times do not tell. Empty: as the camera's.",
    )
    area_m2: float = param(
        Kind.NUMBER, "Area of a photo", default=0.0, minimum=0.0, maximum=1e6, unit="m2", advanced=True,
        help="Ground that each photo shows, where the table does not tell. 0: unknown.",
    )  # fmt: skip
    output: str = param(
        Kind.VECTOR_OUT,
        "Survey",
        extension="gpkg",
        result="reefsurvey",
        optional=True,
        by_default=False,
        help="The file to write. Best beside the photos: both can then be moved together. Empty: the survey to add to "
        "gets what is new.",
    )

    def problem(self) -> str:
        """Nothing to bring in, or nowhere to write it."""
        given = (self.folder, self.annotations, self.annotation_folder, self.label_sets, self.table)
        if not any(given):
            return "Import photo survey needs a folder of photos, annotation files, a label set or a table of photos."
        if not (self.output or self.survey):
            return "Import photo survey needs the name of the survey file to write, or a survey to add to."
        if not (self.survey or self.folder or self.annotations or self.annotation_folder):
            return "A new survey needs photos: give a folder, or files with annotations."
        if self.names.strip() and not ("{" in self.names or "(?P<" in self.names or self.names.strip() == "-"):
            return "'Names of photos' needs names in braces, as in {site}_{transect}_{date}.jpg, or a hyphen."
        return ""

    @classmethod
    def example(cls) -> "ImportReef":
        """Of a folder."""
        return cls.from_dict({"folder": "/example/folder", "output": "/example/output.gpkg"})
