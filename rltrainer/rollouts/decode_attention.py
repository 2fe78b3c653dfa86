"""Attention of one new token a row: query heads that share a key head are one product with it."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from transformers import AttentionInterface, PreTrainedModel


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
    _require_one_token(tokens, kwargs)
    key_heads, keys = key.shape[1], key.shape[2]
    scale = width**-0.5 if scaling is None else scaling
    packed = (query * scale).view(rows * key_heads, heads // key_heads, width)
    scores = torch.bmm(packed, key.flatten(0, 1).transpose(1, 2)).view(rows, key_heads, heads // key_heads, keys)
    if attention_mask is not None:
        scores = scores + attention_mask
    weights = scores.softmax(dim=-1, dtype=torch.float32).to(value.dtype)
    mixed = torch.bmm(weights.view(rows * key_heads, heads // key_heads, keys), value.flatten(0, 1))
    return mixed.view(rows, 1, heads, value.shape[-1]), None


def attend_grouped(
    module: nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    scaling: float | None = None,
    dropout: float = 0.0,
    **kwargs: object,
) -> tuple[Tensor, None]:
    """The same by torch's fused attention, in which queries that share a key head stand as tokens of one head.

    Transformers repeats keys and values for every query head where there is a mask: at long contexts that is most of
    what a step reads and writes.
    """
    rows, heads, tokens, width = query.shape
    _require_one_token(tokens, kwargs)
    key_heads, keys = key.shape[1], key.shape[2]
    packed = query.reshape(rows, key_heads, heads // key_heads, width)
    mask = None if attention_mask is None else attention_mask.expand(rows, key_heads, heads // key_heads, keys)
    mixed = nn.functional.scaled_dot_product_attention(packed, key, value, attn_mask=mask, scale=scaling)
    return mixed.reshape(rows, 1, heads, value.shape[-1]), None


def _require_one_token(tokens: int, given: Mapping[str, object]) -> None:
    if tokens != 1 or given.get("softcap") is not None:
        raise ValueError(f"made for one token a row without softcap, not {tokens} with {given.get('softcap')}")


WAYS = {"cpu": ("concord_decode", attend_one_token), "cuda": ("concord_decode_grouped", attend_grouped)}
"""The name and function of each kind of device."""


@contextmanager
def decode_attention(model: PreTrainedModel) -> Iterator[None]:
    """Inside the block the network attends with what is fastest for one token a row on its device."""
    before = model.config._attn_implementation
    way = WAYS.get(next(model.parameters()).device.type)
    if before != "sdpa" or way is None:
        yield
        return
    name, attend = way
    AttentionInterface.register(name, attend)
    try:
        model.config._attn_implementation = name
        yield
    finally:
        model.config._attn_implementation = before
