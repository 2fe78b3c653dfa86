"""PURE. Judgments of one task as aligned ladders: the same ranks stand under each other."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Rung:
    """One tier of a ladder."""

    letters: list[str]
    is_bad: bool


def letters_of(keys: Sequence[str]) -> dict[str, str]:
    """{response key: letter} in the task's stored order; past Z the letters double."""
    return {key: chr(65 + index % 26) * (1 + index // 26) for index, key in enumerate(keys)}


def build_ladder(
    tiers: Sequence[Sequence[str]], bad: Sequence[str], letters: Mapping[str, str], *, width: int
) -> list[Rung]:
    """`width` rungs, best first; a ladder with ties has empty ones at its end."""
    rungs = [Rung(sorted(letters[key] for key in tier), is_bad=any(key in bad for key in tier)) for tier in tiers]
    return rungs + [Rung([], is_bad=False)] * (width - len(rungs))
