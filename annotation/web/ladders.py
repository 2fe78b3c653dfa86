"""PURE. Judgments of one task as aligned ladders: the same ranks stand under each other."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any


@dataclass(frozen=True, slots=True)
class Rung:
    """One tier of a ladder."""

    letters: list[str]
    is_bad: bool


@dataclass(frozen=True, slots=True)
class Place:
    """Where one person put one response."""

    rank: int | None
    """1 is best; None for a response they left out."""
    is_tied: bool = False
    is_bad: bool = False

    @property
    def share(self) -> int:
        """The rank as a step of shading, 1 to 9."""
        return min(self.rank or 9, 9)


@dataclass(frozen=True, slots=True)
class Step:
    """One response with everybody's place for it."""

    key: str
    letter: str
    places: list[Place]
    mean_rank: float | None
    """Over those who ranked it; tied ranks count as their middle."""


def letters_of(keys: Sequence[str]) -> dict[str, str]:
    """{response key: letter} in the task's stored order; past Z the letters double."""
    return {key: chr(65 + index % 26) * (1 + index // 26) for index, key in enumerate(keys)}


def build_ladder(
    tiers: Sequence[Sequence[str]], bad: Sequence[str], letters: Mapping[str, str], *, width: int
) -> list[Rung]:
    """`width` rungs, best first; a ladder with ties has empty ones at its end."""
    rungs = [Rung(sorted(letters[key] for key in tier), is_bad=any(key in bad for key in tier)) for tier in tiers]
    return rungs + [Rung([], is_bad=False)] * (width - len(rungs))


def align_ladders(answers: Sequence[Mapping[str, Any]], letters: Mapping[str, str]) -> list[Step]:
    """One step a response, in stored order, with the place that each answer gives it.

    answers: rankings with `tiers` and `bad`, in response keys.
    """
    return [
        Step(key, letter, [_place(answer, key) for answer in answers], _mean_rank(answers, key))
        for key, letter in letters.items()
    ]


def _place(answer: Mapping[str, Any], key: str) -> Place:
    for rank, tier in enumerate(answer["tiers"], start=1):
        if key in tier:
            return Place(rank, is_tied=len(tier) > 1, is_bad=key in answer["bad"])
    return Place(None)


def _mean_rank(answers: Sequence[Mapping[str, Any]], key: str) -> float | None:
    ranks = []
    for answer in answers:
        above = 0
        for tier in answer["tiers"]:
            if key in tier:
                ranks.append(above + (len(tier) + 1) / 2)
            above += len(tier)
    return fmean(ranks) if ranks else None
