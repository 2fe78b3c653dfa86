"""PURE: losses of a reward model over pairs. All arithmetic in float32 (or what the caller passes)."""

from torch import Tensor
from torch.nn.functional import softplus


def bradley_terry(
    chosen: Tensor, rejected: Tensor, *, target: Tensor, margin: Tensor | None = None, weight: Tensor | None = None
) -> Tensor:
    """Negative log-likelihood of people's choice under the scores, one value a pair.

    chosen, rejected: [pairs] scores. target: [pairs] probability that the chosen response is the better one; 1 is a
    hard label, 1/2 a tie. margin: [pairs] score difference that the winner should have at least. weight: [pairs].
    Returns: [pairs]; adding one number to all scores changes nothing.
    Raises: ValueError where shapes differ.
    Source: Bradley and Terry 1952; with margin: Touvron et al. 2023 (arXiv:2307.09288) sec. 3.2.2.
    """
    given = [tensor for tensor in (rejected, target, margin, weight) if tensor is not None]
    if chosen.dim() != 1 or any(tensor.shape != chosen.shape for tensor in given):
        raise ValueError(f"expected [pairs] everywhere, got {[list(t.shape) for t in (chosen, *given)]}")
    difference = chosen - rejected
    lead = 0.0 if margin is None else margin
    # softplus(x) = -log sigmoid(-x), exact where sigmoid itself would round to 0.
    losses = target * softplus(lead - difference) + (1 - target) * softplus(difference + lead)
    return losses if weight is None else losses * weight


def centre_penalty(chosen: Tensor, rejected: Tensor) -> Tensor:
    """Squared sum of a pair's scores: pulls scores towards zero on average without touching their difference.

    chosen, rejected: [pairs]. Returns: [pairs].
    Source: Eisenstein et al. 2023 (arXiv:2312.09244) eq. 2.
    """
    if chosen.shape != rejected.shape:
        raise ValueError(f"shapes differ: {list(chosen.shape)} and {list(rejected.shape)}")
    return (chosen + rejected).square()
