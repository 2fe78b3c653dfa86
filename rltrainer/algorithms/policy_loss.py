"""The loss of the policy, the same for every online kind: a clipped surrogate and the price of distance."""

from collections.abc import Sequence
from typing import get_args

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from rltrainer.config_learning import KLConfig, LossConfig
from rltrainer.kl import KLEstimator, estimate_kl, kl_penalty
from rltrainer.losses import (
    StepTotals,
    aggregate,
    cispo_surrogate,
    clipped_surrogate,
    clipped_tokens,
    importance_ratio,
)
from rltrainer.policy import CompletionScores
from rltrainer.records import TrainingRow
from rltrainer.tally import Tally


class PolicyLoss:
    """One micro-batch's share of a step's loss. Options by their papers in the pure modules."""

    def __init__(self, *, loss: LossConfig, kl: KLConfig) -> None:
        self.config = loss
        self.kl = kl
        self.kl_coefficient = kl.coefficient
        """The price as it stands; an adaptive controller moves it between steps."""

    @property
    def is_zero_without_advantage(self) -> bool:
        """Whether a row whose advantages are all 0 has neither loss nor gradient, so that its pass can be saved."""
        priced = self.kl.place == "loss" and self.kl_coefficient > 0
        return not priced and not self.config.entropy_coefficient

    def __call__(
        self, scores: CompletionScores, rows: Sequence[TrainingRow], totals: StepTotals, tally: Tally
    ) -> Tensor:
        """`rows` are those of `scores`, in its order. Gives the share; the shares of all micro-batches sum up."""
        log_probs, mask, config = scores.log_probs, scores.mask, self.config
        advantages = stack([row.advantages for row in rows], log_probs)
        old = old_log_probs(rows, log_probs)
        ratio = importance_ratio(log_probs, old, mask, level=config.ratio)
        losses = self._surrogate(log_probs, ratio, advantages)
        self._tally(losses, ratio, advantages, old, scores, totals, tally)
        if self.kl.place == "loss" and self.kl_coefficient:
            reference = stack([known_log_probs(row.reference_log_probs) for row in rows], log_probs)
            losses = losses + self.kl_coefficient * kl_penalty(
                log_probs, reference, old_log_probs=old, estimator=self.kl.estimator, gradient=self.kl.gradient
            )
        if config.entropy_coefficient:
            losses = losses - config.entropy_coefficient * scores.entropy
        return aggregate(losses, mask, aggregation=config.aggregation, totals=totals)

    def _surrogate(self, log_probs: Tensor, ratio: Tensor, advantages: Tensor) -> Tensor:
        config = self.config
        if config.surrogate == "cispo":
            return cispo_surrogate(log_probs, ratio, advantages, clip_high=config.clip_high)
        return clipped_surrogate(
            ratio,
            advantages,
            clip_low=config.clip_low,
            clip_high=config.clip_high,
            clip_dual=config.clip_dual,
            ratio_limit=config.ratio_limit,
        )

    def _tally(
        self,
        losses: Tensor,
        ratio: Tensor,
        advantages: Tensor,
        old: Tensor | None,
        scores: CompletionScores,
        totals: StepTotals,
        tally: Tally,
    ) -> None:
        config, mask, ratio = self.config, scores.mask, ratio.detach()
        low, high = clipped_tokens(ratio, advantages, mask, clip_low=config.clip_low, clip_high=config.clip_high)
        tally.add_mean("clip_low_fraction", low.double(), mask)
        tally.add_mean("clip_high_fraction", high.double(), mask)
        tally.add_mean("clip_row_fraction", (low | high).any(dim=1).double())
        if config.clip_dual is not None:
            held = (advantages < 0) & (ratio > config.clip_dual)
            tally.add_mean("clip_dual_fraction", held.double(), mask)
        tally.add_mean("ratio_mean", ratio, mask)
        tally.add_mean("ratio_spread", (ratio - 1).square(), mask)
        tally.add_extremes("ratio", ratio, mask)
        current = scores.log_probs.detach()
        for estimator in get_args(KLEstimator)[1:]:
            moved = estimate_kl(current, current if old is None else old, estimator=estimator)
            tally.add_mean(f"old_kl_{estimator}", moved, mask)
        tally.add_mean("entropy", scores.entropy, mask)
        surrogate = aggregate(losses.detach(), mask, aggregation=config.aggregation, totals=totals)
        tally.add_sum("loss_policy", float(surrogate))


def old_log_probs(rows: Sequence[TrainingRow], log_probs: Tensor) -> Tensor | None:
    """[rows, tokens] log-probs under the policy that sampled; None where that is the current one for all rows."""
    if all(row.old_log_probs is None for row in rows):
        return None
    current = log_probs.detach()
    known = stack([row.old_log_probs or (0.0,) * len(row.completion_ids) for row in rows], log_probs)
    moved = torch.tensor([row.old_log_probs is not None for row in rows], device=log_probs.device)
    return torch.where(moved[:, None], known, current)


def stack(rows: Sequence[tuple[float, ...]], like: Tensor) -> Tensor:
    """Rows of numbers as [rows, tokens], 0 behind the shorter ones."""
    padded = pad_sequence([torch.tensor(row, dtype=like.dtype) for row in rows], batch_first=True)
    return padded.to(like.device)


def known_log_probs(values: tuple[float, ...] | None) -> tuple[float, ...]:
    """The reference's log-probs of a row. Raises: ValueError where they were not computed."""
    if values is None:
        raise ValueError("a price on distance needs the reference's log-probs of every row")
    return values
