"""PURE. An import in the words and figures of its page."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from annotation.importers.records import ImportedPrompt

COUNTED = ("prompts", "responses", "tasks", "judgments", "annotators", "skipped")


@dataclass(frozen=True, slots=True)
class PreviewResponse:
    """A response under the letter that an annotator would see; who wrote it is not shown."""

    letter: str
    text: str


@dataclass(frozen=True, slots=True)
class PreviewPrompt:
    """A prompt as it would be imported, blind."""

    external_id: str
    kind: str
    turns: list[tuple[str, str]]
    responses: list[PreviewResponse]
    judgments: int
    is_gold: bool
    has_sources: bool
    tags: tuple[str, ...]
    line: int


def preview_prompts(prompts: Iterable[ImportedPrompt]) -> list[PreviewPrompt]:
    """The prompts with letters for keys, because keys and sources name models."""
    return [
        PreviewPrompt(
            external_id=prompt.external_id,
            kind=prompt.kind,
            turns=[(turn.role, turn.content) for turn in prompt.prompt],
            responses=[
                PreviewResponse(chr(ord("A") + place), response.text) for place, response in enumerate(prompt.responses)
            ],
            judgments=len(prompt.judgments),
            is_gold=prompt.gold is not None,
            has_sources=any(response.source for response in prompt.responses),
            tags=prompt.tags,
            line=prompt.line,
        )
        for prompt in prompts
    ]


def describe_import(job: Any) -> dict[str, Any]:
    """Share done and the counts that are not zero, in the order in which people ask for them."""
    counts = [(name, job.counts.get(name, 0)) for name in COUNTED]
    return {
        "percent": min(100, round(100 * job.bytes_done / job.size_bytes)) if job.size_bytes else 0,
        "counts": [(name, count) for name, count in counts if count],
        "more_errors": max(0, job.error_count - len(job.errors)) if job.errors else 0,
    }
