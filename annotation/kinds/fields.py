"""PURE. Readers of single JSON values: each gives the value or reports a fault and gives the empty one.

None of them coerces: a number sent as text is a fault, because guessing here would change what a person said.
"""

import math
from collections.abc import Iterable, Mapping

from annotation.kinds.faults import FaultList, refuse_unknown_keys, shorten

LARGEST_NUMBER = 1e15
"""Past this a float no longer holds every whole number, and no rating scale needs it."""

LARGEST_INTEGER = 2_147_483_647
"""What a database integer column holds."""

RATIONALE_CHARACTERS = 20_000


def read_text(value: object, faults: FaultList, *, longest: int, empty_allowed: bool = False) -> str:
    """Text that any UTF-8 store can hold: no NUL, no half of a surrogate pair, at most `longest` characters."""
    if not isinstance(value, str):
        faults.add(f"expected text, got {name_type(value)}")
        return ""
    message = text_fault(value, longest=longest, empty_allowed=empty_allowed)
    if message:
        faults.add(message)
        return ""
    return value


def text_fault(value: str, *, longest: int, empty_allowed: bool) -> str:
    """Why this text can't be taken, or an empty string."""
    if len(value) > longest:
        return f"too long: {len(value):,} characters, at most {longest:,} are allowed"
    if not empty_allowed and (not value or value.isspace()):
        return "must not be empty"
    if "\x00" in value:
        return "contains a NUL character (\\u0000); remove it"
    return "" if value.isascii() else _surrogate_fault(value)


def _surrogate_fault(value: str) -> str:
    try:
        value.encode()
    except UnicodeEncodeError:
        return "contains half of a surrogate pair, which is not valid Unicode; remove it"
    return ""


def read_number(value: object, faults: FaultList) -> int | float | None:
    """A finite number; NaN, infinities, true and false are faults."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        faults.add(f"expected a number, got {name_type(value)}")
        return None
    if isinstance(value, float) and math.isnan(value):
        faults.add("NaN is not a number; use null for 'not applicable'")
        return None
    if not -LARGEST_NUMBER <= value <= LARGEST_NUMBER:
        faults.add("must be a finite number between -1e15 and 1e15")
        return None
    return value


def read_whole_number(value: object, faults: FaultList, *, lowest: int, highest: int) -> int | None:
    """A whole number in the range, or None when none was given."""
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int):
        faults.add(f"expected a whole number or null, got {name_type(value)}")
        return None
    if not lowest <= value <= highest:
        faults.add(f"must be between {lowest} and {highest}")
        return None
    return value


def read_rationale(value: object, faults: FaultList) -> str:
    """The reason in the annotator's words; null and empty text both mean that none was given."""
    return "" if value is None else read_text(value, faults, longest=RATIONALE_CHARACTERS, empty_allowed=True)


def read_rationales(value: object, faults: FaultList, *, criteria: Iterable[str] | None) -> dict[str, str]:
    """Reasons for single scores as {criterion: text}; empty ones are left out.

    criteria: the names that may stand here; None where they aren't known yet.
    """
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        faults.add(f"expected an object of criterion: text, got {name_type(value)}")
        return {}
    if criteria is not None:
        refuse_unknown_keys(value, criteria, faults)
    read = {str(name): read_rationale(text, faults.at(shorten(name))) for name, text in value.items()}
    return {name: text for name, text in read.items() if text.strip()}


def read_confidence(value: object, faults: FaultList) -> int | None:
    """How sure the annotator is: 1 (a guess) to 5 (certain), or None when not asked."""
    return read_whole_number(value, faults, lowest=1, highest=5)


def read_active_ms(value: object, faults: FaultList) -> int | None:
    """Milliseconds of attention on the page, or None when not measured."""
    return read_whole_number(value, faults, lowest=0, highest=LARGEST_INTEGER)


def name_type(value: object) -> str:
    """What JSON calls this value."""
    names: dict[type, str] = {
        dict: "an object",
        list: "a list",
        str: "text",
        bool: "true or false",
        int: "a number",
        float: "a number",
    }
    return "null" if value is None else names.get(type(value), shorten(type(value).__name__))
