"""Decoding of many rows with a Llama-shaped network: prompts by its own layers, new tokens by what is fast for few."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor, nn

from rltrainer.llama.body import Body
from rltrainer.llama.kept_tokens import KeptTokens
from rltrainer.llama.layer import run_layer
from rltrainer.llama.native.decoding import prepare_native
from rltrainer.llama.packing import Packed, gather_block, pack_prompts
from rltrainer.llama.plain_decoding import prepare_plain

PREFILL_TOKENS = 4096
"""Prompt tokens that are computed at once."""


class TokenPass(Protocol):
    """How one token a row is computed. The network's weights must not change while it is used."""

    def advance(self, states: Tensor, turn: tuple[Tensor, Tensor], kept: KeptTokens) -> Tensor:
        """Logits [rows, vocabulary] of the next tokens, in float32 or the body's precision.

        states: embeddings [rows, width] of these, whose keys and values are put with the others. turn: cosines and
        sines [rows, 1, head width / 2] float32 of their positions.
        """
        ...

    def foretell(self, states: Tensor) -> Tensor:
        """Logits [rows, vocabulary] from what the last layer gave [rows, width]."""
        ...


def prepare_decoding(body: Body, head: nn.Linear, *, rows: int) -> TokenPass:
    """The weights laid out once for so many rows: for our own kernels where this machine has them and they fit."""
    return prepare_native(body, head) or prepare_plain(body, head, rows=rows)


class LlamaDecoder:
    """Rows being decoded; see `rltrainer.rollouts.decoder.Decoder`."""

    retire_share = 0.75

    def __init__(
        self, body: Body, token_pass: TokenPass, prompts: Sequence[tuple[tuple[int, ...], int]], *, room: int
    ) -> None:
        """prompts: each with its number of rows. room: new tokens that must fit."""
        self._body, self._pass = body, token_pass
        self._kept = KeptTokens(body.weights, body.dtype, [len(ids) for ids, _ in prompts], room=room)
        last = torch.cat([self._prefill(lot) for lot in _lots([ids for ids, _ in prompts])])
        owners = torch.arange(len(prompts)).repeat_interleave(torch.tensor([count for _, count in prompts]))
        self._kept.select_rows(owners)
        self.logits = self._pass.foretell(last).index_select(0, owners)

    def select_rows(self, rows: Tensor) -> None:
        """Keep these rows."""
        self._kept.select_rows(rows)

    def advance(self, tokens: Tensor) -> None:
        """Append a token to each row."""
        self._kept.make_room()
        turn = self._body.turn(self._kept.positions)
        self.logits = self._pass.advance(self._body.embed(tokens), turn, self._kept)
        self._kept.length += 1

    def _prefill(self, lot: "_Lot") -> Tensor:
        """Keys and values of some prompts into the buffers; gives the last states [prompts, width] before the norm."""
        packed = pack_prompts(lot.prompts)
        own = self._body.prepare(packed)
        states = self._body.embed(packed.input_ids).float()
        layers = self._body.weights.layers
        for number, layer in enumerate(layers):
            last = packed.ends if number == len(layers) - 1 else None
            states, (_, keys, values) = run_layer(states, layer, own, last)
            self._keep(self._kept.keys[number], keys, packed, lot)
            self._keep(self._kept.values[number], values, packed, lot)
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
