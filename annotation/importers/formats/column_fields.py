"""PURE. Which column of a table is which field: checked mappings, and a first guess by the columns' names."""

import re
from collections.abc import Iterable, Mapping
from difflib import get_close_matches

from annotation.kinds.criteria import CRITERION_NAME

PLAIN_FIELDS = {
    "external_id": "the row's id; made of the content where there is none",
    "prompt": "what was asked: text, or a list of messages",
    "system": "instructions that stand before the prompt",
    "response": "the one response of a scoring task",
    "responses": "a list of responses: texts, or objects with text and source",
    "source": "who or what wrote the one response",
    "preferred": "which response was preferred: its letter or column, or tie",
    "strength": "how much better: 1 slightly, 2 clearly, 3 much",
    "annotator": "who judged",
    "rationale": "why",
    "confidence": "how sure, 1 to 5",
    "created_at": "when, as 2026-02-01T10:00:00Z",
    "tags": "words separated by commas, or a list",
}
NAMED_FIELDS = {
    "response": "response.a: a response of a ranking task",
    "source": "source.a: who or what wrote it",
    "rank": "rank.a: its place, 1 is best, equal places tie",
    "score": "score.helpful: a number on a criterion; with several responses score.helpful.a",
    "metadata": "metadata.topic: anything else to keep",
}
SYNONYMS = {
    "external_id": ("id", "external_id", "uid", "uuid", "prompt_id", "question_id", "task_id", "example_id"),
    "prompt": ("prompt", "question", "instruction", "query", "input", "context", "messages"),
    "system": ("system", "system_prompt"),
    "response": ("response", "answer", "completion", "output", "reply", "generation"),
    "responses": ("responses", "answers", "completions", "outputs", "candidates"),
    "source": ("source", "model", "policy", "generator"),
    "preferred": ("preferred", "preference", "winner", "choice", "choose", "better", "label"),
    "strength": ("strength", "margin"),
    "annotator": ("annotator", "annotator_id", "rater", "rater_id", "worker", "worker_id", "user", "user_id", "judge"),
    "rationale": ("rationale", "reason", "comment", "justification", "explanation"),
    "confidence": ("confidence",),
    "created_at": ("created_at", "timestamp", "date", "time"),
    "tags": ("tags", "tag", "category", "topic"),
}
LETTERED = re.compile(r"(?P<name>[a-z]+)_?(?P<key>[a-i]|[1-9])$")
LETTERED_FIELDS = {
    "response": ("response", "answer", "completion", "output", "reply", "text", "option"),
    "source": ("source", "model", "policy"),
    "rank": ("rank", "place", "position"),
}
SCORES = ("score", "rating", "helpfulness", "correctness", "coherence", "honesty", "safety", "harmlessness", "quality")


def guess_mapping(columns: Iterable[str]) -> dict[str, str]:
    """Column -> field, by name; a column that nothing fits is left out, and no field is given twice."""
    found: dict[str, str] = {}
    for column in columns:
        field = _guess_field(re.sub(r"[\s-]+", "_", column.strip().lower()))
        if field and field not in found.values():
            found[column] = field
    return found


def _guess_field(name: str) -> str | None:
    for field, names in SYNONYMS.items():
        if name in names:
            return field
    if match := LETTERED.match(name):
        for field, names in LETTERED_FIELDS.items():
            if match["name"] in names:
                return f"{field}.{match['key']}"
    return f"score.{name}" if name in SCORES else None


def mapping_faults(mapping: Mapping[str, str], columns: Iterable[str] | None = None) -> list[str]:
    """What is wrong with a mapping, in sentences; `columns` are those of the file, where they are known."""
    known = None if columns is None else list(columns)
    faults = []
    for column, field in mapping.items():
        if known is not None and column not in known:
            near = get_close_matches(column, known, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(known)}"
            faults.append(f"There is no column {column!r}; {hint}")
        if not _is_field(field):
            faults.append(f"{field!r} is no field for column {column!r}; there are {', '.join(all_fields())}")
    for field in sorted({field for field in mapping.values() if list(mapping.values()).count(field) > 1}):
        faults.append(f"The field {field!r} is given to several columns; give it to one")
    return faults


def all_fields() -> list[str]:
    """The fields as a person writes them."""
    return [*PLAIN_FIELDS, *(f"{name}.…" for name in NAMED_FIELDS)]


def _is_field(field: str) -> bool:
    if field in PLAIN_FIELDS:
        return True
    name, _, rest = field.partition(".")
    parts = rest.split(".")
    if name not in NAMED_FIELDS or not all(parts) or len(parts) > (2 if name == "score" else 1):
        return False
    return name != "score" or CRITERION_NAME.fullmatch(parts[0]) is not None
