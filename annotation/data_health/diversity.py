"""PURE. How many different things are asked."""

import zlib
from collections.abc import Callable, Sequence
from typing import TypeAlias

import numpy as np

from annotation.agreement.observations import Floats
from annotation.data_health.check import Check, make_check
from annotation.data_health.sketches import Integers, find_alike, normalise_text, sketch_texts

MOST_PROMPTS = 1000
"""A sample of so many is looked at; the effective number saturates well below it where prompts repeat themselves."""
FEATURES = 4096
LOOSELY_ALIKE = 0.5
ALIKE_IN_MEANING = 0.7
"""Cosine of centred embeddings. Of SmolLM2: one template 0.9, paraphrases 0.4 to 0.85, other questions up to 0.6."""
Embed: TypeAlias = Callable[[Sequence[str]], Floats]
"""Texts -> [texts, dimensions]. The web process has no model; a job's child process may bring one."""


def check_diversity(
    texts: Sequence[str], *, total: int, embed: Embed | None = None, model: str = "", reason: str = ""
) -> list[Check]:
    """The effective number of different prompts, and how many are left when near ones stand for each other.

    texts: a sample of at most MOST_PROMPTS, drawn by the caller. total: prompts of the project.
    model: whose embeddings `embed` gives. reason: why there are none; both are said in the notes.
    The effective number (Vendi score) is e to the entropy of the eigenvalues of the texts' cosine likenesses: n for n
    prompts that share nothing, 1 for one prompt n times. Likeness is lexical (words weighted by how rare they are)
    unless `embed` is given. Source: Friedman and Dieng 2023, TMLR (arXiv:2210.02410).
    """
    if len(texts) < 2:
        note = "Undefined: fewer than two prompts."
        return [make_check("diverse", name, None, note=note) for name in ("effective_prompts", "loose_clusters")]
    vectors = lexical_vectors(texts) if embed is None else unit_rows(embed(texts))
    score = vendi_score(vectors)
    first = cluster_wordings(texts) if embed is None else cluster_rows(vectors)
    clusters, sizes = np.unique(first, return_counts=True)
    how = f"lexical{reason and f', because {reason}'}" if embed is None else f"by embeddings{model and f' of {model}'}"
    sample = f"in a sample of {len(texts):,}" if total > len(texts) else f"in all {len(texts):,}"
    alike = "that share half of their wording" if embed is None else f"with a cosine of {ALIKE_IN_MEANING} or more"
    return [
        make_check(
            "diverse", "effective_prompts", round(score), of=len(texts), value=score / len(texts),
            note=f"Different prompts in effect, {sample} ({how}).",
        ),
        make_check(
            "diverse", "loose_clusters", len(clusters), of=len(texts), value=float(sizes.max() / len(texts)),
            note=f"Prompts left when texts {alike} count as one, {sample} ({how}); "
            "the number beside is the largest cluster's share.",
        ),
    ]  # fmt: skip


def cluster_wordings(texts: Sequence[str]) -> Integers:
    """[texts] for each the first text that shares half of its wording, by sketches."""
    return find_alike(sketch_texts([normalise_text(text) for text in texts]), least=LOOSELY_ALIKE)


def cluster_rows(vectors: Floats, *, least: float = ALIKE_IN_MEANING) -> Integers:
    """[rows] for each the first head with a cosine of at least `least`; rows without one are heads themselves.

    vectors: [rows, dimensions] of length 1. A member is like its head and not only like another member, so that a
    chain of small steps does not tie together what has nothing in common.
    """
    likeness = vectors @ vectors.T
    first = np.arange(len(vectors))
    for row in range(1, len(vectors)):
        heads = np.flatnonzero((first[:row] == np.arange(row)) & (likeness[row, :row] >= least))
        if heads.size:
            first[row] = heads[0]
    return first


def lexical_vectors(texts: Sequence[str]) -> Floats:
    """[texts, FEATURES] words hashed, weighted by rarity, of length 1."""
    counts = np.zeros((len(texts), FEATURES))
    for row, text in enumerate(texts):
        words = normalise_text(text).split()
        # A script without blanks has few words: its pairs of characters are the better ones.
        parts = words if len(text) < 12 * max(len(words), 1) else [text[i : i + 2] for i in range(len(text) - 1)]
        np.add.at(counts[row], [zlib.crc32(part.encode("utf-8", "surrogatepass")) % FEATURES for part in parts], 1)
    seen = (counts > 0).sum(axis=0)
    return unit_rows(np.sqrt(counts) * (1 + np.log((1 + len(texts)) / (1 + seen))))


def unit_rows(vectors: Floats) -> Floats:
    """Each row of length 1; a row of zeros stays."""
    length = np.sqrt((vectors**2).sum(axis=1, keepdims=True))
    return np.divide(vectors, length, out=np.zeros_like(vectors, np.float64), where=length > 0)


def vendi_score(vectors: Floats) -> float:
    """The effective number of different rows, from 1 to their number."""
    likeness = vectors @ vectors.T
    # A row of zeros is like nothing, itself included; it counts as one of a kind.
    np.fill_diagonal(likeness, 1.0)
    shares = np.maximum(np.linalg.eigvalsh(likeness / len(vectors)), 0)
    shares = shares[shares > 1e-12]
    return float(np.exp(-(shares * np.log(shares)).sum()))
