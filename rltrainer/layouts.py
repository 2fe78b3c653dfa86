"""Completions as network input: which tokens stand where, who sees whom, and which place predicts which token."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

import torch
from torch import Tensor

Pair = tuple[tuple[int, ...], tuple[int, ...]]
"""A prompt's and a completion's tokens."""
ATTENTION_PRICE = 3
"""Attention reaches about a third of the matrix products' speed (measured in bfloat16 on a CPU, forward and back)."""


@dataclass(frozen=True, slots=True)
class Cluster:
    """A prompt that is computed once, with several completions behind it, each blind to the others."""

    prompt_ids: tuple[int, ...]
    completions: tuple[tuple[int, ...], ...]
    rows: tuple[int, ...]
    """The index of each completion among all rows."""

    @property
    def tokens(self) -> int:
        """Tokens of the cluster's sequence."""
        return len(self.prompt_ids) + sum(map(len, self.completions))


@dataclass(frozen=True, slots=True)
class Layout:
    """The input of one forward pass over several clusters."""

    input_ids: Tensor
    """[clusters, tokens], padded on the right."""
    position_ids: Tensor
    """[clusters, tokens]; a completion counts on from its prompt's end."""
    visible: Tensor | None
    """[clusters, tokens, tokens] bool: which key each query sees; None for plain causal attention."""
    sources: Tensor
    """[completion tokens]: the place in the flattened input whose hidden state predicts the token."""
    targets: Tensor
    """[completion tokens]: the token, completion after completion."""
    lengths: tuple[int, ...]
    """Tokens of each completion."""
    rows: tuple[int, ...]
    """The index of each completion among all rows."""
    clusters: tuple[Cluster, ...] = ()
    """What was laid out."""


def plan_micro_batches(
    pairs: Sequence[Pair], *, max_tokens: int, width: int, padded: bool = True
) -> list[list[Cluster]]:
    """All completions in micro-batches of about `max_tokens` tokens, each at least one completion.

    pairs: completions of one prompt are neighbours. width: the network's hidden size, for the price of attention.
    As many completions share their prompt as is cheapest: more repeat it less, fewer have shorter attention.
    padded: clusters become rows of one length, and completions of a cluster see each other's places under a mask;
    where neither is so, all that fit share their prompt.
    """
    if not padded:
        return _plan_flat(pairs, max_tokens)
    batches: list[list[Cluster]] = []
    for cluster in sorted(_form_clusters(pairs, max_tokens, width), key=lambda cluster: cluster.tokens):
        # Sorted by length, the newcomer is the longest: all are padded to it.
        if batches and (len(batches[-1]) + 1) * cluster.tokens <= max_tokens:
            batches[-1].append(cluster)
        else:
            batches.append([cluster])
    return batches


def _plan_flat(pairs: Sequence[Pair], max_tokens: int) -> list[list[Cluster]]:
    clusters = [
        _split(pairs, rows, len(rows))[0]
        for prompt_ids, members in groupby(range(len(pairs)), key=lambda row: pairs[row][0])
        for rows in _fill(pairs, list(members), max_tokens - len(prompt_ids))
    ]
    batches: list[list[Cluster]] = []
    used = 0
    for cluster in sorted(clusters, key=lambda cluster: cluster.tokens):
        if not batches or used + cluster.tokens > max_tokens:
            batches.append([])
            used = 0
        batches[-1].append(cluster)
        used += cluster.tokens
    return batches


def lay_out(clusters: Sequence[Cluster], *, device: torch.device) -> Layout:
    """The input tensors of these clusters."""
    tokens = max(cluster.tokens for cluster in clusters)
    parts = [_place(cluster, offset=index * tokens) for index, cluster in enumerate(clusters)]
    segments = _padded([part.segments for part in parts], tokens, -1)
    shared = any(len(cluster.completions) > 1 for cluster in clusters)
    return Layout(
        input_ids=_padded([part.ids for part in parts], tokens, 0).to(device),
        position_ids=_padded([part.positions for part in parts], tokens, 0).to(device),
        visible=_visible(segments.to(device)) if shared else None,
        sources=torch.tensor([source for part in parts for source in part.sources], device=device),
        targets=torch.tensor([t for c in clusters for ids in c.completions for t in ids], device=device),
        lengths=tuple(len(ids) for cluster in clusters for ids in cluster.completions),
        rows=tuple(row for cluster in clusters for row in cluster.rows),
        clusters=tuple(clusters),
    )


def _form_clusters(pairs: Sequence[Pair], max_tokens: int, width: int) -> list[Cluster]:
    clusters: list[Cluster] = []
    for prompt_ids, members in groupby(range(len(pairs)), key=lambda row: pairs[row][0]):
        for rows in _fill(pairs, list(members), max_tokens - len(prompt_ids)):
            candidates = [_split(pairs, rows, size) for size in range(1, len(rows) + 1)]
            clusters.extend(min(candidates, key=lambda split: sum(_price(cluster, width) for cluster in split)))
    return clusters


def _fill(pairs: Sequence[Pair], rows: Sequence[int], room: int) -> list[list[int]]:
    """The rows of one prompt, in order, in lots whose completions have at most `room` tokens (or are single)."""
    lots: list[list[int]] = []
    used = 0
    for row in rows:
        size = len(pairs[row][1])
        if not lots or used + size > room:
            lots.append([])
            used = 0
        lots[-1].append(row)
        used += size
    return lots


def _split(pairs: Sequence[Pair], rows: Sequence[int], size: int) -> list[Cluster]:
    """The rows of one prompt in clusters of `size` completions."""
    lots = [rows[start : start + size] for start in range(0, len(rows), size)]
    return [Cluster(pairs[lot[0]][0], tuple(pairs[row][1] for row in lot), tuple(lot)) for lot in lots]


def _price(cluster: Cluster, width: int) -> float:
    """What the cluster costs, in tokens' worth of matrix products.

    A layer takes 24 * width^2 operations a token for those, and 4 * width for each key that attention visits: all of
    them under a mask, half of them in plain causal attention.
    """
    keys = cluster.tokens if len(cluster.completions) > 1 else cluster.tokens / 2
    return cluster.tokens * (1 + ATTENTION_PRICE * keys / (6 * width))


@dataclass(frozen=True, slots=True)
class _Placed:
    ids: list[int]
    positions: list[int]
    segments: list[int]
    sources: list[int]


def _place(cluster: Cluster, *, offset: int) -> _Placed:
    prompt = len(cluster.prompt_ids)
    placed = _Placed(list(cluster.prompt_ids), list(range(prompt)), [0] * prompt, [])
    for number, completion in enumerate(cluster.completions, start=1):
        start = len(placed.ids)
        placed.sources.extend([offset + prompt - 1, *range(offset + start, offset + start + len(completion) - 1)])
        placed.ids.extend(completion)
        placed.positions.extend(range(prompt, prompt + len(completion)))
        placed.segments.extend([number] * len(completion))
    return placed


def _visible(segments: Tensor) -> Tensor:
    """Earlier places of the prompt (segment 0) and of one's own completion; padding sees itself, so no row is empty."""
    query, key = segments[:, :, None], segments[:, None, :]
    causal = torch.ones(segments.shape[1], segments.shape[1], dtype=torch.bool, device=segments.device).tril()
    return causal & ((query == key) | (key == 0))


def _padded(rows: Sequence[Sequence[int]], width: int, fill: int) -> Tensor:
    return torch.tensor([[*row, *[fill] * (width - len(row))] for row in rows])
