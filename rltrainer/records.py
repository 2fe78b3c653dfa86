"""What flows through a step: completions, their groups, and the rows that the loss sees."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from rewardmodel.records import PromptRecord

FinishReason = Literal["stop", "length"]


@dataclass(frozen=True, slots=True)
class EncodedPrompt:
    """A prompt in the policy's tokens."""

    record: PromptRecord
    """The prompt as the starter wrote it."""
    token_ids: tuple[int, ...]
    """The rendered chat up to where the answer begins."""


@dataclass(frozen=True, slots=True)
class Completion:
    """One sampled answer. `Completion((5, 9, 2), (-0.1, -2.3, -0.4), "stop", seed=7)` ends with stop token 2."""

    token_ids: tuple[int, ...]
    """Sampled tokens, the stop token included."""
    log_probs: tuple[float, ...]
    """The sampler's log-probability of each, in nats, after division by temperature and before any cut by top_p."""
    finish_reason: FinishReason
    """`stop`: ended by a stop token; `length`: cut off at the longest allowed."""
    seed: int
    """Seed of this completion's own random numbers."""

    def __post_init__(self) -> None:
        if len(self.token_ids) != len(self.log_probs) or not self.token_ids:
            raise ValueError(f"{len(self.token_ids)} tokens with {len(self.log_probs)} log-probs")


@dataclass(frozen=True, slots=True)
class Group:
    """All completions of one prompt in one step, with what they earned."""

    prompt: EncodedPrompt
    """What was asked."""
    completions: tuple[Completion, ...]
    """The answers."""
    texts: tuple[str, ...]
    """The answers as text, without the stop token."""
    policy_version: int
    """How many optimizer steps the policy had taken when it sampled them."""
    reward_parts: dict[str, tuple[float, ...]] = field(default_factory=dict)
    """Each part's value for each completion, before weighting."""
    rewards: tuple[float, ...] = ()
    """Weighted sum for each completion; empty until scored."""
    task_rewards: tuple[float, ...] = ()
    """The same without parts that only shape (length, repetition): whether a group has something to teach is decided
    on these."""
    reward_noise: tuple[float, ...] = ()
    """Deviation among the members of a reward model's ensemble for each completion; empty where there is none."""
    reward_distance: tuple[float, ...] = ()
    """How far each completion lies from what the reward model learned from, in typical distances of held-out responses;
    empty where no reward model tells it."""
    reward_unfamiliar: tuple[float, ...] = ()
    """For each completion the share of reward models that find it farther away than 95 % of held-out responses."""


@dataclass(frozen=True, slots=True)
class TrainingRow:
    """One completion as the loss sees it."""

    prompt_ids: tuple[int, ...]
    """Tokens of the prompt: no loss."""
    completion_ids: tuple[int, ...]
    """Tokens of the answer: each has a loss."""
    advantages: tuple[float, ...]
    """[tokens] how much better each token was than expected; one value for all where groups are compared."""
    sampler_log_probs: tuple[float, ...]
    """[tokens] log-probs as sampled."""
    reference_log_probs: tuple[float, ...] | None = None
    """[tokens] log-probs under the reference; None where they are not wanted."""
    old_log_probs: tuple[float, ...] | None = None
    """[tokens] log-probs under the policy that sampled; None while the policy has not moved since, when they equal the
    current ones."""
    values: tuple[float, ...] | None = None
    """[tokens] what the critic expected before each token; None without a critic."""
    returns: tuple[float, ...] | None = None
    """[tokens] what the critic should have expected; None without a critic."""
    counted: bool = True
    """False: left out of the loss and of what it is divided by."""


@dataclass(frozen=True, slots=True)
class TrainingBatch:
    """All rows of one optimizer step."""

    rows: tuple[TrainingRow, ...]
    """Grouped by prompt: completions of one prompt are neighbours."""
    policy_version: int
    """How many optimizer steps the policy had taken when it sampled them."""

    @property
    def tokens(self) -> int:
        """Completion tokens of all rows, counted or not."""
        return sum(len(row.completion_ids) for row in self.rows)

    @property
    def counted_rows(self) -> tuple[TrainingRow, ...]:
        """The rows that the loss sees."""
        return tuple(row for row in self.rows if row.counted)


def flatten_completions(groups: Sequence[Group]) -> list[tuple[Group, int]]:
    """Every completion of every group, in order, as (group, index in it)."""
    return [(group, index) for group in groups for index in range(len(group.completions))]
