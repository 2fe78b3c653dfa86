"""Rewards that a tiny model can only earn by learning; for `reward.function`."""

from string import ascii_lowercase
from typing import Any

WANTED = "e"
VALENCES = {letter: 1 - 2 * place / 25 for place, letter in enumerate(ascii_lowercase)}
"""From 1 for `a` down to -1 for `z`; all else is worth 0."""


def share_of_wanted(answers: list[dict[str, Any]]) -> list[float]:
    """Share of the answer's characters that are the wanted one; an empty answer has none."""
    return [_mean([float(character == WANTED) for character in answer["response"]]) for answer in answers]


def share_of_questions_letter(answers: list[dict[str, Any]]) -> list[float]:
    """Share of the answer's characters that are the first of its question."""
    letters = [answer["prompt"][-1]["content"][0] for answer in answers]
    return [
        _mean([float(character == letter) for character in answer["response"]])
        for letter, answer in zip(letters, answers, strict=True)
    ]


def mean_valence(answers: list[dict[str, Any]]) -> list[float]:
    """How well the answer's characters sound, each by the lexicon."""
    return [_mean([VALENCES.get(character, 0.0) for character in answer["response"]]) for answer in answers]


def length_of_question(answers: list[dict[str, Any]]) -> list[float]:
    """A reward that no answer changes: what a critic should foretell is known before the first token."""
    return [len(answer["prompt"][-1]["content"]) / 25 for answer in answers]


def _mean(values: list[float]) -> float:
    return sum(values) / len(values) if values else 0.0
