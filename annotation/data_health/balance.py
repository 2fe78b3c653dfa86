"""PURE. Are outcomes, domains, sources and positions evenly spread?"""

from collections.abc import Mapping, Sequence

import numpy as np

from annotation.agreement.observations import FIRST, SECOND, TIE
from annotation.consensus.choices import Choices
from annotation.data_health.check import Check, make_check

UNKNOWN_ORDER = "Undefined: no shown order is known, as for imported judgments."
NO_CHOICES = "Undefined: there is no choice between two responses."


def evenness(counts: Sequence[int]) -> float | None:
    """1 for equal counts, near 0 when one has nearly everything; None for fewer than two names.

    Source: Pielou 1966, J. Theor. Biol. 13, 131-144: entropy over its largest value.
    """
    if len(counts) < 2 or not sum(counts):
        return None
    shares = np.array([count for count in counts if count], np.float64) / sum(counts)
    return float(-(shares * np.log(shares)).sum() / np.log(len(counts)))


def check_names(check: str, counts: Mapping[str, int], *, missing: int, what: str) -> Check:
    """Balance of named things: how many there are, how even they are, how many have no name."""
    table = sorted(counts.items(), key=lambda each: (-each[1], each[0]))
    if not table:
        return make_check("balanced", check, None, note=f"Undefined: no {what} has one.")
    note = f"Evenness from 0 to 1{f'; {missing:,} have none' if missing else ''}."
    return make_check(
        "balanced", check, len(table), value=evenness([count for _, count in table]), table=table, note=note
    )


def check_outcomes(choices: Choices) -> Check:
    """First, tie and second in stored order: the order of an import often isn't random."""
    if not len(choices.answer):
        return make_check("balanced", "outcomes", None, note=NO_CHOICES)
    counts = {name: int((choices.answer == value).sum()) for name, value in OUTCOMES.items()}
    return make_check(
        "balanced", "outcomes", len(choices.answer), value=evenness(list(counts.values())),
        table=sorted(counts.items(), key=lambda each: -each[1]), note="In the stored order of the responses.",
    )  # fmt: skip


OUTCOMES = {"first": FIRST, "tie": TIE, "second": SECOND}


def check_positions(choices: Choices) -> Check:
    """How often the stored first of two was shown before the other: the server mixes them."""
    before, after = int((choices.shown > 0).sum()), int((choices.shown < 0).sum())
    if not before + after:
        return make_check("balanced", "positions", None, note=UNKNOWN_ORDER)
    return make_check(
        "balanced", "positions", before + after, value=evenness([before, after]),
        table=[("first shown before second", before), ("second shown before first", after)],
        note="Of two responses, in their stored order.",
    )  # fmt: skip
