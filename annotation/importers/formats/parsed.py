"""PURE. What a format makes of a record, and what it is told to make it with."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

import orjson

from annotation.kinds.faults import Fault, FaultList

LETTERS = "abcdefghijklmnopqrstuvwxyz"


@dataclass(frozen=True, slots=True)
class ParseOptions:
    """What the person who imports decided."""

    kind: str | None = None
    """The project's feedback kind, where a format can give either."""
    mapping: Mapping[str, str] = field(default_factory=dict)
    """Column -> field."""


@dataclass(frozen=True, slots=True)
class Parsed:
    """A line of the interchange format, and where its parts stood in the record."""

    line: dict[str, Any]
    """Without `external_id` where the record has none."""
    places: Mapping[str, str] = field(default_factory=dict)
    """Path in the line -> path in the record, so that faults name what is in the file."""
    needs_id: bool = False
    """Whether a record without an id is a fault; otherwise one is made of its content."""


def source_fault(fault: Fault, places: Mapping[str, str]) -> Fault:
    """The fault with its field as the file has it; the longest known beginning of the path decides."""
    path = fault["field"]
    for known in sorted(places, key=len, reverse=True):
        if path == known or path.startswith((f"{known}.", f"{known}[")):
            return {"field": places[known] + path[len(known) :], "message": fault["message"]}
    return fault


def take(record: Mapping[str, Any], name: str, faults: FaultList) -> Any:
    """The value of a field that must be there; None and a fault where it isn't."""
    if record.get(name) is None:
        faults.add("is missing" if name not in record else "must not be null", name)
    return record.get(name)


def take_list(record: Mapping[str, Any], name: str, faults: FaultList) -> list[Any]:
    """The list in a field that must be there; empty and a fault where it isn't one."""
    value = take(record, name, faults)
    if value is not None and not isinstance(value, list):
        faults.add("expected a list", name)
    return value if isinstance(value, list) else []


def unpack_json(value: Any) -> Any:
    """The list or object that stands in a text, as tables write what is nested; anything else as it is."""
    if not isinstance(value, str) or value.lstrip()[:1] not in ("[", "{"):
        return value
    try:
        return orjson.loads(value)
    except orjson.JSONDecodeError:
        return value


def unpack_messages(value: Any) -> Any:
    """The messages that stand in a text; a text that merely looks like JSON stays a text."""
    found = unpack_json(value)
    is_list = isinstance(found, list) and bool(found)
    return found if is_list and all(isinstance(turn, Mapping) and "role" in turn for turn in found) else value


def content_id(texts: Sequence[str]) -> str:
    """An id made of content: the same again wherever and whenever the content is imported."""
    digest = sha256()
    for text in texts:
        digest.update(text.encode(errors="surrogatepass") + b"\0")
    return digest.hexdigest()[:24]


def fair_order(first: str, second: str) -> tuple[str, str]:
    """The two letters for two texts, by their digests: where the better one stands in a file says nothing here."""
    return ("a", "b") if content_id([first]) <= content_id([second]) else ("b", "a")
