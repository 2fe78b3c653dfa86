"""PURE. One line of JSON Lines -> one object."""

import json
from typing import Any

import orjson

from annotation.importers.lines import LONGEST_LINE_BYTES
from annotation.kinds.fields import name_type

DEEPEST_NESTING = 32
NESTING = (dict, list)


class LineSyntaxError(ValueError):
    """A line that holds no usable JSON object; the message says what to do."""


def decode_line(line: bytes) -> tuple[dict[str, Any], str]:
    """The line's object, and what is wrong with its JSON although it could be read ("" when nothing is).

    NaN, infinities and halves of surrogate pairs are no JSON, yet many writers produce them. The object is given
    anyhow, so that the check of its fields can say where they are; the remark makes sure that it is never taken.
    Raises: LineSyntaxError
    """
    if len(line) > LONGEST_LINE_BYTES:
        raise LineSyntaxError(f"longer than {LONGEST_LINE_BYTES // 1024**2} MiB; split it")
    try:
        value, remark = orjson.loads(line), ""
    except orjson.JSONDecodeError as error:
        remark = f"not valid JSON at column {error.colno}: {error.msg}"
        value = _decode_leniently(_decode_utf8(line), remark)
    if not isinstance(value, dict):
        raise LineSyntaxError(f"expected a JSON object, got {name_type(value)}")
    # Most lines have fewer brackets than that; then nobody need go through them.
    if line.count(b"{") + line.count(b"[") > DEEPEST_NESTING and nested_deeper(value, DEEPEST_NESTING):
        raise LineSyntaxError(f"nested more than {DEEPEST_NESTING} levels deep")
    return value, remark


def _decode_utf8(line: bytes) -> str:
    try:
        return line.decode()
    except UnicodeDecodeError as error:
        raise LineSyntaxError(
            f"not UTF-8: byte {error.start + 1} is {line[error.start]:#04x}; save it as UTF-8"
        ) from None


def _decode_leniently(text: str, remark: str) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise LineSyntaxError(remark) from None


def nested_deeper(value: object, levels: int) -> bool:
    """Whether lists and objects stand in each other more than `levels` deep; looks no deeper than that itself."""
    if type(value) not in NESTING:
        return False
    if not levels:
        return True
    children = value.values() if isinstance(value, dict) else value
    return any(type(child) in NESTING and nested_deeper(child, levels - 1) for child in children)  # type: ignore[attr-defined]
