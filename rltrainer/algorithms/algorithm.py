"""What the loop asks of an algorithm: rows with advantages. The loss of the policy is the same for all."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from rltrainer.records import Group, TrainingBatch
from rltrainer.tally import Tally


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known about the completions of a step, in the order of their groups."""

    policy_version: int
    """Optimizer steps that the policy has taken; groups of another version are off-policy."""
    kl_coefficient: float
    """Price of one nat of distance from the reference, as it stands."""
    reference_log_probs: Sequence[tuple[float, ...]] | None = None
    """Log-probs of each completion's tokens under the reference; None where they are not wanted."""
    values: Sequence[tuple[float, ...]] | None = None
    """What the critic expected before each token; None without a critic."""


class AdvantageRule(Protocol):
    """Turns scored groups into rows with advantages."""

    def prepare(self, groups: Sequence[Group], evidence: Evidence, tally: Tally) -> TrainingBatch:
        """The rows of one step; what is worth knowing about them goes into the tally."""
        ...
