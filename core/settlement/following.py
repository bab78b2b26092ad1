"""The same cells on several dates, brought to one reference, asked of the same methods, and compared."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.stats import spearmanr

from ..errors import BadInput
from ..progress import Progress
from .answers import Question, Shares, hear
from .change import Noise, false_discovery, log_odds, name_changes
from .mapping import Together, Verdict
from .methods.fitting import Cells
from .methods.ranks import ranked_by_zone
from .methods.stored import Methods
from .steadying import CHANGED_BELOW, STABLE_FROM, Bridge, unchanged

Float = NDArray[np.float64]
Bool = NDArray[np.bool_]
Int = NDArray[np.int64]
LEAST_CELLS = 100
"""Cells needed to find stable ones among them."""
LEAST_STABLE = 50
"""Stable cells needed where the user names them."""
LEAST_AGREEMENT = 0.3
"""Rank correlation of log-odds between two dates below which most cells must have changed, or all is noise."""
MOST_WAVERING = 0.5
"""How far log-odds may hang on which stable cells taught the bridge, in units of the noise."""
FOLDS = 5


@dataclass(frozen=True)
class Dated:
    """Cells on one date.

    Attributes:
        name: of the date.
        numbers: (N, D) float32, features then variables, NaN where missing.
        asked: (N,) cells that are wanted on this date and have all numbers.
    """

    name: str
    numbers: NDArray[np.float32]
    asked: Bool


@dataclass(frozen=True)
class Read:
    """What the methods say of one date, after it was brought to the reference.

    Attributes:
        probability: (N,) P(favela), NaN where nothing is said.
        favela: (N,) whether it is.
        apart: (N,) log-odds; of cells that taught the bridge, by one that they did not teach.
        taught: (N,) cells that taught it.
        bridge: None for the reference.
        steady: (N, D) float32, numbers as the reference would have them.
    """

    probability: Float
    favela: Bool
    apart: Float
    taught: Bool
    bridge: Bridge | None
    steady: NDArray[np.float32]

    @property
    def odds(self) -> Float:
        """(N,) log-odds."""
        return log_odds(self.probability)


@dataclass(frozen=True)
class Pair:
    """What happened between two dates.

    Attributes:
        change: (N,) words, empty where a cell is not read on both.
        chance: (N,) two-sided p, NaN there.
        rate: (N,) false discovery rate at which a cell would be said to have changed, NaN there.
        noise: of the log-odds.
        by_chance: calls to be expected if no cell had changed, from how many stable ones would be called.
        agreement: rank correlation of the log-odds.
    """

    change: NDArray[np.object_]
    chance: Float
    rate: Float
    noise: Noise
    by_chance: float
    agreement: float


class Follower:
    """Asks one file of methods about one set of cells on several dates.

    Args:
        methods: the file.
        question: how what they say becomes an answer.
        around: what methods look at besides the numbers of a date: neighbours, and whether what is said is averaged.
        zone: (N,) zones in which numbers become ranks; None: they do not.
        stable: (N,) cells known not to have changed; None finds them.
        seed: deals stable cells out to folds.
    """

    def __init__(
        self, methods: Methods, question: Question, around: Cells, stable: Bool | None, seed: int,
        zone: Int | None = None,
    ) -> None:  # fmt: skip
        self._methods, self._question = methods, question
        self._around, self._zone = around, zone
        self._stable = stable
        self._fold = np.random.default_rng(seed).permutation(len(around.neighbours)) % FOLDS
        self._shares: Shares | None = None
        self._features = len(methods.facts["features"])

    def read_reference(self, date: Dated, progress: Progress) -> Read:
        """The reference as it is; how common favela is, is settled here for all dates."""
        cells = self._cells(date.numbers)
        at = np.flatnonzero(date.asked)
        said = hear(self._methods, cells, at, progress)
        self._shares = self._question.shares(self._methods, said, progress)
        probability, favela = self._placed(said, at)
        odds = log_odds(probability)
        return Read(probability, favela, odds, np.zeros(len(odds), np.bool_), None, date.numbers)

    def read(self, date: Dated, reference: Dated, progress: Progress) -> Read:
        """Another date, brought to the reference.

        Raises:
            BadInput: too few cells are stable, or are wanted on both dates.
        """
        both = date.asked & reference.asked
        stable = self._stable_between(date, reference, both)
        numbers, wanted = date.numbers.astype(np.float64), reference.numbers.astype(np.float64)
        bridge = Bridge.fit(numbers[stable], wanted[stable])
        steady = bridge(numbers).astype(np.float32)
        at = np.flatnonzero(date.asked)
        probability, favela = self._placed(hear(self._methods, self._cells(steady), at, progress.part(0, 0.6)), at)
        apart = log_odds(probability)
        for fold in range(FOLDS):
            mine = np.flatnonzero(stable & (self._fold == fold))
            others = stable & (self._fold != fold)
            moved = Bridge.fit(numbers[others], wanted[others])(numbers).astype(np.float32)
            part = progress.part(0.6 + 0.4 * fold / FOLDS, 0.6 + 0.4 * (fold + 1) / FOLDS)
            apart[mine] = log_odds(self._placed(hear(self._methods, self._cells(moved), mine, part), mine)[0][mine])
        return Read(probability, favela, apart, stable, bridge, steady)

    def compare(self, names: tuple[str, str], reads: tuple[Read, Read], level: float, together: bool) -> Pair:
        """What changed between two dates.

        Args:
            names: of the dates.
            reads: what is said of them.
            level: confidence that a change needs.
            together: the level holds for all changes together, not for each cell.

        Raises:
            BadInput: the dates have too little in common, or the bridge hangs on which cells taught it.
        """
        first, second = reads
        there = np.isfinite(first.probability) & np.isfinite(second.probability)
        quiet = self._quiet(first, second, there)
        agreement = float(spearmanr(first.apart[quiet], second.apart[quiet]).statistic)
        if not agreement >= LEAST_AGREEMENT:
            raise BadInput(
                f"What the methods say of the cells on {names[0]} and on {names[1]} has too little in common (rank "
                f"correlation {agreement:.2f}; {LEAST_AGREEMENT} is needed): either more than half of the cells "
                "changed, or the numbers of the two dates do not mean the same. Check that both were made in the same "
                "way, from pictures without cloud."
            )
        noise = Noise.learn(first.apart[quiet], second.apart[quiet])
        self._check_wavering(names, reads, quiet, noise)
        differs = first.favela != second.favela
        chance = np.where(there, noise.chance(first.odds, second.odds), np.nan)
        # A cell whose class stays is never said to have changed: its p counts as 1, which keeps the rate honest.
        rate = false_discovery(np.where(there & ~differs, 1.0, chance))
        detected = np.nan_to_num(rate if together else chance, nan=1.0) <= 1 - level
        change = name_changes(first.favela, second.favela, detected)
        change[~there] = ""
        called = differs & detected & there
        cut = float(chance[called].max()) if called.any() else 0.0
        false = differs[quiet] & (noise.chance(first.apart[quiet], second.apart[quiet]) <= cut)
        return Pair(change, chance, rate, noise, float(false.mean() * there.sum()), agreement)

    def _stable_between(self, date: Dated, reference: Dated, both: Bool) -> Bool:
        if self._stable is not None:
            stable = both & self._stable
            if stable.sum() < LEAST_STABLE:
                raise BadInput(
                    f"Only {stable.sum()} stable cells have all numbers on {date.name} and on {reference.name}; "
                    f"{LEAST_STABLE} are needed. Mark more, or leave the field of stable cells empty."
                )
            return np.asarray(stable)
        if both.sum() < LEAST_CELLS:
            raise BadInput(
                f"Only {both.sum()} cells are wanted and have all numbers on {date.name} and on {reference.name}; "
                f"{LEAST_CELLS} are needed to find those among them that did not change."
            )
        chance = unchanged(date.numbers[both].astype(np.float64), reference.numbers[both].astype(np.float64))
        stable = both.copy()
        stable[both] = chance >= STABLE_FROM
        return stable

    def _quiet(self, first: Read, second: Read, there: Bool) -> Bool:
        """Cells that tell how far log-odds stray: the stable ones, or all that did not evidently change."""
        if self._stable is not None:
            return np.asarray(there & self._stable)
        chance = unchanged(first.steady[there].astype(np.float64), second.steady[there].astype(np.float64))
        quiet = there.copy()
        quiet[there] = chance >= CHANGED_BELOW
        return quiet

    def _check_wavering(self, names: tuple[str, str], reads: Sequence[Read], quiet: Bool, noise: Noise) -> None:
        for name, read in zip(names, reads, strict=True):
            taught = read.taught & quiet & np.isfinite(read.odds)
            if not taught.any():
                continue
            wavering = float(np.median(np.abs(read.apart - read.odds)[taught]))
            if wavering > MOST_WAVERING * float(np.median(noise.spread)):
                raise BadInput(
                    f"The {taught.sum()} stable cells are too few to bring {name} to the reference: what the methods "
                    "say there hangs on which of them are used. Mark more stable cells, or use fewer feature fields."
                )

    def _placed(self, said: Mapping[str, tuple[Float, Bool]], at: Int) -> tuple[Float, Bool]:
        if self._shares is None:
            raise ValueError("The reference must be read first.")
        answer: Verdict | Together = self._question.decided(self._question.verdicts(self._methods, said, self._shares))
        count = len(self._around.neighbours)
        probability, favela = np.full(count, np.nan), np.zeros(count, np.bool_)
        probability[at], favela[at] = answer.probability, answer.favela
        return probability, favela

    def _cells(self, numbers: NDArray[np.float32]) -> Cells:
        if self._zone is not None:
            numbers = ranked_by_zone(numbers, self._zone)
        return replace(self._around, features=numbers[:, : self._features], variables=numbers[:, self._features :])
