"""PURE. The format `concord`: the interchange format that annotation.importers.concord reads back."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from annotation.exports.canonical import CanonicalRecord, Message, ResponseRecord, read_answer
from annotation.exports.prompt_group import PromptGroup
from annotation.kinds.scalar import ScalarAnswer, select_response


def write_rows(groups: Iterable[PromptGroup], *, view: str) -> Iterator[dict[str, Any]]:
    """One row a prompt, unjudged prompts included.

    Scalar tasks of one prompt share a row as long as each annotator's remarks on them are one and the same, as they
    are when such a row was imported. Where they differ, every response gets a row of its own, named
    `prompt id#response`, because a row holds one judgment an annotator.
    """
    for group in groups:
        if group.kind == "ranking":
            yield _row(group, group.external_id, group.responses, [_judgment(record) for record in group.records])
        else:
            yield from _scalar_rows(group)


def _scalar_rows(group: PromptGroup) -> Iterator[dict[str, Any]]:
    merged = _merge_by_annotator(group.records)
    if merged is not None:
        yield _row(group, group.external_id, group.responses, merged)
        return
    for response in group.responses:
        key = response["id"]
        about = [_judgment(record) for record in group.records if record["responses"][0]["id"] == key]
        yield _row(group, f"{group.external_id}#{key}", [response], about)


def _merge_by_annotator(records: Sequence[CanonicalRecord]) -> list[dict[str, Any]] | None:
    """One judgment an annotator, or None where that would lose what they said on single responses."""
    merged: dict[str, dict[str, Any]] = {}
    for record in records:
        judgment = _judgment(record)
        known = merged.setdefault(record["annotator"], judgment)
        if any(known[name] != judgment[name] for name in judgment if name != "scores"):
            return None
        known["scores"] = _join_scores(known["scores"], judgment["scores"])
    return list(merged.values())


def _join_scores(left: dict[str, Any], right: dict[str, Any]) -> dict[str, Any]:
    return {name: {**left.get(name, {}), **right.get(name, {})} for name in {**left, **right}}


def _judgment(record: CanonicalRecord) -> dict[str, Any]:
    return {"annotator": record["annotator"], **read_answer(record), "created_at": record["created_at"]}


def _row(
    group: PromptGroup, external_id: str, responses: Sequence[ResponseRecord], judgments: list[dict[str, Any]]
) -> dict[str, Any]:
    return {
        "external_id": external_id,
        "kind": group.kind,
        "prompt": _prompt(group.prompt),
        "tags": list(group.tags),
        "responses": [_response(response) for response in responses],
        "judgments": judgments,
        "gold": _gold(group, responses),
        "metadata": group.metadata,
    }


def _prompt(messages: Sequence[Message]) -> str | list[Message]:
    """A single question stays plain text."""
    if len(messages) == 1 and messages[0]["role"] == "user":
        return messages[0]["content"]
    return list(messages)


def _response(response: ResponseRecord) -> dict[str, Any]:
    return {"id": response["id"], "text": response["messages"][0]["content"], "source": response["source"]["name"]}


def _gold(group: PromptGroup, responses: Sequence[ResponseRecord]) -> dict[str, Any] | None:
    gold = group.gold
    if isinstance(gold, ScalarAnswer) and len(responses) == 1:
        gold = select_response(gold, responses[0]["id"])
    return None if gold is None else gold.as_mapping()
