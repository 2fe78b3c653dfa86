"""PURE: what answers were found to be worth, and how two models' answers to the same prompts compare."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from rltrainer.records import Group

SIMILAR_LENGTH = 1.25
"""Two answers are of similar length when the longer has at most this many times the tokens of the shorter."""
CHECKED_PARTS = ("number", "choice", "pattern", "instructions")
"""Reward parts that check an answer against what is right; 1 is right."""


@dataclass(frozen=True, slots=True)
class Marks:
    """All answers of one model to one prompt."""

    rewards: tuple[float, ...]
    """What each earned."""
    parts: Mapping[str, tuple[float, ...]]
    """The same by part, before weighting."""
    lengths: tuple[int, ...]
    """Tokens of each."""

    def to_dict(self) -> dict[str, Any]:
        """JSON form; `read_marks` takes it back."""
        return asdict(self)

    def judged_by(self, part: str | None) -> tuple[float, ...]:
        """A part's values, or the whole rewards for None."""
        return self.rewards if part is None else self.parts[part]


def take_marks(groups: Sequence[Group]) -> list[Marks]:
    """The marks of scored groups."""
    return [
        Marks(group.rewards, dict(group.reward_parts), tuple(len(c.token_ids) for c in group.completions))
        for group in groups
    ]


def read_marks(row: Mapping[str, Any]) -> Marks:
    """Marks out of their JSON form."""
    parts = {name: tuple(values) for name, values in row["parts"].items()}
    return Marks(tuple(row["rewards"]), parts, tuple(row["lengths"]))


def count_wins(own: Marks, other: Marks, *, part: str | None, similar_length: bool = False) -> tuple[float, int]:
    """How many pairs of an answer of each model the first wins, ties half, and how many pairs there are.

    `similar_length` counts only pairs of about the same length, so that being longer is worth nothing.
    """
    wins, pairs = 0.0, 0
    for score, length in zip(own.judged_by(part), own.lengths, strict=True):
        for rival, rival_length in zip(other.judged_by(part), other.lengths, strict=True):
            if similar_length and max(length, rival_length) > SIMILAR_LENGTH * min(length, rival_length):
                continue
            wins += 1.0 if score > rival else 0.5 if score == rival else 0.0
            pairs += 1
    return wins, pairs


def pass_at(answers: int, right: int, draws: int) -> float:
    """Probability that at least one of `draws` answers is right, where `right` of `answers` sampled ones were.

    Unbiased: the share of the subsets of that size that hold a right one. Raises: ValueError for more draws than
    answers.
    Source: Chen et al. 2021 (arXiv:2107.03374) eq. 1.
    """
    if not 1 <= draws <= answers or not 0 <= right <= answers:
        raise ValueError(f"pass@{draws} needs at least that many answers; {right} of {answers} are right")
    return 1 - math.comb(answers - right, draws) / math.comb(answers, draws)


def count_right(marks: Marks, part: str) -> int:
    """How many answers a checking part found right."""
    return sum(value >= 1 for value in marks.parts[part])
