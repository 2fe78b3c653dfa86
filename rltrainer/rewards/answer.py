"""What a reward part sees, and what it gives."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from rewardmodel.records import PromptRecord
from rltrainer.records import Completion


@dataclass(frozen=True, slots=True)
class Answer:
    """One completion with the prompt that it answers."""

    prompt: PromptRecord
    """What was asked, with the starter's metadata."""
    completion: Completion
    """The sampled tokens."""
    text: str
    """The same as text."""


RewardPart = Callable[[Sequence[Answer]], list[float]]
"""A value for each answer, in order."""


@runtime_checkable
class UncertainPart(Protocol):
    """A part that knows how sure it is of its values."""

    def measure(self, answers: Sequence[Answer]) -> tuple[list[float], list[float]]:
        """A value for each answer, and the deviation of that value, both in order."""
        ...

    def __call__(self, answers: Sequence[Answer]) -> list[float]:
        """The values alone."""
        ...
