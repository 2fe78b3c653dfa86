"""What is asked of the responses of a micro-batch, and how a policy is judged by them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from torch import Tensor

from rltrainer.offline.lesson import Lesson
from rltrainer.tally import Tally

Sums = tuple[float, ...]
"""Log-prob of each response of a lesson, nats, summed over its tokens in float32."""


@dataclass(frozen=True, slots=True)
class StepSize:
    """What one optimizer step divides by, over all its micro-batches and ranks."""

    records: int
    """Records of the step."""
    tokens: int
    """Response tokens of the step."""


@dataclass(frozen=True, slots=True)
class Answers:
    """The responses of a micro-batch as the policy sees them: lesson after lesson, each with its responses in order."""

    log_probs: Tensor
    """[rows, tokens] float32, nats."""
    entropy: Tensor
    """[rows, tokens] float32, nats."""
    mask: Tensor
    """[rows, tokens] bool: True for a response's own tokens."""


class Objective(Protocol):
    """`sft` or `dpo`."""

    def loss(self, answers: Answers, lessons: Sequence[Lesson], size: StepSize, tally: Tally) -> Tensor:
        """One micro-batch's share of the step's loss; what is worth knowing goes into the tally."""
        ...

    def look(self, lessons: Sequence[Lesson], sums: Sequence[Sums]) -> dict[str, float]:
        """Metrics of the monitored held-out lessons."""
        ...

    def judge(
        self, lessons: Sequence[Lesson], before: Sequence[Sums], after: Sequence[Sums], confidence: float
    ) -> dict[str, Any]:
        """The part of `result.json` that compares the policy with where it started."""
        ...
