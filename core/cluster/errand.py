"""What a worker is told once: all that it needs to make any piece of one embedding."""

import importlib.metadata
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import BadInput, VersionMismatch
from ..grid import Grid, Window
from ..jobs.embed import EmbedRaster
from ..packing import Packer
from ..scene import Scene
from ..space import Space
from ..spool import part_path
from ..version import VERSION
from .pieces import Size

SIGN = ".cluster"


@dataclass(frozen=True)
class Errand:
    """One embedding, spread over workers.

    Attributes:
        run: name of this run; also what the sign says.
        job: that was asked for.
        space: settled, with its state.
        scene: files and bands.
        region: the pixels that the output covers.
        grid: of the output.
        plan: arguments of `make_plan`; workers make the very same plan.
        size: of the pieces.
        done: blocks of an earlier run.
        packer: packs blocks.
        store: address of a folder for objects; empty: workers write into the file beside the output.
        libraries: that decide the vectors, with their versions at home.
        every_s: seconds between two reports of a worker.
    """

    run: str
    job: EmbedRaster
    space: Space
    scene: Scene
    region: Window
    grid: Grid
    plan: Mapping[str, Any]
    size: Size
    done: frozenset[int]
    packer: Packer
    store: str
    libraries: Mapping[str, str]
    every_s: float

    @property
    def part(self) -> Path:
        """The file of blocks."""
        return part_path(Path(self.job.output))

    def check_folder(self) -> None:
        """Make sure that the folder seen here is the one at home, and that this run still writes there.

        Raises:
            BadInput: another folder, none, or another run has taken over.
        """
        try:
            said = sign_path(self.job.output).read_text(encoding="ascii")
        except (OSError, ValueError):
            said = ""
        if said != self.run or not self.part.is_file():
            raise BadInput(
                f"the folder {self.part.parent} is not the one that the job was started in, or the job has ended "
                "there. All machines must see the folder of the embedding at the same path; or give a 'Store' that "
                "they all reach"
            )

    def check_libraries(self) -> None:
        """Other versions may give other vectors.

        Raises:
            VersionMismatch: names them.
        """
        here = libraries(self.libraries)
        other = [f"{name} {here[name]} (wanted: {wish})" for name, wish in self.libraries.items() if here[name] != wish]
        if other:
            raise VersionMismatch(f"it has other versions than the computer that asks: {', '.join(other)}")


@dataclass(frozen=True)
class Made:
    """A piece that a worker has made and holds.

    Attributes:
        blocks: (n,) int64 indexes.
        lengths: (n, bands) uint32 bytes of the segments.
        checksums: (n,) uint32.
        reduced: of each block, for the overviews.
        cells: that got a vector.
        seconds: spent in the backbone.
    """

    blocks: NDArray[np.int64]
    lengths: NDArray[np.uint32]
    checksums: NDArray[np.uint32]
    reduced: list[NDArray[Any] | None]
    cells: int
    seconds: float


def sign_path(output: str) -> Path:
    """A small file beside the unfinished output by which workers know its folder."""
    return Path(f"{part_path(Path(output))}{SIGN}")


def libraries(names: Mapping[str, Any] | tuple[str, ...]) -> dict[str, str]:
    """Versions on this machine; of Quadrat and Python too."""
    found = {"quadrat": VERSION, "python": "{}.{}".format(*sys.version_info)}
    for name in names:
        if name not in found:
            try:
                found[name] = importlib.metadata.version(name)
            except importlib.metadata.PackageNotFoundError:
                found[name] = "missing"
    return found
