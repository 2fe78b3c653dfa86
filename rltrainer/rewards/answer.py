"""What a reward part sees, and what it gives."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
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


@dataclass(frozen=True, slots=True)
class Measured:
    """A part's values with what it knows of them, each in the order of the answers and empty where it does not know."""

    values: list[float]
    """One for each answer."""
    deviations: list[float] = field(default_factory=list)
    """How unsure each value is, in units of the values."""
    distances: list[float] = field(default_factory=list)
    """How far each answer lies from what the part learned from; 1 is typical."""
    unfamiliar: list[float] = field(default_factory=list)
    """Whether that is too far to be sure, 0 or 1, and in between where several judge it."""


@runtime_checkable
class MeasuredPart(Protocol):
    """A part that knows how much its values are worth."""

    def measure(self, answers: Sequence[Answer]) -> Measured:
        """A value for each answer, and what is known of it."""
        ...

    def __call__(self, answers: Sequence[Answer]) -> list[float]:
        """The values alone."""
        ...
