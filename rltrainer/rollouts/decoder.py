"""What decodes a batch of rows token by token: our own Llama, or any network by transformers."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Protocol

import torch
from torch import Tensor
from transformers import PreTrainedModel

from rltrainer.architecture import hidden_states, output_head
from rltrainer.attention_mask import additive_mask
from rltrainer.llama.body import find_body
from rltrainer.llama.decoding import LlamaDecoder, pack_products
from rltrainer.rollouts.decode_attention import decode_attention
from rltrainer.rollouts.engine import SamplingRequest
from rltrainer.rollouts.kv_cache import BufferCache
from rltrainer.rollouts.packed_linear import packed_linears


class Decoder(Protocol):
    """The rows being decoded."""

    logits: Tensor
    """[rows, vocabulary] of each row's next token."""

    def select_rows(self, rows: Tensor) -> None:
        """Keep these rows; the logits are not kept in step, for `advance` makes new ones."""
        ...

    def advance(self, tokens: Tensor) -> None:
        """Append a token [rows] to each row."""
        ...


Start = Callable[[Sequence[SamplingRequest], int], Decoder]
"""Computes prompts and gives a row for each of their seeds, with room for so many new tokens."""


@contextmanager
def open_decoders(model: PreTrainedModel, *, rows: int) -> Iterator[Start]:
    """Inside the block decoders may be started; the network's weights must not change meanwhile.

    rows: how many are decoded together at most.
    """
    body = find_body(model)
    if body is None:
        with packed_linears(model, rows=rows):
            yield lambda requests, room: TransformersDecoder(model, requests, room)
        return
    products = pack_products(body, output_head(model), rows=rows)
    yield lambda requests, room: LlamaDecoder(
        body, products, [(request.prompt_ids, len(request.seeds)) for request in requests], room=room
    )


class TransformersDecoder:
    """Any network, over a key-value cache in buffers."""

    def __init__(self, model: PreTrainedModel, requests: Sequence[SamplingRequest], room: int) -> None:
        self.model = model
        device = next(model.parameters()).device
        lengths = torch.tensor([len(request.prompt_ids) for request in requests], device=device)
        width = int(lengths.max())
        # Padding stands on the right, where causal attention never looks: no mask is needed here.
        padded = [[*request.prompt_ids, *[0] * (width - len(request.prompt_ids))] for request in requests]
        self._cache = BufferCache(layers=model.config.num_hidden_layers, capacity=width + room)
        hidden = hidden_states(
            model, input_ids=torch.tensor(padded, device=device), past_key_values=self._cache, use_cache=True
        )
        last = hidden[torch.arange(len(requests), device=device), lengths - 1]
        self._positions = lengths
        self._mask = _mask(lengths, width, room, hidden.dtype)
        counts = torch.tensor([len(request.seeds) for request in requests], device=device)
        owners = torch.arange(len(requests), device=device).repeat_interleave(counts)
        self.select_rows(owners)
        self.logits = output_head(model)(last)[owners]

    def select_rows(self, rows: Tensor) -> None:
        """Keep these rows."""
        self._cache.select_rows(rows)
        self._positions = self._positions[rows]
        self._mask = None if self._mask is None else self._mask[rows]

    def advance(self, tokens: Tensor) -> None:
        """Append a token to each row."""
        length = self._cache.get_seq_length() + 1
        mask = None if self._mask is None else self._mask[..., :length]
        with decode_attention(self.model):
            hidden = hidden_states(
                self.model,
                input_ids=tokens[:, None],
                attention_mask=mask,
                position_ids=self._positions[:, None],
                past_key_values=self._cache,
                use_cache=True,
            )
        self._positions = self._positions + 1
        self.logits = output_head(self.model)(hidden[:, -1])


def _mask(lengths: Tensor, width: int, room: int, dtype: torch.dtype) -> Tensor | None:
    """Which keys count for the sampled tokens: all but the padding behind shorter prompts; None where there is none."""
    if bool((lengths == width).all()):
        return None
    places = torch.arange(width + room, device=lengths.device)[None]
    return additive_mask((places < lengths[:, None]) | (places >= width), dtype)
