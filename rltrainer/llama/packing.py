"""Completions as one flat row of tokens, without padding: stems first, then the branches that continue them.

A stem is a prompt, and its branches the completions; or what several prompts begin with, such as the system message
that a chat template puts before every question, and its branches go on from there to the end of a completion.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, takewhile

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from rltrainer.attention_mask import additive_mask
from rltrainer.layouts import Cluster

LEAST_SHARED = 8
"""Prompts that begin with the same tokens, so many at least, may share their beginning."""
Ids = tuple[int, ...]


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
        return gather_block(flat, self.places)

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
    """The input of one pass: each stem once, and every branch after the stems."""

    input_ids: Tensor
    """[tokens]"""
    position_ids: Tensor
    """[tokens]; a branch counts on from its stem's end."""
    stems: Segments
    branches: Segments | None
    """None where there are stems alone."""
    owners: Tensor
    """[branches]: the stem of each."""
    stem_lengths: Tensor
    """[stems]"""
    sources: Tensor
    """[completion tokens]: the place whose hidden state predicts the token."""
    prompts: Tensor
    """[prompts, longest]: the place of each prompt's tokens; 0 for padding."""
    ends: Tensor
    """[prompts]: the place of each prompt's last token."""

    def stem_mask(self) -> Tensor:
        """What is added to the attention scores of stems: [1, 1, longest, longest]. Padding stands behind."""
        longest = self.stems.places.shape[1]
        return additive_mask(torch.ones(1, longest, longest, dtype=torch.bool).tril(), torch.float32)

    def branch_mask(self) -> Tensor:
        """The same for branches, which see their stem and themselves: [branches or 1, 1, own, stem + own]."""
        assert self.branches is not None
        stem, own = self.stems.places.shape[1], self.branches.places.shape[1]
        lengths = self.stem_lengths[self.owners]
        if bool((lengths == stem).all()):
            lengths = lengths[:1]
        within = (torch.arange(stem) < lengths[:, None])[:, None].expand(-1, own, -1)
        causal = torch.ones(own, own, dtype=torch.bool).tril().expand(len(lengths), -1, -1)
        return additive_mask(torch.cat([within, causal], dim=2), torch.float32)


def gather_block(flat: Tensor, places: Tensor) -> Tensor:
    """[tokens, ...] -> [runs, longest, ...], given the place of each."""
    return flat.index_select(0, places.flatten()).view(*places.shape, *flat.shape[1:])


def pack_clusters(clusters: Sequence[Cluster]) -> Packed:
    """Prompts and completions of these clusters; completions in the clusters' order."""
    trees = _grow_trees(clusters)
    branches = _grow_branches(clusters, trees)
    grown = [branch for branch in branches if branch.run]
    stems, runs = [tree.stem for tree in trees], [branch.run for branch in grown]
    total = sum(map(len, stems))
    roots, places = _places(stems, 0), _places([branch.run for branch in branches], total)
    # From the beginning of its prompt on, each branch stands at these places.
    paths = [[*roots[branch.tree], *own] for branch, own in zip(branches, places, strict=True)]
    prompts: dict[int, Sequence[int]] = {}
    sources: list[int] = []
    for branch, path in zip(branches, paths, strict=True):
        end = len(clusters[branch.cluster].prompt_ids)
        prompts.setdefault(branch.cluster, path[:end])
        sources.extend(path[end - 1 :][: branch.foretold])
    ordered = [prompts[number] for number in range(len(clusters))]
    return Packed(
        input_ids=torch.tensor([token for ids in [*stems, *runs] for token in ids]),
        position_ids=torch.tensor(
            [place for ids in stems for place in range(len(ids))]
            + [len(stems[branch.tree]) + place for branch in grown for place in range(len(branch.run))]
        ),
        stems=_segments([len(ids) for ids in stems], offset=0),
        branches=_segments([len(ids) for ids in runs], offset=total) if runs else None,
        owners=torch.tensor([branch.tree for branch in grown], dtype=torch.int64),
        stem_lengths=torch.tensor([len(ids) for ids in stems]),
        sources=torch.tensor(sources, dtype=torch.int64),
        prompts=pad_sequence([torch.tensor(places) for places in ordered], batch_first=True),
        ends=torch.tensor([places[-1] for places in ordered]),
    )


def pack_prompts(prompts: Sequence[Ids]) -> Packed:
    """Prompts alone."""
    return pack_clusters([Cluster(ids, (), ()) for ids in prompts])


@dataclass(frozen=True, slots=True)
class _Tree:
    """A stem, and the clusters whose prompts begin with it."""

    stem: Ids
    members: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class _Branch:
    """What follows a stem up to the end of a prompt or to a completion's last token, which foretells none."""

    cluster: int
    tree: int
    run: Ids
    foretold: int
    """How many tokens the completion has."""


def _grow_trees(clusters: Sequence[Cluster]) -> list[_Tree]:
    """Each prompt as a stem, or one beginning as that of several, where it comes to fewer tokens."""
    alike: dict[Ids, list[int]] = {}
    for number, cluster in enumerate(clusters):
        alike.setdefault(cluster.prompt_ids[:LEAST_SHARED], []).append(number)
    trees: list[_Tree] = []
    for members in alike.values():
        prompts = [clusters[member].prompt_ids for member in members]
        shared = _count_shared(prompts)
        # What follows the beginning is computed with each completion.
        copies = [max(1, len(clusters[member].completions)) for member in members]
        rest = sum(count * (len(ids) - shared) for count, ids in zip(copies, prompts, strict=True))
        if shared >= LEAST_SHARED and shared + rest < sum(map(len, prompts)):
            trees.append(_Tree(prompts[0][:shared], tuple(members)))
        else:
            trees.extend(_Tree(ids, (member,)) for ids, member in zip(prompts, members, strict=True))
    return trees


def _count_shared(prompts: Sequence[Ids]) -> int:
    """How many tokens all begin with, the last of each left out."""
    # What the first and the last in alphabetical order begin with, those between them do as well.
    pairs = zip(min(prompts), max(prompts), strict=False)
    same = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))
    return min(same, *(len(ids) - 1 for ids in prompts))


def _grow_branches(clusters: Sequence[Cluster], trees: Sequence[_Tree]) -> list[_Branch]:
    """One for each completion, and for each prompt without any; empty where nothing follows the stem."""
    tree_of = {member: number for number, tree in enumerate(trees) for member in tree.members}
    branches: list[_Branch] = []
    for number, cluster in enumerate(clusters):
        rest = cluster.prompt_ids[len(trees[tree_of[number]].stem) :]
        branches.extend(
            _Branch(number, tree_of[number], (*rest, *own[:-1]), len(own)) for own in cluster.completions or ((),)
        )
    return branches


def _places(runs: Sequence[Ids], offset: int) -> list[range]:
    """Where each run stands in the flat row."""
    starts = accumulate(map(len, runs), initial=offset)
    return [range(start, start + len(ids)) for start, ids in zip(starts, runs, strict=False)]


def _segments(lengths: Sequence[int], *, offset: int) -> Segments:
    longest = max(lengths)
    sizes = torch.tensor(lengths)
    within = torch.arange(longest)
    real = within < sizes[:, None]
    starts = offset + sizes.cumsum(0) - sizes
    return Segments((starts[:, None] + within).where(real, 0), real.flatten().nonzero().squeeze(1), offset)
