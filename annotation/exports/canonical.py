"""PURE. The canonical record: one answer with all that is needed to understand it, and nothing to look up elsewhere.

Every export format is a function of it.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, TypedDict

from annotation.kinds.criteria import Scores
from annotation.kinds.registry import Answer

SCHEMA = "rlhf.preference/1"


class Message(TypedDict):
    """One turn of a conversation."""

    role: str
    content: str


class SourceRecord(TypedDict):
    """Who or what wrote a response, and how it was drawn."""

    name: str | None
    sampling: dict[str, Any]


class ResponseRecord(TypedDict):
    """One response; `id` is its key, by which tiers and scores name it."""

    id: str
    messages: list[Message]
    source: SourceRecord


class CanonicalRecord(TypedDict):
    """One answer."""

    schema: str
    answer_id: str
    revision: int
    task_id: str
    prompt_id: str
    """The prompt's external id; all answers to one prompt share it, so splits go by it."""
    project: str
    kind: str
    prompt: list[Message]
    tools: list[dict[str, Any]] | None
    responses: list[ResponseRecord]
    shown_order: list[str]
    """Empty where it isn't known, as for imported answers."""
    tiers: list[list[str]]
    """Best first; empty for a scalar answer, like bad, unranked and strength."""
    bad: list[str]
    unranked: list[str]
    strength: list[int | None] | None
    criteria: Scores
    rationale: str
    rationales: dict[str, str]
    """Reasons for single scores, by criterion."""
    confidence: int | None
    active_ms: int | None
    annotator: str
    """A pseudonym."""
    simulated: bool
    """True when a program gave the answer, not a person."""
    gold: bool
    """True when the task has a known answer."""
    created_at: str | None
    """ISO 8601 in UTC."""
    lease: str | None
    dataset_snapshot: str | None


def build_response(
    *, key: str, text: str, source: str | None, sampling: Mapping[str, Any] | None = None
) -> ResponseRecord:
    """A response's part of the record."""
    return {
        "id": key,
        "messages": [{"role": "assistant", "content": text}],
        "source": {"name": source or None, "sampling": dict(sampling or {})},
    }


def build_record(
    *,
    answer: Answer,
    answer_id: str,
    task_id: str,
    prompt_id: str,
    project: str,
    prompt: Sequence[Message],
    responses: Sequence[ResponseRecord],
    annotator: str,
    created_at: datetime | None,
    revision: int = 1,
    shown_order: Sequence[str] = (),
    simulated: bool = False,
    gold: bool = False,
    lease: str | None = None,
    snapshot: str | None = None,
) -> CanonicalRecord:
    """The record of one answer, from plain values.

    created_at: aware; written in UTC.
    """
    said = answer.as_mapping()
    return {
        "schema": SCHEMA,
        "answer_id": answer_id,
        "revision": revision,
        "task_id": task_id,
        "prompt_id": prompt_id,
        "project": project,
        "kind": answer.kind,
        "prompt": list(prompt),
        "tools": None,
        "responses": list(responses),
        "shown_order": list(shown_order),
        "tiers": said.get("tiers", []),
        "bad": said.get("bad", []),
        "unranked": said.get("unranked", []),
        "strength": said.get("strength"),
        "criteria": said["scores"],
        "rationale": said["rationale"],
        "rationales": said["rationales"],
        "confidence": said["confidence"],
        "active_ms": said["active_ms"],
        "annotator": annotator,
        "simulated": simulated,
        "gold": gold,
        "created_at": format_time(created_at),
        "lease": lease,
        "dataset_snapshot": snapshot,
    }


def read_answer(record: CanonicalRecord) -> dict[str, Any]:
    """What was said, in the form that `kinds.registry.answer_from_mapping` takes."""
    said: dict[str, Any] = {
        "scores": record["criteria"],
        "rationale": record["rationale"],
        "rationales": record["rationales"],
        "confidence": record["confidence"],
        "active_ms": record["active_ms"],
    }
    if record["kind"] == "scalar":
        return said
    ranked = {"tiers": record["tiers"], "bad": record["bad"], "unranked": record["unranked"]}
    return {**ranked, "strength": record["strength"], **said}


def format_time(moment: datetime | None) -> str | None:
    """ISO 8601 in UTC with a Z, exact to the microsecond."""
    return None if moment is None else moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
