"""Answers for tests of reward parts."""

from typing import Any

from rewardmodel.records import PromptRecord
from rltrainer.records import Completion, FinishReason
from rltrainer.rewards.answer import Answer


def make_answer(
    text: str = "", *, tokens: tuple[int, ...] = (1,), reason: FinishReason = "stop", **metadata: Any
) -> Answer:
    """An answer of these tokens to a prompt with this metadata."""
    record = PromptRecord("q", ({"role": "user", "content": "?"},), metadata)
    return Answer(record, Completion(tokens, (0.0,) * len(tokens), reason, 0), text)


def count_texts(answers: list[dict[str, Any]]) -> list[float]:
    """A reward function by import path: for each answer how many there are."""
    return [float(len(answers))] * len(answers)
