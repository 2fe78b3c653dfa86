"""PURE. What is wrong with a piece of input, field by field."""

from collections.abc import Iterable
from difflib import get_close_matches
from typing import TypedDict


class Fault(TypedDict):
    """One thing that is wrong: where, and what to do about it."""

    field: str
    message: str


class AnswerError(ValueError):
    """An answer that can't be stored; `faults` lists everything wrong with it, not only the first thing."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults: list[Fault] = list(faults)
        super().__init__("; ".join(f"{fault['field']}: {fault['message']}" for fault in self.faults))


class FaultList:
    """Collects faults while a value is read, so that one look tells a person everything to mend.

    `at(name)` gives a list for a nested value: its faults are reported as `parent.name`. The path is put together only
    when there is something to report, for nearly all values are fine.
    """

    __slots__ = ("_name", "_parent", "faults")

    def __init__(self, parent: "FaultList | None" = None, name: str | int = "") -> None:
        self.faults: list[Fault] = [] if parent is None else parent.faults
        self._parent = parent
        self._name = name

    def at(self, name: str | int) -> "FaultList":
        """The same list seen from a nested field or, for a number, a list position."""
        return FaultList(self, name)

    def add(self, message: str, field: str = "") -> None:
        """Report a fault here, or in the named field below here."""
        place = self.at(field)._path() if field else self._path()
        self.faults.append({"field": place, "message": message})

    def _path(self) -> str:
        before = "" if self._parent is None else self._parent._path()
        if isinstance(self._name, int):
            return f"{before}[{self._name}]"
        return f"{before}.{self._name}" if before and self._name else before or self._name

    def raise_if_any(self) -> None:
        """Raises: AnswerError when something was reported."""
        if self.faults:
            raise AnswerError(self.faults)


def refuse_unknown_keys(mapping: Iterable[object], known: Iterable[str], faults: FaultList) -> None:
    """Report every key that isn't known, with the nearest known one."""
    names = tuple(known)
    unknown = [key for key in mapping if key not in names]
    for key in unknown:
        near = get_close_matches(str(key), sorted(names), n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"known keys are {', '.join(sorted(names))}"
        faults.add(f"unknown key; {hint}", shorten(key))


def shorten(value: object, limit: int = 60) -> str:
    """A value as it may stand in a message: never longer than a line."""
    text = str(value)
    return text if len(text) <= limit else f"{text[: limit - 1]}…"
