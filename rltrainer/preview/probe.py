"""A loss that remembers how much each token's log-probability weighs in it."""

from collections.abc import Sequence

import torch
from torch import Tensor

from rltrainer.losses import StepTotals
from rltrainer.optimization import StepLoss
from rltrainer.policy import CompletionScores
from rltrainer.records import TrainingRow
from rltrainer.tally import Tally

RowKey = tuple[tuple[int, ...], tuple[int, ...]]


class ProbedLoss:
    """Computes the loss it is given; `weights` and `log_probs` hold what it was like at each row's first pass."""

    def __init__(self, loss: StepLoss) -> None:
        self.loss = loss
        self.weights: dict[RowKey, tuple[float, ...]] = {}
        self.log_probs: dict[RowKey, tuple[float, ...]] = {}

    def __call__(
        self, scores: CompletionScores, rows: Sequence[TrainingRow], totals: StepTotals, tally: Tally
    ) -> Tensor:
        """The loss, which it leaves as it is."""
        loss = self.loss(scores, rows, totals, tally)
        (gradient,) = torch.autograd.grad(loss, scores.log_probs, retain_graph=True)
        for row, slope, log_probs, mask in zip(rows, gradient, scores.log_probs.detach(), scores.mask, strict=True):
            key = (row.prompt_ids, row.completion_ids)
            self.weights.setdefault(key, tuple(slope[mask].tolist()))
            self.log_probs.setdefault(key, tuple(log_probs[mask].tolist()))
        return loss
