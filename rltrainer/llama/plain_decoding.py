"""One token a row through a Llama-shaped network by torch: a third of the operations of the general way."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from rltrainer.llama.body import Body
from rltrainer.llama.kept_tokens import KeptTokens
from rltrainer.llama.kernels import normalize_few
from rltrainer.llama.products import Product, make_product
from rltrainer.llama.weights import Norm


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


def prepare_plain(body: Body, head: nn.Linear, *, rows: int) -> "PlainDecoding":
    """The weights as they are now, laid out for so many rows."""
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
    return PlainDecoding(body, layers, _cast(body.weights.norm, dtype), make(head))


class PlainDecoding:
    """A network, ready for small batches; see `rltrainer.llama.decoding.TokenPass`."""

    def __init__(self, body: Body, layers: tuple[LayerProducts, ...], norm: Norm, head: Product) -> None:
        self._body, self._layers, self._norm, self._head = body, layers, norm, head

    def foretell(self, states: Tensor) -> Tensor:
        return self._head(normalize_few(states, self._norm.weight, self._norm.epsilon).to(self._body.dtype))

    def advance(self, states: Tensor, turn: tuple[Tensor, Tensor], kept: KeptTokens) -> Tensor:
        cosine, sine = (each.to(self._body.dtype) for each in turn)
        turn = torch.cat([cosine, cosine], dim=-1), torch.cat([-sine, sine], dim=-1)
        mask = self._mask(kept)
        for number, layer in enumerate(self._layers):
            states = self._run(states, layer, kept.keys[number], kept.values[number], kept.length, turn, mask)
        return self.foretell(states)

    def _mask(self, kept: KeptTokens) -> Tensor:
        """[rows * key heads, 1, capacity]: 0 where a key counts, else what no score makes up for."""
        places = torch.arange(kept.capacity)
        counts = (places < kept.prompts[:, None]) | ((places >= kept.longest) & (places <= kept.length))
        mask = torch.full(counts.shape, torch.finfo(self._body.dtype).min, dtype=self._body.dtype)
        mask.masked_fill_(counts, 0.0)
        return mask[:, None, None].expand(-1, self._body.weights.key_heads, -1, -1).flatten(0, 1)

    def _run(
        self,
        states: Tensor,
        layer: LayerProducts,
        keys: Tensor,
        values: Tensor,
        place: int,
        turn: tuple[Tensor, Tensor],
        mask: Tensor,
    ) -> Tensor:
        weights = self._body.weights
        heads, key_heads, width = weights.heads, weights.key_heads, weights.head_width
        normed = normalize_few(states, layer.attention_norm.weight, layer.attention_norm.epsilon)
        parts = layer.inwards(normed).view(len(states), heads + 2 * key_heads, width)
        turned = _turn(parts[:, : heads + key_heads], *turn)
        keys[:, :, place], values[:, :, place] = turned[:, heads:], parts[:, heads + key_heads :]
        query = turned[:, :heads].reshape(len(states) * key_heads, heads // key_heads, width)
        # Keys and values are whole buffers: cut to their filled part, the product would copy them first.
        scores = torch.baddbmm(mask, query, keys.flatten(0, 1).transpose(1, 2), alpha=width**-0.5)
        mixed = torch.bmm(scores.softmax(dim=-1), values.flatten(0, 1)).view(len(states), heads * width)
        middle = layer.outwards.onto(mixed, states)
        normed = normalize_few(middle, layer.mlp_norm.weight, layer.mlp_norm.epsilon)
        gate, up = layer.widen(normed).chunk(2, dim=1)
        return layer.narrow.onto(nn.functional.silu(gate).mul_(up), middle)


def _turn(states: Tensor, cosine: Tensor, sine: Tensor) -> Tensor:
    """`kernels.rotate` in fewer operations, with cosines and signed sines of both halves."""
    first, second = states.chunk(2, dim=-1)
    return torch.addcmul(states * cosine, torch.cat([second, first], dim=-1), sine)


def _cast(norm: Norm, dtype: torch.dtype) -> Norm:
    return Norm(norm.weight.detach().to(dtype), norm.epsilon)  # type: ignore[arg-type]
