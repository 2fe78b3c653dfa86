"""PURE: what a critic is to lower: the squared distance of its values from the returns. [rows, tokens], float32."""

import torch
from torch import Tensor


def value_losses(values: Tensor, old_values: Tensor, returns: Tensor, *, clip: float | None) -> Tensor:
    """Half the squared error of each token's value, [rows, tokens].

    old_values: those at sampling time. clip: a value that has moved further than this from its old one gains nothing
    by moving on: the greater of both errors counts, with and without the limit; None for no limit.
    Source: the value loss of PPO's first implementation, as examined by Engstrom et al. 2020 (arXiv:2005.12729).
    """
    _check_shapes(values, old_values, returns)
    errors = (values - returns).square()
    if clip is not None:
        errors = errors.maximum((_held(values, old_values, clip) - returns).square())
    return 0.5 * errors


def held_values(values: Tensor, old_values: Tensor, returns: Tensor, *, clip: float | None) -> Tensor:
    """Where the limit decides the loss and the value has no gradient: bool [rows, tokens]."""
    _check_shapes(values, old_values, returns)
    if clip is None:
        return torch.zeros_like(values, dtype=torch.bool)
    held = _held(values, old_values, clip)
    return (held - returns).square() > (values - returns).square()


def _held(values: Tensor, old_values: Tensor, clip: float) -> Tensor:
    # Bounds on the value itself, not on how far it moved: what is within them stays the very same number.
    return values.clamp(old_values - clip, old_values + clip)


def _check_shapes(*tensors: Tensor) -> None:
    if tensors[0].ndim != 2 or len({tensor.shape for tensor in tensors}) != 1:
        raise ValueError(f"expected [rows, tokens] of one shape, not {[tuple(tensor.shape) for tensor in tensors]}")
