"""PURE: where two configs differ, key by key. Standard library only."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

_ABSENT: Any = object()


@dataclass(frozen=True, slots=True)
class Difference:
    """One key whose values are two."""

    key: str
    """The dotted key, down to the value itself."""
    old: Any
    """The earlier value."""
    new: Any
    """The present one."""

    def describe(self, *, then: str, now: str) -> str:
        """`optimizer.passes (1 THEN, 2 NOW)`, the values as JSON."""
        return f"{self.key} ({_show(self.old)} {then}, {_show(self.new)} {now})"


def list_differences(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[Difference]:
    """Every key with another value, or that only one of both has, in the order of the new one."""
    before, after = dict(_leaves(old)), dict(_leaves(new))
    found = [
        Difference(key, before.get(key, _ABSENT), after.get(key, _ABSENT)) for key in dict.fromkeys([*after, *before])
    ]
    return [each for each in found if each.old is _ABSENT or each.new is _ABSENT or each.old != each.new]


def _leaves(section: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in section.items():
        if isinstance(value, Mapping):
            yield from _leaves(value, f"{path}{name}.")
        else:
            yield f"{path}{name}", value


def _show(value: Any) -> str:
    return "nothing" if value is _ABSENT else json.dumps(value, ensure_ascii=False)
