"""PURE: softmax attention by plain products, forward and backward, a piece of the scores at a time."""

import math
from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

PIECE_ELEMENTS = 2**20
"""Scores that exist at once: 4 MiB in float32, less than a processor's cache holds."""


class Shelf:
    """A flat tensor that holds the softmax of each piece, one after the other."""

    def __init__(self, flat: Tensor) -> None:
        self._flat = flat
        self._used = 0

    def next(self, shape: Sequence[int]) -> Tensor:
        """The place of the next piece. Raises: RuntimeError where the tensor is too small for all of them."""
        size = math.prod(shape)
        place = self._flat[self._used : self._used + size].view(shape)
        self._used += size
        return place


def attend_pieces(query: Tensor, key: Tensor, value: Tensor, mask: Tensor, *, shelf: Shelf | None = None) -> Tensor:
    """softmax(query @ key.T / sqrt(width) + mask) @ value: [runs, heads, queries, width] in the dtype of `query`.

    query: [runs, heads, queries, width]; key, value: [runs, heads, keys, width]; mask: [runs or 1, 1, queries, keys]
    float32, additive. Scores and softmax are float32 whatever the inputs; the second product runs in their precision.
    shelf: where the softmax is left for the backward pass, in the shelf's precision.
    """
    mixed = _Result(query)
    for runs, queries in _pieces(query, key):
        own = query[runs, :, queries]
        weights = _weights(own, key[runs], _cut(mask, runs, queries))
        kept = weights if shelf is None else shelf.next(weights.shape).copy_(weights)
        rounded = kept if kept.dtype == query.dtype else weights.to(query.dtype)
        mixed.put(runs, queries, torch.bmm(rounded, _flat(value[runs])).view(own.shape))
    return mixed.whole


def attend_pieces_backward(
    gradient: Tensor, query: Tensor, key: Tensor, value: Tensor, mask: Tensor, *, shelf: Shelf | None = None
) -> tuple[Tensor, Tensor, Tensor]:
    """Gradients of query, key and value from that of `attend_pieces`; the softmax is computed again without a shelf.

    gradient: as the result, 0 at queries that do not count. What is lost to rounding is lost in the inputs of products:
    scores, softmax and their gradients are float32, but a softmax from a shelf is as precise as the shelf.
    """
    dtype, scale = query.dtype, query.shape[-1] ** -0.5
    on_query = _Result(query)
    on_key, on_value = (_Sums(each) for each in (key, value))
    for runs, queries in _pieces(query, key):
        own, keys, slope = query[runs, :, queries], key[runs], gradient[runs, :, queries]
        weights = _weights(own, keys, _cut(mask, runs, queries)) if shelf is None else shelf.next(_shape(own, keys))
        on_weights = torch.bmm(_flat(slope).float(), _flat(value[runs]).float().transpose(1, 2))
        on_scores = torch._softmax_backward_data(on_weights, weights.float(), -1, torch.float32)
        del on_weights
        weights, on_scores = weights.to(dtype), on_scores.to(dtype)
        on_query.put(runs, queries, _scaled(on_scores, _flat(keys), scale).view(own.shape))
        on_key.add(runs, _scaled(on_scores.transpose(1, 2), _flat(own), scale))
        on_value.add(runs, torch.bmm(weights.transpose(1, 2), _flat(slope)))
    return on_query.whole, on_key.total, on_value.total


class _Result:
    """What belongs to queries, put together from pieces; a single piece is the whole."""

    def __init__(self, like: Tensor) -> None:
        self._like = like
        self._whole: Tensor | None = None

    def put(self, runs: slice, queries: slice, part: Tensor) -> None:
        if part.shape == self._like.shape:
            self._whole = part
            return
        if self._whole is None:
            self._whole = torch.empty(self._like.shape, dtype=self._like.dtype)
        self._whole[runs, :, queries] = part

    @property
    def whole(self) -> Tensor:
        assert self._whole is not None, "there is at least one piece"
        return self._whole


class _Sums:
    """A gradient that several pieces of queries may add to, in float32 where they do."""

    def __init__(self, like: Tensor) -> None:
        self._like = like
        self._total: Tensor | None = None

    def add(self, runs: slice, part: Tensor) -> None:
        shape = self._like[runs].shape
        if self._total is None and shape == self._like.shape:
            self._total = part.view(shape)
            return
        # Sums of several pieces are made in float32: each would round.
        self._total = torch.zeros(self._like.shape) if self._total is None else self._total.float()
        self._total[runs] += part.view(shape)

    @property
    def total(self) -> Tensor:
        assert self._total is not None, "there is at least one piece"
        return self._total.to(self._like.dtype)


def _pieces(query: Tensor, key: Tensor) -> Iterator[tuple[slice, slice]]:
    """Runs and queries of each piece: all queries of as many runs as fit, else as many queries of one run."""
    (count, heads, queries, _), keys = query.shape, key.shape[2]
    runs = max(1, PIECE_ELEMENTS // (heads * queries * keys))
    rows = queries if heads * queries * keys <= PIECE_ELEMENTS else max(1, PIECE_ELEMENTS // (heads * keys))
    for first in range(0, count, runs):
        for start in range(0, queries, rows):
            yield slice(first, min(first + runs, count)), slice(start, min(start + rows, queries))


def _weights(query: Tensor, key: Tensor, mask: Tensor) -> Tensor:
    """The softmax [runs * heads, queries, keys] float32."""
    added = mask.expand(*query.shape[:2], -1, -1).flatten(0, 1)
    scale = query.shape[-1] ** -0.5
    scores = torch.baddbmm(added, _flat(query).float(), _flat(key).float().transpose(1, 2), alpha=scale)
    return torch.softmax(scores, dim=-1)


def _shape(query: Tensor, key: Tensor) -> tuple[int, int, int]:
    """Of a piece's softmax."""
    return query.shape[0] * query.shape[1], query.shape[2], key.shape[2]


def _cut(mask: Tensor, runs: slice, queries: slice) -> Tensor:
    return (mask if len(mask) == 1 else mask[runs])[:, :, queries]


def _flat(block: Tensor) -> Tensor:
    return block.flatten(0, 1)


def _scaled(left: Tensor, right: Tensor, scale: float) -> Tensor:
    """left @ right * scale"""
    return torch.baddbmm(left.new_empty(1, 1, 1), left, right, beta=0.0, alpha=scale)
