"""PURE: nested sections as YAML, for which JSON's leaves are good enough but for its floats."""

import json
from collections.abc import Iterator, Mapping
from typing import Any


def write_yaml(sections: Mapping[str, Any]) -> str:
    """The text of a YAML file."""
    return "\n".join(_lines(sections, "")) + "\n"


def _lines(sections: Mapping[str, Any], indent: str) -> Iterator[str]:
    for name, value in sections.items():
        # YAML 1.1 reads a bare n as "no".
        key = json.dumps(name) if name in ("n", "y") else name
        if isinstance(value, Mapping):
            yield f"{indent}{key}:"
            yield from _lines(value, indent + "  ")
        else:
            yield f"{indent}{key}: {_leaf(value)}"


def _leaf(value: Any) -> str:
    if isinstance(value, float):
        text = repr(value)
        # YAML 1.1 takes 1e-06 for a word; a number needs its point.
        return text.replace("e", ".0e") if "e" in text and "." not in text else text
    if isinstance(value, list):
        return "[" + ", ".join(_leaf(member) for member in value) + "]"
    return json.dumps(value, ensure_ascii=False)
