"""How far a policy is from its reference and from its sampler, whatever its loss makes of either."""

from collections.abc import Callable, Sequence
from itertools import groupby

import torch
from torch import Tensor

from rltrainer.algorithms.policy_loss import known_log_probs, stack
from rltrainer.kl import estimate_kl
from rltrainer.records import TrainingRow
from rltrainer.tally import Tally


def measure_distance(
    log_probs: Tensor,
    mask: Tensor,
    rows: Sequence[TrainingRow],
    tally: Tally,
    *,
    weights: Sequence[float] | None = None,
) -> None:
    """KL to the reference and agreement with the sampler.

    log_probs, mask: [rows, tokens], of `rows` in their order, under the policy that sampled. weights: of how many
    completions each row tells; None for 1 each. Only rows that this very policy sampled tell of either: on what others
    chose, the mean log-ratio is no KL at all and may fall while the policy runs away.
    """
    log_probs = log_probs.detach()
    fresh = torch.tensor([row.old_log_probs is None for row in rows], device=log_probs.device)
    mask = mask & fresh[:, None]
    weight = torch.tensor(weights or [1.0] * len(rows), dtype=torch.float64, device=log_probs.device)
    if rows[0].reference_log_probs is not None:
        reference = stack([known_log_probs(row.reference_log_probs) for row in rows], log_probs)
        tally.add_mean("kl_sequence", (log_probs - reference).sum(dim=1), fresh, weights=weight)
        tally.add_mean("kl_token", estimate_kl(log_probs, reference, estimator="k3"), mask, weights=weight[:, None])
    gap = log_probs - stack([row.sampler_log_probs for row in rows], log_probs)
    tally.add_mean("sampler_gap_mean", gap.abs(), mask, weights=weight[:, None])
    tally.add_extremes("sampler_gap", gap.abs(), mask)
    tally.add_mean("sampler_ratio_mean", gap.exp(), mask, weights=weight[:, None])


def measure_scored(
    rows: Sequence[TrainingRow], scored: Sequence[tuple[float, ...]], tally: Tally, *, weights: Sequence[float]
) -> None:
    """The same of one or more rows whose log-probs are known already. scored: each row's, a number for each token."""
    log_probs = stack(scored, torch.empty(0, dtype=torch.float32))
    lengths = torch.tensor([len(values) for values in scored])
    mask = torch.arange(log_probs.shape[1]) < lengths[:, None]
    measure_distance(log_probs, mask, rows, tally, weights=weights)


def choose_witnesses(rows: Sequence[TrainingRow], needs_pass: Callable[[TrainingRow], bool]) -> dict[int, float]:
    """Of each prompt's completions that nobody learns from, the first, and for how many it stands.

    Where a policy has gone farthest all completions of a prompt may earn the same. Left out of its distance they would
    make it look near.
    """
    chosen: dict[int, float] = {}
    for _, members in groupby(range(len(rows)), key=lambda index: rows[index].prompt_ids):
        idle = [index for index in members if _can_tell(rows[index]) and not needs_pass(rows[index])]
        if idle:
            chosen[idle[0]] = float(len(idle))
    return chosen


def _can_tell(row: TrainingRow) -> bool:
    return row.reference_log_probs is not None and row.old_log_probs is None and bool(row.completion_ids)
