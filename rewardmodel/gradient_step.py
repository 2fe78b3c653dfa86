"""One optimizer step over pairs, in micro-batches, with exact means."""

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from rewardmodel.batching import group_rows, pad_right, split_pairs
from rewardmodel.data import EncodedPair, Objective
from rewardmodel.losses import bradley_terry, centre_penalty
from rewardmodel.network import RewardNetwork
from rewardmodel.runtime.cancellation import StopCheck, never_stop
from rewardmodel.runtime.faults import Diverged
from rewardmodel.runtime.master_weights import MasterWeights


@dataclass(slots=True)
class StepTotals:
    """Sums over the micro-batches of a step."""

    pairs: int = 0
    """Pairs seen."""
    loss: float = 0.0
    """Sum of losses."""
    hits: float = 0.0
    """Pairs in which the chosen response scored higher, ties half."""
    margin: float = 0.0
    """Sum of score differences."""
    score: float = 0.0
    """Sum of scores of both sides."""
    real_tokens: int = 0
    """Tokens that count."""
    padded_tokens: int = 0
    """Tokens computed, padding included."""
    started: float = field(default_factory=time.monotonic)
    """Clock at the start of the step."""

    def as_metrics(self) -> dict[str, float]:
        """Means and rates of the step."""
        seconds = time.monotonic() - self.started
        return {
            "loss": self.loss / self.pairs,
            "accuracy": self.hits / self.pairs,
            "margin": self.margin / self.pairs,
            "score_mean": self.score / (2 * self.pairs),
            "pairs_per_second": self.pairs / seconds,
            "tokens_per_second": self.real_tokens / seconds,
            "padding_fraction": 1 - self.real_tokens / self.padded_tokens,
            "seconds": seconds,
        }


class GradientStep:
    """Gradients of the mean loss over a step's pairs; the mean is over the whole step, however it is portioned."""

    def __init__(
        self,
        network: RewardNetwork,
        masters: MasterWeights,
        *,
        centre: float,
        pad_id: int,
        micro_batch_tokens: int,
        check: StopCheck = never_stop,
    ) -> None:
        self.network = network
        self.masters = masters
        self.centre = centre
        self.pad_id = pad_id
        self.micro_batch_tokens = micro_batch_tokens
        self.check = check

    def accumulate(self, pairs: Sequence[EncodedPair], objectives: Sequence[Objective]) -> StepTotals:
        """Leave the gradient of the mean loss in the masters.

        Raises: Diverged where the loss is not finite; Interrupted where the run should stop.
        """
        totals = StepTotals()
        lengths = [pair.lengths for pair in pairs]
        for members in split_pairs(range(len(pairs)), lengths, micro_batch_tokens=self.micro_batch_tokens):
            self.check()
            loss = self._loss([pairs[i] for i in members], [objectives[i] for i in members], totals)
            totals.loss += float(loss.detach())
            if not math.isfinite(totals.loss):
                raise Diverged("the loss is not a finite number; a lower optimizer.learning_rate usually helps")
            (loss / len(pairs)).backward()
            self.masters.collect()
        return totals

    def _loss(self, pairs: Sequence[EncodedPair], objectives: Sequence[Objective], totals: StepTotals) -> Tensor:
        """Sum of the losses of one micro-batch."""
        scores = self._scores([ids for pair in pairs for ids in (pair.chosen_ids, pair.rejected_ids)], totals)
        chosen, rejected = scores[0::2], scores[1::2]
        target, margin, weight = torch.tensor(
            [(wish.target, wish.margin, wish.weight) for wish in objectives], device=scores.device
        ).T
        losses = bradley_terry(chosen, rejected, target=target, margin=margin, weight=weight)
        losses = losses + self.centre * centre_penalty(chosen, rejected)
        _count(chosen.detach(), rejected.detach(), totals)
        return losses.sum()

    def _scores(self, rows: Sequence[Sequence[int]], totals: StepTotals) -> Tensor:
        """Scores in row order; rows go through the network in groups of like length, which saves padding."""
        groups = group_rows([len(row) for row in rows], batch_tokens=self.micro_batch_tokens)
        device = self.network.head.weight.device
        parts = []
        for group in groups:
            ids, lengths = pad_right([rows[index] for index in group], pad_id=self.pad_id)
            parts.append(self.network(ids.to(device), lengths.to(device)))
            totals.real_tokens += int(lengths.sum())
            totals.padded_tokens += ids.numel()
        order = torch.tensor([index for group in groups for index in group], device=device)
        return torch.cat(parts)[order.argsort()]


def _count(chosen: Tensor, rejected: Tensor, totals: StepTotals) -> None:
    difference = chosen - rejected
    totals.pairs += len(chosen)
    totals.hits += float((difference > 0).sum() + 0.5 * (difference == 0).sum())
    totals.margin += float(difference.sum())
    totals.score += float((chosen + rejected).sum())
