"""The job that writes a survey as the programs of others read it."""

from typing import ClassVar, Tuple

from ...reef.schema import ACCEPTED, CONFIRMED, IMPORTED, STATES
from ..declare import Job, JobFacts, Kind, param
from .bringin import GROUP

ALL, DONE = "all", "done"
CODE, ID, BOTH, LEGACY = "code", "ID", "both", "old heading"
ANNOTATOR, SUGGESTIONS = "annotator and date", "suggestions"
TREE, CORALNET = "all that is known", "as CoralNet"


class ExportReef(Job):
    """A survey in, files of CoralNet, CPCe and CoralNet-Toolbox out."""

    facts: ClassVar[JobFacts] = JobFacts(
        id="exportreef",
        verb="export-reef",
        title="Export photo survey",
        group=GROUP,
        summary="Writes points, labels and suggestions of a survey as CoralNet, CPCe and CoralNet-Toolbox read them.",
        help=(
            "Choose the files that are wanted; each is written as its program reads it. A point leaves with one label: "
            "of the annotator named first who labelled it, else a confirmed one before an imported one, and the "
            "latest before older ones. What a program would refuse, or read otherwise, is told. A photo that came "
            "from a .cpc file gets that file again, with nothing changed but labels; other files that were imported "
            "leave as they came, byte by byte, where their format fixes how they are written. CoralNet puts uploaded "
            "points in place of all that a photo has there, and takes every label in the file as confirmed: leave "
            "labels of a machine out unless they are meant so."
        ),
        tags=("coral", "benthic", "CoralNet", "CPCe", "CoralNet-Toolbox", "annotations", "label set", "export"),
    )

    survey: str = param(Kind.VECTOR, "Survey", recorded=True, help="From 'Import photo survey', with points.")
    annotators: str = param(
        Kind.TEXT,
        "Annotators",
        optional=True,
        help="Names separated by commas; who stands first is believed first. Empty: all.",
    )
    states: Tuple[str, ...] = param(
        Kind.SEVERAL,
        "Labels that are",
        default=(CONFIRMED, IMPORTED, ACCEPTED),
        choices=STATES,
        help="confirmed: by people here, point by point. imported: by people elsewhere, as far as known. accepted: "
        "of a machine, accepted for a whole photo. machine: accepted without a look.",
    )
    photos: str = param(
        Kind.CHOICE,
        "Photos",
        default=ALL,
        choices=(ALL, DONE),
        help="done: those of which people labelled every point.",
    )
    sites: str = param(Kind.TEXT, "Sites", optional=True, help="Names separated by commas. Empty: all.")
    unlabelled: bool = param(
        Kind.FLAG,
        "Points without a label too",
        default=True,
        help="CoralNet and CoralNet-Toolbox take them to be labelled there. CPCe gets all points of a photo always.",
    )
    bare_names: bool = param(
        Kind.FLAG,
        "Names of photos without folders",
        default=False,
        help="For photos that CoralNet holds by their file name alone.",
    )
    label: str = param(
        Kind.CHOICE,
        "Labels in CoralNet's file",
        default=CODE,
        choices=(CODE, ID, BOTH, LEGACY),
        help="code: short codes. ID: CoralNet's numbers, from its label set. old heading: codes in a column Label.",
    )
    columns: Tuple[str, ...] = param(
        Kind.SEVERAL,
        "Further columns of CoralNet's file",
        choices=(ANNOTATOR, SUGGESTIONS),
        optional=True,
        help="As in an export of CoralNet. For an upload none are needed.",
    )
    fields: Tuple[str, ...] = param(
        Kind.FIELDS,
        "Columns of photos to write too",
        parent="survey",
        optional=True,
        help="As site, date and depth: CoralNet's file has them behind the name, the Toolbox's at the end.",
    )
    patch_px: int = param(
        Kind.INTEGER, "Side of patches in CoralNet-Toolbox", default=224, minimum=1, maximum=10_000, unit="px",
        advanced=True,
    )  # fmt: skip
    code_file: str = param(
        Kind.TEXT,
        "CPCe's code file",
        optional=True,
        advanced=True,
        help=r"As C:\CPCe\codes.txt, on the computer with CPCe. Photos that came from .cpc files keep theirs.",
    )
    photo_folder: str = param(
        Kind.TEXT,
        "CPCe's folder of photos",
        optional=True,
        advanced=True,
        help=r"As D:\Reef, on the computer with CPCe. Photos that came from .cpc files keep theirs.",
    )
    notes: bool = param(
        Kind.FLAG,
        "Labels code+note as CPCe's code and note",
        default=False,
        advanced=True,
        help="For label sets with combined codes, as CoralNet makes them of ID and notes.",
    )
    labelset_as: str = param(
        Kind.CHOICE,
        "Label set as",
        default=TREE,
        choices=(TREE, CORALNET),
        advanced=True,
        help="all that is known: code, name, parent, colour, ID. as CoralNet: ID and short code.",
    )
    coralnet: str = param(
        Kind.FILE_OUT, "Annotations for CoralNet", extension="csv", result="table", optional=True, by_default=False,
        help="A row a point, to be uploaded to a source that has the photos and the labels.",
    )  # fmt: skip
    cpce: str = param(
        Kind.FOLDER_OUT, "Folder of CPCe files", result="cpce", optional=True, by_default=False,
        help="A .cpc file a photo, with all of its points.",
    )  # fmt: skip
    cpce_codes: str = param(
        Kind.FILE_OUT, "Code file for CPCe", extension="txt", result="table", optional=True, by_default=False,
        help="Roots of the label tree as major categories, all below them as codes.",
    )  # fmt: skip
    toolbox: str = param(
        Kind.FILE_OUT, "Annotations for CoralNet-Toolbox", extension="csv", result="table", optional=True,
        by_default=False, help="With suggestions and their confidences. Load photos and labels there first.",
    )  # fmt: skip
    toolbox_labels: str = param(
        Kind.FILE_OUT, "Labels for CoralNet-Toolbox", extension="json", result="table", optional=True, by_default=False,
        help="Codes, names and colours.",
    )  # fmt: skip
    labelset: str = param(
        Kind.FILE_OUT, "Label set", extension="csv", result="table", optional=True, by_default=False,
        help="Taken by 'Import photo survey', or by CoralNet.",
    )  # fmt: skip

    def problem(self) -> str:
        """Nothing asked for."""
        if not self.outputs():
            return "Export photo survey needs the name of at least one file or folder to write."
        if not self.states and (self.coralnet or self.toolbox) and not self.unlabelled:
            return "Neither labelled points nor others are asked for. Choose which labels to write."
        return ""

    @classmethod
    def example(cls) -> "ExportReef":
        """For CoralNet."""
        return cls.from_dict({"survey": "/example/survey.gpkg", "coralnet": "/example/coralnet.csv"})
