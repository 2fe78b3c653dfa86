"""Keys and values of all rows of a decode, in buffers made once."""

from torch import Tensor
from transformers.cache_utils import Cache, CacheLayerMixin


class BufferLayer(CacheLayerMixin):
    """One attention layer's keys and values: [rows, heads, capacity, width], filled from the left.

    Appending writes in place, where a growing cache would copy everything at each token. With a `place`, a tensor that
    moves on by itself, the same operations append whatever the length is: they can be recorded.
    """

    # There from the first update on; before it the base class has None here, and nothing reads it.
    keys: Tensor
    values: Tensor

    def __init__(self, capacity: int) -> None:
        super().__init__()
        self.capacity = capacity
        self.length = 0
        self.place: Tensor | None = None
        self.bound = capacity

    def lazy_initialization(self, key_states: Tensor, value_states: Tensor) -> None:
        """Make the buffers on first use, when shapes are known."""
        rows, heads, _, width = key_states.shape
        self.keys = key_states.new_zeros(rows, heads, self.capacity, width)
        self.values = value_states.new_zeros(rows, heads, self.capacity, value_states.shape[-1])
        self.is_initialized = True

    def update(
        self, key_states: Tensor, value_states: Tensor, *args: object, **kwargs: object
    ) -> tuple[Tensor, Tensor]:
        """Append the new tokens and give all keys and values so far, as views."""
        if not self.is_initialized:
            self.lazy_initialization(key_states, value_states)
        if self.place is not None:
            self.keys.index_copy_(2, self.place, key_states)
            self.values.index_copy_(2, self.place, value_states)
            return self.keys[:, :, : self.bound], self.values[:, :, : self.bound]
        end = self.length + key_states.shape[2]
        self.keys[:, :, self.length : end] = key_states
        self.values[:, :, self.length : end] = value_states
        self.length = end
        return self.keys[:, :, :end], self.values[:, :, :end]

    def get_mask_sizes(self, query_length: int) -> tuple[int, int]:
        """Keys seen by a query of this many tokens, and the offset of the first."""
        return self.length + query_length, 0

    def get_seq_length(self) -> int:
        """Tokens held."""
        return self.length

    def get_max_length(self) -> int:
        """Tokens that fit."""
        return self.capacity

    def select_rows(self, rows: Tensor) -> None:
        """Keep these rows, in this order; a row may be named several times."""
        self.keys = self.keys.index_select(0, rows)
        self.values = self.values.index_select(0, rows)


class BufferCache(Cache):
    """The cache of a whole network."""

    def __init__(self, *, layers: int, capacity: int) -> None:
        self._buffers = [BufferLayer(capacity) for _ in range(layers)]
        super().__init__(layers=[*self._buffers])

    def write_at(self, place: Tensor) -> None:
        """From now on append a token where `place`, [1] int64, says, and give whole buffers up to `read_until`."""
        for layer in self._buffers:
            layer.place = place

    def read_until(self, bound: int) -> None:
        """How many tokens of the buffers are given, with `write_at`."""
        for layer in self._buffers:
            layer.bound = bound

    def select_rows(self, rows: Tensor) -> None:
        """Keep these rows of every layer: to give each completion its prompt, and to retire finished ones."""
        for layer in self._buffers:
            layer.select_rows(rows)
