"""Jobs that give what was made to other programs."""

from typing import ClassVar

from .declare import Job, JobFacts, Kind, param


class ExportOnnx(Job):
    """Embedding in, its network as ONNX file out, a head behind it if there is one."""

    facts: ClassVar[JobFacts] = JobFacts(
        id="exportonnx",
        verb="exportonnx",
        title="Export network as ONNX",
        group="Embed",
        summary="Writes the network that made an embedding as one ONNX file, which runs without PyTorch.",
        help=(
            "The file takes pixels as the network did and gives the same vectors: scaling, statistics and principal "
            "components are in it. Quadrat finds the bands that it wants and brings their numbers to the same "
            "measure; other programs must give them in the order and as what its metadata name. It runs in the light "
            "engine (backbone onnx, with the path of the file as model) and in other programs that take ONNX. That "
            "both agree is checked before the file is kept. With a head the file gives probabilities of the classes, "
            "or the value, for each cell. Backbones that are no networks of PyTorch (spectral-textural, mosaiks, "
            "raw) need no twin: they run in the light engine as they are."
        ),
        tags=("ONNX", "onnxruntime", "Deepness", "network", "foundation model"),
    )

    embedding: str = param(Kind.RASTER, "Embedding", help="Made here by a network; its weights must still be there.")
    head: str = param(
        Kind.FILE,
        "Head",
        optional=True,
        extension="qhead",
        help="A linear head trained on this embedding, or on one of the same space. Other kinds have no twin.",
    )
    weights: str = param(
        Kind.FILE,
        "Weights file",
        optional=True,
        advanced=True,
        extension="safetensors pth pt bin",
        help="Weights that you have on disk. Empty: those that the embedding was made with, else the store's.",
    )
    output: str = param(Kind.FILE_OUT, "ONNX file", extension="onnx", result="network")
