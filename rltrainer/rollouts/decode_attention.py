"""Attention of one new token a row, as two batched products over the key-value heads."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from transformers import AttentionInterface, PreTrainedModel

NAME = "concord_decode"


def attend_one_token(
    module: nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    scaling: float | None = None,
    dropout: float = 0.0,
    **kwargs: object,
) -> tuple[Tensor, None]:
    """softmax(q k / sqrt(width) + mask) v, softmax in float32.

    query: [rows, heads, 1, width]; key, value: [rows, key heads, keys, width]; mask: additive, [rows, 1, 1, keys].
    Returns: [rows, 1, heads, width]. Queries that share a key head are one product: nothing is repeated.
    """
    rows, heads, tokens, width = query.shape
    if tokens != 1 or kwargs.get("softcap") is not None:
        raise ValueError(f"made for one token a row without softcap, not {tokens} with {kwargs.get('softcap')}")
    key_heads, keys = key.shape[1], key.shape[2]
    scale = width**-0.5 if scaling is None else scaling
    packed = (query * scale).view(rows * key_heads, heads // key_heads, width)
    scores = torch.bmm(packed, key.flatten(0, 1).transpose(1, 2)).view(rows, key_heads, heads // key_heads, keys)
    if attention_mask is not None:
        scores = scores + attention_mask
    weights = scores.softmax(dim=-1, dtype=torch.float32).to(value.dtype)
    mixed = torch.bmm(weights.view(rows * key_heads, heads // key_heads, keys), value.flatten(0, 1))
    return mixed.view(rows, 1, heads, value.shape[-1]), None


@contextmanager
def decode_attention(model: PreTrainedModel) -> Iterator[None]:
    """Inside the block the network attends with `attend_one_token`; on a GPU its own kernels stay."""
    before = model.config._attn_implementation
    if before != "sdpa" or next(model.parameters()).device.type != "cpu":
        yield
        return
    AttentionInterface.register(NAME, attend_one_token)
    try:
        model.config._attn_implementation = NAME
        yield
    finally:
        model.config._attn_implementation = before
