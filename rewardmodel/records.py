"""The records a run directory carries in and out, one JSON object a line. Standard library only."""

import json
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from rewardmodel.strict_json import decode_strictly, find_non_finite

RecordT = TypeVar("RecordT")
Message = dict[str, str]
ROLES = ("system", "user", "assistant", "tool")
ORIGINS = ("chosen", "adjudicated", "demonstration")


class DataError(ValueError):
    """A record that cannot be used; the message names file, line and field."""


@dataclass(frozen=True, slots=True)
class Votes:
    """How many people said what about one pair."""

    chosen: int = 0
    """Votes for the chosen response."""
    rejected: int = 0
    """Votes for the rejected response."""
    tie: int = 0
    """Votes that called the two equal."""


@dataclass(frozen=True, slots=True)
class PreferenceRecord:
    """Two responses to one prompt and what people said about them."""

    id: str
    """Name of the record, unique in its file."""
    prompt_id: str
    """The prompt; all records of one prompt are in one split."""
    prompt: tuple[Message, ...]
    """Chat messages, `{"role", "content"}` each."""
    chosen: str
    """The response with more votes."""
    rejected: str
    """The other response."""
    votes: Votes = field(default_factory=Votes)
    """Votes behind the pair; all zero where nobody's votes are known."""
    preference: float | None = None
    """How likely a person prefers the chosen response, ties half, where that is known better than the votes say it:
    people differ in how reliable they are. From 0.5 to 1; the votes may then be against it."""
    margin: float = 0.0
    """Reward difference that the winner should have at least."""
    weight: float = 1.0
    """Weight of the pair in the loss."""
    derived_from: str = "ranking"
    """The feedback kind: `ranking` or `scalar`."""
    judgments: tuple[int, ...] = ()
    """Ids of the judgments behind the pair."""


@dataclass(frozen=True, slots=True)
class ExampleRecord:
    """A response to imitate."""

    id: str
    """Name of the record, unique in its file."""
    prompt_id: str
    """The prompt; all records of one prompt are in one split."""
    prompt: tuple[Message, ...]
    """Chat messages."""
    response: str
    """What the model should say."""
    origin: str = "demonstration"
    """Why it is worth imitating: `chosen` by people among others, `adjudicated`, or a `demonstration` of a person."""
    judgments: tuple[int, ...] = ()
    """Ids of the judgments behind it."""


@dataclass(frozen=True, slots=True)
class PromptRecord:
    """A prompt to answer."""

    prompt_id: str
    """Name of the prompt."""
    prompt: tuple[Message, ...]
    """Chat messages."""
    metadata: Mapping[str, Any] = field(default_factory=dict)
    """Whatever the starter wants to find again, for instance a known answer."""


@dataclass(frozen=True, slots=True)
class ResponseRecord:
    """A response to score."""

    prompt_id: str
    """Name of the prompt."""
    sample: int
    """Which response to the prompt, from 0."""
    prompt: tuple[Message, ...]
    """Chat messages."""
    text: str
    """The response."""


def to_json(record: Any) -> dict[str, Any]:
    """The JSON object of a record; the reading functions below take it back unchanged."""
    return asdict(record)


def read_preferences(path: Path) -> list[PreferenceRecord]:
    """All preference records of a file. Raises: DataError naming the line and field."""
    return list(read_records(path, parse_preference))


def read_examples(path: Path) -> list[ExampleRecord]:
    """All example records of a file. Raises: DataError naming the line and field."""
    return list(read_records(path, parse_example))


def read_prompts(path: Path) -> list[PromptRecord]:
    """All prompt records of a file. Raises: DataError naming the line and field."""
    return list(read_records(path, parse_prompt))


def read_responses(path: Path) -> list[ResponseRecord]:
    """All response records of a file. Raises: DataError naming the line and field."""
    return list(read_records(path, parse_response))


