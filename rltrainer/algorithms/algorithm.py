"""What the loop asks of an algorithm."""

from collections.abc import Sequence
from typing import Protocol

from torch import Tensor

from rltrainer.losses import StepTotals
from rltrainer.policy import CompletionScores
from rltrainer.records import Group, TrainingBatch, TrainingRow
from rltrainer.tally import Tally

ReferenceLogProbs = Sequence[tuple[float, ...]]
"""Log-probs of each completion's tokens under the reference, completions in the order of their groups."""


class Algorithm(Protocol):
    """Turns scored groups into rows, and rows into a loss."""

    def prepare(self, groups: Sequence[Group], reference_log_probs: ReferenceLogProbs, tally: Tally) -> TrainingBatch:
        """The rows of one step; what is worth knowing about them goes into the tally."""
        ...

    def loss(self, scores: CompletionScores, rows: Sequence[TrainingRow], totals: StepTotals, tally: Tally) -> Tensor:
        """One micro-batch's share of the step's loss; `rows` are those of `scores`, in its order."""
        ...
