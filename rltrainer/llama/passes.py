"""What all layers of one pass share."""

from dataclasses import dataclass, field

import torch
from torch import Tensor

from rltrainer.llama.attention import AttentionPlan
from rltrainer.side_by_side import Turn


@dataclass(frozen=True, slots=True)
class Pass:
    """What all layers of one pass share."""

    plan: AttentionPlan
    dtype: torch.dtype
    """In which products of the backward pass are computed and what they need is kept."""
    forward: torch.dtype
    """In which products of the forward pass are computed: as those of the backward pass, or in float32."""
    cosine: Tensor
    """[tokens, 1, head width / 2] float32"""
    sine: Tensor
    turn: Turn = field(default_factory=Turn)
    """Within which gradients are added to those of weights: another pass may run beside this one."""
    roomy: bool = False
    """Whether the backward pass is spared some work for two thirds more memory: queries, keys and values, the softmax
    and the normed states are kept for it."""


Heads = tuple[Tensor, Tensor, Tensor]
"""Queries [tokens, heads, width] and keys [tokens, key heads, width], turned by position, and values."""