def parse_preference(row: Mapping[str, Any]) -> PreferenceRecord:
    """A preference record from its JSON object. Raises: DataError naming the field."""
    reader = _Row(row, PreferenceRecord)
    votes = _Row(reader.take("votes", dict, {}), Votes, "votes.")
    record = PreferenceRecord(
        id=reader.text("id"),
        prompt_id=reader.text("prompt_id"),
        prompt=reader.messages("prompt"),
        chosen=reader.take("chosen", str),
        rejected=reader.take("rejected", str),
        votes=Votes(*(votes.count(name) for name in ("chosen", "rejected", "tie"))),
        preference=None if row.get("preference") is None else reader.number("preference", 1.0),
        margin=reader.number("margin", 0.0),
        weight=reader.number("weight", 1.0),
        derived_from=reader.take("derived_from", str, "ranking"),
        judgments=reader.whole_numbers("judgments"),
    )
    _check_preference(record)
    return record


def parse_example(row: Mapping[str, Any]) -> ExampleRecord:
    """An example record from its JSON object. Raises: DataError naming the field."""
    reader = _Row(row, ExampleRecord)
    record = ExampleRecord(
        id=reader.text("id"),
        prompt_id=reader.text("prompt_id"),
        prompt=reader.messages("prompt"),
        response=reader.text("response"),
        origin=reader.take("origin", str, "demonstration"),
        judgments=reader.whole_numbers("judgments"),
    )
    if record.origin not in ORIGINS:
        raise DataError(f"origin: expected one of {', '.join(ORIGINS)}, got {record.origin!r}")
    return record


def parse_prompt(row: Mapping[str, Any]) -> PromptRecord:
    """A prompt record from its JSON object. Raises: DataError naming the field."""
    reader = _Row(row, PromptRecord)
    if (number := find_non_finite(metadata := reader.take("metadata", dict, {}))) is not None:
        raise DataError(f"metadata: expected finite numbers, got {number}")
    return PromptRecord(reader.text("prompt_id"), reader.messages("prompt"), metadata)


def parse_response(row: Mapping[str, Any]) -> ResponseRecord:
    """A response record from its JSON object. Raises: DataError naming the field."""
    reader = _Row(row, ResponseRecord)
    text = reader.take("text", str)
    return ResponseRecord(reader.text("prompt_id"), reader.count("sample"), reader.messages("prompt"), text)


def _check_preference(record: PreferenceRecord) -> None:
    if record.margin < 0:
        raise DataError(f"margin: must be 0 or more, got {record.margin}")
    if record.weight < 0:
        raise DataError(f"weight: must be 0 or more, got {record.weight}")
    if record.chosen == record.rejected:
        raise DataError("rejected: is the same text as 'chosen'; nothing can be learned from the pair, leave it out")
    if record.preference is not None and not 0.5 <= record.preference <= 1:
        raise DataError(f"preference: must be from 0.5 to 1, got {record.preference}; below 0.5 swap the two responses")
    if record.preference is None and record.votes.rejected > record.votes.chosen:
        raise DataError("votes: 'rejected' has more votes than 'chosen'; swap the two responses")


def read_records(path: Path, parse: Callable[[Mapping[str, Any]], RecordT]) -> Iterator[RecordT]:
    """A record from each line of a file, which may begin with a byte order mark. Raises: DataError naming the line."""
    if not path.is_file():
        raise DataError(f"{path.name}: the file is missing at {path}")
    try:
        # Bytes, because text with a broken character would not say in which line it stands.
        with path.open("rb") as lines:
            for number, line in enumerate(lines, start=1):
                if line.removeprefix(b"\xef\xbb\xbf").strip():
                    yield _parse_line(line, parse, f"{path.name} line {number}")
    except OSError as error:
        raise DataError(f"{path.name}: cannot be read: {error}") from error


