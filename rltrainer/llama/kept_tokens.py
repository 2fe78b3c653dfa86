"""Keys and values of the tokens that rows have so far, while they are decoded."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from rltrainer.llama.weights import LlamaWeights

GROWTH_TOKENS = 64
"""Buffers grow by this many tokens: torch's products run over a whole buffer, filled or not."""


class KeptTokens:
    """Of every row its prompt's own tokens, from the left, and behind the longest prompt its completion's."""

    def __init__(self, weights: LlamaWeights, dtype: torch.dtype, prompts: Sequence[int], *, room: int) -> None:
        """prompts: the tokens of each, a row each for now. room: new tokens that must fit."""
        self.prompts = torch.tensor(prompts)
        """[rows]: tokens of each row's own prompt."""
        self.longest = self.length = max(prompts)
        self._limit = self.longest + room
        shape = len(prompts), weights.key_heads, min(self._limit, self.longest + GROWTH_TOKENS), weights.head_width
        self.keys = [torch.zeros(shape, dtype=dtype) for _ in weights.layers]
        """[rows, key heads, capacity, head width] of each layer"""
        self.values = [torch.zeros_like(keys) for keys in self.keys]

    @property
    def capacity(self) -> int:
        """Tokens for which buffers have room."""
        return self.keys[0].shape[2]

    @property
    def positions(self) -> Tensor:
        """[rows]: that of each row's next token."""
        return self.prompts + (self.length - self.longest)

    def select_rows(self, rows: Tensor) -> None:
        """Keep these rows; one may be named several times."""
        for buffers in (self.keys, self.values):
            for number, buffer in enumerate(buffers):
                buffers[number] = buffer.index_select(0, rows)
        self.prompts = self.prompts[rows]

    def make_room(self) -> None:
        """See to it that another token fits. Raises: ValueError where there was to be no room for it."""
        if self.length >= self._limit:
            raise ValueError(
                f"there was to be room for {self._limit - self.longest} new tokens, and all of it is taken"
            )
        if self.length < self.capacity:
            return
        more = min(self._limit - self.length, max(GROWTH_TOKENS, self.length // 4))
        for buffers in (self.keys, self.values):
            for number, buffer in enumerate(buffers):
                buffers[number] = nn.functional.pad(buffer, (0, 0, 0, more))
