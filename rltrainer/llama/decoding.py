"""Decoding of many rows with a Llama-shaped network: a third of the operations of the general way."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from rltrainer.llama.body import Body
from rltrainer.llama.kernels import normalize_few
from rltrainer.llama.layer import run_layer
from rltrainer.llama.packing import Packed, gather_block, pack_prompts
from rltrainer.llama.products import Product, make_product
from rltrainer.llama.weights import Norm

GROWTH_TOKENS = 64
"""Key-value buffers grow by this many tokens: attention runs over a whole buffer, filled or not."""
PREFILL_TOKENS = 4096
"""Prompt tokens that are computed at once."""


@dataclass(frozen=True, slots=True)
class LayerProducts:
    """One layer, ready for small batches."""

    attention_norm: Norm
    inwards: Product
    """Query, key and value."""
    outwards: Product
    mlp_norm: Norm
    widen: Product
    """Gate and up."""
    narrow: Product


@dataclass(frozen=True, slots=True)
class Products:
    """A network, ready for small batches."""

    layers: tuple[LayerProducts, ...]
    head: Product


def pack_products(body: Body, head: nn.Linear, *, rows: int) -> Products:
    """Everything laid out once; it holds the weights as they are now."""
    dtype = body.dtype

    def make(*linears: nn.Linear) -> Product:
        return make_product(linears, dtype=dtype, rows=rows)

    layers = tuple(
        LayerProducts(
            _cast(layer.attention_norm, dtype),
            make(layer.query, layer.key, layer.value),
            make(layer.output),
            _cast(layer.mlp_norm, dtype),
            make(layer.gate, layer.up),
            make(layer.down),
        )
        for layer in body.weights.layers
    )
    return Products(layers, make(head))


class LlamaDecoder:
    """Rows being decoded; see `rltrainer.rollouts.decoder.Decoder`."""

    retire_share = 0.75

    def __init__(
        self, body: Body, products: Products, prompts: Sequence[tuple[tuple[int, ...], int]], *, room: int
    ) -> None:
        """prompts: each with its number of rows. room: new tokens that must fit."""
        self._body, self._products = body, products
        self._norm = _cast(body.weights.norm, body.dtype)
        self._positions = torch.tensor([len(ids) for ids, _ in prompts])
        self._length = int(self._positions.max())
        self._limit = self._length + room
        shape = len(prompts), body.weights.key_heads, min(self._limit, self._length + GROWTH_TOKENS)
        self._keys = [torch.zeros(*shape, body.weights.head_width, dtype=body.dtype) for _ in products.layers]
        self._values = [torch.zeros_like(keys) for keys in self._keys]
        # 0 where a key counts: the prompt's own now, each new token's as it comes.
        self._mask = torch.full((len(prompts), 1, 1, self._limit), torch.finfo(body.dtype).min, dtype=body.dtype)
        self._mask.masked_fill_((torch.arange(self._limit) < self._positions[:, None])[:, None, None], 0.0)
        last = torch.cat([self._prefill(lot) for lot in _lots([ids for ids, _ in prompts])])
        owners = torch.arange(len(prompts)).repeat_interleave(torch.tensor([count for _, count in prompts]))
        self.select_rows(owners)
        normed = normalize_few(last, self._norm.weight, self._norm.epsilon).to(body.dtype)
        self.logits = self._products.head(normed).index_select(0, owners)

    def select_rows(self, rows: Tensor) -> None:
        """Keep these rows."""
        for buffers in (self._keys, self._values):
            for number, buffer in enumerate(buffers):
                buffers[number] = buffer.index_select(0, rows)
        self._positions = self._positions[rows]
        self._mask = self._mask[rows]

    def advance(self, tokens: Tensor) -> None:
        """Append a token to each row."""
        if self._length == self._keys[0].shape[2]:
            self._grow()
        place = self._length
        self._mask[..., place] = 0.0
        capacity = self._keys[0].shape[2]
        mask = self._mask[..., :capacity].expand(-1, self._body.weights.key_heads, -1, -1).flatten(0, 1)
        cosine, sine = (each.to(self._body.dtype) for each in self._body.turn(self._positions))
        turn = torch.cat([cosine, cosine], dim=-1), torch.cat([-sine, sine], dim=-1)
        states = self._body.embed(tokens)
        for number, layer in enumerate(self._products.layers):
            states = self._run(states, layer, number, place, turn, mask)
        self._length += 1
        self._positions = self._positions + 1
        self.logits = self._products.head(normalize_few(states, self._norm.weight, self._norm.epsilon))

    def _run(
        self, states: Tensor, layer: LayerProducts, number: int, place: int, turn: tuple[Tensor, Tensor], mask: Tensor
    ) -> Tensor:
        weights = self._body.weights
        heads, key_heads, width = weights.heads, weights.key_heads, weights.head_width
        normed = normalize_few(states, layer.attention_norm.weight, layer.attention_norm.epsilon)
        parts = layer.inwards(normed).view(len(states), heads + 2 * key_heads, width)
        turned = _turn(parts[:, : heads + key_heads], *turn)
        keys, values = self._keys[number], self._values[number]
        keys[:, :, place], values[:, :, place] = turned[:, heads:], parts[:, heads + key_heads :]
        query = turned[:, :heads].reshape(len(states) * key_heads, heads // key_heads, width)
        # Keys and values are whole buffers: cut to their filled part, the product would copy them first.
        scores = torch.baddbmm(mask, query, keys.flatten(0, 1).transpose(1, 2), alpha=width**-0.5)
        mixed = torch.bmm(scores.softmax(dim=-1), values.flatten(0, 1)).view(len(states), heads * width)
        middle = layer.outwards.onto(mixed, states)
        normed = normalize_few(middle, layer.mlp_norm.weight, layer.mlp_norm.epsilon)
        gate, up = layer.widen(normed).chunk(2, dim=1)
        return layer.narrow.onto(nn.functional.silu(gate).mul_(up), middle)

    def _grow(self) -> None:
        more = min(self._limit - self._length, max(GROWTH_TOKENS, self._length // 4))
        for buffers in (self._keys, self._values):
            for number, buffer in enumerate(buffers):
                buffers[number] = nn.functional.pad(buffer, (0, 0, 0, more))

    def _prefill(self, lot: "_Lot") -> Tensor:
        """Keys and values of some prompts into the buffers; gives the last states [prompts, width] before the norm."""
        packed = pack_prompts(lot.prompts)
        own = self._body.prepare(packed)
        states = self._body.embed(packed.input_ids).float()
        layers = self._body.weights.layers
        for number, layer in enumerate(layers):
            last = packed.ends if number == len(layers) - 1 else None
            states, (_, keys, values) = run_layer(states, layer, own, last)
            self._keep(self._keys[number], keys, packed, lot)
            self._keep(self._values[number], values, packed, lot)
        return states

    def _keep(self, buffer: Tensor, flat: Tensor, packed: Packed, lot: "_Lot") -> None:
        block = gather_block(flat, packed.prompts).transpose(1, 2)
        buffer[lot.start : lot.start + len(block), :, : block.shape[2]] = block


@dataclass(frozen=True, slots=True)
class _Lot:
    """Neighbouring prompts that are computed together."""

    start: int
    prompts: tuple[tuple[int, ...], ...]


def _lots(prompts: Sequence[tuple[int, ...]]) -> Iterator[_Lot]:
    start, used = 0, 0
    for place, ids in enumerate(prompts):
        if place > start and used + len(ids) > PREFILL_TOKENS:
            yield _Lot(start, tuple(prompts[start:place]))
            start, used = place, 0
        used += len(ids)
    yield _Lot(start, tuple(prompts[start:]))


def _turn(states: Tensor, cosine: Tensor, sine: Tensor) -> Tensor:
    """`kernels.rotate` in fewer operations, with cosines and signed sines of both halves."""
    first, second = states.chunk(2, dim=-1)
    return torch.addcmul(states * cosine, torch.cat([second, first], dim=-1), sine)


def _cast(norm: Norm, dtype: torch.dtype) -> Norm:
    return Norm(norm.weight.detach().to(dtype), norm.epsilon)  # type: ignore[arg-type]
