"""PURE. Free metadata of a prompt: any JSON object that a JSON column can hold."""

from typing import Any

import orjson

from annotation.kinds.faults import FaultList
from annotation.kinds.fields import name_type, read_number, text_fault

LARGEST_BYTES = 64 * 1024


def read_metadata(value: object, faults: FaultList) -> dict[str, Any]:
    """The object, at most 64 KiB as JSON, without anything that a database refuses later."""
    if value is None:
        return {}
    if not isinstance(value, dict):
        faults.add(f"expected an object, got {name_type(value)}")
        return {}
    before = len(faults.faults)
    _check_values(value, faults)
    if len(faults.faults) > before:
        return {}
    size = len(orjson.dumps(value))
    if size > LARGEST_BYTES:
        faults.add(f"too large: {size:,} bytes as JSON, at most {LARGEST_BYTES:,} are allowed")
        return {}
    return value


def _check_values(value: object, faults: FaultList) -> None:
    """Depth was bounded when the line was decoded, so recursion is safe."""
    if isinstance(value, dict):
        for key, item in value.items():
            _check_text(key, faults)
            _check_values(item, faults.at(key[:60]))
    elif isinstance(value, list):
        for number, item in enumerate(value):
            _check_values(item, faults.at(number))
    elif isinstance(value, str):
        _check_text(value, faults)
    elif value is not None and not isinstance(value, bool):
        read_number(value, faults)


def _check_text(text: str, faults: FaultList) -> None:
    message = text_fault(text, longest=LARGEST_BYTES, empty_allowed=True)
    if message:
        faults.add(message)
