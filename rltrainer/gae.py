"""PURE: advantages of tokens from rewards and a critic's values, whitening, and how well the critic foretells.

Shapes: [rows, tokens], one row a completion; masks are bool, True = counts, with holes wherever they like. Results have
the dtype of the values: give float64 where sums are long.
"""

import torch
from torch import Tensor

VARIANCE_FLOOR = 1e-8
"""Added to a variance before its root divides; the value common among implementations."""


def generalised_advantages(
    rewards: Tensor,
    values: Tensor,
    mask: Tensor,
    *,
    discount: float,
    trace: float,
    last_values: Tensor | None = None,
) -> Tensor:
    """How much better each token turned out than the critic foretold, [rows, tokens]; 0 where the mask is False.

    rewards, values: [rows, tokens]; a value is the critic's before its token is chosen. last_values: [rows] what is
    worth what would follow a row's last counted token; None for 0, the row being over.
    Tokens that do not count are stepped over: their neighbours are each other's next. The critic learns from the
    returns, which are these advantages plus the values.
    Source: Schulman et al. 2016 (arXiv:1506.02438) eq. 16, backwards in one sweep.
    """
    _check_shapes(rewards, values, mask)
    following = values.new_zeros(len(values)) if last_values is None else last_values.to(values)
    advantage = torch.zeros_like(following)
    advantages = torch.zeros_like(values)
    for place in reversed(range(values.shape[1])):
        counted = mask[:, place]
        surprise = rewards[:, place] + discount * following - values[:, place]
        advantage = torch.where(counted, surprise + discount * trace * advantage, advantage)
        following = torch.where(counted, values[:, place], following)
        advantages[:, place] = advantage.where(counted, 0.0)
    return advantages


def whiten(values: Tensor, mask: Tensor) -> Tensor:
    """The values with mean 0 and (unbiased) variance 1 over all that count; 0 elsewhere.

    A single counted value becomes 0, for it has nothing to differ from.
    """
    _check_shapes(values, mask)
    counted = values[mask]
    if counted.numel() < 2:
        return torch.zeros_like(values)
    scaled = (values - counted.mean()) / (counted.var() + VARIANCE_FLOOR).sqrt()
    return scaled.masked_fill(~mask, 0.0)


def explained_variance(values: Tensor, returns: Tensor, mask: Tensor) -> float | None:
    """Share of the returns' variance that the values foretold: 1 is all, 0 none, below 0 worse than a constant.

    None where fewer than two count or the returns do not vary: there is nothing to explain.
    """
    _check_shapes(values, returns, mask)
    counted = returns[mask].double()
    if counted.numel() < 2 or not bool(counted.var() > 0):
        return None
    return float(1 - (counted - values[mask].double()).var() / counted.var())


def _check_shapes(*tensors: Tensor) -> None:
    if tensors[0].ndim != 2 or len({tensor.shape for tensor in tensors}) != 1:
        raise ValueError(f"expected [rows, tokens] of one shape, not {[tuple(tensor.shape) for tensor in tensors]}")
