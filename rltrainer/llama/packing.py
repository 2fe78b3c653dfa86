"""Completions as one flat row of tokens, without padding: prompts first, then completions."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from rltrainer.attention_mask import additive_mask
from rltrainer.layouts import Cluster


@dataclass(frozen=True, slots=True)
class Segments:
    """Runs of a flat row as a padded block and back."""

    places: Tensor
    """[runs, longest]: the flat place of each token; 0 for padding."""
    real: Tensor
    """[tokens]: the places of the runs' own tokens in the flattened block."""
    start: int
    """The flat place of the first token; the others follow."""

    @property
    def is_full(self) -> bool:
        """Whether all runs are equally long, and the block is the flat row itself."""
        return len(self.real) == self.places.numel()

    def pad(self, flat: Tensor) -> Tensor:
        """[tokens of the whole row, ...] -> [runs, longest, ...]; what stands in padding is not to be read."""
        if self.is_full:
            return flat[self.start : self.start + len(self.real)].view(*self.places.shape, *flat.shape[1:])
        return flat.index_select(0, self.places.flatten()).view(*self.places.shape, *flat.shape[1:])

    def pad_with_zeros(self, flat: Tensor) -> Tensor:
        """The same with zeros in the padding: for gradients, which would count."""
        block = self.pad(flat)
        if self.is_full:
            return block
        empty = torch.ones(self.places.numel(), dtype=torch.bool)
        empty[self.real] = False
        return block.masked_fill_(empty.view(*self.places.shape, *[1] * (flat.ndim - 1)), 0.0)

    def unpad(self, block: Tensor) -> Tensor:
        """[runs, longest, ...] -> [tokens of the runs, ...]"""
        return block.flatten(0, 1) if self.is_full else block.flatten(0, 1).index_select(0, self.real)


@dataclass(frozen=True, slots=True)
class Packed:
    """The input of one pass: each prompt once, and every completion after the prompts."""

    input_ids: Tensor
    """[tokens]"""
    position_ids: Tensor
    """[tokens]; a completion counts on from its prompt's end."""
    prompts: Segments
    completions: Segments | None
    """None where there are prompts alone."""
    owners: Tensor
    """[completions]: the prompt of each."""
    prompt_lengths: Tensor
    """[prompts]"""
    sources: Tensor
    """[completion tokens]: the place whose hidden state predicts the token."""

    @property
    def prompt_tokens(self) -> int:
        """Tokens of all prompts, which stand first."""
        return len(self.prompts.real)

    def prompt_mask(self) -> Tensor:
        """What is added to the attention scores of prompts: [1, 1, longest, longest]. Padding stands behind."""
        longest = self.prompts.places.shape[1]
        return additive_mask(torch.ones(1, longest, longest, dtype=torch.bool).tril(), torch.float32)

    def completion_mask(self) -> Tensor:
        """The same for completions, which see their prompt and themselves: [completions or 1, 1, own, prompt + own]."""
        assert self.completions is not None
        prompt, own = self.prompts.places.shape[1], self.completions.places.shape[1]
        lengths = self.prompt_lengths[self.owners]
        if bool((lengths == prompt).all()):
            lengths = lengths[:1]
        within = (torch.arange(prompt) < lengths[:, None])[:, None].expand(-1, own, -1)
        causal = torch.ones(own, own, dtype=torch.bool).tril().expand(len(lengths), -1, -1)
        return additive_mask(torch.cat([within, causal], dim=2), torch.float32)


def pack_clusters(clusters: Sequence[Cluster]) -> Packed:
    """Prompts and completions of these clusters; completions in the clusters' order."""
    prompts = [cluster.prompt_ids for cluster in clusters]
    completions = [own for cluster in clusters for own in cluster.completions]
    owners = [number for number, cluster in enumerate(clusters) for _ in cluster.completions]
    starts = [len(prompts[owner]) for owner in owners]
    total = sum(map(len, prompts))
    ends = torch.tensor([len(ids) for ids in prompts]).cumsum(0)
    return Packed(
        input_ids=torch.tensor([token for ids in [*prompts, *completions] for token in ids]),
        position_ids=torch.tensor(
            [place for ids in prompts for place in range(len(ids))]
            + [start + place for start, own in zip(starts, completions, strict=True) for place in range(len(own))]
        ),
        prompts=_segments([len(ids) for ids in prompts], offset=0),
        completions=_segments([len(own) for own in completions], offset=total) if completions else None,
        owners=torch.tensor(owners, dtype=torch.int64),
        prompt_lengths=torch.tensor([len(ids) for ids in prompts]),
        sources=_sources([int(ends[owner]) - 1 for owner in owners], [len(own) for own in completions], total),
    )


def _segments(lengths: Sequence[int], *, offset: int) -> Segments:
    longest = max(lengths)
    sizes = torch.tensor(lengths)
    within = torch.arange(longest)
    real = within < sizes[:, None]
    starts = offset + sizes.cumsum(0) - sizes
    return Segments((starts[:, None] + within).where(real, 0), real.flatten().nonzero().squeeze(1), offset)


def _sources(last_of_prompt: Sequence[int], lengths: Sequence[int], offset: int) -> Tensor:
    """A completion's first token is foretold by its prompt's last place, any other by the place before."""
    places: list[int] = []
    for last, length in zip(last_of_prompt, lengths, strict=True):
        places.extend([last, *range(offset, offset + length - 1)])
        offset += length
    return torch.tensor(places, dtype=torch.int64)
