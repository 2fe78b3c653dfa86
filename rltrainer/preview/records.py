"""What a preview says, as it goes into `preview.json`."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

Role = Literal["completion", "response", "chosen", "rejected"]


@dataclass(frozen=True, slots=True)
class PreviewToken:
    """One token of a sequence and what is learned at it."""

    position: int
    """Its position id in the network's input."""
    token_id: int
    text: str
    part: Literal["prompt", "completion"]
    predicted_at: int | None = None
    """Position whose output predicts it; None where nothing is learned from that."""
    has_loss: bool = False
    """Whether anything is learned at it."""
    loss: float = 0.0
    """Weight of its log-probability in the step's loss: below 0 it is made likelier, above 0 less likely. 0 beside
    `has_loss` where other things than that weigh, or where the price of distance is still 0."""
    log_prob: float | None = None
    """Its log-probability under the policy, nats."""
    advantage: float | None = None
    """How much better than expected it was."""
    reward: float | None = None
    """What it earns, where rewards have tokens."""
    value: float | None = None
    """What the critic expects before it, read at `predicted_at`."""
    value_target: float | None = None
    """What the critic should have expected."""
    is_stop: bool = False
    """Whether it ends a response."""


@dataclass(frozen=True, slots=True)
class PreviewPart:
    """One part of a completion's reward."""

    name: str
    value: float
    """Before weighting."""
    weight: float
    is_shaping: bool
    """Whether it says something of the form alone."""


@dataclass(frozen=True, slots=True)
class PreviewCompletion:
    """A completion with its prompt, and what it earns."""

    role: Role
    number: int
    """Its place in the group."""
    text: str
    finish_reason: str
    """`stop`: ended by itself; `length`: cut off."""
    is_counted: bool
    """False: left out of the loss and of what it is divided by."""
    tokens: tuple[PreviewToken, ...]
    parts: tuple[PreviewPart, ...] = ()
    reward: float | None = None
    """The weighted sum of the parts."""
    task_reward: float | None = None
    """The same without shaping."""


@dataclass(frozen=True, slots=True)
class Preview:
    """One sample as a run would learn it."""

    kind: str
    prompt_id: str
    prompt: tuple[Mapping[str, str], ...]
    stop_tokens: Mapping[int, str]
    """Tokens that end a response, as text by id."""
    longest: int
    """Tokens that a completion (a whole sequence where responses are given) may have."""
    completions: tuple[PreviewCompletion, ...]
    """All of the step that this sample is by itself."""
    rewards_of_group: tuple[float, ...] = ()
    """What all completions of the group earn."""
    notes: tuple[str, ...] = field(default=())
    """What to know about it, in plain words."""
    schema: int = 1

    def to_dict(self) -> dict[str, Any]:
        """The JSON form."""
        return asdict(self)


def notes_on(completions: Sequence[PreviewCompletion], *, longest: int) -> list[str]:
    """What is worth saying about any sample, in plain words."""
    notes = []
    for completion in completions:
        name = f"{completion.role} {completion.number}"
        lossy = [token for token in completion.tokens if token.has_loss]
        own = [token for token in completion.tokens if token.part == "completion"]
        notes.append(f"{name}: {len(lossy)} of {len(completion.tokens)} tokens have a loss; the prompt has none")
        if completion.finish_reason == "length":
            notes.append(f"{name}: was cut off at {longest} tokens, and so it has no stop token")
        elif not own[-1].is_stop:
            notes.append(f"{name}: ends without a stop token; the policy would not learn to end")
        if not completion.is_counted:
            notes.append(f"{name}: is left out of the loss, for it was cut off (loss.mask_truncated)")
        elif len(lossy) < len(own):
            notes.append(f"{name}: {len(own) - len(lossy)} of its own tokens have no loss")
    return notes
