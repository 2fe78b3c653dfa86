"""PURE. Preference pairs: prompt, chosen, rejected, as texts or messages, with the prompt apart or inside both.

Source: TRL, docs/source/dataset_formats.md (standard and conversational, explicit and implicit preference); the same
columns serve RewardBench, UltraFeedback-binarized and RLHFlow.
"""

from collections.abc import Mapping
from typing import Any

from annotation.importers.formats.parsed import Parsed, ParseOptions, fair_order, take
from annotation.kinds.faults import FaultList

ANNOTATOR = "preference-data"


def recognise(record: Mapping[str, Any]) -> bool:
    """A chosen and a rejected answer."""
    return all(isinstance(record.get(name), str | list) for name in ("chosen", "rejected"))


def parse(record: Mapping[str, Any], faults: FaultList, options: ParseOptions) -> Parsed | None:
    """One ranking task of two responses with the one judgment that the record is."""
    prompt: Any = record.get("prompt")
    texts = []
    shared: list[Any] | None = None
    for name in ("chosen", "rejected"):
        value = take(record, name, faults)
        before, text = _split_messages(value, name, faults, prompt)
        if shared is not None and before != shared:
            faults.add("must share all messages but the last one with chosen", name)
        shared = before if shared is None else shared
        texts.append(text)
    if prompt is None and not shared:
        faults.add("is missing, and chosen and rejected do not begin with it", "prompt")
    if faults.faults:
        return None
    return pair_line(
        prompt if prompt is not None else shared,
        *texts,
        annotator=ANNOTATOR,
        models=(record.get("chosen_model"), record.get("rejected_model")),
        external_id=record.get("id") or record.get("prompt_id"),
        tags=record.get("subset"),
    )


def _split_messages(value: object, name: str, faults: FaultList, prompt: object) -> tuple[list[Any], str]:
    """The messages before the answer, and the answer's text."""
    if isinstance(value, str):
        return [], value
    last = value[-1] if isinstance(value, list) and value else None
    if not isinstance(last, Mapping) or not isinstance(last.get("content"), str):
        if value is not None:
            faults.add("expected text, or messages of which the last one is the answer", name)
        return [], ""
    assert isinstance(value, list)
    before = value[:-1]
    if prompt is not None and before and isinstance(prompt, list) and before != prompt:
        faults.add("its messages differ from prompt before the last one", name)
    return before, last["content"]


def pair_line(
    prompt: Any,
    chosen: str,
    rejected: str,
    *,
    annotator: str,
    models: tuple[Any, Any] = (None, None),
    external_id: Any = None,
    tags: Any = None,
) -> Parsed:
    """A ranking line of the two, in an order that tells nothing."""
    good, poor = fair_order(chosen, rejected)
    responses = sorted(
        [{"id": good, "text": chosen, "source": models[0]}, {"id": poor, "text": rejected, "source": models[1]}],
        key=lambda response: str(response["id"]),
    )
    line: dict[str, Any] = {
        "kind": "ranking",
        "prompt": prompt,
        "responses": responses,
        "judgments": [{"annotator": annotator, "tiers": [[good], [poor]]}],
    }
    if external_id is not None:
        line["external_id"] = str(external_id)
    if isinstance(tags, str) and tags:
        line["tags"] = [tags]
    names = {good: "chosen", poor: "rejected"}
    places = {f"responses[{number}]": names[str(each["id"])] for number, each in enumerate(responses)}
    texts = {f"{path}.text": name for path, name in places.items()}
    sources = {f"{path}.source": f"{name}_model" for path, name in places.items()}
    return Parsed(line, {**places, **texts, **sources, "external_id": "id"})
