"""Gradients that code adds to by hand."""

import torch
from torch import Tensor


def gradient_of(parameter: Tensor) -> Tensor:
    """The parameter's gradient; zeros, in the precision that it is to have, where there was none."""
    if parameter.grad is None:
        parameter.grad = torch.zeros_like(parameter, dtype=parameter.grad_dtype)
    return parameter.grad
