"""PURE: the clipped surrogate and its exact averages over one optimizer step.

Shapes: [rows, tokens], one row a completion; masks are bool, True = counts. All in float32.
"""

from dataclasses import dataclass
from typing import Literal, get_args

from torch import Tensor

from rltrainer.kl import EXPONENT_LIMIT

Aggregation = Literal["grpo", "token_mean", "dr_grpo"]
RatioLevel = Literal["token", "sequence", "sequence_token"]


@dataclass(frozen=True, slots=True)
class StepTotals:
    """What one optimizer step divides by: counted over all its micro-batches and ranks before the first is run."""

    rows: float
    """Completions with at least one counted token."""
    tokens: float
    """Counted tokens of all those rows."""
    max_new_tokens: int
    """The longest completion that sampling allows; the constant length of `dr_grpo`."""


def importance_ratio(log_probs: Tensor, old_log_probs: Tensor | None, mask: Tensor, *, level: RatioLevel) -> Tensor:
    """p_policy / p_sampler of each token, [rows, tokens].

    `sequence` has the row's geometric mean in every place, with the gradient of the whole row; `sequence_token` has the
    same value and at each token the gradient of that token alone.
    old_log_probs None means that the policy has not moved since sampling: the ratio is 1, with its gradient.
    Source: token, arXiv:2402.03300; sequence, Zheng et al. 2025 (arXiv:2507.18071) eq. 7 and eq. 14.
    """
    _check_shape(log_probs, mask)
    old = log_probs.detach() if old_log_probs is None else old_log_probs
    log_ratio = (log_probs - old).masked_fill(~mask, 0.0)
    if level != "token":
        mean = log_ratio.sum(dim=1, keepdim=True) / mask.sum(dim=1, keepdim=True).clamp(min=1)
        if level == "sequence":
            log_ratio = mean.expand_as(log_ratio)
        elif level == "sequence_token":
            log_ratio = mean.detach() + (log_probs - log_probs.detach()).masked_fill(~mask, 0.0)
        else:
            raise ValueError(f"level must be one of {get_args(RatioLevel)}, not {level!r}")
    return log_ratio.clamp(-EXPONENT_LIMIT, EXPONENT_LIMIT).exp()


def clipped_surrogate(
    ratio: Tensor,
    advantages: Tensor,
    *,
    clip_low: float,
    clip_high: float,
    clip_dual: float | None = None,
    ratio_limit: float | None = None,
) -> Tensor:
    """Loss of each token: -min(ratio * A, clip(ratio, 1 - low, 1 + high) * A).

    ratio, advantages: [rows, tokens]. Returns: [rows, tokens].
    `ratio_limit` holds the first ratio below it, whatever the advantage; `clip_dual` holds the loss of a token with a
    negative advantage below clip_dual * |A|. A token that is held by any limit has no gradient.
    Source: Schulman et al. 2017 (arXiv:1707.06347) eq. 7; separate limits: Yu et al. 2025 (arXiv:2503.14476) eq. 10;
    dual: Ye et al. 2020 (arXiv:1912.09729); limit on both sides: Prime Intellect 2025 (arXiv:2505.07291).
    """
    _check_advantages(ratio, advantages)
    free = ratio if ratio_limit is None else ratio.clamp(max=ratio_limit)
    losses = -(free * advantages).minimum(ratio.clamp(1 - clip_low, 1 + clip_high) * advantages)
    if clip_dual is None:
        return losses
    return losses.minimum(-clip_dual * advantages).where(advantages < 0, losses)


def cispo_surrogate(log_probs: Tensor, ratio: Tensor, advantages: Tensor, *, clip_high: float) -> Tensor:
    """Loss of each token: -min(ratio, 1 + high) * A * log p, with the gradient of log p alone: no token loses it.

    log_probs, ratio, advantages: [rows, tokens]. Returns: [rows, tokens].
    Source: MiniMax 2025 (arXiv:2506.13585), without a lower limit, as there.
    """
    _check_advantages(ratio, advantages)
    return -ratio.detach().clamp(max=1 + clip_high) * advantages * log_probs


def clipped_tokens(
    ratio: Tensor, advantages: Tensor, mask: Tensor, *, clip_low: float, clip_high: float
) -> tuple[Tensor, Tensor]:
    """Where the lower and where the upper limit holds the gradient back: two bool [rows, tokens]."""
    _check_advantages(ratio, advantages)
    return (ratio < 1 - clip_low) & (advantages < 0) & mask, (ratio > 1 + clip_high) & (advantages > 0) & mask


def aggregate(token_losses: Tensor, mask: Tensor, *, aggregation: Aggregation, totals: StepTotals) -> Tensor:
    """One micro-batch's share of the step's loss; the shares of all micro-batches sum to it exactly.

    `grpo`: mean over rows of each row's token mean; `token_mean`: mean over all tokens of the step; `dr_grpo`: sum over
    rows * max_new_tokens. A row without counted tokens is in neither numerator nor denominator.
    Source: arXiv:2402.03300 eq. 3; arXiv:2503.14476 eq. 8 with the whole step's token count; arXiv:2503.20783 eq. 5.
    """
    _check_shape(token_losses, mask)
    counted = token_losses.masked_fill(~mask, 0.0)
    if aggregation == "grpo":
        lengths = mask.sum(dim=1).clamp(min=1)
        return (counted.sum(dim=1) / lengths).sum() / max(totals.rows, 1)
    if aggregation == "token_mean":
        return counted.sum() / max(totals.tokens, 1)
    if aggregation == "dr_grpo":
        return counted.sum() / max(totals.rows * totals.max_new_tokens, 1)
    raise ValueError(f"aggregation must be one of {get_args(Aggregation)}, not {aggregation!r}")


def _check_shape(values: Tensor, mask: Tensor) -> None:
    if values.ndim != 2 or values.shape != mask.shape:
        raise ValueError(
            f"expected [rows, tokens] and a mask of that shape, not {tuple(values.shape)} and {tuple(mask.shape)}"
        )


def _check_advantages(ratio: Tensor, advantages: Tensor) -> None:
    if ratio.ndim != 2 or advantages.shape != ratio.shape:
        raise ValueError(f"advantages {tuple(advantages.shape)} do not fit ratios {tuple(ratio.shape)}")
