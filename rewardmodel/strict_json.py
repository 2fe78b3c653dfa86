"""JSON without what Python alone lets pass: doubled keys, and numbers that are not finite. Standard library only."""

import json
import math
from typing import Any


def decode_strictly(text: str) -> Any:
    """The value of a JSON text.

    Raises: json.JSONDecodeError where it is none; ValueError where a key stands twice in an object; RecursionError for
    too deep a nest. NaN and infinities pass, so that a field's own check can name the field.
    """
    return _DECODER.decode(text)


def find_non_finite(value: Any) -> float | None:
    """A number anywhere in a JSON value that is NaN, or beyond what a float holds, such as 1e999; None without one."""
    waiting = [value]
    while waiting:
        each = waiting.pop()
        if isinstance(each, float) and not math.isfinite(each):
            return each
        if isinstance(each, dict | list):
            waiting.extend(each.values() if isinstance(each, dict) else each)
    return None


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A JSON object, of whose doubled keys Python alone would keep the last without a word."""
    row = dict(pairs)
    if len(row) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for place, name in enumerate(names) if name in names[:place])
        raise ValueError(f"the key {twice!r} stands twice in one object; leave one")
    return row


_DECODER = json.JSONDecoder(object_pairs_hook=_unique)
