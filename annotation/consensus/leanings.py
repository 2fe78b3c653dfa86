"""PURE. What the crowd says of any two responses, looked up by their names."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from annotation.agreement.observations import Floats, Ids
from annotation.consensus.choices import Choices
from annotation.consensus.crowd import fit_crowd
from annotation.consensus.predictions import predict_pairs
from annotation.consensus.tables import compare_texts

DIGITS = 6
"""Of what is looked up: more would differ between processors."""
LEAST_PREFERENCE = 0.51
"""A pair whose better side is preferred less often than that is undecided."""


class Leaning(NamedTuple):
    """Of a first response against a second."""

    preference: float
    """How likely a person of typical reliability, who doesn't mind the order, prefers the first; ties half."""
    log_odds: float
    """Of preferring the first, ties aside."""


@dataclass(frozen=True, eq=False, slots=True)
class Leanings:
    """All pairs that somebody compared."""

    texts: Mapping[tuple[str, str], int]
    """(prompt, response key) -> number of the text."""
    item_ids: Ids
    """[I] numbers of texts, ascending."""
    pair_ids: Ids
    """[P] first item * I + second item, ascending."""
    preference: Floats
    """[P] of the first item."""
    log_odds: Floats

    def of(self, prompt: str, first: str, second: str) -> Leaning | None:
        """None for equal texts, and for two that nobody compared under these words."""
        one, other = self.texts[prompt, first], self.texts[prompt, second]
        if one == other or not len(self.item_ids):
            return None
        low, high = self._item(min(one, other)), self._item(max(one, other))
        if low is None or high is None:
            return None
        key = low * len(self.item_ids) + high
        at = int(np.searchsorted(self.pair_ids, key))
        if at == len(self.pair_ids) or self.pair_ids[at] != key:
            return None
        preference, log_odds = float(self.preference[at]), float(self.log_odds[at])
        return Leaning(preference, log_odds) if one < other else Leaning(round(1 - preference, DIGITS), -log_odds)

    def _item(self, text: int) -> int | None:
        at = int(np.searchsorted(self.item_ids, text))
        return at if at < len(self.item_ids) and self.item_ids[at] == text else None


def find_leanings(choices: Choices, texts: Mapping[tuple[str, str], int]) -> Leanings:
    """The consensus on every pair. Deterministic: the same choices give the same numbers."""
    table, _ = compare_texts(choices)
    if not table.choices:
        return Leanings(texts, table.item_ids, table.pair_ids, np.zeros(0), np.zeros(0))
    fit = fit_crowd(table)
    first, even, _ = predict_pairs(fit)
    preference, log_odds = np.round(first + even / 2, DIGITS), np.round(fit.difference, DIGITS)
    return Leanings(texts, table.item_ids, table.pair_ids, preference, log_odds)
