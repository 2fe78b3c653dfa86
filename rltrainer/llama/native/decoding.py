"""One token a row through a Llama-shaped network by our kernels in C (`decode.c`), for bfloat16 on a CPU."""

import ctypes
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from rltrainer.llama.body import Body
from rltrainer.llama.kept_tokens import KeptTokens
from rltrainer.llama.native.library import find_library
from rltrainer.llama.weights import LayerWeights, LlamaWeights, Norm

LANES = 16
"""Outputs of a product that are computed together; those of all layers are multiples of it."""
_COUNT, _POINTER = ctypes.c_int64, ctypes.c_void_p


class _Product(ctypes.Structure):
    _fields_ = (("weight", _POINTER), ("bias", _POINTER), ("outputs", _COUNT), ("inputs", _COUNT))


class _Norm(ctypes.Structure):
    _fields_ = (("weight", _POINTER), ("epsilon", ctypes.c_float))


class _Layer(ctypes.Structure):
    _fields_ = (
        *((name, _Norm) for name in ("attention_norm", "mlp_norm")),
        *((name, _Product) for name in ("inwards", "outwards", "widen", "narrow")),
        *((name, _POINTER) for name in ("keys", "values")),
    )


class _Network(ctypes.Structure):
    _fields_ = (
        *((name, _COUNT) for name in ("layers", "width", "heads", "key_heads", "head_width", "inner")),
        ("norm", _Norm),
        ("head", _Product),
    )


class _Step(ctypes.Structure):
    _fields_ = (
        *((name, _COUNT) for name in ("rows", "threads", "capacity", "slot", "longest")),
        *((name, _POINTER) for name in ("prompts", "cosine", "sine", "states", "logits")),
        *((name, _POINTER) for name in ("normed", "inward", "mixed", "gated", "scores")),
    )


def prepare_native(body: Body, head: nn.Linear) -> "NativeDecoding | None":
    """The weights as they are now, laid out for our kernels; None where these do not fit or cannot be had."""
    if body.dtype != torch.bfloat16 or not _fits(body.weights):
        return None
    library = find_library()
    return None if library is None else NativeDecoding(library, body.weights, head)


def _fits(weights: LlamaWeights) -> bool:
    """Whether all layers are of one shape, in whole blocks."""
    shapes = {tuple(size for linear in layer.linears for size in linear.weight.shape) for layer in weights.layers}
    return len(shapes) == 1 and all(size % LANES == 0 for size in shapes.pop())


class NativeDecoding:
    """A network, laid out for our kernels; see `rltrainer.llama.decoding.TokenPass`."""

    def __init__(self, library: ctypes.CDLL, weights: LlamaWeights, head: nn.Linear) -> None:
        self._library = library
        self._vocabulary = head.out_features
        # What the structures point to.
        self._held: list[Tensor] = []
        layers = [self._lay_out_layer(layer) for layer in weights.layers]
        self._layers = (_Layer * len(layers))(*layers)
        ends = self._lay_out_norm(weights.norm), self._lay_out([head])
        shape = weights.embeddings.shape[1], weights.heads, weights.key_heads, weights.head_width
        inner = weights.layers[0].gate.out_features
        self._network = _Network(len(layers), *shape, inner, *ends)
        self._end = _Network(0, *shape, inner, *ends)

    def advance(self, states: Tensor, turn: tuple[Tensor, Tensor], kept: KeptTokens) -> Tensor:
        for layer, keys, values in zip(self._layers, kept.keys, kept.values, strict=True):
            layer.keys, layer.values = keys.data_ptr(), values.data_ptr()
        cosine, sine = (each.contiguous() for each in turn)
        counts = {"capacity": kept.capacity, "slot": kept.length, "longest": kept.longest}
        return self._run(self._network, states, counts, prompts=kept.prompts.contiguous(), cosine=cosine, sine=sine)

    def foretell(self, states: Tensor) -> Tensor:
        return self._run(self._end, states, {"capacity": 0})

    def _run(self, network: _Network, states: Tensor, counts: dict[str, int], **tensors: Tensor) -> Tensor:
        """Logits in float32. tensors: what the step points to beside what every step does."""
        rows, threads = len(states), torch.get_num_threads()
        if states.shape != (rows, network.width):
            raise ValueError(f"states are [rows, {network.width}], not {list(states.shape)}")

        def make_room(width: int, dtype: torch.dtype = torch.bfloat16) -> Tensor:
            return torch.empty(rows, width, dtype=dtype)

        logits = make_room(network.head.outputs, torch.float32)
        tensors |= {
            "states": states.to(torch.float32, copy=True, memory_format=torch.contiguous_format),
            "logits": logits,
            "normed": make_room(network.width),
            "inward": make_room(self._layers[0].inwards.outputs, torch.float32),
            "mixed": make_room(network.heads * network.head_width),
            "gated": make_room(network.inner),
            "scores": torch.empty(threads, counts["capacity"]),
        }
        places = {name: tensor.data_ptr() for name, tensor in tensors.items()}
        step = _Step(rows=rows, threads=threads, **counts, **places)
        self._library.concord_advance(ctypes.byref(network), self._layers, ctypes.byref(step))
        return logits[:, : self._vocabulary]

    def _lay_out_layer(self, layer: LayerWeights) -> _Layer:
        return _Layer(
            self._lay_out_norm(layer.attention_norm),
            self._lay_out_norm(layer.mlp_norm),
            self._lay_out([layer.query, layer.key, layer.value]),
            self._lay_out([layer.output]),
            self._lay_out([layer.gate, layer.up], by_turns=True),
            self._lay_out([layer.down]),
        )

    def _lay_out_norm(self, norm: Norm) -> _Norm:
        return _Norm(self._hold(norm.weight.detach().to(torch.float32, copy=True)), norm.epsilon)

    def _lay_out(self, linears: Sequence[nn.Linear], *, by_turns: bool = False) -> _Product:
        """The layers as one product, one behind the other, or a block of each by turns; padded to whole blocks."""
        inputs, counts = linears[0].in_features, [-(-linear.out_features // LANES) for linear in linears]
        weight = torch.empty(sum(counts), inputs, LANES, dtype=torch.bfloat16)
        bias = torch.zeros(sum(counts), LANES)
        stride = len(linears) if by_turns else 1
        for number, (linear, count) in enumerate(zip(linears, counts, strict=True)):
            first = number if by_turns else sum(counts[:number])
            rows = linear.weight.detach().to(torch.bfloat16).contiguous()
            sizes = map(_COUNT, (linear.out_features, inputs, stride, torch.get_num_threads()))
            self._library.concord_lay_out(_POINTER(rows.data_ptr()), *sizes, _POINTER(weight[first].data_ptr()))
            if linear.bias is not None:
                own = linear.bias.detach().float()
                whole = nn.functional.pad(own, (0, count * LANES - len(own)))
                bias[first::stride][:count] = whole.view(count, LANES)
        has_bias = any(linear.bias is not None for linear in linears)
        return _Product(self._hold(weight), self._hold(bias) if has_bias else None, bias.numel(), inputs)

    def _hold(self, tensor: Tensor) -> int:
        self._held.append(tensor)
        return tensor.data_ptr()
