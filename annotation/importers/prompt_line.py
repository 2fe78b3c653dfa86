"""PURE. One object of the interchange format -> one checked ImportedPrompt."""

from collections.abc import Mapping
from typing import Any

from annotation.importers.judgment_item import read_gold, read_judgments
from annotation.importers.metadata import read_metadata
from annotation.importers.records import ImportedMessage, ImportedPrompt, ImportedResponse
from annotation.kinds import ranking, scalar
from annotation.kinds.faults import FaultList, refuse_unknown_keys, shorten
from annotation.kinds.fields import name_type, read_text, text_fault
from annotation.kinds.registry import KINDS

LINE_KEYS = ("external_id", "kind", "prompt", "tags", "responses", "judgments", "gold", "metadata")
RESPONSE_KEYS = ("id", "text", "source")
MESSAGE_KEYS = ("role", "content")
ROLES = ("system", "user", "assistant", "tool")
LAST_ROLES = ("user", "tool")
RESPONSES_ALLOWED = {"ranking": (2, ranking.MOST_RESPONSES), "scalar": (1, scalar.MOST_RESPONSES)}

EXTERNAL_ID_CHARACTERS = 200
RESPONSE_KEY_CHARACTERS = 64
SOURCE_CHARACTERS = 200
TAG_CHARACTERS = 100
MOST_TAGS = 50
MOST_MESSAGES = 200
TEXT_CHARACTERS = 200_000


def read_prompt(mapping: Mapping[str, Any], faults: FaultList, *, line: int) -> ImportedPrompt | None:
    """The prompt of one line, or None when it has a fault; every fault is reported with its field's path."""
    refuse_unknown_keys(mapping, LINE_KEYS, faults)
    kind = _read_kind(mapping, faults)
    responses = _read_responses(mapping, faults, kind)
    keys = [response.key for response in responses]
    prompt = ImportedPrompt(
        external_id=_read_required_text(mapping, "external_id", faults, longest=EXTERNAL_ID_CHARACTERS),
        kind=kind,
        prompt=_read_messages(mapping, faults),
        responses=responses,
        judgments=read_judgments(mapping.get("judgments"), faults.at("judgments"), kind=kind, response_keys=keys),
        gold=read_gold(mapping.get("gold"), faults.at("gold"), kind=kind, response_keys=keys),
        tags=_read_tags(mapping.get("tags"), faults.at("tags")),
        metadata=read_metadata(mapping.get("metadata"), faults.at("metadata")),
        line=line,
    )
    return None if faults.faults else prompt


def _read_required_text(
    mapping: Mapping[str, Any], name: str, faults: FaultList, *, longest: int, empty_allowed: bool = False
) -> str:
    value = mapping.get(name)
    if isinstance(value, str) and not text_fault(value, longest=longest, empty_allowed=empty_allowed):
        return value  # the way of nearly all texts
    if name not in mapping:
        faults.add("is missing", name)
        return ""
    return read_text(value, faults.at(name), longest=longest, empty_allowed=empty_allowed)


def _read_kind(mapping: Mapping[str, Any], faults: FaultList) -> str:
    kind = mapping.get("kind")
    if isinstance(kind, str) and kind in KINDS:
        return kind
    found = "is missing" if "kind" not in mapping else f"{shorten(kind)!r} is no feedback kind"
    faults.add(f"{found}; use {' or '.join(KINDS)}", "kind")
    return ""


def _read_messages(mapping: Mapping[str, Any], faults: FaultList) -> tuple[ImportedMessage, ...]:
    value = mapping.get("prompt")
    if not isinstance(value, list):
        text = _read_required_text(mapping, "prompt", faults, longest=TEXT_CHARACTERS)
        return (ImportedMessage("user", text),)
    place = faults.at("prompt")
    if not 1 <= len(value) <= MOST_MESSAGES:
        place.add(f"expected 1 to {MOST_MESSAGES} messages, got {len(value)}")
        return ()
    messages = tuple(_read_message(item, place.at(number)) for number, item in enumerate(value))
    if messages[-1].role in ROLES and messages[-1].role not in LAST_ROLES:
        place.add(f"the last message must be from {' or '.join(LAST_ROLES)}, so that there is something to answer")
    return messages


def _read_message(value: object, faults: FaultList) -> ImportedMessage:
    if not isinstance(value, Mapping):
        faults.add(f"expected an object with role and content, got {name_type(value)}")
        return ImportedMessage("", "")
    refuse_unknown_keys(value, MESSAGE_KEYS, faults)
    role = value.get("role")
    if role not in ROLES:
        faults.add(f"{shorten(role)!r} is no role; use {', '.join(ROLES)}", "role")
        role = ""
    content = _read_required_text(value, "content", faults, longest=TEXT_CHARACTERS, empty_allowed=role != "user")
    return ImportedMessage(role, content)


def _read_responses(mapping: Mapping[str, Any], faults: FaultList, kind: str) -> tuple[ImportedResponse, ...]:
    value = mapping.get("responses")
    place = faults.at("responses")
    if not isinstance(value, list):
        place.add("is missing" if "responses" not in mapping else f"expected a list, got {name_type(value)}")
        return ()
    fewest, most = RESPONSES_ALLOWED.get(kind, (1, scalar.MOST_RESPONSES))
    if not fewest <= len(value) <= most:
        place.add(f"a {kind or 'task'} line takes {fewest} to {most} responses, got {len(value)}")
        return ()
    responses = tuple(_read_response(item, place.at(number)) for number, item in enumerate(value))
    seen: set[str] = set()
    for number, response in enumerate(responses):
        if response.key and response.key in seen:
            place.at(number).add(f"{response.key!r} is used twice; give every response its own id", "id")
        seen.add(response.key)
    return responses


def _read_response(value: object, faults: FaultList) -> ImportedResponse:
    if not isinstance(value, Mapping):
        faults.add(f"expected an object with id and text, got {name_type(value)}")
        return ImportedResponse("", "")
    refuse_unknown_keys(value, RESPONSE_KEYS, faults)
    source = value.get("source")
    return ImportedResponse(
        key=_read_required_text(value, "id", faults, longest=RESPONSE_KEY_CHARACTERS),
        text=_read_required_text(value, "text", faults, longest=TEXT_CHARACTERS, empty_allowed=True),
        source=None if source is None else read_text(source, faults.at("source"), longest=SOURCE_CHARACTERS),
    )


def _read_tags(value: object, faults: FaultList) -> tuple[str, ...]:
    if value is None:
        return ()
    if not isinstance(value, list):
        faults.add(f"expected a list of texts, got {name_type(value)}")
        return ()
    if len(value) > MOST_TAGS:
        faults.add(f"at most {MOST_TAGS} tags are allowed, got {len(value)}")
        return ()
    tags = [read_text(tag, faults.at(number), longest=TAG_CHARACTERS) for number, tag in enumerate(value)]
    return tuple(dict.fromkeys(tags))
