"""JSON mappings into frozen dataclasses and back, with every fault named. Standard library only."""

import copy
import dataclasses
import json
import sys
import types
import typing
from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

DataclassT = TypeVar("DataclassT")
_UNREADABLE: Any = object()
"""In place of a value whose form is wrong; the fault is listed."""


class ConfigError(ValueError):
    """A configuration that cannot be used; `faults` lists all that is wrong, each beginning with the dotted key."""

    def __init__(self, faults: Iterable[str]) -> None:
        self.faults: list[str] = list(faults)
        super().__init__("; ".join(self.faults))


def parse_dataclass(owner: type[DataclassT], mapping: Any, *, path: str = "") -> DataclassT:
    """An `owner` built from a JSON mapping; defaults fill what is absent.

    A dataclass may define `validate() -> Iterable[str]`, whose faults begin with a key relative to it.
    Raises: ConfigError with every fault of every nested section at once.
    """
    faults: list[str] = []
    value = _read_dataclass(owner, mapping, path, faults)
    if faults:
        raise ConfigError(faults)
    return typing.cast(DataclassT, value)


def dump_dataclass(value: Any) -> dict[str, Any]:
    """The JSON form of a config: nested dicts, tuples as lists."""
    return typing.cast(dict[str, Any], json.loads(json.dumps(dataclasses.asdict(value))))


def with_overrides(mapping: Mapping[str, Any], assignments: Iterable[str]) -> dict[str, Any]:
    """A copy of `mapping` with each `dotted.key=value` put in; values are JSON where they parse as JSON, else text.

    Raises: ConfigError naming each assignment that has no `=` or that leads through something that is no section.
    """
    changed = copy.deepcopy(dict(mapping))
    faults = [fault for assignment in assignments if (fault := _override(changed, assignment))]
    if faults:
        raise ConfigError(faults)
    return changed


def _override(mapping: dict[str, Any], assignment: str) -> str | None:
    key, separator, text = assignment.partition("=")
    *sections, last = key.strip().split(".")
    if not separator or not all([*sections, last]):
        return f"{assignment}: write it as section.key=value"
    for section in sections:
        mapping = mapping.setdefault(section, {})
        if not isinstance(mapping, dict):
            return f"{key}: '{section}' is a value, not a section"
    mapping[last] = _json_or_text(text)
    return None


def _json_or_text(text: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return text


def _read_dataclass(owner: Any, mapping: Any, path: str, faults: list[str]) -> Any:
    if not isinstance(mapping, Mapping):
        faults.append(f"{path or 'config'}: expected a section (a JSON object), got {_describe(mapping)}")
        return _UNREADABLE
    fields = {field.name: field for field in dataclasses.fields(owner)}
    faults.extend(_unknown_keys(mapping, fields, path))
    values = _read_fields(owner, fields, mapping, path, faults)
    if any(_is_required(field) and name not in values for name, field in fields.items()):
        return _UNREADABLE
    # Defaults stand in for what could not be read, so that faults of meaning elsewhere are told at the same time.
    value = owner(**values)
    faults.extend(_join(path, fault) for fault in getattr(value, "validate", tuple)())
    return value


def _read_fields(
    owner: Any, fields: Mapping[str, dataclasses.Field[Any]], mapping: Mapping[str, Any], path: str, faults: list[str]
) -> dict[str, Any]:
    hints = typing.get_type_hints(owner)
    values: dict[str, Any] = {}
    for name, field in fields.items():
        if name in mapping:
            if (value := _read(hints[name], mapping[name], _join(path, name), faults)) is not _UNREADABLE:
                values[name] = value
        elif dataclasses.is_dataclass(hints[name]) and not _is_required(field):
            values[name] = _read_dataclass(hints[name], {}, _join(path, name), faults)
        elif _is_required(field):
            faults.append(f"{_join(path, name)}: is missing")
    return values


def _unknown_keys(mapping: Mapping[str, Any], fields: Mapping[str, Any], path: str) -> list[str]:
    known = ", ".join(sorted(fields))
    return [f"{_join(path, str(key))}: unknown key (known here: {known})" for key in mapping if key not in fields]


def _is_required(field: dataclasses.Field[Any]) -> bool:
    return field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _read(hint: Any, value: Any, path: str, faults: list[str]) -> Any:
    origin = typing.get_origin(hint)
    if origin in (typing.Union, types.UnionType):
        return _read_optional(hint, value, path, faults)
    if origin is typing.Literal:
        return _read_literal(hint, value, path, faults)
    if origin in (tuple, list):
        return _read_sequence(hint, value, path, faults)
    if origin is dict:
        return _read_table(hint, value, path, faults)
    if dataclasses.is_dataclass(hint):
        return _read_dataclass(hint, value, path, faults)
    return _read_scalar(hint, value, path, faults)


def _read_optional(hint: Any, value: Any, path: str, faults: list[str]) -> Any:
    members = [member for member in typing.get_args(hint) if member is not type(None)]
    if len(members) != 1:
        raise TypeError(f"{path}: config fields may be X or X | None, not {hint}")
    return None if value is None else _read(members[0], value, path, faults)


def _read_literal(hint: Any, value: Any, path: str, faults: list[str]) -> Any:
    choices = typing.get_args(hint)
    if not any(type(value) is type(choice) and value == choice for choice in choices):
        faults.append(f"{path}: expected one of {', '.join(json.dumps(c) for c in choices)}, got {_describe(value)}")
        return _UNREADABLE
    return value


def _read_sequence(hint: Any, value: Any, path: str, faults: list[str]) -> Any:
    if not isinstance(value, list | tuple):
        faults.append(f"{path}: expected a list, got {_describe(value)}")
        return _UNREADABLE
    member = typing.get_args(hint)[0]
    items = [_read(member, item, f"{path}[{index}]", faults) for index, item in enumerate(value)]
    if any(item is _UNREADABLE for item in items):
        return _UNREADABLE
    return tuple(items) if typing.get_origin(hint) is tuple else items


def _read_table(hint: Any, value: Any, path: str, faults: list[str]) -> Any:
    if not isinstance(value, Mapping):
        faults.append(f"{path}: expected a JSON object, got {_describe(value)}")
        return _UNREADABLE
    member = typing.get_args(hint)[1]
    table = {str(key): _read(member, item, _join(path, str(key)), faults) for key, item in value.items()}
    return _UNREADABLE if any(item is _UNREADABLE for item in table.values()) else table


def _read_scalar(hint: Any, value: Any, path: str, faults: list[str]) -> Any:
    if hint is Any:
        return value
    if hint is float and type(value) in (int, float):
        if -sys.float_info.max <= value <= sys.float_info.max:
            return float(value)
    elif type(value) is hint:
        return value
    expected = {int: "a whole number", float: "a finite number", str: "text", bool: "true or false"}[hint]
    faults.append(f"{path}: expected {expected}, got {_describe(value)}")
    return _UNREADABLE


def _describe(value: Any) -> str:
    text = json.dumps(value, default=str)
    return text if len(text) <= 60 else f"{text[:57]}..."
