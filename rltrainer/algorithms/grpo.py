"""Group-relative policy optimisation: the completions of a prompt are each other's baseline."""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from rltrainer.advantages import group_advantages
from rltrainer.algorithms.algorithm import ReferenceLogProbs
from rltrainer.config_sections import AdvantageConfig, KLConfig, LossConfig
from rltrainer.kl import estimate_kl, kl_penalty
from rltrainer.losses import StepTotals, aggregate, clipped_surrogate, clipped_tokens, importance_ratio
from rltrainer.policy import CompletionScores
from rltrainer.records import Group, TrainingBatch, TrainingRow, flatten_completions
from rltrainer.tally import Tally


class GRPO:
    """Source: Shao et al. 2024 (arXiv:2402.03300); options by their papers in the pure modules."""

    def __init__(self, *, kl: KLConfig, advantage: AdvantageConfig, loss: LossConfig) -> None:
        self.kl = kl
        self.advantage = advantage
        self.loss_config = loss

    def prepare(self, groups: Sequence[Group], reference_log_probs: ReferenceLogProbs, tally: Tally) -> TrainingBatch:
        """Rows with their advantages; every group has the same number of completions."""
        members = flatten_completions(groups)
        rewards = torch.tensor([group.rewards for group in groups], dtype=torch.float64)
        if self.kl.place == "reward":
            distances = [
                sum(group.completions[i].log_probs) - sum(reference)
                for (group, i), reference in zip(members, reference_log_probs, strict=True)
            ]
            rewards = rewards - self.kl.coefficient * torch.tensor(distances, dtype=torch.float64).view_as(rewards)
        advantages = group_advantages(rewards, scale=self.advantage.scale)
        _tally_advantages(advantages, tally)
        return TrainingBatch(
            tuple(
                _row(group, i, float(advantage), reference)
                for (group, i), advantage, reference in zip(
                    members, advantages.flatten(), reference_log_probs, strict=True
                )
            ),
            groups[0].policy_version,
        )

    def loss(self, scores: CompletionScores, rows: Sequence[TrainingRow], totals: StepTotals, tally: Tally) -> Tensor:
        """Clipped surrogate plus, where it belongs into the loss, the price of distance from the reference."""
        log_probs, mask, config = scores.log_probs, scores.mask, self.loss_config
        advantages = torch.tensor([row.advantage for row in rows], dtype=torch.float32, device=log_probs.device)
        reference = _stack([row.reference_log_probs for row in rows], log_probs)
        old = _old_log_probs(rows, log_probs)
        ratio = importance_ratio(log_probs, old, mask, level=config.ratio)
        losses = clipped_surrogate(ratio, advantages, clip_low=config.clip_low, clip_high=config.clip_high)
        _tally_policy(ratio, advantages, scores, config, tally)
        surrogate = aggregate(losses.detach(), mask, aggregation=config.aggregation, totals=totals)
        tally.add_sum("loss_policy", float(surrogate))
        if self.kl.place == "loss" and self.kl.coefficient:
            losses = losses + self.kl.coefficient * kl_penalty(
                log_probs, reference, old_log_probs=old, estimator=self.kl.estimator, gradient=self.kl.gradient
            )
        return aggregate(losses, mask, aggregation=config.aggregation, totals=totals)


def measure_distance(scores: CompletionScores, rows: Sequence[TrainingRow], tally: Tally) -> None:
    """KL to the reference and agreement with the sampler, whatever the loss makes of them."""
    log_probs, mask = scores.log_probs.detach(), scores.mask
    reference = _stack([row.reference_log_probs for row in rows], log_probs)
    tally.add_mean("kl_sequence", (log_probs - reference).sum(dim=1))
    tally.add_mean("kl_token", estimate_kl(log_probs, reference, estimator="k3"), mask)
    sampler = _stack([row.sampler_log_probs for row in rows], log_probs)
    gap = log_probs - sampler
    tally.add_mean("sampler_gap_mean", gap.abs(), mask)
    tally.add_extremes("sampler_gap", gap.abs(), mask)
    tally.add_mean("sampler_ratio_mean", gap.exp(), mask)


def _row(group: Group, index: int, advantage: float, reference: tuple[float, ...]) -> TrainingRow:
    completion = group.completions[index]
    return TrainingRow(group.prompt.token_ids, completion.token_ids, advantage, completion.log_probs, reference)


def _stack(rows: Sequence[tuple[float, ...]], like: Tensor) -> Tensor:
    """Rows of numbers as [rows, tokens], 0 behind the shorter ones."""
    padded = pad_sequence([torch.tensor(row, dtype=like.dtype) for row in rows], batch_first=True)
    return padded.to(like.device)


def _old_log_probs(rows: Sequence[TrainingRow], like: Tensor) -> Tensor | None:
    known = [row.old_log_probs for row in rows if row.old_log_probs is not None]
    if not known:
        return None
    if len(known) != len(rows):
        raise ValueError("either all rows of a micro-batch know their old log-probs or none does")
    return _stack(known, like)


def _tally_advantages(advantages: Tensor, tally: Tally) -> None:
    tally.add_mean("advantage_mean", advantages)
    tally.add_sum("advantage_std", float(advantages.std()))
    tally.add_extremes("advantage", advantages)


def _tally_policy(
    ratio: Tensor, advantages: Tensor, scores: CompletionScores, config: LossConfig, tally: Tally
) -> None:
    low, high = clipped_tokens(ratio, advantages, scores.mask, clip_low=config.clip_low, clip_high=config.clip_high)
    tally.add_mean("clip_low_fraction", low.double(), scores.mask)
    tally.add_mean("clip_high_fraction", high.double(), scores.mask)
    tally.add_mean("ratio_mean", ratio, scores.mask)
    tally.add_extremes("ratio", ratio, scores.mask)
    tally.add_mean("entropy", scores.entropy, scores.mask)
