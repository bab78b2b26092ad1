"""Jobs on the store of weights: get those of a backbone, and look after what is there."""

from typing import ClassVar

from ...models.registry import BACKBONES
from .declare import Job, JobFacts, Kind, param

BY_NAME = "timm"
"""The card of a library: its models have weights each."""
WITH_WEIGHTS = (*(name for name, card in BACKBONES.items() if card.weights is not None), BY_NAME)


class FetchWeights(Job):
    """Weights of one backbone into the store, from the network or from a file."""

    facts: ClassVar[JobFacts] = JobFacts(
        id="fetchweights",
        verb="fetch",
        title="Get weights",
        group="Engine",
        summary="Downloads the weights of a backbone into the store of weights, or takes in a file that you have.",
        help=(
            "A download that was cut off goes on where it ended when the same job is run again. The SHA-256 of the "
            "file is noted when it is first seen; later another file under the same name is refused. Proxies of the "
            "environment and of QGIS are used, and a mirror of the Hugging Face hub if HF_ENDPOINT names one. Without "
            "network, copy the official file from another computer and name it below."
        ),
        tags=("download", "model", "foundation model", "offline", "licence", "checkpoint", "hugging face"),
        goes_on=True,
    )

    backbone: str = param(
        Kind.BACKBONE,
        "Backbone",
        default=WITH_WEIGHTS[0],
        choices=WITH_WEIGHTS,
        help="Whose weights. timm needs the name of a model below, and the full engine.",
    )
    model: str = param(
        Kind.TEXT,
        "Model",
        optional=True,
        help="Backbone timm only: the name of a model, such as vit_small_patch14_dinov2.lvd142m.",
    )
    file: str = param(
        Kind.FILE,
        "File that you have",
        optional=True,
        extension="safetensors pth pt bin",
        help="The official file, brought by hand: it is checked and copied, nothing is downloaded. Empty: download.",
    )
    accept_licence: bool = param(
        Kind.FLAG,
        "I accept the licence",
        default=False,
        help="Asked for once where a licence restricts use; the message that asks names it and says where to read it.",
    )

    def problem(self) -> str:
        """A library was chosen without one of its models."""
        if self.backbone == BY_NAME and not self.model:
            return "Backbone timm needs a model: give its name in 'Model', or choose another backbone."
        if self.model and self.backbone != BY_NAME:
            return f"A model is named for backbone timm only; {self.backbone} is one itself. Leave 'Model' empty."
        return ""


class ManageWeights(Job):
    """What is in the store: list, verify, delete, move."""

    facts: ClassVar[JobFacts] = JobFacts(
        id="manageweights",
        verb="weights",
        title="Manage weights",
        group="Engine",
        summary="Lists, verifies, deletes or moves the weights that Quadrat keeps on this computer.",
        help=(
            "list says what is there, how large it is and under which licence. verify reads every file and compares it "
            "with the SHA-256 noted when it was first seen. delete frees the disk of one of them. move takes the whole "
            "store to another folder or disk; QGIS, shell and engine find it there from then on. A folder that holds "
            "a store already (of an institute, say) is joined."
        ),
        tags=("models", "disk", "space", "check", "remove", "folder", "sha256"),
    )

    what: str = param(
        Kind.CHOICE,
        "What to do",
        default="list",
        choices=("list", "verify", "delete", "move"),
        help="delete needs a name, move a folder.",
    )
    name: str = param(Kind.TEXT, "Weights to delete", optional=True, help="A name from the list. Only for delete.")
    folder: str = param(
        Kind.FOLDER,
        "New folder of the store",
        optional=True,
        help="A folder of its own, for instance on another disk. Only for move.",
    )

    def problem(self) -> str:
        """What the chosen work needs is missing, or something else was given."""
        if self.what == "delete" and not self.name:
            return "Give the name of the weights to delete in 'Weights to delete'; 'list' names them."
        if self.what == "move" and not self.folder:
            return "Give the folder to move the weights to in 'New folder of the store'."
        if (self.name and self.what != "delete") or (self.folder and self.what != "move"):
            return f"'{self.what}' takes neither a name nor a folder that another choice is for. Leave it empty."
        return ""
