"""PURE: attention over packed rows, forward and backward: stems see themselves, branches their stem as well."""

from dataclasses import dataclass

import torch
from torch import Tensor

from rltrainer.llama.attention_products import Shelf, attend_pieces, attend_pieces_backward
from rltrainer.llama.packing import Packed, Segments

Softmax = tuple[Tensor, Tensor]
"""That of stems and that of branches, as many elements as `AttentionPlan.softmax_sizes` tells."""


@dataclass(frozen=True, slots=True)
class AttentionPlan:
    """What all layers of one pass share."""

    packed: Packed
    heads: int
    key_heads: int
    head_width: int
    stem_mask: Tensor
    """[1, 1, queries, keys] float32, additive; queries that share a key head follow each other."""
    branch_mask: Tensor | None
    """[branches or 1, 1, queries, keys] float32"""

    @property
    def sharing(self) -> int:
        """Query heads of each key head."""
        return self.heads // self.key_heads

    @property
    def softmax_sizes(self) -> tuple[int, int]:
        """Elements of the softmax of stems and of branches."""
        (stems, stem), branches = self.packed.stems.places.shape, self.packed.branches
        if branches is None:
            return self.heads * stems * stem * stem, 0
        runs, own = branches.places.shape
        return self.heads * stems * stem * stem, self.heads * runs * own * (stem + own)


def plan_attention(packed: Packed, *, heads: int, key_heads: int, head_width: int) -> AttentionPlan:
    """Masks for queries grouped by the key head that they share: keys and values are never repeated."""
    sharing = heads // key_heads
    own = None if packed.branches is None else packed.branch_mask().repeat(1, 1, sharing, 1)
    mask = packed.stem_mask().repeat(1, 1, sharing, 1)
    return AttentionPlan(packed, heads, key_heads, head_width, mask, own)


def attend(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    plan: AttentionPlan,
    *,
    out: Tensor | None = None,
    softmax: Softmax | None = None,
) -> Tensor:
    """What each token takes from those it sees: [tokens, heads * width].

    query: [tokens, heads, width]; key, value: [tokens, key heads, width]; all in the compute precision.
    out: where the result is to be written. softmax: where it is left for the backward pass.
    """
    packed, shelves = plan.packed, _shelves(softmax)
    keys, values = (_keys(packed.stems.pad(each)) for each in (key, value))
    mixed = attend_pieces(_group(packed.stems.pad(query), plan), keys, values, plan.stem_mask, shelf=shelves[0])
    parts = [packed.stems.unpad(_tokens(mixed, plan))]
    if packed.branches is not None:
        assert plan.branch_mask is not None
        own = _group(packed.branches.pad(query), plan)
        mixed = attend_pieces(own, *_both(keys, values, key, value, plan), plan.branch_mask, shelf=shelves[1])
        parts.append(packed.branches.unpad(_tokens(mixed, plan)))
    return torch.cat(parts, out=out)


def attend_backward(
    gradient: Tensor,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    plan: AttentionPlan,
    *,
    softmax: Softmax | None = None,
) -> tuple[Tensor, Tensor, Tensor]:
    """Gradients of query, key and value from that of what `attend` gave, in their shapes.

    softmax: what `attend` has left there; it is computed again without.
    """
    packed, shelves = plan.packed, _shelves(softmax)
    keys, values = (_keys(packed.stems.pad(each)) for each in (key, value))
    slope = gradient.view(len(gradient), plan.heads, -1)
    own = _read(packed.stems, slope, query, plan)
    on_stem_query, *on_stem = attend_pieces_backward(*own, keys, values, plan.stem_mask, shelf=shelves[0])
    queries, on_branch = [packed.stems.unpad(_tokens(on_stem_query, plan))], None
    if packed.branches is not None:
        assert plan.branch_mask is not None
        own = _read(packed.branches, slope, query, plan)
        both = _both(keys, values, key, value, plan)
        on_query, *on_branch = attend_pieces_backward(*own, *both, plan.branch_mask, shelf=shelves[1])
        queries.append(packed.branches.unpad(_tokens(on_query, plan)))
    on_key, on_value = (
        _merge(alone, shared, packed) for alone, shared in zip(on_stem, on_branch or (None, None), strict=True)
    )
    return torch.cat(queries).view(len(query), plan.heads, -1), on_key, on_value


def _shelves(softmax: Softmax | None) -> tuple[Shelf | None, Shelf | None]:
    return (None, None) if softmax is None else (Shelf(softmax[0].view(-1)), Shelf(softmax[1].view(-1)))


def _merge(alone: Tensor, shared: Tensor | None, packed: Packed) -> Tensor:
    """Gradients of keys or values: a stem's come from itself and from all its branches."""
    if shared is None or packed.branches is None:
        return packed.stems.unpad(alone.transpose(1, 2))
    longest = alone.shape[2]
    total = alone.float().index_add_(0, packed.owners, shared[:, :, :longest].float()).to(alone.dtype)
    own = packed.branches.unpad(shared[:, :, longest:].transpose(1, 2))
    return torch.cat([packed.stems.unpad(total.transpose(1, 2)), own])


def _read(segments: Segments, slope: Tensor, query: Tensor, plan: AttentionPlan) -> tuple[Tensor, Tensor]:
    """Gradient and queries of these runs, as they were attended with."""
    return _group(segments.pad_with_zeros(slope), plan), _group(segments.pad(query), plan)


def _group(block: Tensor, plan: AttentionPlan) -> Tensor:
    """[runs, longest, heads, width] -> [runs, key heads, sharing * longest, width]"""
    split = block.view(*block.shape[:2], plan.key_heads, plan.sharing, -1)
    return split.permute(0, 2, 3, 1, 4).flatten(2, 3)


def _tokens(block: Tensor, plan: AttentionPlan) -> Tensor:
    """[runs, key heads, sharing * longest, width] -> [runs, longest, heads * width]"""
    split = block.view(*block.shape[:2], plan.sharing, -1, block.shape[-1])
    return split.permute(0, 3, 1, 2, 4).flatten(2)


def _keys(block: Tensor) -> Tensor:
    """[runs, longest, key heads, width] -> [runs, key heads, longest, width]"""
    return block.transpose(1, 2)


def _both(keys: Tensor, values: Tensor, key: Tensor, value: Tensor, plan: AttentionPlan) -> tuple[Tensor, Tensor]:
    """Keys and values of branches: those of their stem, then their own."""
    assert plan.packed.branches is not None
    own = [_keys(plan.packed.branches.pad(each)) for each in (key, value)]
    first, second = (
        torch.cat([shared.index_select(0, plan.packed.owners), each], dim=2)
        for shared, each in zip((keys, values), own, strict=True)
    )
    return first, second
