"""PURE: losses over given responses: imitation (SFT) and direct preference (DPO, IPO). All in float32.

Shapes: [rows, tokens], one row a response; [pairs], one value a preference; masks are bool, True = counts.
"""

from typing import Literal, get_args

import torch
from torch import Tensor
from torch.nn.functional import softplus

PreferenceLoss = Literal["sigmoid", "ipo"]


def sft_loss(log_probs: Tensor, mask: Tensor, *, tokens: int) -> Tensor:
    """One micro-batch's share of the step's negative log-likelihood a token; the shares of all sum to it exactly.

    log_probs: [rows, tokens] nats, at temperature 1; what `mask` leaves out may hold anything. mask: [rows, tokens].
    tokens: counted tokens of the whole optimizer step, over all its micro-batches and ranks.
    Returns: a number. Raises: ValueError where shapes differ or nothing counts.
    """
    if log_probs.ndim != 2 or log_probs.shape != mask.shape:
        raise ValueError(f"expected [rows, tokens] twice, got {list(log_probs.shape)} and {list(mask.shape)}")
    if tokens < 1:
        raise ValueError(f"tokens must be 1 or more, got {tokens}")
    return -log_probs.masked_fill(~mask, 0.0).sum() / tokens


def sum_log_probs(log_probs: Tensor, mask: Tensor, *, per_token: bool) -> Tensor:
    """Log-prob of each whole response, or its mean over the response's tokens.

    log_probs, mask: [rows, tokens]. Returns: [rows] nats; 0 for a row without tokens.
    """
    totals = log_probs.masked_fill(~mask, 0.0).sum(dim=1)
    return totals / mask.sum(dim=1).clamp(min=1) if per_token else totals


def dpo_losses(
    chosen: Tensor,
    rejected: Tensor,
    reference_chosen: Tensor,
    reference_rejected: Tensor,
    *,
    beta: float,
    target: Tensor | None = None,
    weight: Tensor | None = None,
    loss: PreferenceLoss = "sigmoid",
) -> Tensor:
    """Loss of each preference; its mean over the pairs of an optimizer step is what is minimised.

    chosen, rejected: [pairs] log-probs of the responses under the policy, nats: sums over tokens for `sigmoid`, means
    over tokens for `ipo` (see `sum_log_probs`). reference_chosen, reference_rejected: the same under the reference.
    beta: how dear the distance from the reference is. target: [pairs] probability that the chosen response is the
    better one; 1 where it is not given, 1 - e with label smoothing e, votes give what lies between. weight: [pairs].
    Returns: [pairs]. With h the policy's log-ratio of chosen to rejected above the reference's:
    `sigmoid`: -p log sigmoid(beta h) - (1 - p) log sigmoid(-beta h); `ipo`: p (h - c)^2 + (1 - p) (h + c)^2 with
    c = 1 / (2 beta), whose minimum (2 p - 1) c is that of IPO's own objective at preference probability p.
    Raises: ValueError where shapes differ or `loss` is unknown.
    Source: Rafailov et al. 2023 (arXiv:2305.18290) eq. 7; Azar et al. 2023 (arXiv:2310.12036) eq. 17, means over
    tokens as its authors compute it.
    """
    given = [
        tensor for tensor in (rejected, reference_chosen, reference_rejected, target, weight) if tensor is not None
    ]
    if chosen.ndim != 1 or any(tensor.shape != chosen.shape for tensor in given):
        raise ValueError(f"expected [pairs] everywhere, got {[list(t.shape) for t in (chosen, *given)]}")
    wish = torch.ones_like(chosen) if target is None else target
    lead = log_ratio_lead(chosen, rejected, reference_chosen, reference_rejected)
    if loss == "sigmoid":
        # softplus(-x) = -log sigmoid(x), exact where sigmoid itself would round to 0.
        losses = wish * softplus(-beta * lead) + (1 - wish) * softplus(beta * lead)
    elif loss == "ipo":
        goal = 1 / (2 * beta)
        losses = wish * (lead - goal).square() + (1 - wish) * (lead + goal).square()
    else:
        raise ValueError(f"loss must be one of {get_args(PreferenceLoss)}, not {loss!r}")
    return losses if weight is None else losses * weight


def log_ratio_lead(chosen: Tensor, rejected: Tensor, reference_chosen: Tensor, reference_rejected: Tensor) -> Tensor:
    """How much more the policy leans to the chosen response than the reference does: [pairs] nats.

    Exactly 0 where the policy is the reference.
    """
    return (chosen - reference_chosen) - (rejected - reference_rejected)
