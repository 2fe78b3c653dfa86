"""Texts into vectors: the mean of a base model's last hidden states. JSON Lines in, JSON Lines out."""

import json
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TextIO

import torch
from torch import Tensor
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from rewardmodel.batching import group_rows, pad_right
from rewardmodel.records import DataError
from rewardmodel.runtime.backbones import load_backbone, load_tokenizer
from rewardmodel.runtime.device import select_device
from rewardmodel.runtime.faults import Cancelled

BATCH_TOKENS = 2048
MOST_TOKENS = 128
"""Of each text the first so many are read: what is asked stands there, and a long document would cost the most."""


class Embedder:
    """Embeds texts with the base model of a folder, on a GPU where there is one, else with one thread."""

    def __init__(self, folder: Path) -> None:
        compute = select_device(precision="float32", threads=1)
        self.tokenizer: PreTrainedTokenizerBase = load_tokenizer(folder)
        self.network: PreTrainedModel = load_backbone(folder, dtype=compute.compute_dtype)
        torch.nn.Module.to(self.network, compute.device)

    def embed(self, texts: Sequence[str], *, check: Callable[[], None] = lambda: None) -> Tensor:
        """[texts, width] float32 rows of length 1; a row does not depend on what stands beside it (to 1e-5).

        check: called before every batch; what it raises ends the work.
        """
        rows = [self._token_ids(text) for text in texts]
        found = torch.zeros(len(rows), int(self.network.config.hidden_size))
        for group in group_rows([len(row) for row in rows], batch_tokens=BATCH_TOKENS):
            check()
            found[group] = self._embed_rows([rows[index] for index in group])
        return found

    @torch.inference_mode()
    def _embed_rows(self, rows: Sequence[Sequence[int]]) -> Tensor:
        ids, lengths = pad_right(rows, pad_id=int(self.tokenizer.eos_token_id))
        is_text = torch.arange(ids.shape[1]) < lengths[:, None]
        device = self.network.device
        states = self.network(input_ids=ids.to(device), attention_mask=is_text.long().to(device)).last_hidden_state
        return mean_direction(states, is_text.to(device)).cpu()

    def _token_ids(self, text: str) -> list[int]:
        """Plain text: what looks like a special token is read as the letters it is made of."""
        # A lone surrogate, which JSON can carry, is no text that a tokenizer takes.
        clean = text.encode("utf-8", "replace").decode("utf-8")
        ids = list(self.tokenizer(clean, add_special_tokens=False, split_special_tokens=True)["input_ids"])
        return ids[:MOST_TOKENS] or [int(self.tokenizer.eos_token_id)]


def mean_direction(states: Tensor, is_text: Tensor) -> Tensor:
    """The direction of the mean over the text's tokens, float32.

    states: [rows, tokens, width]. is_text: [rows, tokens] bool, True = counts; each row has one at least.
    Returns: [rows, width], each row of length 1.
    Raises: ValueError where the shapes do not fit.
    """
    if states.shape[:2] != is_text.shape:
        raise ValueError(f"states {tuple(states.shape)} and mask {tuple(is_text.shape)} do not fit")
    total = (states.float() * is_text[..., None]).sum(dim=1)
    return torch.nn.functional.normalize(total, dim=-1)


def embed_lines(folder: Path, lines: Iterable[str], out: TextIO, *, seconds: float) -> None:
    """`{"text": …}` a line -> `{"embedding": […]}` a line, in the same order; all of them or none.

    seconds: the time limit, model and all.
    Raises: ConfigError for a folder that is no model; DataError with the line; Cancelled when the time is over.
    """
    deadline = time.monotonic() + seconds

    def check() -> None:
        if time.monotonic() > deadline:
            raise Cancelled(f"not done within {seconds:g} seconds")

    texts = list(read_texts(lines))
    for row in Embedder(folder).embed(texts, check=check).tolist():
        out.write(json.dumps({"embedding": row}, allow_nan=False) + "\n")
    out.flush()


def read_texts(lines: Iterable[str]) -> Iterator[str]:
    """The texts of JSON Lines, before which a byte order mark may stand.

    Raises: DataError with the number of the first line that is none.
    """
    for number, line in enumerate(lines, 1):
        try:
            row = json.loads(line.removeprefix("\ufeff"))
        except ValueError as error:
            raise DataError(f"stdin:{number}: this is no JSON: {error}") from error
        if not isinstance(row, dict) or set(row) != {"text"} or not isinstance(row["text"], str):
            raise DataError(f'stdin:{number}: a line is an object with one key: {{"text": "…"}}')
        yield row["text"]


def embed_stdin(folder: Path, *, seconds: float) -> None:
    """The command `embed`."""
    embed_lines(folder, sys.stdin, sys.stdout, seconds=seconds)
