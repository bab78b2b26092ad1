"""What is to be told while a series is made: said at once, and kept for its record and its page."""

from ...progress import Progress


class Remarks:
    """The progress of a job that remembers what it said.

    Attributes:
        warnings: sentences that the user should read.
        infos: other sentences.
    """

    def __init__(self, progress: Progress) -> None:
        """Tell all that is said to `progress`."""
        self._progress = progress
        self.warnings: list[str] = []
        self.infos: list[str] = []

    def info(self, text: str) -> None:
        """A line for the log."""
        self.infos.append(text)
        self._progress.info(text)

    def warning(self, text: str) -> None:
        """A line that the user should read; the same one is said once."""
        if text not in self.warnings:
            self.warnings.append(text)
            self._progress.warning(text)

    def checkpoint(self, fraction: float | None = None, text: str = "") -> None:
        """How far the work is, and where a cancel arrives."""
        self._progress.checkpoint(fraction, text)

    def part(self, low: float, high: float) -> "Remarks":
        """The same for a stretch of the progress: what is said there is remembered here."""
        made = Remarks(self._progress.part(low, high))
        made.warnings, made.infos = self.warnings, self.infos
        return made
