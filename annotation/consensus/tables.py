"""PURE. From choices to what the models read: texts against texts, and sources against sources."""

from dataclasses import dataclass

import numpy as np

from annotation.agreement.observations import Ids, Integers
from annotation.consensus.choices import Choices
from annotation.consensus.comparisons import Comparisons, build_comparisons

MOST_SOURCES = 200
"""Of a leaderboard; those with the most choices."""


@dataclass(frozen=True, eq=False, slots=True)
class Dropped:
    """Choices that say nothing to a model."""

    identical: int = 0
    """Between equal texts: whatever was said of them is no taste."""
    unnamed: int = 0
    """With a response whose source isn't known."""
    same_source: int = 0
    rare_source: int = 0
    """With a source beyond the 200 that have the most choices."""


def compare_texts(choices: Choices) -> tuple[Comparisons, Dropped]:
    """Items are texts to what was asked, wherever they stand: equal responses are one item.

    What one person said of the same two texts more than once, in one ranking with duplicates or in two tasks, counts
    as one choice in parts.
    """
    facts = choices.facts
    first, second = facts.text[choices.first], facts.text[choices.second]
    different = first != second
    return _build(choices, first, second, different, None), Dropped(identical=int((~different).sum()))


def compare_sources(choices: Choices) -> tuple[Comparisons, Dropped]:
    """Items are sources; a pair is two texts of theirs, so that ten people on one pair are not ten pairs."""
    facts = choices.facts
    text_one, text_other = facts.text[choices.first], facts.text[choices.second]
    one, other = facts.source[choices.first], facts.source[choices.second]
    different, named, apart = text_one != text_other, (one != "") & (other != ""), one != other
    usable = different & named & apart
    frequent = _most_frequent(one[usable], other[usable])
    kept = usable & np.isin(one, frequent) & np.isin(other, frequent)
    pair = _number_pairs(text_one, text_other, one, other)
    dropped = Dropped(
        identical=int((~different).sum()), unnamed=int((different & ~named).sum()),
        same_source=int((different & named & ~apart).sum()), rare_source=int((usable & ~kept).sum()),
    )  # fmt: skip
    return _build(choices, one, other, kept, pair), dropped


def _most_frequent(one: Ids, other: Ids) -> Ids:
    names, counts = np.unique(np.concatenate([one, other]), return_counts=True)
    return names[np.argsort(-counts, kind="stable")[:MOST_SOURCES]]


def _number_pairs(text_one: Integers, text_other: Integers, one: Ids, other: Ids) -> Integers:
    """[N] a choice that stands for the two texts with their sources, whatever their order."""
    names, numbers = np.unique(np.concatenate([one, other]), return_inverse=True)
    ends = np.stack([text_one, text_other]) * max(len(names), 1) + numbers.reshape(2, -1)
    ends.sort(axis=0)
    _, start, number = np.unique(ends, axis=1, return_index=True, return_inverse=True)
    return np.asarray(start[number.ravel()])


def _build(choices: Choices, first: Ids, second: Ids, kept: Ids, pair: Integers | None) -> Comparisons:
    annotator = choices.annotator[choices.judgment]
    plain = build_comparisons(
        first=first[kept], second=second[kept], annotator=annotator[kept], answer=choices.answer[kept],
        shown=choices.shown[kept], weight=choices.weight[kept], pair=None if pair is None else pair[kept],
    )  # fmt: skip
    said = plain.pair * max(plain.annotators, 1) + plain.annotator
    _, number, times = np.unique(said, return_inverse=True, return_counts=True)
    plain.weight[:] = plain.weight / times[number]
    return plain