def _parse_line(line: bytes, parse: Callable[[Mapping[str, Any]], RecordT], place: str) -> RecordT:
    try:
        row = decode_strictly(line.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise DataError(f"{place}: not valid UTF-8 at byte {error.start + 1}; save the file as UTF-8") from error
    except json.JSONDecodeError as error:
        raise DataError(f"{place}: not valid JSON: {error.msg} at column {error.colno}") from error
    except (ValueError, RecursionError) as error:
        raise DataError(f"{place}: JSON that cannot be read: {error}") from error
    if not isinstance(row, dict):
        raise DataError(f"{place}: expected a JSON object, got {type(row).__name__}")
    try:
        return parse(row)
    except DataError as error:
        raise DataError(f"{place}: {error}") from error


class _Row:
    """One JSON object, read field by field with the field's name in every error."""

    def __init__(self, row: Mapping[str, Any], owner: Any, prefix: str = "") -> None:
        self.row = row
        self.prefix = prefix
        known = tuple(owner.__dataclass_fields__)
        if unknown := [key for key in row if key not in known]:
            raise DataError(f"{prefix}{unknown[0]}: unknown field (known: {', '.join(known)})")

    def take(self, name: str, kind: type, default: Any = None) -> Any:
        value = self.row.get(name, default)
        if value is None:
            raise DataError(f"{self.prefix}{name}: is missing")
        if not isinstance(value, kind) or isinstance(value, bool):
            raise DataError(f"{self.prefix}{name}: expected {_KIND_NAMES[kind]}, got {type(value).__name__}")
        if isinstance(value, str):
            _check_text(value, f"{self.prefix}{name}")
        return value

    def whole_numbers(self, name: str) -> tuple[int, ...]:
        values = self.take(name, list, [])
        if wrong := [value for value in values if type(value) is not int]:
            raise DataError(f"{self.prefix}{name}: expected whole numbers, got {wrong[0]!r}")
        return tuple(values)

    def text(self, name: str) -> str:
        value = self.take(name, str)
        if not value:
            raise DataError(f"{self.prefix}{name}: is empty")
        return str(value)

    def count(self, name: str) -> int:
        value = self.take(name, int, 0)
        if value < 0:
            raise DataError(f"{self.prefix}{name}: must be 0 or more, got {value}")
        return int(value)

    def number(self, name: str, default: float) -> float:
        value = self.row.get(name, default)
        if type(value) not in (int, float) or not -_LARGEST <= value <= _LARGEST:
            raise DataError(f"{self.prefix}{name}: expected a finite number, got {value!r}")
        return float(value)

    def messages(self, name: str) -> tuple[Message, ...]:
        messages = self.take(name, list)
        if not messages:
            raise DataError(f"{self.prefix}{name}: needs at least one message")
        return tuple(self._message(message, f"{self.prefix}{name}[{i}]") for i, message in enumerate(messages))

    def _message(self, message: Any, place: str) -> Message:
        if not isinstance(message, dict) or set(message) != {"role", "content"}:
            raise DataError(f"{place}: expected an object with exactly 'role' and 'content'")
        if message["role"] not in ROLES:
            raise DataError(f"{place}.role: expected one of {', '.join(ROLES)}, got {message['role']!r}")
        if not isinstance(message["content"], str):
            raise DataError(f"{place}.content: expected text, got {type(message['content']).__name__}")
        _check_text(message["content"], f"{place}.content")
        return {"role": message["role"], "content": message["content"]}


def _check_text(text: str, place: str) -> None:
    """Refuse what JSON can spell but no tokenizer, file or database takes."""
    if "\0" in text:
        raise DataError(f"{place}: has a NUL character at position {text.index(chr(0)) + 1}; take it out")
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise DataError(f"{place}: has half a surrogate pair at position {error.start + 1}; take it out") from error


_LARGEST = sys.float_info.max
_KIND_NAMES: dict[type, str] = {str: "text", int: "a whole number", list: "a list", dict: "a JSON object"}
