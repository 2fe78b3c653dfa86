"""What decodes a batch of rows token by token: our own Llama, or any network by transformers."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Protocol

from torch import Tensor
from transformers import PreTrainedModel

from rltrainer.architecture import output_head
from rltrainer.llama.body import find_body
from rltrainer.llama.decoding import LlamaDecoder, prepare_decoding
from rltrainer.rollouts.engine import SamplingRequest
from rltrainer.rollouts.graphed_decoder import GraphedDecoder, can_record
from rltrainer.rollouts.packed_linear import packed_linears
from rltrainer.rollouts.transformers_decoder import TransformersDecoder


class Decoder(Protocol):
    """The rows being decoded."""

    logits: Tensor
    """[rows, vocabulary] of each row's next token."""
    retire_share: float
    """Finished rows are worth taking out once at most this share of the rows is still being written."""

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
    if body is None and can_record(model):
        yield lambda requests, room: GraphedDecoder(model, requests, room)
        return
    if body is None:
        with packed_linears(model, rows=rows):
            yield lambda requests, room: TransformersDecoder(model, requests, room)
        return
    token_pass = prepare_decoding(body, output_head(model), rows=rows)
    yield lambda requests, room: LlamaDecoder(
        body, token_pass, [(request.prompt_ids, len(request.seeds)) for request in requests], room=room
    )
