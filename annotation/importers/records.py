"""PURE. What a file of prompts brings, checked: one `ImportedPrompt` a line."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from annotation.kinds.registry import Answer


class ImportedMessage(NamedTuple):
    """One turn of a prompt."""

    role: str
    content: str


class ImportedResponse(NamedTuple):
    """One answer to the prompt; its text may be empty, because models do give empty answers."""

    key: str
    text: str
    source: str | None = None
    """Who or what wrote it, or None when the file doesn't say."""


@dataclass(frozen=True, slots=True)
class ImportedJudgment:
    """What one annotator said about the responses."""

    annotator: str
    answer: Answer
    created_at: datetime | None = None
    """In UTC, or None when the file doesn't say."""


@dataclass(frozen=True, slots=True)
class ImportedPrompt:
    """One line: a prompt, its responses and what is known about them."""

    external_id: str
    kind: str
    prompt: tuple[ImportedMessage, ...]
    responses: tuple[ImportedResponse, ...]
    judgments: tuple[ImportedJudgment, ...] = ()
    gold: Answer | None = None
    tags: tuple[str, ...] = ()
    metadata: dict[str, Any] = field(default_factory=dict)
    line: int = field(default=0, compare=False)
    """Where it stands in the file, for messages about what is found wrong later."""

    @property
    def response_keys(self) -> list[str]:
        """The responses' keys in the file's order."""
        return [response.key for response in self.responses]

    @property
    def characters(self) -> int:
        """The length of its texts."""
        asked = sum(len(turn.content) for turn in self.prompt)
        return asked + sum(len(response.text) for response in self.responses)
