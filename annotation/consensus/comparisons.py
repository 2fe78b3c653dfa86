"""PURE. What the models read: who said what of which two responses, in long form."""

from dataclasses import dataclass

import numpy as np

from annotation.agreement.observations import FIRST, SECOND, TIE, Floats, Ids, Integers


@dataclass(frozen=True, eq=False, slots=True)
class Comparisons:
    """Choices between two items. N choices, P pairs of items, I items, A annotators.

    An item is what can be better or worse: a text that answers a prompt, or a source. A pair is what several people
    judged alike: two items, in a leaderboard of sources two responses of them.
    """

    pair: Integers
    """[N] number of the pair."""
    annotator: Integers
    """[N] number of the annotator."""
    answer: Integers
    """[N] FIRST, TIE or SECOND, in the order of the pair."""
    shown: Integers
    """[N] 1 when the annotator saw the pair's first item before its second, -1 after it, 0 when that isn't known."""
    weight: Floats
    """[N] how much the choice counts; the choices of one ranking are not independent."""
    first: Integers
    """[P] number of the pair's first item."""
    second: Integers
    pair_ids: Ids
    """[P] the ids that came in."""
    item_ids: Ids
    """[I]"""
    annotator_ids: Ids
    """[A]"""

    @property
    def choices(self) -> int:
        return len(self.pair)

    @property
    def pairs(self) -> int:
        return len(self.first)

    @property
    def items(self) -> int:
        return len(self.item_ids)

    @property
    def annotators(self) -> int:
        return len(self.annotator_ids)


def build_comparisons(
    *,
    first: Ids,
    second: Ids,
    annotator: Ids,
    answer: Integers,
    shown: Integers | None = None,
    weight: Floats | None = None,
    pair: Ids | None = None,
) -> Comparisons:
    """The table of long-form columns of equal length [N].

    first, second: ids of the two items of each choice. pair: what was judged, by default the two items whatever their
    order. Rows of one pair may name its items in either order; they are turned.
    Raises: ValueError when a choice is between an item and itself, an answer is none of the three, or two rows of a
    pair name different items.
    """
    answer = np.asarray(answer, np.int64)
    if not np.isin(answer, (FIRST, TIE, SECOND)).all():
        raise ValueError("every answer must be 0 (first), 1 (tie) or 2 (second)")
    item_ids, numbers = np.unique(np.concatenate([first, second]), return_inverse=True)
    one, other = numbers.reshape(2, -1)
    if (one == other).any():
        raise ValueError(f"{item_ids[one[np.argmax(one == other)]]} is compared with itself")
    low, high = np.minimum(one, other), np.maximum(one, other)
    turned = one != low
    keys = low * len(item_ids) + high if pair is None else pair
    pair_ids, start, pair_number = np.unique(keys, return_index=True, return_inverse=True)
    if (low[start][pair_number] != low).any() or (high[start][pair_number] != high).any():
        raise ValueError("rows of one pair name different items")
    annotator_ids, annotator_number = np.unique(annotator, return_inverse=True)
    shown = np.zeros(len(answer), np.int64) if shown is None else np.asarray(shown, np.int64)
    return Comparisons(
        pair=pair_number, annotator=annotator_number, answer=np.where(turned, SECOND - answer, answer),
        shown=np.where(turned, -shown, shown),
        weight=np.ones(len(answer)) if weight is None else np.asarray(weight, np.float64),
        first=low[start], second=high[start], pair_ids=pair_ids, item_ids=item_ids, annotator_ids=annotator_ids,
    )  # fmt: skip
