"""PURE. Where judgments cannot all be true."""

import numpy as np

from annotation.agreement.observations import FIRST, SECOND, TIE, Floats, Integers
from annotation.agreement.statistic import sum_by
from annotation.consensus.blocks import find_blocks
from annotation.consensus.choices import Choices
from annotation.data_health.check import MOST_ROWS, Check, make_check, make_rows

LARGEST_CIRCLE_SEARCH = 400
"""Texts of one prompt among which circles are counted; more are cut to those that stand in most pairs."""


def check_contradictions(choices: Choices) -> list[Check]:
    """Opposite choices of one person, strict choices between equal texts, circles of the majority, and dead heats."""
    return [_own_contradictions(choices), _equal_texts_apart(choices), *_majority_checks(choices)]


def _equal_texts_apart(choices: Choices) -> Check:
    text = choices.facts.text
    same = text[choices.first] == text[choices.second]
    apart = np.flatnonzero(same & (choices.answer != TIE))
    tasks = np.unique(choices.task[choices.judgment[apart]])
    return make_check(
        "consistent", "equal_texts_ranked_apart", len(apart), of=int(same.sum()), rows=make_rows("task", tasks.tolist())
    )


def _own_contradictions(choices: Choices) -> Check:
    """Two texts of which one person said first > second here and second > first there."""
    low, high, sign = _oriented(choices)
    person = choices.annotator[choices.judgment]
    keys = np.stack([person, low, high])[:, sign != 0]
    if not keys.shape[1]:
        return make_check("consistent", "own_contradictions", 0, of=0)
    known, group = np.unique(keys, axis=1, return_inverse=True)
    group = group.ravel()
    strict = np.flatnonzero(sign != 0)
    times = np.bincount(group)
    total = np.abs(np.bincount(group, sign[strict]))
    torn = total < times
    tasks = np.unique(choices.task[choices.judgment[strict[torn[group]]]])
    twice = int((times > 1).sum())
    return make_check(
        "consistent", "own_contradictions", int(torn.sum()), of=twice, rows=make_rows("task", tasks.tolist()),
        note="" if twice else "Nobody judged the same two responses more than once.",
    ) if known.size else make_check("consistent", "own_contradictions", 0, of=0)  # fmt: skip


def _oriented(choices: Choices) -> tuple[Integers, Integers, Integers]:
    """Texts of each choice in their order, and 1 where the lower number was preferred, -1 where the other, 0 for ties.

    Choices between equal texts have sign 0.
    """
    one, other = choices.facts.text[choices.first], choices.facts.text[choices.second]
    sign = (choices.answer == FIRST).astype(np.int64) - (choices.answer == SECOND)
    sign = np.where(one == other, 0, np.where(one <= other, sign, -sign))
    return np.minimum(one, other), np.maximum(one, other), sign


def _majority_checks(choices: Choices) -> list[Check]:
    low, high, sign = _oriented(choices)
    different = low != high
    if not different.any():
        return [make_check("consistent", name, 0, of=0) for name in ("circles", "dead_heats")]
    pairs, start, number = np.unique(
        np.stack([low, high])[:, different], axis=1, return_index=True, return_inverse=True
    )
    number = number.ravel()
    lead = sum_by(number, sign[different].astype(np.float64), pairs.shape[1])
    votes = np.bincount(number, sign[different] != 0)
    task = choices.task[choices.judgment[np.flatnonzero(different)[start]]]
    even = np.flatnonzero((lead == 0) & (votes >= 2))
    several = int((np.bincount(number) >= 2).sum())
    heats = make_check(
        "consistent", "dead_heats", len(even), of=several, rows=make_rows("task", np.unique(task[even]).tolist()),
        note="" if several else "No two responses were compared by two people.",
    )  # fmt: skip
    return [_circles(pairs, lead, task), heats]


def _circles(pairs: Integers, lead: Floats, task: Integers) -> Check:
    """Triples of texts, the first preferred to the second, that to the third, and that to the first."""
    texts, numbers = np.unique(pairs, return_inverse=True)
    first, second = numbers.reshape(pairs.shape)
    blocks = find_blocks(first, second, len(texts))
    circles = triples = 0
    rows: list[int] = []
    for group_number, members in enumerate(blocks.groups):
        size = min(members.shape[1], LARGEST_CIRCLE_SEARCH)
        if size < 3:
            continue
        here = np.flatnonzero(blocks.group[first] == group_number)
        inside = here[(blocks.place[first[here]] < size) & (blocks.place[second[here]] < size)]
        won, met = _tournaments(
            blocks.row, blocks.place, first[inside], second[inside], lead[inside], len(members), size
        )
        counts = np.einsum("bij,bjk,bki->b", won, won, won, optimize=True) / 3
        triples += round(float(np.einsum("bij,bjk,bki->b", met, met, met, optimize=True).sum()) / 6)
        circles += round(float(counts.sum()))
        torn = np.flatnonzero(counts > 0.5)
        rows += np.unique(task[inside[np.isin(blocks.row[first[inside]], torn)]]).tolist()[: MOST_ROWS - len(rows)]
    note = "" if triples else "No three responses to one prompt were all compared with each other."
    return make_check("consistent", "circles", circles, of=triples, rows=make_rows("task", rows), note=note)


def _tournaments(
    row: Integers, place: Integers, first: Integers, second: Integers, lead: Floats, count: int, size: int
) -> tuple[Floats, Floats]:
    """[blocks, size, size] who is preferred to whom, and who was strictly compared with whom."""
    won, met = np.zeros((count, size, size)), np.zeros((count, size, size))
    for one, other, by in ((first, second, lead), (second, first, -lead)):
        won[row[one], place[one], place[other]] = by > 0
        met[row[one], place[one], place[other]] = by != 0
    return won, met
