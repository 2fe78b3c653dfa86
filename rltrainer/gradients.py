"""Gradients that code adds to by hand."""

import torch
from torch import Tensor

_LENT = "lent"
"""Under this name a gradient knows that something else waits in its place."""


def gradient_of(parameter: Tensor) -> Tensor:
    """The parameter's gradient; zeros, in the precision that it is to have, where there was none.

    Raises: RuntimeError where its place is lent and has not been taken back.
    """
    if parameter.grad is None:
        parameter.grad = torch.zeros_like(parameter, dtype=parameter.grad_dtype)
    if getattr(parameter.grad, _LENT, False):
        raise RuntimeError("a gradient's place holds the logits of a pass that has not gone back")
    return parameter.grad


def lend(gradient: Tensor) -> None:
    """Let something else wait in this gradient's place for now: nobody is to take it for a gradient."""
    setattr(gradient, _LENT, True)


def take_back(gradient: Tensor | None) -> None:
    """What is there is a gradient again, or is about to be. Raises: RuntimeError where its place was not lent."""
    if gradient is None or not getattr(gradient, _LENT, False):
        raise RuntimeError("the step whose logits waited in a gradient's place is over")
    end_loan(gradient)


def end_loan(gradient: Tensor) -> None:
    """What waited there, if anything did, is not asked for any more."""
    setattr(gradient, _LENT, False)
