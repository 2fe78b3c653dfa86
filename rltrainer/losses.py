"""PURE: the clipped surrogate and its exact averages over one optimizer step.

Shapes: [rows, tokens], one row a completion; masks are bool, True = counts. All in float32.
"""

from dataclasses import dataclass
from typing import Literal, get_args

from torch import Tensor

from rltrainer.kl import EXPONENT_LIMIT

Aggregation = Literal["grpo", "token_mean", "dr_grpo"]
RatioLevel = Literal["token", "sequence"]


@dataclass(frozen=True, slots=True)
class StepTotals:
    """What one optimizer step divides by: counted over all its micro-batches before the first of them is run."""

    rows: int
    """Completions with at least one counted token."""
    tokens: int
    """Counted tokens of all those rows."""
    max_new_tokens: int
    """The longest completion that sampling allows; the constant length of `dr_grpo`."""


def importance_ratio(log_probs: Tensor, old_log_probs: Tensor | None, mask: Tensor, *, level: RatioLevel) -> Tensor:
    """p_policy / p_sampler of each token, [rows, tokens]; at level `sequence` the row's geometric mean in every place.

    old_log_probs None means that the policy has not moved since sampling: the ratio is 1, with its gradient.
    Source: token, arXiv:2402.03300; sequence, Zheng et al. 2025 (arXiv:2507.18071) eq. 7.
    """
    _check_shape(log_probs, mask)
    old = log_probs.detach() if old_log_probs is None else old_log_probs
    log_ratio = (log_probs - old).masked_fill(~mask, 0.0)
    if level == "sequence":
        mean = log_ratio.sum(dim=1, keepdim=True) / mask.sum(dim=1, keepdim=True).clamp(min=1)
        log_ratio = mean.expand_as(log_ratio)
    elif level != "token":
        raise ValueError(f"level must be one of {get_args(RatioLevel)}, not {level!r}")
    return log_ratio.clamp(-EXPONENT_LIMIT, EXPONENT_LIMIT).exp()


def clipped_surrogate(ratio: Tensor, advantages: Tensor, *, clip_low: float, clip_high: float) -> Tensor:
    """Loss of each token: -min(ratio * A, clip(ratio, 1 - low, 1 + high) * A).

    ratio: [rows, tokens]; advantages: [rows]. Returns: [rows, tokens].
    Source: Schulman et al. 2017 (arXiv:1707.06347) eq. 7; separate limits: Yu et al. 2025 (arXiv:2503.14476) eq. 10.
    """
    if advantages.shape != ratio.shape[:1]:
        raise ValueError(f"advantages {tuple(advantages.shape)} do not fit ratios {tuple(ratio.shape)}")
    gain = advantages.to(ratio.dtype)[:, None]
    return -(ratio * gain).minimum(ratio.clamp(1 - clip_low, 1 + clip_high) * gain)


def clipped_tokens(
    ratio: Tensor, advantages: Tensor, mask: Tensor, *, clip_low: float, clip_high: float
) -> tuple[Tensor, Tensor]:
    """Where the lower and where the upper limit holds the gradient back: two bool [rows, tokens]."""
    gain = advantages[:, None]
    return (ratio < 1 - clip_low) & (gain < 0) & mask, (ratio > 1 + clip_high) & (gain > 0) & mask


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
