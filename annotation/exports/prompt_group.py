"""PURE. What the formats read: the answers of one prompt, together with what is known of the prompt itself."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from annotation.consensus.leanings import Leaning
from annotation.exports.canonical import CanonicalRecord, Message, ResponseRecord
from annotation.kinds.registry import Answer


@dataclass(frozen=True, slots=True)
class PromptGroup:
    """One prompt at a time is in memory, never the project.

    A ranking group is one task (a prompt that was ranked twice, with other responses, gives two groups with the same
    `prompt_id`); a scalar group is all tasks of one prompt, one response each.
    """

    external_id: str
    """The task's id for a ranking, the prompt's for scalar tasks: unique in a file."""
    prompt_id: str
    """The prompt's external id."""
    kind: str
    prompt: Sequence[Message]
    responses: Sequence[ResponseRecord]
    """In the task's stored order."""
    records: Sequence[CanonicalRecord] = ()
    """The current answers; none for a prompt that nobody has judged."""
    gold: Answer | None = None
    verdict: CanonicalRecord | None = None
    """What a reviewer decided on a ranking, in the form of an answer."""
    is_unusable: bool = False
    """Whether a reviewer found that the ranking cannot be judged."""
    tags: Sequence[str] = ()
    metadata: dict[str, Any] = field(default_factory=dict)
    leanings: dict[tuple[str, str], Leaning] = field(default_factory=dict)
    """What the crowd says of two responses, by their ids; filled for the view `consensus` only."""
