"""What a reward part sees."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

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
