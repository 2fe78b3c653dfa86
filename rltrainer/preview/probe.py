"""A loss that remembers which tokens it has something to learn from, and how much their log-probability weighs."""

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
    """Computes the loss it is given, and holds what it was like at each row's first pass; nothing of rows without."""

    def __init__(self, loss: StepLoss, *, prices_distance: bool) -> None:
        """prices_distance: each token has a price in it, be it 0 while the policy is where its reference is."""
        self.loss = loss
        self.prices_distance = prices_distance
        self.has_loss: dict[RowKey, tuple[bool, ...]] = {}
        self.weights: dict[RowKey, tuple[float, ...]] = {}
        self.log_probs: dict[RowKey, tuple[float, ...]] = {}

    def __call__(
        self, scores: CompletionScores, rows: Sequence[TrainingRow], totals: StepTotals, tally: Tally
    ) -> Tensor:
        """The loss, which it leaves as it is."""
        loss = self.loss(scores, rows, totals, tally)
        outputs = [each for each in (scores.log_probs, scores.entropy, scores.values) if each is not None]
        slopes = torch.autograd.grad(loss, outputs, retain_graph=True, materialize_grads=True)
        learned = torch.stack(slopes).any(dim=0) | self.prices_distance
        weights = slopes[0] + 0.0  # Makes a plain 0 of -0.
        for place, (row, mask) in enumerate(zip(rows, scores.mask, strict=True)):
            key = row_key(row)
            self.has_loss.setdefault(key, tuple(learned[place][mask].tolist()))
            self.weights.setdefault(key, tuple(weights[place][mask].tolist()))
            self.log_probs.setdefault(key, tuple(scores.log_probs.detach()[place][mask].tolist()))
        return loss


def row_key(row: TrainingRow) -> RowKey:
    """What the row is known by: prompt and completion."""
    return row.prompt_ids, row.completion_ids
