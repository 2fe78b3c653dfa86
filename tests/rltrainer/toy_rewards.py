"""Rewards that a tiny model can only earn by learning; for `reward.function`."""

from typing import Any

WANTED = "e"


def share_of_wanted(answers: list[dict[str, Any]]) -> list[float]:
    """Share of the answer's characters that are the wanted one; an empty answer has none."""
    return [text.count(WANTED) / len(text) if (text := answer["response"]) else 0.0 for answer in answers]


def begins_like_the_question(answers: list[dict[str, Any]]) -> list[float]:
    """1 where the answer's first character is that of the question."""
    return [float(answer["response"][:1] == answer["prompt"][-1]["content"][:1]) for answer in answers]


def length_of_question(answers: list[dict[str, Any]]) -> list[float]:
    """A reward that no answer changes: what a critic should foretell is known before the first token."""
    return [len(answer["prompt"][-1]["content"]) / 25 for answer in answers]
